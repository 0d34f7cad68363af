"""Content: what the pages of a site show, by type."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from sojourn.api.common.misfits import misfits
from sojourn.api.common.refusals import MalformedRequest
from sojourn.api.journeys.envelope import Nothing, Page, Paging, Wire
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.model.contents import DOCUMENTS, ContentKind, ContentStatus
from sojourn.service import commands as c
from sojourn.service.errors import NotFound

TAG = "Content"
INVALID = "the content is not valid; `details` says where"
BODY_MAX = 500_000

WireStatus = Literal["DRAFT", "PUBLISHED", "ARCHIVED"]
WireType = Literal["announcement", "banner", "beacon", "flow", "modal", "survey", "task_list", "tooltip"]

TYPES: Mapping[str, ContentKind] = {
    "announcements": "announcement",
    "banners": "banner",
    "beacons": "beacon",
    "flows": "flow",
    "modals": "modal",
    "surveys": "survey",
    "task-lists": "task_list",
    "tooltips": "tooltip",
}
"""The word of the path to the type."""

STATUSES: Mapping[WireStatus, ContentStatus] = {"DRAFT": "draft", "PUBLISHED": "published", "ARCHIVED": "archived"}
WIRE_STATUSES: Mapping[ContentStatus, WireStatus] = {status: name for name, status in STATUSES.items()}

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Document = Annotated[dict[str, Any], Meta(description="Its form depends on the type; see docs/sdk.md.")]


class ContentQuery(Paging, frozen=True, kw_only=True):
    """Which contents. Archived ones are listed only if asked for."""

    site_id: UUID | None = None
    status: WireStatus | None = None
    search: Annotated[str, Meta(max_length=255, description="A part of the name.")] = ""


class NewContent(Wire, frozen=True, kw_only=True):
    """A content. Only published ones are shown."""

    name: Name
    site_id: UUID
    content: Document
    status: WireStatus = "PUBLISHED"


class ContentChange(Wire, frozen=True, kw_only=True):
    """What changes of a content."""

    name: Name | UnsetType = UNSET
    site_id: UUID | UnsetType = UNSET
    content: Document | UnsetType = UNSET
    status: WireStatus | UnsetType = UNSET


class Content(Wire, frozen=True, kw_only=True):
    """A content. `id` is what a node of the type CONTENT names as its `contentId`."""

    id: UUID
    type: WireType
    name: str
    site_id: UUID
    content: dict[str, Any]
    status: WireStatus
    created_at: datetime
    updated_at: datetime


async def _listed(call: Call[ContentQuery, Nothing]) -> Page[Content]:
    query = call.query
    command = c.ListContents(
        kind=_kind(call),
        site=query.site_id,
        status=None if query.status is None else STATUSES[query.status],
        search=query.search,
        limit=query.limit,
        offset=query.offset,
    )
    reply = await call.service.run(call.caller, command)
    return Page(tuple(map(_content, reply.items)), reply.total, query)


async def _create(call: Call[Nothing, NewContent]) -> Content:
    kind, body = _kind(call), call.body
    _check(kind, body.content)
    command = c.CreateContent(
        kind=kind, name=body.name, site=body.site_id, document=body.content, status=STATUSES[body.status]
    )
    return _content(await call.service.run(call.caller, command))


async def _show(call: Call[Nothing, Nothing]) -> Content:
    command = c.GetContent(kind=_kind(call), content=call.uuid("id"))
    return _content(await call.service.run(call.caller, command))


async def _change(call: Call[Nothing, ContentChange]) -> Content:
    kind, body = _kind(call), call.body
    if body.content is not UNSET:
        _check(kind, body.content)
    command = c.UpdateContent(
        kind=kind,
        content=call.uuid("id"),
        name=body.name,
        site=body.site_id,
        document=body.content,
        status=UNSET if body.status is UNSET else STATUSES[body.status],
    )
    return _content(await call.service.run(call.caller, command))


async def _delete(call: Call[Nothing, Nothing]) -> None:
    await call.service.run(call.caller, c.DeleteContent(kind=_kind(call), content=call.uuid("id")))


def _kind(call: Call[Any, Any]) -> ContentKind:
    kind = TYPES.get(call.text("type"))
    if kind is None:
        raise NotFound(f"there is no such type of content; the types are {', '.join(TYPES)}")
    return kind


def _check(kind: ContentKind, document: Mapping[str, Any]) -> None:
    """Refuse a document that has not the form of its type, with all that is wrong."""
    if problems := misfits(document, DOCUMENTS[kind], "content"):
        raise MalformedRequest(INVALID, problems=tuple(problems))


def _content(content: c.Content) -> Content:
    return Content(
        id=content.content,
        type=content.kind,
        name=content.name,
        site_id=content.site,
        content=dict(content.document),
        status=WIRE_STATUSES[content.status],
        created_at=content.created_at,
        updated_at=content.updated_at,
    )


_SITE = "8b1a4f5e-53d0-4a3c-9a63-0e4b8d6f7c21"
_TOUR = {
    "steps": [
        {"title": "Welcome", "body": "Three steps, and you know your way around."},
        {"title": "Your cart", "body": "What you choose **waits here**.", "anchor": "#cart", "placement": "bottom"},
    ]
}
_MADE = {
    "id": "3d0c1b9e-7a55-4c0e-8f5d-2b6f1c9a4e70",
    "type": "flow",
    "name": "First steps",
    "siteId": _SITE,
    "content": _TOUR,
    "status": "PUBLISHED",
    "createdAt": "2026-03-01T09:00:00Z",
    "updatedAt": "2026-03-01T09:00:00Z",
}

CONTENT_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/content/{type}",
        name="listContent",
        tag=TAG,
        summary="List contents of a type, newest first.",
        commands=(c.ListContents,),
        query=ContentQuery,
        body=Nothing,
        reply=Content,
        is_list=True,
        handle=_listed,
        refusals=("not_found",),
        examples=(Example(title="One flow", data=[_MADE]),),
    ),
    Route(
        verb="POST",
        path="/api/content/{type}",
        name="createContent",
        tag=TAG,
        summary="Make a content.",
        description=f"The types are {', '.join(f'`{word}`' for word in TYPES)}.",
        commands=(c.CreateContent,),
        query=Nothing,
        body=NewContent,
        reply=Content,
        status=201,
        handle=_create,
        body_max=BODY_MAX,
        refusals=("not_found",),
        examples=(
            Example(title="A flow", body={"name": "First steps", "siteId": _SITE, "content": _TOUR}, data=_MADE),
        ),
    ),
    Route(
        verb="GET",
        path="/api/content/{type}/{id}",
        name="getContent",
        tag=TAG,
        summary="Show a content.",
        commands=(c.GetContent,),
        query=Nothing,
        body=Nothing,
        reply=Content,
        handle=_show,
        refusals=("not_found",),
        examples=(Example(title="A flow", data=_MADE),),
    ),
    Route(
        verb="PATCH",
        path="/api/content/{type}/{id}",
        name="updateContent",
        tag=TAG,
        summary="Change what is given of a content. Pages learn of it at once.",
        commands=(c.UpdateContent,),
        query=Nothing,
        body=ContentChange,
        reply=Content,
        handle=_change,
        body_max=BODY_MAX,
        refusals=("not_found",),
        examples=(Example(title="Another name", body={"name": "First steps"}, data=_MADE),),
    ),
    Route(
        verb="DELETE",
        path="/api/content/{type}/{id}",
        name="deleteContent",
        tag=TAG,
        summary="Remove a content. Who waits at a node that shows it goes on by its timeout, if it has one.",
        commands=(c.DeleteContent,),
        query=Nothing,
        body=Nothing,
        reply=None,
        handle=_delete,
        refusals=("not_found",),
        examples=(Example(title="Removed", data=None),),
    ),
)
