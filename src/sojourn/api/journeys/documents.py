"""Documents: a journey as it is written by operators and shown to them.

Source: the journeys contract, "Journeys API".
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sojourn.api.journeys.audiences import Audience, audience_wire
from sojourn.api.journeys.canvas import (
    EDGES_MAX,
    NODES_MAX,
    CanvasEdge,
    NewEdge,
    NewNode,
    Node,
    canvas_problems,
    write_edges,
    write_nodes,
)
from sojourn.api.journeys.envelope import Wire
from sojourn.api.journeys.goals import goal_problems, write_goal
from sojourn.api.journeys.routing import Call
from sojourn.api.journeys.settings import settings_problems, write_settings
from sojourn.api.journeys.states import STATUSES, JourneyStatus
from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.errors import JourneyNotFound

TAG = "Journeys"

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Description = Annotated[str, Meta(max_length=10_000)]


class NewJourney(Wire, frozen=True, kw_only=True):
    """A journey."""

    name: Name
    site_id: UUID
    description: Description | None = None
    audience_id: UUID | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    goal_config: dict[str, Any] | None = None
    allow_anonymous: bool = False
    nodes: Annotated[tuple[NewNode, ...], Meta(max_length=NODES_MAX)] = ()
    edges: Annotated[tuple[NewEdge, ...], Meta(max_length=EDGES_MAX)] = ()


class JourneyChange(Wire, frozen=True, kw_only=True):
    """What changes of a journey; null clears."""

    name: Name | UnsetType = UNSET
    site_id: UUID | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    audience_id: UUID | UnsetType | None = UNSET
    settings: dict[str, Any] | UnsetType | None = UNSET
    goal_config: dict[str, Any] | UnsetType | None = UNSET
    allow_anonymous: bool | UnsetType | None = UNSET


class Counts(Wire, frozen=True, kw_only=True):
    """How much there is of it."""

    nodes: int
    edges: int
    enrollments: int


class Journey(Wire, frozen=True, kw_only=True):
    """A journey in a list."""

    id: UUID
    name: str
    description: str | None
    status: JourneyStatus
    audience_id: UUID | None
    site_id: UUID | None
    settings: dict[str, Any]
    goal_config: dict[str, Any] | None
    allow_anonymous: bool
    created_at: datetime
    updated_at: datetime
    count: Counts = msgspec.field(name="_count")


class WholeJourney(Journey, frozen=True, kw_only=True):
    """A journey with all that is drawn."""

    nodes: tuple[Node, ...]
    edges: tuple[CanvasEdge, ...]
    audience: Audience | None


# What is wrong with one ---------------------------------------------------------------------------------------------


def journey_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what keeps JSON from being a journey, with its nodes and edges, although its types are right."""
    return chain(field_problems(document), canvas_problems(document))


def field_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what is wrong with what a journey has beside its nodes and edges, although the types are right."""
    settings, goal = document.get("settings"), document.get("goalConfig")
    if isinstance(settings, dict):
        yield from settings_problems(cast("dict[str, Any]", settings), "settings")
    if goal is not None:
        yield from goal_problems(goal, "goalConfig")


# Showing one --------------------------------------------------------------------------------------------------------


async def whole(call: Call[Any, Any], journey: c.Journey) -> WholeJourney:
    """Show a journey with all that is drawn."""
    counts = await call.service.run(call.caller, c.CountEnrollments(journeys=(journey.journey,)))
    audience = None
    if journey.audience is not None:
        audience = audience_wire(await call.service.run(call.caller, c.GetAudience(audience=journey.audience)))
    return WholeJourney(
        **_fields(journey, counts.counts[journey.journey]),
        nodes=write_nodes(journey.graph, journey.layout),
        edges=write_edges(journey.graph),
        audience=audience,
    )


def listed(journey: c.Journey, enrollments: int) -> Journey:
    """Show a journey in a list."""
    return Journey(**_fields(journey, enrollments))


def _fields(journey: c.Journey, enrollments: int) -> dict[str, Any]:
    settings = journey.graph.settings
    return {
        "id": journey.journey,
        "name": journey.title,
        "description": journey.description or None,
        "status": STATUSES[journey.status],
        "audience_id": journey.audience,
        "site_id": journey.site,
        "settings": write_settings(settings.conduct),
        "goal_config": None if settings.goal is None else write_goal(settings.goal),
        "allow_anonymous": settings.admits_anonymous,
        "created_at": journey.created_at,
        "updated_at": journey.updated_at,
        "count": Counts(nodes=len(journey.graph.points), edges=len(journey.graph.edges), enrollments=enrollments),
    }


def journey_id(call: Call[Any, Any]) -> UUID:
    """Return the id of the path.

    Raises:
        JourneyNotFound: It is none.
    """
    return call.uuid("id", JourneyNotFound)


_TRIGGER_ID, _FLOW_ID = "a2b1c3d4-5e6f-4a1b-8c2d-3e4f5a6b7c81", "a2b1c3d4-5e6f-4a1b-8c2d-3e4f5a6b7c82"
EXAMPLE_NODES = [
    {
        "id": _TRIGGER_ID,
        "type": "TRIGGER",
        "config": {"triggerType": "URL_MATCH", "triggerConfig": {"matchType": "contains", "pattern": "/dashboard"}},
        "position": {"x": 0, "y": 0},
    },
    {
        "id": _FLOW_ID,
        "type": "CONTENT",
        "contentId": "flow_abc",
        "config": {"contentType": "flow"},
        "position": {"x": 200, "y": 0},
    },
]
EXAMPLE_EDGES = [{"sourceNodeId": _TRIGGER_ID, "targetNodeId": _FLOW_ID}]
EXAMPLE_GOAL = {"type": "flow_completed", "config": {"flowId": "flow_abc"}, "deadline": 7}
EXAMPLE_SITE = "3c1f2f5e-8d0b-4e9c-9b55-0d9f4d1f8a10"
EXAMPLE = {
    "id": "5d0c7b8a-9e1f-4a2b-8c3d-4e5f6a7b8c9d",
    "name": "New User Onboarding",
    "description": "Guide new users through core features",
    "status": "DRAFT",
    "audienceId": None,
    "siteId": EXAMPLE_SITE,
    "settings": {},
    "goalConfig": EXAMPLE_GOAL,
    "allowAnonymous": False,
    "createdAt": "2026-03-01T09:00:00Z",
    "updatedAt": "2026-03-01T09:00:00Z",
    "_count": {"nodes": 2, "edges": 1, "enrollments": 0},
}
EXAMPLE_WHOLE = EXAMPLE | {"nodes": EXAMPLE_NODES, "edges": EXAMPLE_EDGES, "audience": None}
