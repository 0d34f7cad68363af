"""Journeys: versions, statuses, what their changes tell the engines, and who may see them."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

import msgspec
import pytest

from sojourn.model.graph import Edge, Graph
from sojourn.model.lifecycle import TRANSITIONS, Command, Transition
from sojourn.model.points import AwaitedEvent, Exit, MessageBus, TriggerBranch, Wait, WaitForTrigger
from sojourn.service.commands import (
    COMMANDS,
    ChangeStatus,
    Comment,
    CreateJourney,
    DeleteJourney,
    GetJourney,
    Journey,
    JourneyDraft,
    ListJourneys,
    Place,
    UpdateJourney,
    ValidateJourney,
)
from sojourn.service.errors import AppNotFound, InvalidDocument, InvalidState, JourneyNotFound, NotAllowed
from sojourn.service.service import HANDLERS
from tests.service.conftest import NOON, OUR_APP, THEIR_APP, Bench, api_graph, chain, event_graph, point_id, settings

STATUSES = ("draft", "running", "paused", "finished", "archived")


def test_every_command_has_a_handler() -> None:
    assert {command for command, _ in HANDLERS} == set(COMMANDS)


async def update(bench: Bench, journey: Journey, graph: Graph, **more: Any) -> Journey:
    draft = JourneyDraft(**({"title": journey.title, "graph": graph} | more))
    return await bench.service.run(bench.us, UpdateJourney(journey=journey.journey, draft=draft))


async def epoch(bench: Bench) -> int:
    [[number]] = await bench.rows("select epoch from installation")
    return number


async def numbers(bench: Bench) -> dict[str, int]:
    return dict(await bench.rows("select point_uuid::text, point_no from point"))


async def in_status(bench: Bench, status: str) -> Journey:
    journey = await bench.create(api_graph())
    ways = {
        "draft": (),
        "running": ("start",),
        "paused": ("start", "pause"),
        "finished": ("start", "finish"),
        "archived": ("archive",),
    }
    for command in ways[status]:
        journey = await bench.change(journey, command)
    assert journey.status == status
    return journey


async def test_a_draft_comes_back_as_it_was_written(bench: Bench) -> None:
    graph = api_graph()
    comment = Comment(uuid=str(uuid4()), text="why", x=1.5, y=2, author="ada", created_at=NOON)
    draft = JourneyDraft(
        title="Welcome",
        description="first",
        graph=graph,
        layout={graph.points[0].id: Place(3, 4)},
        comments=(comment,),
        category_uuid=uuid4(),
    )
    made = await bench.service.run(bench.us, CreateJourney(draft=draft))
    assert made == await bench.service.run(bench.us, GetJourney(journey=made.journey))
    assert made.graph == graph
    assert made.layout == draft.layout
    assert made.comments == (comment,)
    assert (made.title, made.description, made.category_uuid) == ("Welcome", "first", draft.category_uuid)
    assert (made.status, made.version, made.first_started_at, made.created_at) == ("draft", 1, None, NOON)
    assert made.last_edited_by == "tester"


async def test_a_draft_may_be_far_from_complete(bench: Bench) -> None:
    made = await bench.create(Graph(settings=settings()))
    assert made.graph.points == ()
    twice = Exit(id=point_id())
    assert (await bench.create(Graph(points=(twice, twice), settings=settings()))).graph.points == (twice, twice)


async def test_an_app_of_another_workspace_is_not_found(bench: Bench) -> None:
    for code in (THEIR_APP, "NONE0-00000"):
        with pytest.raises(AppNotFound) as refusal:
            await bench.create(api_graph(application_code=code))
        assert refusal.value.problems[0].where == "settings/application_code"


UNSTORABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no title": ({"title": ""}, "title"),
    "long title": ({"title": "x" * 256}, "title"),
    "nul": ({"description": "a\0b"}, "description"),
    "infinite": ({"layout": {"a": Place(float("nan"), 0)}}, "layout/a/x"),
    "many comments": ({"comments": (Comment(uuid="c", text=""),) * 501}, "comments"),
    "long comment": ({"comments": (Comment(uuid="c", text="x" * 10_001),)}, "comments/0"),
    "unreadable": ({"graph": chain(Wait(id="no uuid", duration_seconds=3600))}, "points/0/id"),
    "nul in the graph": ({"graph": chain(Exit(id=point_id(), outcome="a\0b"))}, "graph/points/0/outcome"),
}


@pytest.mark.parametrize("case", UNSTORABLE)
async def test_what_cannot_be_stored_is_refused_with_its_place(bench: Bench, case: str) -> None:
    fields, where = UNSTORABLE[case]
    draft = JourneyDraft(**({"title": "Welcome", "graph": api_graph()} | fields))
    with pytest.raises(InvalidDocument) as refusal:
        await bench.service.run(bench.us, CreateJourney(draft=draft))
    assert [problem.where for problem in refusal.value.problems] == [where]
    verdict = await bench.service.run(bench.us, ValidateJourney(draft=draft))
    assert [problem.where for problem in verdict.problems] == [where]
    assert await bench.rows("select from journey") == []


async def test_validation_lists_everything_and_stores_nothing(bench: Bench) -> None:
    lonely = Graph(points=(Wait(id=point_id()), Exit(id=point_id())), settings=settings())
    verdict = await bench.service.run(bench.us, ValidateJourney(draft=JourneyDraft(title="x", graph=lonely)))
    assert len(verdict.problems) >= 3
    clean = await bench.service.run(bench.us, ValidateJourney(draft=JourneyDraft(title="x", graph=api_graph())))
    assert clean.problems == ()
    foreign = JourneyDraft(title="x", graph=api_graph(application_code=THEIR_APP))
    verdict = await bench.service.run(bench.us, ValidateJourney(draft=foreign))
    assert [problem.code for problem in verdict.problems] == ["app.unknown"]
    assert await bench.rows("select from journey") == []


async def test_another_graph_is_another_version_and_a_moved_box_is_not(bench: Bench) -> None:
    graph = api_graph()
    journey = await bench.create(graph)
    before = await epoch(bench)
    bench.clock.advance(minutes=1)
    moved = await update(bench, journey, graph, title="New", layout={graph.points[0].id: Place(1, 1)})
    assert (moved.version, moved.title) == (1, "New")
    assert moved.updated_at == NOON + timedelta(minutes=1)
    assert await epoch(bench) == before
    changed = await update(bench, journey, msgspec.structs.replace(graph, settings=settings(transactional=True)))
    assert changed.version == 2
    assert await epoch(bench) == before + 1
    assert await bench.rows("select version_no from journey_version order by 1") == [(1,), (2,)]
    assert (await bench.rows("select changed_epoch from journey"))[0][0] == before + 1


async def test_point_numbers_are_stable_and_never_used_again(bench: Bench) -> None:
    entry, wait, leave = (graph := api_graph()).points
    journey = await bench.create(graph)
    assert await numbers(bench) == {entry.id: 1, wait.id: 2, leave.id: 3}
    await update(bench, journey, chain(entry, leave))
    other = Wait(id=point_id(), duration_seconds=60)
    await update(bench, journey, chain(entry, other, leave))
    assert (await numbers(bench))[other.id] == 4
    await update(bench, journey, chain(entry, wait, other, leave))
    assert await numbers(bench) == {entry.id: 1, wait.id: 2, leave.id: 3, other.id: 4}


async def test_starting_tells_every_shard_and_the_engines(bench: Bench) -> None:
    async with bench.pool.connection() as conn:
        await conn.set_autocommit(True)
        await conn.execute("listen sojourn_inbox")
        journey = await bench.running(event_graph("bought", application_code=OUR_APP))
        heard = [notification.payload async for notification in conn.notifies(timeout=0.2)]
        await conn.execute("unlisten *")
        await conn.set_autocommit(False)
    assert set(heard) == {"*", *(str(shard) for shard in range(8))}
    assert journey.first_started_at == NOON
    begins = await bench.inbox("begin")
    assert [row["shard"] for row in begins] == list(range(8))
    [[journey_id]] = await bench.rows("select journey_id from journey")
    assert begins[0]["data"] == {"journey_id": journey_id, "held_since": None, "from": "draft"}
    assert await bench.rows("select point_no, event_name, reaction, app_id is not null from listener") == [
        (1, "bought", "enroll", True)
    ]


async def test_a_document_with_problems_is_not_started(bench: Bench) -> None:
    journey = await bench.create(Graph(points=(Wait(id=point_id()), Exit(id=point_id())), settings=settings()))
    with pytest.raises(InvalidDocument) as refusal:
        await bench.change(journey, "start")
    assert len(refusal.value.problems) >= 3
    assert (await bench.service.run(bench.us, GetJourney(journey=journey.journey))).status == "draft"
    assert await bench.inbox("begin") == []


@pytest.mark.parametrize("status", STATUSES)
async def test_statuses_change_by_the_table_and_refusals_name_them(bench: Bench, status: str) -> None:
    allowed = {step.command: step.to for step in TRANSITIONS if step.from_ == status}
    for command in get_args(Command):
        journey = await in_status(bench, status)
        if command in allowed:
            assert (await bench.change(journey, command)).status == allowed[command]
            continue
        with pytest.raises(InvalidState) as refusal:
            await bench.change(journey, command)
        assert (refusal.value.command, refusal.value.status) == (command, status)
        assert refusal.value.text == f"cannot {command} journey in status {status}"


def test_the_page_about_states_has_every_transition() -> None:
    page = (Path(__file__).parents[2] / "docs/states.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"]
    told = {
        Transition(command, from_, to, inside.partition(":")[0].partition(" ")[0].partition(";")[0])  # type: ignore[arg-type]
        for command, _, _, froms, to, inside in (row for row in rows if len(row) == 6)
        for from_ in froms.split(", ")
        if command in get_args(Command)
    }
    assert told == set(TRANSITIONS)


async def test_closing_lets_people_go_on_and_nobody_in(bench: Bench) -> None:
    async def facts() -> tuple[Any, ...]:
        [row] = await bench.rows("select status::text, advances, held_since, started_at from journey")
        heard = [reaction for (reaction,) in await bench.rows("select reaction from listener order by 1")]
        return (*row, heard)

    journey = await bench.create(waiting_graph())
    await bench.change(journey, "start")
    await bench.change(journey, "close")
    assert await facts() == ("paused", True, None, NOON, ["resume"])
    await bench.change(journey, "unpublish")
    assert await facts() == ("draft", True, None, NOON, ["resume"])
    problematic = msgspec.structs.replace(journey.graph, edges=())
    assert (await update(bench, journey, problematic)).version == 2
    with pytest.raises(InvalidDocument):
        await bench.change(journey, "start")
    await update(bench, journey, journey.graph)
    await bench.change(journey, "start")
    assert await facts() == ("running", False, None, NOON, ["enroll", "resume"])
    assert (await bench.inbox("begin"))[-1]["data"]["from"] == "draft"
    await bench.change(journey, "pause")
    await bench.change(journey, "unpublish")
    assert await facts() == ("draft", False, NOON, NOON, ["resume"])
    await bench.change(journey, "discard")
    assert await facts() == ("archived", False, None, None, [])
    await bench.change(journey, "restore")
    assert await facts() == ("draft", False, None, None, [])


async def test_a_pause_is_known_to_whoever_resumes(bench: Bench) -> None:
    journey = await in_status(bench, "running")
    bench.clock.advance(hours=1)
    await bench.change(journey, "pause")
    bench.clock.advance(hours=1)
    await bench.change(journey, "draft")
    bench.clock.advance(hours=1)
    await bench.change(journey, "start")
    held_since = [row["data"]["held_since"] for row in await bench.inbox("begin")]
    assert held_since == [None] * 8 + ["2026-03-01T13:00:00Z"] * 8
    assert await bench.rows("select first_started_at, started_at from journey") == [(NOON, NOON)]
    await bench.change(journey, "finish")
    await bench.change(journey, "archive")
    await bench.change(journey, "draft")
    await bench.change(journey, "start")
    assert [row["data"]["held_since"] for row in await bench.inbox("begin")][16:] == [None] * 8
    assert await bench.rows("select started_at from journey") == [(NOON + timedelta(hours=3),)]


def waiting_graph() -> Graph:
    awaited = TriggerBranch(events=(AwaitedEvent(event_name="paid"),))
    wait = WaitForTrigger(id=point_id(), period_seconds=3600, branches=(awaited,))
    entry, leave = MessageBus(id=point_id(), event_name="bought"), Exit(id=point_id())
    edges = (
        Edge(from_=entry.id, output="default", to=wait.id),
        Edge(from_=wait.id, output="output1", to=leave.id),
        Edge(from_=wait.id, output="default", to=leave.id),
    )
    return Graph(points=(entry, wait, leave), edges=edges, settings=settings())


async def test_events_still_count_for_people_who_are_held(bench: Bench) -> None:
    async def heard() -> list[str]:
        return [reaction for (reaction,) in await bench.rows("select reaction from listener order by 1")]

    journey = await bench.create(waiting_graph())
    assert await heard() == []
    await bench.change(journey, "start")
    assert await heard() == ["enroll", "resume"]
    await bench.change(journey, "pause")
    assert await heard() == ["resume"]
    await update(bench, journey, msgspec.structs.replace(journey.graph, settings=settings(transactional=True)))
    assert await heard() == ["resume"]
    await bench.change(journey, "draft")
    assert await heard() == ["resume"]
    await bench.change(journey, "start")
    assert await heard() == ["enroll", "resume"]
    await bench.change(journey, "finish")
    assert await heard() == []
    assert [row["data"]["reason"] for row in await bench.inbox("stop")] == ["journey finished"] * 8


async def test_a_draft_that_nobody_was_in_stops_nobody(bench: Bench) -> None:
    journey = await bench.create(api_graph())
    archived = await bench.change(journey, "archive")
    assert archived.stop_reason == "journey archived"
    assert await bench.inbox("stop") == []
    assert (await bench.change(journey, "draft")).stop_reason == ""


async def test_a_running_journey_is_edited_only_into_one_that_runs(bench: Bench) -> None:
    journey = await bench.running(api_graph())
    entry, _, leave = journey.graph.points
    with pytest.raises(InvalidDocument) as refusal:
        await update(bench, journey, Graph(points=(entry, leave), settings=settings()))
    assert refusal.value.problems
    assert (await bench.service.run(bench.us, GetJourney(journey=journey.journey))).version == 1
    assert (await update(bench, journey, chain(entry, leave))).version == 2
    await bench.change(journey, "pause")
    assert (await update(bench, journey, Graph(points=(entry, leave), settings=settings()))).version == 3


async def test_people_on_removed_points_are_moved(bench: Bench) -> None:
    entry, one, leave = api_graph().points
    two, three = (Wait(id=point_id(), duration_seconds=60) for _ in range(2))
    journey = await bench.running(chain(entry, one, two, three, leave))
    await update(bench, journey, chain(entry, three, leave))
    moved = await bench.inbox("move")
    assert [row["shard"] for row in moved] == list(range(8))
    assert moved[0]["data"]["moves"] == [[2, 4], [3, 4]]
    await update(bench, journey, chain(entry, leave, removed_points="DROP"))
    assert (await bench.inbox("move"))[-1]["data"]["moves"] == [[4, None]]


async def test_a_point_of_another_kind_is_another_point(bench: Bench) -> None:
    entry, wait, leave = api_graph().points
    journey = await bench.running(chain(entry, wait, leave))
    changed = MessageBus(id=wait.id, event_name="bought")
    graph = Graph(
        points=(entry, changed, leave),
        edges=tuple(Edge(from_=each.id, output="default", to=leave.id) for each in (entry, changed)),
        settings=settings(),
    )
    await update(bench, journey, graph)
    assert (await numbers(bench))[wait.id] == 4
    assert (await bench.inbox("move"))[0]["data"]["moves"] == [[2, 4]]


async def test_a_draft_that_never_ran_moves_nobody(bench: Bench) -> None:
    entry, _, leave = (graph := api_graph()).points
    journey = await bench.create(graph)
    await update(bench, journey, chain(entry, leave))
    assert await bench.inbox("move") == []
    assert await bench.rows("select from listener") == []


@pytest.mark.parametrize("status", ["finished", "archived"])
async def test_an_ended_journey_is_not_edited(bench: Bench, status: str) -> None:
    journey = await in_status(bench, status)
    with pytest.raises(InvalidState) as refusal:
        await update(bench, journey, api_graph())
    assert (refusal.value.command, refusal.value.status) == ("update", status)


async def test_only_drafts_that_never_ran_are_deleted(bench: Bench) -> None:
    for status in ("running", "paused", "finished", "archived"):
        with pytest.raises(InvalidState):
            await bench.service.run(bench.us, DeleteJourney(journey=(await in_status(bench, status)).journey))
    journey = await in_status(bench, "paused")
    await bench.change(journey, "draft")
    with pytest.raises(InvalidState, match="cannot delete a journey that ran"):
        await bench.service.run(bench.us, DeleteJourney(journey=journey.journey))
    draft = await bench.create(api_graph())
    await bench.service.run(bench.us, DeleteJourney(journey=draft.journey))
    with pytest.raises(JourneyNotFound):
        await bench.service.run(bench.us, GetJourney(journey=draft.journey))


async def test_a_foreign_journey_is_not_found(bench: Bench) -> None:
    journey = (await bench.create(api_graph())).journey
    draft = JourneyDraft(title="x", graph=api_graph(application_code=THEIR_APP))
    for command in (
        GetJourney(journey=journey),
        UpdateJourney(journey=journey, draft=draft),
        DeleteJourney(journey=journey),
        ChangeStatus(journey=journey, command="start"),
    ):
        with pytest.raises(JourneyNotFound):
            await bench.service.run(bench.them, command)
    assert (await bench.service.run(bench.them, ListJourneys())).total == 0


async def test_lists_are_filtered_and_come_in_pages(bench: Bench) -> None:
    for number in range(5):
        bench.clock.advance(minutes=1)
        await bench.create(api_graph(), f"100% journey_{number}")
    await bench.running(api_graph(), "Other")

    async def titles(**wanted: Any) -> list[str]:
        found = await bench.service.run(bench.us, ListJourneys(**wanted))
        return [item.title for item in found.items]

    assert await titles(page_size=2, search="JOURNEY") == ["100% journey_4", "100% journey_3"]
    assert await titles(page_size=2, page=3, search="journey") == ["100% journey_0"]
    assert await titles(page=9) == []
    assert (await bench.service.run(bench.us, ListJourneys(page=9))).total == 6
    assert await titles(status="running") == ["Other"]
    assert len(await titles(search="0%")) == 5
    assert len(await titles(search="y_")) == 5
    assert await titles(search="%0%") == []
    assert len(await titles(application_code=OUR_APP)) == 6
    assert await titles(application_code=THEIR_APP) == []
    for wrong in ({"page": 0}, {"page_size": 0}, {"page_size": 101}, {"search": "\0"}):
        with pytest.raises(InvalidDocument):
            await titles(**wrong)


async def test_concurrent_edits_take_turns(bench: Bench) -> None:
    journey = await bench.create(api_graph())
    graphs = [api_graph() for _ in range(10)]
    await asyncio.gather(*(update(bench, journey, graph) for graph in graphs))
    versions = await bench.rows("select version_no from journey_version order by 1")
    assert [version for (version,) in versions] == list(range(1, 12))
    assert sorted((await numbers(bench)).values()) == list(range(1, 34))


async def test_concurrent_starts_start_once(bench: Bench) -> None:
    journey = await bench.create(api_graph())
    results = await asyncio.gather(*(bench.change(journey, "start") for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, InvalidState) for result in results) == 4
    assert len(await bench.inbox("begin")) == 8


async def test_devices_do_not_manage_journeys(bench: Bench) -> None:
    device = msgspec.structs.replace(bench.us, rights="device")
    with pytest.raises(NotAllowed):
        await bench.service.run(device, ListJourneys())
