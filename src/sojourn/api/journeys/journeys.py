"""Journeys: nodes and edges with a name, a site, an audience and a goal; and their life.

Source: the journeys contract, "Journeys API".
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from sojourn.api.common.refusals import MalformedRequest
from sojourn.api.journeys.audiences import Audience, audience_wire
from sojourn.api.journeys.canvas import (
    EDGES_MAX,
    NODES_MAX,
    CanvasEdge,
    NewCanvas,
    NewEdge,
    NewNode,
    Node,
    canvas_problems,
    read_canvas,
    write_edges,
    write_nodes,
)
from sojourn.api.journeys.envelope import Nothing, Page, Paging, Wire
from sojourn.api.journeys.goals import goal_problems, read_goal, write_goal
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.api.journeys.serving import INVALID
from sojourn.api.journeys.settings import read_settings, settings_problems, write_settings
from sojourn.api.journeys.states import STATUSES, JourneyStatus
from sojourn.api.journeys.words import in_our_words
from sojourn.model.graph import Graph, Settings
from sojourn.model.lifecycle import Command, Status
from sojourn.model.points import JourneyGoal
from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.errors import InvalidDocument, JourneyNotFound

TAG = "Journeys"
CANVAS_MAX = 4_000_000
"""Bytes of a body with a canvas."""

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Description = Annotated[str, Meta(max_length=10_000)]


class JourneyQuery(Paging, frozen=True, kw_only=True):
    """Which journeys. Archived ones only where they are asked for."""

    status: JourneyStatus | UnsetType = UNSET
    site_id: UUID | UnsetType = UNSET
    search: Annotated[str, Meta(max_length=255, description="Part of the name.")] = ""


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
    allow_anonymous: bool | UnsetType = UNSET


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


# Operations -----------------------------------------------------------------------------------------------------


async def _listed(call: Call[JourneyQuery, Nothing]) -> Page[Journey]:
    query = call.query
    command = c.ListJourneys(
        page=query.page,
        page_size=query.limit,
        search=query.search,
        statuses=_statuses(query.status),
        site=None if query.site_id is UNSET else query.site_id,
    )
    reply = await call.service.run(call.caller, command)
    counts = await call.service.run(call.caller, c.CountEnrollments(journeys=tuple(j.journey for j in reply.items)))
    items = tuple(_journey(each, counts.counts[each.journey]) for each in reply.items)
    return Page(items, reply.total, query)


def _statuses(wanted: JourneyStatus | UnsetType) -> tuple[Status, ...]:
    if wanted is UNSET:
        return ("draft", "running", "paused")
    return tuple(status for status, spelling in STATUSES.items() if spelling == wanted)


async def _create(call: Call[Nothing, NewJourney]) -> WholeJourney:
    body = call.body
    refuse([*_field_problems(body.settings, body.goal_config), *canvas_problems(body.nodes, body.edges)])
    site = await call.service.run(call.caller, c.GetSite(site=body.site_id))
    canvas = read_canvas(body.nodes, body.edges, uuid4)
    settings = Settings(
        application_code=site.application_code,
        conduct=read_settings(body.settings),
        goal=None if body.goal_config is None else read_goal(body.goal_config),
        audience_code=await _audience_code(call, body.audience_id),
        admits_anonymous=body.allow_anonymous,
    )
    draft = c.JourneyDraft(
        title=body.name,
        description=body.description or "",
        graph=Graph(points=canvas.points, edges=canvas.edges, settings=settings),
        layout=canvas.layout,
    )
    return await _whole(call, await call.service.run(call.caller, c.CreateJourney(draft=draft)))


async def _audience_code(call: Call[Any, Any], audience: UUID | None) -> str | None:
    if audience is None:
        return None
    return (await call.service.run(call.caller, c.GetAudience(audience=audience))).code


async def _show(call: Call[Nothing, Nothing]) -> WholeJourney:
    return await _whole(call, await _found(call))


async def _change(call: Call[Nothing, JourneyChange]) -> WholeJourney:
    body = call.body
    refuse(_field_problems(body.settings or {}, body.goal_config))
    command = c.EditJourney(
        journey=journey_id(call),
        title=body.name,
        description=UNSET if body.description is UNSET else body.description or "",
        site=body.site_id,
        audience=body.audience_id,
        conduct=UNSET if body.settings is UNSET else read_settings(body.settings or {}),
        goal=_changed_goal(body.goal_config),
        admits_anonymous=body.allow_anonymous,
    )
    return await _edited(call, command)


def _changed_goal(document: dict[str, Any] | UnsetType | None) -> JourneyGoal | UnsetType | None:
    return read_goal(document) if isinstance(document, dict) else document


async def _save_canvas(call: Call[Nothing, NewCanvas]) -> WholeJourney:
    body = call.body
    refuse(canvas_problems(body.nodes, body.edges))
    canvas = read_canvas(body.nodes, body.edges, uuid4)
    drawing = c.Drawing(points=canvas.points, edges=canvas.edges, layout=canvas.layout)
    return await _edited(call, c.EditJourney(journey=journey_id(call), drawing=drawing))


async def _edited(call: Call[Any, Any], command: c.EditJourney) -> WholeJourney:
    try:
        return await _whole(call, await call.service.run(call.caller, command))
    except InvalidDocument as failure:
        drawing = command.drawing
        if drawing is UNSET:
            drawing = (await call.service.run(call.caller, c.GetJourney(journey=command.journey))).graph
        raise in_our_words(failure, drawing.points, drawing.edges) from failure


async def _clone(call: Call[Nothing, Nothing]) -> WholeJourney:
    """Make a draft that says the same, with nodes of its own."""
    original = await _found(call)
    nodes = [_as_new(node) for node in write_nodes(original.graph, original.layout)]
    edges = msgspec.convert(msgspec.to_builtins(write_edges(original.graph)), tuple[NewEdge, ...])
    canvas = read_canvas(nodes, edges, uuid4)
    draft = c.JourneyDraft(
        title=f"{original.title[:240]} (copy)",
        description=original.description,
        graph=replace(original.graph, points=canvas.points, edges=canvas.edges),
        layout=canvas.layout,
    )
    return await _whole(call, await call.service.run(call.caller, c.CreateJourney(draft=draft)))


def _as_new(node: Node) -> NewNode:
    """Return a node as somebody would draw it anew, by whose old id its edges still name it."""
    plain = msgspec.to_builtins(node)
    return msgspec.convert({**plain, "id": None, "clientId": str(node.id)}, NewNode)


async def _archive(call: Call[Nothing, Nothing]) -> WholeJourney:
    return await _changed(call, "discard")


async def _publish(call: Call[Nothing, Nothing]) -> WholeJourney:
    return await _changed(call, "start")


async def _unpublish(call: Call[Nothing, Nothing]) -> WholeJourney:
    return await _changed(call, "unpublish")


async def _pause(call: Call[Nothing, Nothing]) -> WholeJourney:
    return await _changed(call, "close")


async def _restore(call: Call[Nothing, Nothing]) -> WholeJourney:
    return await _changed(call, "restore")


async def _changed(call: Call[Nothing, Nothing], command: Command) -> WholeJourney:
    journey = journey_id(call)
    try:
        found = await call.service.run(call.caller, c.ChangeStatus(journey=journey, command=command))
    except InvalidDocument as failure:
        graph = (await call.service.run(call.caller, c.GetJourney(journey=journey))).graph
        raise in_our_words(failure, graph.points, graph.edges) from failure
    return await _whole(call, found)


# Reading and writing --------------------------------------------------------------------------------------------


def journey_id(call: Call[Any, Any]) -> UUID:
    """Return the id of the path.

    Raises:
        JourneyNotFound: It is none.
    """
    return call.uuid("id", JourneyNotFound)


def refuse(problems: list[Problem]) -> None:
    """Raise where there are problems.

    Raises:
        MalformedRequest: With all of them.
    """
    if problems:
        raise MalformedRequest(INVALID, problems=tuple(problems))


def _field_problems(settings: dict[str, Any], goal: dict[str, Any] | UnsetType | None) -> list[Problem]:
    found = list(settings_problems(settings, "settings"))
    return found if goal is None or goal is UNSET else [*found, *goal_problems(goal, "goalConfig")]


async def _found(call: Call[Nothing, Any]) -> c.Journey:
    return await call.service.run(call.caller, c.GetJourney(journey=journey_id(call)))


async def _whole(call: Call[Any, Any], journey: c.Journey) -> WholeJourney:
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


def _journey(journey: c.Journey, enrollments: int) -> Journey:
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


_TRIGGER_ID, _FLOW_ID = "a2b1c3d4-5e6f-4a1b-8c2d-3e4f5a6b7c81", "a2b1c3d4-5e6f-4a1b-8c2d-3e4f5a6b7c82"
_NODES = [
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
_EDGES = [{"sourceNodeId": _TRIGGER_ID, "targetNodeId": _FLOW_ID}]
_GOAL = {"type": "flow_completed", "config": {"flowId": "flow_abc"}, "deadline": 7}
_SITE_ID = "3c1f2f5e-8d0b-4e9c-9b55-0d9f4d1f8a10"
_JOURNEY = {
    "id": "5d0c7b8a-9e1f-4a2b-8c3d-4e5f6a7b8c9d",
    "name": "New User Onboarding",
    "description": "Guide new users through core features",
    "status": "DRAFT",
    "audienceId": None,
    "siteId": _SITE_ID,
    "settings": {},
    "goalConfig": _GOAL,
    "allowAnonymous": False,
    "createdAt": "2026-03-01T09:00:00Z",
    "updatedAt": "2026-03-01T09:00:00Z",
    "_count": {"nodes": 2, "edges": 1, "enrollments": 0},
}
_WHOLE = _JOURNEY | {"nodes": _NODES, "edges": _EDGES, "audience": None}
_STATE = ("document.invalid", "journey.invalid_state")


def _step(name: str, summary: str, handle: Any, status: JourneyStatus, description: str = "") -> AnyRoute:  # noqa: ANN401
    """Declare a route that changes the status of a journey."""
    return Route(
        verb="POST",
        path=f"/api/journeys/{{id}}/{name}",
        name=f"{name}Journey",
        tag=TAG,
        summary=summary,
        description=description,
        commands=(c.ChangeStatus, c.GetJourney, c.CountEnrollments, c.GetAudience),
        query=Nothing,
        body=Nothing,
        reply=WholeJourney,
        handle=handle,
        refusals=_STATE,
        examples=(Example(title=status.capitalize(), data=_WHOLE | {"status": status}),),
    )


JOURNEY_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/journeys",
        name="listJourneys",
        tag=TAG,
        summary="List journeys, newest first; archived ones only with `status=ARCHIVED`.",
        commands=(c.ListJourneys, c.CountEnrollments),
        query=JourneyQuery,
        body=Nothing,
        reply=Journey,
        is_list=True,
        handle=_listed,
        examples=(Example(title="One journey", data=[_JOURNEY]),),
    ),
    Route(
        verb="POST",
        path="/api/journeys",
        name="createJourney",
        tag=TAG,
        summary="Make a draft.",
        description="A draft is kept with its problems; publishing lists them. Edges name nodes by their id, by "
        "their `clientId`, or by their place in `nodes`, from 0.",
        commands=(c.CreateJourney, c.GetSite, c.GetAudience, c.CountEnrollments),
        query=Nothing,
        body=NewJourney,
        reply=WholeJourney,
        status=201,
        handle=_create,
        body_max=CANVAS_MAX,
        refusals=("document.invalid", "not_found"),
        examples=(
            Example(
                title="A flow on a page",
                body={
                    "name": "New User Onboarding",
                    "siteId": _SITE_ID,
                    "description": "Guide new users through core features",
                    "goalConfig": _GOAL,
                    "nodes": [{name: value for name, value in node.items() if name != "id"} for node in _NODES],
                    "edges": [{"sourceNodeId": "0", "targetNodeId": "1"}],
                },
                data=_WHOLE,
            ),
        ),
    ),
    Route(
        verb="GET",
        path="/api/journeys/{id}",
        name="getJourney",
        tag=TAG,
        summary="Show a journey with its nodes, edges and audience.",
        commands=(c.GetJourney, c.CountEnrollments, c.GetAudience),
        query=Nothing,
        body=Nothing,
        reply=WholeJourney,
        handle=_show,
        examples=(Example(title="A draft", data=_WHOLE),),
    ),
    Route(
        verb="PATCH",
        path="/api/journeys/{id}",
        name="updateJourney",
        tag=TAG,
        summary="Change a journey: only what is given; null clears. The canvas stays as it is.",
        commands=(c.EditJourney, c.GetJourney, c.CountEnrollments, c.GetAudience),
        query=Nothing,
        body=JourneyChange,
        reply=WholeJourney,
        handle=_change,
        refusals=_STATE,
        examples=(Example(title="No goal any more", body={"goalConfig": None}, data=_WHOLE | {"goalConfig": None}),),
    ),
    Route(
        verb="PUT",
        path="/api/journeys/{id}/canvas",
        name="saveCanvas",
        tag=TAG,
        summary="Replace all nodes and edges, in one transaction.",
        description="People who stand on nodes whose ids are kept stay where they are.",
        commands=(c.EditJourney, c.GetJourney, c.CountEnrollments, c.GetAudience),
        query=Nothing,
        body=NewCanvas,
        reply=WholeJourney,
        handle=_save_canvas,
        body_max=CANVAS_MAX,
        refusals=_STATE,
        examples=(Example(title="The same canvas", body={"nodes": _NODES, "edges": _EDGES}, data=_WHOLE),),
    ),
    Route(
        verb="DELETE",
        path="/api/journeys/{id}",
        name="archiveJourney",
        tag=TAG,
        summary="Archive a journey; who is inside stops.",
        commands=(c.ChangeStatus, c.GetJourney, c.CountEnrollments, c.GetAudience),
        query=Nothing,
        body=Nothing,
        reply=WholeJourney,
        handle=_archive,
        refusals=_STATE,
        examples=(Example(title="Archived", data=_WHOLE | {"status": "ARCHIVED"}),),
    ),
    _step("publish", "Let people in. All problems of a draft are told at once.", _publish, "PUBLISHED"),
    _step("unpublish", "Take a journey back to draft. Nobody comes in; who is inside goes on.", _unpublish, "DRAFT"),
    _step(
        "pause",
        "Let nobody in. Who is inside goes on.",
        _pause,
        "PAUSED",
        'With `settings.onPause` "hold", they stay where they are.',
    ),
    _step("restore", "Make an archived journey a draft again.", _restore, "DRAFT"),
    Route(
        verb="POST",
        path="/api/journeys/{id}/clone",
        name="cloneJourney",
        tag=TAG,
        summary="Make a draft that says the same, with nodes of its own.",
        commands=(c.GetJourney, c.CreateJourney, c.CountEnrollments, c.GetAudience),
        query=Nothing,
        body=Nothing,
        reply=WholeJourney,
        status=201,
        handle=_clone,
        examples=(Example(title="A copy", data=_WHOLE | {"name": "New User Onboarding (copy)"}),),
    ),
)
