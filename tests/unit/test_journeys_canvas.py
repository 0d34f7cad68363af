"""The canvas of the journeys dialect: what is read, what is refused, and that nothing changes on the way."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings

from sojourn.api.common.misfits import misfits
from sojourn.api.common.paths import without_echoes
from sojourn.api.journeys.canvas import NewCanvas, canvas_problems, read_canvas, write_edges, write_nodes
from sojourn.api.journeys.configs import CONFIGS, TRIGGERS
from sojourn.api.journeys.durations import spoken, unit_kept
from sojourn.api.journeys.goals import goal_problems, read_goal, write_goal
from sojourn.api.journeys.labels import CONTENT, EVENT_WAIT
from sojourn.api.journeys.labels import GOAL as GOAL_LABELS
from sojourn.api.journeys.problems import dotted
from sojourn.model.graph import Graph, Settings
from sojourn.model.points import AttributeMatch, Condition, EventGoal, JourneyGoal, RandomSplitter
from sojourn.service.commands import JourneyDraft
from tests.unit.test_gateway_wire import drafts

A_HALF = {"label": "a", "percentage": 50}
GOAL = "nodes.0.config.goalConfig"
SETTINGS = Settings(application_code="SHOP1-00001")


def numbered() -> Iterator[UUID]:
    return (UUID(int=number) for number in count(1))


def read(document: dict[str, Any]) -> Graph:
    assert problems(document) == []
    canvas = msgspec.convert(document, NewCanvas)
    ids = numbered()
    found = read_canvas(canvas.nodes, canvas.edges, lambda: next(ids))
    return Graph(points=found.points, edges=found.edges, settings=SETTINGS)


def write(graph: Graph) -> dict[str, Any]:
    return json.loads(msgspec.json.encode({"nodes": write_nodes(graph, {}), "edges": write_edges(graph)}))


def problems(document: dict[str, Any]) -> list[str]:
    found = without_echoes(misfits(document, NewCanvas, ""), canvas_problems(document))
    return [dotted(each.where) for each in found]


# Nothing changes on the way ----------------------------------------------------------------------------------


def canonical(point: Any) -> Any:
    """Return a point as this dialect would have kept it: with a unit only where nobody would guess it."""
    changes: dict[str, Any] = {}
    for seconds in ("duration_seconds", "period_seconds", "timeout_seconds"):
        if hasattr(point, "unit") and hasattr(point, seconds):
            length = getattr(point, seconds)
            changes["unit"] = None if length is None else unit_kept(*spoken(length, point.unit))
    if isinstance(point, Condition):
        changes["branches"] = tuple(
            msgspec.structs.replace(each, rule_tree=msgspec.json.encode({"field": each.rule_tree}).decode())
            for each in point.branches
        )
    return msgspec.structs.replace(point, **changes)


@settings(max_examples=100, deadline=None)
@given(drafts())
def test_a_document_of_either_dialect_comes_back_as_it_was(draft: JourneyDraft) -> None:
    graph = msgspec.structs.replace(draft.graph, points=tuple(map(canonical, draft.graph.points)))
    written = write(graph)
    assert problems(written) == []
    again = read(written)
    assert again.points == graph.points
    assert again.edges == graph.edges


# Reading ------------------------------------------------------------------------------------------------------


def node(kind: str, config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, "config": config or {}, "position": {"x": 0, "y": 0}, **more}


def trigger(kind: str = "MANUAL", **config: Any) -> dict[str, Any]:
    return node("TRIGGER", {"triggerType": kind, "triggerConfig": config})


def edge(source: str, target: str, **more: Any) -> dict[str, Any]:
    return {"sourceNodeId": source, "targetNodeId": target, **more}


def outputs(graph: Graph) -> list[tuple[str, str]]:
    return [(each.output, each.label) for each in graph.edges]


def test_edges_name_nodes_by_place_by_client_id_and_by_id() -> None:
    given_id = "0b9e2c61-6a0e-4e0f-8f7e-1d1f0a5f8d11"
    nodes = [trigger(), node("WAIT", {"duration": 1, "unit": "days"}, clientId="pause"), node("EXIT", id=given_id)]
    graph = read({"nodes": nodes, "edges": [edge("0", "pause"), edge("pause", given_id.upper())]})
    first, pause, last = (each.id for each in graph.points)
    assert last == given_id
    assert [(each.from_, each.to) for each in graph.edges] == [(first, pause), (pause, last)]


@pytest.mark.parametrize(
    ("kind", "config", "labels", "expected"),
    [
        ("TRIGGER", {"triggerType": "MANUAL"}, ["Start"], ["default"]),
        ("CONTENT", {}, ["", "dismissed", "timeout"], ["default", "output1", "output2"]),
        ("CONTENT", {}, ["completed"], ["default"]),
        ("WAIT_FOR_EVENT", {"eventName": "bought"}, ["", "timeout"], ["output1", "default"]),
        ("CONDITION", {"ruleTree": {}}, ["true", "false"], ["output1", "default"]),
        (
            "CONDITION",
            {"branches": [{"label": "pro", "ruleTree": {}}, {"label": "free", "ruleTree": {}}]},
            ["free", "pro", ""],
            ["output2", "output1", "default"],
        ),
        ("SPLIT", {}, ["b", "a"], ["output1", "output2"]),
        ("GOAL_CHECK", {}, ["success", "fallback"], ["output1", "default"]),
        ("GOAL_CHECK", {}, ["true", ""], ["output1", "default"]),
        ("SEND_EMAIL", {"content": {"subject": "Hi", "text": "."}}, [""], ["default"]),
        ("WEBHOOK", {"url": "https://a.example/"}, ["output1", ""], ["output1", "default"]),
        ("CONTENT", {}, ["maybe", "", "completed"], ["extra1", "default", "extra2"]),
    ],
)
def test_labels_stand_for_outputs(kind: str, config: dict[str, Any], labels: list[str], expected: list[str]) -> None:
    edges = [edge("0", "1", label=label) if label else edge("0", "1") for label in labels]
    graph = read({"nodes": [node(kind, config), node("EXIT")], "edges": edges})
    assert [each.output for each in graph.edges] == expected
    assert [each.get("label", "") for each in write(graph)["edges"]] == labels


@pytest.mark.parametrize(
    "said",
    [
        trigger("URL_MATCH", matchType="startsWith", pattern="/shop"),
        trigger("CUSTOM_EVENT", eventName="bought"),
        trigger("CUSTOM_EVENT", eventName="b", conditions=[{"attribute": "n", "operator": "GT", "values": [3]}]),
        trigger("ELEMENT_CLICK", selector="#buy"),
        trigger(),
        node("CONTENT", {"contentType": "flow", "timeout": {"duration": 48, "unit": "hours"}}, contentId="flow_abc"),
        node("CONTENT", contentId=None),
        node("WAIT", {"duration": 7, "unit": "days"}),
        node("WAIT", {"until": "2026-05-01T09:00:00Z"}),
        node("WAIT", {"time_of_day": {"time": "09:00", "timezone": "device"}}),
        node("WAIT_FOR_EVENT", {"eventName": "bought", "timeout": {"duration": 1, "unit": "weeks"}}),
        node("CONDITION", {"ruleTree": {"field": "plan", "operator": "eq", "value": "pro"}}),
        node("SPLIT", {"branches": [{"label": "a", "percentage": 30.0}, {"label": "b", "percentage": 60.5}]}),
        node("GOAL_CHECK"),
        node("GOAL_CHECK", {"goalConfig": {"type": "flow_completed", "config": {"flowId": "f"}}}),
        node("GOAL_CHECK", {"goalConfig": {"type": "event", "config": {"eventName": "bought"}, "deadline": 3}}),
        node("EXIT", {"outcome": "won"}),
        node("START_BY_SEGMENT", {"filter": 'T("vip", EQ, true)', "trigger": "DYNAMIC"}),
    ],
    ids=lambda said: said["type"],
)
def test_a_node_is_shown_as_it_was_said(said: dict[str, Any]) -> None:
    (shown,) = write(read({"nodes": [said], "edges": []}))["nodes"]
    del shown["id"]
    assert shown == said


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"nodes": [node("TRIGGER", {"triggerType": "NOW"})]}, ["nodes.0.config.triggerType"]),
        ({"nodes": [trigger("CUSTOM_EVENT")]}, ["nodes.0.config.triggerConfig.eventName"]),
        ({"nodes": [trigger("MANUAL", x=1)]}, ["nodes.0.config.triggerConfig.x"]),
        ({"nodes": [node("DANCE"), node("EXIT", {"y": 1})]}, ["nodes.0.type", "nodes.1.config.y"]),
        ({"nodes": [node("WAIT", {"duration": 3})]}, ["nodes.0.config"]),
        ({"nodes": [node("WAIT", {"duration": 3, "unit": "years"})]}, ["nodes.0.config.unit"]),
        ({"nodes": [node("WAIT", {"duration": 60, "unit": "weeks"})]}, ["nodes.0.config.duration"]),
        ({"nodes": [node("WAIT", {"until": "2026-05-01T09:00:00"})]}, ["nodes.0.config.until"]),
        ({"nodes": [node("EXIT", contentId="f")]}, ["nodes.0.contentId"]),
        ({"nodes": [node("EXIT", id="7")]}, ["nodes.0.id"]),
        ({"nodes": [node("SPLIT", {"branches": [A_HALF, A_HALF]})]}, ["nodes.0.config.branches.1.label"]),
        ({"nodes": [node("GOAL_CHECK", {"goalConfig": {"type": "page_visit"}})]}, [f"{GOAL}.config.pattern"]),
        ({"nodes": [node("SEND_EMAIL", {"bcc": 3})]}, ["nodes.0.config.bcc"]),
        ({"nodes": [trigger()], "edges": [edge("0", "7")]}, ["edges.0.targetNodeId"]),
        ({"nodes": [trigger()], "edges": [edge("x", "0")]}, ["edges.0.sourceNodeId"]),
        ({"nodes": [], "edges": [], "colour": 1}, ["colour"]),
        (
            {
                "nodes": [7, {"config": {}, "clientId": "a"}, node("WAIT", {"duration": 1}, position=0), node("DANCE")],
                "edges": [edge("a", "0"), {"sourceNodeId": "1", "label": 3}, edge("0", "4")],
                "colour": 1,
            },
            [
                "colour", "nodes.0", "nodes.1.type", "nodes.2.position", "edges.1.targetNodeId", "edges.1.label",
                "nodes.2.config", "nodes.3.type", "edges.2.targetNodeId",
            ],
        ),
        (
            {"nodes": [node("TRIGGER", {"triggerType": "MANUAL", "x": 1, "triggerConfig": {"y": 1}})]},
            ["nodes.0.config.x", "nodes.0.config.triggerConfig.y"],
        ),
    ],
)  # fmt: skip
def test_what_is_no_canvas_is_refused_with_all_places(document: dict[str, Any], paths: list[str]) -> None:
    assert problems(document) == paths


def test_an_edge_to_nowhere_is_kept() -> None:
    nowhere = "0b9e2c61-6a0e-4e0f-8f7e-1d1f0a5f8d11"
    graph = read({"nodes": [trigger()], "edges": [edge("0", nowhere)]})
    assert [each.to for each in graph.edges] == [nowhere]


def test_the_split_of_labels_is_even() -> None:
    graph = read({"nodes": [node("SPLIT"), node("EXIT")], "edges": [edge("0", "1", label=each) for each in "abc"]})
    (split, _) = graph.points
    assert isinstance(split, RandomSplitter)
    assert [(each.title, each.percent) for each in split.branches] == [("a", 33.34), ("b", 33.33), ("c", 33.33)]


def test_edges_without_labels_share_a_split_evenly() -> None:
    edges = [edge("0", "1"), edge("0", "1", label="A"), edge("0", "1")]
    graph = read({"nodes": [node("SPLIT"), node("EXIT")], "edges": edges})
    (split, _) = graph.points
    assert isinstance(split, RandomSplitter)
    assert [(each.title, each.percent) for each in split.branches] == [("B", 33.34), ("A", 33.33), ("C", 33.33)]
    assert [each.output for each in graph.edges] == ["output1", "output2", "output3"]
    assert read(write(graph)) == graph


@pytest.mark.parametrize(
    ("labels", "shares"),
    [
        (["30%", "70 % long"], [("30%", 30), ("70 % long", 70)]),
        (["50%", "50%"], [("50%", 50), ("50% A", 50)]),
        (["12.5%", "12.5%"], [("12.5%", 12.5), ("12.5% A", 12.5)]),
        (["30%", "rest"], [("30%", 50), ("rest", 50)]),
        (["v1", "v1", "v2"], [("v1", 33.34), ("v1 A", 33.33), ("v2", 33.33)]),
        (["1000%", "10"], [("1000%", 50), ("10", 50)]),
    ],
)
def test_labels_of_edges_may_say_how_a_split_is_shared(labels: list[str], shares: list[tuple[str, float]]) -> None:
    edges = [edge("0", "1", label=each) for each in labels]
    graph = read({"nodes": [node("SPLIT"), node("EXIT")], "edges": edges})
    (split, _) = graph.points
    assert isinstance(split, RandomSplitter)
    assert [(each.title, each.percent) for each in split.branches] == shares
    assert [each.output for each in graph.edges] == [f"output{number + 1}" for number in range(len(shares))]
    assert read(write(graph)) == graph


def test_the_guide_documents_every_node_and_label() -> None:
    guide = (Path(__file__).parents[2] / "docs/journeys-api.md").read_text()
    rows = {row.split("`")[1]: row for row in reversed(guide.splitlines()) if row.startswith("| `")}
    for kind, config in {**CONFIGS, **TRIGGERS}.items():
        fields = {field.encode_name for field in msgspec.structs.fields(config)}
        assert {field for field in fields if f"`{field}`" not in rows[kind]} == set(), kind
    labels = guide[guide.index("### Labels") : guide.index("### Saving")]
    missing = {label for words in (CONTENT, EVENT_WAIT, GOAL_LABELS) for label in words if f"`{label}`" not in labels}
    assert missing == {""}


# Goals --------------------------------------------------------------------------------------------------------

BOUGHT, RULE = EventGoal(event_name="bought"), AttributeMatch(field="plan", operator="eq", value="pro")


@pytest.mark.parametrize(
    ("goal", "kind"),
    [
        (JourneyGoal(event=BOUGHT, deadline_days=7), "event"),
        (JourneyGoal(attribute_match=RULE), "attribute_match"),
        (JourneyGoal(), None),
        (JourneyGoal(deadline_days=7), None),
        (JourneyGoal(event=BOUGHT, attribute_match=RULE, deadline_days=7), None),
        (JourneyGoal(attribute_match=AttributeMatch(field="plan", operator="like", value=None)), None),
    ],
)
def test_a_goal_of_either_dialect_comes_back_as_it_was(goal: JourneyGoal, kind: str | None) -> None:
    written = json.loads(msgspec.json.encode(write_goal(goal)))
    assert written["type"] == kind
    assert list(goal_problems(written, "goalConfig")) == []
    assert read_goal(written) == goal


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({}, ["type"]),
        ({"type": "?", "deadline": 0}, ["type", "deadline"]),
        ({"type": ["event"]}, ["type"]),
        ({"type": "event", "deadline": 0, "config": {"x": 1}}, ["deadline", "config.x", "config.eventName"]),
        ({"type": None, "config": {"event": {"event_name": ""}}}, ["config.event.event_name"]),
        ({"type": None, "config": {"deadline_days": 3}}, ["config.deadline_days"]),
    ],
)
def test_what_is_no_goal_is_told_at_once(document: dict[str, Any], paths: list[str]) -> None:
    found = [dotted(each.where) for each in goal_problems(document, "goalConfig")]
    assert found == [f"goalConfig.{path}" for path in paths]
