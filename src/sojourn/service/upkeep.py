"""Upkeep that several parts need: the days to come have their partitions before anybody writes to them."""

from datetime import datetime, timedelta

import structlog

from sojourn.store.connection import Conn
from sojourn.store.upkeep import DAILY, add_partition, missing_partitions

DAYS_AHEAD = 14

log = structlog.get_logger("upkeep")


async def prepare_days(conn: Conn, now: datetime) -> None:
    """Make the partitions of today and the days to come that are not there yet. Runs in the caller's transaction."""
    days = [now.date() + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)]
    for table in DAILY:
        for day in await missing_partitions(conn, table, days):
            if not await add_partition(conn, table, day):
                log.warning("upkeep.partition_refused", table=table, day=str(day))
