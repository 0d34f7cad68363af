"""Doctor: what the tables say about themselves. Reads everything, so it takes its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class AlarmFault:
    """A point where somebody waits until `wake_at`, and whose alarm rings at `alarm_at`, or never."""

    shard: int
    journey_id: int
    point_no: int
    wake_at: datetime
    alarm_at: datetime | None


@dataclass(frozen=True, slots=True)
class BrokenEnrollments:
    """Enrollments of a journey that are at two places, or at none."""

    journey_id: int
    with_both: int
    with_neither: int


@dataclass(frozen=True, slots=True)
class Conservation:
    """Who came into a journey, by the tables (`entered`) and by the count, and where they are."""

    journey_id: int
    journey_uuid: UUID
    entered: int
    inside: int
    departed: int
    counted: int


@dataclass(frozen=True, slots=True)
class Delay:
    """How many rows of a shard have been waiting, and since when the oldest."""

    shard: int
    n: int
    since: datetime


@dataclass(frozen=True, slots=True)
class LostStays:
    """People at a point that the journey does not have any more."""

    journey_id: int
    point_no: int
    n: int


async def alarm_faults(conn: Conn, *, shards: Sequence[int]) -> list[AlarmFault]:
    """Return the points whose alarm rings too late, or never."""
    cursor = await conn.execute(QUERIES["alarm_faults"], {"shards": list(shards)})
    return [AlarmFault(*row) for row in await cursor.fetchall()]


async def broken_enrollments(conn: Conn, *, shards: Sequence[int]) -> list[BrokenEnrollments]:
    """Return the journeys with enrollments that are at two places, or at none."""
    cursor = await conn.execute(QUERIES["broken_enrollments"], {"shards": list(shards)})
    return [BrokenEnrollments(*row) for row in await cursor.fetchall()]


async def conservation(conn: Conn, *, shards: Sequence[int]) -> list[Conservation]:
    """Return the numbers of every journey that must add up."""
    cursor = await conn.execute(QUERIES["conservation"], {"shards": list(shards)})
    return [Conservation(*row) for row in await cursor.fetchall()]


async def inbox_delays(conn: Conn, *, shards: Sequence[int], before: datetime) -> list[Delay]:
    """Return the shards whose inbox has rows from before an instant."""
    cursor = await conn.execute(QUERIES["inbox_delays"], {"shards": list(shards), "before": before})
    return [Delay(*row) for row in await cursor.fetchall()]


async def invalid_indexes(conn: Conn) -> list[str]:
    """Return the names of indexes that a failed build left behind."""
    cursor = await conn.execute(QUERIES["invalid_indexes"])
    return [name for (name,) in await cursor.fetchall()]


async def lost_stays(conn: Conn, *, shards: Sequence[int]) -> list[LostStays]:
    """Return where people stand who cannot go on, and whom nothing in the inbox is about to move."""
    cursor = await conn.execute(QUERIES["lost_stays"], {"shards": list(shards)})
    return [LostStays(*row) for row in await cursor.fetchall()]


async def stuck_messages(conn: Conn, *, shards: Sequence[int], before: datetime) -> list[Delay]:
    """Return the shards with messages whose claim ended before an instant without an outcome."""
    cursor = await conn.execute(QUERIES["stuck_messages"], {"shards": list(shards), "before": before})
    return [Delay(*row) for row in await cursor.fetchall()]
