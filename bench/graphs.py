"""Graphs: the journeys that people move through, and how they get into a database without the API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

import msgspec
import psycopg

from sojourn.compiler.check import check
from sojourn.compiler.listeners import listeners
from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Edge, Graph, Settings
from sojourn.model.points import (
    AnyPoint,
    BooleanSplitter,
    Content,
    EmailContent,
    Exit,
    MessageBus,
    SendEmail,
    StartBySegment,
    Wait,
)
from sojourn.model.segments import All, Attribute, Expression

APP = "BENCH-00001"
WAIT = 2
"""The number of the wait in the welcome series."""

SEGMENTS: Mapping[str, Expression] = {
    "ALL": All(),
    "NEW": All(
        of=(
            Attribute(path=("tier",), operator="EQ", values=("gold",)),
            Attribute(path=("level",), operator="NOTEQ", values=("no one has this",)),
        )
    ),
    "VIP": Attribute(path=("tier",), operator="EQ", values=("gold",)),
}
HELLO = EmailContent(subject="Hello {{ profile.name }}", text="Good to have you here.")


def welcome() -> Graph:
    """Entry by segment, a day's wait, a split on an attribute, an email to those who meet it, exit."""
    points = (
        StartBySegment(id=_id(1), filter_code="ALL"),
        Wait(id=_id(2), duration_seconds=86_400),
        BooleanSplitter(id=_id(3), filter_code="VIP"),
        SendEmail(id=_id(4), content=HELLO),
        Exit(id=_id(5)),
    )
    return _graph(
        points, [(1, "default", 2), (2, "default", 3), (3, "output1", 4), (3, "default", 5), (4, "default", 5)]
    )


def greeting(event_name: str) -> Graph:
    """Entry by event, an email, exit."""
    points = (MessageBus(id=_id(1), event_name=event_name), SendEmail(id=_id(2), content=HELLO), Exit(id=_id(3)))
    return _graph(points, [(1, "default", 2), (2, "default", 3)])


def showing(event_name: str, content: str) -> Graph:
    """Entry by event, a content, exit."""
    points = (
        MessageBus(id=_id(1), event_name=event_name),
        Content(id=_id(2), content_id=content, content_type="MODAL"),
        Exit(id=_id(3)),
    )
    return _graph(points, [(1, "default", 2), (2, "default", 3)])


def newly_gold() -> Graph:
    """Entry of whoever begins to match, an email, exit."""
    points = (
        StartBySegment(id=_id(1), filter_code="NEW", trigger="JOINING", allow_reenter=True),
        SendEmail(id=_id(2), content=HELLO),
        Exit(id=_id(3)),
    )
    return _graph(points, [(1, "default", 2), (2, "default", 3)])


def start_journeys(conn: psycopg.Connection, graphs: Sequence[Graph], now: datetime) -> None:
    """Make running journeys, numbered from 1, with all their definitions."""
    (workspace_id,) = conn.execute("select workspace_id from workspace").fetchone() or (0,)
    conn.execute(
        "insert into app (app_id, workspace_id, application_code, site_id, title, created_at)"
        " values (1, %s, %s, gen_random_uuid(), 'bench', %s)",
        [workspace_id, APP, now],
    )
    for code, expression in SEGMENTS.items():
        conn.execute(
            "insert into segment (segment_uuid, workspace_id, code, title, source, expression, created_at, updated_at)"
            " values (%s, %s, %s, %s, '', %s, %s, %s)",
            [uuid4(), workspace_id, code, code, msgspec.json.encode(expression).decode(), now, now],
        )
    scope = SegmentScope(app_ids={APP: 1}, workspace_id=workspace_id, segments=SEGMENTS)
    for journey_id, graph in enumerate(graphs, 1):
        problems = check(graph, scope)
        assert not problems, f"a journey of the bench has problems: {problems}"
        _start(conn, workspace_id, journey_id, graph, now)
    conn.execute("update installation set epoch = epoch + 1")


def _start(conn: psycopg.Connection, workspace_id: int, journey_id: int, graph: Graph, now: datetime) -> None:
    conn.execute(
        "insert into journey (journey_id, journey_uuid, workspace_id, app_id, title, status, started_at, changed_epoch,"
        " created_at, updated_at) values (%s, gen_random_uuid(), %s, 1, 'bench', 'running', %s, 1, %s, %s)",
        [journey_id, workspace_id, now, now, now],
    )
    conn.execute(
        "insert into journey_version (journey_id, version_no, graph, created_at) values (%s, 1, %s, %s)",
        [journey_id, msgspec.json.encode(graph).decode(), now],
    )
    numbers = {point.id: number for number, point in enumerate(graph.points, 1)}
    for point in graph.points:
        kind = point.__struct_config__.tag
        conn.execute(
            "insert into point (journey_id, point_no, point_uuid, kind) values (%s, %s, %s, %s)",
            [journey_id, numbers[point.id], point.id, kind],
        )
    for each in listeners(graph, numbers):
        conn.execute(
            "insert into listener (journey_id, point_no, workspace_id, event_name, reaction)"
            " values (%s, %s, %s, %s, %s)",
            [journey_id, each.point_no, workspace_id, each.event_name, each.reaction],
        )


def _id(number: int) -> str:
    return str(UUID(int=number))


def _graph(points: tuple[AnyPoint, ...], edges: Sequence[tuple[int, str, int]]) -> Graph:
    return Graph(
        settings=Settings(application_code=APP),
        points=points,
        edges=tuple(Edge(from_=_id(start), output=output, to=_id(end)) for start, output, end in edges),
    )
