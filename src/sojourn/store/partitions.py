"""Partitions: the histories are divided by day, so that a day that nobody asks for any more goes in one piece.

Each of these tables has one partition for whatever is older than its first day, `<table>_past`, and one per day since,
`<table>_20260501`. There is no default partition: with one, a day could not leave while ticks write, and none could
come without a look through it. Days come by `attach` and leave by `detach … concurrently`; neither takes a lock that
keeps anybody from reading or writing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from psycopg import errors, sql

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

Daily = Literal["event", "passage", "profile_change"]
DAILY: tuple[Daily, ...] = ("event", "passage", "profile_change")
"""Tables divided by day."""

CONDEMNED = "sojourn: to be dropped"
"""The comment on a partition that is on its way out, so that a crash on that way leaves nothing behind for ever."""

LOCK_PATIENCE = "250ms"
"""How long to wait for a lock while others may wait behind."""

BUSY = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected)
"""Somebody else needs the table; later is early enough."""

OTHERS_DID = (
    errors.DuplicateTable,
    errors.InternalError_,  # a row of the catalog was changed under us
    errors.InvalidObjectDefinition,
    errors.ObjectNotInPrerequisiteState,
    errors.UndefinedTable,
    errors.UniqueViolation,  # of a name in the catalog
    errors.WrongObjectType,
)
"""Another worker is at the same partition, or was quicker."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a table, by UTC days.

    Attributes:
        begins: Its first day; None for the partition of the past.
        ends: The first day that is not in it any more; None where it has no end.
        is_leaving: It has begun to leave, and is not seen by anybody new.
    """

    name: str
    begins: date | None
    ends: date | None
    is_leaving: bool


async def partitions(conn: Conn, table: Daily) -> list[Partition]:
    """Return the partitions of a table, oldest first."""
    cursor = await conn.execute(QUERIES["partitions"], {"parent": table})
    return [Partition(*row) for row in await cursor.fetchall()]


async def leftovers(conn: Conn) -> list[str]:
    """Return the tables that were partitions on their way out and have left, but are still there."""
    cursor = await conn.execute(QUERIES["detached_partitions"], {"comment": CONDEMNED, "parents": list(DAILY)})
    return [name for (name,) in await cursor.fetchall()]


async def last_day(conn: Conn, table: Daily) -> date | None:
    """Return the day of the youngest row; None where there is no row. Looks through the table."""
    column = "received_at" if table == "event" else "at"
    query = sql.SQL("select (max({}) at time zone 'UTC')::date from {}").format(
        sql.Identifier(column), sql.Identifier(table)
    )
    row = await (await conn.execute(query)).fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0]


async def end_past(conn: Conn, table: Daily, end: date) -> bool:
    """Let the partition of the past end before a day; tell whether that was possible. No younger row may be in it.

    Waits for a lock a moment at most, since whoever writes to the table would wait behind it. Done once, in the
    beginning.
    """
    past = sql.Identifier(past_name(table))
    try:
        async with conn.transaction():
            await conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(LOCK_PATIENCE)))
            await conn.execute(sql.SQL("alter table {} detach partition {}").format(sql.Identifier(table), past))
            await conn.execute(_attachment(table, past_name(table), None, end))
    except (*BUSY, errors.CheckViolation):
        return False
    return True


async def add_day(conn: Conn, table: Daily, day: date) -> bool:
    """Make the partition of a day; tell whether that was possible. Keeps nobody from reading or writing."""
    return await _add(conn, table, partition_name(table, day), day, day + timedelta(days=1))


async def add_past(conn: Conn, table: Daily, end: date) -> bool:
    """Make the partition of what is older than a day anew; tell whether that was possible."""
    return await _add(conn, table, past_name(table), None, end)


async def _add(conn: Conn, table: Daily, name: str, begins: date | None, ends: date) -> bool:
    made = sql.SQL("create table {} (like {} including defaults including constraints)").format(
        sql.Identifier(name), sql.Identifier(table)
    )
    try:
        async with conn.transaction():
            await conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(LOCK_PATIENCE)))
            await conn.execute(made)
            await conn.execute(_attachment(table, name, begins, ends))
    except (*BUSY, *OTHERS_DID):
        return False
    return True


def _attachment(table: Daily, name: str, begins: date | None, ends: date) -> sql.Composed:
    first = sql.SQL("minvalue") if begins is None else sql.Literal(f"{begins} 00:00+00")
    return sql.SQL("alter table {} attach partition {} for values from ({}) to ({})").format(
        sql.Identifier(table), sql.Identifier(name), first, sql.Literal(f"{ends} 00:00+00")
    )


async def drop_partition(conn: Conn, table: Daily, partition: Partition, *, patience: timedelta) -> bool:
    """Take a partition out of its table and drop it; tell whether that was possible by now.

    Takes as long as anybody reads the table who began before, at most `patience`; nobody waits for that. What it does
    not finish, the next call does. The connection is in no transaction.
    """
    name, parent = sql.Identifier(partition.name), sql.Identifier(table)
    try:
        await conn.execute(sql.SQL("set lock_timeout = {}").format(sql.Literal(LOCK_PATIENCE)))
        if not partition.is_leaving:
            await conn.execute(sql.SQL("comment on table {} is {}").format(name, sql.Literal(CONDEMNED)))
        await conn.execute(sql.SQL("set lock_timeout = 0"))
        await conn.execute(sql.SQL("set statement_timeout = {}").format(sql.Literal(_milliseconds(patience))))
        way = sql.SQL("finalize" if partition.is_leaving else "concurrently")
        await conn.execute(sql.SQL("alter table {} detach partition {} {}").format(parent, name, way))
        await conn.execute(sql.SQL("drop table {}").format(name))
    except (*BUSY, *OTHERS_DID):
        return False
    finally:
        await conn.execute("reset lock_timeout; reset statement_timeout")
    return True


async def drop_leftover(conn: Conn, name: str) -> bool:
    """Drop a table that `leftovers` names; tell whether that was possible."""
    try:
        async with conn.transaction():
            await conn.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(LOCK_PATIENCE)))
            await conn.execute(sql.SQL("drop table {}").format(sql.Identifier(name)))
    except (*BUSY, *OTHERS_DID):
        return False
    return True


def _milliseconds(duration: timedelta) -> int:
    return max(1, round(duration / timedelta(milliseconds=1)))


def partition_name(table: Daily, day: date) -> str:
    """Name the partition of a day.

    >>> partition_name("event", date(2026, 5, 1))
    'event_20260501'
    """
    return f"{table}_{day:%Y%m%d}"


def past_name(table: Daily) -> str:
    """Name the partition of what is older than all days.

    >>> past_name("event")
    'event_past'
    """
    return f"{table}_past"


def uncovered(parts: Sequence[Partition], days: Sequence[date]) -> list[date]:
    """Return the days whose rows have no place."""
    return [day for day in days if not any(_holds(part, day) for part in parts)]


def _holds(part: Partition, day: date) -> bool:
    is_begun = part.begins is None or part.begins <= day
    return is_begun and (part.ends is None or day < part.ends) and not part.is_leaving


def day_of(at: datetime) -> date:
    """Return the UTC day of an instant; the histories are divided by these."""
    return at.astimezone(UTC).date()
