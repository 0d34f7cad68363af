"""The walker: what a tick means. Plain, slow Python that moves one person at a time, written from docs/engine.md.

It shares no code with the compiler. Where the statements and the walker disagree, one of them is wrong, and the page
is consulted. A walker is one shard; `drain` ticks until nothing is left to do at an instant.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from sojourn import ruletree
from sojourn.compiler.segments import SegmentScope
from sojourn.model.calendar import EntrySchedule, instant
from sojourn.model.graph import Graph, Reentry
from sojourn.model.points import (
    FOREVER_SECONDS,
    AnyPoint,
    AwaitedEvent,
    BooleanSplitter,
    Condition,
    Conditions,
    Content,
    DateAttribute,
    ElementClick,
    EventCondition,
    EventEntry,
    Exit,
    GoalCheck,
    JourneyGoal,
    MessageBus,
    PageVisit,
    ProfileOperation,
    RandomSplitter,
    SendEmail,
    Source,
    StartByApi,
    StartBySegment,
    TriggerBranch,
    UpdateProfile,
    UrlMatch,
    Wait,
    WaitForTrigger,
    Webhook,
)
from sojourn.model.schedule import WEEKDAYS
from sojourn.model.segments import All, AnyOf, Application, Attribute, Expression, Not, Reference
from sojourn.seglang import parse
from tests import segment_evaluator

Json = Any
PATIENCE = timedelta(days=1)
JUST_BEFORE = timedelta(microseconds=1)


# What there is ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the inbox; without a person it concerns everybody."""

    kind: str
    received_at: datetime
    profile_id: int | None = None
    data: dict[str, Json] = field(default_factory=dict)
    name: str | None = None
    app_id: int | None = None
    source_id: str | None = None
    occurred_at: datetime | None = None

    @property
    def happened_at(self) -> datetime:
        return self.occurred_at or self.received_at


@dataclass(frozen=True)
class Event:
    event_id: int
    name: str
    data: dict[str, Json]
    app_id: int | None
    occurred_at: datetime
    received_at: datetime


@dataclass
class Person:
    profile_id: int
    attributes: dict[str, Json] = field(default_factory=dict)
    time_zone: str | None = None
    user_id: str | None = None
    app_ids: set[int] = field(default_factory=set)
    devices: dict[tuple[int, str], dict[str, Json]] = field(default_factory=dict)
    history: list[Event] = field(default_factory=list)

    @property
    def zone(self) -> str:
        return self.time_zone or "UTC"


@dataclass
class Journey:
    """A definition: the graph, the numbers of its points, and what its status allows."""

    journey_id: int
    graph: Graph
    numbers: Mapping[str, int]
    version_no: int = 1
    status: str = "running"
    started_at: datetime | None = None
    advances_anyway: bool = False
    winners: dict[int, int] = field(default_factory=dict)
    """The outputs that won at splitters."""

    @property
    def points(self) -> dict[int, AnyPoint]:
        return {self.numbers[point.id]: point for point in self.graph.points}

    def after(self, point_no: int, output: str) -> int | None:
        """Return the point that an output leads to."""
        for edge in self.graph.edges:
            if self.numbers[edge.from_] == point_no and edge.output == output:
                return self.numbers[edge.to]
        return None

    @property
    def admits(self) -> bool:
        return self.status == "running"

    @property
    def advances(self) -> bool:
        return self.status == "running" or (self.advances_anyway and self.status in {"paused", "draft"})

    @property
    def listens(self) -> bool:
        return self.status in {"running", "paused"} or self.advances

    @property
    def measures(self) -> bool:
        return self.status in {"running", "paused", "finished"} or self.advances

    @property
    def rank(self) -> tuple[bool, int]:
        """Order by urgency: transactional journeys first."""
        return (not self.graph.settings.transactional, self.journey_id)

    def schedules(self) -> dict[int, EntrySchedule]:
        assert self.started_at is not None, "a journey with people was started"
        return {
            number: EntrySchedule(point.repeat, point.start_at, self.started_at)
            for number, point in self.points.items()
            if isinstance(point, StartBySegment) and point.trigger == "MATCHING" and not point.is_deactivated
        }

    def live_entries(self) -> dict[int, StartBySegment]:
        """Return who watches a segment; with an audience, the first API entry watches it, too."""
        found = {n: point for n, point in self.points.items() if isinstance(point, StartBySegment) and point.is_live}
        code, asked = (
            self.graph.settings.audience_code,
            [n for n, p in self.points.items() if isinstance(p, StartByApi)],
        )
        if code is not None and asked:
            number = min(asked)
            found[number] = StartBySegment(id=self.points[number].id, filter_code=code, trigger="DYNAMIC")
        return found


@dataclass
class Traveller:
    """An enrollment, with what it came with and has learnt since."""

    number: int
    journey_id: int
    profile_id: int
    entry_no: int
    entry_key: str
    entered_at: datetime
    context: dict[str, Json]


@dataclass
class Stay:
    traveller: Traveller
    point_no: int
    since: datetime
    after_event: int
    wake_at: datetime
    reached: int | None = None
    seen: set[tuple[int, int]] = field(default_factory=set)
    """Of an event wait: (branch, place in the branch) of the events that happened."""


@dataclass(frozen=True)
class Arrival:
    """Somebody who stands at an entry."""

    profile_id: int
    since: datetime
    after_event: int = 0
    entry_key: str = ""
    context: Mapping[str, Json] = field(default_factory=dict)
    request_uuid: str | None = None
    by_page: bool = False


@dataclass(frozen=True)
class Message:
    number: int
    point_no: int
    channel: str
    created_at: datetime
    version_no: int
    priority: int
    due_at: datetime


@dataclass(frozen=True)
class Departure:
    point_no: int
    outcome: str
    reason: str
    at: datetime


@dataclass
class Audience:
    """Who matched the segment of a live entry when last looked at.

    Attributes:
        watched: The trigger, and what it looks for.
        enrolls: Whether the first look at everybody lets in whoever it finds to have begun or ceased to match.
        is_known: That look is over.
    """

    watched: tuple[str, Expression, str | None]
    begins_at: datetime
    enrolls: bool
    members: set[int] = field(default_factory=set)
    is_known: bool = False


@dataclass(frozen=True)
class Goal:
    """What counts as a conversion: an event, or that somebody comes to meet a rule."""

    name: str
    event_name: str | None = None
    event_conditions: Conditions = ()
    page: PageVisit | None = None
    rule: Expression | None = None
    ends_journey: bool = False
    value_attribute: str = ""
    lasts: bool = False


@dataclass(frozen=True)
class Conversion:
    is_control: bool
    at: datetime
    value: Decimal | None


# The tick -----------------------------------------------------------------------------------------------------


class Walker:
    """One shard.

    Args:
        scope: The apps and segments that there are.
        batch: How many rows of the inbox one tick applies.
    """

    def __init__(self, scope: SegmentScope, *, batch: int = 10_000) -> None:
        self.scope = scope
        self.batch = batch
        self.journeys: dict[int, Journey] = {}
        self.people: dict[int, Person] = {}
        self.inbox: list[Row] = []
        self.travellers: dict[int, Traveller] = {}
        self.stays: dict[int, Stay] = {}
        self.passages: list[tuple[int, datetime, tuple[int, ...]]] = []
        self.messages: list[Message] = []
        self.cancelled: set[Message] = set()
        self.departures: dict[int, Departure] = {}
        self.conversions: dict[tuple[int, str], Conversion] = {}
        self.deadlines: dict[int, datetime] = {}
        self.draws: dict[tuple[int, int, int], tuple[str, datetime]] = {}
        self.tallies: Counter[tuple[int, int, str, str, datetime]] = Counter()
        self.requests: Counter[tuple[str, str]] = Counter()
        self.now = datetime.min.replace(tzinfo=UTC)
        self._next_number = 1
        self._next_event = 1
        self._sources: set[str] = set()
        self._done_until: dict[tuple[int, int], datetime] = {}
        self.audiences: dict[tuple[int, int], Audience] = {}

    def drain(self, now: datetime) -> None:
        """Tick until nothing is left to do at `now`."""
        while self._has_work(now):
            self.tick(now)

    def _has_work(self, now: datetime) -> bool:
        return (
            any(not self._must_wait(row) for row in self.inbox)
            or any(stay.wake_at <= now for stay in self.stays.values() if self._goes_on(stay))
            or any(True for _ in self._overdue(now))
            or any(True for _ in self._due_schedules(now))
            or any(True for _ in self._stale_audiences(now))
        )

    def tick(self, now: datetime) -> None:
        self.now = now
        for row in [row for row in self.inbox if row.profile_id is None]:
            if not self._must_wait(row):
                self._concern_everybody(row)
                self.inbox.remove(row)
        batch = self._next_batch()
        concerned = self._concerned(batch)
        self._learn_facts(batch)
        for row in batch:
            if row.kind == "drop":
                self._drop(row)
        self._take_answers(batch)
        events = self._record_events(batch)
        self._convert(events)
        self._match_waiting(events)
        self._enter_by_event(events)
        self._enter_by_request(batch)
        self._enter_by_name(batch)
        self._convert_concerned(concerned)
        self._look_at(concerned)
        for row in batch:
            self.inbox.remove(row)
        self._let_go_on()

    # 1. What concerns everybody ---------------------------------------------------------------------------------

    def _must_wait(self, row: Row) -> bool:
        """Moves of a held journey wait until it runs again, or ends."""
        if row.kind != "move":
            return False
        journey = self.journeys[row.data["journey_id"]]
        return journey.status not in {"finished", "archived"} and not journey.advances

    def _concern_everybody(self, row: Row) -> None:
        journey = self.journeys[row.data["journey_id"]]
        match row.kind:
            case "begin":
                self._begin(journey, row)
            case "move":
                self._move(journey, row)
            case "select":
                self._select(journey, row)
            case "stop":
                self._stop(journey, row)
            case _:
                raise AssertionError(f"`{row.kind}` names a person")

    def _begin(self, journey: Journey, row: Row) -> None:
        if row.data.get("held_since") is not None:
            self._resume_people(journey, datetime.fromisoformat(row.data["held_since"]), row.received_at)
        for number, schedule in journey.schedules().items():
            place = (journey.journey_id, number)
            assert journey.started_at is not None
            if place not in self._done_until:
                # An entry that an edit added runs from then on; one that runs once, at once.
                begins = journey.started_at if schedule.repeat is None else max(journey.started_at, row.received_at)
                self._done_until[place] = begins - JUST_BEFORE
            elif schedule.repeat is not None and "from" in row.data:
                # Runs that fell into a pause are left out.
                self._done_until[place] = max(self._done_until[place], row.received_at - JUST_BEFORE)
        self._watch(journey, row)

    def _shift_deadlines(self, journey: Journey, held: timedelta) -> None:
        for traveller in self.travellers.values():
            if traveller.journey_id == journey.journey_id and traveller.number in self.deadlines:
                self.deadlines[traveller.number] += held

    def _resume_people(self, journey: Journey, held_since: datetime, resumed_at: datetime) -> None:
        if journey.graph.settings.resume_policy == "RESUME_SHIFT":
            self._shift_deadlines(journey, resumed_at - held_since)
        for stay in self._inside(journey.journey_id):
            if stay.reached is not None and not self._keeps_period(stay):
                continue  # not a matter of time: what they waited for has happened
            match journey.graph.settings.resume_policy:
                case "RESUME_CONTINUE":
                    pass
                case "RESUME_SHIFT":
                    stay.wake_at += resumed_at - held_since
                case "RESUME_SPREAD":
                    if stay.wake_at <= self.now:
                        stay.wake_at = self.now + timedelta(seconds=stay.traveller.number % 3600)
                case "RESUME_DROP_OVERDUE":
                    if stay.wake_at <= resumed_at:
                        self._end(stay, "dropped", "overdue after a pause")
                case _ as policy:
                    assert_never(policy)

    def _keeps_period(self, stay: Stay) -> bool:
        point = self.journeys[stay.traveller.journey_id].points.get(stay.point_no)
        return isinstance(point, WaitForTrigger) and point.fixed_period

    def _move(self, journey: Journey, row: Row) -> None:
        if journey.status in {"finished", "archived"}:
            return
        for removed, target in row.data["moves"]:
            for stay in self._inside(journey.journey_id):
                if stay.point_no != removed:
                    continue
                if target is None or target not in journey.points:
                    self._end(stay, "dropped", "point removed")
                    continue
                del self.stays[stay.traveller.number]
                self._count(journey, removed, "left", "removed")
                self._walk(stay.traveller, (removed,), target, self.now, stay.after_event)

    def _select(self, journey: Journey, row: Row) -> None:
        if not journey.admits or not isinstance(journey.points.get(row.data["point_no"]), StartByApi):
            refusal = "entry removed" if journey.admits else "journey not running"
            self.requests[row.data["request_uuid"], refusal] += 0
            return
        wanted = parse(row.data["filter"])
        chosen = [person for person in self._in_order() if self._belongs(person, wanted)]
        self._admit_all(
            journey,
            row.data["point_no"],
            [
                Arrival(
                    person.profile_id,
                    row.received_at,
                    context={"entry": row.data.get("entry", {})},
                    request_uuid=row.data["request_uuid"],
                )
                for person in chosen
            ],
            may_reenter=True,
            asked=True,
        )

    def _stop(self, journey: Journey, row: Row) -> None:
        for stay in self._inside(journey.journey_id):
            self._end(stay, "stopped", row.data["reason"])
        for message in self.messages:
            if self.travellers[message.number].journey_id == journey.journey_id:
                self.cancelled.add(message)
        for place in [place for place in self._done_until if place[0] == journey.journey_id]:
            del self._done_until[place]
        for place in [place for place in self.audiences if place[0] == journey.journey_id]:
            del self.audiences[place]

    def _inside(self, journey_id: int) -> list[Stay]:
        return [stay for stay in self.stays.values() if stay.traveller.journey_id == journey_id]

    def _end(self, stay: Stay, outcome: str, reason: str) -> None:
        """Take somebody out, and cancel what was about to be sent to them."""
        traveller = stay.traveller
        del self.stays[traveller.number]
        self.departures[traveller.number] = Departure(stay.point_no, outcome, reason, self.now)
        detail = reason if outcome in {"dropped", "goal"} else ""
        metric = "goal_exit" if outcome == "goal" else outcome
        self._count(self.journeys[traveller.journey_id], stay.point_no, metric, detail)
        self.cancelled |= {message for message in self.messages if message.number == traveller.number}

    # 2. One batch of the inbox ----------------------------------------------------------------------------------

    def _next_batch(self) -> list[Row]:
        """Return the next rows about people: all drops, or none."""
        ahead = [row for row in self.inbox if row.profile_id is not None][: self.batch]
        for place, row in enumerate(ahead):
            if (row.kind == "drop") != (ahead[0].kind == "drop"):
                return ahead[:place]
        return ahead

    def _learn_facts(self, batch: list[Row]) -> None:
        for row in batch:
            assert row.profile_id is not None
            person = self.people.setdefault(row.profile_id, Person(row.profile_id))
            if row.app_id is not None:
                person.app_ids.add(row.app_id)
            if row.kind == "attributes":
                person.attributes = apply_operations(person.attributes, row.data.get("operations", []))
            if row.kind in {"attributes", "device"}:
                person.time_zone = row.data.get("time_zone") or person.time_zone
                person.user_id = row.data.get("user_id") or person.user_id
            if row.kind == "device" and row.app_id is not None:
                if row.data.get("gone"):
                    person.devices.pop((row.app_id, row.data["hwid"]), None)
                else:
                    person.devices[row.app_id, row.data["hwid"]] = row.data

    def _drop(self, row: Row) -> None:
        for stay in list(self.stays.values()):
            named = row.data.get("journey_ids")
            if stay.traveller.profile_id == row.profile_id and (named is None or stay.traveller.journey_id in named):
                self._end(stay, "dropped", row.data.get("reason", "dropped by API"))

    def _take_answers(self, batch: list[Row]) -> None:
        for row in batch:
            if row.kind != "outcome":
                continue
            stay = self.stays.get(row.data["enrollment_id"])
            if stay is None or stay.reached is not None:
                continue
            if (stay.traveller.journey_id, stay.point_no) != (row.data["journey_id"], row.data["point_no"]):
                continue
            entry = stay.traveller.context.get("entry", {}) | row.data.get("entry", {})
            stay.traveller.context = stay.traveller.context | {"entry": entry}
            stay.reached, stay.since, stay.wake_at = row.data["output"], row.received_at, self.now

    def _record_events(self, batch: list[Row]) -> dict[int, list[Event]]:
        """Move events to history, each once; return this tick's by person."""
        recorded: dict[int, list[Event]] = {}
        for row in batch:
            if row.kind != "event" or row.source_id in self._sources:
                continue
            if row.source_id is not None:
                self._sources.add(row.source_id)
            assert row.profile_id is not None
            assert row.name is not None
            event = Event(self._next_event, row.name, row.data, row.app_id, row.happened_at, row.received_at)
            self._next_event += 1
            self.people[row.profile_id].history.append(event)
            recorded.setdefault(row.profile_id, []).append(event)
        return recorded

    # Goals ------------------------------------------------------------------------------------------------------

    def _convert(self, events: Mapping[int, list[Event]]) -> None:
        """Let events count for the goals of everybody who came in, whether or not they are still inside."""
        for traveller in self.travellers.values():
            journey = self.journeys[traveller.journey_id]
            if not journey.measures:
                continue
            ending: list[tuple[int, int, str]] = []
            for place, goal in enumerate(goals_of(journey.graph)):
                event = self._first_conversion(journey, traveller, goal, events.get(traveller.profile_id, []))
                if event is None:
                    continue
                value = amount(event.data.get(goal.value_attribute)) if goal.value_attribute else None
                self._count_conversion(journey, traveller, goal.name, event.occurred_at, value)
                if goal.ends_journey:
                    ending.append((event.event_id, place, goal.name))
            if ending and traveller.number in self.stays:
                self._end(self.stays[traveller.number], "goal", min(ending)[2])

    def _count_conversion(
        self, journey: Journey, traveller: Traveller, name: str, at: datetime, value: Decimal | None
    ) -> None:
        departure = self.departures.get(traveller.number)
        is_control = departure is not None and departure.outcome == "control"
        self.conversions[traveller.number, name] = Conversion(is_control, at, value)
        self._count(journey, traveller.entry_no, "control_goal" if is_control else "goal", name)

    def _convert_changed(self, people: set[int]) -> None:
        """Let people who changed reach the goals about attributes that they match now."""
        for traveller in list(self.travellers.values()):
            journey = self.journeys[traveller.journey_id]
            if traveller.profile_id not in people or not journey.measures:
                continue
            ending: list[str] = []
            for goal in goals_of(journey.graph):
                if goal.rule is None or not self._may_convert(journey, traveller, goal, self.now):
                    continue
                if self._belongs(self.people[traveller.profile_id], goal.rule):
                    self._count_conversion(journey, traveller, goal.name, self.now, None)
                    ending += [goal.name] * goal.ends_journey
            if ending and traveller.number in self.stays:
                self._end(self.stays[traveller.number], "goal", ending[0])

    def _convert_concerned(self, concerned: set[tuple[int, tuple[str, str]]]) -> None:
        for journey in self.journeys.values():
            for goal in goals_of(journey.graph):
                if goal.rule is not None:
                    wanted = mentions(goal.rule, self.scope)
                    self._convert_changed({person for person, what in concerned if what in wanted})

    def _may_convert(self, journey: Journey, traveller: Traveller, goal: Goal, at: datetime) -> bool:
        if (traveller.number, goal.name) in self.conversions:
            return False
        window = journey.graph.settings.conversion_window
        closes = traveller.entered_at + timedelta(seconds=window.seconds if window else 7 * 86400)
        opens = traveller.entered_at.replace(microsecond=0)
        return at >= opens and (at <= closes or (goal.lasts and traveller.number in self.stays))

    def _first_conversion(
        self, journey: Journey, traveller: Traveller, goal: Goal, happened: list[Event]
    ) -> Event | None:
        counting = [
            event
            for event in happened
            if event.name == goal.event_name
            and self._meets(event.data, goal.event_conditions)
            and (goal.page is None or matches_page(event.data.get("url"), goal.page.match_type, goal.page.pattern))
            and self._may_convert(journey, traveller, goal, event.occurred_at)
        ]
        return min(counting, key=lambda event: event.event_id, default=None)

    # Event waits ------------------------------------------------------------------------------------------------

    def _match_waiting(self, events: Mapping[int, list[Event]]) -> None:
        for stay in list(self.stays.values()):
            journey = self.journeys[stay.traveller.journey_id]
            if journey.listens and isinstance(journey.points.get(stay.point_no), WaitForTrigger):
                self._match(stay, events.get(stay.traveller.profile_id, []))

    def _match(self, stay: Stay, candidates: list[Event]) -> None:
        """Let events count for somebody at an event wait who has not reached a branch so far."""
        if stay.reached is not None:
            return
        point = self.journeys[stay.traveller.journey_id].points[stay.point_no]
        assert isinstance(point, WaitForTrigger)
        satisfied: list[tuple[int, int, Event]] = []
        for number, branch in enumerate(point.branches, 1):
            event = self._satisfy(stay, number, branch, candidates)
            if event is not None:
                satisfied.append((event.event_id, number, event))
        if not satisfied:
            return
        _, stay.reached, event = min(satisfied, key=lambda each: each[:2])
        stay.traveller.context = stay.traveller.context | {"event": event.data}
        if not point.fixed_period:
            stay.since, stay.after_event, stay.wake_at = event.received_at, event.event_id, self.now

    def _satisfy(self, stay: Stay, number: int, branch: TriggerBranch, candidates: list[Event]) -> Event | None:
        """Return the event that satisfies a branch, if it is satisfied now."""
        firsts: dict[int, Event] = {}
        for place, awaited in enumerate(branch.events):
            counting = [event for event in candidates if self._counts(stay, branch, awaited, event)]
            if counting:
                firsts[place] = min(counting, key=lambda event: event.event_id)
        new = {place: event for place, event in firsts.items() if (number, place) not in stay.seen}
        stay.seen |= {(number, place) for place in firsts}
        if branch.operator == "OR":
            return min(firsts.values(), key=lambda event: event.event_id, default=None)
        is_complete = all((number, place) in stay.seen for place in range(len(branch.events)))
        return max(new.values(), key=lambda event: event.event_id) if is_complete and new else None

    def _counts(self, stay: Stay, branch: TriggerBranch, awaited: AwaitedEvent, event: Event) -> bool:
        if event.name != awaited.event_name or not self._meets(event.data, awaited.event_conditions):
            return False
        if awaited.match_entry_attribute is not None:
            theirs = as_text(event.data.get(awaited.match_entry_attribute))
            context = stay.traveller.context
            ours = as_text(context.get("entry", {}).get(awaited.match_entry_attribute))
            if ours is None:
                ours = as_text(context.get("event", {}).get(awaited.match_entry_attribute))
            if theirs is None or theirs != ours:
                return False
        if event.received_at > stay.wake_at:
            return False
        if branch.look_back_seconds:
            look_back = timedelta(seconds=branch.look_back_seconds)
            return event.received_at >= stay.since - look_back and event.event_id != stay.after_event
        return event.received_at >= stay.since and event.event_id > stay.after_event

    # Entries ----------------------------------------------------------------------------------------------------

    def _entries(self, kind: Any) -> Iterator[tuple[Journey, int, Any]]:
        for journey in sorted(self.journeys.values(), key=lambda journey: journey.rank):
            for number, point in sorted(journey.points.items()):
                if journey.admits and isinstance(point, kind):
                    yield journey, number, point

    def _enter_by_event(self, events: Mapping[int, list[Event]]) -> None:
        for journey, number, point in self._entries(EventEntry):
            named = isinstance(point, MessageBus) and point.attribute_entry
            if named and named.enabled:
                continue
            arrivals: list[Arrival] = []
            for profile_id, happened in events.items():
                arrivals += [
                    Arrival(profile_id, event.received_at, event.event_id, key, {"event": event.data})
                    for event in happened
                    if (key := self._key_of(journey, point, event)) is not None
                ]
            keyed = isinstance(point, MessageBus) and is_keyed(point)
            may_reenter = isinstance(point, MessageBus) and point.allow_reenter
            self._admit_all(journey, number, arrivals, may_reenter=may_reenter, keyed=keyed)

    def _key_of(self, journey: Journey, point: MessageBus | UrlMatch | ElementClick, event: Event) -> str | None:
        """Return the entry key of an event at an entry, or None where it lets nobody in."""
        own_app = self.scope.app_ids[journey.graph.settings.application_code]
        if isinstance(point, UrlMatch):
            found = event.name == "page_view" and event.app_id == own_app
            return "" if found and matches_page(event.data.get("url"), point.match_type, point.pattern) else None
        if isinstance(point, ElementClick):
            clicked = event.data.get("selector")
            named = point.selector == clicked or (isinstance(clicked, list) and point.selector in clicked)
            return "" if event.name == "click" and event.app_id == own_app and named else None
        app_id = None if point.application_code is None else self.scope.app_ids[point.application_code]
        if event.name != point.event_name or app_id not in {None, event.app_id}:
            return None
        return self._key(point, event.data, event.occurred_at)

    def _key(self, point: MessageBus, data: dict[str, Json], occurred_at: datetime) -> str | None:
        """Return the entry key of an event, or None where it lets nobody in."""
        if not self._meets(data, point.event_conditions):
            return None
        period = point.active_period
        if period and period.from_ is not None and occurred_at < period.from_:
            return None
        if period and period.to is not None and occurred_at >= period.to:
            return None
        return as_text(data.get(point.multi_entry.key_attribute)) if is_keyed(point) and point.multi_entry else ""

    def _enter_by_request(self, batch: list[Row]) -> None:
        # Those of operators before those of pages.
        asked = sorted((row for row in batch if row.kind == "enroll"), key=lambda row: "by_page" in row.data)
        places = {(row.data["journey_id"], row.data["point_no"]) for row in asked}
        for journey_id, number in sorted(places, key=lambda place: (self.journeys[place[0]].rank, place[1])):
            journey = self.journeys[journey_id]
            if not journey.admits or not isinstance(journey.points.get(number), StartByApi):
                for row in asked:
                    if (row.data["journey_id"], row.data["point_no"]) == (journey_id, number):
                        refusal = "entry removed" if journey.admits else "journey not running"
                        self.requests[row.data["request_uuid"], refusal] += 1
                continue
            first: dict[int, Arrival] = {}
            for row in asked:
                if (row.data["journey_id"], row.data["point_no"]) != (journey_id, number):
                    continue
                assert row.profile_id is not None
                if row.profile_id in first:
                    self.requests[row.data["request_uuid"], "named twice"] += 1
                    continue
                first[row.profile_id] = Arrival(
                    row.profile_id,
                    row.received_at,
                    context={"entry": row.data.get("entry", {})},
                    request_uuid=row.data["request_uuid"],
                    by_page="by_page" in row.data,
                )
            self._admit_all(journey, number, list(first.values()), may_reenter=True, asked=True)

    def _enter_by_name(self, batch: list[Row]) -> None:
        """Enroll the people whom the events of others name."""
        for journey, number, point in self._entries(MessageBus):
            arrivals: list[Arrival] = []
            for row in batch:
                if row.kind != "entry_event" or row.name != point.event_name:
                    continue
                if (row.data["journey_id"], row.data["point_no"]) != (journey.journey_id, number):
                    continue
                key = self._key(point, row.data["event"], row.happened_at)
                if key is not None:
                    assert row.profile_id is not None
                    arrivals.append(Arrival(row.profile_id, row.received_at, 0, key, {"event": row.data["event"]}))
            self._admit_all(journey, number, arrivals, may_reenter=point.allow_reenter, keyed=is_keyed(point))

    def _admit_all(
        self,
        journey: Journey,
        number: int,
        arrivals: list[Arrival],
        *,
        may_reenter: bool,
        keyed: bool = False,
        live: bool = False,
        asked: bool = False,
    ) -> None:
        """Let people in at an entry, in the order of profile and key; of one person and key only the first."""
        firsts: dict[tuple[int, str], Arrival] = {}
        for arrival in arrivals:
            firsts.setdefault((arrival.profile_id, arrival.entry_key), arrival)
        for _, arrival in sorted(firsts.items()):
            refusal = self._refusal(journey, arrival, may_reenter=may_reenter, keyed=keyed, live=live, asked=asked)
            self._admit(journey, number, arrival, refusal)

    def _admit(self, journey: Journey, number: int, arrival: Arrival, refusal: str | None) -> None:
        enrollment = self._next_number
        self._next_number += 1
        if arrival.request_uuid is not None:
            self.requests[arrival.request_uuid, refusal or "entered"] += 1
        if refusal:
            return
        context = dict(arrival.context)
        traveller = Traveller(
            enrollment, journey.journey_id, arrival.profile_id, number, arrival.entry_key, self.now, context
        )
        self.travellers[enrollment] = traveller
        goal = journey.graph.settings.goal
        if goal is not None and goal.deadline_days is not None:
            self.deadlines[enrollment] = self.now + timedelta(days=goal.deadline_days)
        self._count(journey, number, "entered")
        if in_control(journey, arrival.profile_id):
            self.departures[enrollment] = Departure(number, "control", "control group", self.now)
            self._count(journey, number, "control")
            return
        self._count(journey, number, "left", "default")
        first = journey.after(number, "default")
        assert first is not None, "an entry leads somewhere"
        self._walk(traveller, (number,), first, arrival.since, arrival.after_event)

    def _refusal(  # noqa: C901 - one rule after the other
        self, journey: Journey, arrival: Arrival, *, may_reenter: bool, keyed: bool, live: bool, asked: bool
    ) -> str | None:
        conduct = journey.graph.settings.conduct
        reentry = None if conduct is None else conduct.reentry or Reentry()
        if reentry is not None and reentry.mode != "ENTRIES":
            may_reenter = reentry.mode != "ONCE"
        earlier = [
            traveller
            for traveller in self.travellers.values()
            if (traveller.journey_id, traveller.profile_id) == (journey.journey_id, arrival.profile_id)
        ]
        if any(each.entry_key == arrival.entry_key and each.number in self.stays for each in earlier):
            return "already inside"
        if in_control(journey, arrival.profile_id):
            window = journey.graph.settings.conversion_window
            lately = self.now - timedelta(seconds=window.seconds if window else 7 * 86400)
            if any(each.entry_key == arrival.entry_key and each.entered_at > lately for each in earlier):
                return "already inside"
        if not may_reenter and any(each.entry_key == arrival.entry_key or not keyed for each in earlier):
            return "entered before"
        if live and any(each.entered_at == self.now for each in earlier):
            return "entered before"
        if reentry is not None and reentry.mode == "COOLDOWN":
            warm = self.now - timedelta(hours=reentry.cooldown_hours or 0)
            if any(each.entered_at > warm for each in earlier if each.entry_key == arrival.entry_key or not keyed):
                return "entered before"
        person = self.people[arrival.profile_id]
        if not journey.graph.settings.admits_anonymous and person.user_id is None:
            return "anonymous"
        code = journey.graph.settings.audience_code
        is_meant = live or (asked and not arrival.by_page)
        if code is not None and not is_meant and not self._belongs(person, Reference(code=code)):
            return "not in audience"
        capping = journey.graph.settings.capping
        if capping is not None:
            period = capping.period_seconds
            begins = None if period is None else self.now - timedelta(seconds=period)
            counted = [each for each in earlier if begins is None or each.entered_at > begins]
            if len(counted) >= capping.max_entries:
                return "capped"
        return None

    # 3. Whoever is due ------------------------------------------------------------------------------------------

    def _goes_on(self, stay: Stay) -> bool:
        journey = self.journeys[stay.traveller.journey_id]
        return journey.advances and stay.point_no in journey.points

    def _let_go_on(self) -> None:
        """Move whoever is due, then run the segment entries that are, until neither is."""
        while True:
            due = [stay for stay in self.stays.values() if stay.wake_at <= self.now and self._goes_on(stay)]
            due.sort(key=lambda stay: (self.journeys[stay.traveller.journey_id].rank, stay.traveller.number))
            for stay in due:
                self._leave(stay)
            if due:
                continue
            for stay in list(self._overdue(self.now)):
                self._end(stay, "abandoned", "deadline passed")
            schedules = list(self._due_schedules(self.now))
            for journey, number, zones in schedules:
                self._run_schedule(journey, number, zones)
            stale = list(self._stale_audiences(self.now))
            for journey, number in stale:
                self._look(journey, number, set(self.people))
            if not schedules and not stale:
                break
        # Looked at and found empty: what comes later must not run for the past.
        for place in self._done_until:
            if self.journeys[place[0]].admits:
                self._done_until[place] = max(self._done_until[place], self.now)

    def _overdue(self, now: datetime) -> Iterator[Stay]:
        """Yield those whose deadline has come before the goal."""
        for number, stay in self.stays.items():
            due_at = None if (number, "journey goal") in self.conversions else self.deadlines.get(number)
            if due_at is not None and due_at <= now and self.journeys[stay.traveller.journey_id].advances:
                yield stay

    def _leave(self, stay: Stay) -> None:
        traveller = stay.traveller
        journey = self.journeys[traveller.journey_id]
        point = journey.points[stay.point_no]
        output, since = 0, stay.wake_at
        if isinstance(point, WaitForTrigger):
            output = stay.reached or 0
            if stay.reached is not None and not point.fixed_period:
                since = stay.since
        if isinstance(point, Content):
            ways = {number for number in (1, 2) if journey.after(stay.point_no, f"output{number}") is not None}
            decided = 2 if stay.reached is None else stay.reached
            output = decided if decided in ways else 0
            if stay.reached is not None:
                since = stay.since
        if isinstance(point, Webhook | SendEmail):
            split = 1 if journey.after(stay.point_no, "output1") is not None else 0
            silence = split if isinstance(point, Webhook) else 0
            output = silence if stay.reached is None else min(stay.reached, split)
            if stay.reached is not None:
                since = stay.since
        name = "default" if output == 0 else f"output{output}"
        del self.stays[traveller.number]
        self._count(journey, stay.point_no, "left", name)
        following = journey.after(stay.point_no, name)
        assert following is not None, "a checked point leads somewhere"
        self._walk(traveller, (stay.point_no,), following, since, stay.after_event)

    def _due_schedules(self, now: datetime) -> Iterator[tuple[Journey, int, set[str]]]:
        for journey, number, point in self._entries(StartBySegment):
            place = (journey.journey_id, number)
            schedule = journey.schedules().get(number)
            if schedule is None or place not in self._done_until:
                continue
            zones = {schedule.zone()}
            if schedule.by_zone:
                fallback = point.repeat.fallback_timezone
                zones = {person.time_zone or fallback for person in self.people.values()} | {fallback}
            due = {zone for zone in zones if any(True for _ in schedule.runs(zone, self._done_until[place], now))}
            if due:
                yield journey, number, due

    def _run_schedule(self, journey: Journey, number: int, zones: set[str]) -> None:
        point = journey.points[number]
        assert isinstance(point, StartBySegment)
        by_zone = journey.schedules()[number].by_zone
        fallback = point.repeat.fallback_timezone if point.repeat else "UTC"
        wanted = self._wanted(point)
        arrivals = [
            Arrival(person.profile_id, self.now)
            for person in self._in_order()
            if (not by_zone or (person.time_zone or fallback) in zones)
            and (point.application_code is None or self.scope.app_ids[point.application_code] in person.app_ids)
            and self._belongs(person, wanted)
        ]
        self._done_until[journey.journey_id, number] = self.now
        self._admit_all(journey, number, arrivals, may_reenter=point.repeat is not None)

    # Live audiences ---------------------------------------------------------------------------------------------

    def _watch(self, journey: Journey, row: Row) -> None:
        """Begin to watch live entries that are new or look for something else; watch others no longer."""
        live = journey.live_entries()
        for place in [place for place in self.audiences if place[0] == journey.journey_id]:
            if place[1] not in live:
                del self.audiences[place]
        for number, point in live.items():
            known = self.audiences.get((journey.journey_id, number))
            watched = (point.trigger, self._wanted(point), point.application_code)
            assert journey.started_at is not None
            begins_at = max(journey.started_at, point.start_at or journey.started_at)
            if known is None or known.watched != watched:
                same = known is not None and known.watched[0] == point.trigger
                members = known.members if same and known is not None else set[int]()
                self.audiences[journey.journey_id, number] = Audience(
                    watched, begins_at, point.trigger == "DYNAMIC", members
                )
            elif row.data.get("from") == "draft":
                known.enrolls, known.is_known = known.enrolls or known.is_known, False
            elif not known.is_known:
                known.begins_at = begins_at

    def _matching(self, journey: Journey, number: int) -> set[int]:
        """Return who matches the segment of a live entry now."""
        point = journey.live_entries()[number]
        app_id = None if point.application_code is None else self.scope.app_ids[point.application_code]
        wanted = self._wanted(point)
        return {
            person.profile_id
            for person in self.people.values()
            if (app_id is None or app_id in person.app_ids) and self._belongs(person, wanted)
        }

    def _stale_audiences(self, now: datetime) -> Iterator[tuple[Journey, int]]:
        """Yield the live entries where somebody began or ceased to match since they were last looked at."""
        for journey, number in self._watching():
            audience = self.audiences.get((journey.journey_id, number))
            if audience is None or audience.begins_at > now:
                continue
            self.now = now
            if not audience.is_known or audience.members != self._matching(journey, number):
                yield journey, number

    def _watching(self) -> Iterator[tuple[Journey, int]]:
        for journey in sorted(self.journeys.values(), key=lambda journey: journey.rank):
            for number in sorted(journey.live_entries()):
                if journey.admits:
                    yield journey, number

    def _concerned(self, batch: list[Row]) -> set[tuple[int, tuple[str, str]]]:
        """Return the people about whom a batch says something, before it is applied, with what it says."""
        found: set[tuple[int, tuple[str, str]]] = set()
        for row in batch:
            assert row.profile_id is not None
            known = self.people.get(row.profile_id)
            if known is None:
                found.add((row.profile_id, ("new", "")))
            if row.app_id is not None and (known is None or row.app_id not in known.app_ids):
                found.add((row.profile_id, ("app", "")))
            if row.kind == "event":
                found.add((row.profile_id, ("event", row.name or "")))
            if row.kind == "device":
                found.add((row.profile_id, ("device", "")))
            if row.kind == "attributes":
                found |= {(row.profile_id, ("tag", each["tag"])) for each in row.data.get("operations", [])}
        return found

    def _look_at(self, concerned: set[tuple[int, tuple[str, str]]]) -> None:
        """Look at the people whom a batch concerns, where the segment depends on what it says."""
        for journey, number in self._watching():
            audience = self.audiences.get((journey.journey_id, number))
            if audience is not None and audience.is_known:
                wanted = mentions(audience.watched[1], self.scope)
                if audience.watched[2] is not None:
                    wanted.add(("app", ""))
                self._look(journey, number, {person for person, what in concerned if what in wanted})

    def _look(self, journey: Journey, number: int, people: set[int]) -> None:
        """Look at some people, or for the first time at all, and let in those who began (or ceased) to match."""
        audience = self.audiences[journey.journey_id, number]
        point = journey.live_entries()[number]
        matching = self._matching(journey, number) & people
        begun, ceased = matching - audience.members, (audience.members & people) - matching
        audience.members = (audience.members - people) | matching
        arriving = ceased if point.trigger == "LEAVING" else begun
        if not audience.is_known and not audience.enrolls:
            arriving = set()
        audience.is_known = True
        self._admit_all(
            journey, number, [Arrival(each, self.now) for each in arriving], may_reenter=point.allow_reenter,
            live=True,
        )  # fmt: skip

    def _in_order(self) -> list[Person]:
        return sorted(self.people.values(), key=lambda person: person.profile_id)

    # Walking ----------------------------------------------------------------------------------------------------

    def _walk(
        self, traveller: Traveller, path: tuple[int, ...], point_no: int, since: datetime, after_event: int
    ) -> None:
        """Walk from point to point up to one that holds the person, or to an exit."""
        journey = self.journeys[traveller.journey_id]
        following: int | None = point_no
        while following is not None:
            point_no = following
            path = (*path, point_no)
            self._count(journey, point_no, "entered")
            if self._stops(traveller, point_no, since, after_event):
                break
            output = self._passes(traveller, point_no)
            self._count(journey, point_no, "left", output)
            following = journey.after(point_no, output)
        self.passages.append((traveller.number, self.now, path))
        if any(isinstance(journey.points[number], UpdateProfile) for number in path[1:]):
            self._convert_changed({traveller.profile_id})

    def _stops(  # noqa: C901 - one case per kind
        self, traveller: Traveller, point_no: int, since: datetime, after_event: int
    ) -> bool:
        """Tell whether a walk ends at a point: it holds the person, or the enrollment ends."""
        journey, person = self.journeys[traveller.journey_id], self.people[traveller.profile_id]
        match point := journey.points[point_no]:
            case Wait():
                wake_at = self._wake_at(point, person, traveller)
                if isinstance(wake_at, str):
                    self.departures[traveller.number] = Departure(point_no, "dropped", wake_at, self.now)
                    self._count(journey, point_no, "dropped", wake_at)
                    return True
            case WaitForTrigger():
                wake_at = self.now + timedelta(seconds=point.period_seconds or FOREVER_SECONDS)
            case Content():
                wake_at = self.now + timedelta(seconds=point.timeout_seconds or FOREVER_SECONDS)
            case Webhook():
                due_at = self._send(traveller, point_no, "webhook")
                if not (point.wait_for_response or point.save_response or journey.after(point_no, "output1")):
                    return False
                wake_at = due_at + PATIENCE
            case SendEmail():
                due_at = self._send(traveller, point_no, "email")
                if point.split_by_reaction is None:
                    return False
                wake_at = due_at + timedelta(seconds=point.split_by_reaction.wait_seconds)
            case Exit():
                self.departures[traveller.number] = Departure(point_no, "completed", point.outcome, self.now)
                self._count(journey, point_no, "completed")
                return True
            case _:
                return False
        stay = Stay(traveller, point_no, since, after_event, wake_at)
        self.stays[traveller.number] = stay
        if isinstance(point, WaitForTrigger):
            self._match(stay, person.history)
        return True

    def _passes(self, traveller: Traveller, point_no: int) -> str:
        """Do what a point does to somebody in passing; return the output."""
        person = self.people[traveller.profile_id]
        match point := self.journeys[traveller.journey_id].points[point_no]:
            case BooleanSplitter():
                return "output1" if self._belongs(person, self._wanted(point)) else "default"
            case RandomSplitter():
                return self._draw(point, traveller, point_no)
            case Condition():
                for number, branch in enumerate(point.branches, 1):
                    if self._belongs(person, ruletree.parse(json.loads(branch.rule_tree))):
                        return f"output{number}"
            case GoalCheck():
                return "output1" if self._has_reached(point, traveller, person) else "default"
            case UpdateProfile():
                given = [self._operation(each, person, traveller) for each in point.operations]
                person.attributes = apply_operations(person.attributes, given)
        return "default"

    def _has_reached(self, point: GoalCheck, traveller: Traveller, person: Person) -> bool:
        settings = self.journeys[traveller.journey_id].graph.settings
        goal = point.goal or settings.goal
        if goal is not None and goal.attribute_match is not None and self._belongs(person, rule_of(goal)):
            return True
        if point.goal is not None:
            names = {f"goal check {point.id}"}
        else:
            names = {each.name for each in settings.conversion_goals} | {"journey goal"}
        return any((traveller.number, name) in self.conversions for name in names)

    def _draw(self, point: RandomSplitter, traveller: Traveller, point_no: int) -> str:
        """Draw, or take the output that won; who drew before that keeps it, unless an edit took the branch away."""
        drawn = draw(point, traveller)
        if point.winner is None:
            return drawn
        journey = self.journeys[traveller.journey_id]
        key = traveller.profile_id if point.sticky == "PROFILE" else traveller.number
        names = [f"output{number}" for number, _ in enumerate(point.branches, 1)]
        won = f"output{journey.winners.get(point_no)}"
        if won not in names:
            self.draws.setdefault((journey.journey_id, point_no, key), (drawn, self.now))
            return drawn
        kept, _ = self.draws.get((journey.journey_id, point_no, key), (None, None))
        return kept if kept in names else won

    def _send(self, traveller: Traveller, point_no: int, channel: str) -> datetime:
        """Queue a message; return when it is due. One that is skipped in silent hours is, too, by the sender."""
        journey, person = self.journeys[traveller.journey_id], self.people[traveller.profile_id]
        chosen = journey.graph.settings
        hours, due_at = chosen.silent_hours.get(channel), self.now
        if hours is not None and hours.enabled and hours.policy == "WAIT" and not chosen.transactional:
            zone = person.time_zone or hours.fallback_timezone if hours.timezone == "device" else hours.timezone
            due_at = end_of_silence(self.now, zone, hours.from_, hours.to, hours.blocked_days)
        priority = 0 if chosen.transactional else 1
        number, version_no = traveller.number, journey.version_no
        self.messages.append(Message(number, point_no, channel, self.now, version_no, priority, due_at))
        return due_at

    def _count(self, journey: Journey, point_no: int, metric: str, detail: str = "") -> None:
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        self.tallies[journey.journey_id, point_no, metric, detail, hour] += 1

    # Waits ------------------------------------------------------------------------------------------------------

    def _wake_at(self, point: Wait, person: Person, traveller: Traveller) -> datetime | str:
        """Return when a wait is over, or why somebody is dropped there."""
        if point.duration_seconds is not None:
            return self.now + timedelta(seconds=point.duration_seconds)
        if point.until is not None:
            return max(point.until.at, self.now)
        if point.date_attribute is not None:
            return self._date(point.date_attribute, person, traveller)
        if point.time_of_day is not None:
            zone = person.zone if point.time_of_day.timezone == "device" else point.time_of_day.timezone
            return next_clock_time(self.now, zone, point.time_of_day.time, WEEKDAYS)
        assert point.weekday is not None, "a checked wait has one mode"
        zone = person.zone if point.weekday.timezone == "device" else point.weekday.timezone
        return next_clock_time(self.now, zone, point.weekday.time, point.weekday.days)

    def _date(self, wanted: DateAttribute, person: Person, traveller: Traveller) -> datetime | str:
        local = local_time(self._value(wanted.source, wanted.name, person, traveller), person.zone)
        if local is None:
            return "no date"
        if wanted.time_of_day is not None:
            local = datetime.combine(local.date(), time.fromisoformat(wanted.time_of_day))
        offset = timedelta(seconds=wanted.offset_seconds)
        at = instant(local, person.zone) + offset
        if at > self.now:
            return at
        if wanted.past == "DROP":
            return "date passed"
        if wanted.past == "CONTINUE":
            return self.now
        years = 0
        while at <= self.now:
            years += 1
            at = instant(anniversary(local, years), person.zone) + offset
        return at

    def _value(self, source: Source, name: str, person: Person, traveller: Traveller) -> Json:
        if source == "TAG":
            return person.attributes.get(name)
        return traveller.context.get(source.lower(), {}).get(name)

    def _operation(self, operation: ProfileOperation, person: Person, traveller: Traveller) -> dict[str, Json]:
        value = operation.value
        if operation.from_ is not None:
            value = self._value(operation.from_.source, operation.from_.name, person, traveller)
        return {"op": operation.operation.lower(), "tag": operation.tag, "value": value}

    # Conditions -------------------------------------------------------------------------------------------------

    def _wanted(self, point: StartBySegment | BooleanSplitter) -> Expression:
        if point.filter is not None:
            return parse(point.filter)
        assert point.filter_code is not None
        return self.scope.segments[point.filter_code]

    def _belongs(self, person: Person, wanted: Expression) -> bool:
        them = segment_evaluator.Person(attributes=person.attributes, app_ids=sorted(person.app_ids))
        return segment_evaluator.evaluate(wanted, them, self.now, self.scope)

    def _meets(self, data: dict[str, Json], conditions: Conditions) -> bool:
        someone = Person(0, attributes=data)
        return all(
            self._belongs(someone, Attribute(path=(each.attribute,), operator=each.operator, values=each.values))
            for each in conditions
        )


def goals_of(graph: Graph) -> list[Goal]:
    """List the goals of a journey: the conversion goals, the journey's, and those of its checks."""
    chosen = graph.settings
    found = [
        Goal(
            each.name, each.event_name, each.event_conditions, ends_journey=each.ends_journey,
            value_attribute=each.value_attribute,
        )
        for each in chosen.conversion_goals
    ]  # fmt: skip
    if chosen.goal is not None:
        stays = chosen.conduct is not None and chosen.conduct.exit_on_goal is False
        found.append(goal_named("journey goal", chosen.goal, ends_journey=not stays))
    checks = [point for point in graph.points if isinstance(point, GoalCheck) and point.goal is not None]
    return [*found, *(goal_named(f"goal check {each.id}", each.goal) for each in checks if each.goal is not None)]


def goal_named(name: str, goal: JourneyGoal, *, ends_journey: bool = False) -> Goal:
    more: dict[str, Any] = {"ends_journey": ends_journey, "lasts": True}
    if goal.event is not None:
        return Goal(name, goal.event.event_name, goal.event.event_conditions, **more)
    if goal.page_visit is not None:
        return Goal(name, "page_view", page=goal.page_visit, **more)
    if goal.flow_completed is not None:
        flow = EventCondition(attribute="content", operator="EQ", values=(goal.flow_completed.flow_id,))
        return Goal(name, "content_completed", (flow,), **more)
    return Goal(name, rule=rule_of(goal), **more)


def rule_of(goal: JourneyGoal) -> Expression:
    assert goal.attribute_match is not None
    rule: dict[str, object] = {"field": goal.attribute_match.field, "operator": goal.attribute_match.operator}
    return ruletree.parse(rule | ({} if goal.attribute_match.value is None else {"value": goal.attribute_match.value}))


def matches_page(url: Json, how: str, pattern: str) -> bool:
    """Hold the address of a page, or what follows its origin, against a pattern."""
    if not isinstance(url, str):
        return False
    if pattern.startswith(("/", "^/")):
        rest = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*", "", url)
        url = rest if rest.startswith("/") else f"/{rest}"
    bare = url.partition("#")[0]
    match how:
        case "EXACT":
            return pattern in (url, bare, bare.partition("?")[0])
        case "CONTAINS":
            return pattern in url
        case "STARTS_WITH":
            return url.startswith(pattern)
        case "ENDS_WITH":
            return url.endswith(pattern)
        case _:
            return re.search(pattern, url, re.ASCII | re.DOTALL) is not None


def mentions(expression: Expression, scope: SegmentScope) -> set[tuple[str, str]]:
    """Return what a segment asks about. Of whom nothing was known, everything is new."""
    match expression:
        case All(of=parts) | AnyOf(of=parts):
            return {("new", "")}.union(*(mentions(part, scope) for part in parts))
        case Not(of=part):
            return mentions(part, scope)
        case Reference(code=code):
            return mentions(scope.segments[code], scope)
        case Attribute(path=path, app=app):
            return {("new", ""), ("tag", path[0])} | ({("app", "")} if app else set())
        case Application():
            return {("new", ""), ("app", ""), ("device", "")}
        case _:
            raise AssertionError(f"no meaning yet: {expression}")


# Small meanings -------------------------------------------------------------------------------------------------


def is_keyed(point: MessageBus) -> bool:
    return point.multi_entry is not None and point.multi_entry.enabled


def draw(point: RandomSplitter, traveller: Traveller) -> str:
    """Draw an output by a hash, so that the same person at the same point always draws the same."""
    key = traveller.profile_id if point.sticky == "PROFILE" else traveller.number
    drawn = int(hashlib.md5(f"{key}:{point.id}".encode()).hexdigest()[:8], 16) % 10_000
    upper = 0
    for number, branch in enumerate(point.branches, 1):
        upper += round(branch.percent * 100)
        if drawn < upper:
            return f"output{number}"
    raise AssertionError("the percentages sum to 100")


def in_control(journey: Journey, profile_id: int) -> bool:
    """Tell by a hash whether a person belongs to the control group of a journey."""
    settings = journey.graph.settings
    drawn = int(hashlib.md5(f"{profile_id}:control:{journey.journey_id}".encode()).hexdigest()[:8], 16) % 10_000
    return not settings.transactional and drawn < settings.control_group_percent * 100


def amount(value: Json) -> Decimal | None:
    """Return what a value is worth, to four decimals."""
    is_text = isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,20})?", value) is not None
    if not is_text and not is_number(value):
        return None
    worth = Decimal(str(value))
    return worth.quantize(Decimal("0.0001"), ROUND_HALF_UP) if abs(worth) < 10**12 else None


def next_clock_time(now: datetime, zone: str, clock: str, days: Any) -> datetime:
    today = now.astimezone(ZoneInfo(zone)).date()
    candidates = [today + timedelta(days=ahead) for ahead in range(-1, 10)]
    at = [
        instant(datetime.combine(day, time.fromisoformat(clock)), zone)
        for day in candidates
        if WEEKDAYS[day.weekday()] in days
    ]
    return min(each for each in at if each > now)


def is_silent(local: datetime, starts: str, ends: str, blocked: Any) -> bool:
    """Tell whether a clock shows a silent time, or the calendar a blocked day."""
    clock, first, last = local.time(), time.fromisoformat(starts), time.fromisoformat(ends)
    inside = first <= clock < last if first < last else not last <= clock < first
    return inside or WEEKDAYS[local.weekday()] in blocked


def end_of_silence(now: datetime, zone: str, starts: str, ends: str, blocked: Any) -> datetime:
    """Return `now`, or when a window or a blocked day has ended and no other has begun."""
    if not is_silent(clock_in(zone, now), starts, ends, blocked):
        return now
    at = now
    while is_silent(clock_in(zone, at), starts, ends, blocked):
        at = min(next_clock_time(at, zone, clock, WEEKDAYS) for clock in (ends, "00:00"))
    return at


def clock_in(zone: str, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


NAIVE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?", re.ASCII)
AWARE = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)", re.ASCII)


def local_time(value: Json, zone: str) -> datetime | None:
    """Return the local time that a value stands for."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11:
        return datetime.fromtimestamp(value, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if not isinstance(value, str):
        return None
    try:
        if NAIVE.fullmatch(value):
            return datetime.fromisoformat(value)
        if AWARE.fullmatch(value):
            return datetime.fromisoformat(value).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except ValueError:
        return None
    return None


def anniversary(local: datetime, years: int) -> datetime:
    """Return the same date and time some years later; 29 February is the 28th where there is none."""
    try:
        return local.replace(year=local.year + years)
    except ValueError:
        return datetime.combine(date(local.year + years, 2, 28), local.time())


def is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_text(value: Json) -> str | None:
    """Return a JSON scalar as text."""
    if value is None or isinstance(value, str):
        return value
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def apply_operations(attributes: Mapping[str, Json], operations: list[dict[str, Json]]) -> dict[str, Json]:
    """Return the attributes after operations in their order."""
    result = dict(attributes)
    for operation in operations:
        tag, value = operation["tag"], operation.get("value")
        present = result.get(tag)
        match operation["op"]:
            case "set":
                result[tag] = value
            case "unset":
                result.pop(tag, None)
            case "increment":
                result[tag] = number_or_zero(present) + number_or_zero(value)
            case "append":
                result[tag] = distinct([*as_list(present), *as_list(value)])
            case "remove":
                if isinstance(present, list):
                    gone = {identity(each) for each in as_list(value)}
                    result[tag] = [each for each in present if identity(each) not in gone]
            case _:
                raise AssertionError(f"no operation `{operation['op']}`")
    return result


def number_or_zero(value: Json) -> Any:
    return value if is_number(value) else 0


def as_list(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def identity(value: Json) -> tuple[bool, Json]:
    """Tell `true` from `1`, which Python takes for equal."""
    return (isinstance(value, bool), value)


def distinct(values: list[Json]) -> list[Json]:
    kept: dict[tuple[bool, Json], Json] = {}
    for value in values:
        kept.setdefault(identity(value), value)
    return list(kept.values())
