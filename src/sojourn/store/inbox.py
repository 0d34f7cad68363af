"""Inbox: what waits for a tick. Described in docs/inbox.md."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from sojourn.model.identities import Identity
from sojourn.store.arrays import instants, numbers, texts
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

InboxKind = Literal[
    "attributes", "begin", "device", "drop", "enroll", "entry_event", "event", "list", "look", "move", "outcome",
    "select", "stop", "transfer",
]  # fmt: skip

DATA_MAX = 16_000_000
"""Characters of data in one statement; PostgreSQL's JSON arrays end at 256 MB."""


class InboxRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row to append. A struct, since it is made for every notice, and a third as dear to make as a dataclass.

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
    hwid: str | None = None
    occurred_at: datetime


class Letter(Struct, frozen=True, kw_only=True, gc=False):
    """One row to append for somebody of whom only names are known so far.

    Attributes:
        lead: Who it is for.
        other: Another name of the same person.
        data: JSON text.
        occurred_at: None for the instant of acceptance.
    """

    lead: Identity
    other: Identity | None
    kind: InboxKind
    workspace_id: int
    app_id: int | None
    name: str | None
    data: str
    source_id: str | None
    hwid: str | None
    occurred_at: datetime | None


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
    for some in _portions(rows):
        await _append(conn, some, now)
    if rows:
        await conn.execute(QUERIES["notify_shards"], {"shards": sorted({row.shard for row in rows})})


def _portions(rows: Sequence[InboxRow]) -> Iterator[Sequence[InboxRow]]:
    """Cut rows into portions whose data fits into one parameter."""
    begin = size = 0
    for place, row in enumerate(rows):
        size += len(row.data)
        if size > DATA_MAX and place > begin:
            yield rows[begin:place]
            begin, size = place, len(row.data)
    if rows:
        yield rows[begin:]


async def _append(conn: Conn, rows: Sequence[InboxRow], now: datetime) -> None:
    arrays = {
        "shards": numbers([row.shard for row in rows]),
        "kinds": texts([row.kind for row in rows]),
        "workspace_ids": numbers([row.workspace_id for row in rows]),
        "app_ids": numbers([row.app_id for row in rows]),
        "profile_ids": numbers([row.profile_id for row in rows]),
        "names": texts([row.name for row in rows]),
        "data": f"[{','.join(row.data for row in rows)}]",
        "source_ids": texts([row.source_id for row in rows]),
        "hwids": texts([row.hwid for row in rows]),
        "occurred_at": instants([row.occurred_at for row in rows]),
    }
    await conn.execute(QUERIES["append_inbox"], arrays | {"now": now})


async def append_letters(
    conn: Conn, letters: Sequence[Letter], *, shard_count: int, events: Collection[tuple[int, str]], now: datetime
) -> bool:
    """Append letters in their order, and tell those who tick the shards, if nothing has to be decided before.

    One statement and, where it is a transaction of its own, one turn to the database and back.

    Args:
        conn: Where to.
        letters: At least one; with at most `DATA_MAX` characters of data.
        shard_count: How many shards there are.
        events: The workspaces and names of the events among the letters.
        now: When they are accepted.

    Returns:
        False if nothing was appended, because somebody is not known or has become another, two names are not one
        person's, or an event may name people to enroll.
    """
    cursor = await conn.execute(QUERIES["append_letters"], _letter_arrays(letters, shard_count, events) | {"now": now})
    return cursor.rowcount > 0


def _letter_arrays(letters: Sequence[Letter], shard_count: int, events: Collection[tuple[int, str]]) -> dict[str, str]:
    others = [letter.other for letter in letters]
    return {
        "lead_shards": numbers([letter.lead.shard(shard_count) for letter in letters]),
        "lead_kinds": texts([letter.lead.kind for letter in letters]),
        "lead_values": texts([letter.lead.value for letter in letters]),
        "other_shards": numbers([None if other is None else other.shard(shard_count) for other in others]),
        "other_kinds": texts([None if other is None else other.kind for other in others]),
        "other_values": texts([None if other is None else other.value for other in others]),
        "kinds": texts([letter.kind for letter in letters]),
        "workspace_ids": numbers([letter.workspace_id for letter in letters]),
        "app_ids": numbers([letter.app_id for letter in letters]),
        "names": texts([letter.name for letter in letters]),
        "data": f"[{','.join([letter.data for letter in letters])}]",
        "source_ids": texts([letter.source_id for letter in letters]),
        "hwids": texts([letter.hwid for letter in letters]),
        "occurred_at": instants([letter.occurred_at for letter in letters]),
        "event_workspace_ids": numbers([workspace_id for workspace_id, _ in events]),
        "event_names": texts([name for _, name in events]),
    }


async def estimate_inbox(conn: Conn) -> int:
    """Return about how many rows wait. Takes two looks into an index per shard, however many there are."""
    row = await (await conn.execute(QUERIES["estimate_inbox"])).fetchone()
    assert row is not None, "a sum is one row"
    return row[0]


async def named_listeners(conn: Conn, events: Collection[tuple[int, str]]) -> list[NamedListener]:
    """Return the entries that react to events, given as workspace and name, by enrolling the people they name."""
    arrays = {"workspace_ids": [workspace_id for workspace_id, _ in events], "names": [name for _, name in events]}
    cursor = await conn.execute(QUERIES["named_listeners"], arrays)
    return [NamedListener(*row) for row in await cursor.fetchall()]
