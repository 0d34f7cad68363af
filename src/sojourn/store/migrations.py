"""Migrations: numbered SQL files that lead from an empty database to schema.sql.

A file is called `NNNN_pre_name.sql` or `NNNN_post_name.sql`: `pre` is safe before the new code runs everywhere, `post`
only after. One that old code cannot live with ends in `_breaking` and says why in a comment `-- breaking: …`; the
mark is part of the name, so a worker too old to know the file still recognises it in the database and refuses to start.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal
from uuid import uuid4

from psycopg.rows import TupleRow
from psycopg.sql import SQL

from sojourn.model.problems import SojournError
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

Phase = Literal["pre", "post"]

FILE_NAME = re.compile(r"(?P<number>\d{4})_(?P<phase>pre|post)_[a-z0-9_]+\.sql")
BREAKING_MARK = "_breaking"
BREAKING_HEADER = re.compile(r"^-- breaking: \S", re.MULTILINE)
DEFAULT_WORKSPACE = "default"


class SchemaOutdated(SojournError):
    """The database lacks migrations."""

    code = "schema.outdated"


class SchemaTooNew(SojournError):
    """The database has had migrations that this version of Sojourn cannot live with."""

    code = "schema.too_new"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    name: str
    phase: Phase
    text: str


def parse(file_name: str, text: str) -> Migration:
    """Read a migration. The file's name and text must keep the rules of this module."""
    match = FILE_NAME.fullmatch(file_name)
    assert match, f"`{file_name}` is no name of a migration: NNNN_pre_name.sql or NNNN_post_name.sql"
    name = file_name.removesuffix(".sql")
    assert name.endswith(BREAKING_MARK) == bool(BREAKING_HEADER.search(text)), (
        f"`{file_name}`: a name ending in `{BREAKING_MARK}` and a comment `-- breaking: why` go together"
    )
    return Migration(name=name, phase="pre" if match["phase"] == "pre" else "post", text=text)


@cache
def load_migrations() -> tuple[Migration, ...]:
    """Read the migrations of the package in their order. Numbers run from 1 without gaps."""
    folder = files("sojourn.store") / "sql" / "migrations"
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    found = tuple(parse(entry.name, entry.read_text(encoding="utf-8")) for entry in entries)
    for number, migration in enumerate(found, start=1):
        assert migration.name.startswith(f"{number:04d}_"), f"`{migration.name}`: migration {number:04d} should be here"
    return found


async def migrate(
    conn: Conn,
    *,
    now: datetime,
    phases: Sequence[Phase] = ("pre", "post"),
    migrations: Sequence[Migration] | None = None,
) -> list[str]:
    """Apply what is missing, each migration in a transaction of its own. Return the names of those applied.

    Any number of processes may call this at once: they take turns, and each migration runs once. `conn` is in no
    transaction.
    """
    wanted = [each for each in (load_migrations() if migrations is None else migrations) if each.phase in phases]
    applied: list[str] = []
    while (name := await _apply_next(conn, wanted, now)) is not None:
        applied.append(name)
    return applied


async def _apply_next(conn: Conn, wanted: Sequence[Migration], now: datetime) -> str | None:
    async with conn.transaction():
        await conn.execute(QUERIES["lock_migrations"])
        known = await applied_migrations(conn)
        missing = next((each for each in wanted if each.name not in known), None)
        if missing is None:
            return None
        await conn.execute(missing.text.encode())
        await conn.execute(QUERIES["insert_migration"], {"name": missing.name, "now": now})
        return missing.name


async def applied_migrations(conn: Conn) -> set[str]:
    """Return the names of the migrations that the database has had."""
    (has_migrations,) = await _row(conn, QUERIES["has_migrations"])
    if not has_migrations:
        return set()
    cursor = await conn.execute(QUERIES["applied_migrations"])
    return {name for (name,) in await cursor.fetchall()}


async def check_schema(conn: Conn, *, migrations: Sequence[Migration] | None = None) -> None:
    """Make sure that this code and the database's schema fit together.

    Raises:
        SchemaOutdated: A `pre` migration that this code relies on is missing.
        SchemaTooNew: The database has had a breaking migration that this code does not know.
    """
    ours = load_migrations() if migrations is None else migrations
    applied = await applied_migrations(conn)
    missing = [each.name for each in ours if each.phase == "pre" and each.name not in applied]
    if missing:
        raise SchemaOutdated(f"the database lacks migrations: {', '.join(missing)}; `sojourn migrate` applies them")
    unknown = sorted(applied - {each.name for each in ours})
    breaking = [name for name in unknown if name.endswith(BREAKING_MARK)]
    if breaking:
        raise SchemaTooNew(
            f"the database is ahead of this version of Sojourn by {', '.join(breaking)}; a newer version fits"
        )


async def initialise(conn: Conn, *, shard_count: int, now: datetime) -> int:
    """Make the rows that every installation has, unless they exist. Return the number of shards in force.

    The first call decides the number of shards: people have been spread over them by then.
    """
    async with conn.transaction():
        await conn.execute(QUERIES["insert_installation"], {"shard_count": shard_count, "now": now})
        await conn.execute(QUERIES["insert_shards"])
        await conn.execute(QUERIES["insert_workspace"], {"name": DEFAULT_WORKSPACE, "tenant_id": uuid4(), "now": now})
        (in_force,) = await _row(conn, QUERIES["shard_count"])
        assert isinstance(in_force, int), "shard_count is an integer column"
        return in_force


async def _row(conn: Conn, query: SQL) -> TupleRow:
    row = await (await conn.execute(query)).fetchone()
    assert row is not None, "the query returns exactly one row"
    return row
