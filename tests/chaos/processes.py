"""Processes to be killed, and what the database says of them."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from psycopg import OperationalError

from sojourn.store.connection import Conn, connect

HERE = Path(__file__).parent
PATIENCE_SECONDS = 60
LOOK_SECONDS = 0.01


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Return when a condition holds. Polls: what is waited for happens in other processes."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - nothing signals it to us
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"in {PATIENCE_SECONDS} s it never came about that {what}") from None


class Script:
    """A script of this directory, run in a process of its own until it is killed."""

    def __init__(self, script: str, *arguments: object, talks: bool = False) -> None:
        self._command = [sys.executable, str(HERE / script), *map(str, arguments)]
        self._pipe = asyncio.subprocess.PIPE if talks else asyncio.subprocess.DEVNULL
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process is killed
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=self._pipe, stdout=self._pipe, stderr=self._errors
        )

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "the script has been started"
        return self._process

    def check(self) -> None:
        """Fail if the process ended by itself."""
        if self.process.returncode is not None:
            raise AssertionError(f"{self._command[1]} ended by itself:\n{self.words()}")

    def words(self) -> str:
        """What the process wrote about its troubles."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-5000:]

    def kill_now(self) -> None:
        """Kill the process without waiting for its end."""
        self.process.kill()

    async def kill(self) -> None:
        """Kill the process, if it still lives, and wait for its end."""
        with suppress(ProcessLookupError):
            self.kill_now()
        await self.process.wait()
        self._errors.close()


class Onlooker:
    """Looks at what others do in a database. Connects again when the connection was lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._conn: Conn | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        if self._conn is not None:
            await self._conn.close()

    async def is_true(self, query: str, *values: object) -> bool:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await self._ask(query, values)
                except OperationalError:
                    await asyncio.sleep(LOOK_SECONDS)

    async def _ask(self, query: str, values: tuple[object, ...]) -> bool:
        if self._conn is None or self._conn.closed:
            self._conn = await connect(self._url, application_name="onlooker", autocommit=True)
        row = await (await self._conn.execute(f"select {query}", values)).fetchone()
        assert row is not None
        return bool(row[0])

    async def is_at_work(self, *names: str) -> bool:
        """Tell whether one of the processes named is inside a transaction."""
        return await self.is_true(
            "exists (select from pg_stat_activity where application_name = any(%s) and xact_start is not null)",
            list(names),
        )

    async def is_gone(self, name: str) -> bool:
        """Tell whether nothing that the processes of this name left behind is still going on."""
        return not await self.is_true(
            "exists (select from pg_stat_activity where application_name like %s)", f"{name}%"
        )

    async def has_work(self, now: datetime) -> bool:
        """Tell whether there is something for the engine to do at an instant."""
        return await self.is_true("exists (select from inbox) or exists (select from alarm where wake_at <= %s)", now)
