"""Upkeep that several parts need: the days to come have their partitions before anybody writes to them."""

from datetime import date, datetime, timedelta

import structlog

from sojourn.store.connection import Conn
from sojourn.store.partitions import DAILY, Daily, add_day, day_of, end_past, last_day, partitions

DAYS_AHEAD = 14

log = structlog.get_logger("upkeep")


async def prepare_days(conn: Conn, now: datetime) -> None:
    """Make the partitions up to two weeks from now that are not there yet. Runs in the caller's transaction.

    Leaves no day out, however long nobody did the upkeep: what was received meanwhile needs a place, too.
    """
    last = day_of(now) + timedelta(days=DAYS_AHEAD - 1)
    for table in DAILY:
        first = await _first_missing(conn, table, now)
        days = (last - first).days + 1 if first is not None else 0
        for day in (first + timedelta(days=ahead) for ahead in range(days) if first is not None):
            if not await add_day(conn, table, day):
                log.warning("upkeep.partition_refused", table=table, day=str(day))
                break


async def _first_missing(conn: Conn, table: Daily, now: datetime) -> date | None:
    """Return the day behind the last partition; None where that has no end and cannot be given one now."""
    parts = await partitions(conn, table)
    if parts and parts[-1].ends is not None:
        return parts[-1].ends
    youngest = await last_day(conn, table)
    today = day_of(now)
    first = today if youngest is None else max(today, youngest + timedelta(days=1))
    if await end_past(conn, table, first):
        return first
    log.warning("upkeep.partition_refused", table=table, day=str(first))
    return None
