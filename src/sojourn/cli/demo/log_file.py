"""Log file of the demonstration: kept small while the server writes to it."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

LOOK_S = 60.0
SIZE_MAX = 10_000_000
"""Bytes, exceeded by what is written between two looks."""


@asynccontextmanager
async def kept_small(log: Path) -> AsyncGenerator[None]:
    """Look at the log every minute for as long as the context lasts."""
    looking = asyncio.create_task(_look(log))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _look(log: Path) -> None:
    while True:
        await asyncio.to_thread(cut, log)
        await asyncio.sleep(LOOK_S)


def cut(log: Path, size_max: int = SIZE_MAX) -> None:
    """Move a log that has grown too large to `<name>.1`, in place of the one before.

    The processes of the server have the file open for appending, so it is copied and emptied; a line written in that
    moment may be lost.
    """
    if log.stat().st_size > size_max:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)
