"""Uploads: the body of a request as a file that a thread reads while it comes, unpacked within a limit."""

import asyncio
import io
import zlib
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError, Future
from typing import BinaryIO, cast

from sojourn.api.common.refusals import MalformedRequest, RequestTooLarge

PATIENCE_SECONDS = 60.0
"""How long nothing may come."""

RATIO_MAX = 200
"""What a packed body may become, in times its size, once it is larger than `RATIO_FREE`."""

RATIO_FREE = 1_000_000
_BLOCK = 65_536
_GZIP = 16 + zlib.MAX_WBITS


class Upload(io.RawIOBase):
    """A body that comes in pieces. Reading blocks the thread, never the loop, until the next piece is there.

    Args:
        pieces: Of the body.
        limit: Bytes.
    """

    def __init__(self, pieces: AsyncIterator[bytes], *, limit: int) -> None:
        self._pieces = pieces
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._rest = memoryview(b"")
        self._size = 0
        self._is_abandoned = False
        self._awaited: Future[bytes] | None = None

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - any writable buffer is one of these
        """Read into a buffer, at most as much as has come."""
        if not self._rest:
            self._rest = memoryview(self._next())
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def abandon(self) -> None:
        """Let a read that waits end with an error. Called in the loop."""
        self._is_abandoned = True
        if self._awaited is not None:
            self._awaited.cancel()

    def _next(self) -> bytes:
        self._awaited = asyncio.run_coroutine_threadsafe(self._piece(), self._loop)
        try:
            return self._awaited.result()
        except CancelledError as error:
            raise MalformedRequest("the body was abandoned") from error
        finally:
            self._awaited = None

    async def _piece(self) -> bytes:
        """Wait for the next piece; empty at the end."""
        if self._is_abandoned:
            raise MalformedRequest("the body was abandoned")
        piece = b""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not piece:
                    piece = await anext(self._pieces)
        except StopAsyncIteration:
            return b""
        except TimeoutError as error:
            raise MalformedRequest(f"nothing came for {PATIENCE_SECONDS:.0f} seconds") from error
        self._size += len(piece)
        if self._size > self._limit:
            raise RequestTooLarge(f"the request is larger than {self._limit} bytes")
        return piece


class Unpacked(io.RawIOBase):
    """What is in a gzip file, which may have several parts."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._inflater = zlib.decompressobj(_GZIP)
        self._waiting = b""
        self._packed_size = 0
        self._size = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - any writable buffer is one of these
        """Read into a buffer what the next packed bytes become."""
        while True:
            piece = self._inflate(len(buffer))
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)
            if not self._waiting and not self._more():
                return 0

    def _inflate(self, size: int) -> bytes:
        if self._inflater.eof:
            if not self._waiting:
                return b""
            self._inflater = zlib.decompressobj(_GZIP)
        try:
            piece = self._inflater.decompress(self._waiting, size)
        except zlib.error as error:
            raise MalformedRequest("the body is not gzip") from error
        self._waiting = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
        self._size += len(piece)
        if self._size > max(RATIO_FREE, RATIO_MAX * self._packed_size):
            raise RequestTooLarge(f"the body becomes more than {RATIO_MAX} times its size")
        return piece

    def _more(self) -> bool:
        """Read more packed bytes; tell whether there were any."""
        self._waiting = self._packed.read(_BLOCK)
        self._packed_size += len(self._waiting)
        if not self._waiting and not self._inflater.eof:
            raise MalformedRequest("the body ended early")
        return bool(self._waiting)


def opened(upload: Upload, encoding: str) -> BinaryIO:
    """Return a body for reading, as it was before it was packed as `Content-Encoding` says.

    Raises:
        MalformedRequest: The encoding is not supported.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return io.BufferedReader(upload)
        case "gzip" | "x-gzip":
            return io.BufferedReader(Unpacked(cast("BinaryIO", io.BufferedReader(upload))))
        case _:
            raise MalformedRequest("a body is sent as it is, or with `Content-Encoding: gzip`")
