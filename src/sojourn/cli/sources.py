"""Sources: filters as they are given on the command line, and where they go wrong, shown under the text."""

import sys
from pathlib import Path

import typer
from rich.markup import escape

from sojourn.api.audience.spellings import in_language
from sojourn.api.common.bodies import parse as json_object
from sojourn.cli.screen import err
from sojourn.seglang import SeglangError, parse
from sojourn.service.errors import InvalidFilter

HELP = "In the segmentation language, or as JSON: a rule tree or a syntax tree; @FILE reads a file, `-` standard input."

SHOWN_MAX = 100
"""Characters of a line that are shown around a mistake."""


def read_source(given: str) -> str:
    """Return the filter that an argument stands for, in the segmentation language, and show where it cannot be read.

    Raises:
        Exit: It cannot be read: said with its line, and a mark below the place.
        InvalidFilter: The file is no text.
        MalformedRequest: It is JSON, but spells no segment.
    """
    source = _text(given)
    if source.startswith("{"):
        return in_language(json_object(source.encode()))
    try:
        parse(source)
    except SeglangError as wrong:
        err.print(f"[red]error:[/red] {escape(wrong.text)}")
        for line in pointed_out(source, wrong.line, wrong.column):
            err.print(f"  {line}", markup=False)
        raise typer.Exit(1) from None
    return source


def _text(given: str) -> str:
    try:
        if given == "-":
            return sys.stdin.read().strip()
        return Path(given[1:]).read_text(encoding="utf-8").strip() if given.startswith("@") else given
    except UnicodeDecodeError as error:
        raise InvalidFilter("a filter is UTF-8 text") from error


def pointed_out(source: str, line: int, column: int) -> tuple[str, str]:
    """Return a line of a text, or what of it is around a place, and a mark to stand below it.

    >>> pointed_out("A * B", 1, 3)
    ('A * B', '  ^')
    """
    lines = source.split("\n")
    text = lines[line - 1] if line <= len(lines) else ""
    begin = max(0, column - 1 - SHOWN_MAX // 2)
    shown = "".join(each if each.isprintable() else " " for each in text[begin : begin + SHOWN_MAX])
    return shown, " " * (column - 1 - begin) + "^"
