"""Lifecycle: journeys published, unpublished, paused, archived and restored.

Source: the journeys contract, "Journeys API"; which step is allowed when is the table of `model.lifecycle`.
"""

from typing import Any

from sojourn.api.journeys.documents import EXAMPLE_WHOLE, TAG, WholeJourney, journey_id, whole
from sojourn.api.journeys.envelope import Nothing
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.api.journeys.states import JourneyStatus
from sojourn.api.journeys.words import in_our_words
from sojourn.model.lifecycle import Command
from sojourn.service import commands as c
from sojourn.service.errors import InvalidDocument


def _step(name: str, command: Command, status: JourneyStatus, summary: str, **more: Any) -> AnyRoute:  # noqa: ANN401
    """Declare a route that changes the status of a journey."""

    async def handle(call: Call[Nothing, Nothing]) -> WholeJourney:
        return await _changed(call, command)

    declared: dict[str, Any] = {"verb": "POST", "path": f"/api/journeys/{{id}}/{name}"} | more
    return Route(
        name=f"{name}Journey",
        tag=TAG,
        summary=summary,
        commands=(c.ChangeStatus, c.GetJourney, c.CountEnrollments, c.GetAudience),
        query=Nothing,
        body=Nothing,
        reply=WholeJourney,
        handle=handle,
        refusals=("document.invalid", "journey.invalid_state"),
        examples=(Example(title=status.capitalize(), data=EXAMPLE_WHOLE | {"status": status}),),
        **declared,
    )


async def _changed(call: Call[Nothing, Nothing], command: Command) -> WholeJourney:
    journey = journey_id(call)
    try:
        found = await call.service.run(call.caller, c.ChangeStatus(journey=journey, command=command))
    except InvalidDocument as failure:
        graph = (await call.service.run(call.caller, c.GetJourney(journey=journey))).graph
        raise in_our_words(failure, graph.points, graph.edges) from failure
    return await whole(call, found)


LIFECYCLE_ROUTES: tuple[AnyRoute, ...] = (
    _step(
        "archive",
        "discard",
        "ARCHIVED",
        "Archive a journey; who is inside stops.",
        verb="DELETE",
        path="/api/journeys/{id}",
    ),
    _step("publish", "start", "PUBLISHED", "Let people in. All problems of a draft are told at once."),
    _step("unpublish", "unpublish", "DRAFT", "Take a journey back to draft. Nobody comes in; who is inside goes on."),
    _step(
        "pause",
        "close",
        "PAUSED",
        "Let nobody in. Who is inside goes on.",
        description='With `settings.onPause` "hold", they stay where they are.',
    ),
    _step("restore", "restore", "DRAFT", "Make an archived journey a draft again."),
)
