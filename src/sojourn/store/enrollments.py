"""Enrollments of a journey, as lists show them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sojourn.model.public_ids import Place
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

LATELY = timedelta(days=1)
"""Who came in so lately is found at once."""

CLOCKS_APART = timedelta(hours=1)
"""By so much the clocks of engines may differ, by which people come in."""

LAST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the enrollments of a journey, those who came last first.

    Attributes:
        outcomes: Of those who left, how; None: whatever became of them; empty: they are inside.
        entry_kinds: Kinds of points by which people come in.
        now: The present.
    """

    journey_id: int
    shards: Sequence[int]
    outcomes: Collection[str] | None
    skipped: int
    count: int
    entry_kinds: Collection[str]
    now: datetime


@dataclass(frozen=True, slots=True)
class ShownEnrollment:
    """An enrollment, its person, where it is and how it ended.

    Attributes:
        named: The shard and number by which the world knows it: those that it had first.
        shard: Where it is, and its person.
    """

    named: Place
    shard: int
    profile_id: int
    user_id: str | None
    anonymous_id: str | None
    attributes: Mapping[str, Any]
    entered_at: datetime
    at_point_no: int | None
    outcome: str | None
    reason: str | None
    last_point_no: int | None
    departed_at: datetime | None


async def count_enrollments(
    conn: Conn, *, journey_ids: Sequence[int], shards: Sequence[int], entry_kinds: Collection[str]
) -> dict[int, int]:
    """Return how many people came into each of some journeys."""
    values = {"journey_ids": list(journey_ids), "shards": list(shards), "entry_kinds": list(entry_kinds)}
    return dict(await (await conn.execute(QUERIES["count_enrollments"], values)).fetchall())


async def count_some(conn: Conn, part: Part) -> int:
    """Return how many enrollments of these outcomes there are, or how many are inside."""
    assert part.outcomes is not None, "all are counted by what the ticks counted"
    row = await (
        await conn.execute(QUERIES["count_departed" if part.outcomes else "count_inside"], _values(part))
    ).fetchone()
    assert row is not None, "a count is one row"
    return row[0]


async def list_enrollments(conn: Conn, part: Part) -> list[ShownEnrollment]:
    """Return a part of the enrollments."""
    given = _values(part) | {"befores": await _befores(conn, part)}
    # Planned for this very journey: of one with few enrollments it finds all and sorts them, of others it walks.
    places = await (await conn.execute(QUERIES[_newest(part.outcomes)], given, prepare=False)).fetchall()
    values = {
        "shards": list(part.shards),
        "of_shards": [shard for shard, _ in places],
        "enrollment_ids": [enrollment_id for _, enrollment_id in places],
    }
    rows = await (await conn.execute(QUERIES["show_enrollments"], values)).fetchall()
    return [ShownEnrollment((shard, number), *row) for shard, number, *row in rows]


async def _befores(conn: Conn, part: Part) -> list[int]:
    """Return, by shard, a number above all who came into a journey, but for those whom merges brought along.

    It saves walking over all who came into other journeys since, so a journey that people still enter has none.
    """
    values = _values(part) | {"entry_kinds": list(part.entry_kinds)}
    row = await (await conn.execute(QUERIES["last_entered"], values)).fetchone()
    hour: datetime | None = None if row is None else row[0]
    if hour is None or hour > part.now - LATELY:
        return [LAST_NUMBER] * len(part.shards)
    until = hour + timedelta(hours=1) + CLOCKS_APART
    found = dict(await (await conn.execute(QUERIES["enrollments_before"], values | {"until": until})).fetchall())
    return [found[shard] for shard in part.shards]


def _newest(outcomes: Collection[str] | None) -> str:
    if outcomes is None:
        return "newest_enrollments"
    return "newest_departed" if outcomes else "newest_inside"


def _values(part: Part) -> dict[str, Any]:
    return {
        "journey_id": part.journey_id,
        "shards": list(part.shards),
        "outcomes": list(part.outcomes or ()),
        "skipped": part.skipped,
        "count": part.count,
        "last": part.skipped + part.count,
    }


async def person_inside(conn: Conn, place: Place, *, journey_id: int) -> int | None:
    """Return whose an enrollment of a journey is; None where it does not last any more, or never was."""
    shard, enrollment_id = place
    values = {"shard": shard, "enrollment_id": enrollment_id, "journey_id": journey_id}
    row = await (await conn.execute(QUERIES["find_enrollment"], values)).fetchone()
    return None if row is None else row[0]


async def moved_enrollment(conn: Conn, place: Place, *, shards: Sequence[int]) -> Place | None:
    """Return where the enrollment is now that had this place first; None where none has moved from there."""
    shard, enrollment_id = place
    values = {"shard": shard, "enrollment_id": enrollment_id, "shards": list(shards)}
    row = await (await conn.execute(QUERIES["find_moved_enrollment"], values)).fetchone()
    return None if row is None else (row[0], row[1])
