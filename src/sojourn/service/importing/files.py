"""Files: rows out of CSV, JSON lines and Parquet, a chunk at a time, so that memory does not grow with the file."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from sojourn.service.errors import InvalidDocument
from sojourn.service.importing.parquet import parquet_batches, parquet_columns
from sojourn.service.importing.plan import Format

CHUNK_ROWS = 10_000
LINE_MAX = 16 * 1024 * 1024
SAMPLE_ROWS = 100
DELIMITERS = ",;\t|"
_NO_CELLS: list[str] = []

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        number: The line that it begins on, from 1; in Parquet the number of the row.
        fields: By column; empty where the row cannot be read.
        problem: Why it cannot be read; empty where it can.
    """

    number: int
    fields: Fields
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows, and what share of the file has been read with them."""

    rows: Sequence[Row]
    share: float


class SourceFile:
    """A file to import, open for one reading.

    Args:
        path: Compressed with gzip if it ends in .gz.
        format_: See `plan.format_of`.
        delimiter: Of CSV; None: the one that the header uses.
    """

    def __init__(self, path: Path, format_: Format, *, delimiter: str | None = None) -> None:
        self._path = path
        self._format = format_
        self._delimiter = delimiter

    def columns(self) -> list[str]:
        """Return the names of the columns; of JSON lines, those of the first rows."""
        if self._format == "parquet":
            return parquet_columns(self._path)
        with ExitStack() as stack:
            _, content = self._open(stack)
            if self._format == "csv":
                return next(self._csv_cells(_text(content, stack)), _NO_CELLS)
            rows = islice(self._json_rows(content), SAMPLE_ROWS)
            return list(dict.fromkeys(name for row in rows for name in row.fields))

    def content_hash(self) -> bytes:
        """Return a hash of the file's bytes."""
        digest = blake2b(digest_size=32)
        with self._path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.digest()

    def chunks(self) -> Iterator[Chunk]:
        """Read the file."""
        if self._format == "parquet":
            yield from self._parquet_chunks()
            return
        with ExitStack() as stack:
            size = max(1, self._path.stat().st_size)
            raw, content = self._open(stack)
            rows = self._json_rows(content) if self._format == "jsonl" else self._csv_rows(_text(content, stack))
            while some := list(islice(rows, CHUNK_ROWS)):
                yield Chunk(some, min(1.0, raw.tell() / size))

    def _open(self, stack: ExitStack) -> tuple[BinaryIO, BinaryIO]:
        """Open the file; what to measure progress by, and what to read."""
        raw = stack.enter_context(self._path.open("rb"))
        if self._path.suffix.lower() == ".gz":
            return raw, cast("BinaryIO", stack.enter_context(gzip.open(raw, "rb")))
        return raw, raw

    def _parquet_chunks(self) -> Iterator[Chunk]:
        number = 0
        for batch in parquet_batches(self._path, CHUNK_ROWS):
            yield Chunk([Row(number + place, fields) for place, fields in enumerate(batch.rows, 1)], batch.share)
            number += len(batch.rows)

    def _csv_cells(self, text: io.TextIOWrapper) -> "Iterator[list[str]]":
        delimiter = self._delimiter
        header = text.readline()
        if delimiter is None:
            delimiter = max(DELIMITERS, key=header.count)
        return csv.reader(_chain(header, text), delimiter=delimiter)

    def _csv_rows(self, text: io.TextIOWrapper) -> Iterator[Row]:
        reader = self._csv_cells(text)
        header = next(reader, _NO_CELLS)
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
            if len(cells) != len(header):
                yield Row(number, dict(enumerate_cells(cells)), f"{len(cells)} cells instead of {len(header)}")
                continue
            yield Row(number, dict(zip(header, cells, strict=True)))

    def _json_rows(self, content: BinaryIO) -> Iterator[Row]:
        decoder = msgspec.json.Decoder()
        number = 0
        while line := content.readline(LINE_MAX):
            number += 1
            if len(line) == LINE_MAX:
                raise InvalidDocument(f"line {number} has more than {LINE_MAX} bytes; JSON lines have one row per line")
            if not line.strip():
                continue
            try:
                fields = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                yield Row(number, {"line": line[:1000].decode(errors="replace")}, f"not JSON: {error}")
                continue
            if isinstance(fields, dict):
                yield Row(number, cast("dict[str, Any]", fields))
            else:
                yield Row(number, {"line": line[:1000].decode(errors="replace")}, "not a JSON object")


def enumerate_cells(cells: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name cells by their number, where the header cannot.

    >>> dict(enumerate_cells(["a", "b"]))
    {'1': 'a', '2': 'b'}
    """
    return ((str(number), cell) for number, cell in enumerate(cells, 1))


def _text(content: BinaryIO, stack: ExitStack) -> io.TextIOWrapper:
    # Bytes that are not UTF-8 come out as lone surrogates, which the checks of values refuse row by row.
    text = io.TextIOWrapper(content, encoding="utf-8-sig", errors="surrogateescape", newline="")
    return stack.enter_context(text)


def _chain(header: str, text: io.TextIOWrapper) -> Iterator[str]:
    yield header
    yield from text
