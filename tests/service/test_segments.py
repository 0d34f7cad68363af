"""Segments: named, listed, and used by journeys."""

import asyncio
from typing import Any

import pytest

from sojourn.engine.runner import Runner
from sojourn.model.points import Exit, MessageBus, StartBySegment
from sojourn.service.codes import is_code
from sojourn.service.commands import (
    AttributeOperation,
    CountSegment,
    CreateSegment,
    DeleteSegment,
    ExplainSegment,
    GetSegment,
    ListSegments,
    PostEvent,
    PreviewSegment,
    Segment,
    SetAttributes,
    Subject,
    UpdateSegment,
)
from sojourn.service.errors import (
    AlreadyExists,
    AppNotFound,
    InUse,
    InvalidDocument,
    InvalidFilter,
    PersonNotFound,
    SegmentNotFound,
)
from sojourn.store.connection import connect
from sojourn.store.segments import lock_segments
from tests.service.conftest import NOON, OUR_APP, THEIR_APP, Bench, chain, point_id

LONDON = 'T("City", EQ, "London")'


async def create(bench: Bench, title: str = "Londoners", source: str = LONDON, **more: Any) -> Segment:
    return await bench.service.run(bench.us, CreateSegment(title=title, source=source, **more))


async def titles(bench: Bench, caller: Any = None, **more: Any) -> list[str]:
    found = await bench.service.run(caller or bench.us, ListSegments(**more))
    return [segment.title for segment in found.items]


async def test_a_segment_gets_a_code(bench: Bench) -> None:
    segment = await create(bench)
    assert is_code(segment.code)
    assert (segment.title, segment.source, segment.application_code, segment.created_at) == (
        "Londoners",
        LONDON,
        None,
        NOON,
    )
    assert (await bench.service.run(bench.us, ListSegments())).items == (segment,)


async def test_titles_and_codes_are_taken_once_per_workspace(bench: Bench) -> None:
    await create(bench, code="LON00-00001")
    for again in ({"title": "Londoners"}, {"title": "Others", "code": "LON00-00001"}):
        with pytest.raises(AlreadyExists):
            await create(bench, **again)
    theirs = CreateSegment(title="Londoners", source=LONDON, code="LON00-00001")
    assert (await bench.service.run(bench.them, theirs)).title == "Londoners"


async def test_segments_are_listed_by_title_and_app(bench: Bench) -> None:
    await create(bench, "b", application_code=OUR_APP)
    await create(bench, "a")
    assert await titles(bench) == ["a", "b"]
    assert await titles(bench, application_code=OUR_APP) == ["a", "b"]
    assert await titles(bench, bench.them) == []
    for command in (
        ListSegments(application_code=THEIR_APP),
        CreateSegment(title="c", source=LONDON, application_code=THEIR_APP),
    ):
        with pytest.raises(AppNotFound):
            await bench.service.run(bench.us, command)


async def test_a_source_must_mean_something(bench: Bench) -> None:
    for source in ("", "nonsense", 'T("City"', 'AT("BBBBB-BBBBB", "City", EQ, "x")', 'Segment("NONE0-00000")'):
        with pytest.raises(InvalidFilter) as refusal:
            await create(bench, source=source)
        assert str(refusal.value).startswith("invalid filter: ")
    for fields in ({"title": ""}, {"title": "x" * 256}, {"code": "x" * 256}, {"source": "x" * 20_001}, {"title": "\0"}):
        with pytest.raises(InvalidDocument):
            await create(bench, **fields)
    assert await titles(bench) == []


async def test_journeys_use_segments_of_their_workspace(bench: Bench) -> None:
    await create(bench, code="LON00-00001")
    journey = await bench.create(chain(StartBySegment(id=point_id(), filter_code="LON00-00001"), Exit(id=point_id())))
    assert (await bench.change(journey, "start")).status == "running"
    missing = await bench.create(chain(StartBySegment(id=point_id(), filter_code="NONE0-00000"), Exit(id=point_id())))
    with pytest.raises(InvalidDocument) as refusal:
        await bench.change(missing, "start")
    assert [problem.code for problem in refusal.value.problems] == ["filter.unknown"]


async def people(bench: Bench, **cities: str) -> None:
    for name, city in cities.items():
        command = SetAttributes(
            subject=Subject(user_id=name),
            application_code=OUR_APP,
            operations=(AttributeOperation("set", "City", city),),
        )
        await bench.service.run(bench.us, command)
    await drain(bench)


async def drain(bench: Bench) -> None:
    await Runner(str(bench.pool.conninfo), bench.clock).drain()


async def update(bench: Bench, code: str, source: str, title: str = "Londoners") -> Segment:
    return await bench.service.run(bench.us, UpdateSegment(code=code, title=title, source=source))


async def test_a_segment_is_shown_changed_and_deleted(bench: Bench) -> None:
    code = (await create(bench)).code
    await update(bench, code, 'T("City", EQ, "Paris")', "Parisians")
    shown = await bench.service.run(bench.us, GetSegment(code=code))
    assert (shown.title, shown.source) == ("Parisians", 'T("City", EQ, "Paris")')
    for command in (
        GetSegment(code=code),
        DeleteSegment(code=code),
        UpdateSegment(code=code, title="x", source=LONDON),
    ):
        with pytest.raises(SegmentNotFound):
            await bench.service.run(bench.them, command)
    await bench.service.run(bench.us, DeleteSegment(code=code))
    assert await titles(bench) == []


async def test_an_update_that_makes_a_segment_its_own_definition_is_refused(bench: Bench) -> None:
    await create(bench, "a", code="a")
    await create(bench, "b", 'Segment("a")', code="b")
    with pytest.raises(InvalidFilter) as refusal:
        await update(bench, "a", 'Segment("b")', "a")
    assert [problem.code for problem in refusal.value.problems] == ["segment.cycle"]
    assert (await bench.service.run(bench.us, GetSegment(code="a"))).source == LONDON


async def test_what_is_used_is_not_deleted(bench: Bench) -> None:
    await create(bench, "a", code="a")
    await create(bench, "b", 'Segment("a")', code="b")
    await bench.create(chain(StartBySegment(id=point_id(), filter='Segment("b")'), Exit(id=point_id())), "Hello")
    with pytest.raises(InUse, match="the segment `b`, the journey `Hello`"):
        await bench.service.run(bench.us, DeleteSegment(code="a"))


async def test_a_segment_that_is_being_deleted_is_not_named_by_a_new_one(bench: Bench, database_url: str) -> None:
    await create(bench, "a", code="a")
    async with await connect(database_url, application_name="test") as conn:
        await lock_segments(conn, workspace_id=bench.us.workspace_id)
        await conn.execute("delete from segment where code = 'a'")
        creation = asyncio.create_task(create(bench, "b", 'Segment("a")', code="b"))
        waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        while not creation.done() and not await bench.rows(waiting):  # noqa: ASYNC110 - the signal is there
            await asyncio.sleep(0.01)
        await conn.commit()
    with pytest.raises(InvalidFilter, match="there is no segment with the code `a`"):
        await creation


async def test_the_audience_of_a_journey_is_in_use(bench: Bench) -> None:
    await create(bench, "a", code="a")
    await bench.create(
        chain(MessageBus(id=point_id(), event_name="x"), Exit(id=point_id()), audience_code="a"), "Hello"
    )
    with pytest.raises(InUse, match="the journey `Hello`"):
        await bench.service.run(bench.us, DeleteSegment(code="a"))


async def test_a_running_live_audience_follows_a_segment_that_changed_behind_another(bench: Bench) -> None:
    await create(bench, "a", code="a")
    await create(bench, "b", 'Segment("a")', code="b")
    await people(bench, ada="London", bob="Paris")
    entry = StartBySegment(id=point_id(), filter_code="b", trigger="DYNAMIC")
    await bench.running(chain(entry, Exit(id=point_id())))
    await drain(bench)
    query = "select p.user_id from enrollment n join profile p using (shard, profile_id) order by n.entered_at, 1"
    assert await bench.rows(query) == [("ada",)]
    bench.clock.advance(minutes=1)
    await update(bench, "a", 'T("City", EQ, "Paris")')
    await drain(bench)
    assert await bench.rows(query) == [("ada",), ("bob",)]


async def test_an_update_that_a_running_journey_cannot_use_is_refused(bench: Bench) -> None:
    await create(bench, code="a")
    entry = StartBySegment(id=point_id(), filter='Segment("a") + Segment("a")')
    many = [f'A("{OUR_APP}")'] * 1001  # twice as many are too many
    await bench.running(chain(entry, Exit(id=point_id())), "Hello")
    with pytest.raises(InvalidDocument, match="the journey `Hello` cannot use it"):
        await update(bench, "a", f"Or({','.join(many)})")
    assert (await bench.service.run(bench.us, GetSegment(code="a"))).source == LONDON


async def test_a_segment_is_counted_and_previewed_over_all_shards(bench: Bench) -> None:
    await create(bench, code="a")
    await people(bench, ada="London", bob="Paris", cy="London", dan="London")
    assert (await bench.service.run(bench.us, CountSegment(code="a"))).count == 3
    assert (await bench.service.run(bench.us, CountSegment(source='Not(Segment("a"))'))).count == 1
    assert (await bench.service.run(bench.them, CountSegment(source="Not(Or())"))).count == 0
    found = await bench.service.run(bench.us, PreviewSegment(code="a", sample=2, attributes=("City", "Zip")))
    assert found.count == 3
    assert [each.attributes for each in found.sample] == [{"City": "London"}] * 2
    assert {each.user_id for each in found.sample} < {"ada", "cy", "dan"}


async def test_an_explanation_says_of_each_condition_what_was_seen(bench: Bench) -> None:
    await create(bench, code="a")
    await people(bench, ada="London")
    for _ in range(2):
        event = PostEvent(
            subject=Subject(user_id="ada"), application_code=OUR_APP, name="bought", attributes={"price": 5}
        )
        await bench.service.run(bench.us, event)
    await drain(bench)
    source = 'And(Segment("a"), Not(Event("bought", count, GTE, 3)), Fact("user_id", EQ, "bob"))'
    told = await bench.service.run(bench.us, ExplainSegment(source=source, user_id="ada"))
    assert (told.kind, told.is_met) == ("all", False)
    named, negated, fact = told.parts
    assert (named.kind, named.is_met, named.text) == ("segment", True, 'Segment("a")')
    assert (named.parts[0].text, named.parts[0].value) == (LONDON, "London")
    assert (negated.is_met, negated.parts[0].is_met, negated.parts[0].value["count"]) == (True, False, 2)
    assert (fact.is_met, fact.value) == (False, "ada")
    with pytest.raises(PersonNotFound):
        await bench.service.run(bench.us, ExplainSegment(source=source, user_id="bob"))
    with pytest.raises(PersonNotFound):
        await bench.service.run(bench.them, ExplainSegment(source=LONDON, user_id="ada"))


async def test_a_question_says_what_it_is_about(bench: Bench) -> None:
    for command in (
        CountSegment(),
        CountSegment(code="a", source=LONDON),
        PreviewSegment(source=LONDON, sample=101),
        PreviewSegment(source=LONDON, attributes=("",)),
        ExplainSegment(source=LONDON),
    ):
        with pytest.raises(InvalidDocument):
            await bench.service.run(bench.us, command)
    with pytest.raises(SegmentNotFound):
        await bench.service.run(bench.us, CountSegment(code="none"))
