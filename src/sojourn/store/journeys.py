"""Journeys: their definitions, versions, points and listeners."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.model.lifecycle import Status
from sojourn.model.points import PointId
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredJourney:
    """A row of `journey` and the graph of its version. JSON is left as text.

    Attributes:
        advances: People inside go on, although the journey does not run.
        started_at: The start since which people may be inside; None for a journey that nobody is in.
    """

    journey_id: int
    journey_uuid: UUID
    workspace_id: int
    app_id: int
    title: str
    description: str
    status: Status
    version_no: int
    graph: str
    layout: str
    comments: str
    category_uuid: UUID | None
    advances: bool
    first_started_at: datetime | None
    started_at: datetime | None
    stop_reason: str
    last_edited_by: str
    created_at: datetime
    updated_at: datetime
    site_id: UUID
    audience: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyText:
    """What an operator writes about a journey. `layout` and `comments` are JSON text."""

    app_id: int
    title: str
    description: str
    layout: str
    comments: str
    category_uuid: UUID | None
    last_edited_by: str


@dataclass(frozen=True, slots=True)
class NumberedPoint:
    """The number of a point, and its kind. A point of another kind is another point."""

    point_no: int
    kind: str


@dataclass(frozen=True, slots=True)
class ListenerRow:
    """A point that reacts to an event; of one app, or of any."""

    point_no: int
    app_id: int | None
    event_name: str
    reaction: str
    attribute_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyFilter:
    """Which journeys a list has: of these apps, in these statuses, with `search` in the title."""

    workspace_id: int
    app_ids: Sequence[int]
    statuses: Sequence[Status]
    search: str


async def find_journey(conn: Conn, *, workspace_id: int, journey_uuid: UUID) -> StoredJourney | None:
    """Return a journey of a workspace."""
    values = {"workspace_id": workspace_id, "journey_uuid": journey_uuid}
    row = await (await conn.execute(QUERIES["find_journey"], values)).fetchone()
    return None if row is None else StoredJourney(*row)


async def journey_ids(conn: Conn, *, workspace_id: int, journey_uuids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the numbers of those of the journeys that are the workspace's."""
    values = {"workspace_id": workspace_id, "journey_uuids": list(journey_uuids)}
    return dict(await (await conn.execute(QUERIES["journey_ids"], values)).fetchall())


async def lock_journey(conn: Conn, *, workspace_id: int, journey_uuid: UUID) -> StoredJourney | None:
    """Return a journey of a workspace, which nobody else can change until the transaction ends."""
    # Locked first and read then: a locking read that waited would join the new row to the version it had before.
    await conn.execute(QUERIES["lock_journey"], {"workspace_id": workspace_id, "journey_uuid": journey_uuid})
    return await find_journey(conn, workspace_id=workspace_id, journey_uuid=journey_uuid)


async def list_journeys(conn: Conn, wanted: JourneyFilter, *, skipped: int, count: int) -> list[StoredJourney]:
    """Return one page of journeys, newest first."""
    values = _filter(wanted) | {"skipped": skipped, "count": count}
    cursor = await conn.execute(QUERIES["list_journeys"], values)
    return [StoredJourney(*row) for row in await cursor.fetchall()]


async def count_journeys(conn: Conn, wanted: JourneyFilter) -> int:
    """Return how many journeys the whole list has."""
    row = await (await conn.execute(QUERIES["count_journeys"], _filter(wanted))).fetchone()
    assert row is not None, "a count is one row"
    return row[0]


def containing(search: str) -> str:
    """Return the pattern of what contains a text."""
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _filter(wanted: JourneyFilter) -> dict[str, Any]:
    return {
        "workspace_id": wanted.workspace_id,
        "app_ids": list(wanted.app_ids),
        "statuses": list(wanted.statuses),
        "title_pattern": containing(wanted.search),
    }


async def insert_journey(conn: Conn, *, workspace_id: int, journey_uuid: UUID, text: JourneyText, now: datetime) -> int:
    """Make a draft without a version. Return its number."""
    values = _text(text) | {"workspace_id": workspace_id, "journey_uuid": journey_uuid, "now": now}
    row = await (await conn.execute(QUERIES["insert_journey"], values)).fetchone()
    assert row is not None, "an insert that succeeds returns its row"
    return row[0]


async def update_journey(conn: Conn, *, journey_id: int, version_no: int, text: JourneyText, now: datetime) -> None:
    """Replace what an operator writes about a journey."""
    values = _text(text) | {"journey_id": journey_id, "version_no": version_no, "now": now}
    await conn.execute(QUERIES["update_journey"], values)


def _text(text: JourneyText) -> dict[str, Any]:
    return {
        "app_id": text.app_id,
        "title": text.title,
        "description": text.description,
        "layout": text.layout,
        "comments": text.comments,
        "category_uuid": text.category_uuid,
        "last_edited_by": text.last_edited_by,
    }


async def insert_version(conn: Conn, *, journey_id: int, version_no: int, graph: str, now: datetime) -> None:
    """Keep a graph, given as JSON text, as a version."""
    values = {"journey_id": journey_id, "version_no": version_no, "graph": graph, "now": now}
    await conn.execute(QUERIES["insert_version"], values)


async def delete_journey(conn: Conn, *, journey_id: int) -> None:
    """Delete a journey that nobody ever was in."""
    await conn.execute(QUERIES["delete_journey"], {"journey_id": journey_id})


async def set_status(
    conn: Conn,
    *,
    journey_id: int,
    status: Status,
    first_started_at: datetime | None,
    started_at: datetime | None,
    advances: bool,
    stop_reason: str,
    now: datetime,
) -> None:
    """Change the status of a journey. For `started_at` and `advances` see `StoredJourney`."""
    values = {
        "journey_id": journey_id,
        "status": status,
        "first_started_at": first_started_at,
        "started_at": started_at,
        "advances": advances,
        "stop_reason": stop_reason,
        "now": now,
    }
    await conn.execute(QUERIES["set_status"], values)


async def numbered_points(conn: Conn, *, journey_id: int) -> dict[PointId, NumberedPoint]:
    """Return every point that a journey ever had, by its id."""
    cursor = await conn.execute(QUERIES["point_numbers"], {"journey_id": journey_id})
    return {point: NumberedPoint(number, kind) for point, number, kind in await cursor.fetchall()}


async def insert_points(conn: Conn, *, journey_id: int, points: Mapping[PointId, NumberedPoint]) -> None:
    """Keep the numbers of new points."""
    values = {
        "journey_id": journey_id,
        "point_nos": [point.point_no for point in points.values()],
        "point_uuids": list(points),
        "kinds": [point.kind for point in points.values()],
    }
    await conn.execute(QUERIES["insert_points"], values)


async def retire_points(conn: Conn, *, journey_id: int, points: Mapping[PointId, UUID]) -> None:
    """Give numbers to ids that nobody uses, so that the points go on under other numbers."""
    values = {"journey_id": journey_id, "point_uuids": list(points), "new_uuids": list(points.values())}
    await conn.execute(QUERIES["retire_points"], values)


async def keep_held_since(conn: Conn, *, journey_id: int, now: datetime) -> None:
    """Remember that a journey is held from now on, unless it is held already."""
    await conn.execute(QUERIES["keep_held_since"], {"journey_id": journey_id, "now": now})


async def forget_held_since(conn: Conn, *, journey_id: int) -> datetime | None:
    """Return since when a journey was held, and forget it. None where it was not."""
    row = await (await conn.execute(QUERIES["forget_held_since"], {"journey_id": journey_id})).fetchone()
    return None if row is None else row[0]


async def replace_listeners(
    conn: Conn, *, journey_id: int, workspace_id: int, listeners: Collection[ListenerRow]
) -> None:
    """Let a journey react to these events and no others."""
    await conn.execute(QUERIES["delete_listeners"], {"journey_id": journey_id})
    values = {
        "journey_id": journey_id,
        "workspace_id": workspace_id,
        "point_nos": [each.point_no for each in listeners],
        "app_ids": [each.app_id for each in listeners],
        "event_names": [each.event_name for each in listeners],
        "reactions": [each.reaction for each in listeners],
        "attribute_names": [each.attribute_name for each in listeners],
    }
    await conn.execute(QUERIES["insert_listeners"], values)


async def mark_changed(conn: Conn, *, journey_id: int) -> None:
    """Tell the engines that a journey changed. The last thing a transaction does: it takes turns with all others."""
    await conn.execute(QUERIES["mark_changed"], {"journey_id": journey_id})
    await conn.execute(QUERIES["notify_definitions"])
