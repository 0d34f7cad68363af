"""Connections: how every part of Sojourn connects to PostgreSQL."""

import select
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool

Conn = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Conn]

PREPARE_AFTER = 2
"""Uses of a statement on one connection before it is prepared. A tick's statements repeat for as long as it runs."""

PREPARED_MAX = 400
"""Statements kept prepared on one connection. Each costs the server some memory, a large one up to a megabyte."""

KEEPALIVES = {
    "keepalives": 1,
    "keepalives_count": 3,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "tcp_user_timeout": 60_000,
}


async def connect(
    url: str, *, application_name: str, autocommit: bool = False, statement_timeout: timedelta | None = None
) -> Conn:
    """Open one connection.

    Args:
        url: Where to.
        application_name: What the server's own views and logs call the connection.
        autocommit: Whether each statement is a transaction of its own.
        statement_timeout: How long one statement may take; unlimited if None.
    """
    conninfo = conninfo_for(url, application_name=application_name, statement_timeout=statement_timeout)
    conn = await AsyncConnection.connect(conninfo, autocommit=autocommit)
    await configure(conn)
    return conn


def make_pool(
    url: str,
    *,
    application_name: str,
    max_size: int,
    min_size: int = 1,
    autocommit: bool = False,
    configured: Callable[[Conn], Awaitable[None]] | None = None,
    statement_timeout: timedelta | None = None,
) -> Pool:
    """Return a pool that is not open yet; `async with` opens and closes it.

    Arguments as for `connect`; `configured` sets up a new connection instead of `configure`.
    """
    return AsyncConnectionPool(
        conninfo_for(url, application_name=application_name, statement_timeout=statement_timeout),
        check=check_connection,
        configure=configured or configure,
        kwargs={"autocommit": autocommit},
        max_size=max_size,
        min_size=min_size,
        name=application_name,
        open=False,
    )


@asynccontextmanager
async def single_statements(pool: Pool) -> AsyncGenerator[Conn]:
    """Lend a connection on which each statement is a transaction of its own: one turn to and fro instead of three."""
    async with pool.connection() as conn:
        was_autocommit = conn.autocommit
        await conn.set_autocommit(True)
        try:
            yield conn
        finally:
            # A pooled connection goes back as it came; a broken one is thrown away by the pool.
            if not conn.closed:
                await conn.set_autocommit(was_autocommit)


async def check_connection(conn: Conn) -> None:
    """Raise if the server has cut a connection that lay in a pool.

    A server that goes away closes the connection, and what it still says arrives first; so one on which nothing has
    arrived is good, and the server need not be asked. One round trip less for every request.
    """
    listener = select.poll()
    listener.register(conn.fileno(), select.POLLIN)
    if listener.poll(0):
        await AsyncConnectionPool[Conn].check_connection(conn)


def conninfo_for(url: str, *, application_name: str, statement_timeout: timedelta | None = None) -> str:
    """Return `url` with our options added to its own.

    >>> conninfo_to_dict(conninfo_for("postgresql:///db?options=-cjit%3Doff", application_name="tick"))["options"]
    '-cjit=off -c timezone=UTC -c statement_timeout=0'
    """
    given = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    timeout_ms = 0 if statement_timeout is None else round(statement_timeout / timedelta(milliseconds=1))
    options = f"{given.get('options', '')} -c timezone=UTC -c statement_timeout={timeout_ms}"
    ours = (
        {"connect_timeout": 10, **KEEPALIVES}
        | given
        | {"application_name": application_name, "options": options.strip()}
    )
    return make_conninfo("", **ours)


async def configure(conn: Conn) -> None:
    """Set what a connection string cannot: JSON through msgspec, and which statements are prepared."""
    set_json_dumps(msgspec.json.encode, conn)
    set_json_loads(_loads, conn)
    conn.prepare_threshold = PREPARE_AFTER
    conn.prepared_max = PREPARED_MAX


def _loads(text: str | bytes) -> Any:  # noqa: ANN401 - psycopg's own signature
    return msgspec.json.decode(text)
