"""What the compiler makes of graphs, as files to read. SOJOURN_ACCEPT=1 rewrites them; the difference is for review.

A case is a folder with a `graph.json`, whose points are numbered in their order. Beside it: `problems.txt` with what is
wrong with it, `plan.txt` with all plans in words, and one file per statement.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from sojourn.cli.explain import parameters
from sojourn.compiler.audience import audience
from sojourn.compiler.check import check
from sojourn.compiler.emit import Statement, emit
from sojourn.compiler.emit.audiences import sift
from sojourn.compiler.emit.goals import convert
from sojourn.compiler.emit.matching import match
from sojourn.compiler.explain import render_plan
from sojourn.compiler.goals import targets
from sojourn.compiler.lower import (
    Chart,
    chart,
    holds,
    live_entries,
    lower_audience,
    lower_entry,
    lower_removed,
    lower_selection,
    lower_stay,
    segment_of,
)
from sojourn.compiler.plan import Looked, Plan
from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Graph
from sojourn.model.points import RandomSplitter, StartByApi, StartBySegment, WaitForTrigger, is_entry
from sojourn.seglang import parse
from sojourn.store.tick import PLACEHOLDER

CASES = sorted(path.parent for path in Path(__file__).parent.glob("cases/*/graph.json"))
ACCEPT = os.environ.get("SOJOURN_ACCEPT") == "1"
SCOPE = SegmentScope(
    app_ids={"SHOP1-00001": 1, "SITE1-00001": 2}, workspace_id=1, segments={"VIPS": parse('T("vip", EQ, true)')}
)
CHOSEN = 'T("size", EQ, "XL")'
"""What a request selects."""


def load(case: Path) -> Graph:
    return msgspec.json.decode((case / "graph.json").read_bytes(), type=Graph)


def charted(graph: Graph) -> Chart:
    numbers = {point.id: number for number, point in enumerate(graph.points, 1)}
    return chart(graph, numbers, SCOPE, journey_id=7, version_no=1)


def plans(of: Chart) -> Iterator[tuple[str, Plan]]:
    """Yield every plan of a journey under the name of its file."""
    for number, point in of.points.items():
        if number in live_entries(of.graph, of.numbers):
            yield from ((f"{looked}_{number}", lower_audience(of, number, looked)) for looked in get_args(Looked))
        if is_entry(point) and not (isinstance(point, StartBySegment) and point.is_live):
            yield f"in_{number}", lower_entry(of, number)
        if isinstance(point, StartByApi):
            yield f"select_{number}", lower_selection(of, number, parse(CHOSEN))
        if holds(point, of.net):
            yield f"from_{number}", lower_stay(of, number)
    last = next(number for number, point in of.points.items() if not is_entry(point))
    yield f"removed_{last}", lower_removed(of, last)


def statements(of: Chart) -> Iterator[tuple[str, Statement]]:
    """Yield every statement of a journey under the name of its file."""
    for name, plan in plans(of):
        yield name, emit(plan)
    for number, point in live_entries(of.graph, of.numbers).items():
        watched = audience(point, segment_of(point, of.scope), of.scope)
        yield f"sift_{number}", sift(of.header, watched)
    for number, point in of.points.items():
        if isinstance(point, WaitForTrigger):
            yield f"events_{number}", match(of.header, number, point, "events")
            yield f"arrivals_{number}", match(of.header, number, point, "arrivals")
    wanted, window = targets(of.graph), of.graph.settings.window_seconds
    if done := [each for each in wanted if each.event_name is not None]:
        yield "goals", convert(of.header, done, window)
    if matched := [each for each in wanted if each.expression is not None]:
        yield "goals_of_people", convert(of.header, matched, window, people=True)
    contests = {n: 1 for n, point in of.points.items() if isinstance(point, RandomSplitter) and point.winner}
    if contests and not of.winners:
        for name, plan in plans(replace(of, winners=contests)):
            if any(step.winner for step in plan.steps):
                yield f"won_{name}", emit(plan)


def rendered(statement: Statement) -> str:
    values = "".join(f"-- {name} = {msgspec.json.encode(value).decode()}\n" for name, value in statement.values.items())
    return f"{statement.sql}\n\n{values}"


def files(case: Path) -> dict[str, str]:
    """Return what a case should hold beside its graph."""
    graph = load(case)
    problems = check(graph, SCOPE)
    lines = [f"{problem.code} at {problem.where}: {problem.text}\n" for problem in problems]
    found = {"problems.txt": "".join(lines) or "none\n"}
    if not problems:
        of = charted(graph)
        found["plan.txt"] = "\n".join(render_plan(plan) for _, plan in plans(of))
        found |= {f"{name}.sql": rendered(statement) for name, statement in statements(of)}
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_compiler_writes_what_it_wrote_before(case: Path) -> None:
    expected = files(case)
    stored = {path.name: path for path in case.iterdir() if path.name != "graph.json"}
    if ACCEPT:
        for name in stored.keys() - expected.keys():
            stored[name].unlink()
        for name, text in expected.items():
            (case / name).write_text(text, encoding="utf-8")
        return
    assert sorted(stored) == sorted(expected)
    for name, text in expected.items():
        assert stored[name].read_text(encoding="utf-8") == text, f"{case.name}/{name} changed"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_graph_gives_the_same_text(case: Path) -> None:
    assert files(case) == files(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_document_comes_back_as_it_was(case: Path) -> None:
    graph = load(case)
    assert msgspec.json.decode(msgspec.json.encode(graph), type=Graph) == graph


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_statement_can_be_analyzed(case: Path) -> None:
    given = parameters(shard=1, now=datetime(2026, 1, 1, tzinfo=UTC))
    if check(load(case), SCOPE):
        return
    for name, statement in statements(charted(load(case))):
        missing = set(PLACEHOLDER.findall(statement.sql)) - {"", *given, *statement.values}
        assert not missing, f"{name} of {case.name}"
