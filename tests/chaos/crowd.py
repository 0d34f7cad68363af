"""The crowd of the crash tests: a journey, people of many kinds in it, and what becomes of each kind.

Time stands still while an act is played, and between two acts everything comes to rest; so what becomes of a person
does not depend on when ticks happen, how many there are, or how often one is undone. Within an act the rows of one
person keep their order.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any
from uuid import UUID

from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Edge, Graph, Settings
from sojourn.model.points import (
    AwaitedEvent,
    BooleanSplitter,
    EmailContent,
    EntryAttribute,
    EventCondition,
    Exit,
    ProfileOperation,
    RandomBranch,
    RandomSplitter,
    SendEmail,
    StartByApi,
    StartBySegment,
    TriggerBranch,
    Until,
    UpdateProfile,
    ValueFrom,
    Wait,
    WaitForTrigger,
)
from tests.walker import Journey, Message, Person, Row, Walker, draw

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
ACTS = (*(MORNING + timedelta(hours=hour) for hour in range(5)), MORNING + timedelta(days=2))
"""Entries; the first wait is over; events; late events; the last events; who waited in vain goes on."""

APP = "AAAAA-AAAAA"
JOURNEY_ID = 1
REQUEST = UUID(int=7)
SOMETIME = datetime(2027, 1, 1, tzinfo=UTC)


# The journey ----------------------------------------------------------------------------------------------------


def point_id(number: int) -> str:
    return str(UUID(int=number))


def email(number: int, subject: str) -> SendEmail:
    return SendEmail(id=point_id(number), content=EmailContent(subject=subject, text="Hello"))


BIG = EventCondition(attribute="amount", operator="GTE", values=(50,))
BOUGHT = TriggerBranch(
    operator="AND",
    events=(AwaitedEvent(event_name="opened"), AwaitedEvent(event_name="bought", event_conditions=(BIG,))),
)
# Some call while they are on their way: a tick may apply that event and have no time left to let its person come here.
CALLED = TriggerBranch(operator="OR", events=(AwaitedEvent(event_name="called"), AwaitedEvent(event_name="replied")))
IN, ASKED, REST, IS_GOLD, GOLD_MAIL, WELCOME, DRAW, TRIAL_MAIL, LISTEN, THANKS_MAIL, SORRY_MAIL = range(1, 12)
WON, TALKED, LONG_REST, OVER = range(12, 16)
MEMBER, GOLD = 'T("member", EQ, "yes")', 'T("tier", EQ, "gold")'
POINTS = (
    StartBySegment(id=point_id(IN), filter=MEMBER),
    StartByApi(id=point_id(ASKED), attributes=(EntryAttribute(name="coupon"),)),
    Wait(id=point_id(REST), duration_seconds=3600),
    BooleanSplitter(id=point_id(IS_GOLD), filter=GOLD),
    email(GOLD_MAIL, "Gold"),
    UpdateProfile(
        id=point_id(WELCOME),
        operations=(
            ProfileOperation(tag="visits", operation="INCREMENT", value=1),
            ProfileOperation(tag="coupons", operation="APPEND", from_=ValueFrom(source="ENTRY", name="coupon")),
            ProfileOperation(tag="stage", operation="SET", value="welcomed"),
        ),
    ),
    RandomSplitter(id=point_id(DRAW), sticky="PROFILE", branches=(RandomBranch(percent=30), RandomBranch(percent=70))),
    email(TRIAL_MAIL, "A trial"),
    WaitForTrigger(id=point_id(LISTEN), period_seconds=86400, branches=(BOUGHT, CALLED)),
    email(THANKS_MAIL, "Thanks"),
    email(SORRY_MAIL, "Sorry"),
    Exit(id=point_id(WON), outcome="won"),
    Exit(id=point_id(TALKED), outcome="talked"),
    Wait(id=point_id(LONG_REST), until=Until(at=SOMETIME)),
    Exit(id=point_id(OVER)),
)
WAYS = {
    (IN, "default"): REST, (ASKED, "default"): REST, (REST, "default"): IS_GOLD,
    (IS_GOLD, "output1"): GOLD_MAIL, (IS_GOLD, "default"): WELCOME, (GOLD_MAIL, "default"): WELCOME,
    (WELCOME, "default"): DRAW, (DRAW, "output1"): TRIAL_MAIL, (DRAW, "output2"): LISTEN,
    (TRIAL_MAIL, "default"): LISTEN, (LISTEN, "output1"): THANKS_MAIL, (THANKS_MAIL, "default"): WON,
    (LISTEN, "output2"): TALKED, (LISTEN, "default"): SORRY_MAIL, (SORRY_MAIL, "default"): LONG_REST,
    (LONG_REST, "default"): OVER,
}  # fmt: skip
GRAPH = Graph(
    points=POINTS,
    edges=tuple(Edge(from_=point_id(one), output=way, to=point_id(other)) for (one, way), other in WAYS.items()),
    settings=Settings(application_code=APP),
)
NUMBERS = {point_id(number): number for number in range(1, len(POINTS) + 1)}
DRAWN = POINTS[DRAW - 1]


# The people -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """What people of one kind are and do.

    Attributes:
        entry: How they come in: by the segment, by a request, by a late one, or not at all.
        tier: Whether they are gold from the beginning, become it in time, or never are.
        doing: What they do when they are at the event wait.
    """

    entry: str
    tier: str
    doing: str

    @property
    def listens_in(self) -> int:
        """The act in which these people come to the event wait."""
        return 2 if self.entry == "late request" else 1

    def attributes(self) -> dict[str, Any]:
        return {"member": "yes" if self.entry == "segment" else "no", "tier": "gold" if self.tier == "gold" else "none"}

    def rows(self, profile_id: int, act: int, app_id: int) -> Iterator[Row]:
        """What is said of one of these people in an act."""
        for kind, name, data, source_id in self._words(profile_id, act):
            yield Row(
                kind=kind, name=name, data=data, source_id=source_id, profile_id=profile_id, app_id=app_id,
                received_at=ACTS[act],
            )  # fmt: skip

    def _words(self, profile_id: int, act: int) -> Iterator[tuple[str, str | None, dict[str, Any], str | None]]:
        if (self.entry, act) in {("request", 0), ("late request", 1)}:
            request = {"journey_id": JOURNEY_ID, "point_no": ASKED, "request_uuid": str(REQUEST)}
            yield "enroll", None, request | {"entry": {"coupon": "SPRING"}}, None
        if self.tier == "risen" and act == 0:
            yield "attributes", None, {"operations": [{"op": "set", "tag": "tier", "value": "gold"}]}, None
        if self.tier == "risen" and act == 1:
            yield "attributes", None, {"operations": [{"op": "increment", "tag": "visits", "value": 5}]}, None
        for name, data in DOINGS[self.doing].get(act - self.listens_in, ()):
            if name == "drop":
                yield "drop", None, {"journey_ids": [JOURNEY_ID], "reason": "dropped by API"}, None
            else:
                yield "event", name, data, f"{name}-{profile_id}"


Said = tuple[str, dict[str, Any]]
DOINGS: Mapping[str, Mapping[int, tuple[Said, ...]]] = {
    "buys at once": {1: (("opened", {}), ("bought", {"amount": 60}))},
    "buys later": {1: (("opened", {}),), 2: (("bought", {"amount": 50}),)},
    "buys too little": {1: (("bought", {"amount": 49.5}), ("opened", {}))},
    "calls while it arrives": {0: (("called", {}),)},
    "is dropped": {1: (("drop", {}),)},
    "nothing": {},
    "replies, and buys": {1: (("replied", {}), ("opened", {}), ("bought", {"amount": 60}))},
    "replies twice": {1: (("replied", {"n": 1}), ("replied", {"n": 1}))},
}
TIERS = ("gold", "risen", "none")
STORIES = (
    *(Story(*kind) for kind in product(("segment", "request", "late request"), TIERS, DOINGS)),
    *(Story("none", tier, "buys at once") for tier in TIERS),
)


def story_of(profile_id: int) -> Story:
    return STORIES[profile_id % len(STORIES)]


def rows_of_act(people: int, act: int, app_id: int) -> list[Row]:
    """What happens in an act, in an order that mixes the people. Drops come last: each ends a batch of the inbox."""
    rows = [row for profile_id in range(1, people + 1) for row in story_of(profile_id).rows(profile_id, act, app_id)]
    return sorted(rows, key=lambda row: row.kind == "drop")


# What becomes of them -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fate:
    """All that the journey did with a person."""

    attributes: dict[str, Any]
    entries: list[tuple[int, datetime]]
    passages: list[tuple[datetime, tuple[int, ...]]]
    messages: list[tuple[int, str, datetime]]
    departures: list[tuple[int, str, str, datetime]]
    stays: list[tuple[int, datetime]]


def fate_of(profile_id: int, app_id: int) -> Fate:
    """What becomes of a person, says the walker. Alike in story and draw is alike in fate."""
    return _fate(story_of(profile_id), _draw(profile_id), app_id)


@cache
def _fate(story: Story, drawn: str, app_id: int) -> Fate:
    # The first person of this kind whose draw this is.
    first = STORIES.index(story) or len(STORIES)
    alike = (number for number in range(first, 10**6, len(STORIES)) if _draw(number) == drawn)
    return walk(next(alike), app_id)


def _draw(profile_id: int) -> str:
    assert isinstance(DRAWN, RandomSplitter)
    return draw(DRAWN, _Drawn(profile_id))


@dataclass
class _Drawn:
    profile_id: int


def walk(profile_id: int, app_id: int) -> Fate:
    """Let the walker take one person through all acts."""
    story = story_of(profile_id)
    walker = Walker(SegmentScope(app_ids={APP: app_id}, workspace_id=1, segments={}))
    walker.journeys[JOURNEY_ID] = Journey(JOURNEY_ID, GRAPH, NUMBERS, started_at=MORNING)
    walker.people[profile_id] = Person(profile_id, story.attributes(), app_ids={app_id})
    walker.inbox.append(Row(kind="begin", received_at=MORNING, data={"journey_id": JOURNEY_ID}))
    for act, instant in enumerate(ACTS):
        walker.inbox += story.rows(profile_id, act, app_id)
        walker.drain(instant)
    return Fate(
        attributes=walker.people[profile_id].attributes,
        entries=[(each.entry_no, each.entered_at) for each in walker.travellers.values()],
        passages=sorted((at, path) for _, at, path in walker.passages),
        messages=sorted(_message(walker, message) for message in walker.messages),
        departures=[(each.point_no, each.outcome, each.reason, each.at) for each in walker.departures.values()],
        stays=[(each.point_no, each.wake_at) for each in walker.stays.values()],
    )


def _message(walker: Walker, message: Message) -> tuple[int, str, datetime]:
    return message.point_no, "cancelled" if message in walker.cancelled else "queued", message.created_at
