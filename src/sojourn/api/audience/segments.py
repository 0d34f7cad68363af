"""Segments: `/api/v3/segments`: kept, counted, shown by a sample, exported and explained."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar, cast

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.audience.bulk import AT_ONCE, ExportFormat, Parameters, Slots, exported
from sojourn.api.audience.calls import Answering, Verb, audience_route, malformed
from sojourn.api.audience.spellings import in_language
from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response, parse, read_body
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.misfits import misfits
from sojourn.model.problems import Problem
from sojourn.model.segments import Reference
from sojourn.seglang import render
from sojourn.service.commands import (
    Caller,
    CountSegment,
    CreateList,
    CreateSegment,
    DeleteSegment,
    ExplainSegment,
    GetSegment,
    ListSegments,
    PreviewSegment,
    Segment,
    UpdateSegment,
)
from sojourn.service.exporting.plan import ExportPlan
from sojourn.service.service import Service

PATH = "/api/v3/segments"
CODE = f"{PATH}/{{code:str}}"

BodyT = TypeVar("BodyT", bound=Struct)
Doing = Callable[[AnyRequest, Caller], Awaitable[Response[Any]]]


class Draft(Struct, frozen=True, kw_only=True):
    """A segment as it is made. A list has no `source`."""

    title: str
    kind: Literal["filter", "list"] = "filter"
    source: str | None = None
    code: str = ""
    application_code: str | None = None


class Change(Struct, frozen=True, kw_only=True):
    """The body of an update."""

    title: str
    source: str | None = None


class _Segments:
    """What the methods do."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._exports = Slots(AT_ONCE)

    async def list_all(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """List all, or those of an application."""
        parameters = Parameters(request)
        application = parameters.single("application")
        parameters.refuse()
        found = await self._service.run(caller, ListSegments(application_code=application or None))
        return json_response({"segments": [segment_document(each) for each in found.items]})

    async def create(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """Make a filter or a list."""
        return json_response(segment_document(await self._service.run(caller, creation(await _body(request, Draft)))))

    async def show(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """Show one."""
        return json_response(segment_document(await self._service.run(caller, GetSegment(code=_code(request)))))

    async def update(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """Replace title and filter of one."""
        body = await _body(request, Change)
        command = UpdateSegment(code=_code(request), title=body.title, source=body.source)
        return json_response(segment_document(await self._service.run(caller, command)))

    async def delete(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """Delete one."""
        await self._service.run(caller, DeleteSegment(code=_code(request)))
        return json_response({})

    async def count(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """Count whom a filter describes."""
        found = await self._service.run(caller, await _body(request, CountSegment))
        return json_response({"count": found.count})

    async def preview(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """Show some of those whom a filter describes."""
        return json_response(await self._service.run(caller, await _body(request, PreviewSegment)))

    async def explain(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """Say what becomes of a filter."""
        return json_response(await self._service.run(caller, await _body(request, ExplainSegment)))

    async def export(self, request: AnyRequest, caller: Caller) -> Response[Any]:
        """Send everybody in one, with attributes."""
        parameters = Parameters(request)
        format_ = cast("ExportFormat", parameters.one_of("format", ("csv", "jsonl"), default="jsonl"))
        attributes = tuple(parameters.several("attribute"))
        parameters.refuse()
        found = await self._service.run(caller, GetSegment(code=_code(request)))
        plan = ExportPlan(subject="people", filter=render(Reference(code=found.code)), attributes=attributes)
        return await exported(self._service, caller, plan, format_, self._exports)


def segments_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""
    does = _Segments(service)
    methods: tuple[tuple[Verb, str, str, Doing], ...] = (
        ("GET", PATH, "listSegments", does.list_all),
        ("POST", PATH, "createSegment", does.create),
        ("POST", f"{PATH}/count", "countSegment", does.count),
        ("POST", f"{PATH}/preview", "previewSegment", does.preview),
        ("POST", f"{PATH}/explain", "explainSegment", does.explain),
        ("GET", CODE, "getSegment", does.show),
        ("PUT", CODE, "updateSegment", does.update),
        ("DELETE", CODE, "deleteSegment", does.delete),
        ("GET", f"{CODE}/export", "exportSegment", does.export),
    )
    return [audience_route(verb, path, name, metrics, _known(service, doing)) for verb, path, name, doing in methods]


def _known(service: Service, doing: Doing) -> Answering:
    """Do it for whoever has an API token."""

    async def answering(request: AnyRequest) -> Response[Any]:
        token = token_of(request.headers.get("authorization", ""), "Api")
        return await doing(request, await service.authenticate(token, "api"))

    return answering


def _code(request: AnyRequest) -> str:
    return str(request.path_params["code"])


async def _body(request: AnyRequest, type_: type[BodyT]) -> BodyT:
    """Read the body. A `source` may be a text in the segmentation language, or an object that spells the same.

    Raises:
        MalformedRequest: With all that keeps it from being of the type.
    """
    document = parse(await read_body(request))
    if isinstance(source := document.get("source"), dict):
        document["source"] = in_language(cast("dict[str, Any]", source))
    problems = misfits(document, type_, "")
    if problems:
        raise malformed(problems)
    return msgspec.convert(document, type_)


def creation(draft: Draft) -> CreateList | CreateSegment:
    """Return what makes a segment.

    Raises:
        MalformedRequest: A filter without a source, or a list with one.
    """
    where = {"title": draft.title, "code": draft.code, "application_code": draft.application_code}
    if draft.kind == "list":
        if draft.source is not None:
            raise malformed([Problem("field.conflict", "source", "a fixed list has no filter")])
        return msgspec.convert(where, CreateList)
    if draft.source is None:
        raise malformed([Problem("field.required", "source", "is required")])
    return msgspec.convert(where | {"source": draft.source}, CreateSegment)


def segment_document(segment: Segment) -> dict[str, object]:
    """Write a segment; of a fixed list how many are on it, if somebody counted."""
    members = {} if segment.members is None else {"members": segment.members}
    warnings = [{"code": each.code, "message": each.text} for each in segment.warnings]
    return {
        "code": segment.code,
        "kind": "list" if segment.is_list else "filter",
        "title": segment.title,
        "source": segment.source,
        "application": segment.application_code,
        "created_at": segment.created_at,
        **members,
        **({"warnings": warnings} if warnings else {}),
    }
