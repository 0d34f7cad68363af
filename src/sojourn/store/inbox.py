"""Inbox: what waits for a tick. Described in docs/inbox.md."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

InboxKind = Literal[
    "attributes", "begin", "device", "drop", "enroll", "entry_event", "event", "move", "outcome", "select", "stop"
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One row to append.

    Attributes:
        profile_id: None for what concerns everybody in the shard.
        data: JSON text.
    """

    shard: int
    kind: InboxKind
    workspace_id: int
    app_id: int | None = None
    profile_id: int | None = None
    name: str | None = None
    data: str = "{}"
    source_id: str | None = None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class NamedListener:
    """An entry that enrolls the people whom `attribute_name` of an event names. `app_id` None: events of any app."""

    workspace_id: int
    event_name: str
    app_id: int | None
    journey_id: int
    point_no: int
    attribute_name: str


async def append_inbox(conn: Conn, rows: Sequence[InboxRow], *, now: datetime) -> None:
    """Append rows in their order, and tell those who tick the shards."""
    if not rows:
        return
    arrays = {
        "shards": [row.shard for row in rows],
        "kinds": [row.kind for row in rows],
        "workspace_ids": [row.workspace_id for row in rows],
        "app_ids": [row.app_id for row in rows],
        "profile_ids": [row.profile_id for row in rows],
        "names": [row.name for row in rows],
        "data": [row.data for row in rows],
        "source_ids": [row.source_id for row in rows],
        "occurred_at": [row.occurred_at for row in rows],
    }
    await conn.execute(QUERIES["append_inbox"], arrays | {"now": now})
    await conn.execute(QUERIES["notify_shards"], {"shards": sorted({row.shard for row in rows})})


async def named_listeners(conn: Conn, events: Collection[tuple[int, str]]) -> list[NamedListener]:
    """Return the entries that react to events, given as workspace and name, by enrolling the people they name."""
    arrays = {"workspace_ids": [workspace_id for workspace_id, _ in events], "names": [name for _, name in events]}
    cursor = await conn.execute(QUERIES["named_listeners"], arrays)
    return [NamedListener(*row) for row in await cursor.fetchall()]
