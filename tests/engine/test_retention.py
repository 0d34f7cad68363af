"""What is too old goes, by whole days, and nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from sojourn.engine.runner import Runner
from sojourn.engine.upkeep import clean, keep_up
from sojourn.service.doctor import examine
from sojourn.service.upkeep import DAYS_AHEAD, prepare_days
from sojourn.store.connection import Conn, connect
from sojourn.store.partitions import CONDEMNED, drop_partition, partitions
from tests.lab import DAY, NOON, SHOP, SITE, Lab, on_event

pytestmark = pytest.mark.both_postgres

SOON = timedelta(milliseconds=200)


@pytest.fixture
async def lab(database_url: str) -> AsyncIterator[Lab]:
    opened = await Lab.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def cleaner(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, application_name="cleaner", autocommit=True) as conn:
        yield conn


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Conn]:
    async with await connect(database_url, application_name="reader") as conn:
        yield conn


async def lives(lab: Lab, days: int) -> None:
    """Let somebody do something every day, and go through a journey."""
    await keep_up(lab.conn, lab.now)
    journey = await lab.start("api -> exit")
    for _ in range(days):
        await lab.event("ada", "visited", app=SHOP)
        await lab.event("ada", "looked", app=SITE)
        await lab.person("ada", seen=lab.now.isoformat())
        await lab.enroll(journey, "ada")
        await lab.tick()
        await keep_up(lab.conn, lab.now)
        lab.now += DAY


async def keeps(lab: Lab, **days: int | None) -> None:
    """Set retentions: of an app's events by its name, of passages and changes."""
    for name, code in (("shop", SHOP), ("site", SITE)):
        if name in days:
            await lab.conn.execute(
                "update app set event_retention_days = %s where application_code = %s", (days[name], code)
            )
    await lab.conn.execute("delete from app where application_code not in (%s, %s)", (SHOP, SITE))
    for name in ("passage", "change"):
        if name in days:
            await lab.conn.execute(f"update installation set {name}_retention_days = %s", (days[name],))


async def names(conn: Conn, table: Any) -> list[str]:
    return [part.name for part in await partitions(conn, table)]


async def count(lab: Lab, table: str, where: str = "true") -> int:
    return await lab.value(f"select count(*) from {table} where {where}")


async def codes(conn: Conn, now: datetime) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in await examine(conn, now)]


async def test_the_days_to_come_have_partitions_and_the_past_has_one(lab: Lab) -> None:
    await keep_up(lab.conn, NOON)
    found = await partitions(lab.conn, "event")
    assert [part.name for part in found][:2] == ["event_past", "event_20260302"]
    assert len(found) == 1 + DAYS_AHEAD
    assert (found[0].begins, found[0].ends, found[-1].ends) == (None, NOON.date(), (NOON + DAYS_AHEAD * DAY).date())
    assert await codes(lab.conn, NOON) == []


async def test_no_day_is_left_out_after_a_long_break(lab: Lab) -> None:
    await keep_up(lab.conn, NOON)
    await keep_up(lab.conn, NOON + 40 * DAY)
    found = await partitions(lab.conn, "passage")
    assert len(found) == 1 + 40 + DAYS_AHEAD
    assert all(one.ends == other.begins for one, other in pairwise(found))


async def test_what_was_received_before_the_first_upkeep_stays_readable(lab: Lab) -> None:
    await lab.event("ada", "visited")
    await lab.tick()
    await keep_up(lab.conn, NOON)
    assert (await names(lab.conn, "event"))[:2] == ["event_past", "event_20260303"]
    assert await count(lab, "event") == 1
    assert await codes(lab.conn, NOON) == []


async def test_a_day_comes_while_somebody_reads_and_somebody_writes(lab: Lab, reader: Conn, database_url: str) -> None:
    await keep_up(lab.conn, NOON)
    await reader.execute("select * from event")
    await reader.execute("insert into passage (shard, enrollment_id, at, path) values (1, 1, %s, '{1}')", (NOON + DAY,))
    async with await connect(database_url, application_name="upkeep") as conn:
        await prepare_days(conn, NOON + DAY)
        await conn.commit()
    for table in ("event", "passage"):
        assert len(await names(lab.conn, table)) == 2 + DAYS_AHEAD
    await reader.rollback()


async def test_days_go_when_nobody_wants_them_any_more(lab: Lab, cleaner: Conn) -> None:
    await lives(lab, 6)
    await keeps(lab, shop=2, site=3, passage=1, change=4)
    await clean(cleaner, lab.now - timedelta(hours=1))
    assert (await names(cleaner, "event"))[:2] == ["event_past", "event_20260305"]
    assert (await names(cleaner, "passage"))[:2] == ["passage_past", "passage_20260307"]
    assert (await names(cleaner, "profile_change"))[:2] == ["profile_change_past", "profile_change_20260304"]
    assert await count(lab, "passage") == 1
    assert await codes(lab.conn, lab.now) == []


async def test_the_events_of_an_app_that_wants_them_shorter_go_out_of_days_that_stay(lab: Lab, cleaner: Conn) -> None:
    await lives(lab, 6)
    await keeps(lab, shop=2, site=None)
    await clean(cleaner, lab.now - timedelta(hours=1))
    assert (await names(cleaner, "event"))[1] == "event_20260302"
    assert await count(lab, "event", "name = 'looked'") == 6
    assert await lab.rows("select min(received_at) from event where name = 'visited'") == [(NOON + 4 * DAY,)]


async def test_what_an_import_brings_from_the_past_goes_the_next_day(lab: Lab, cleaner: Conn) -> None:
    await lives(lab, 3)
    await keeps(lab, shop=2, site=None)
    await clean(cleaner, lab.now)
    insert = (
        "insert into event (shard, profile_id, workspace_id, app_id, name, data, occurred_at, received_at)"
        " values (1, 1, 1, %s, 'old', '{}', '1997-01-01', '1997-01-01')"
    )
    for code in (SHOP, SITE):
        await lab.conn.execute(insert, (lab.app_ids[code],))
    await clean(cleaner, lab.now)
    assert await count(lab, "event", "name = 'old'") == 2
    await clean(cleaner, lab.now + DAY)
    assert await lab.rows("select app_id from event where name = 'old'") == [(lab.app_ids[SITE],)]


async def test_events_are_kept_for_ever_if_one_app_wants_it(lab: Lab, cleaner: Conn) -> None:
    await lives(lab, 2)
    await keeps(lab, shop=None, site=None, passage=None, change=None)
    await clean(cleaner, lab.now + 4000 * DAY)
    assert await count(lab, "event") == 4
    assert await count(lab, "passage") == 2


async def has_begun_to_leave(conn: Conn) -> None:
    """Return as soon as a partition has begun to leave."""
    async with asyncio.timeout(20):
        while not any(part.is_leaving for part in await partitions(conn, "event")):  # noqa: ASYNC110 - no call comes
            await asyncio.sleep(0.01)


async def test_ticks_go_on_while_a_day_goes_and_somebody_reads_for_long(lab: Lab, cleaner: Conn, reader: Conn) -> None:
    await lives(lab, 4)
    await keeps(lab, shop=1, site=1)
    await reader.execute("select count(*) from event")
    leaving = asyncio.create_task(clean(cleaner, lab.now))
    await has_begun_to_leave(lab.conn)
    # No statement of a tick waits longer than this for a lock, or the tick would fail.
    await lab.conn.execute("set lock_timeout = '50ms'")
    journey = await lab.start("in -> exit", **{"in": on_event("visited", allow_reenter=True)})
    for _ in range(5):
        await lab.event("bob", "visited", app=SHOP)
        await lab.after(minutes=1)
    assert await lab.departed(journey, "bob") == [("completed", "")] * 5
    assert not leaving.done()
    await reader.rollback()
    await leaving
    assert (await names(cleaner, "event"))[:2] == ["event_past", "event_20260305"]


async def test_a_day_that_is_read_for_too_long_goes_the_next_time(lab: Lab, cleaner: Conn, reader: Conn) -> None:
    await lives(lab, 2)
    await keeps(lab, shop=1, site=1, passage=400, change=400)
    await reader.execute("select count(*) from event")
    await clean(cleaner, lab.now, patience=SOON)
    assert ("partition.leaving", "tables/event_past") in await codes(lab.conn, lab.now)
    await reader.rollback()
    await clean(cleaner, lab.now)
    assert (await names(cleaner, "event"))[:2] == ["event_past", "event_20260303"]
    assert await codes(lab.conn, lab.now) == []


async def test_a_day_that_was_detached_before_a_crash_is_dropped(lab: Lab, cleaner: Conn) -> None:
    await lives(lab, 2)
    await cleaner.execute(f"comment on table event_20260302 is '{CONDEMNED}'")
    await cleaner.execute("alter table event detach partition event_20260302 concurrently")
    assert ("partition.leftover", "tables/event_20260302") in await codes(lab.conn, lab.now)
    await clean(cleaner, lab.now)
    assert await lab.value("select to_regclass('event_20260302')") is None


async def test_a_day_that_an_operator_put_away_stays(lab: Lab, cleaner: Conn) -> None:
    await lives(lab, 2)
    await cleaner.execute("alter table event detach partition event_20260302 concurrently")
    await clean(cleaner, lab.now)
    assert await count(lab, "event_20260302") == 2


async def test_a_worker_cleans_up_beside_its_ticks(lab: Lab, database_url: str) -> None:
    await lives(lab, 3)
    await keeps(lab, shop=1, site=1)
    stop = asyncio.Event()
    working = asyncio.create_task(Runner(database_url, lambda: lab.now).run(stop))
    async with asyncio.timeout(20):
        while "event_20260302" in await names(lab.conn, "event"):  # noqa: ASYNC110 - no call comes
            await asyncio.sleep(0.01)
    stop.set()
    await working


async def test_two_workers_at_the_same_day_do_no_harm(lab: Lab, cleaner: Conn, database_url: str) -> None:
    await lives(lab, 5)
    await keeps(lab, shop=1, site=1, passage=1, change=1)
    async with await connect(database_url, application_name="other", autocommit=True) as other:
        await asyncio.gather(clean(cleaner, lab.now), clean(other, lab.now))
        await clean(other, lab.now)
    assert (await names(cleaner, "event"))[:2] == ["event_past", "event_20260306"]
    assert await codes(lab.conn, lab.now) == []


async def test_a_partition_that_is_gone_is_no_error(lab: Lab, cleaner: Conn) -> None:
    await keep_up(lab.conn, NOON)
    part = (await partitions(cleaner, "event"))[1]
    assert await drop_partition(cleaner, "event", part, patience=SOON)
    assert not await drop_partition(cleaner, "event", part, patience=SOON)


async def test_requests_are_forgotten_with_what_became_of_them(lab: Lab, cleaner: Conn) -> None:
    journey = await lab.start("api -> exit")
    requests = [f"{number:08d}-0000-0000-0000-000000000000" for number in (1, 2)]
    for request, at in zip(requests, (NOON - 31 * DAY, NOON), strict=True):
        await lab.conn.execute(
            "insert into entry_request (request_uuid, workspace_id, journey_id, point_no, accepted, received_at)"
            " values (%s, %s, %s, 1, 1, %s)",
            (request, lab.workspace_id, journey.journey_id, at),
        )
        await lab.enroll(journey, f"person {request}", request=request)
    await lab.tick()
    await clean(cleaner, NOON)
    assert [await lab.answers(request) for request in requests] == [{}, {"entered": 1}]
    assert await count(lab, "entry_request") == 1


async def test_old_imports_are_forgotten(lab: Lab, cleaner: Conn) -> None:
    for name, at in (("old", NOON - 401 * DAY), ("new", NOON)):
        await lab.conn.execute(
            "insert into import_run (import_id, workspace_id, subject, started_at) values (%s, %s, 'people', %s)",
            (name, lab.workspace_id, at),
        )
    await clean(cleaner, NOON)
    assert await lab.rows("select import_id from import_run") == [("new",)]
