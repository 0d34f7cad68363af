"""Acceptance: nobody is lost, nobody becomes two, whoever asks at the same time."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from sojourn.model.points import AttributeEntry
from sojourn.model.shards import shard_of
from sojourn.service.acceptance import Acceptance
from sojourn.service.commands import (
    AttributeOperation,
    PostEvent,
    RegisterDevice,
    RegisterEmail,
    RegisterUser,
    SetAttributes,
    Subject,
)
from sojourn.service.errors import AppNotFound, InvalidDocument, Overloaded
from sojourn.service.events import event_notice
from sojourn.service.facts import Facts
from sojourn.service.notices import Notice, Word
from sojourn.service.service import Service
from tests.service.conftest import NOON, OUR_APP, THEIR_APP, Bench, event_graph


def event(user_id: str = "", hwid: str = "", name: str = "bought", **more: Any) -> PostEvent:
    return PostEvent(application_code=OUR_APP, subject=Subject(user_id=user_id, hwid=hwid), name=name, **more)


def device(hwid: str, user_id: str = "", **more: Any) -> RegisterDevice:
    fields: dict[str, Any] = {"device_type": 3, "push_token": f"token-{hwid}"} | more
    return RegisterDevice(application_code=OUR_APP, subject=Subject(user_id=user_id, hwid=hwid), **fields)


def user(user_id: str, hwid: str) -> RegisterUser:
    return RegisterUser(application_code=OUR_APP, subject=Subject(user_id=user_id, hwid=hwid))


async def owner(bench: Bench, value: str) -> tuple[int, int]:
    [row] = await bench.rows("select profile_shard, profile_id from identity where value = %(value)s", value=value)
    return row[0], row[1]


def of(rows: list[dict[str, Any]], person: tuple[int, int]) -> list[dict[str, Any]]:
    return [row for row in rows if (row["shard"], row["profile_id"]) == person]


async def test_an_event_of_an_unknown_user_announces_the_person_first(bench: Bench) -> None:
    await bench.service.run(bench.us, event("ada", attributes={"total": 12.5, "tags": ["a", "b"]}))
    rows = await bench.rows(
        "select kind::text, name, data, shard, profile_id, received_at from inbox order by inbox_id"
    )
    shard, profile_id = await owner(bench, "ada")
    assert shard == shard_of(bench.us.workspace_id, "user_id", "ada", 8)
    assert rows == [
        ("attributes", None, {"operations": [], "user_id": "ada"}, shard, profile_id, NOON),
        ("event", "bought", {"total": 12.5, "tags": ["a", "b"]}, shard, profile_id, NOON),
    ]


async def test_a_known_user_is_not_announced_again(bench: Bench) -> None:
    await bench.service.run(bench.us, event("ada"))
    await bench.service.run(bench.us, event("ada"))
    assert len(await bench.inbox("attributes")) == 1
    assert len(await bench.inbox("event")) == 2


async def test_where_everybody_is_known_one_statement_does(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.service.run(bench.us, event("ada", "abc"))
    await bench.service.run(bench.us, event("bob", "def"))

    async def decide(*_: Any, **__: Any) -> None:
        raise AssertionError("there is nothing to decide about")

    monkeypatch.setattr("sojourn.service.acceptance.accept", decide)
    ada = await owner(bench, "ada")
    for names in (("ada", "abc"), ("ada", ""), ("", "abc")):
        await bench.service.run(bench.us, event(*names, name="seen", source_id="|".join(names)))
    rows = await bench.rows("select shard, profile_id, source_id, hwid, occurred_at from inbox where name = 'seen'")
    assert rows == [(*ada, "ada|abc", "abc", NOON), (*ada, "ada|", None, NOON), (*ada, "|abc", "abc", NOON)]
    for names in (("eve", ""), ("ada", "ghi"), ("ada", "def")):
        with pytest.raises(AssertionError):
            await bench.service.run(bench.us, event(*names, name="unsettled"))
    assert await bench.rows("select from inbox where name = 'unsettled'") == []


async def test_known_people_may_name_others_to_enroll(bench: Bench) -> None:
    graph = event_graph("invited", attribute_entry=AttributeEntry(enabled=True, attribute_name="guests"))
    await bench.running(graph)
    await bench.service.run(bench.us, event("ada", name="signed_up"))
    await bench.service.run(bench.us, event("ada", name="invited", attributes={"guests": "ada"}))
    [row] = await bench.inbox("entry_event")
    assert (row["shard"], row["profile_id"]) == await owner(bench, "ada")


async def test_eight_posters_of_the_same_people_lose_nothing_and_double_nobody(bench: Bench) -> None:
    others = [Service(bench.pool, bench.clock) for _ in range(3)]
    services = [bench.service, *others]

    async def post(number: int) -> None:
        for turn in range(60):
            person = f"user-{turn % 20}"
            hwid = f"device-{turn % 20}" if turn % 3 == 0 else ""
            await services[number % 4].run(bench.us, event(person, hwid, attributes={"by": number, "turn": turn}))

    await asyncio.gather(*(post(number) for number in range(8)))
    events = await bench.inbox("event")
    assert len(events) == 8 * 60
    assert len({(row["data"]["by"], row["data"]["turn"]) for row in events}) == 8 * 60
    people = {(row["shard"], row["profile_id"]) for row in events}
    assert len(people) == 20
    assert len(await bench.rows("select from identity where kind = 'user_id'")) == 20
    announced = [row["data"]["user_id"] for row in await bench.inbox("attributes") if row["data"].get("user_id")]
    assert sorted(announced) == sorted(f"user-{number}" for number in range(20))
    for number in range(8):
        turns = [row["data"]["turn"] for row in events if row["data"]["by"] == number]
        assert turns == sorted(turns), "each poster's events keep their order"


async def test_concurrent_posts_share_transactions(bench: Bench) -> None:
    await bench.service.run(bench.us, event("warm"))
    await asyncio.gather(*(bench.service.run(bench.us, event(f"user-{number}")) for number in range(200)))
    transactions = await bench.rows("select count(distinct xmin::text) from inbox")
    assert transactions[0][0] < 20
    assert len(await bench.inbox("event")) == 201


async def test_what_is_said_of_a_person_waits_for_what_was_said_before_and_others_do_not(bench: Bench) -> None:
    acceptance = Acceptance(bench.pool, bench.clock, Facts(bench.pool), batch_max=4)

    async def notices(*said: tuple[str, int]) -> list[Notice]:
        events = [event(user_id, attributes={"n": number}) for user_id, number in said]
        return [await event_notice(bench.service.resources, bench.us, each) for each in events]

    await acceptance.submit_all(await notices(("bob", 1), ("cid", 1)))
    first, meanwhile, then = (
        await notices(("bob", 2), ("ada", 1)),
        await notices(("cid", 2), ("cid", 3)),
        await notices(("bob", 3), ("bob", 4)),
    )
    async with bench.pool.connection() as elsewhere:
        await elsewhere.execute(
            "insert into identity (shard, workspace_id, kind, value, profile_shard, profile_id, created_at)"
            " values (%s, %s, 'user_id', 'ada', 0, 0, %s)",
            [shard_of(bench.us.workspace_id, "user_id", "ada", 8), bench.us.workspace_id, NOON],
        )
        held = asyncio.create_task(acceptance.submit_all(first))  # it is not known yet whether ada is new
        async with asyncio.timeout(10):
            while not await bench.rows("select from pg_locks where not granted"):  # noqa: ASYNC110 - the signal is there
                await asyncio.sleep(0.01)
        await acceptance.submit_all(meanwhile)
        after = asyncio.create_task(acceptance.submit_all(then))
        for number in range(4, 7):  # turns to the database, in which what should wait could have been written
            await bench.service.acceptance.submit_all(await notices(("cid", number)))
        assert not held.done()
        assert not after.done()
        await elsewhere.rollback()
    await asyncio.gather(held, after)
    events = await bench.inbox("event")
    assert [row["data"]["n"] for row in of(events, await owner(bench, "bob"))] == [1, 2, 3, 4]
    assert [row["data"]["n"] for row in of(events, await owner(bench, "cid"))] == [1, 2, 3, 4, 5, 6]


async def test_who_is_under_way_is_not_asked_again_for_each_that_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    acceptance = Acceptance(bench.pool, bench.clock, Facts(bench.pool), batch_max=100)
    notices = [await event_notice(bench.service.resources, bench.us, event(f"user-{n}")) for n in range(160)]
    asked: list[object] = []

    class Asked:
        def __get__(self, unit: Any, _: object) -> frozenset[Any]:
            asked.append(unit)
            return frozenset(unit.notices[0].identities)

    monkeypatch.setattr("sojourn.service.acceptance._Unit.names", Asked())
    await asyncio.gather(*(acceptance.submit(notice) for notice in notices))
    assert len(await bench.inbox("event")) == 160
    assert len(asked) == 160, "the 60 that wait are held against all of the 100 at once"


async def test_many_crossing_identities_do_not_deadlock(bench: Bench) -> None:
    others = [Service(bench.pool, bench.clock) for _ in range(3)]

    async def register(service: Service, offset: int) -> None:
        await asyncio.gather(
            *(service.run(bench.us, user(f"user-{(turn + offset) % 7}", f"device-{turn % 11}")) for turn in range(60)),
            *(service.run(bench.us, event(hwid=f"device-{turn % 11}")) for turn in range(60)),
        )

    await asyncio.gather(*(register(service, offset) for offset, service in enumerate([bench.service, *others])))
    assert len(await bench.inbox("event")) == 240
    assert len(await bench.rows("select from identity where kind = 'hwid'")) == 11
    assert len(await bench.rows("select from identity where kind = 'user_id'")) == 7
    orphans = await bench.rows(
        "select from identity as d where kind = 'hwid' and not exists (select from identity as u"
        " where u.kind = 'user_id' and u.profile_id = d.profile_id)"
    )
    assert orphans == [], "every device was registered for a user in the end"


async def test_a_device_registered_with_a_user_is_the_users(bench: Bench) -> None:
    command = device("abc", "ada", language="de", time_zone_offset=19800, attributes={"City": "Paris", "Old": None})
    await bench.service.run(bench.us, command)
    assert await owner(bench, "abc") == await owner(bench, "ada")
    [announcement, facts] = await bench.inbox("attributes")
    assert announcement["data"] == {"operations": [], "user_id": "ada"}
    assert facts["data"] == {
        "operations": [
            {"op": "set", "tag": "City", "value": "Paris"},
            {"op": "unset", "tag": "Old", "value": None},
        ],
        "language": "de",
        "time_zone": "Asia/Kolkata",
    }
    [row] = await bench.inbox("device")
    assert row["data"] == {
        "hwid": "abc",
        "channel": "push",
        "platform": "Android",
        "push_token": "token-abc",
        "language": "de",
        "time_zone": "Asia/Kolkata",
    }


async def test_an_anonymous_person_keeps_their_past_when_a_new_user_id_comes(bench: Bench) -> None:
    await bench.service.run(bench.us, event(hwid="abc"))
    before = await owner(bench, "abc")
    await bench.service.run(bench.us, user("ada", "abc"))
    assert await owner(bench, "ada") == await owner(bench, "abc") == before
    assert {"operations": [], "user_id": "ada"} in [row["data"] for row in of(await bench.inbox("attributes"), before)]
    assert await bench.inbox("device") == []


async def test_a_person_takes_one_user_id_only(bench: Bench) -> None:
    await bench.service.run(bench.us, device("abc"))
    await bench.service.run(bench.us, user("ada", "abc"))
    await bench.service.run(bench.us, user("bob", "abc"))
    ada, bob = await owner(bench, "ada"), await owner(bench, "bob")
    assert ada != bob
    assert await owner(bench, "abc") == bob
    devices = await bench.inbox("device")
    assert [row["data"] for row in of(devices, ada)][-1] == {"hwid": "abc", "gone": True}
    assert of(devices, bob)[-1]["data"]["push_token"] == "token-abc"


async def test_an_applied_device_changes_hands_with_what_is_known_of_it(bench: Bench) -> None:
    await bench.service.run(bench.us, device("abc", "ada"))
    shard, profile_id = ada = await owner(bench, "ada")
    await bench.execute("delete from inbox")
    await bench.execute(
        "insert into profile (shard, profile_id, workspace_id, user_id, created_at, updated_at)"
        " values (%(shard)s, %(profile_id)s, 1, 'ada', %(now)s, %(now)s)",
        shard=shard, profile_id=profile_id, now=NOON,
    )  # fmt: skip
    await bench.execute(
        "insert into device (shard, profile_id, app_id, hwid, channel, platform, push_token, created_at, updated_at)"
        " select %(shard)s, %(profile_id)s, app_id, 'abc', 'push', 'iOS', 'secret', %(now)s, %(now)s from app"
        " where application_code = %(code)s",
        shard=shard, profile_id=profile_id, now=NOON, code=OUR_APP,
    )  # fmt: skip
    await bench.service.run(bench.us, user("bob", "abc"))
    bob = await owner(bench, "bob")
    devices = await bench.inbox("device")
    assert [row["data"] for row in of(devices, ada)] == [{"hwid": "abc", "gone": True}]
    assert [row["data"] for row in of(devices, bob)] == [
        {"hwid": "abc", "channel": "push", "platform": "iOS", "push_token": "secret", "is_subscribed": True}
    ]


async def test_two_users_of_one_device_in_one_batch(bench: Bench) -> None:
    await bench.service.run(bench.us, device("warm"))  # from now on nobody waits for what is read once
    await asyncio.gather(
        bench.service.run(bench.us, event("warm")),
        bench.service.run(bench.us, device("abc")),
        bench.service.run(bench.us, user("ada", "abc")),
        bench.service.run(bench.us, user("bob", "abc")),
    )
    ada, bob = await owner(bench, "ada"), await owner(bench, "bob")
    assert ada != bob
    assert await owner(bench, "abc") == bob
    devices = await bench.inbox("device")
    assert of(devices, ada)[-1]["data"] == {"hwid": "abc", "gone": True}
    assert of(devices, bob)[-1]["data"]["push_token"] == "token-abc"


async def test_an_address_is_an_identity_of_its_own_kind(bench: Bench) -> None:
    await bench.service.run(
        bench.us, RegisterEmail(application_code=OUR_APP, email="Ada@Example.com", user_id="ada", language="en")
    )
    await bench.service.run(bench.us, event(hwid="ada@example.com"))
    await bench.service.run(bench.us, event(hwid="+4930123456"))
    kinds = await bench.rows("select kind::text, value from identity order by kind, value")
    assert kinds == [("email", "ada@example.com"), ("phone", "+4930123456"), ("user_id", "ada")]
    [row] = await bench.inbox("device")
    assert row["data"] == {"hwid": "ada@example.com", "channel": "email", "platform": "Email", "language": "en"}
    assert (await bench.inbox("event"))[0]["profile_id"] == (await owner(bench, "ada"))[1]


async def test_workspaces_do_not_share_people(bench: Bench) -> None:
    theirs = PostEvent(application_code=THEIR_APP, subject=Subject(user_id="ada"), name="bought")
    await bench.service.run(bench.us, event("ada"))
    await bench.service.run(bench.them, theirs)
    assert len(await bench.rows("select from identity where value = 'ada'")) == 2
    with pytest.raises(AppNotFound):
        await bench.service.run(bench.us, theirs)


async def test_an_event_enrolls_the_people_it_names(bench: Bench) -> None:
    graph = event_graph("invited", attribute_entry=AttributeEntry(enabled=True, attribute_name="guests"))
    journey = await bench.running(graph)
    for name in ("ada", "7"):
        await bench.service.run(bench.us, event(name, name="signed_up"))
    guests = ["ada", "nobody", 7, 7.0, True, None, "ada"]
    await bench.service.run(bench.us, event("host", name="invited", attributes={"guests": guests}))
    rows = await bench.inbox("entry_event")
    assert [(row["shard"], row["profile_id"]) for row in rows] == [await owner(bench, "ada"), await owner(bench, "7")]
    assert rows[0]["data"] == {
        "journey_id": (await bench.rows("select journey_id from journey"))[0][0],
        "point_no": 1,
        "event": {"guests": guests},
    }
    assert rows[0]["name"] == "invited"
    await bench.change(journey, "pause")
    await bench.service.run(bench.us, event("host", name="invited", attributes={"guests": "ada"}))
    assert len(await bench.inbox("entry_event")) == 2


async def test_a_clock_that_is_ahead_does_not_make_events_of_the_future(bench: Bench) -> None:
    for minutes in (-10, 50, 70):
        await bench.service.run(bench.us, event("ada", occurred_at=NOON + timedelta(minutes=minutes)))
    seen = [row["occurred_at"] - NOON for row in await bench.inbox("event")]
    assert seen == [timedelta(minutes=-10), timedelta(0), timedelta(0)]


CASES = {
    "no subject": (event(), "subject"),
    "long id": (event("x" * 256), "subject/user_id"),
    "no name": (event("ada", name=""), "name"),
    "nul": (event("ada", name="a\0b"), "name"),
    "surrogate": (event("ada", attributes={"a": "\ud800"}), "attributes/a"),
    "too many": (event("ada", attributes={f"a{n}": n for n in range(201)}), "attributes"),
    "long string": (event("ada", attributes={"a": "x" * 10_001}), "attributes/a"),
    "nested": (event("ada", attributes={"a": {"b": 1}}), "attributes/a"),
    "nested list": (event("ada", attributes={"a": [1, [2]]}), "attributes/a/1"),
    "infinite": (event("ada", attributes={"a": float("inf")}), "attributes/a"),
    "huge": (event("ada", attributes={"a": 2**70}), "attributes/a"),
    "zone": (device("abc", time_zone="Mars/Olympus"), "time_zone"),
    "offset": (device("abc", time_zone_offset=100_000), "time_zone_offset"),
    "device type": (device("abc", device_type=99), "device_type"),
    "no hwid": (device("", "ada"), "subject/hwid"),
    "no user": (user("", "abc"), "subject"),
    "no email": (RegisterEmail(application_code=OUR_APP, email="ada"), "email"),
    "increment by text": (
        SetAttributes(
            application_code=OUR_APP,
            subject=Subject(user_id="ada"),
            operations=(AttributeOperation("increment", "n", "two"),),
        ),
        "operations/n",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_cannot_be_kept_is_refused_with_its_place(bench: Bench, case: str) -> None:
    command, where = CASES[case]
    with pytest.raises(InvalidDocument) as refusal:
        await bench.service.run(bench.us, command)
    assert where in [problem.where for problem in refusal.value.problems]
    assert await bench.rows("select from inbox") == []


async def test_all_problems_at_once(bench: Bench) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        await bench.service.run(bench.us, event("x" * 300, name="", attributes={"": 1, "a": {}}))
    assert len(refusal.value.problems) == 4


async def test_attribute_operations_keep_their_order(bench: Bench) -> None:
    operations = (AttributeOperation("set", "City", "Rome"), AttributeOperation("append", "likes", ["tea"]))
    command = SetAttributes(application_code=OUR_APP, subject=Subject(hwid="abc"), operations=operations)
    await bench.service.run(bench.us, command)
    assert (await bench.inbox("attributes"))[-1]["data"]["operations"] == [
        {"op": "set", "tag": "City", "value": "Rome"},
        {"op": "append", "tag": "likes", "value": ["tea"]},
    ]


async def test_what_an_event_brings_to_those_it_names_is_limited(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.running(event_graph("invited", attribute_entry=AttributeEntry(enabled=True, attribute_name="guests")))
    monkeypatch.setattr("sojourn.service.acceptance.NAMED_SIZE_MAX", 10_000)
    large = event("host", name="invited", attributes={"guests": [1, 2, 3], "text": "x" * 5000})
    with pytest.raises(InvalidDocument) as refusal:
        await bench.service.run(bench.us, large)
    assert [problem.where for problem in refusal.value.problems] == ["attributes/guests"]
    assert await bench.inbox("event") == []
    await bench.service.run(
        bench.us, event("host", name="invited", attributes={"guests": [1, 2, 3], "text": "x" * 3000})
    )
    assert len(await bench.inbox("event")) == 1


async def test_a_full_queue_refuses(bench: Bench) -> None:
    acceptance = Acceptance(bench.pool, bench.clock, Facts(bench.pool), waiting_max=5)
    notice = await event_notice(bench.service.resources, bench.us, event("ada"))
    results = await asyncio.gather(*(acceptance.submit(notice) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, Overloaded) for result in results) == 15
    assert len(await bench.inbox("event")) == 5


async def test_a_queue_of_large_notices_refuses(bench: Bench) -> None:
    acceptance = Acceptance(bench.pool, bench.clock, Facts(bench.pool), waiting_size_max=3500)
    notice = await event_notice(bench.service.resources, bench.us, event("ada", attributes={"a": "x" * 1000}))
    results = await asyncio.gather(*(acceptance.submit(notice) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(result, Overloaded) for result in results) == 6
    await acceptance.submit(notice)
    assert len(await bench.inbox("event")) == 5


async def test_one_bad_notice_does_not_fail_those_that_came_with_it(bench: Bench) -> None:
    good = [await event_notice(bench.service.resources, bench.us, event(f"user-{n}")) for n in range(9)]
    word = Word(kind="event", name="bought", data=r'{"a": "\u0000"}')
    bad = Notice(workspace_id=bench.us.workspace_id, app_id=None, identities=good[0].identities, words=(word,))
    results = await asyncio.gather(
        *(bench.service.acceptance.submit(notice) for notice in (*good[:5], bad, *good[5:])), return_exceptions=True
    )
    assert [place for place, result in enumerate(results) if result is not None] == [5]
    people = [(row["shard"], row["profile_id"]) for row in await bench.inbox("event")]
    assert people == [await owner(bench, f"user-{n}") for n in range(9)]


async def test_importers_bring_many_at_once_and_hear_which_were_refused(bench: Bench) -> None:
    commands = [event(f"user-{number % 500}", attributes={"n": number}) for number in range(2000)]
    commands[7] = event("ada", name="")
    seen: list[int] = []

    async def before_commit(conn: Any) -> None:
        seen.append((await (await conn.execute("select count(*) from inbox where kind = 'event'")).fetchone())[0])

    refused = await bench.service.accept_many(bench.us, commands, before_commit=before_commit)
    assert [(place, error.problems[0].where) for place, error in refused] == [(7, "name")]
    assert seen == [1999]
    assert [row["data"]["n"] for row in await bench.inbox("event")] == [n for n in range(2000) if n != 7]


async def test_those_who_wait_hear_of_a_failure(bench: Bench) -> None:
    await bench.execute("alter table inbox rename to elsewhere")
    with pytest.raises(Exception, match="inbox"):
        await bench.service.run(bench.us, event("ada"))
    await bench.execute("alter table elsewhere rename to inbox")
    await bench.service.run(bench.us, event("ada"))
    assert len(await bench.inbox("event")) == 1
