"""Screen: how the command line talks: errors in one line, tables for eyes, JSON for programs."""

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sojourn.model.problems import SojournError, legible
from sojourn.store.wakeups import CONNECTION_LOST

WIDTH_OF_FILES = 200

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def plain_errors() -> Generator[None]:
    """Say what went wrong in one line, with the problems below, and exit with 1."""
    try:
        yield
    except SojournError as error:
        err.print(f"[red]error:[/red] {escape(error.text)}")
        for problem in error.problems:
            err.print(f"  {escape(legible(problem.where))}: {escape(problem.text)}")
        raise typer.Exit(1) from None
    except CONNECTION_LOST as error:
        err.print(f"[red]error:[/red] the database does not answer: {escape(' '.join(str(error).split()))}")
        raise typer.Exit(1) from None
    except FileNotFoundError as error:
        err.print(f"[red]error:[/red] {escape(str(error.filename))}: no such file")
        raise typer.Exit(1) from None
    except PermissionError as error:
        err.print(f"[red]error:[/red] {escape(str(error.filename))}: not allowed")
        raise typer.Exit(1) from None


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print rows; numbers on the right."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", pad_edge=False, box=None)
    listed = [list(row) for row in rows]
    for place, column in enumerate(columns):
        is_number = all(isinstance(row[place], int) for row in listed) and bool(listed)
        # An id that is cut is no id: what has no spaces keeps its width.
        words = [len(str(row[place])) for row in listed if " " not in str(row[place])]
        table.add_column(column, justify="right" if is_number else "left", min_width=max(words, default=0))
    for row in listed:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else escape(str(cell)) for cell in row))
    out.print(table)


def show_json(value: Any) -> None:  # noqa: ANN401 - whatever a command shows
    """Print a value as JSON."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
