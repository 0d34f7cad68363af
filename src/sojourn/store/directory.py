"""Directory: the small facts about an installation and its workspaces that most commands look up."""

from collections.abc import Mapping

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


async def app_ids(conn: Conn, *, workspace_id: int) -> Mapping[str, int]:
    """Return the apps of a workspace by their codes."""
    cursor = await conn.execute(QUERIES["app_ids"], {"workspace_id": workspace_id})
    return dict[str, int](await cursor.fetchall())


async def server_zones(conn: Conn) -> frozenset[str]:
    """Return the names of the time zones that the server knows."""
    cursor = await conn.execute(QUERIES["server_zones"])
    return frozenset(name for (name,) in await cursor.fetchall())


async def shard_count(conn: Conn) -> int:
    """Return the number of shards, fixed when the installation was made."""
    row = await (await conn.execute(QUERIES["shard_count"])).fetchone()
    assert row is not None, "an initialised database has its installation row"
    return row[0]
