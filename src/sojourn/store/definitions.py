"""Definitions as an engine reads them: what changed since it last looked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Graph
from sojourn.model.segments import Expression
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class JourneyRow:
    """A journey with the graph that counts now, the numbers of its points, and who won at its splitters."""

    journey_id: int
    journey_uuid: str
    workspace_id: int
    status: str
    advances: bool
    version_no: int
    started_at: datetime | None
    graph: Graph
    numbers: Mapping[str, int]
    winners: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class ListenerRow:
    """A point that reacts to an event."""

    journey_id: int
    point_no: int
    workspace_id: int
    event_name: str
    reaction: str


async def read_epoch(conn: Conn) -> int:
    """Return the number of the last change of a definition."""
    row = await (await conn.execute(QUERIES["read_epoch"], prepare=True)).fetchone()
    return row[0] if row else 0


async def read_shards(conn: Conn) -> list[int]:
    """Return all shards."""
    cursor = await conn.execute(QUERIES["read_shards"])
    return [row[0] for row in await cursor.fetchall()]


async def read_changed_journeys(conn: Conn, epoch: int) -> list[JourneyRow]:
    """Return the journeys that changed after an epoch."""
    cursor = await conn.execute(QUERIES["read_changed_journeys"], {"epoch": epoch})
    return [
        JourneyRow(
            *row[:7],
            graph=msgspec.json.decode(row[7], type=Graph),
            numbers=msgspec.json.decode(row[8] or "{}", type=dict[str, int]),
            winners=msgspec.json.decode(row[9] or "{}", type=dict[int, int]),
        )
        for row in await cursor.fetchall()
    ]


async def read_listeners(conn: Conn) -> list[ListenerRow]:
    """Return all reactions to events."""
    cursor = await conn.execute(QUERIES["read_listeners"])
    return [ListenerRow(*row) for row in await cursor.fetchall()]


async def read_scopes(conn: Conn) -> dict[int, SegmentScope]:
    """Return what segments may refer to, by workspace."""
    cursor = await conn.execute(QUERIES["read_scopes"])
    return {
        workspace_id: SegmentScope(
            workspace_id=workspace_id,
            app_ids=msgspec.json.decode(app_ids or "{}", type=dict[str, int]),
            segments=msgspec.json.decode(segments or "{}", type=dict[str, Expression]),
            lists=msgspec.json.decode(lists or "{}", type=dict[str, int]),
        )
        for workspace_id, app_ids, segments, lists in await cursor.fetchall()
    }
