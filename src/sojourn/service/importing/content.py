"""Content: rows out of CSV and JSON lines, one after the other, so that memory does not grow with their number."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, Literal, cast

import msgspec

from sojourn.service.errors import InvalidDocument

LINE_MAX = 16 * 1024 * 1024
"""Bytes of a line of JSON, characters of one of CSV."""

SAMPLE_ROWS = 100
DELIMITERS = ",;\t|"
_NO_CELLS: list[str] = []

Fields = Mapping[str, Any]
TextFormat = Literal["csv", "jsonl"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        number: The line that it begins on, from 1; in Parquet the number of the row.
        fields: By column; empty where the row cannot be read.
        problem: Why it cannot be read; empty where it can.
        size: About how many characters it has; 0 where nobody counted.
    """

    number: int
    fields: Fields
    problem: str = ""
    size: int = 0


class Content:
    """The rows of some content, to be read once.

    Args:
        content: Where to read; its end is the end of the rows.
        format_: CSV with a header, or JSON lines.
        delimiter: Of CSV; None: the one that the header uses.
    """

    def __init__(self, content: BinaryIO, format_: TextFormat, *, delimiter: str | None = None) -> None:
        self._content = content
        self._format = format_
        self._delimiter = delimiter
        self._columns: list[str] = []
        self._text: io.TextIOWrapper | None = None  # closes the content when nobody holds it any more
        self._rows: Iterator[Row] | None = None

    def columns(self) -> list[str]:
        """Return the names of the columns; of JSON lines, those of the first rows."""
        self._begin()
        return self._columns

    def rows(self) -> Iterator[Row]:
        """Read the rows.

        Raises:
            InvalidDocument: A line is too long.
        """
        return self._begin()

    def close(self) -> None:
        """Let go of the content, which stays open."""
        if self._text is not None:
            self._text.detach()
            self._text = None

    def _begin(self) -> Iterator[Row]:
        if self._rows is None:
            self._rows = self._begin_csv() if self._format == "csv" else self._begin_json()
        return self._rows

    def _begin_json(self) -> Iterator[Row]:
        rows = _json_rows(self._content)
        sample = list(islice(rows, SAMPLE_ROWS))
        self._columns = list(dict.fromkeys(name for row in sample for name in row.fields))
        return chain(sample, rows)

    def _begin_csv(self) -> Iterator[Row]:
        # Bytes that are not UTF-8 come out as lone surrogates, which the checks of values refuse row by row.
        text = io.TextIOWrapper(self._content, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._text = text
        lines = _lines(text)
        header = next(lines, "")
        delimiter = self._delimiter or max(DELIMITERS, key=header.count)
        csv.field_size_limit(LINE_MAX)  # of the module, whose own is 128 kB: too little for all attributes of somebody
        reader = csv.reader(chain([header] if header else [], lines), delimiter=delimiter)
        self._columns = next(reader, _NO_CELLS)
        return _csv_rows(reader, self._columns)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    while line := text.readline(LINE_MAX):
        number += 1
        if len(line) == LINE_MAX:
            raise InvalidDocument(f"line {number} has more than {LINE_MAX} characters")
        yield line


def _csv_rows(reader: Iterator[list[str]], header: Sequence[str]) -> Iterator[Row]:
    # The csv module counts lines, but typeshed's iterator does not say so.
    lines = cast("Any", reader)
    while True:
        number = lines.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(number, {}, f"not CSV: {error}")
            continue
        if not cells:
            continue
        size = sum(map(len, cells))
        if len(cells) == len(header):
            yield Row(number, dict(zip(header, cells, strict=True)), size=size)
        else:
            problem = f"{len(cells)} cells instead of {len(header)}"
            yield Row(number, dict(enumerate_cells(cells)), problem, size)


def _json_rows(content: BinaryIO) -> Iterator[Row]:
    decoder = msgspec.json.Decoder()
    number = 0
    while line := content.readline(LINE_MAX):
        number += 1
        if len(line) == LINE_MAX:
            raise InvalidDocument(f"line {number} has more than {LINE_MAX} bytes; JSON lines have one row per line")
        if not line.strip():
            continue
        shown = {"line": line[:1000].decode(errors="replace")}
        try:
            fields = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            yield Row(number, shown, f"not JSON: {str(error).removeprefix('JSON is malformed: ')}")
            continue
        if isinstance(fields, dict):
            yield Row(number, cast("dict[str, Any]", fields), size=len(line))
        else:
            yield Row(number, shown, "not a JSON object")


def enumerate_cells(cells: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Name cells by their number, where the header cannot.

    >>> dict(enumerate_cells(["a", "b"]))
    {'1': 'a', '2': 'b'}
    """
    return ((str(number), cell) for number, cell in enumerate(cells, 1))
