"""Broken constraints: each has a name in the schema and a meaning in ours."""

from datetime import UTC, datetime

import psycopg
import pytest

from sojourn.store.connection import Conn, connect
from sojourn.store.errors import BROKEN_RULE, AlreadyInside, WorkspaceNameTaken, domain_errors

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = """
select conname from pg_constraint
union
select indexname from pg_indexes
"""
STAY = """
insert into stay (shard, enrollment_id, journey_id, profile_id, point_no, since, wake_at)
values (0, %(enrollment_id)s, 1, 1, 1, %(now)s, %(now)s)
"""


async def test_every_rule_exists(shared_database_url: str) -> None:
    async with await connect(shared_database_url, application_name="test") as conn:
        found = {name for (name,) in await (await conn.execute(RULES)).fetchall()}
    assert set(BROKEN_RULE) - found == set()


async def test_a_taken_name_becomes_a_domain_error(db: Conn) -> None:
    with pytest.raises(WorkspaceNameTaken, match=r"A workspace of this name exists\.") as caught, domain_errors():
        await db.execute(
            "insert into workspace (tenant_id, name, created_at) values (gen_random_uuid(), 'default', %(now)s)",
            {"now": NOW},
        )
    assert caught.value.code == "exists"
    assert isinstance(caught.value.__cause__, psycopg.errors.UniqueViolation)


async def test_a_broken_unique_index_counts_too(db: Conn) -> None:
    await db.execute(STAY, {"enrollment_id": 1, "now": NOW})
    with pytest.raises(AlreadyInside), domain_errors():
        await db.execute(STAY, {"enrollment_id": 2, "now": NOW})


async def test_an_unknown_rule_passes_untouched(db: Conn) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), domain_errors():
        await db.execute("update installation set shard_count = 0")
