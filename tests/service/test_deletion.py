"""Deletion: of a deleted person nothing is left, and nobody else loses anything."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from sojourn.engine.runner import Runner
from sojourn.model.identities import Person, user_identity
from sojourn.service.commands import (
    AttributeOperation,
    DeleteDevice,
    DeletePerson,
    EnrollByApi,
    GetStatistics,
    RegisterEmail,
    SetAttributes,
    Subject,
    UnregisterDevice,
)
from sojourn.service.doctor import examine
from sojourn.service.errors import DeviceNotFound, InvalidDocument, PersonNotFound
from sojourn.store.connection import connect
from sojourn.store.identities import find_identities
from tests.conftest import SHARD_COUNT
from tests.service.conftest import OUR_APP, Bench, api_graph, live_graph
from tests.service.test_acceptance import device, event, owner

PEOPLE_TABLES = (
    "device", "enrollment", "event", "event_source", "identity", "inbox", "message", "passage", "profile",
    "profile_change", "stay", "departure", "conversion", "draw", "static_member",
)  # fmt: skip


@pytest.fixture
def runner(bench: Bench, database_url: str) -> Iterator[Runner]:
    return Runner(database_url, bench.clock)


async def attributes(bench: Bench, user_id: str, **values: Any) -> None:
    operations = tuple(AttributeOperation("set", name, value) for name, value in values.items())
    command = SetAttributes(application_code=OUR_APP, subject=Subject(user_id=user_id), operations=operations)
    await bench.service.run(bench.us, command)


async def counts(bench: Bench) -> dict[str, int]:
    return {table: (await bench.rows(f"select count(*) from {table}"))[0][0] for table in PEOPLE_TABLES}


async def healthy(bench: Bench) -> bool:
    async with bench.pool.connection() as conn:
        await conn.set_autocommit(True)
        findings = await examine(conn, bench.clock())
        await conn.set_autocommit(False)
    return [finding for finding in findings if finding.severity == "error"] == []


async def populate(bench: Bench, runner: Runner, *users: str) -> Any:
    journey = await bench.running(api_graph())
    for name in users:
        await bench.service.run(bench.us, device(f"phone-{name}", name))
        await bench.service.run(bench.us, RegisterEmail(application_code=OUR_APP, email=f"{name}@e.ex", user_id=name))
        await bench.service.run(bench.us, event(name, source_id=f"source-{name}"))
        await attributes(bench, name, City="Paris")
    await bench.service.run(bench.us, EnrollByApi(journey=str(journey.journey), users=users))
    await runner.drain()
    return journey


async def test_of_a_deleted_person_nothing_is_left(bench: Bench, runner: Runner) -> None:
    await populate(bench, runner, "ada")
    await bench.service.run(bench.us, event("ada"))  # waits in the inbox
    await bench.execute(
        "insert into static_member (shard, profile_id, segment_id, added_at)"
        " select shard, profile_id, 1, created_at from profile"
    )
    reply = await bench.service.run(bench.us, DeletePerson(user_id="ada"))
    assert reply.removed == {
        "device": 2, "enrollment": 1, "event": 1, "event_source": 1, "identity": 3, "inbox": 1, "passage": 1,
        "profile": 1, "profile_change": 1, "static_member": 1, "stay": 1,
    }  # fmt: skip
    assert set((await counts(bench)).values()) == {0}


async def test_goals_and_draws_go_with_the_person(bench: Bench, runner: Runner) -> None:
    await populate(bench, runner, "ada")
    [(shard, enrollment_id, journey_id)] = await bench.rows("select shard, enrollment_id, journey_id from enrollment")
    await bench.execute("update point set kind = 'random_splitter' where point_no = 2")
    given = {"shard": shard, "number": enrollment_id, "journey_id": journey_id, "now": bench.clock()}
    await bench.execute(
        "with c as (insert into conversion (shard, enrollment_id, journey_id, goal, is_control, at)"
        " select %(shard)s, %(number)s, %(journey_id)s, 'sale', false, %(now)s)"
        " insert into draw (shard, journey_id, point_no, drawn_for, enrollment_id, output, at)"
        " select %(shard)s, %(journey_id)s, 2, %(number)s, %(number)s, 1, %(now)s",
        **given,
    )
    reply = await bench.service.run(bench.us, DeletePerson(user_id="ada"))
    assert (reply.removed["conversion"], reply.removed["draw"]) == (1, 1)


async def test_others_keep_what_they_have(bench: Bench, runner: Runner) -> None:
    await populate(bench, runner, "ada", "bob")
    before = await counts(bench)
    reply = await bench.service.run(bench.us, DeletePerson(email="bob@e.ex"))
    after = await counts(bench)
    assert {table: before[table] - after[table] for table in before if before[table] > after[table]} == reply.removed
    assert after["profile"] == 1


@pytest.mark.parametrize("when", ["inside", "departed"])
async def test_the_counts_fit_after_a_deletion(bench: Bench, runner: Runner, when: str) -> None:
    journey = await populate(bench, runner, "ada", "bob")
    if when == "departed":
        bench.clock.advance(hours=2)
        await runner.drain()
    await bench.service.run(bench.us, DeletePerson(hwid="phone-ada"))
    assert await healthy(bench)
    numbers = await bench.service.run(bench.us, GetStatistics(journey=str(journey.journey)))
    assert numbers.entered == 2
    assert numbers.inside + sum(numbers.departed.values()) == 2
    assert "erased" not in numbers.points[0].messages
    bench.clock.advance(hours=2)
    await runner.drain()
    assert await healthy(bench)


async def test_who_is_deleted_can_come_again(bench: Bench, runner: Runner) -> None:
    await populate(bench, runner, "ada")
    first = await owner(bench, "ada")
    await bench.service.run(bench.us, DeletePerson(user_id="ada"))
    await bench.service.run(bench.us, event("ada"))
    await runner.drain()
    assert await owner(bench, "ada") != first
    assert (await counts(bench))["profile"] == 1


async def test_what_is_on_its_way_to_a_deleted_person_brings_nobody_back(
    bench: Bench, runner: Runner, database_url: str
) -> None:
    """A transaction that found the person before the deletion commits after it."""
    await populate(bench, runner, "ada")
    shard, profile_id = await owner(bench, "ada")
    await bench.service.run(bench.us, DeletePerson(user_id="ada"))
    insert = (
        "insert into inbox (shard, kind, workspace_id, profile_id, name, occurred_at, received_at)"
        " values (%(shard)s, 'event', 1, %(profile_id)s, 'late', %(now)s, %(now)s)"
    )
    await bench.execute(insert, shard=shard, profile_id=profile_id, now=bench.clock())
    await bench.execute(
        "insert into identity (shard, workspace_id, kind, value, profile_shard, profile_id, created_at)"
        " values (0, 1, 'hwid', 'late', %(shard)s, %(profile_id)s, %(now)s)",
        shard=shard, profile_id=profile_id, now=bench.clock(),
    )  # fmt: skip
    await runner.drain()
    assert {table: n for table, n in (await counts(bench)).items() if n} == {"identity": 1}


async def test_an_identity_of_a_deleted_person_is_free(bench: Bench, runner: Runner) -> None:
    await populate(bench, runner, "ada")
    await bench.service.run(bench.us, DeletePerson(user_id="ada"))
    identity = user_identity(bench.us.workspace_id, "ada")
    grave = (await bench.rows("select shard, profile_id from former_profile"))[0]
    await bench.execute(
        "insert into identity (shard, workspace_id, kind, value, profile_shard, profile_id, created_at)"
        " values (%(place)s, %(ws)s, 'user_id', 'ada', %(shard)s, %(profile_id)s, %(now)s)",
        place=identity.shard(SHARD_COUNT), ws=bench.us.workspace_id, shard=grave[0], profile_id=grave[1],
        now=bench.clock(),
    )  # fmt: skip
    await bench.service.run(bench.us, event("ada"))
    async with bench.pool.connection() as conn:
        found = await find_identities(conn, {identity}, shard_count=SHARD_COUNT)
    assert found[identity] != Person(*grave)
    await runner.drain()
    assert (await counts(bench))["profile"] == 1


async def test_a_deletion_waits_for_the_tick_under_way(bench: Bench, runner: Runner, database_url: str) -> None:
    await populate(bench, runner, "ada")
    shard, _ = await owner(bench, "ada")
    async with await connect(database_url, application_name="tick") as tick:
        await tick.execute("select from shard where shard = %s for update", (shard,))
        deleting = asyncio.create_task(bench.service.run(bench.us, DeletePerson(user_id="ada")))
        while not await bench.rows("select from pg_locks where not granted"):  # noqa: ASYNC110 - the signal is there
            await asyncio.sleep(0)
        assert not deleting.done()
        await tick.rollback()
        assert (await deleting).removed["profile"] == 1


async def test_a_device_goes_alone(bench: Bench, runner: Runner) -> None:
    await populate(bench, runner, "ada")
    reply = await bench.service.run(bench.us, DeleteDevice(hwid="phone-ada", application_code=OUR_APP))
    assert reply.removed == {"device": 1, "identity": 1}
    assert await bench.rows("select hwid from device") == [("ada@e.ex",)]
    with pytest.raises(DeviceNotFound):
        await bench.service.run(bench.us, DeleteDevice(hwid="phone-ada"))


async def test_who_loses_a_device_leaves_live_audiences_of_it(bench: Bench, runner: Runner) -> None:
    await populate(bench, runner, "ada", "bob")
    journey = await bench.running(live_graph('Fact("channel", EQ, "push")', "LEAVING"))
    await runner.drain()
    assert await bench.entered(journey) == []
    await bench.service.run(bench.us, DeleteDevice(hwid="phone-ada", application_code=OUR_APP))
    await runner.drain()
    assert await bench.entered(journey) == [await owner(bench, "ada")]


async def test_who_has_no_name_but_a_deleted_device_goes_with_it(bench: Bench, runner: Runner) -> None:
    await bench.service.run(bench.us, device("abc"))
    await bench.service.run(bench.us, event(hwid="abc"))
    await runner.drain()
    reply = await bench.service.run(bench.us, DeleteDevice(hwid="abc"))
    assert reply.removed == {"device": 1, "event": 1, "identity": 1, "profile": 1}
    assert set((await counts(bench)).values()) == {0}


async def test_an_unregistered_device_gets_nothing_until_it_is_registered_again(bench: Bench, runner: Runner) -> None:
    await bench.service.run(bench.us, device("abc", "ada"))
    await bench.service.run(bench.us, UnregisterDevice(application_code=OUR_APP, hwid="abc"))
    await runner.drain()
    assert await bench.rows("select push_token, is_subscribed from device") == [(None, False)]
    await bench.service.run(bench.us, device("abc"))
    await runner.drain()
    assert await bench.rows("select push_token, is_subscribed from device") == [("token-abc", True)]
    with pytest.raises(DeviceNotFound):
        await bench.service.run(bench.us, UnregisterDevice(application_code=OUR_APP, hwid="nobody"))


async def test_only_the_workspace_s_own_people_are_deleted(bench: Bench, runner: Runner) -> None:
    await populate(bench, runner, "ada")
    [(number,)] = await bench.rows("select profile_id from profile")
    for command in (DeletePerson(user_id="ada"), DeletePerson(profile=number), DeletePerson(anonymous_id="ada")):
        with pytest.raises(PersonNotFound):
            await bench.service.run(bench.them, command)
    assert (await bench.service.run(bench.us, DeletePerson(profile=number))).removed["profile"] == 1


@pytest.mark.parametrize(
    "command",
    [DeletePerson(), DeletePerson(user_id="a", hwid="b"), DeletePerson(user_id="x" * 256), DeletePerson(profile=-1),
     DeletePerson(email="ada"), DeleteDevice(hwid="")],
)  # fmt: skip
async def test_who_is_meant_must_be_said_in_one_way(bench: Bench, command: Any) -> None:
    with pytest.raises(InvalidDocument):
        await bench.service.run(bench.us, command)
