"""A young installation: tables fill while engines keep the plans that they made when there was nothing in them."""

import pytest

from sojourn.engine.tick import Budget
from tests.lab import Lab, awaiting, segment

pytestmark = pytest.mark.both_postgres

CROWD, BATCH = 3_000, 1_000
EVERYBODY = 'T("anything", NOTEQ, "at all")'
READS_PER_CHANGE = 150
"""As below, with what a tick of its own reads to find its work."""
READS_PER_PERSON = 60
"""Rows that may be read by index for one person: a few per table and step, but not a thousandth of the crowd."""


async def test_the_work_for_one_person_does_not_grow_with_the_crowd(database_url: str) -> None:
    lab = await Lab.open(database_url)
    await lab.conn.execute(
        "insert into profile (shard, profile_id, workspace_id, created_at, updated_at)"
        " select %s, n, %s, %s, %s from generate_series(1, %s) as n",
        (lab.shard, lab.workspace_id, lab.now, lab.now, CROWD),
    )
    # As autovacuum does in a quiet hour.
    await lab.conn.execute("vacuum analyze")
    lab.budget = Budget(people=BATCH)
    await lab.start(
        """
        all -> wait 1h -> hears.1 -> exit
        hears -> email -> exit
        """,
        all=segment(EVERYBODY),
        hears=awaiting("bought", period="1h"),
    )
    await lab.tick()
    await lab.after(hours=1)
    await lab.conn.execute(
        "insert into inbox (shard, kind, workspace_id, profile_id, name, occurred_at, received_at)"
        " select %s, 'event', %s, n, 'bought', %s, %s from generate_series(1, %s) as n",
        (lab.shard, lab.workspace_id, lab.now, lab.now, CROWD // 2),
    )
    await lab.after(minutes=1)
    await lab.after(hours=1)
    await lab.conn.execute("select pg_stat_force_next_flush()")
    read = await lab.value("select sum(idx_tup_read) from pg_stat_user_indexes")
    assert await lab.value("select count(*) from departure") == CROWD
    await lab.close()
    assert read < READS_PER_PERSON * CROWD


async def test_a_table_measured_between_two_crowds_is_not_walked_for_each_batch(database_url: str) -> None:
    lab = await Lab.open(database_url)
    await lab.conn.execute(
        "insert into profile (shard, profile_id, workspace_id, created_at, updated_at)"
        " select %s, n, %s, %s, %s from generate_series(1, %s) as n",
        (lab.shard, lab.workspace_id, lab.now, lab.now, CROWD),
    )
    await lab.start("all -> wait 1h -> email -> exit", all=segment(EVERYBODY))
    await lab.tick()
    await lab.conn.execute("create table kept as table stay")
    await lab.conn.execute("delete from stay")
    await lab.conn.execute("analyze stay")
    await lab.conn.execute("insert into stay table kept")
    await lab.conn.execute("select pg_stat_force_next_flush()")
    await lab.conn.execute("select pg_stat_reset()")

    # Only what is known to be on disk is known to be dead for good; else every scan passes by the dead again.
    await lab.conn.execute("set synchronous_commit = on")
    lab.budget, lab.runner = Budget(people=CROWD // 50), None
    await lab.after(hours=1)

    await lab.conn.execute("select pg_stat_force_next_flush()")
    read = await lab.value("select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'stay'")
    assert await lab.value("select count(*) from departure") == CROWD
    await lab.close()
    assert read < 10 * CROWD


@pytest.mark.parametrize("measured", [False, True])
async def test_a_live_audience_costs_by_who_changes_and_not_by_the_crowd(database_url: str, measured: bool) -> None:
    lab = await Lab.open(database_url)
    await lab.conn.execute(
        "insert into profile (shard, profile_id, workspace_id, attributes, created_at, updated_at)"
        """ select %s, n, %s, '{"visit": "2026-03-01"}', %s, %s from generate_series(1, %s) as n""",
        (lab.shard, lab.workspace_id, lab.now, lab.now, CROWD),
    )
    if measured:
        await lab.conn.execute("vacuum analyze")
    lab.budget = Budget(people=BATCH)
    await lab.start("all -> wait 1h -> exit", all=segment('T("visit", GTE, "3 days ago")', trigger="DYNAMIC"))
    await lab.tick()
    assert await reads(lab) < READS_PER_PERSON * CROWD
    assert await lab.value("select count(*) from stay") == CROWD

    await lab.after(minutes=1)
    before = await reads(lab)
    for number in range(10):
        data = '{"operations": [{"op": "set", "tag": "visit", "value": "2025-03-01"}]}'
        await lab.conn.execute(
            "insert into inbox (shard, kind, workspace_id, profile_id, data, occurred_at, received_at)"
            " values (%s, 'attributes', %s, %s, %s, %s, %s)",
            (lab.shard, lab.workspace_id, 1 + number * 97, data, lab.now, lab.now),
        )
        await lab.after(minutes=1)
    assert await reads(lab) - before < READS_PER_CHANGE * 10
    assert await lab.value("select count(*) from audience_member") == CROWD - 10

    before = await reads(lab)
    await lab.after(days=3)
    assert await reads(lab) - before < READS_PER_PERSON * CROWD
    assert await lab.value("select count(*) from audience_member") == 0
    await lab.close()


async def reads(lab: Lab) -> int:
    """Return how many rows have been read by index so far."""
    await lab.conn.execute("select pg_stat_force_next_flush()")
    return await lab.value("select coalesce(sum(idx_tup_read), 0)::bigint from pg_stat_user_indexes")
