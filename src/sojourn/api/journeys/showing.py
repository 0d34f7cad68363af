"""Showing: what a page shows a visitor now, what became of it, and journeys that a page starts."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar.response import Stream

from sojourn.api.journeys.entering import ENTRY_REFUSALS, EntryData, in_words_of_entering
from sojourn.api.journeys.envelope import Nothing, Wire
from sojourn.api.journeys.routing import Answer, AnyRoute, Call, Example, Route
from sojourn.api.journeys.sdk import TAG, Id, Properties
from sojourn.model.contents import ContentKind
from sojourn.service import commands as c
from sojourn.service.errors import JourneyNotFound
from sojourn.service.pages import Page

STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
RETRY_MS = 3000
"""After so long a browser comes again whose stream was cut."""


class WhoQuery(Wire, frozen=True, kw_only=True):
    """Who is on the page: one of the two."""

    user_id: Id = ""
    anonymous_id: Id = ""


class Item(Wire, frozen=True, kw_only=True):
    """Something to show now. `since` tells this visit of the node from another one."""

    enrollment_id: UUID
    journey_id: UUID
    node_id: UUID
    content_id: UUID
    content_type: ContentKind
    content: dict[str, Any]
    since: datetime


class EnrollmentState(Wire, frozen=True, kw_only=True):
    """An enrollment that goes on, or ended within the hour."""

    id: UUID
    journey_id: UUID
    status: Literal["in_progress", "completed", "stopped", "abandoned", "goal_reached"]


class SnapshotMeta(Wire, frozen=True, kw_only=True):
    """What comes beside the items."""

    enrollments: tuple[EnrollmentState, ...]


class Snapshot(Wire, frozen=True, kw_only=True):
    """All that a page shows now, and the visitor's enrollments."""

    data: tuple[Item, ...]
    meta: SnapshotMeta


class Report(Wire, frozen=True, kw_only=True):
    """What became of a content. `answers` are those to a survey."""

    result: Literal["shown", "completed", "dismissed"]
    since: datetime | None = None
    id: Id = ""
    answers: Properties = msgspec.field(default_factory=dict[str, Any])


class Start(Wire, frozen=True, kw_only=True):
    """Whom to enroll: once, however often the same `id` comes. `data` are values of attributes of the trigger."""

    user_id: Id = ""
    anonymous_id: Id = ""
    id: Id = ""
    data: EntryData = msgspec.field(default_factory=dict[str, str])


async def _shown(call: Call[WhoQuery, Nothing]) -> Answer:
    found = _snapshot(await call.service.run(call.caller, c.GetShown(visitor=_who(call.query))))
    return Answer(data=found.data, meta=found.meta, headers={"cache-control": "no-store"})


async def _stream(call: Call[WhoQuery, Nothing]) -> Stream:
    page = call.service.pages.open(call.caller, _who(call.query))
    return Stream(_messages(call, page), media_type="text/event-stream", headers=STREAM_HEADERS)


async def _messages(call: Call[WhoQuery, Nothing], page: Page) -> AsyncGenerator[bytes]:
    """Yield what a page shows as server-sent events; a comment where nothing happens."""
    yield b"retry: %d\n\n" % RETRY_MS
    async with aclosing(call.service.pages.follow(page)) as following:
        async for found in following:
            yield b":\n\n" if found is None else b"event: content\ndata: %b\n\n" % msgspec.json.encode(_snapshot(found))


async def _report(call: Call[Nothing, Report]) -> None:
    body = call.body
    command = c.ReportContent(
        enrollment=call.uuid("enrollmentId"),
        point=call.uuid("nodeId"),
        result=body.result,
        since=body.since,
        source_id=body.id,
        answers=body.answers,
    )
    await call.service.run(call.caller, command)


async def _start(call: Call[Nothing, Start]) -> None:
    body = call.body
    command = c.StartJourney(
        journey=call.uuid("id", JourneyNotFound),
        visitor=c.Visitor(user_id=body.user_id, anonymous_id=body.anonymous_id),
        attribute_values=body.data,
        source_id=body.id,
    )
    with in_words_of_entering():
        await call.service.run(call.caller, command)


def _who(query: WhoQuery) -> c.Visitor:
    return c.Visitor(user_id=query.user_id, anonymous_id=query.anonymous_id)


def _snapshot(found: c.Shown) -> Snapshot:
    return Snapshot(
        data=tuple(
            Item(
                enrollment_id=item.enrollment,
                journey_id=item.journey,
                node_id=item.point,
                content_id=item.content,
                content_type=item.kind,
                content=dict(item.document),
                since=item.since,
            )
            for item in found.items
        ),
        meta=SnapshotMeta(
            enrollments=tuple(
                EnrollmentState(
                    id=each.enrollment, journey_id=each.journey, status=_STATUSES.get(each.outcome, "stopped")
                )
                for each in found.enrollments
            )
        ),
    )


_STATUSES: Mapping[str | None, Literal["in_progress", "completed", "stopped", "abandoned", "goal_reached"]] = {
    None: "in_progress",
    "abandoned": "abandoned",
    "completed": "completed",
    "goal": "goal_reached",
}
"""How an enrollment ended, in the words of the wire; what is not here ended as stopped."""

_ITEM = {
    "enrollmentId": "e1710000-0003-8000-8000-000000000011",
    "journeyId": "5b0b7a4a-92b4-4a1c-8f6f-0f2a4c6d8e10",
    "nodeId": "7c2d9e1f-4b3a-4d5c-8e6f-1a2b3c4d5e6f",
    "contentId": "3d0c1b9e-7a55-4c0e-8f5d-2b6f1c9a4e70",
    "contentType": "modal",
    "content": {"title": "Welcome", "body": "Good to see you."},
    "since": "2026-03-01T09:00:00Z",
}
_ENROLLMENT = {"id": _ITEM["enrollmentId"], "journeyId": _ITEM["journeyId"], "status": "in_progress"}

SHOWING_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/sdk/journeys",
        name="sdkJourneys",
        tag=TAG,
        summary="Say what a page shows a visitor now. `meta.enrollments` has the visitor's enrollments.",
        access="key",
        commands=(c.GetShown,),
        query=WhoQuery,
        body=Nothing,
        reply=tuple[Item, ...],
        meta=SnapshotMeta,
        handle=_shown,
        examples=(
            Example(title="A modal", query={"anonymousId": "a-1"}, data=[_ITEM], meta={"enrollments": [_ENROLLMENT]}),
        ),
    ),
    Route(
        verb="GET",
        path="/api/sdk/journeys/stream",
        name="sdkStream",
        tag=TAG,
        summary="Follow what a page shows a visitor: server-sent events.",
        description="Each event `content` has what `GET /api/sdk/journeys` answers, whole: what is not in it any more"
        " goes. The first comes at once, the others when something changed. A comment comes every 20 seconds. After 15"
        " minutes the stream ends, and browsers come again.",
        access="key",
        commands=(c.GetShown,),
        query=WhoQuery,
        body=Nothing,
        reply=Snapshot,
        media="text/event-stream",
        handle=_stream,
        refusals=("overloaded",),
        examples=(),
    ),
    Route(
        verb="POST",
        path="/api/sdk/journeys/{enrollmentId}/nodes/{nodeId}",
        name="sdkReport",
        tag=TAG,
        summary="Say what became of a content. Durable when answered.",
        description="`completed` and `dismissed` let the visitor go on, unless `since` names a former visit.",
        access="key",
        commands=(c.ReportContent,),
        query=Nothing,
        body=Report,
        reply=None,
        handle=_report,
        refusals=("not_found",),
        examples=(Example(title="Completed", body={"result": "completed"}, data=None),),
    ),
    Route(
        verb="POST",
        path="/api/sdk/journeys/{id}/start",
        name="sdkStart",
        tag=TAG,
        summary="Enroll a visitor in a running journey of the site whose trigger is MANUAL. Durable when answered.",
        description="Only people of the journey's audience come in, if it has one. `data` has values of the attributes"
        " that the trigger names; see `POST /api/journeys/{id}/enrollments`.",
        access="key",
        commands=(c.StartJourney,),
        query=Nothing,
        body=Start,
        reply=None,
        status=202,
        handle=_start,
        refusals=("journey.unknown", "journey.not_running", *ENTRY_REFUSALS),
        examples=(Example(title="Started", body={"anonymousId": "a-1"}, data=None),),
    ),
)
