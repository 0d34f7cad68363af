"""Exporting: people, events and enrollments, row by row as of one moment, however many there are."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, LiteralString, cast

from psycopg import sql

from sojourn.store.connection import Conn, Pool
from sojourn.store.definitions import read_shards
from sojourn.store.queries import QUERIES

Subject = Literal["enrollments", "events", "people"]

FETCH_ROWS = 1000
"""Rows that the server hands over at once."""

_ORDER: Mapping[Subject, LiteralString] = {
    "enrollments": "n.enrollment_id",
    "events": "e.event_id",
    "people": "p.profile_id",
}


@dataclass(frozen=True, slots=True)
class Restriction:
    """A SQL boolean over `p`, a row of `profile`, made by the compiler; and its parameters."""

    text: str
    values: Mapping[str, object]


async def exported_rows(
    pool: Pool, subject: Subject, values: Mapping[str, Any], restriction: Restriction
) -> AsyncGenerator[Sequence[Any]]:
    """Yield the rows of the query of a subject, shard by shard, all as of the moment of the first."""
    # The compiler's text is made of its own words and numbers; whatever a person typed is a parameter.
    statement = sql.SQL("{} and {} order by {}").format(
        QUERIES[f"export_{subject}"],
        sql.SQL(cast("LiteralString", restriction.text)),
        sql.SQL(_ORDER[subject]),
    )
    async with pool.connection() as conn, conn.transaction():
        await conn.execute(QUERIES["freeze"])
        await conn.execute(QUERIES["limit_idling"])
        await conn.execute(QUERIES["raise_memory"])
        for shard in await read_shards(conn):
            async for row in _rows(conn, statement, {**restriction.values, **values, "shard": shard}):
                yield row


async def _rows(conn: Conn, statement: sql.Composed, values: Mapping[str, Any]) -> AsyncGenerator[Sequence[Any]]:
    async with conn.cursor(name="export") as cursor:
        cursor.itersize = FETCH_ROWS
        await cursor.execute(statement, values)
        async for row in cursor:
            yield row
