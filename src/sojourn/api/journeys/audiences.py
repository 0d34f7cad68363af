"""Audiences: stored segments, written as rule trees.

Source: the journeys contract, "Audiences".
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from sojourn.api.journeys.envelope import Nothing, Page, Paging, Wire
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.service import commands as c
from sojourn.service.errors import SegmentNotFound

TAG = "Audiences"

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Description = Annotated[str, Meta(max_length=10_000)]
RuleTree = Annotated[dict[str, Any], Meta(description="A group or a rule; see the guide to segments.")]
Sample = Annotated[int, Meta(ge=0, le=100)]


class AudienceQuery(Paging, frozen=True, kw_only=True):
    """Which audiences."""

    search: Annotated[str, Meta(max_length=255, description="Part of the name.")] = ""


class NewAudience(Wire, frozen=True, kw_only=True):
    """An audience."""

    name: Name
    rule_tree: RuleTree
    description: Description | None = None


class AudienceChange(Wire, frozen=True, kw_only=True):
    """What changes of an audience."""

    name: Name | UnsetType = UNSET
    rule_tree: RuleTree | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET


class Audience(Wire, frozen=True, kw_only=True):
    """An audience. `code` and `filter` are its name and meaning in the gateway API.

    `ruleTree` is null where it was written there.
    """

    id: UUID
    name: str
    description: str
    rule_tree: dict[str, Any] | None
    code: str
    filter: str
    created_at: datetime
    updated_at: datetime


class Question(Wire, frozen=True, kw_only=True):
    """Whom a rule tree describes."""

    rule_tree: RuleTree
    sample: Sample = 10


class SampledPerson(Wire, frozen=True, kw_only=True):
    """Somebody of the audience."""

    user_id: str | None


class Preview(Wire, frozen=True, kw_only=True):
    """How many people an audience has, and some of them."""

    count: int
    sample: tuple[SampledPerson, ...]


async def _listed(call: Call[AudienceQuery, Nothing]) -> Page[Audience]:
    query = call.query
    command = c.ListAudiences(search=query.search, limit=query.limit, offset=query.offset)
    reply = await call.service.run(call.caller, command)
    return Page(tuple(map(audience_wire, reply.items)), reply.total, query)


async def _create(call: Call[Nothing, NewAudience]) -> Audience:
    body = call.body
    command = c.CreateSegment(title=body.name, description=body.description or "", rule_tree=body.rule_tree)
    return audience_wire(await call.service.run(call.caller, command))


async def _show(call: Call[Nothing, Nothing]) -> Audience:
    return audience_wire(await _found(call))


async def _change(call: Call[Nothing, AudienceChange]) -> Audience:
    body, found = call.body, await _found(call)
    command = c.UpdateSegment(
        code=found.code,
        title=None if body.name is UNSET else body.name,
        description=None if body.description is UNSET else body.description or "",
        rule_tree=None if body.rule_tree is UNSET else body.rule_tree,
    )
    return audience_wire(await call.service.run(call.caller, command))


async def _delete(call: Call[Nothing, Nothing]) -> None:
    await call.service.run(call.caller, c.DeleteSegment(code=(await _found(call)).code))


async def _preview(call: Call[Nothing, Question]) -> Preview:
    command = c.PreviewSegment(rule_tree=call.body.rule_tree, sample=call.body.sample)
    reply = await call.service.run(call.caller, command)
    return Preview(count=reply.count, sample=tuple(SampledPerson(user_id=each.user_id) for each in reply.sample))


async def _found(call: Call[Nothing, Any]) -> c.Segment:
    return await call.service.run(call.caller, c.GetAudience(audience=call.uuid("id", SegmentNotFound)))


def audience_wire(segment: c.Segment) -> Audience:
    """Show a segment as an audience."""
    return Audience(
        id=segment.audience,
        name=segment.title,
        description=segment.description,
        rule_tree=None if segment.rule_tree is None else dict(segment.rule_tree),
        code=segment.code,
        filter=segment.source,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
    )


_TREE = {"logicalOperator": "AND", "rules": [{"field": "traits.plan", "operator": "eq", "value": "pro"}]}
_AUDIENCE = {
    "id": "6a1f7e2c-4b1d-4f0e-9c3a-2d5e8f7a6b1c",
    "name": "Pro customers",
    "description": "",
    "ruleTree": _TREE,
    "code": "K7QZX-2M4TB",
    "filter": 'T("plan", EQ, "pro", exact)',
    "createdAt": "2026-03-01T09:00:00Z",
    "updatedAt": "2026-03-01T09:00:00Z",
}

AUDIENCE_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/audiences",
        name="listAudiences",
        tag=TAG,
        summary="List audiences, newest first. They are the filters of the gateway API.",
        commands=(c.ListAudiences,),
        query=AudienceQuery,
        body=Nothing,
        reply=Audience,
        is_list=True,
        handle=_listed,
        examples=(Example(title="One audience", data=[_AUDIENCE]),),
    ),
    Route(
        verb="POST",
        path="/api/audiences",
        name="createAudience",
        tag=TAG,
        summary="Make an audience.",
        commands=(c.CreateSegment,),
        query=Nothing,
        body=NewAudience,
        reply=Audience,
        status=201,
        handle=_create,
        refusals=("exists", "filter.invalid"),
        examples=(Example(title="Pro customers", body={"name": "Pro customers", "ruleTree": _TREE}, data=_AUDIENCE),),
    ),
    Route(
        verb="POST",
        path="/api/audiences/preview",
        name="previewAudience",
        tag=TAG,
        summary="Count whom a rule tree describes, and show some.",
        commands=(c.PreviewSegment,),
        query=Nothing,
        body=Question,
        reply=Preview,
        handle=_preview,
        refusals=("filter.invalid", "too_long"),
        examples=(
            Example(
                title="Pro customers",
                body={"ruleTree": _TREE},
                data={"count": 1, "sample": [{"userId": "ada"}]},
            ),
        ),
    ),
    Route(
        verb="GET",
        path="/api/audiences/{id}",
        name="getAudience",
        tag=TAG,
        summary="Show an audience.",
        commands=(c.GetAudience,),
        query=Nothing,
        body=Nothing,
        reply=Audience,
        handle=_show,
        examples=(Example(title="Pro customers", data=_AUDIENCE),),
    ),
    Route(
        verb="PATCH",
        path="/api/audiences/{id}",
        name="updateAudience",
        tag=TAG,
        summary="Change an audience: only what is given. Journeys that run go by it from then on.",
        commands=(c.GetAudience, c.UpdateSegment),
        query=Nothing,
        body=AudienceChange,
        reply=Audience,
        handle=_change,
        refusals=("exists", "filter.invalid"),
        examples=(Example(title="Rename", body={"name": "Payers"}, data=_AUDIENCE | {"name": "Payers"}),),
    ),
    Route(
        verb="DELETE",
        path="/api/audiences/{id}",
        name="deleteAudience",
        tag=TAG,
        summary="Delete an audience that nothing uses.",
        commands=(c.GetAudience, c.DeleteSegment),
        query=Nothing,
        body=Nothing,
        reply=None,
        handle=_delete,
        refusals=("in_use",),
        examples=(Example(title="Deleted", data=None),),
    ),
)
