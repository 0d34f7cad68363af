"""Upkeep: once an hour one engine worker prepares the days to come and forgets what nobody asks for any more.

What takes long is done apart, by `clean`, on a connection of its own: ticks go on meanwhile.
"""

from datetime import UTC, date, datetime, time, timedelta

import structlog

from sojourn.model.graph import WINDOW_MAX
from sojourn.service.contests import decide_winners
from sojourn.service.lists import clear_dead_lists
from sojourn.service.upkeep import prepare_days
from sojourn.store.bulk import forget_bulk_requests
from sojourn.store.connection import Conn
from sojourn.store.contests import forget_goals
from sojourn.store.definitions import read_shards
from sojourn.store.partitions import (
    Daily,
    add_past,
    day_of,
    drop_leftover,
    drop_partition,
    leftovers,
    partitions,
)
from sojourn.store.upkeep import (
    AppRetention,
    forget_entry_requests,
    forget_event_sources,
    forget_events,
    forget_idempotency_keys,
    forget_imports,
    installation_retentions,
    note_events_forgotten,
    read_retentions,
    take_upkeep,
)

INTERVAL = timedelta(hours=1)
REMEMBER_ANSWERS = timedelta(days=1)
REMEMBER_BULK_REQUESTS = timedelta(days=7)
REMEMBER_EVENT_SOURCES = timedelta(days=7)
REMEMBER_IMPORTS = timedelta(days=400)
REMEMBER_REQUESTS = timedelta(days=30)

READERS_PATIENCE = timedelta(minutes=5)
"""How long a cleaning waits for those who still read a day that is to go; the next one goes on waiting."""

BATCH = 5_000
"""Rows looked at, or deleted, in one transaction."""

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

log = structlog.get_logger("upkeep")


async def keep_up(conn: Conn, now: datetime) -> bool:
    """Do the upkeep that is quick, unless another worker is at it; tell whether it was done here.

    New days and old ids are two transactions, so that a day that cannot be made now keeps nothing else from being done.
    """
    async with conn.transaction():
        if not await take_upkeep(conn):
            return False
        await prepare_days(conn, now)
    async with conn.transaction():
        if not await take_upkeep(conn):
            return False
        for shard in await read_shards(conn):
            await forget_event_sources(conn, shard=shard, before=now - REMEMBER_EVENT_SOURCES)
        await forget_idempotency_keys(conn, before=now - REMEMBER_ANSWERS)
        await forget_bulk_requests(conn, before=now - REMEMBER_BULK_REQUESTS)
        await forget_goals(conn, before=now - WINDOW_MAX)
    return True


async def clean(conn: Conn, now: datetime, *, patience: timedelta = READERS_PATIENCE) -> None:
    """Choose the winners of contests, and forget what is older than it is to be kept, in small transactions.

    `conn` is in none, and is not a worker's.

    Two workers may do it at once, and either may die on the way: what is half done, the next one finishes. A day waits
    up to `patience` for those who read it.
    """
    await decide_winners(conn, now)
    for name in await leftovers(conn):
        await drop_leftover(conn, name)
    apps = await read_retentions(conn)
    passages, changes = await installation_retentions(conn)
    await _drop_days(conn, "event", _longest(apps), now, patience)
    await _drop_days(conn, "passage", passages, now, patience)
    await _drop_days(conn, "profile_change", changes, now, patience)
    shards = await read_shards(conn)
    for app in apps:
        await _forget_events_of(conn, app, shards, now)
    while await forget_entry_requests(conn, shards=shards, before=now - REMEMBER_REQUESTS, batch=BATCH) == BATCH:
        pass
    await forget_imports(conn, before=now - REMEMBER_IMPORTS)
    await clear_dead_lists(conn, shards)


def first_day_kept(now: datetime, days: int) -> date:
    """Return the oldest UTC day of which something is still wanted.

    >>> first_day_kept(datetime(2026, 5, 3, 12, tzinfo=UTC), 1)
    datetime.date(2026, 5, 2)
    """
    return day_of(now) - timedelta(days=days)


def _longest(apps: list[AppRetention]) -> int | None:
    """Return how long some app wants events to be kept; None: for ever."""
    wanted = [app.days for app in apps if app.days is not None]
    return max(wanted) if wanted and len(wanted) == len(apps) else None


async def _drop_days(conn: Conn, table: Daily, days: int | None, now: datetime, patience: timedelta) -> None:
    """Drop the partitions that have nothing in them that is still wanted."""
    kept = first_day_kept(now, days) if days is not None else date.min
    for part in await partitions(conn, table):
        if part.is_leaving or (part.ends is not None and part.ends <= kept):
            if not await drop_partition(conn, table, part, patience=patience):
                log.info("upkeep.partition_busy", table=table, partition=part.name)
                return
            log.info("upkeep.partition_dropped", table=table, partition=part.name)
    left = await partitions(conn, table)
    if left and left[0].begins is not None:
        await add_past(conn, table, left[0].begins)


async def _forget_events_of(conn: Conn, app: AppRetention, shards: list[int], now: datetime) -> None:
    """Delete the events of an app that are too old, out of days that other apps still want. Each day but once."""
    if app.days is None:
        return
    kept = first_day_kept(now, app.days)
    if app.forgotten_until is not None and kept <= app.forgotten_until:
        return
    for from_, to in await _unseen(conn, app.forgotten_until, kept):
        for shard in shards:
            await _forget_period(conn, shard, app.app_id, from_, to)
    await note_events_forgotten(conn, app_id=app.app_id, until=kept)


async def _unseen(conn: Conn, seen_until: date | None, until: date) -> list[tuple[datetime, datetime]]:
    """Return the periods to look through: the days since the last time, and the past, which an import adds to."""
    if seen_until is None:
        return [(BEGINNING, _midnight(until))]
    since = [(_midnight(seen_until), _midnight(until))]
    for part in await partitions(conn, "event"):
        if part.begins is None and part.ends is not None and part.ends <= seen_until:
            return [(BEGINNING, _midnight(part.ends)), *since]
    return [(BEGINNING, _midnight(until))]


async def _forget_period(conn: Conn, shard: int, app_id: int, from_: datetime, to: datetime) -> None:
    after: int | None = 0
    while after is not None:
        after, _ = await forget_events(conn, shard=shard, app_id=app_id, from_=from_, to=to, after=after, batch=BATCH)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
