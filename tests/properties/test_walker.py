"""The tick against the walker: random graphs, people and timelines; both must tell the same story.

More examples than the profile has: SOJOURN_HYPOTHESIS_EXAMPLES=5000 pytest tests/properties/test_walker.py.

Left out, because what happens would depend on other people: a journey with multi-entry changes no profiles, and of two
journeys only the first does, to tags that the second does not read.
"""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.compiler.check import check
from sojourn.compiler.check.shape import always_holds
from sojourn.engine.tick import Budget
from sojourn.model.graph import Edge, Graph
from sojourn.model.points import (
    AnyPoint,
    Conditions,
    Content,
    ElementClick,
    EmailContent,
    Exit,
    GoalCheck,
    MessageBus,
    PageVisit,
    SendEmail,
    StartByApi,
    UrlMatch,
    WaitForTrigger,
    Webhook,
    is_entry,
    may_end_in,
    outputs,
)
from sojourn.model.segments import All, AnyOf, Attribute, Expression, Not
from sojourn.seglang import render
from tests import lab as laboratory
from tests.conftest import TEMPLATE, Postgres
from tests.lab import Lab, picture_of
from tests.walker import Journey, Row, Walker, goals_of, is_keyed

EXAMPLES = int(os.environ.get("SOJOURN_HYPOTHESIS_EXAMPLES", "120"))

READ, WRITTEN = ("a", "b"), ("x", "y")
EVENTS = ("e1", "e2")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
BEGINNINGS = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in ("2026-03-02T12:00", "2026-03-28T23:00", "2026-10-24T22:30", "2026-04-04T14:00", "2024-02-28T12:00")
)
STEP = timedelta(minutes=15)
PEOPLE = st.integers(1, 4)

# Values ---------------------------------------------------------------------------------------------------------

scalars = st.sampled_from([True, False, 0, 1, 2, "u", "v"])
entry_data = st.fixed_dictionaries({}, optional={"k": st.sampled_from(["1", "2"]), "v": st.sampled_from(["u", "v"])})
dates = st.sampled_from(["2026-03-02T12:30", "2026-03-29", "2025-10-25T02:30:00", "2024-02-29", "soon", 1772456400])
event_data = st.fixed_dictionaries(
    {"k": st.sampled_from(["1", "2", 1]), "n": st.integers(1, 3)},
    optional={"v": st.sampled_from(["u", "v"]), "d": dates},
)
durations = st.sampled_from([900, 1800, 3600, 7200, 86400])
clocks = st.sampled_from(["02:30", "12:30", "13:00", "23:15"])
zones = st.sampled_from(["device", *ZONES])


FLOWS = ("tour", "survey")
PAGES = (
    ("EXACT", "/a"),
    ("CONTAINS", "shop.example/"),
    ("STARTS_WITH", "/a"),
    ("ENDS_WITH", "x=1"),
    ("REGEX", "^/[ab]$"),
)
A_PAGE, ANOTHER_PAGE = "https://shop.example/a", "https://shop.example/b?x=1"
TREES: tuple[dict[str, Any], ...] = (
    {"field": "a", "operator": "eq", "value": "u"},
    {"field": "traits.b", "operator": "gte", "value": 1},
    {
        "logicalOperator": "OR",
        "rules": [{"field": "a", "operator": "exists"}, {"field": "b", "operator": "neq", "value": 2}],
    },
)
browsing = st.fixed_dictionaries(
    {
        "url": st.sampled_from([A_PAGE, ANOTHER_PAGE, "/a#top", "//h/ab?x=1", 7]),
        "selector": st.sampled_from(["#buy", "#sell", ["#sell", "#buy"]]),
        "content": st.sampled_from(FLOWS),
    }
)


def conditions() -> st.SearchStrategy[list[Any]]:
    some = st.sampled_from(
        [
            laboratory.having("n", "GTE", 2),
            laboratory.having("n", "SET"),
            laboratory.having("v", "EQ", "u"),
            laboratory.having("v", "NOTEQ", "u", "v"),
        ]
    )
    return st.lists(some, max_size=1)


@st.composite
def filters(draw: st.DrawFn, tags: tuple[str, ...]) -> str:
    def condition() -> Expression:
        tag = draw(st.sampled_from(tags))
        kind = draw(st.sampled_from(["EQ", "SET", "GTE", "NOTEQ"]))
        values: tuple[Any, ...] = {"SET": (), "GTE": (1,)}.get(kind, (draw(scalars),))
        return Attribute(path=(tag,), operator=kind, values=values)

    shape = draw(st.sampled_from(["one", "any", "not", "time"]))
    if shape == "time":
        operator = draw(st.sampled_from(["EQ", "NOTEQ", "GT", "GTE", "LT", "LTE"]))
        ago = Attribute(path=("d",), operator=operator, values=(f"{draw(st.integers(0, 2))} days ago",))
        return render(AnyOf(of=(condition(), ago)) if draw(st.booleans()) else All(of=(ago, condition())))
    if shape == "any":
        return render(AnyOf(of=(condition(), condition())))
    return render(Not(of=condition()) if shape == "not" else condition())


# Points ---------------------------------------------------------------------------------------------------------


@st.composite
def waits(draw: st.DrawFn, begins: datetime) -> Any:
    mode = draw(st.sampled_from(["duration", "duration", "time_of_day", "until", "weekday", "date"]))
    match mode:
        case "duration":
            return laboratory.wait(duration_seconds=draw(durations))
        case "time_of_day":
            return laboratory.wait(time_of_day={"time": draw(clocks), "timezone": draw(zones)})
        case "until":
            return laboratory.wait(until={"at": begins + draw(st.integers(0, 12)) * STEP})
        case "weekday":
            days = draw(st.lists(st.sampled_from(["SUNDAY", "MONDAY", "TUESDAY"]), min_size=1, unique=True))
            return laboratory.wait(weekday={"days": days, "time": draw(clocks), "timezone": draw(zones)})
        case _:
            return laboratory.wait(
                date_attribute={
                    "source": draw(st.sampled_from(["TAG", "EVENT", "ENTRY"])),
                    "name": draw(st.sampled_from(["d", "a"])),
                    "offset_seconds": draw(st.sampled_from([0, -3600, 86400])),
                    "time_of_day": draw(st.sampled_from([None, "02:30", "12:45"])),
                    "past": draw(st.sampled_from(["DROP", "CONTINUE", "NEXT_YEAR"])),
                }
            )


@st.composite
def event_waits(draw: st.DrawFn) -> Any:
    branches = []
    for _ in range(draw(st.integers(1, 3))):
        awaited = [
            laboratory.awaited(
                draw(st.sampled_from(EVENTS)), *draw(conditions()), match=draw(st.sampled_from([None, None, "k"]))
            )
            for _ in range(draw(st.integers(1, 3)))
        ]
        look_back = draw(st.sampled_from(["0s", "0s", "30m", "1d"]))
        branches.append(laboratory.branch(*awaited, all_of=draw(st.booleans()), look_back=look_back))
    period = draw(st.sampled_from(["30m", "1h", "2h", "1d"]))
    return laboratory.awaiting(*branches, period=period, fixed_period=draw(st.booleans()))


@st.composite
def updates(draw: st.DrawFn) -> Any:
    operations = []
    for _ in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["SET", "SET", "INCREMENT", "APPEND", "REMOVE", "UNSET"]))
        operation: dict[str, Any] = {"tag": draw(st.sampled_from(WRITTEN)), "operation": kind}
        if kind != "UNSET" and draw(st.booleans()):
            source, name = draw(st.sampled_from([("TAG", "a"), ("TAG", "x"), ("EVENT", "n"), ("ENTRY", "v")]))
            operation["from"] = {"source": source, "name": name}
        elif kind != "UNSET":
            operation["value"] = draw(st.integers(1, 2) if kind == "INCREMENT" else scalars)
        operations.append(operation)
    return laboratory.update(*operations)


@st.composite
def inner_points(draw: st.DrawFn, begins: datetime, updating: bool, sticky_only: bool) -> Any:
    kinds = [
        "wait", "wait", "event_wait", "event_wait", "split", "random", "email", "email", "webhook", "content",
        "condition", "condition", *["update"] * updating * 2,
    ]  # fmt: skip
    match draw(st.sampled_from(kinds)):
        case "wait":
            return draw(waits(begins))
        case "event_wait":
            return draw(event_waits())
        case "split":
            tags = READ + WRITTEN if updating else READ
            return laboratory.point("boolean_splitter", filter=draw(filters(tags)))
        case "random":
            percents = draw(st.sampled_from([(50, 50), (33.33, 66.67), (0, 100), (20, 30, 50)]))
            sticky = "PROFILE" if sticky_only else draw(st.sampled_from(["PROFILE", "ENROLLMENT"]))
            winner = draw(st.sampled_from([None, {"mode": "MANUAL"}]))
            return laboratory.random_split(*percents, sticky=sticky, winner=winner)
        case "email":
            split = {"reaction": "OPENED", "wait_seconds": draw(durations)} if draw(st.booleans()) else None
            content = EmailContent(subject="Hello", html=".")
            return laboratory.email(content=content, split_by_reaction=split)
        case "update":
            return draw(updates())
        case "content":
            timeout = draw(st.sampled_from([None, 1800, 7200]))
            return laboratory.point("content", content_id=draw(st.sampled_from(FLOWS)), timeout_seconds=timeout)
        case "condition":
            trees = draw(st.lists(st.sampled_from(TREES), min_size=1, max_size=3))
            branches = [{"label": str(place), "rule_tree": json.dumps(tree)} for place, tree in enumerate(trees)]
            return laboratory.point("condition", branches=branches)
        case _:
            save = [{"path": "v", "name": "v"}] if draw(st.booleans()) else []
            return laboratory.webhook(wait_for_response=draw(st.booleans()), save_response=save)


@st.composite
def entries(draw: st.DrawFn, begins: datetime, may_schedule: bool) -> Any:
    kinds = ["api", "event", "event", "page", "click"] + ["segment", "segment"] * may_schedule
    match draw(st.sampled_from(kinds)):
        case "api":
            return laboratory.point("start_by_api")
        case "page":
            how, pattern = draw(st.sampled_from(PAGES))
            return laboratory.point("url_match", match_type=how, pattern=pattern)
        case "click":
            return laboratory.point("element_click", selector="#buy")
        case "event":
            fields: dict[str, Any] = {
                "event_conditions": draw(conditions()),
                "allow_reenter": draw(st.booleans()),
                "application_code": draw(st.sampled_from([None, None, laboratory.SHOP])),
            }
            if draw(st.booleans()):
                fields["multi_entry"] = {"enabled": True, "key_attribute": "k"}
            if draw(st.integers(0, 3)) == 0:
                fields["attribute_entry"] = {"enabled": True, "attribute_name": "friends"}
            if draw(st.integers(0, 3)) == 0:
                fields["active_period"] = {"from": begins + STEP, "to": begins + 8 * STEP}
            return laboratory.on_event(draw(st.sampled_from(EVENTS)), **fields)
        case _:
            return laboratory.segment(draw(filters(READ)), **draw(schedules(begins)))


@st.composite
def schedules(draw: st.DrawFn, begins: datetime) -> dict[str, Any]:
    fields: dict[str, Any] = {"start_at": draw(st.sampled_from([None, begins + 2 * STEP, begins - STEP]))}
    shape = draw(st.sampled_from(["once", "every", "dates", "live", "live", "live"]))
    if shape == "live":
        trigger = draw(st.sampled_from(["DYNAMIC", "JOINING", "LEAVING"]))
        return fields | {"trigger": trigger, "allow_reenter": draw(st.booleans())}
    if shape == "once":
        return fields
    repeat: dict[str, Any] = {
        "timezone": draw(zones),
        "fallback_timezone": draw(st.sampled_from(ZONES)),
        "passed": draw(st.sampled_from(["SKIP", "SEND_NOW", "NEXT_DAY"])),
        "until": draw(st.sampled_from([None, begins + 40 * STEP])),
    }
    if shape == "every":
        unit = draw(st.sampled_from(["DAY", "WEEK", "MONTH"]))
        repeat["every"] = {"unit": unit, "interval": draw(st.integers(1, 2)), "time": draw(clocks)}
    else:
        days = draw(st.lists(st.integers(-1, 3), min_size=1, max_size=3, unique=True))
        local = [begins.date() + timedelta(days=each) for each in days]
        repeat["dates"] = [f"{each.isoformat()}T{draw(clocks)}" for each in local]
    return fields | {"repeat": repeat}


@st.composite
def journey_goals(draw: st.DrawFn, *, deadlines: bool = False) -> dict[str, Any]:
    how, pattern = draw(st.sampled_from(PAGES))
    wanted = draw(
        st.sampled_from(
            [
                {"event": {"event_name": draw(st.sampled_from(EVENTS)), "event_conditions": draw(conditions())}},
                {"page_visit": {"match_type": how, "pattern": pattern}},
                {"flow_completed": {"flow_id": draw(st.sampled_from(FLOWS))}},
            ]
        )
    )

    return wanted | ({"deadline_days": draw(st.sampled_from([None, 1, 2]))} if deadlines else {})


@st.composite
def conducts(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what the journeys dialect says of a journey, or nothing."""
    reentry = {"mode": draw(st.sampled_from(["ONCE", "ALWAYS", "COOLDOWN", "ENTRIES"])), "cooldown_hours": 1}
    conduct = {"reentry": reentry, "exit_on_goal": draw(st.booleans())} if draw(st.booleans()) else None
    return {
        "conduct": conduct,
        "goal": draw(st.one_of(st.none(), journey_goals(deadlines=True))),
        "audience_code": draw(st.sampled_from([None, None, "AUDIENCE"])),
        "admits_anonymous": draw(st.sampled_from([True, True, True, True, False])),
    }


SILENT_HOURS = (("06:00", "23:30"), ("20:00", "14:30"), ("11:30", "07:00"), ("11:30", "14:30"))


@st.composite
def silences(draw: st.DrawFn) -> dict[str, Any]:
    """Draw when messages do not go out: most of the day, so that most stories come to it."""
    channels = draw(st.sampled_from([("email", "webhook"), ("email", "webhook"), ("email",), ()]))
    hours = {channel: draw(st.sampled_from(SILENT_HOURS)) for channel in channels}
    return {
        channel: {
            "enabled": True,
            "from": hours[channel][0],
            "to": hours[channel][1],
            "timezone": draw(st.sampled_from(["device", "device", "Europe/Berlin"])),
            "fallback_timezone": draw(st.sampled_from(["UTC", "America/New_York"])),
            "blocked_days": draw(st.sampled_from([[], ["SATURDAY"], ["SUNDAY", "MONDAY"]])),
            "policy": draw(st.sampled_from(["WAIT", "WAIT", "WAIT", "SKIP"])),
        }
        for channel in channels
    }


@st.composite
def goals(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a journey is for, and how many are only watched."""
    found = [
        {
            "name": f"g{place}",
            "event_name": draw(st.sampled_from(EVENTS)),
            "event_conditions": draw(conditions()),
            "ends_journey": draw(st.booleans()),
            "value_attribute": draw(st.sampled_from(["", "n", "k", "v"])),
        }
        for place in range(draw(st.sampled_from([0, 0, 1, 2, 3])))
    ]
    window = draw(st.sampled_from([None, {"seconds": 900}, {"seconds": 7200}, {"seconds": 86400}]))
    return {
        "conversion_goals": found,
        "conversion_window": window,
        "control_group_percent": draw(st.sampled_from([0, 0, 0, 30])),
    }


# Graphs ---------------------------------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn, begins: datetime, *, updating: bool, may_schedule: bool, sticky_only: bool) -> Graph:
    """Draw a graph that can be started. Edges lead on; those that lead back begin where everybody is held."""
    heads: list[AnyPoint] = []
    for place in range(draw(st.integers(1, 2))):
        schedules_left = may_schedule and not any(point.__struct_config__.tag == "start_by_segment" for point in heads)
        heads.append(draw(entries(begins, schedules_left)).placed(f"entry{place}"))
    updating = updating and not any(isinstance(point, MessageBus) and is_keyed(point) for point in heads)
    drawn = [draw(inner_points(begins, updating, sticky_only)) for _ in range(draw(st.integers(2, 7)))]
    if draw(st.booleans()):
        drawn.insert(0, laboratory.email(content=EmailContent(subject="Hello", html=".")))
    if draw(st.sampled_from([True, True, True, True, False])):
        # Behind a wait, in which the goal may be reached.
        check = laboratory.point("goal_check", goal=draw(journey_goals()))
        place = draw(st.integers(0, 1))
        drawn[place:place] = [laboratory.wait(duration_seconds=draw(st.sampled_from([900, 1800]))), check]
    inner = [point.placed(f"p{place}") for place, point in enumerate(drawn)]
    exits = [laboratory.point("exit", outcome=name).placed(name) for name in ("done", "gone")]
    edges: list[Edge] = []
    for place, point in enumerate([*heads, *inner]):
        behind = inner[max(0, place - len(heads) + 1) :]
        onward = [*inner[:1] * 2, *inner] if place < len(heads) else [*behind[:1] * 4, *behind * 2, *exits]
        targets = [*onward, *inner] if always_holds(point) else onward
        if behind and isinstance(behind[0], GoalCheck):
            targets = behind[:1]
        for output in outputs(point):
            if may_end_in(point, output) and draw(st.booleans()):
                continue
            edges.append(Edge(from_=point.id, output=output, to=draw(st.sampled_from(targets)).id))
    chosen: dict[str, Any] = {
        "transactional": draw(st.sampled_from([False, False, False, True])),
        "resume_policy": draw(
            st.sampled_from(
                ["RESUME_CONTINUE", "RESUME_SHIFT", "RESUME_DROP_OVERDUE"] + ["RESUME_SPREAD"] * (not sticky_only)
            )
        ),
        "removed_points": draw(st.sampled_from(["CONTINUE", "DROP"])),
        "silent_hours": draw(silences()),
    }
    if draw(st.booleans()):
        chosen["capping"] = {
            "max_entries": draw(st.integers(1, 2)),
            "period_seconds": draw(st.sampled_from([None, 3600])),
        }
    chosen |= draw(goals()) | draw(conducts())
    of = laboratory.graph("", settings=chosen)
    return reachable(Graph(points=(*heads, *inner, *exits), edges=tuple(edges), settings=of.settings))


def reachable(of: Graph) -> Graph:
    """Leave out the points that nobody can come to."""
    reached = {point.id for point in of.points if is_entry(point)}
    while new := {edge.to for edge in of.edges if edge.from_ in reached} - reached:
        reached |= new
    return Graph(
        points=tuple(point for point in of.points if point.id in reached),
        edges=tuple(edge for edge in of.edges if edge.from_ in reached),
        settings=of.settings,
    )


def without(of: Graph, place: int) -> Graph | None:
    """Return the graph without one of its inner points, whose followers its predecessors now lead to."""
    inner = [point for point in of.points if not is_entry(point) and not isinstance(point, Exit)]
    if not inner:
        return None
    gone = inner[place % len(inner)]
    following = {edge.to for edge in of.edges if edge.from_ == gone.id} - {gone.id}
    if not following:
        return None
    target = min(following)
    return reachable(
        Graph(
            points=tuple(point for point in of.points if point.id != gone.id),
            edges=tuple(
                Edge(from_=edge.from_, output=edge.output, to=target if edge.to == gone.id else edge.to)
                for edge in of.edges
                if edge.from_ != gone.id
            ),
            settings=of.settings,
        )
    )


# Stories --------------------------------------------------------------------------------------------------------


@dataclass
class Act:
    """Something that is said about people, so many steps before the clock stops."""

    kind: str
    ago: int
    person: int = 1
    journey: int = 0
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class Scene:
    """The clock goes on; somebody does something to a journey; things are said; then it is drained."""

    steps: int
    command: tuple[str, int, int] | None
    acts: list[Act]


@dataclass
class Story:
    begins: datetime
    graphs: list[Graph]
    people: list[dict[str, Any]]
    scenes: list[Scene]
    inbox: int | None
    crowd: int | None

    def __repr__(self) -> str:
        scenes = "\n".join(f"    {scene}" for scene in self.scenes)
        graphs = "\n".join(map(drawn, self.graphs))
        return f"{self.begins}, inbox {self.inbox}, crowd {self.crowd}, people {self.people}\n{graphs}\n{scenes}\n"


def drawn(of: Graph) -> str:
    """Write a graph in a form that can be read."""
    lines = [f"  {laboratory.chosen_fields(of.settings)}"]
    for point in of.points:
        ways = {edge.output: laboratory.NAMES[edge.to] for edge in of.edges if edge.from_ == point.id}
        lines.append(f"    {laboratory.NAMES[point.id]}: {laboratory.chosen_fields(point)} -> {ways}")
    return "\n".join(lines)


SINGLE = ("enter", "enter", "enter", "event", "event", "event", "event", "attributes", "zone", "outcome", "outcome")


@st.composite
def acts(draw: st.DrawFn, kinds: tuple[str, ...]) -> Act:
    kind = draw(st.sampled_from(kinds))
    values: dict[str, Any] = {}
    match kind:
        case "attributes":
            values = {draw(st.sampled_from([*READ, *WRITTEN])): draw(scalars)}
            if draw(st.integers(0, 2)) == 0:
                values["d"] = draw(dates)
        case "zone":
            values = {"zone": draw(st.sampled_from(ZONES)), "user_id": draw(st.sampled_from([None, "u1"]))}
        case "enter" | "event":
            values = {
                "place": draw(st.integers(0, 5)),
                "data": draw(event_data),
                "entry": draw(entry_data),
                "app": draw(st.sampled_from([laboratory.SHOP, laboratory.SHOP, laboratory.SITE, None])),
                "source": draw(st.sampled_from([None] * 9 + ["s1"])),
                "browsing": draw(browsing),
                "late": draw(st.sampled_from([0, 0, 0, 0, 0, 1, 3])),
                "fits": draw(st.sampled_from([True, True, True, False])),
            }
        case "select":
            values = {"entry": draw(entry_data), "filter": draw(filters(READ))}
        case "outcome":
            values = {"place": draw(st.integers(0, 3)), "output": draw(st.integers(0, 1)), "entry": draw(entry_data)}
        case _:
            values = {"all": draw(st.booleans())}
    return Act(kind, draw(st.integers(0, 4)), draw(PEOPLE), draw(st.integers(0, 1)), values)


@st.composite
def scenes(draw: st.DrawFn, crowd: int | None) -> Scene:
    """Draw a scene. What concerns everybody is worked off in batches of people, between which other rows act: then it
    has a scene for itself.
    """
    kinds = (*SINGLE, "drop", "select")
    if crowd is not None:
        kinds = draw(st.sampled_from([SINGLE, SINGLE, ("drop",), ("select",)]))
    said = draw(st.lists(acts(kinds), min_size=1, max_size=1 if kinds == ("select",) else 7))
    command = None
    if draw(st.integers(0, 3)) == 0:
        name = draw(
            st.sampled_from(["pause", "pause", "shut", "resume", "resume", "edit", "edit", "draft", "choose", "finish"])
        )
        command = (name, draw(st.integers(0, 1)), draw(st.integers(0, 5)))
        if crowd is not None and name not in {"pause", "shut"}:
            said = []
    return Scene(draw(st.sampled_from([1, 0, 2, 4, 6, 96, 100])), command, said)


@st.composite
def people(draw: st.DrawFn) -> dict[str, Any]:
    tags = st.fixed_dictionaries({}, optional={"a": scalars, "b": scalars, "x": scalars, "d": dates})
    user_id = draw(st.sampled_from(["u1", "u1", None]))
    return {"tags": draw(tags), "zone": draw(st.sampled_from([None, *ZONES])), "user_id": user_id}


@st.composite
def stories(draw: st.DrawFn) -> Story:
    begins = draw(st.sampled_from(BEGINNINGS))
    inbox, crowd = draw(st.sampled_from([(None, None), (None, None), (1, None), (2, None), (None, 1), (None, 2)]))
    first = draw(graphs(begins, updating=True, may_schedule=True, sticky_only=crowd is not None))
    drawn = [first]
    if draw(st.integers(0, 2)) == 0:
        drawn.append(draw(graphs(begins, updating=False, may_schedule=False, sticky_only=crowd is not None)))
    opening = Scene(1, None, draw(st.lists(acts(("enter",)), min_size=2, max_size=5)))
    # Who has come in does something, while most of them wait.
    then = Scene(draw(st.integers(0, 1)), None, draw(st.lists(acts(("event",)), min_size=2, max_size=5)))
    for act in then.acts:
        act.person = draw(st.sampled_from([each.person for each in opening.acts]))
    return Story(
        begins,
        drawn,
        draw(st.lists(people(), min_size=1, max_size=4)),
        [opening, then, *draw(st.lists(scenes(crowd), min_size=2, max_size=5))],
        inbox,
        crowd,
    )


def page_for(wanted: PageVisit | UrlMatch) -> str:
    """Return the address of a page that matches one of the patterns of `PAGES`."""
    return ANOTHER_PAGE if wanted.match_type == "ENDS_WITH" else A_PAGE


def data_for(wanted: Conditions) -> dict[str, Any]:
    """Return what an event says that meets conditions."""
    fitting = {"GTE": 3, "NOTEQ": "w", "SET": 1}
    return {each.attribute: each.values[0] if each.operator == "EQ" else fitting[each.operator] for each in wanted}


# Telling --------------------------------------------------------------------------------------------------------


@dataclass
class Telling:
    """One story told by both."""

    lab: Lab
    story: Story
    walker: Walker
    requests: int = 0

    async def tell(self) -> None:
        await self._begin()
        for scene in self.story.scenes:
            self.lab.now += scene.steps * STEP
            if scene.command is not None:
                await self._command(*scene.command)
            for act in sorted(scene.acts, key=lambda act: -act.ago):
                at = max(self.lab.now - act.ago * STEP, self.lab.now - scene.steps * STEP)
                await self._act(act, at)
            await self._drain()

    async def _begin(self) -> None:
        for number, person in enumerate(self.story.people, 1):
            operations = [{"op": "set", "tag": tag, "value": value} for tag, value in person["tags"].items()]
            data = {"operations": operations, "time_zone": person["zone"], "user_id": person["user_id"]}
            await self.lab.say(Row(kind="attributes", profile_id=number, received_at=self.lab.now, data=data))
        for drawn in self.story.graphs:
            await self.lab.start(drawn)
        await self._drain()

    async def _drain(self) -> None:
        self.walker.journeys = self.lab.journeys
        self.walker.inbox += self.lab.said
        self.lab.said.clear()
        self.walker.drain(self.lab.now)
        await self.lab.tick()
        theirs, ours = await self.lab.picture(), picture_of(self.walker)
        if self.story.crowd is not None:
            # What a request selects is let in batch by batch, others between them, so the numbers differ.
            theirs, ours = theirs.unnumbered(), ours.unnumbered()
        for name in vars(ours):
            assert getattr(theirs, name) == getattr(ours, name), f"{name} at {self.lab.now}: the tick, then the walker"
        await self.lab.assert_nobody_is_lost()

    def _journey(self, place: int) -> Journey:
        journeys = list(self.lab.journeys.values())
        return journeys[place % len(journeys)]

    async def _command(self, name: str, place: int, number: int) -> None:
        journey = self._journey(place)
        match name, journey.status:
            case "pause", "running":
                await self.lab.pause(journey)
            case "shut", "running":
                await self.lab.shut(journey, ("paused", "draft")[number % 2])
            case "draft", "paused":
                await self.lab.draft(journey)
            case "resume", "paused" | "draft":
                await self.lab.resume(journey)
            case "finish", "running" | "paused":
                await self.lab.finish(journey)
            case "edit", "running" | "paused":
                edited = without(journey.graph, number)
                if edited is not None and not check(edited, self.lab.scope):
                    await self.lab.edit(journey, edited)
            case "choose", _:
                contests = [n for n, each in sorted(journey.points.items()) if getattr(each, "winner", None)]
                if contests:
                    await self.lab.choose(journey, contests[number % len(contests)], 1 + number % 3)
            case _:
                pass

    async def _act(self, act: Act, at: datetime) -> None:
        row = await self._row(act, at, act.values)
        if row is not None:
            await self.lab.say(row)

    async def _row(self, act: Act, at: datetime, values: dict[str, Any]) -> Row | None:
        journey = self._journey(act.journey)
        about = {"journey_id": journey.journey_id, "request_uuid": self._request()}
        match act.kind:
            case "attributes":
                operations = [{"op": "set", "tag": tag, "value": value} for tag, value in values.items()]
                return Row(kind="attributes", profile_id=act.person, received_at=at, data={"operations": operations})
            case "zone":
                data = {"time_zone": values["zone"], "user_id": values["user_id"]}
                return Row(kind="attributes", profile_id=act.person, received_at=at, data=data)
            case "enter":
                return self._enter(journey, act.person, at, values, about)
            case "event":
                name, fitting = self._awaited(journey, values["place"])
                return self._event(act.person, at, name, values, fitting)
            case "select":
                number = next((n for n, point in journey.points.items() if isinstance(point, StartByApi)), None)
                if number is None or journey.status == "finished":
                    return None
                about |= {"point_no": number, "entry": values["entry"], "filter": values["filter"]}
                return Row(kind="select", received_at=at, data=about)
            case "outcome":
                return await self._outcome(at, values)
            case _:
                named = None if values["all"] else [journey.journey_id]
                return Row(kind="drop", profile_id=act.person, received_at=at, data={"journey_ids": named})

    def _request(self) -> str:
        self.requests += 1
        return str(UUID(int=self.requests))

    def _enter(
        self, journey: Journey, person: int, at: datetime, values: dict[str, Any], about: dict[str, Any]
    ) -> Row | None:
        """Do what lets somebody in at one of the entries."""
        heads = [(number, point) for number, point in sorted(journey.points.items()) if is_entry(point)]
        number, entry = heads[values["place"] % len(heads)]
        if isinstance(entry, StartByApi):
            by_page = {"by_page": True} if values["place"] in {2, 3} else {}
            data = about | {"point_no": number, "entry": values["entry"]} | by_page
            return Row(kind="enroll", profile_id=person, received_at=at, data=data)
        if isinstance(entry, UrlMatch | ElementClick):
            name = "page_view" if isinstance(entry, UrlMatch) else "click"
            fitting = {"url": page_for(entry)} if isinstance(entry, UrlMatch) else {"selector": entry.selector}
            return self._event(person, at, name, values, fitting, app=laboratory.SHOP)
        if not isinstance(entry, MessageBus):
            return None
        if entry.attribute_entry:
            data = {"journey_id": journey.journey_id, "point_no": number, "event": values["data"]}
            return Row(kind="entry_event", profile_id=person, received_at=at, name=entry.event_name, data=data)
        fitting = data_for(entry.event_conditions)
        return self._event(person, at, entry.event_name, values, fitting, app=entry.application_code)

    def _event(
        self, person: int, at: datetime, name: str, values: dict[str, Any], fitting: dict[str, Any],
        *, app: str | None = None,
    ) -> Row:  # fmt: skip
        """Do something: mostly what somebody waits for."""
        app, data = values["app"] if app is None or not values["fits"] else app, values["data"] | values["browsing"]
        return Row(
            kind="event", profile_id=person, received_at=at, name=name, data=data | (fitting if values["fits"] else {}),
            app_id=self.lab.app_ids[app] if app else None,
            source_id=values["source"], occurred_at=at - values["late"] * STEP,
        )  # fmt: skip

    def _awaited(self, journey: Journey, place: int) -> tuple[str, dict[str, Any]]:
        """Choose an event that somebody could wait for, or a goal, and what it says then."""
        found = [
            (goal.event_name, data_for(goal.event_conditions) | ({"url": page_for(goal.page)} if goal.page else {}))
            for goal in reversed(goals_of(journey.graph))
            if goal.event_name is not None
        ]
        found += [
            (each.event_name, data_for(each.event_conditions))
            for point in journey.graph.points if isinstance(point, WaitForTrigger)
            for branch in point.branches for each in branch.events
        ]  # fmt: skip
        return found[place % len(found)] if found else (EVENTS[place % len(EVENTS)], {})

    async def _outcome(self, at: datetime, values: dict[str, Any]) -> Row | None:
        """Answer the webhook where somebody waits, or tell of a reaction to a message."""
        waiting = [
            stay
            for stay in self.walker.stays.values()
            if isinstance(
                self.lab.journeys[stay.traveller.journey_id].points.get(stay.point_no), Content | Webhook | SendEmail
            )
        ]
        if not waiting or self.story.crowd is not None:
            return None
        stay = waiting[values["place"] % len(waiting)]
        return Row(
            kind="outcome",
            profile_id=stay.traveller.profile_id,
            received_at=at,
            data={
                "enrollment_id": stay.traveller.number,
                "journey_id": stay.traveller.journey_id,
                "point_no": stay.point_no,
                "output": values["output"],
                "entry": values["entry"],
            },
        )


@pytest.fixture(scope="module")
async def lab(postgres: Postgres) -> AsyncIterator[Lab]:
    name = postgres.create_database(TEMPLATE)
    lab = await Lab.open(postgres.url_for(name))
    await lab.store_segment("AUDIENCE", Attribute(path=("a",), operator="NOTEQ", values=("v",)))
    yield lab
    await lab.close()
    postgres.drop_database(name)


@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(story=stories())
async def test_the_tick_and_the_walker_tell_the_same_story(lab: Lab, story: Story) -> None:
    await lab.clear()
    lab.now = story.begins
    lab.budget = Budget(inbox=story.inbox or 10_000, people=story.crowd or 50_000)
    walker = Walker(lab.scope, batch=story.inbox or 10_000)
    await Telling(lab, story, walker).tell()
