"""Wakeups: how a worker sleeps until the database calls it, and the kind of transaction it works in."""

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import LiteralString, Self

from psycopg import IsolationLevel, OperationalError, sql

from sojourn.store.connection import Conn, Pool, configure, connect, make_pool

CONNECTION_LOST = (OperationalError, ConnectionError)
"""The database went away, or refuses connections for now."""

PREPARED_MAX = 2000
"""Statements that a worker keeps prepared: a thousand journeys of a few points each."""


async def connect_worker(url: str, *, name: str) -> Conn:
    """Open a worker's connection: each transaction sees one snapshot, statements keep one plan, none is compiled."""
    conn = await connect(url, application_name=name, autocommit=True)
    await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    conn.prepared_max = PREPARED_MAX
    await _keep_plans(conn)
    return conn


def make_worker_pool(url: str, *, application_name: str, max_size: int) -> Pool:
    """Return a pool, not open yet, whose connections keep their plans as a worker's do.

    Each statement is a transaction of its own unless one is opened.
    """
    return make_pool(
        url, application_name=application_name, max_size=max_size, autocommit=True, configured=_configure_worker
    )


async def _configure_worker(conn: Conn) -> None:
    await configure(conn)
    await _keep_plans(conn)


async def _keep_plans(conn: Conn) -> None:
    for setting in WORKER_SETTINGS:
        await conn.execute(sql.SQL(setting))


# A plan is made once and kept, often while a table is still empty or has just been measured between two crowds; then
# every way through the table looks equally cheap. Everything that a worker looks up has an index, whose order it wants,
# so scans and bitmaps are out. Rows that a statement has found are changed by their place (`ctid`): with pages that
# cost next to nothing, going to ten places is cheaper than one descent of any index. Otherwise the planner may walk a
# whole shard and hold each row against each of fifty thousand places. See docs/adr/0008-places-are-cheap.md.
WORKER_SETTINGS: tuple[LiteralString, ...] = (
    "set enable_seqscan = off",
    "set enable_bitmapscan = off",
    "set random_page_cost = 0.001",
    "set seq_page_cost = 0.001",
    "set cpu_tuple_cost = 0.0001",
    "set plan_cache_mode = 'force_generic_plan'",
    "set jit = off",
    "set work_mem = '64MB'",
)


class Wakeups:
    """A connection that listens on a channel; `wait` returns when something was said there, or time is up.

    Args:
        url: Where the database is.
        channel: What to listen to.
        application_name: What the connection is called in the server's views.
        called: What wakes who waits; whoever has it, too, can call from within the process.
    """

    def __init__(self, url: str, channel: str, *, application_name: str, called: asyncio.Event | None = None) -> None:
        self._url = url
        self._channel = channel
        self._name = application_name
        self._called = called or asyncio.Event()
        self._said: set[str] = set()
        self._failure: BaseException | None = None
        self._listener: asyncio.Task[None] | None = None

    @classmethod
    def beside(cls, pool: Pool, channel: str, *, application_name: str, called: asyncio.Event) -> Self:
        """Listen in the database of a pool, on a connection of its own."""
        url = pool.conninfo
        assert isinstance(url, str), "our pools are made with a text"
        return cls(url, channel, application_name=application_name, called=called)

    async def __aenter__(self) -> Self:
        conn = await connect(self._url, application_name=self._name, autocommit=True)
        await conn.execute(sql.SQL("listen {}").format(sql.Identifier(self._channel)))
        self._listener = asyncio.create_task(self._listen(conn))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    async def _listen(self, conn: Conn) -> None:
        try:
            async with conn:
                async for call in conn.notifies():
                    self._said.add(call.payload)
                    self._called.set()
        except CONNECTION_LOST as exc:
            self._failure = exc
            self._called.set()

    def clear(self) -> frozenset[str]:
        """Forget calls so far: the work that they told of is about to be looked for. Return what they said."""
        if self._failure is not None:
            raise ConnectionError("the connection that listens was lost") from self._failure
        self._called.clear()
        said, self._said = frozenset(self._said), set()
        return said

    async def wait(self, stop: asyncio.Event, patience: timedelta) -> None:
        """Return at the next call, when `stop` is set, or after `patience`."""
        waiting = [asyncio.create_task(self._called.wait()), asyncio.create_task(stop.wait())]
        try:
            await asyncio.wait(waiting, timeout=patience.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
