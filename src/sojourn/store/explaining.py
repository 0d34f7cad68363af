"""Explaining: how the database carries out a compiled statement, without keeping what it did."""

from collections.abc import Mapping
from typing import Any, LiteralString, cast

from psycopg import Rollback, sql

from sojourn.store.connection import Conn


async def analyze(conn: Conn, statement: str, values: Mapping[str, Any], *, shard: int) -> str:
    """Run a statement on a shard whose lease is held meanwhile, take everything back, and return the plan as text.

    Ids that it drew are gone, as after any transaction that failed.
    """
    lines: list[str] = []
    async with conn.transaction() as transaction:
        await conn.execute("select from shard where shard = %s for update", [shard])
        # What the compiler made: its text holds only our own words and numbers, values are parameters.
        explained = sql.SQL("explain (analyze, buffers, settings) ") + sql.SQL(cast("LiteralString", statement))
        cursor = await conn.execute(explained, dict(values))
        lines += [line for (line,) in await cursor.fetchall()]
        raise Rollback(transaction)
    return "\n".join(lines)
