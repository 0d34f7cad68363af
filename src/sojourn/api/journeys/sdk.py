"""SDK: what pages tell of their visitors, and what they need to know of their site.

With a key of the site, from any origin that the site allows.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from sojourn.api.common.request_ids import request_id
from sojourn.api.journeys.envelope import Nothing, Wire
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.api.journeys.serving import INVALID
from sojourn.model.agents import AGENT_MAX, device_of
from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.errors import InvalidDocument

TAG = "SDK"
EVENTS_MAX = 500
PAGE_VIEW, CLICK = "page_view", "click"
FEATURES: Mapping[str, bool] = {"content": True, "events": True, "journeys": True, "stream": True}

Id = Annotated[str, Meta(max_length=255)]
Url = Annotated[str, Meta(max_length=8000)]
Properties = dict[str, Any]


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
        surroundings=_browser(body.anonymous_id, _agent(call)),
        source_id=body.id or "",
    )
    await _track(call, (identified,), {"attributes": "traits"})
    found = await call.service.run(call.caller, c.GetVisitor(visitor=c.Visitor(user_id=body.user_id)))
    return Identified(user_id=body.user_id, id=found.profile)


async def _events(call: Call[Nothing, Events]) -> Accepted:
    given, agent = call.body.events, _agent(call)
    await _track(call, tuple(_event(event, agent) for event in given), {"attributes": "properties"})
    return Accepted(accepted=len(given), correlation_id=request_id(call.request.scope))


def _agent(call: Call[Any, Any]) -> str:
    return call.request.headers.get("user-agent", "")[:AGENT_MAX]


@lru_cache(maxsize=4096)
def _browser(visitor: str | None, agent: str) -> c.Surroundings | None:
    """Return what a visitor's browser tells of the device; None for callers that are no browser, or name no visitor."""
    details = device_of(agent)
    return c.Surroundings(browser_id=visitor, details=details) if visitor and details else None


def _event(event: SdkEvent, agent: str) -> c.Call:
    url = {"url": event.url} if event.url else {}
    return c.Call(
        kind="event",
        user_id=event.user_id or "",
        anonymous_id=event.anonymous_id or "",
        name=_name(event),
        attributes=(event.properties or {}) | url,
        surroundings=_browser(event.anonymous_id, agent),
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


_MATCH_TYPES: Mapping[str, Literal["exact", "contains", "startsWith", "endsWith", "regex"]] = {
    "EXACT": "exact",
    "CONTAINS": "contains",
    "STARTS_WITH": "startsWith",
    "ENDS_WITH": "endsWith",
    "REGEX": "regex",
}

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
)
