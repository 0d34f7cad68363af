"""Fixed lists: who is on them, and who would have to join or leave for others to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sojourn.store.arrays import numbers
from sojourn.store.connection import Conn
from sojourn.store.deletion import lease_shards
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredMember:
    """Somebody on a list. `identities` are pairs of kind and value."""

    shard: int
    profile_id: int
    added_at: datetime
    user_id: str | None
    identities: Sequence[Sequence[str]] | None


async def find_list(conn: Conn, *, workspace_id: int, code: str) -> int | None:
    """Return the number of a list, which stays until the transaction ends; None: there is no such list."""
    return await _number(conn, "find_list", workspace_id, code)


async def lock_list(conn: Conn, *, workspace_id: int, code: str) -> int | None:
    """Return the number of a list, which nobody else who locks it changes until the transaction ends."""
    return await _number(conn, "lock_list", workspace_id, code)


async def _number(conn: Conn, query: str, workspace_id: int, code: str) -> int | None:
    row = await (await conn.execute(QUERIES[query], {"workspace_id": workspace_id, "code": code})).fetchone()
    return None if row is None else row[0]


async def count_members(conn: Conn, *, segment_id: int, shards: Sequence[int]) -> int:
    """Return how many people are on a list."""
    cursor = await conn.execute(QUERIES["count_members"], {"segment_id": segment_id, "shards": list(shards)})
    row = await cursor.fetchone()
    assert row is not None, "a count is one row"
    return row[0]


async def list_members(
    conn: Conn, *, segment_id: int, shards: Sequence[int], after_shard: int, after_profile: int, count: int
) -> list[StoredMember]:
    """Return the next people on a list, by shard and number, behind a number in the shard `after_shard`."""
    values = {
        "segment_id": segment_id,
        "shards": [shard for shard in shards if shard >= after_shard],
        "after_shard": after_shard,
        "after_profile": after_profile,
        "count": count,
    }
    return [StoredMember(*row) for row in await (await conn.execute(QUERIES["list_members"], values)).fetchall()]


async def not_on_list(conn: Conn, *, shard: int, segment_id: int, profile_ids: Sequence[int]) -> list[int]:
    """Return those of some people who are not on a list, nor will be by what waits in the inbox."""
    values = {"shard": shard, "segment_id": segment_id, "profile_ids": numbers(profile_ids)}
    return [number for (number,) in await (await conn.execute(QUERIES["not_on_list"], values)).fetchall()]


async def others_on_list(
    conn: Conn, *, shard: int, segment_id: int, profile_ids: Sequence[int], batch: int
) -> list[int]:
    """Return up to `batch` people on a list, as it will be by what waits in the inbox, who are none of these."""
    values = {"shard": shard, "segment_id": segment_id, "profile_ids": numbers(profile_ids), "batch": batch}
    return [number for (number,) in await (await conn.execute(QUERIES["others_on_list"], values)).fetchall()]


async def dead_lists(conn: Conn, *, shard: int) -> list[int]:
    """Return the numbers of lists that are no more but have members in a shard."""
    return [number for (number,) in await (await conn.execute(QUERIES["dead_lists"], {"shard": shard})).fetchall()]


async def clear_list(conn: Conn, *, shard: int, segment_id: int, batch: int) -> int:
    """Take up to `batch` people of a shard off a list that is no more; return how many. Waits for a tick under way."""
    await lease_shards(conn, [shard])
    values = {"shard": shard, "segment_id": segment_id, "batch": batch}
    return (await conn.execute(QUERIES["clear_list"], values)).rowcount
