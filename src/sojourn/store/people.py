"""People, read one at a time."""

from collections.abc import Mapping
from typing import Any

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


async def read_attributes(conn: Conn, *, shard: int, profile_id: int) -> Mapping[str, Any]:
    """Return the attributes of a person; none of somebody whom no tick has met yet."""
    cursor = await conn.execute(QUERIES["read_attributes"], {"shard": shard, "profile_id": profile_id})
    row = await cursor.fetchone()
    return {} if row is None else row[0]
