"""Journeys: nodes and edges with a name, a site, an audience and a goal: made, changed, listed and cloned.

Source: the journeys contract, "Journeys API".
"""

from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from sojourn.api.journeys.canvas import (
    NewCanvas,
    NewEdge,
    NewNode,
    Node,
    canvas_problems,
    read_canvas,
    write_edges,
    write_nodes,
)
from sojourn.api.journeys.documents import (
    EXAMPLE,
    EXAMPLE_EDGES,
    EXAMPLE_GOAL,
    EXAMPLE_NODES,
    EXAMPLE_SITE,
    EXAMPLE_WHOLE,
    TAG,
    Journey,
    JourneyChange,
    NewJourney,
    WholeJourney,
    field_problems,
    journey_id,
    journey_problems,
    listed,
    whole,
)
from sojourn.api.journeys.envelope import Nothing, Page, Paging
from sojourn.api.journeys.goals import read_goal
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.api.journeys.settings import read_settings
from sojourn.api.journeys.states import STATUSES, JourneyStatus
from sojourn.api.journeys.words import in_our_words
from sojourn.model.graph import Graph, Settings
from sojourn.model.lifecycle import Status
from sojourn.model.points import JourneyGoal
from sojourn.service import commands as c
from sojourn.service.errors import InvalidDocument

CANVAS_MAX = 4_000_000
"""Bytes of a body with a canvas."""


class JourneyQuery(Paging, frozen=True, kw_only=True):
    """Which journeys. Archived ones only where they are asked for."""

    status: JourneyStatus | UnsetType = UNSET
    site_id: UUID | UnsetType = UNSET
    search: Annotated[str, Meta(max_length=255, description="Part of the name.")] = ""


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
    items = tuple(listed(each, counts.counts[each.journey]) for each in reply.items)
    return Page(items, reply.total, query)


def _statuses(wanted: JourneyStatus | UnsetType) -> tuple[Status, ...]:
    if wanted is UNSET:
        return ("draft", "running", "paused")
    return tuple(status for status, spelling in STATUSES.items() if spelling == wanted)


async def _create(call: Call[Nothing, NewJourney]) -> WholeJourney:
    body = call.body
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
    return await whole(call, await call.service.run(call.caller, c.CreateJourney(draft=draft)))


async def _audience_code(call: Call[Any, Any], audience: UUID | None) -> str | None:
    if audience is None:
        return None
    return (await call.service.run(call.caller, c.GetAudience(audience=audience))).code


async def _show(call: Call[Nothing, Nothing]) -> WholeJourney:
    return await whole(call, await _found(call))


async def _change(call: Call[Nothing, JourneyChange]) -> WholeJourney:
    body = call.body
    command = c.EditJourney(
        journey=journey_id(call),
        title=body.name,
        description=UNSET if body.description is UNSET else body.description or "",
        site=body.site_id,
        audience=body.audience_id,
        conduct=UNSET if body.settings is UNSET else read_settings(body.settings or {}),
        goal=_changed_goal(body.goal_config),
        admits_anonymous=UNSET if body.allow_anonymous is UNSET else body.allow_anonymous or False,
    )
    return await _edited(call, command)


def _changed_goal(document: dict[str, Any] | UnsetType | None) -> JourneyGoal | UnsetType | None:
    return read_goal(document) if isinstance(document, dict) else document


async def _save_canvas(call: Call[Nothing, NewCanvas]) -> WholeJourney:
    body = call.body
    canvas = read_canvas(body.nodes, body.edges, uuid4)
    drawing = c.Drawing(points=canvas.points, edges=canvas.edges, layout=canvas.layout)
    return await _edited(call, c.EditJourney(journey=journey_id(call), drawing=drawing))


async def _edited(call: Call[Any, Any], command: c.EditJourney) -> WholeJourney:
    try:
        return await whole(call, await call.service.run(call.caller, command))
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
    return await whole(call, await call.service.run(call.caller, c.CreateJourney(draft=draft)))


def _as_new(node: Node) -> NewNode:
    """Return a node as somebody would draw it anew, by whose old id its edges still name it."""
    plain = msgspec.to_builtins(node)
    return msgspec.convert({**plain, "id": None, "clientId": str(node.id)}, NewNode)


async def _found(call: Call[Nothing, Any]) -> c.Journey:
    return await call.service.run(call.caller, c.GetJourney(journey=journey_id(call)))


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
        examples=(Example(title="One journey", data=[EXAMPLE]),),
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
        problems=journey_problems,
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
                    "siteId": EXAMPLE_SITE,
                    "description": "Guide new users through core features",
                    "goalConfig": EXAMPLE_GOAL,
                    "nodes": [{name: value for name, value in node.items() if name != "id"} for node in EXAMPLE_NODES],
                    "edges": [{"sourceNodeId": "0", "targetNodeId": "1"}],
                },
                data=EXAMPLE_WHOLE,
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
        examples=(Example(title="A draft", data=EXAMPLE_WHOLE),),
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
        problems=field_problems,
        reply=WholeJourney,
        handle=_change,
        refusals=("document.invalid", "journey.invalid_state"),
        examples=(
            Example(title="No goal any more", body={"goalConfig": None}, data=EXAMPLE_WHOLE | {"goalConfig": None}),
        ),
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
        problems=canvas_problems,
        reply=WholeJourney,
        handle=_save_canvas,
        body_max=CANVAS_MAX,
        refusals=("document.invalid", "journey.invalid_state"),
        examples=(
            Example(title="The same canvas", body={"nodes": EXAMPLE_NODES, "edges": EXAMPLE_EDGES}, data=EXAMPLE_WHOLE),
        ),
    ),
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
        examples=(Example(title="A copy", data=EXAMPLE_WHOLE | {"name": "New User Onboarding (copy)"}),),
    ),
)
