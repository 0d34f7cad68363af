"""Texts: cells as CSV and as JSON lines."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sojourn.service.exporting.plan import TextFormat
from sojourn.service.exporting.rows import Cells

Encoder = Callable[[Sequence[Cells]], bytes]


def encoder_of(format_: TextFormat) -> Encoder:
    """Return what writes rows in a format; in CSV without the header."""
    return csv_rows if format_ == "csv" else json_lines


def header_of(format_: TextFormat, columns: Sequence[str]) -> bytes:
    """Return what stands before the rows."""
    return _csv([columns]) if format_ == "csv" else b""


def csv_rows(rows: Sequence[Cells]) -> bytes:
    """Write rows of CSV; what is no text or number is JSON in its cell."""
    return _csv([list(map(cell_text, row.values())) for row in rows])


def json_lines(rows: Sequence[Cells]) -> bytes:
    """Write a line of JSON for each row; what is not known is left out."""
    encode = msgspec.json.encode
    return b"".join(encode({name: value for name, value in row.items() if value is not None}) + b"\n" for row in rows)


def cell_text(value: Any) -> str:  # noqa: ANN401 - whatever a cell holds
    """Spell a value; empty for what is not known.

    >>> cell_text(None), cell_text("a"), cell_text(["a", 1]), cell_text(True), cell_text(1.5)
    ('', 'a', '["a",1]', 'true', '1.5')
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return msgspec.json.encode(value).decode()


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
