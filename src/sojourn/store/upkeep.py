"""Calls of the upkeep: partitions made ahead of time, and what may be forgotten."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from psycopg import errors, sql

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

Daily = Literal["event", "passage", "profile_change"]
DAILY: tuple[Daily, ...] = ("event", "passage", "profile_change")
"""Tables divided by day."""


GROWING = (
    "departure",
    "device",
    "enrollment",
    "event",
    "inbox",
    "message",
    "passage",
    "profile",
    "profile_change",
    "stay",
)
"""Tables that a tick looks into or adds to."""


async def outgrown_tables(conn: Conn) -> list[str]:
    """Return the tables and partitions that have outgrown what the planner knows of them."""
    cursor = await conn.execute(QUERIES["outgrown_tables"], {"names": list(GROWING)}, prepare=True)
    return [row[0] for row in await cursor.fetchall()]


async def measure_tables(conn: Conn, names: Sequence[str]) -> None:
    """Let the database measure tables, except those being measured or vacuumed now; plans made before are made anew."""
    for name in names:
        await conn.execute(
            sql.SQL("analyze (skip_locked) {}").format(sql.Identifier(*name.replace('"', "").split(".")))
        )


async def take_upkeep(conn: Conn) -> bool:
    """Tell whether this transaction may do the upkeep; no other may until it ends."""
    return await (await conn.execute(QUERIES["take_upkeep"])).fetchone() is not None


async def missing_partitions(conn: Conn, table: Daily, days: Sequence[date]) -> list[date]:
    """Return the days that have no partition yet."""
    cursor = await conn.execute(QUERIES["partition_names"], {"parent": table})
    present = {row[0] for row in await cursor.fetchall()}
    return [day for day in days if partition_name(table, day) not in present]


async def add_partition(conn: Conn, table: Daily, day: date) -> bool:
    """Make the partition of a day; tell whether that was possible.

    It is not where rows of that day have already gone to the default partition. Waits a second at most for its lock,
    since whoever writes to the table would wait behind it.
    """
    statement = sql.SQL("create table {} partition of {} for values from ({}) to ({})").format(
        sql.Identifier(partition_name(table, day)),
        sql.Identifier(table),
        sql.Literal(f"{day} 00:00+00"),
        sql.Literal(f"{day + timedelta(days=1)} 00:00+00"),
    )
    try:
        async with conn.transaction():
            await conn.execute("set local lock_timeout = '1s'")
            await conn.execute(statement)
    except (errors.CheckViolation, errors.DuplicateTable, errors.LockNotAvailable):
        return False
    return True


def partition_name(table: Daily, day: date) -> str:
    """Name the partition of a day.

    >>> partition_name("event", date(2026, 5, 1))
    'event_20260501'
    """
    return f"{table}_{day:%Y%m%d}"


async def forget_event_sources(conn: Conn, *, shard: int, before: datetime) -> int:
    """Forget the source ids of events received before an instant; return how many."""
    return (await conn.execute(QUERIES["forget_event_sources"], {"shard": shard, "before": before})).rowcount


async def forget_idempotency_keys(conn: Conn, *, before: datetime) -> int:
    """Forget first answers given before an instant; return how many."""
    return (await conn.execute(QUERIES["forget_idempotency_keys"], {"before": before})).rowcount
