"""Entries by API: the documented refusals in their order and words, repetition, the rate, and dropping."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from sojourn.engine.runner import Runner
from sojourn.model.graph import Graph
from sojourn.model.points import EntryAttribute, StartByApi
from sojourn.service.commands import (
    CreateSegment,
    DeleteSegment,
    DropPeople,
    EnrollByApi,
    EntryOutcome,
    GetEntryRequest,
    Journey,
    PostEvent,
    Subject,
    UpdateSegment,
)
from sojourn.service.errors import (
    BadSelector,
    EntryDeactivated,
    IdempotencyMismatch,
    InvalidDocument,
    InvalidFilter,
    JourneyNotFound,
    JourneyNotRunning,
    NoApiEntry,
    NotFound,
    SeveralApiEntries,
    TooManyRequests,
    UnknownAttribute,
)
from tests.service.conftest import OUR_APP, Bench, api_graph, event_graph, point_id

FILTER = 'T("City", EQ, "London")'


async def enroll(bench: Bench, journey: Journey | str, **fields: Any) -> UUID:
    name = journey if isinstance(journey, str) else str(journey.journey)
    return (await bench.service.run(bench.us, EnrollByApi(journey=name, **fields))).request_uuid


async def refusal(bench: Bench, kind: type[Exception], journey: Journey | str, **fields: Any) -> str:
    with pytest.raises(kind) as caught:
        await enroll(bench, journey, **fields)
    return str(caught.value)


async def test_people_are_accepted_durably_once_each(bench: Bench) -> None:
    journey = await bench.running(api_graph(EntryAttribute(name="tier", default_value="basic")))
    request = await enroll(bench, journey, users=("ada", "bob", "ada"))
    rows = await bench.inbox("enroll")
    assert len(rows) == 2
    [[journey_id]] = await bench.rows("select journey_id from journey")
    assert rows[0]["data"] == {
        "journey_id": journey_id,
        "point_no": 1,
        "request_uuid": str(request),
        "entry": {"tier": "basic"},
    }
    people = await bench.rows("select value, profile_shard, profile_id from identity order by profile_id")
    assert {(row["shard"], row["profile_id"]) for row in rows} == {(shard, number) for _, shard, number in people}
    announced = await bench.rows(
        "select count(*) from inbox as a join inbox as e using (shard, profile_id)"
        " where a.kind = 'attributes' and e.kind = 'enroll' and a.inbox_id < e.inbox_id and a.data ? 'user_id'"
    )
    assert announced == [(2,)]


async def test_the_outcome_is_summed_over_shards(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    request = await enroll(bench, journey, users=("ada", "bob", "eve"))
    ask = GetEntryRequest(journey=str(journey.journey), request_uuid=request)
    assert await bench.service.run(bench.us, ask) == EntryOutcome(
        request_uuid=request, accepted=3, entered=0, refused={}
    )
    for shard, outcome, n in ((0, "entered", 1), (3, "entered", 1), (3, "already inside", 1)):
        await bench.execute(
            "insert into request_tally values (%(shard)s, %(uuid)s, %(outcome)s, %(n)s)",
            shard=shard, uuid=request, outcome=outcome, n=n,
        )  # fmt: skip
    found = await bench.service.run(bench.us, ask)
    assert (found.accepted, found.entered, found.refused) == (3, 2, {"already inside": 1})
    with pytest.raises(NotFound):
        await bench.service.run(bench.us, GetEntryRequest(journey=str(journey.journey), request_uuid=uuid4()))
    with pytest.raises(JourneyNotFound):
        await bench.service.run(bench.them, ask)


async def test_hwids_may_be_addresses_and_numbers(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    await enroll(bench, journey, hwids=("abc", "Ada@Example.com", "+4930123456"))
    kinds = await bench.rows("select kind::text, value from identity order by 1")
    assert kinds == [("email", "ada@example.com"), ("hwid", "abc"), ("phone", "+4930123456")]


async def test_a_filter_goes_to_every_shard(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    request = await enroll(bench, journey, filter=FILTER)
    rows = await bench.inbox("select")
    assert [row["shard"] for row in rows] == list(range(8))
    assert rows[0]["data"]["filter"] == FILTER
    found = await bench.service.run(bench.us, GetEntryRequest(journey=str(journey.journey), request_uuid=request))
    assert found.accepted is None


async def test_a_filter_naming_a_segment_younger_than_the_journey_stops_the_journey(
    bench: Bench, database_url: str
) -> None:
    journey = await bench.running(api_graph())
    await bench.service.run(
        bench.us, PostEvent(application_code=OUR_APP, subject=Subject(user_id="ada"), name="bought")
    )
    runner = Runner(database_url, bench.clock)
    await runner.drain()  # knows the journey, and no segments

    async def ask(*, deletes: bool = False) -> EntryOutcome:
        bench.clock.advance(minutes=2)
        request = await enroll(bench, journey, filter='Segment("young")')
        if deletes:
            await bench.service.run(bench.us, DeleteSegment(code="young"))
        await runner.drain()
        asked = GetEntryRequest(journey=str(journey.journey), request_uuid=request)
        return await bench.service.run(bench.us, asked)

    await bench.service.run(bench.us, CreateSegment(title="Young", source='Event("sold")', code="young"))
    assert (await ask()).accepted == 0
    await bench.service.run(bench.us, UpdateSegment(title="Young", source='Event("bought")', code="young"))
    assert (await ask()).entered == 1
    gone = await ask(deletes=True)
    assert (gone.accepted, gone.refused) == (0, {"filter without meaning": 0})


async def test_a_filter_request_that_met_nobody_ends(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    request = await enroll(bench, journey, filter=FILTER)
    ask = GetEntryRequest(journey=str(journey.journey), request_uuid=request)
    await bench.execute("delete from inbox where kind = 'select' and shard < 7")
    assert (await bench.service.run(bench.us, ask)).accepted is None
    await bench.execute("delete from inbox where kind = 'select'")
    assert await bench.service.run(bench.us, ask) == EntryOutcome(
        request_uuid=request, accepted=0, entered=0, refused={}
    )


async def test_a_filter_request_accepted_whom_it_met(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    request = await enroll(bench, journey, filter=FILTER)
    for shard, outcome, n in ((0, "entered", 2), (3, "already inside", 1)):
        await bench.execute(
            "insert into request_tally values (%(shard)s, %(uuid)s, %(outcome)s, %(n)s)",
            shard=shard, uuid=request, outcome=outcome, n=n,
        )  # fmt: skip
    await bench.execute("delete from inbox where kind = 'select'")
    ask = GetEntryRequest(journey=str(journey.journey), request_uuid=request)
    assert (await bench.service.run(bench.us, ask)).accepted == 3


async def test_the_body_is_checked_first(bench: Bench) -> None:
    nobody = str(uuid4())
    assert await refusal(bench, BadSelector, nobody) == "one of users, hwids or filter must be provided"
    for both in (
        {"users": ("a",), "hwids": ("b",)},
        {"users": ("a",), "filter": FILTER},
        {"hwids": ("a",), "filter": "x"},
    ):
        words = "only one of users, hwids or filter must be provided"
        assert await refusal(bench, BadSelector, nobody, **both) == words
    for name in (nobody, "no uuid", ""):
        assert await refusal(bench, JourneyNotFound, name, users=("ada",)) == "journey not found"


@pytest.mark.parametrize("steps", [(), ("start", "pause"), ("start", "finish")])
async def test_a_journey_that_does_not_run_takes_nobody(bench: Bench, steps: tuple[str, ...]) -> None:
    journey = await bench.create(api_graph())
    for step in steps:
        await bench.change(journey, step)
    assert await refusal(bench, JourneyNotRunning, journey, users=("ada",)) == "Journey is not running"


async def test_there_must_be_one_entry_point(bench: Bench) -> None:
    none = await bench.running(event_graph("bought"))
    assert await refusal(bench, NoApiEntry, none, users=("ada",)) == "zero api start points"
    one, other = api_graph(), StartByApi(id=point_id())
    edge = msgspec.structs.replace(one.edges[0], from_=other.id)
    graph = Graph(points=(*one.points, other), edges=(*one.edges, edge), settings=one.settings)
    several = await bench.running(graph)
    assert await refusal(bench, SeveralApiEntries, several, users=("ada",)) == "there is more then one api start point"
    closed = await bench.running(api_graph(is_deactivated=True))
    assert await refusal(bench, EntryDeactivated, closed, users=("ada",)) == "point is deactivated"


async def test_attributes_are_those_of_the_entry_point(bench: Bench) -> None:
    attributes = (EntryAttribute(name="code", required=True), EntryAttribute(name="tier"))
    journey = await bench.running(api_graph(*attributes))
    words = await refusal(bench, UnknownAttribute, journey, users=("ada",), attribute_values={"code": "x", "no": "y"})
    assert words == "unknown attribute: no"
    assert await refusal(bench, InvalidDocument, journey, users=("ada",)) == "missing attribute: code"
    await enroll(bench, journey, users=("ada",), attribute_values={"code": ""})
    assert (await bench.inbox("enroll"))[0]["data"]["entry"] == {"code": ""}


@pytest.mark.parametrize(
    "source", ['T("City"', "nonsense", 'Segment("NONE0-00000")', 'AT("NONE0-00000", "City", EQ, "x")']
)
async def test_a_filter_without_meaning_is_refused(bench: Bench, source: str) -> None:
    journey = await bench.running(api_graph())
    assert (await refusal(bench, InvalidFilter, journey, filter=source)).startswith("invalid filter: ")
    assert await bench.inbox("select") == []


async def test_one_request_per_minute_and_entry_point(bench: Bench) -> None:
    journey = await bench.running(api_graph(EntryAttribute(name="tier")))
    other = await bench.running(api_graph())
    await enroll(bench, journey, users=("ada",))
    words = "Enhance your calm! only one request per minute is allowed"
    assert await refusal(bench, TooManyRequests, journey, users=("bob",)) == words
    assert await refusal(bench, UnknownAttribute, journey, users=("bob",), attribute_values={"no": "x"})
    await enroll(bench, other, users=("bob",))
    bench.clock.advance(seconds=59)
    await refusal(bench, TooManyRequests, journey, users=("bob",))
    bench.clock.advance(seconds=1)
    await enroll(bench, journey, users=("bob",))


async def test_a_refused_request_does_not_use_up_the_minute(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    await refusal(bench, InvalidFilter, journey, filter="nonsense")
    await refusal(bench, UnknownAttribute, journey, users=("ada",), attribute_values={"no": "x"})
    await enroll(bench, journey, users=("ada",))


async def test_of_concurrent_requests_one_is_accepted(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    results = await asyncio.gather(
        *(enroll(bench, journey, users=(f"user-{number}",)) for number in range(12)), return_exceptions=True
    )
    assert sum(isinstance(result, TooManyRequests) for result in results) == 11
    assert len(await bench.inbox("enroll")) == 1
    assert len(await bench.rows("select from identity")) == 1


async def test_a_repeated_request_gets_its_first_answer(bench: Bench) -> None:
    journey = await bench.running(api_graph(EntryAttribute(name="tier")))
    fields: dict[str, Any] = {"users": ("ada",), "attribute_values": {"tier": "gold"}, "idempotency_key": "k1"}
    first = await enroll(bench, journey, **fields)
    assert await enroll(bench, journey, **fields) == first
    with pytest.raises(IdempotencyMismatch):
        await enroll(bench, journey, **(fields | {"users": ("bob",)}))
    await bench.change(journey, "finish")
    assert await enroll(bench, journey, **fields) == first
    assert len(await bench.inbox("enroll")) == 1


async def test_concurrent_repetitions_get_one_answer(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    answers = await asyncio.gather(*(enroll(bench, journey, users=("ada",), idempotency_key="k1") for _ in range(12)))
    assert len(set(answers)) == 1
    assert len(await bench.inbox("enroll")) == 1


async def test_a_refusal_does_not_use_up_the_key(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    await enroll(bench, journey, users=("ada",))
    await refusal(bench, TooManyRequests, journey, users=("bob",), idempotency_key="k1")
    bench.clock.advance(minutes=1)
    await enroll(bench, journey, users=("eve",), idempotency_key="k1")


async def test_limits(bench: Bench) -> None:
    journey = await bench.running(api_graph(EntryAttribute(name="tier")))
    await refusal(bench, InvalidDocument, journey, users=tuple(str(n) for n in range(10_001)))
    for users in (("x" * 256,), ("",), ("a\0",)):
        await refusal(bench, InvalidDocument, journey, users=users)
    await refusal(bench, InvalidFilter, journey, filter="x" * 20_001)
    await refusal(bench, InvalidDocument, journey, users=("a",), attribute_values={"tier": "x" * 10_001})
    await refusal(bench, InvalidDocument, journey, users=("a",), idempotency_key="x" * 256)
    request = await enroll(bench, journey, users=tuple(f"user-{n}" for n in range(10_000)))
    assert request
    assert (await bench.rows("select count(*) from inbox where kind = 'enroll'"))[0][0] == 10_000


async def test_foreign_journeys_take_nobody(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    with pytest.raises(JourneyNotFound):
        await bench.service.run(bench.them, EnrollByApi(journey=str(journey.journey), users=("ada",)))


# Drop -------------------------------------------------------------------------------------------------------


async def drop(bench: Bench, *user_ids: str, **fields: Any) -> list[dict[str, Any]]:
    await bench.service.run(bench.us, DropPeople(user_ids=user_ids, **fields))
    return [row["data"] for row in await bench.inbox("drop")]


async def known(bench: Bench, *user_ids: str) -> None:
    for user_id in user_ids:
        event = PostEvent(application_code=OUR_APP, subject=Subject(user_id=user_id), name="seen")
        await bench.service.run(bench.us, event)


async def test_people_are_dropped_from_active_journeys(bench: Bench) -> None:
    await known(bench, "ada", "bob")
    running, paused, ended = [await bench.running(api_graph()) for _ in range(3)]
    await bench.change(paused, "pause")
    await bench.change(ended, "finish")
    names = tuple(str(journey.journey) for journey in (running, paused, ended))
    ids = dict(await bench.rows("select journey_uuid::text, journey_id from journey"))
    wanted = sorted(ids[name] for name in names[:2])
    rows = await drop(bench, "ada", "nobody", "bob", "ada", journeys=names)
    assert rows == [{"journey_ids": wanted, "reason": "dropped by API"}] * 2
    rows = await drop(bench, "ada", all_journeys=True)
    assert rows[-1] == {"journey_ids": None, "reason": "dropped by API"}
    assert len(await drop(bench, "ada", journeys=names[2:])) == 3, "an ended journey has nobody to drop"
    assert len(await bench.rows("select from identity")) == 2, "unknown users are ignored"


async def test_what_a_drop_must_say(bench: Bench) -> None:
    for fields, words in (
        ({"user_ids": ()}, "user_ids must be provided"),
        ({"user_ids": ("ada",)}, "journey_uuids must be provided if all_journeys is false"),
    ):
        with pytest.raises(BadSelector) as caught:
            await bench.service.run(bench.us, DropPeople(**fields))
        assert str(caught.value) == words


async def test_a_drop_names_journeys_of_the_workspace(bench: Bench) -> None:
    await known(bench, "ada")
    ours = str((await bench.running(api_graph())).journey)
    for names in ((ours, str(uuid4())), ("no uuid",), (ours, "")):
        with pytest.raises(JourneyNotFound):
            await drop(bench, "ada", journeys=names)
    with pytest.raises(JourneyNotFound):
        await bench.service.run(bench.them, DropPeople(user_ids=("ada",), journeys=(ours,)))
    assert await bench.inbox("drop") == []
