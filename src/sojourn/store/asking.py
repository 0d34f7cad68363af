"""Asking: who is in a segment, how many, and why somebody is, as of one moment and within a limit of time."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, cast

from psycopg import sql
from psycopg.errors import QueryCanceled

from sojourn.compiler.sweeps import TABLES, Part, Sizes, Table
from sojourn.store.connection import Conn, Pool
from sojourn.store.errors import TookTooLong
from sojourn.store.exporting import Restriction
from sojourn.store.queries import QUERIES

SAMPLED_PAGES = 200
"""Pages of `profile` that an estimate reads; each holds some twenty people."""

STATEMENT_SECONDS = 60
"""How long one question may take."""


@asynccontextmanager
async def asking(pool: Pool, *, seconds: int = STATEMENT_SECONDS) -> AsyncGenerator[Conn]:
    """Open a transaction that sees one moment and changes nothing.

    Raises:
        TookTooLong: A statement took more than the seconds.
    """
    try:
        async with pool.connection() as conn, conn.transaction():
            await conn.execute(QUERIES["freeze"])
            await conn.execute(QUERIES["limit_statements"], {"milliseconds": 1000 * seconds})
            await conn.execute(QUERIES["raise_memory"])
            yield conn
    except QueryCanceled as error:
        raise TookTooLong from error


async def count_people(conn: Conn, *, workspace_id: int, shards: Sequence[int], who: Restriction) -> int:
    """Return how many people of a workspace meet a condition over all the shards."""
    statement = sql.SQL("{} and {}").format(QUERIES["count_people"], _text(who.text))
    values = {**who.values, "workspace_id": workspace_id, "shards": list(shards)}
    row = await (await conn.execute(statement, values, prepare=False)).fetchone()
    assert row is not None, "a count is one row"
    return row[0]


async def sample_people(
    conn: Conn, *, workspace_id: int, shards: Sequence[int], who: Restriction, count: int
) -> list[tuple[int, str | None, Mapping[str, Any]]]:
    """Return number, user id and attributes of the first people who meet a condition, by shard."""
    # `offset 0`: who is wanted is found as for a count, and not by trying one person after the other.
    statement = sql.SQL(
        "select w.profile_id, w.user_id, w.attributes from ({} and {} offset 0) as w"
        " order by w.shard, w.profile_id limit {}"
    ).format(QUERIES["sample_people"], _text(who.text), sql.Literal(count))
    values = {**who.values, "workspace_id": workspace_id, "shards": list(shards)}
    return [(row[0], row[1], row[2]) for row in await (await conn.execute(statement, values, prepare=False)).fetchall()]


async def work_alone(conn: Conn) -> None:
    """Let the statements of the transaction have one process each."""
    await conn.execute(QUERIES["work_alone"])


async def read_sizes(conn: Conn) -> Sizes:
    """Return about how many rows there are of what people did, have and are listed on."""
    sizes: dict[Table, list[Part]] = {table: [] for table in TABLES}
    cursor = await conn.execute(QUERIES["table_sizes"], {"names": list(TABLES)})
    for name, rows, ends in await cursor.fetchall():
        sizes[name].append(Part(rows, ends))
    return sizes


async def estimate_people(conn: Conn, *, workspace_id: int, shards: Sequence[int], who: Restriction) -> float:
    """Return about how many people of a workspace meet a condition over all the shards, and at least one."""
    ((pages,),) = await (await conn.execute(QUERIES["profile_pages"])).fetchall()
    statement = sql.SQL("{} and {}").format(QUERIES["estimate_people"], _text(who.text))
    share = min(100.0, 100 * SAMPLED_PAGES / max(pages, 1))
    values = {**who.values, "workspace_id": workspace_id, "shards": list(shards), "share": share}
    row = await (await conn.execute(statement, values, prepare=False)).fetchone()
    assert row is not None, "a count is one row"
    return row[0]


async def ask_about_person(
    conn: Conn, statement: str, values: Mapping[str, object]
) -> tuple[list[bool], list[Any]] | None:
    """Run a statement of `compiler.seen`. Return what is met and what was seen; None: there is no such person."""
    row = await (await conn.execute(_text(statement), values, prepare=False)).fetchone()
    return None if row is None else (row[0], row[1])


def _text(text: str) -> sql.SQL:
    # The compiler's text is made of its own words and numbers; whatever a person typed is a parameter.
    return sql.SQL(cast("LiteralString", text))
