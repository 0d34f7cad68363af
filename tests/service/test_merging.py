"""Merging: people who turn out to be one become one, with all that they have, whatever happens at the same time."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from sojourn.engine.runner import Runner
from sojourn.model.graph import Edge, Graph, Settings
from sojourn.model.identities import Identity, anonymous_identity, device_identity, user_identity
from sojourn.model.points import (
    ENTRY_KINDS,
    AwaitedEvent,
    EventGoal,
    Exit,
    JourneyGoal,
    MessageBus,
    RandomBranch,
    RandomSplitter,
    StartByApi,
    Trigger,
    TriggerBranch,
    Wait,
    WaitForTrigger,
    output_name,
)
from sojourn.model.public_ids import enrollment_uuid
from sojourn.service.commands import (
    Alias,
    EnrollByApi,
    GetStatistics,
    GetTimeline,
    ListEnrollments,
    PassedPoint,
    PersonKey,
    StopEnrollment,
)
from sojourn.service.doctor import examine
from sojourn.service.errors import InvalidDocument, NotFound
from sojourn.service.history.decisions import drawn
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.service import Service
from sojourn.store.enrollments import Part, _befores
from tests.conftest import SHARD_COUNT
from tests.service.conftest import OUR_APP, Bench, api_graph, chain, live_graph, point_id
from tests.service.test_acceptance import device, owner


@pytest.fixture
def runner(bench: Bench, database_url: str) -> Iterator[Runner]:
    return Runner(database_url, bench.clock)


def names(bench: Bench, *spelled: str) -> tuple[Identity, ...]:
    """`u:ada` is a user id, `a:x` an anonymous id, `d:x` a device or address."""
    make = {"u": user_identity, "a": anonymous_identity, "d": device_identity}
    return tuple(make[each[0]](bench.us.workspace_id, each[2:]) for each in spelled)


async def saying(bench: Bench, *spelled: str, did: str = "", source: str | None = None, **attributes: Any) -> Notice:
    """Make what a request says of the person who goes by some names."""
    [(app_id,)] = await bench.rows("select app_id from app where application_code = %(code)s", code=OUR_APP)
    operations = [{"op": "set", "tag": name, "value": value} for name, value in attributes.items()]
    words = [Word(kind="attributes", data=json_text({"operations": operations}))]
    if did:
        words.append(Word(kind="event", name=did, data="{}", source_id=source))
    identities = names(bench, *spelled)
    return Notice(workspace_id=bench.us.workspace_id, app_id=app_id, identities=identities, words=tuple(words))


async def say(bench: Bench, *spelled: str, through: Service | None = None, **more: Any) -> None:
    """Post what a request says of the person who goes by some names."""
    await (through or bench.service).acceptance.submit(await saying(bench, *spelled, **more))


async def errors(bench: Bench) -> list[Any]:
    async with bench.pool.connection() as conn:
        await conn.set_autocommit(True)
        findings = await examine(conn, bench.clock())
        await conn.set_autocommit(False)
    return [finding for finding in findings if finding.severity == "error"]


def in_shard(number: int, kind: str = "a") -> str:
    """Return a name that lives in a shard."""
    make = {"u": user_identity, "a": anonymous_identity}[kind]
    return next(f"{kind}:n{n}" for n in range(1000) if make(1, f"n{n}").shard(SHARD_COUNT) == number)


PLACES = pytest.mark.parametrize("visitor", [in_shard(2), in_shard(5)], ids=["same-shard", "other-shard"])
ADA = in_shard(2, "u")


async def visit_and_identify(bench: Bench, runner: Runner, visitor: str) -> None:
    await say(bench, ADA, did="bought", City="Rome", vip=True)
    await say(bench, visitor, did="seen", source="s1", City="Paris", cart=3)
    await runner.drain()
    assert len(await bench.rows("select from profile")) == 2
    await say(bench, ADA, visitor)
    await runner.drain()


@PLACES
async def test_a_visitor_who_says_who_they_are_becomes_that_person(bench: Bench, runner: Runner, visitor: str) -> None:
    await visit_and_identify(bench, runner, visitor)
    [(shard, profile_id, user_id, attributes)] = await bench.rows(
        "select shard, profile_id, user_id, attributes from profile"
    )
    assert (shard, user_id, attributes) == (2, ADA[2:], {"City": "Rome", "vip": True, "cart": 3})
    assert await owner(bench, visitor[2:]) == (shard, profile_id)
    events = await bench.rows("select name, shard, profile_id, source_id from event order by event_id")
    assert events == [("bought", 2, profile_id, None), ("seen", 2, profile_id, "s1")]
    assert await bench.rows("select from transfer") == []
    assert await bench.rows("select shard from event_source") == [(2,)]
    changes = await bench.rows("select changes from profile_change where changes ? 'cart' order by change_no")
    assert changes[-1] == ({"cart": {"from": None, "to": 3}},)
    assert await errors(bench) == []


@PLACES
async def test_saying_it_again_changes_nothing(bench: Bench, runner: Runner, visitor: str) -> None:
    await visit_and_identify(bench, runner, visitor)
    before = await bench.rows("select shard, profile_id, attributes from profile")
    for _ in range(3):
        await say(bench, ADA, visitor)
    await say(bench, visitor, did="later")
    await runner.drain()
    assert await bench.rows("select shard, profile_id, attributes from profile") == before
    assert len(await bench.rows("select from event")) == 3


@PLACES
async def test_an_event_sent_again_under_the_other_name_is_applied_once(
    bench: Bench, runner: Runner, visitor: str
) -> None:
    await visit_and_identify(bench, runner, visitor)
    await say(bench, ADA, did="seen", source="s1")
    await runner.drain()
    assert await bench.rows("select name from event order by event_id") == [("bought",), ("seen",)]


@PLACES
async def test_an_event_seen_under_both_names_is_kept_once(bench: Bench, runner: Runner, visitor: str) -> None:
    await say(bench, ADA, did="seen", source="s1")
    await say(bench, visitor, did="seen", source="s1")
    await runner.drain()
    await say(bench, ADA, visitor)
    await runner.drain()
    assert len(await bench.rows("select from event")) == 1


@PLACES
async def test_enrollments_go_along_and_go_on(bench: Bench, runner: Runner, visitor: str) -> None:
    graph = chain(
        MessageBus(id=point_id(), event_name="seen"),
        Wait(id=point_id(), duration_seconds=3600),
        WaitForTrigger(
            id=point_id(), period_seconds=86400, branches=(TriggerBranch(events=(AwaitedEvent(event_name="paid"),)),)
        ),
        Exit(id=point_id()),
        goal=JourneyGoal(event=EventGoal(event_name="never"), deadline_days=2),
    )
    graph = _with_output(graph)
    journey = await bench.running(graph)
    await visit_and_identify(bench, runner, visitor)
    [ada] = await bench.rows("select shard, profile_id from profile")
    assert await bench.rows("select shard, profile_id from stay") == [ada]
    limits = await bench.rows("select shard, enrollment_id, due_at from deadline")
    assert limits == await bench.rows("select shard, enrollment_id, entered_at + interval '2 days' from enrollment")
    assert (ada[0], limits[0][2]) in await bench.rows("select shard, wake_at from alarm where point_no = 0")
    bench.clock.advance(hours=1)
    await runner.drain()
    assert [row[0] for row in await bench.rows("select after_event > 0 from stay")] == [True]
    await say(bench, ADA, did="paid")
    await runner.drain()
    assert await bench.rows("select outcome::text, shard from departure") == [("completed", 2)]
    assert await bench.rows("select count(*) from passage") == [(3,)]
    numbers = await bench.service.run(bench.us, GetStatistics(journey=str(journey.journey)))
    assert (numbers.entered, numbers.inside, numbers.departed) == (1, 0, {"completed": 1})
    assert await errors(bench) == []


def _with_output(graph: Graph) -> Graph:
    *_, waiting, leave = graph.points
    return msgspec.structs.replace(graph, edges=(*graph.edges, Edge(from_=waiting.id, output="output1", to=leave.id)))


@PLACES
async def test_who_is_inside_twice_stays_once(bench: Bench, runner: Runner, visitor: str) -> None:
    journey = await bench.running(api_graph())
    await say(bench, ADA)
    await say(bench, visitor)
    await bench.service.run(bench.us, EnrollByApi(journey=str(journey.journey), users=(ADA[2:],)))
    await runner.drain()
    [visitor_at] = await bench.rows("select shard, profile_id from profile where user_id is null")
    bench.clock.advance(minutes=2)
    await bench.execute(
        "insert into inbox (shard, kind, workspace_id, profile_id, data, occurred_at, received_at)"
        " select %(shard)s, 'enroll', 1, %(profile_id)s, jsonb_build_object('journey_id', j.journey_id, 'point_no', 1,"
        " 'request_uuid', gen_random_uuid(), 'entry', '{}'::jsonb), %(now)s, %(now)s from journey as j",
        shard=visitor_at[0], profile_id=visitor_at[1], now=bench.clock(),
    )  # fmt: skip
    await runner.drain()
    assert len(await bench.rows("select from stay")) == 2
    await say(bench, ADA, visitor)
    await runner.drain()
    [ada] = await bench.rows("select shard, profile_id from profile")
    assert await bench.rows("select shard, profile_id from stay") == [ada]
    assert await bench.rows("select outcome::text, reason, shard from departure") == [("dropped", "merged", ada[0])]
    numbers = await bench.service.run(bench.us, GetStatistics(journey=str(journey.journey)))
    assert (numbers.entered, numbers.inside, numbers.departed) == (2, 1, {"dropped": 1})
    assert numbers.points[1].dropped == {"merged": 1}
    assert await errors(bench) == []


async def enrolled(bench: Bench, runner: Runner, visitor: str) -> tuple[UUID, UUID]:
    """Bring a visitor into a journey; return it and the enrollment. Its number will not be free where it goes."""
    await bench.execute("update shard set next_enrollment = 10 where shard = 2")
    journey = (await bench.running(api_graph())).journey
    await say(bench, ADA)
    await say(bench, visitor)
    await bench.service.run(bench.us, EnrollByApi(journey=str(journey), anonymous_ids=(visitor[2:],)))
    await runner.drain()
    return journey, await only_enrollment(bench, journey)


async def only_enrollment(bench: Bench, journey: UUID) -> UUID:
    listed = await bench.service.run(bench.us, ListEnrollments(journey=journey))
    [found] = listed.items
    return found.enrollment


STOPPED = [("dropped", "stopped by hand", 2)]
HOW_LEFT = "select outcome::text, reason, shard from departure"


@PLACES
async def test_an_enrollment_stopped_while_its_person_is_merged_is_stopped(
    bench: Bench, runner: Runner, visitor: str
) -> None:
    journey, enrollment = await enrolled(bench, runner, visitor)
    await say(bench, ADA, visitor)
    await bench.service.run(bench.us, StopEnrollment(journey=journey, enrollment=enrollment))
    await runner.drain()
    assert await bench.rows(HOW_LEFT) == STOPPED
    assert await errors(bench) == []


@PLACES
async def test_an_enrollment_stopped_too_late_for_a_merge_is_stopped(
    bench: Bench, runner: Runner, visitor: str
) -> None:
    """Whoever asked found the enrollment before the merge, and committed after it."""
    journey, enrollment = await enrolled(bench, runner, visitor)
    await bench.service.run(bench.us, StopEnrollment(journey=journey, enrollment=enrollment))
    await bench.execute("create table late as select * from inbox")
    await bench.execute("delete from inbox")
    await say(bench, ADA, visitor)
    await runner.drain()
    await bench.execute("insert into inbox overriding user value select * from late")
    await runner.drain()
    assert await bench.rows(HOW_LEFT) == STOPPED


@PLACES
async def test_an_enrollment_is_known_by_its_first_name_after_merges(
    bench: Bench, runner: Runner, visitor: str
) -> None:
    journey, enrollment = await enrolled(bench, runner, visitor)
    for heir, person in (("a:between", visitor), (ADA, "a:between")):
        await say(bench, heir)
        await say(bench, heir, person)
        await runner.drain()
        assert await only_enrollment(bench, journey) == enrollment
    with pytest.raises(NotFound):
        await bench.service.run(bench.us, StopEnrollment(journey=journey, enrollment=enrollment_uuid(7, 99)))
    await bench.service.run(bench.us, StopEnrollment(journey=journey, enrollment=enrollment))
    await runner.drain()
    assert await bench.rows(HOW_LEFT) == STOPPED
    with pytest.raises(NotFound):
        await bench.service.run(bench.us, StopEnrollment(journey=journey, enrollment=enrollment))


@PLACES
async def test_a_journey_of_long_ago_lists_whom_a_merge_brought_along(
    bench: Bench, runner: Runner, visitor: str
) -> None:
    """Lists of such a journey begin at the time when people came into it; who was merged since has a later number."""
    journey, enrollment = await enrolled(bench, runner, visitor)
    bench.clock.advance(minutes=2)
    await bench.service.run(bench.us, EnrollByApi(journey=str(journey), users=("bob", "cleo")))
    await runner.drain()
    bench.clock.advance(days=3)
    await bench.execute("update shard set next_enrollment = next_enrollment + 5000")
    later = (await bench.running(api_graph())).journey
    await bench.service.run(bench.us, EnrollByApi(journey=str(later), users=tuple("abcdefghij")))
    await runner.drain()
    await say(bench, ADA, visitor)
    await runner.drain()
    for status, n in ((None, 3), ("completed", 3), ("in_progress", 0)):
        listed = await bench.service.run(bench.us, ListEnrollments(journey=journey, status=status))
        assert (len(listed.items), listed.total) == (n, n)
        assert n == 0 or enrollment in {each.enrollment for each in listed.items}
    of_later = ListEnrollments(journey=later, status="in_progress")
    assert len((await bench.service.run(bench.us, of_later)).items) == 10
    part = Part(
        journey_id=1, shards=range(SHARD_COUNT), outcomes=None, skipped=0, count=1, entry_kinds=ENTRY_KINDS,
        now=bench.clock(),
    )  # fmt: skip
    async with bench.pool.connection() as conn:
        assert max(await _befores(conn, part)) < 5000


async def test_the_timeline_of_somebody_merged_tells_no_draw_that_they_did_not_make(
    bench: Bench, runner: Runner
) -> None:
    """What is drawn depends on the number of the enrollment, which was another then."""
    await bench.execute("update shard set next_enrollment = 10 where shard = 2")
    entry, split = StartByApi(id=point_id()), "00000000-0000-4000-8000-000000000001"
    exits = [Exit(id=point_id()) for _ in range(20)]
    splitter = RandomSplitter(id=split, branches=(RandomBranch(percent=5),) * 20)
    ways = [Edge(from_=split, output=output_name(number), to=each.id) for number, each in enumerate(exits, 1)]
    graph = Graph(
        points=(entry, splitter, *exits),
        edges=(Edge(from_=entry.id, output="default", to=split), *ways),
        settings=Settings(application_code=OUR_APP),
    )
    assert drawn(splitter, enrollment_id=1, profile_id=0) != drawn(splitter, enrollment_id=10, profile_id=0)
    journey = (await bench.running(graph)).journey
    visitor = in_shard(5)
    await say(bench, ADA)
    await bench.service.run(bench.us, EnrollByApi(journey=str(journey), anonymous_ids=(visitor[2:],)))
    await runner.drain()
    [passed] = await decided(bench, visitor)
    assert passed.decision is not None
    assert passed.decision.implied == passed.output
    await say(bench, ADA, visitor)
    await runner.drain()
    [passed] = await decided(bench, visitor)
    assert passed.decision is None


async def decided(bench: Bench, visitor: str) -> list[PassedPoint]:
    """Return how a visitor left the splitters to which they came."""
    timeline = GetTimeline(person=PersonKey(value=visitor[2:], by="anonymous_id"), kinds=("passage",))
    found = await bench.service.run(bench.us, timeline)
    return [each for item in found.items for each in item.path if each.point.kind == "random_splitter"]


@PLACES
async def test_devices_go_along_unless_they_have_changed_hands(bench: Bench, runner: Runner, visitor: str) -> None:
    await say(bench, ADA)
    await say(bench, visitor, "d:phone", "d:tablet")
    await bench.service.run(bench.us, device("phone"))
    await bench.service.run(bench.us, device("tablet"))
    await runner.drain()
    await say(bench, ADA, visitor)
    await say(bench, "u:bob", "d:tablet")  # before anything has moved
    await runner.drain()
    ada, bob = await owner(bench, ADA[2:]), await owner(bench, "bob")
    assert await bench.rows("select hwid, shard, profile_id from device order by hwid") == [
        ("phone", *ada), ("tablet", *bob),
    ]  # fmt: skip
    assert [row[0] for row in await bench.rows("select push_token from device order by 1")] == [
        "token-phone", "token-tablet",
    ]  # fmt: skip


@PLACES
async def test_lists_and_places_go_along(bench: Bench, runner: Runner, visitor: str) -> None:
    await say(bench, ADA)
    await say(bench, visitor)
    await runner.drain()
    shard, profile_id = await owner(bench, visitor[2:])
    await bench.execute(
        "insert into static_member (shard, profile_id, segment_id, added_at) values (%(shard)s, %(person)s, 1, now())",
        shard=shard, person=profile_id,
    )  # fmt: skip
    await bench.execute(
        "update profile set location = '{\"country\": \"FR\"}' where shard = %(shard)s and profile_id = %(person)s",
        shard=shard, person=profile_id,
    )  # fmt: skip
    await say(bench, ADA, visitor)
    await runner.drain()
    ada = await owner(bench, ADA[2:])
    assert await bench.rows("select shard, profile_id from static_member") == [tuple(ada)]
    assert await bench.rows("select location ->> 'country' from profile") == [("FR",)]


@PLACES
@pytest.mark.parametrize(
    ("filter_", "trigger"),
    [
        ('T("vip", SET) * T("cart", GT, 2)', "JOINING"),
        ('Event("bought") * Event("seen", days, 30)', "JOINING"),
        ('T("vip", SET) * Event("seen", count, EQ, 0)', "LEAVING"),
    ],
)
async def test_live_audiences_look_at_whom_somebody_became(
    bench: Bench, runner: Runner, visitor: str, filter_: str, trigger: Trigger
) -> None:
    journey = await bench.running(live_graph(filter_, trigger))
    await runner.drain()
    await visit_and_identify(bench, runner, visitor)
    ada = await owner(bench, ADA[2:])
    assert await bench.entered(journey) == [ada]
    members = await bench.rows("select shard, profile_id from audience_member")
    assert set(members) <= {ada}, "nobody is a member who is no more"


async def test_two_users_of_one_device_stay_two(bench: Bench, runner: Runner) -> None:
    await say(bench, "u:ada", "d:phone")
    await say(bench, "u:bob", "d:phone")
    await runner.drain()
    assert await bench.rows("select user_id from profile order by 1") == [("ada",), ("bob",)]
    assert await owner(bench, "phone") == await owner(bench, "bob")


async def test_a_visitor_of_a_known_device_is_its_user(bench: Bench, runner: Runner) -> None:
    await say(bench, "u:ada", "d:phone")
    await say(bench, "a:x", did="seen")
    await runner.drain()
    await say(bench, "a:x", "d:phone")
    await runner.drain()
    assert await bench.rows("select user_id from profile") == [("ada",)]
    assert await owner(bench, "x") == await owner(bench, "ada")


@pytest.mark.parametrize("order", [("before", "alias"), ("alias", "before")])
async def test_an_alias_joins_two_users(bench: Bench, runner: Runner, order: tuple[str, str]) -> None:
    await say(bench, "u:ada", did="bought", City="Rome")
    for step in order:
        if step == "before":
            await say(bench, "u:old", did="seen", City="Paris", cart=3)
        else:
            await bench.service.run(bench.us, Alias(application_code=OUR_APP, previous_id="old", user_id="ada"))
        await runner.drain()
    ada = await owner(bench, "ada")
    assert set(await bench.rows("select profile_shard, profile_id from identity")) == {ada}
    [(attributes, user_id)] = await bench.rows("select attributes, user_id from profile")
    assert user_id == "ada"
    assert attributes["cart"] == 3
    assert len(await bench.rows("select from event")) == 2
    assert await errors(bench) == []


async def test_an_alias_needs_two_ids(bench: Bench) -> None:
    with pytest.raises(InvalidDocument):
        await bench.service.run(bench.us, Alias(application_code=OUR_APP, previous_id="a", user_id="a"))
    with pytest.raises(InvalidDocument):
        await bench.service.run(bench.us, Alias(application_code=OUR_APP, previous_id="", user_id="a"))


async def test_chains_of_people_end_in_one(bench: Bench, runner: Runner) -> None:
    for each in ("a:1", "a:2", "a:3", "u:ada"):
        await say(bench, each, did=f"seen {each}")
    await runner.drain()
    await say(bench, "a:2", "a:1")
    await say(bench, "a:3", "a:2")
    await say(bench, "u:ada", "a:3")
    await runner.drain()
    ada = await owner(bench, "ada")
    assert {await owner(bench, each) for each in ("1", "2", "3")} == {ada}
    assert await bench.rows("select count(*), min(profile_id), max(profile_id) from event") == [(4, ada[1], ada[1])]
    assert len(await bench.rows("select from profile")) == 1


async def test_what_is_on_its_way_to_somebody_who_was_merged_comes_to_whom_they_became(
    bench: Bench, runner: Runner
) -> None:
    await visit_and_identify(bench, runner, in_shard(5))
    [(shard, profile_id)] = await bench.rows("select shard, profile_id from former_profile")
    await bench.execute(
        "insert into inbox (shard, kind, workspace_id, profile_id, name, occurred_at, received_at)"
        " values (%(shard)s, 'event', 1, %(profile_id)s, 'late', %(now)s, %(now)s)",
        shard=shard, profile_id=profile_id, now=bench.clock(),
    )  # fmt: skip
    await runner.drain()
    [ada] = await bench.rows("select shard, profile_id from profile")
    assert await bench.rows("select shard, profile_id from event where name = 'late'") == [ada]


async def test_a_merge_waits_for_the_sender(bench: Bench, runner: Runner) -> None:
    visitor = in_shard(5)
    await bench.running(api_graph())
    await say(bench, ADA)
    await say(bench, visitor)
    await runner.drain()
    [(shard, profile_id)] = await bench.rows("select shard, profile_id from profile where user_id is null")
    await bench.execute(
        "with e as (insert into enrollment (shard, enrollment_id, journey_id, profile_id, point_no, entered_at)"
        " select %(shard)s, 1, journey_id, %(profile_id)s, 1, %(now)s from journey returning journey_id),"
        " d as (insert into departure (shard, enrollment_id, journey_id, point_no, outcome, at)"
        " select %(shard)s, 1, journey_id, 1, 'completed', %(now)s from e),"
        " t as (insert into tally (shard, journey_id, point_no, metric, hour, n)"
        " select %(shard)s, journey_id, 1, 'entered', %(now)s, 1 from e)"
        " insert into message (shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, status,"
        " attempts, due_at, claimed_until, created_at) select %(shard)s, 1, %(profile_id)s, journey_id, 1, 1, 'email',"
        " 'sending', 1, %(now)s, %(now)s, %(now)s from e",
        shard=shard, profile_id=profile_id, now=bench.clock(),
    )  # fmt: skip
    await say(bench, ADA, visitor)
    await runner.drain()
    assert len(await bench.rows("select from profile")) == 2
    [(number,)] = await bench.rows("update message set status = 'sent' returning message_id")
    await runner.drain()
    assert len(await bench.rows("select from transfer")) == 1, "it looks again after a while, not all the time"
    bench.clock.advance(seconds=1)
    await runner.drain()
    [ada] = await bench.rows("select shard, profile_id from profile")
    assert await bench.rows("select shard, profile_id, origin_shard, origin_id from message") == [(*ada, shard, number)]
    assert await errors(bench) == []


async def test_events_of_people_made_one_in_one_batch(bench: Bench, runner: Runner) -> None:
    notices = [("a:x",), ("u:ada",), ("u:ada", "a:x"), ("a:y", "a:x"), ("u:bob", "d:phone"), ("a:y", "d:phone")]
    await bench.service.acceptance.accept_many([await saying(bench, *each, did="did") for each in notices])
    await runner.drain()
    assert len(await bench.rows("select from event where name = 'did'")) == len(notices)
    assert (
        await owner(bench, "y") == await owner(bench, "x") == await owner(bench, "ada") == await owner(bench, "phone")
    )
    assert await owner(bench, "bob") != await owner(bench, "ada")
    assert await errors(bench) == []


# Everything at once ---------------------------------------------------------------------------------------------

CLIENTS, STEPS = 8, 40


async def test_many_clients_say_the_same_while_engines_tick(bench: Bench, database_url: str) -> None:
    """Nothing is lost, nobody is two, every event is applied once, whatever waits for whom."""
    await bench.running(chain(
        MessageBus(id=point_id(), event_name="did", allow_reenter=True), Wait(id=point_id(), duration_seconds=60),
        Exit(id=point_id()),
    ))  # fmt: skip
    await say(bench, "u:warm")
    done = asyncio.Event()
    engines = [Runner(database_url, bench.clock, name=f"engine-{n}") for n in range(2)]
    working = [asyncio.create_task(engine.run(done)) for engine in engines]

    async def post(client: int) -> None:
        service = Service(bench.pool, bench.clock)
        chance = random.Random(client)
        for step in range(STEPS):
            person = chance.randrange(6)
            spelled = chance.choice([
                (f"a:{person}",), (f"d:{person}",), (f"u:{person}",), (f"u:{person}", f"a:{person}"),
                (f"a:{person}", f"d:{person}"), (f"u:{person}", f"d:{person}"), (f"a:{person}b", f"d:{person}"),
            ])  # fmt: skip
            await say(bench, *spelled, through=service, did="did", source=f"{client}-{step}")
            await say(bench, *spelled, through=service, did="did", source=f"shared-{person}-{step}")
        await service.close()

    await asyncio.gather(*(post(client) for client in range(CLIENTS)))
    # Whatever was not said by chance is said now: each of the six is one person.
    for person in range(6):
        await say(bench, f"u:{person}", f"a:{person}")
        await say(bench, f"u:{person}", f"d:{person}")
        await say(bench, f"u:{person}", f"a:{person}b")
    done.set()
    await asyncio.gather(*working)
    await engines[0].drain()
    assert await bench.rows("select from inbox") == []
    assert await bench.rows("select from transfer") == []
    users = await bench.rows("select user_id from profile order by 1")
    assert users == [*((str(person),) for person in range(6)), ("warm",)]
    [(events, sources)] = await bench.rows("select count(*), count(distinct source_id) from event")
    assert events == sources, "no event is applied twice"
    [(own,)] = await bench.rows("select count(*) from event where source_id not like 'shared%%'")
    assert own == CLIENTS * STEPS, "no event is lost"
    strangers = (
        "select from event as e where not exists"
        " (select from profile as p where p.shard = e.shard and p.profile_id = e.profile_id)"
    )
    assert await bench.rows(strangers) == []
    assert await errors(bench) == []
    bench.clock.advance(hours=1)
    await engines[0].drain()
    assert await bench.rows("select from stay") == []
    assert await errors(bench) == []


CALLS = [
    ("a:1",), ("a:1", "d:1"), ("u:1", "a:1"), ("u:1", "d:1"), ("u:1",), ("a:2", "d:1"), ("d:2",), ("u:1", "d:2"),
    ("u:3", "a:3"), ("a:3", "d:3"),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
async def test_the_order_of_what_is_said_does_not_matter(bench: Bench, runner: Runner, seed: int) -> None:
    chance = random.Random(seed)
    order = list(enumerate(CALLS))
    chance.shuffle(order)
    aliased = chance.randrange(len(order))
    for place, (number, spelled) in enumerate(order):
        if place == aliased:
            await bench.service.run(bench.us, Alias(application_code=OUR_APP, previous_id="old", user_id="1"))
        await say(bench, *spelled, did="did", **{f"own{number}": number})
        if place == aliased // 2:
            await say(bench, "u:old", did="did", old=True)
        if chance.random() < 0.4:
            await runner.drain()
    await runner.drain()
    groups: dict[tuple[int, int], set[str]] = {}
    for kind, value, shard, profile_id in await bench.rows(
        "select kind::text, value, profile_shard, profile_id from identity"
    ):
        groups.setdefault((shard, profile_id), set()).add(f"{kind[0]}:{value}" if kind != "hwid" else f"d:{value}")
    assert sorted(map(sorted, groups.values())) == [
        ["a:1", "a:2", "a:old", "d:1", "d:2", "u:1", "u:old"], ["a:3", "d:3", "u:3"],
    ]  # fmt: skip
    attributes = dict(await bench.rows("select user_id, attributes from profile"))
    assert attributes == {
        "1": {f"own{number}": number for number, spelled in enumerate(CALLS) if "3" not in "".join(spelled)}
        | {"old": True},
        "3": {f"own{number}": number for number, spelled in enumerate(CALLS) if "3" in "".join(spelled)},
    }
    assert len(await bench.rows("select from event")) == len(CALLS) + 1
    assert await errors(bench) == []


# Devices that change hands --------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["KEEP", "DROP"])
@pytest.mark.parametrize("user", [in_shard(2, "u"), in_shard(5, "u")], ids=["same-shard", "other-shard"])
async def test_what_came_through_a_device_goes_the_way_the_journey_says(
    bench: Bench, runner: Runner, policy: str, user: str
) -> None:
    setting = f"USER_ID_TRACK_CHANGE_POLICY_{policy}"
    journeys = [
        await bench.running(
            chain(
                MessageBus(id=point_id(), event_name=name),
                Wait(id=point_id(), duration_seconds=3600),
                Exit(id=point_id()),
                user_id_track_change_policy=setting,
            ),
            title=name,
        )
        for name in ("through", "without")
    ]
    first = "u:first"
    await say(bench, first, "d:phone", did="through")
    await say(bench, first, did="without")
    await runner.drain()
    await say(bench, user, "d:phone")
    await runner.drain()
    through, without = [
        await bench.service.run(bench.us, GetStatistics(journey=str(each.journey))) for each in journeys
    ]
    stays = dict(
        await bench.rows(
            "select p.user_id, count(*) from stay as s join profile as p on p.shard = s.shard"
            " and p.profile_id = s.profile_id group by 1"
        )
    )
    assert (without.inside, without.departed) == (1, {})
    if policy == "KEEP":
        assert stays == {"first": 1, user[2:]: 1}
        assert (through.entered, through.inside, through.departed) == (1, 1, {})
    else:
        assert stays == {"first": 1}
        assert through.points[1].dropped == {"user changed": 1}
    assert await errors(bench) == []
    bench.clock.advance(hours=2)
    await runner.drain()
    assert await bench.rows("select from stay") == []
    assert await errors(bench) == []
