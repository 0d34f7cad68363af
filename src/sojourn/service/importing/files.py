"""Sources: rows a chunk at a time, out of files or out of what somebody sends."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar, cast

from sojourn.service.importing.content import Content, Row, TextFormat
from sojourn.service.importing.parquet import parquet_batches, parquet_columns
from sojourn.service.importing.plan import Format

CHUNK_ROWS = 10_000
CHUNK_SIZE = 32_000_000
"""Characters, about: rows may be long."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows, and what share of all has been read with them."""

    rows: Sequence[Row]
    share: float


class Source(Protocol):
    """Where rows come from. Both methods that read do so in a thread."""

    def columns(self) -> list[str]:
        """Return the names of the columns."""
        ...

    def chunks(self) -> Generator[Chunk]:
        """Read the rows, once."""
        ...

    def abandon(self) -> None:
        """Let nobody wait for what has not come yet."""
        ...


class SourceFile:
    """A file to import, open for one reading.

    Args:
        path: Compressed with gzip if it ends in .gz.
        format_: See `plan.format_of`.
        delimiter: Of CSV; None: the one that the header uses.
    """

    def __init__(self, path: Path, format_: Format, *, delimiter: str | None = None) -> None:
        self._path = path
        self._format: Format = format_
        self._delimiter = delimiter

    def columns(self) -> list[str]:
        """Return the names of the columns; of JSON lines, those of the first rows."""
        if self._format == "parquet":
            return parquet_columns(self._path)
        with ExitStack() as stack:
            return self._open(stack)[1].columns()

    def content_hash(self) -> bytes:
        """Return a hash of the file's bytes."""
        digest = blake2b(digest_size=32)
        with self._path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.digest()

    def chunks(self) -> Generator[Chunk]:
        """Read the file."""
        if self._format == "parquet":
            yield from self._parquet_chunks()
            return
        with ExitStack() as stack:
            size = max(1, self._path.stat().st_size)
            raw, content = self._open(stack)
            yield from _chunks(content.rows(), lambda: min(1.0, raw.tell() / size))

    def abandon(self) -> None:
        """Do nothing: a file keeps nobody waiting."""

    def _open(self, stack: ExitStack) -> tuple[BinaryIO, Content]:
        """Open the file; what to measure progress by, and its rows."""
        raw = stack.enter_context(self._path.open("rb"))
        is_packed = self._path.suffix.lower() == ".gz"
        plain = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=raw))) if is_packed else raw
        assert self._format != "parquet", "a Parquet file has no text"
        content = Content(plain, self._format, delimiter=self._delimiter)
        stack.callback(content.close)
        return raw, content

    def _parquet_chunks(self) -> Iterator[Chunk]:
        number = 0
        for batch in parquet_batches(self._path, CHUNK_ROWS):
            yield Chunk([Row(number + place, fields) for place, fields in enumerate(batch.rows, 1)], batch.share)
            number += len(batch.rows)


class SourceStream:
    """Rows that are read as they come.

    Args:
        content: Blocks until there is more.
        format_: Of the content.
        delimiter: As of a file.
        on_abandon: Lets a read that blocks end.
    """

    def __init__(
        self,
        content: BinaryIO,
        format_: TextFormat,
        *,
        delimiter: str | None = None,
        on_abandon: Callable[[], None] = lambda: None,
    ) -> None:
        self._content = Content(content, format_, delimiter=delimiter)
        self._on_abandon = on_abandon

    def columns(self) -> list[str]:
        """Return the names of the columns; of JSON lines, those of the first rows."""
        return self._content.columns()

    def chunks(self) -> Generator[Chunk]:
        """Read the rows. Nobody knows how many there will be, so the share stays 0."""
        yield from _chunks(self._content.rows(), lambda: 0.0)

    def abandon(self) -> None:
        """End a read that waits for more."""
        self._on_abandon()


async def read_ahead(items: Generator[T], source: Source) -> AsyncGenerator[T]:
    """Yield what is read out of a source in a thread: the next while whoever asks is busy with this."""
    upcoming = asyncio.create_task(asyncio.to_thread(next, items, None))
    try:
        while (item := await upcoming) is not None:
            upcoming = asyncio.create_task(asyncio.to_thread(next, items, None))
            yield item
    finally:
        source.abandon()
        await asyncio.wait([upcoming])  # a thread cannot be interrupted, and holds the file
        items.close()


def _chunks(rows: Iterator[Row], share: Callable[[], float]) -> Iterator[Chunk]:
    """Put rows together: so many, or fewer long ones."""
    some: list[Row] = []
    size = 0
    for row in rows:
        some.append(row)
        size += row.size
        if len(some) >= CHUNK_ROWS or size >= CHUNK_SIZE:
            yield Chunk(some, share())
            some, size = [], 0
    if some:
        yield Chunk(some, share())
