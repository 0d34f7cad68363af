"""The schema: both roads to it, who may walk them, and who is kept out."""

import asyncio
import re
import subprocess
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from sojourn.store.connection import Conn, connect
from sojourn.store.migrations import (
    Migration,
    SchemaOutdated,
    SchemaTooNew,
    applied_migrations,
    check_schema,
    initialise,
    load_migrations,
    migrate,
    parse,
)
from sojourn.store.programs import account_for, find_programs

pytestmark = pytest.mark.both_postgres

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BREAKING = Migration(name="9999_post_drop_everything_breaking", phase="post", text="-- breaking: nothing is left")


def dump(url: str, version: int, home: Path) -> str:
    """The schema as pg_dump prints it, without the random token that guards each dump."""
    programs = find_programs(version, account_for(home), home)
    command = [programs.bin / "pg_dump", "--schema-only", "--no-owner", url]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"^\\(un)?restrict .*$", "", printed, flags=re.MULTILINE)


async def test_migrations_lead_to_the_schema_file(
    database_url: str, empty_database_url: str, postgres_version: int, tmp_path: Path
) -> None:
    schema = (files("sojourn.store") / "sql" / "schema.sql").read_text()
    async with await connect(empty_database_url, application_name="test") as conn:
        await conn.execute(schema.encode())
    ours = dump(database_url, postgres_version, tmp_path)
    assert ours == dump(empty_database_url, postgres_version, tmp_path)


async def test_no_default_is_another_one_on_another_node(db: Conn) -> None:
    """Uuids come from the application, and time is told: by default there are constants, and numbers counted up."""
    await migrate(db, now=NOW)
    cursor = await db.execute(
        "select table_name, column_name, column_default from information_schema.columns"
        " where table_schema = 'public' and column_default ~ '[(]' and column_default !~ '^nextval[(]'"
    )
    assert await cursor.fetchall() == []


async def test_migrating_again_changes_nothing(db: Conn) -> None:
    assert await migrate(db, now=NOW) == []
    assert await applied_migrations(db) == {each.name for each in load_migrations()}


async def test_starters_at_once_take_turns(empty_database_url: str) -> None:
    async def start() -> list[str]:
        async with await connect(empty_database_url, application_name="test") as conn:
            applied = await migrate(conn, now=NOW)
            await initialise(conn, shard_count=8, now=NOW)
            return applied

    applied = await asyncio.gather(*(start() for _ in range(5)))
    assert sorted(name for names in applied for name in names) == [each.name for each in load_migrations()]


async def test_a_failing_migration_leaves_nothing_behind(db: Conn) -> None:
    broken = Migration(name="9999_pre_broken", phase="pre", text="create table half_done (); select 1 / 0")
    with pytest.raises(Exception, match="division by zero"):
        await migrate(db, now=NOW, migrations=[broken])
    cursor = await db.execute("select to_regclass('half_done')")
    assert await cursor.fetchone() == (None,)
    assert broken.name not in await applied_migrations(db)


async def test_the_phases_apart(db: Conn) -> None:
    pre = Migration(name="9998_pre_one", phase="pre", text="create table one ()")
    post = Migration(name="9999_post_two", phase="post", text="create table two ()")
    assert await migrate(db, now=NOW, phases=["pre"], migrations=[pre, post]) == [pre.name]
    await check_schema(db, migrations=[*load_migrations(), pre, post])
    assert await migrate(db, now=NOW, migrations=[pre, post]) == [post.name]


async def test_a_database_without_the_schema_is_refused(empty_database_url: str) -> None:
    async with await connect(empty_database_url, application_name="test") as conn:
        with pytest.raises(SchemaOutdated, match="0001_pre_initial; `sojourn migrate` applies them"):
            await check_schema(conn)


async def test_an_old_worker_accepts_a_harmless_migration_from_the_future(db: Conn) -> None:
    await migrate(db, now=NOW, migrations=[Migration(name="9999_pre_more", phase="pre", text="create table more ()")])
    await check_schema(db)


async def test_an_old_worker_refuses_a_breaking_migration_from_the_future(db: Conn) -> None:
    await migrate(db, now=NOW, migrations=[BREAKING])
    with pytest.raises(SchemaTooNew, match="9999_post_drop_everything_breaking"):
        await check_schema(db)


async def test_the_first_start_fixes_the_number_of_shards(empty_database_url: str) -> None:
    async with await connect(empty_database_url, application_name="test") as conn:
        await migrate(conn, now=NOW)
        assert await initialise(conn, shard_count=8, now=NOW) == 8
        assert await initialise(conn, shard_count=128, now=NOW) == 8
        assert await (await conn.execute("select count(*), min(shard), max(shard) from shard")).fetchone() == (8, 0, 7)
        assert await (await conn.execute("select name from workspace")).fetchall() == [("default",)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("1_pre_x.sql", "select 1"),
        ("0002_during_x.sql", "select 1"),
        ("0002_pre_X.sql", "select 1"),
        ("0002_post_x_breaking.sql", "select 1"),
        ("0002_post_x.sql", "-- breaking: stay.reached is gone"),
    ],
)
def test_a_misnamed_migration_is_a_bug(name: str, text: str) -> None:
    with pytest.raises(AssertionError):
        parse(name, text)
