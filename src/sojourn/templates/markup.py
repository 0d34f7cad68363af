"""Markup: the pieces of a template that Liquid reads, found in time proportional to the text.

The lexer of python-liquid looks for the end of a piece once more from every place where one could begin, and tries
every way to part the white space in it, so that some short texts take it hours. Nothing reaches it that has not passed
here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MARKUP_MAX = 50_000
"""Characters of all pieces together."""

PIECE_MAX = 4_000
BLANK_MAX = 100

_OPENING = re.compile(r"\{\{|\{%")
_NAMED = re.compile(r"\{%-?\s*[#\w]")
_VERBATIM = re.compile(r"\{%-?\s*(raw|doc)\s*-?%\}")
_VERBATIM_END = {name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("raw", "doc")}
_BLANK = re.compile(rf"\s{{{BLANK_MAX + 1}}}")


@dataclass(frozen=True, slots=True)
class Piece:
    """One `{{ … }}` or `{% … %}`, and where it begins."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a text is not given to the lexer, and where this shows."""

    start: int
    text: str


def pieces(template: str) -> list[Piece] | Unreadable:
    """Return the pieces of a template, in order. What stands in `raw` and `doc` blocks is none.

    >>> pieces("Hello {{ profile.name }}!")
    [Piece(start=6, text='{{ profile.name }}')]
    >>> pieces("Hello {{ profile.name")
    Unreadable(start=6, text="expected '}}', found end of file")
    """
    found: list[Piece] = []
    size = 0
    for each in _pieces(template):
        if isinstance(each, Unreadable):
            return each
        found.append(each)
        size += len(each.text)
        if size > MARKUP_MAX:
            return Unreadable(each.start, f"tags and outputs have at most {MARKUP_MAX:,} characters together")
    return found


def _pieces(template: str) -> Iterator[Piece | Unreadable]:
    """Yield the pieces up to the first that cannot be read."""
    at = 0
    while opening := _OPENING.search(template, at):
        start = opening.start()
        verbatim = _VERBATIM.match(template, start)
        if verbatim:
            last = _VERBATIM_END[verbatim[1]].search(template, verbatim.end())
            if last is None:
                yield Unreadable(start, f"{verbatim[1]} tag was never closed")
                return
            at = last.end()
            continue
        closing = "}}" if opening[0] == "{{" else "%}"
        end = template.find(closing, start + 2)
        if end < 0:
            yield Unreadable(start, f"expected '{closing}', found end of file")
            return
        at = end + 2
        text = template[start:at]
        problem = _problem(text)
        yield Unreadable(start, problem) if problem else Piece(start, text)


def _problem(piece: str) -> str | None:
    if len(piece) > PIECE_MAX:
        return f"a tag or output has at most {PIECE_MAX:,} characters"
    if _BLANK.search(piece):
        return f"a tag or output has at most {BLANK_MAX} white space characters in a row"
    if piece.startswith("{%") and not _NAMED.match(piece):
        return "missing tag name or closing delimiter"
    return None
