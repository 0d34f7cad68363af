"""SDK: what the pages of a site ask and tell. With a site's key, from any origin that the site allows."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar.response import Stream
from msgspec import Meta

from sojourn.api.common.request_ids import request_id
from sojourn.api.journeys.envelope import Nothing, Wire
from sojourn.api.journeys.routing import Answer, AnyRoute, Call, Example, Route
from sojourn.api.journeys.serving import INVALID
from sojourn.model.contents import ContentKind
from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.errors import InvalidDocument, JourneyNotFound
from sojourn.service.pages import Page

TAG = "SDK"
EVENTS_MAX = 500
PAGE_VIEW, CLICK = "page_view", "click"
FEATURES: Mapping[str, bool] = {"content": True, "events": True, "journeys": True, "stream": True}

STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
RETRY_MS = 3000
"""After so long a browser comes again whose stream was cut."""

Id = Annotated[str, Meta(max_length=255)]
Url = Annotated[str, Meta(max_length=8000)]
Properties = dict[str, Any]


class WhoQuery(Wire, frozen=True, kw_only=True):
    """Who is on the page: one of the two."""

    user_id: Id = ""
    anonymous_id: Id = ""


class Identification(Wire, frozen=True, kw_only=True):
    """Who the visitor is."""

    user_id: Annotated[str, Meta(min_length=1, max_length=255)]
    role: Annotated[str, Meta(max_length=255)] | None = None
    traits: Properties | None = None
    anonymous_id: Id | None = None
    id: Id | None = None


class Identified(Wire, frozen=True, kw_only=True):
    """Who it was. `id` is by which enrollments name the person; null in the moment in which they are deleted."""

    user_id: str
    id: UUID | None


class SdkEvent(Wire, frozen=True, kw_only=True):
    """Something that a visitor did. `name` is needed unless the type says it."""

    type: Annotated[str, Meta(min_length=1, max_length=100, description="PAGE_VIEW, CLICK, CUSTOM or another word.")]
    name: Annotated[str, Meta(max_length=255)] | None = None
    properties: Properties | None = None
    url: Url | None = None
    user_id: Id | None = None
    anonymous_id: Id | None = None
    timestamp: datetime | None = None
    id: Id | None = None


class Events(Wire, frozen=True, kw_only=True):
    """Some events, in their order."""

    events: Annotated[tuple[SdkEvent, ...], Meta(min_length=1, max_length=EVENTS_MAX)]


class Accepted(Wire, frozen=True, kw_only=True):
    """How many were taken; they are durable. `correlationId` is `X-Request-Id`, as in the logs."""

    accepted: int
    correlation_id: str


class Pattern(Wire, frozen=True, kw_only=True):
    """How the address of a page is held against a pattern."""

    match_type: Literal["exact", "contains", "startsWith", "endsWith", "regex"]
    pattern: str


class Watch(Wire, frozen=True, kw_only=True):
    """What running journeys of the site wait for."""

    urls: tuple[Pattern, ...]
    selectors: tuple[str, ...]
    events: tuple[str, ...]


class Config(Wire, frozen=True, kw_only=True):
    """What a page needs to know."""

    tenant_id: UUID
    site_id: UUID
    name: str
    settings: dict[str, Any]
    features: dict[str, bool]
    default_locale: str
    watch: Watch


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
    """Whom to enroll."""

    user_id: Id = ""
    anonymous_id: Id = ""
    id: Id = ""


async def _config(call: Call[Nothing, Nothing]) -> Config:
    found = await call.service.run(call.caller, c.GetSiteConfig())
    return Config(
        tenant_id=found.tenant,
        site_id=found.site,
        name=found.name,
        settings=dict(found.settings),
        features=dict(FEATURES),
        default_locale=found.default_locale,
        watch=Watch(
            urls=tuple(Pattern(match_type=_MATCH_TYPES[kind], pattern=pattern) for kind, pattern in found.urls),
            selectors=found.selectors,
            events=found.events,
        ),
    )


async def _identify(call: Call[Nothing, Identification]) -> Identified:
    body = call.body
    role = {} if body.role is None else {"role": body.role}
    identified = c.Call(
        kind="identify",
        user_id=body.user_id,
        anonymous_id=body.anonymous_id or "",
        attributes=(body.traits or {}) | role,
        source_id=body.id or "",
    )
    await _track(call, (identified,), {"attributes": "traits"})
    found = await call.service.run(call.caller, c.GetVisitor(visitor=c.Visitor(user_id=body.user_id)))
    return Identified(user_id=body.user_id, id=found.profile)


async def _events(call: Call[Nothing, Events]) -> Accepted:
    given = call.body.events
    await _track(call, tuple(map(_event, given)), {"attributes": "properties"})
    return Accepted(accepted=len(given), correlation_id=request_id(call.request.scope))


def _event(event: SdkEvent) -> c.Call:
    url = {"url": event.url} if event.url else {}
    return c.Call(
        kind="event",
        user_id=event.user_id or "",
        anonymous_id=event.anonymous_id or "",
        name=_name(event),
        attributes=(event.properties or {}) | url,
        timestamp=event.timestamp,
        source_id=event.id or "",
    )


def _name(event: SdkEvent) -> str:
    """Return the name of an event: its own, or what its type says.

    >>> _name(SdkEvent(type="PAGE_VIEW", name="ignored")), _name(SdkEvent(type="CUSTOM", name="bought"))
    ('page_view', 'bought')
    >>> _name(SdkEvent(type="FORM_SUBMIT"))
    'form_submit'
    """
    match event.type:
        case "PAGE_VIEW":
            return PAGE_VIEW
        case "CLICK":
            return CLICK
        case "CUSTOM":
            return event.name or ""
        case _:
            return event.name or event.type.lower()


_PLACES: Mapping[str, str] = {"user_id": "userId", "anonymous_id": "anonymousId", "source_id": "id"}


async def _track(call: Call[Any, Any], calls: tuple[c.Call, ...], names: Mapping[str, str]) -> None:
    """Have calls taken, all or none; what is wrong with one is told in the words of the request."""
    try:
        await call.service.run(call.caller, c.TrackCalls(calls=calls))
    except InvalidDocument as error:
        is_list = "properties" in names.values()
        problems = tuple(Problem(each.code, _place(each.where, is_list, names), each.text) for each in error.problems)
        raise InvalidDocument(INVALID, problems=problems) from error


def _place(where: str, is_list: bool, names: Mapping[str, str]) -> str:
    _, place, *rest = where.split("/")
    words = [names.get(rest[0]) or _PLACES.get(rest[0], rest[0]), *rest[1:]] if rest else []
    return ".".join([f"events[{place}]", *words] if is_list else words)


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
    visitor = c.Visitor(user_id=call.body.user_id, anonymous_id=call.body.anonymous_id)
    await call.service.run(call.caller, c.StartJourney(journey=call.uuid("id", JourneyNotFound), visitor=visitor))


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


_MATCH_TYPES: Mapping[str, Literal["exact", "contains", "startsWith", "endsWith", "regex"]] = {
    "EXACT": "exact",
    "CONTAINS": "contains",
    "STARTS_WITH": "startsWith",
    "ENDS_WITH": "endsWith",
    "REGEX": "regex",
}

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
_CONFIG = {
    "tenantId": "5f7f7f6e-2f1c-4c57-8f0b-7b8c6f0a9d21",
    "siteId": "8b1a4f5e-53d0-4a3c-9a63-0e4b8d6f7c21",
    "name": "Shop",
    "settings": {},
    "features": dict(FEATURES),
    "defaultLocale": "en",
    "watch": {
        "urls": [{"matchType": "contains", "pattern": "/dashboard"}],
        "selectors": ["#buy"],
        "events": ["order_placed"],
    },
}
_TWO_EVENTS = {
    "events": [
        {
            "type": "PAGE_VIEW",
            "url": "https://shop.example/cart",
            "properties": {"title": "Cart", "referrer": ""},
            "anonymousId": "a-1",
            "timestamp": "2026-03-01T09:00:00Z",
            "id": "8f1c2d3e-0001",
        },
        {"type": "CUSTOM", "name": "order_placed", "properties": {"total": 42}, "userId": "u-1"},
    ]
}

SDK_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/sdk/config",
        name="sdkConfig",
        tag=TAG,
        summary="Say what a page needs to know: the site, and what its running journeys wait for.",
        access="key",
        commands=(c.GetSiteConfig,),
        query=Nothing,
        body=Nothing,
        reply=Config,
        handle=_config,
        examples=(Example(title="A shop", data=_CONFIG),),
    ),
    Route(
        verb="POST",
        path="/api/sdk/identify",
        name="sdkIdentify",
        tag=TAG,
        summary="Say who a visitor is. Traits are merged; what the anonymous visitor did is the user's from then on.",
        access="key",
        commands=(c.TrackCalls, c.GetVisitor),
        query=Nothing,
        body=Identification,
        reply=Identified,
        handle=_identify,
        examples=(
            Example(
                title="Ada",
                body={"userId": "u-1", "role": "admin", "traits": {"plan": "pro"}, "anonymousId": "a-1", "id": "i-1"},
                data={"userId": "u-1", "id": "9e500000-0003-8000-8000-00000000002a"},
            ),
        ),
    ),
    Route(
        verb="POST",
        path="/api/sdk/events",
        name="sdkEvents",
        tag=TAG,
        summary="Say what visitors did. The events are durable when answered; one whose id came before is ignored.",
        description="`PAGE_VIEW` becomes the event `page_view` with `url`, `title` and `referrer`; `CLICK` becomes"
        " `click` with `selector`, `url` and `text`; `CUSTOM` has its own name. Any other type is the name in small"
        " letters, unless there is one.",
        access="key",
        commands=(c.TrackCalls,),
        query=Nothing,
        body=Events,
        reply=Accepted,
        status=202,
        handle=_events,
        examples=(
            Example(
                title="Two events",
                body=_TWO_EVENTS,
                data={"accepted": 2, "correlationId": "0d8a1c3e5f7b4a9d8c2e6b4f0e1d3a5c"},
            ),
        ),
    ),
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
        access="key",
        commands=(c.StartJourney,),
        query=Nothing,
        body=Start,
        reply=None,
        status=202,
        handle=_start,
        refusals=("journey.unknown", "journey.not_running", "entry.none"),
        examples=(Example(title="Started", body={"anonymousId": "a-1"}, data=None),),
    ),
)
