"""Upkeep: once an hour one engine worker prepares the days to come and forgets what nobody asks for any more."""

from datetime import datetime, timedelta

from sojourn.service.upkeep import prepare_days
from sojourn.store.connection import Conn
from sojourn.store.definitions import read_shards
from sojourn.store.upkeep import forget_event_sources, forget_idempotency_keys, take_upkeep

INTERVAL = timedelta(hours=1)
REMEMBER_EVENT_SOURCES = timedelta(days=7)
REMEMBER_ANSWERS = timedelta(days=1)


async def keep_up(conn: Conn, now: datetime) -> None:
    """Do the upkeep, unless another worker is at it.

    New days and old ids are two transactions: whoever makes a partition keeps everybody from its table until the end.
    """
    async with conn.transaction():
        if not await take_upkeep(conn):
            return
        await prepare_days(conn, now)
    async with conn.transaction():
        if not await take_upkeep(conn):
            return
        for shard in await read_shards(conn):
            await forget_event_sources(conn, shard=shard, before=now - REMEMBER_EVENT_SOURCES)
        await forget_idempotency_keys(conn, before=now - REMEMBER_ANSWERS)
