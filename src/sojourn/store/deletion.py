"""Deletion: people and devices taken out of the tables of one shard. The caller holds the shard's lease."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sojourn.model.identities import Identity, Person
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

OF_ENROLLMENTS = ("passage", "departure", "conversion", "deadline", "draw", "message")
"""Tables with rows of enrollments, beside those that are counted, too."""

OF_PEOPLE = (
    "event_source", "event", "profile_change", "device", "static_member", "inbox", "transfer", "audience_member",
    "profile",
)  # fmt: skip
"""Tables with rows of people, in the order of deletion: what events came with is looked up in the events."""

PLURALS = {"event_source": "erase_event_sources", "inbox": "erase_inbox"}


@dataclass(frozen=True, slots=True)
class Grave:
    """People of one workspace in one shard who are to be deleted."""

    shard: int
    workspace_id: int
    profile_ids: Sequence[int]


async def lease_shards(conn: Conn, shards: Sequence[int]) -> None:
    """Take the leases of shards, waiting for ticks under way, and keep ticks from going on with an older view."""
    await conn.execute(QUERIES["lease_shards"], {"shards": sorted(shards)})
    for shard in sorted(shards):
        await conn.execute(QUERIES["touch_shard"], {"shard": shard})


async def people_numbered(
    conn: Conn, profile_ids: Sequence[int], *, workspace_id: int, shard_count: int
) -> list[Person]:
    """Return where the people of these numbers live, if they are in the workspace."""
    given = {"shards": list(range(shard_count)), "profile_ids": list(profile_ids), "workspace_id": workspace_id}
    cursor = await conn.execute(QUERIES["people_numbered"], given)
    return [Person(*row) for row in await cursor.fetchall()]


async def erase_people(conn: Conn, grave: Grave, *, now: datetime) -> Counter[str]:
    """Delete all that people have, and note that they are no more. Return how many rows went, by table."""
    given: dict[str, Any] = {
        "shard": grave.shard,
        "workspace_id": grave.workspace_id,
        "profile_ids": list(grave.profile_ids),
        "now": now,
        "hour": now.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
    }
    removed = await _erase_enrollments(conn, given)
    for table in OF_PEOPLE:
        cursor = await conn.execute(QUERIES[PLURALS.get(table, f"erase_{table}s")], given)
        removed[table] = cursor.rowcount
    removed["identity"] = (await conn.execute(QUERIES["erase_identities"], given)).rowcount
    await conn.execute(QUERIES["bury_people"], given)
    return removed


async def _erase_enrollments(conn: Conn, given: dict[str, Any]) -> Counter[str]:
    cursor = await conn.execute(QUERIES["enrollments_of"], given)
    enrollments = given | {"enrollment_ids": [row[0] for row in await cursor.fetchall()]}
    removed = Counter[str]()
    for table in OF_ENROLLMENTS:
        removed[table] = (await conn.execute(QUERIES[f"erase_{table}s"], enrollments)).rowcount
    for table in ("stay", "enrollment"):
        row = await (await conn.execute(QUERIES[f"erase_{table}s"], enrollments)).fetchone()
        assert row is not None, "a count is one row"
        removed[table] = row[0]
    return removed


async def erase_device(conn: Conn, person: Person, hwid: str, *, app_ids: Sequence[int]) -> Counter[str]:
    """Delete a device or address of a person in some apps. Return how many rows went, by table."""
    given = {"shard": person.shard, "profile_id": person.profile_id, "hwid": hwid, "app_ids": list(app_ids)}
    devices = await conn.execute(QUERIES["erase_device"], given)
    words = await conn.execute(QUERIES["erase_device_words"], given)
    return Counter({"device": devices.rowcount, "inbox": words.rowcount})


async def erase_identity(conn: Conn, identity: Identity, *, shard_count: int) -> Counter[str]:
    """Delete one thing that a person goes by. Return how many rows went, by table."""
    given = {
        "shard": identity.shard(shard_count),
        "workspace_id": identity.workspace_id,
        "kind": identity.kind,
        "value": identity.value,
    }
    return Counter({"identity": (await conn.execute(QUERIES["erase_identity"], given)).rowcount})
