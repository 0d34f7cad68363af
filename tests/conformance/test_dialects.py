"""One engine, three ways to it: each scenario in each dialect, and begun in one and gone on with in another."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from sojourn.service.commands import Caller, PostEvent, Subject
from tests.conformance.clients import GrpcClient, RestClient
from tests.conformance.conftest import THEIR_TOKEN, TOKEN, Site
from tests.conformance.journeys_client import ok, signed_in
from tests.conformance.speakers import GatewaySpeaker, JourneysSpeaker, Numbers, Reason, Refused, Speaker

MANUAL, WAIT, EXIT = ("manual", None), ("wait", 10), ("exit", None)
DIALECTS = ("rest", "grpc", "journeys")
TURNS = (*((each, each) for each in DIALECTS), ("rest", "journeys"), ("journeys", "grpc"))
"""Who begins, and who goes on."""


@dataclass
class Stage:
    """A site's journeys, and two who work with them.

    Attributes:
        one: Makes them.
        other: Goes on with them.
        stranger: Of another workspace, in the dialect of the latter.
    """

    site: Site
    one: Speaker
    other: Speaker
    stranger: Speaker
    app: str

    async def running(self, *steps: tuple[str, object], goal: str = "") -> str:
        journey = await self.one.create("A journey", *steps, goal=goal)
        assert await self.other.start(journey) == "RUNNING"
        return journey

    async def enrolled(self, journey: str, *users: str) -> None:
        self.site.advance(seconds=61)
        await self.other.enroll(journey, *users)
        await self.site.drain()

    async def later(self, minutes: float) -> None:
        self.site.advance(minutes=minutes)
        await self.site.drain()

    async def does(self, user: str, event: str) -> None:
        ((workspace,),) = await self.site.rows("select workspace_id from workspace where name = 'default'")
        command = PostEvent(application_code=self.app, subject=Subject(user_id=user), name=event, attributes={})
        await self.site.service.run(Caller(workspace_id=workspace), command)
        await self.site.drain()


@pytest.fixture
async def stage(shared_site: Site, turn: tuple[str, str]) -> AsyncIterator[Stage]:
    site = shared_site
    async with (
        signed_in(site) as owner,
        signed_in(site, workspace="other") as foreigner,
        RestClient(site.app, TOKEN) as rest,
        GrpcClient(site.grpc_port, TOKEN) as grpc,
        RestClient(site.app, THEIR_TOKEN) as their_rest,
        GrpcClient(site.grpc_port, THEIR_TOKEN) as their_grpc,
    ):
        place = ok(await owner.post("/api/sites", json={"name": "Shop"}), 201)
        app = place["applicationCode"]
        ours: dict[str, Speaker] = {
            "rest": GatewaySpeaker(rest, app),
            "grpc": GatewaySpeaker(grpc, app),
            "journeys": JourneysSpeaker(owner, place["id"]),
        }
        theirs: dict[str, Speaker] = {
            "rest": GatewaySpeaker(their_rest, app),
            "grpc": GatewaySpeaker(their_grpc, app),
            "journeys": JourneysSpeaker(foreigner, place["id"]),
        }
        one, other = turn
        yield Stage(site, ours[one], ours[other], theirs[other], app)


def someone() -> str:
    return uuid4().hex


async def refused(call: Awaitable[object], reason: Reason) -> Refused:
    with pytest.raises(Refused) as raised:
        await call
    assert raised.value.reason == reason
    return raised.value


async def a_draft_is_listed_and_shown(stage: Stage) -> None:
    steps = (("event", "signed_up"), WAIT, ("await", "ordered"), ("share", 30), ("wait", 90), EXIT)
    journey = await stage.one.create("Welcome", *steps)
    assert await stage.other.look(journey) == ("Welcome", "DRAFT", [word for word, _ in steps])
    stage.site.advance(seconds=1)
    await stage.one.create("Farewell", MANUAL, EXIT)
    assert await stage.other.titles() == ["Farewell", "Welcome"]


async def it_goes_through_its_life(stage: Stage) -> None:
    journey = await stage.running(MANUAL, EXIT)
    await refused(stage.other.start(journey), "state")
    assert await stage.other.pause(journey) == "PAUSED"
    await refused(stage.other.pause(journey), "state")
    assert await stage.one.start(journey) == "RUNNING"
    assert await stage.other.archive(journey) == "ARCHIVED"
    assert (await stage.one.look(journey))[1] == "ARCHIVED"
    await refused(stage.other.start(journey), "state")


async def what_does_not_work_is_not_started(stage: Stage) -> None:
    journey = await stage.one.create("Broken", MANUAL, WAIT, ("await", "ordered"), WAIT)
    found = await refused(stage.other.start(journey), "invalid")
    assert found.places == {3}
    assert (await stage.one.look(journey))[1] == "DRAFT"


async def people_come_in_wait_and_leave(stage: Stage) -> None:
    journey = await stage.running(MANUAL, WAIT, EXIT)
    await stage.enrolled(journey, someone(), someone(), someone())
    assert await stage.other.numbers(journey) == Numbers(3, 3)
    await stage.later(9)
    assert await stage.other.numbers(journey) == Numbers(3, 3)
    await stage.later(2)
    assert await stage.other.numbers(journey) == await stage.one.numbers(journey) == Numbers(3, 0, {"completed": 3})


async def an_event_lets_in_and_an_event_lets_go_on(stage: Stage) -> None:
    journey = await stage.running(("event", "signed_up"), ("await", "ordered"), EXIT)
    one, other = someone(), someone()
    for user, event in ((one, "signed_up"), (other, "signed_up"), (someone(), "ordered"), (one, "ordered")):
        await stage.does(user, event)
    assert await stage.other.numbers(journey) == Numbers(2, 1, {"completed": 1})


async def a_share_goes_another_way(stage: Stage) -> None:
    all_, none = (
        await stage.running(MANUAL, ("share", 100), WAIT, EXIT),
        await stage.running(MANUAL, ("share", 0), WAIT, EXIT),
    )
    for journey in (all_, none):
        await stage.enrolled(journey, someone(), someone())
    assert await stage.other.numbers(all_) == Numbers(2, 2)
    assert await stage.other.numbers(none) == Numbers(2, 0, {"completed": 2})


async def a_goal_takes_people_out(stage: Stage) -> None:
    journey = await stage.running(MANUAL, WAIT, EXIT, goal="bought")
    await stage.enrolled(journey, one := someone(), someone())
    await stage.does(one, "bought")
    assert await stage.other.numbers(journey) == Numbers(2, 1, {"goal": 1})


async def people_are_taken_out(stage: Stage) -> None:
    journey = await stage.running(MANUAL, WAIT, EXIT)
    await stage.enrolled(journey, one := someone(), someone())
    await stage.other.remove(journey, one)
    await stage.later(1)
    assert await stage.other.numbers(journey) == Numbers(2, 1, {"dropped": 1})
    await stage.later(10)
    assert await stage.one.numbers(journey) == Numbers(2, 0, {"completed": 1, "dropped": 1})


async def who_is_inside_goes_on_in_what_was_changed(stage: Stage) -> None:
    journey = await stage.running(MANUAL, WAIT, EXIT)
    await stage.enrolled(journey, someone())
    await stage.other.lengthen(journey, 30)
    assert await stage.one.look(journey) == ("A journey", "RUNNING", ["manual", "wait", "wait", "exit"])
    await stage.later(11)
    assert await stage.other.numbers(journey) == Numbers(1, 1)
    await stage.later(31)
    assert await stage.other.numbers(journey) == Numbers(1, 0, {"completed": 1})


async def nobody_comes_in_where_nothing_runs(stage: Stage) -> None:
    draft = await stage.one.create("Draft", MANUAL, EXIT)
    await refused(stage.other.enroll(draft, someone()), "state")
    paused = await stage.running(MANUAL, EXIT)
    await stage.other.pause(paused)
    await refused(stage.other.enroll(paused, someone()), "state")
    by_event = await stage.running(("event", "x"), EXIT)
    await refused(stage.other.enroll(by_event, someone()), "state")
    await refused(stage.other.enroll(str(uuid4()), someone()), "missing")


async def strangers_find_nothing(stage: Stage) -> None:
    journey = await stage.running(MANUAL, WAIT, EXIT)
    stranger = stage.stranger
    for call in (stranger.look, stranger.start, stranger.pause, stranger.archive, stranger.numbers):
        await refused(call(journey), "missing")
    await refused(stranger.enroll(journey, someone()), "missing")
    await refused(stranger.remove(journey, someone()), "missing")
    await refused(stranger.lengthen(journey, 1), "missing")
    assert (await stage.one.look(journey))[1] == "RUNNING"


SCENARIOS: tuple[Callable[[Stage], Awaitable[None]], ...] = (
    a_draft_is_listed_and_shown,
    a_goal_takes_people_out,
    a_share_goes_another_way,
    an_event_lets_in_and_an_event_lets_go_on,
    it_goes_through_its_life,
    nobody_comes_in_where_nothing_runs,
    people_are_taken_out,
    people_come_in_wait_and_leave,
    strangers_find_nothing,
    what_does_not_work_is_not_started,
    who_is_inside_goes_on_in_what_was_changed,
)


@pytest.mark.parametrize("turn", TURNS, ids=" then ".join)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_scenario(scenario: Callable[[Stage], Awaitable[None]], stage: Stage) -> None:
    await scenario(stage)
