"""What the timeline says that a decision saw, against what the engine did: the same branch follows from both."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.model.shards import shard_of
from sojourn.seglang import parse
from sojourn.service.commands import Caller, GetTimeline, PersonKey, Timeline, TimelineEntry
from sojourn.service.service import Service
from sojourn.store.connection import make_pool
from tests import lab as laboratory
from tests.conftest import TEMPLATE, Postgres
from tests.lab import Lab

EXAMPLES = int(os.environ.get("SOJOURN_HYPOTHESIS_EXAMPLES", "60"))
TAGS = ("a", "b")
SAID = (*TAGS, "c")
"""The last is changed by what people say of themselves, and not by updates."""

PEOPLE = ("ada", "bob")

values = st.sampled_from([None, True, 0, 1, 2, "u", "v", ["u"], ["u", "v"]])
tags = st.sampled_from(TAGS)


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["SET", "INCREMENT", "APPEND", "REMOVE", "UNSET"]))
    operation: dict[str, Any] = {"tag": draw(tags), "operation": kind}
    source = draw(st.sampled_from(["value", "TAG", "ENTRY"]))
    if kind == "UNSET":
        return operation
    if source != "value":
        return operation | {"from": {"source": source, "name": draw(tags)}}
    return operation | {"value": draw(st.integers(0, 2) if kind == "INCREMENT" else st.sampled_from([True, 1, "u"]))}


filters = st.sampled_from(
    [
        'T("a", EQ, "u")',
        'T("a", GTE, 1) * T("b", NOTSET)',
        'T("a", IN, ["u", "v"]) + T("b", EQ, 1)',
        'T("b", SET) \\ T("a", EQ, true)',
        'Segment("VIPS")',
        'Event("seen", count, GTE, 2)',
        'Event("seen", attr("n"), EQ, 1) + T("a", EQ, 1)',
    ]
)


TREES: tuple[dict[str, Any], ...] = (
    {"field": "a", "operator": "eq", "value": "u"},
    {"field": "traits.b", "operator": "gte", "value": 1},
    {"field": "events.seen.count", "operator": "gte", "value": 1},
    {
        "logicalOperator": "OR",
        "rules": [{"field": "c", "operator": "exists"}, {"field": "a", "operator": "neq", "value": 1}],
    },
)
branches = st.lists(st.sampled_from(TREES), min_size=2, max_size=2).map(
    lambda trees: [
        {"label": f"{place}", "rule_tree": msgspec.json.encode(tree).decode()} for place, tree in enumerate(trees)
    ]
)
checked_goals = st.sampled_from(
    [
        {"event": {"event_name": "seen"}},
        {"event": {"event_name": "seen", "event_conditions": [laboratory.having("n", "EQ", 1)]}},
        {"attribute_match": {"field": "c", "operator": "eq", "value": "u"}},
    ]
)
GROWN = ("update", "update", "split", "split", "random", "wait", "wait", "condition", "check", "check")
OUTPUTS = {"split": (".1", ""), "random": (".1", ".2"), "condition": (".1", ".2", ""), "check": (".1", ""), "exit": ()}


@st.composite
def journeys(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a tree of points, as text and points; what a random split draws depends on the names."""
    lines: list[str] = []
    points: dict[str, Any] = {}

    def grow(before: str, depth: int) -> None:
        name = f"p{len(points)}"
        kind = draw(st.sampled_from(GROWN)) if depth else "exit"
        match kind:
            case "update":
                points[name] = laboratory.update(*draw(st.lists(operations(), min_size=1, max_size=3)))
            case "split":
                points[name] = laboratory.point("boolean_splitter", filter=draw(filters))
            case "random":
                sticky = draw(st.sampled_from(["ENROLLMENT", "PROFILE"]))
                points[name] = laboratory.random_split(50, 50, sticky=sticky)
            case "condition":
                points[name] = laboratory.point("condition", branches=draw(branches))
            case "check":
                points[name] = laboratory.point("goal_check", goal=draw(checked_goals))
            case "wait":
                points[name] = laboratory.wait(duration_seconds=draw(st.sampled_from([1800, 3600])))
            case _:
                points[name] = laboratory.point("exit")
        lines.append(f"{before} -> {name}")
        for output in OUTPUTS.get(kind, ("",)):
            grow(name + output, depth - 1)

    grow("api", draw(st.integers(2, 5)))
    return "\n".join(lines), points


steps = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(PEOPLE), st.sampled_from(SAID), values),
    st.tuples(st.just("enroll"), st.sampled_from(PEOPLE), st.integers(0, 1), st.sampled_from(["u", "1"])),
    st.tuples(st.just("event"), st.sampled_from(PEOPLE), st.integers(1, 2), st.none()),
    st.tuples(st.just("tick"), st.sampled_from([0, 0, 900, 1800]), st.none(), st.none()),
)


@pytest.fixture(scope="module")
async def lab(postgres: Postgres) -> AsyncIterator[Lab]:
    name = postgres.create_database(TEMPLATE)
    opened = await Lab.open(postgres.url_for(name))
    yield opened
    await opened.close()
    postgres.drop_database(name)


@pytest.fixture(scope="module")
async def service(lab: Lab) -> AsyncIterator[Service]:
    async with make_pool(lab.url, application_name="test", max_size=2) as pool:
        made = Service(pool, lambda: lab.now)
        yield made
        await made.close()


async def name_people(lab: Lab) -> None:
    """Let everybody go by their name."""
    await lab.conn.execute("delete from identity")
    for name, number in lab.profiles.items():
        await lab.conn.execute(
            "insert into identity (shard, workspace_id, kind, value, profile_shard, profile_id, created_at)"
            " values (%s, %s, 'user_id', %s, %s, %s, %s)",
            (shard_of(lab.workspace_id, "user_id", name, 8), lab.workspace_id, name, lab.shard, number, lab.now),
        )


async def timeline_of(lab: Lab, service: Service, name: str, **fields: Any) -> list[TimelineEntry]:
    """Read a whole timeline, page by page."""
    found: list[TimelineEntry] = []
    before = ""
    caller = Caller(workspace_id=lab.workspace_id)
    while True:
        command = GetTimeline(person=PersonKey(value=name), before=before, **fields)
        page: Timeline = await service.run(caller, command)
        found += page.items
        if page.next_before is None:
            return found
        before = page.next_before


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(drawn=st.lists(journeys(), min_size=1, max_size=2), story=st.lists(steps, max_size=14), limit=st.integers(1, 5))
async def test_the_branch_that_follows_from_the_values_is_the_one_taken(
    lab: Lab, service: Service, drawn: list[tuple[str, dict[str, Any]]], story: list[Any], limit: int
) -> None:
    await lab.clear()
    await make_segment(lab)
    started = [await lab.start(text, **points) for text, points in drawn]
    await lab.person(*PEOPLE)
    for what, one, two, three in story:
        if what == "set":
            await lab.person(one, **{two: three})
        elif what == "event":
            # An event has no place among what a tick did at the very instant of its receipt.
            lab.now += timedelta(seconds=1)
            await lab.event(one, "seen", n=two)
        elif what == "enroll":
            await lab.enroll(started[two % len(started)], one, a=three, b=three)
        else:
            await lab.after(seconds=one)
    await lab.after(hours=1)
    await lab.after(days=1)
    await name_people(lab)
    told = 0
    for name in PEOPLE:
        entries = await timeline_of(lab, service, name, limit=limit)
        assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
        for entry in entries:
            for passed in entry.path:
                if passed.decision is not None:
                    assert passed.output == passed.decision.implied, (passed, entry)
                    told += 1
    splits = await lab.value(
        "select coalesce(sum(n), 0) from tally as t join point as p using (journey_id, point_no)"
        " where t.metric = 'left' and p.kind in"
        " ('boolean_splitter', 'condition', 'goal_check', 'random_splitter')"
    )
    assert told == splits


async def make_segment(lab: Lab) -> None:
    source = 'T("b", EQ, 1) + T("a", NOTEQ, "u")'
    lab.segments["VIPS"] = parse(source)
    await lab.conn.execute(
        "insert into segment (segment_uuid, workspace_id, code, title, source, expression, created_at, updated_at)"
        " values (%s, %s, 'VIPS', 'VIPs', %s, %s::jsonb, %s, %s) on conflict do nothing",
        (uuid4(), lab.workspace_id, source, msgspec.json.encode(parse(source)).decode(), lab.now, lab.now),
    )
