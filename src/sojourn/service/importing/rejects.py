"""Rejects: the list of refused rows: a CSV file with line, reason and row, or the first of them at hand."""

import csv
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import msgspec

from sojourn.service.importing.rows import Refused

HEADER = ("line", "reason", "row")


class RejectList:
    """Keeps the first refused rows at hand: lines and reasons."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self.rows: list[tuple[int, tuple[str, ...]]] = []

    def write(self, refused: Iterable[Refused]) -> None:
        """List rows, as many as there is room for."""
        for each in islice(refused, self._limit - len(self.rows)):
            self.rows.append((each.row.number, each.reasons))


class Rejects:
    """Lists refused rows in a file, which is made with the first of them.

    An interrupted import may have listed rows of a chunk that was not stored; they come again, so only the first
    `keep_rows` of what is listed stay.
    """

    def __init__(self, path: Path, *, keep_rows: int = 0) -> None:
        self._path = path
        self._keep_rows = keep_rows
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, refused: Iterable[Refused]) -> None:
        """List rows."""
        for each in refused:
            file = self._file = self._file or self._open()
            line = (each.row.number, "; ".join(each.reasons), _spell(each))
            csv.writer(file, lineterminator="\n").writerow(line)
        if self._file is not None:
            self._file.flush()

    def _open(self) -> TextIO:
        kept: list[list[str]] = []
        if self._keep_rows and self._path.exists():
            with self._path.open(encoding="utf-8", newline="") as file:
                kept = list(islice(csv.reader(file), 1, 1 + self._keep_rows))
        file = self._path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        csv.writer(file, lineterminator="\n").writerows([HEADER, *kept])
        return file


def _spell(refused: Refused) -> str:
    """Return the fields as JSON, whatever they hold."""
    try:
        return msgspec.json.encode(refused.row.fields, enc_hook=str).decode()
    except UnicodeEncodeError:
        return ascii(dict(refused.row.fields))
