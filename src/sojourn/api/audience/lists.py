"""Fixed lists: `/api/v3/segments/{code}/members`: shown, and changed by names or by a file."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.audience.bulk import (
    AT_ONCE,
    IMPORT_MAX,
    REFUSED_MAX,
    Parameters,
    Slots,
    import_format,
    pieces,
)
from sojourn.api.audience.calls import audience_route, malformed
from sojourn.api.audience.uploads import Upload, opened
from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response, parse, read_body
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.misfits import misfits
from sojourn.api.common.queries import read_query
from sojourn.model.problems import Problem
from sojourn.service.commands import Caller, ChangeMembers, ListMembers, Member, MembersAccepted
from sojourn.service.importing.files import SourceStream
from sojourn.service.importing.members import MODES, MembersPlan, MembersReport, Mode
from sojourn.service.importing.rejects import RejectList
from sojourn.service.lists import NAMES, NAMES_MAX
from sojourn.service.service import Service

PATH = "/api/v3/segments/{code:str}/members"

Doing = Callable[[AnyRequest, Caller], Awaitable[Response[Any]]]


class Named(Struct, frozen=True, kw_only=True):
    """The body of a change."""

    user_ids: list[str] = []
    hwids: list[str] = []
    emails: list[str] = []
    phones: list[str] = []
    anonymous_ids: list[str] = []
    profiles: list[int] = []


class Page(Struct, frozen=True, kw_only=True):
    """The query of a page."""

    after: str = ""
    limit: int = 50


def list_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""
    imports = Slots(AT_ONCE)

    async def show(request: AnyRequest, caller: Caller) -> Response[Any]:
        page = read_query(request, Page)
        found = await service.run(caller, ListMembers(code=_code(request), after=page.after, limit=page.limit))
        return json_response({"items": [member_document(each) for each in found.items], "next_after": found.next_after})

    async def add(request: AnyRequest, caller: Caller) -> Response[Any]:
        return json_response(accepted_document(await service.run(caller, await _change(request, gone=False))))

    async def remove(request: AnyRequest, caller: Caller) -> Response[Any]:
        return json_response(accepted_document(await service.run(caller, await _change(request, gone=True))))

    async def take_in(request: AnyRequest, caller: Caller) -> Response[Any]:
        plan = _plan(request)
        format_ = import_format(request.headers.get("content-type", ""))
        upload = Upload(pieces(request), limit=IMPORT_MAX)
        content = opened(upload, request.headers.get("content-encoding", ""))
        source = SourceStream(content, format_, delimiter=plan.delimiter, on_abandon=upload.abandon)
        rejects = RejectList(limit=REFUSED_MAX)
        with imports.taken():
            report = await service.import_members(caller, plan, source, rejects=rejects)
        return json_response(report_document(report) | {"refused": _refused(rejects)})

    def known(doing: Doing) -> Callable[[AnyRequest], Awaitable[Response[Any]]]:
        async def answering(request: AnyRequest) -> Response[Any]:
            token = token_of(request.headers.get("authorization", ""), "Api")
            return await doing(request, await service.authenticate(token, "api"))

        return answering

    return [
        audience_route("GET", PATH, "listMembers", metrics, known(show)),
        audience_route("POST", f"{PATH}/add", "addMembers", metrics, known(add)),
        audience_route("POST", f"{PATH}/remove", "removeMembers", metrics, known(remove)),
        audience_route("POST", f"{PATH}/import", "importMembers", metrics, known(take_in), body_max=None),
    ]


def _code(request: AnyRequest) -> str:
    return str(request.path_params["code"])


async def _change(request: AnyRequest, *, gone: bool) -> ChangeMembers:
    """Read the names.

    Raises:
        MalformedRequest: With all that keeps them from being names; too many are not looked at.
    """
    document = parse(await read_body(request))
    lists = [cast("list[object]", each) for each in document.values() if isinstance(each, list)]
    if sum(map(len, lists)) > NAMES_MAX:
        raise malformed([Problem("members.count", "", f"at most {NAMES_MAX:,} people are named in one request")])
    if problems := misfits(document, Named, ""):
        raise malformed(problems)
    body = msgspec.convert(document, Named)
    names = {field: tuple(getattr(body, field)) for field in NAMES}
    return ChangeMembers(code=_code(request), gone=gone, profiles=tuple(body.profiles), **names)


def accepted_document(reply: MembersAccepted) -> dict[str, object]:
    """Write what became of names."""
    fields = {kind: field for field, kind in NAMES.items()}
    names: dict[str, list[str | int]] = {}
    for key in reply.unknown:
        names.setdefault(fields[key.by], []).append(key.value)
    if reply.unknown_profiles:
        names["profiles"] = list(reply.unknown_profiles)
    return {"accepted": reply.accepted, "unknown": sum(map(len, names.values())), "unknown_names": names}


def _plan(request: AnyRequest) -> MembersPlan:
    parameters = Parameters(request)
    mode = cast("Mode", parameters.one_of("mode", MODES, default="add"))
    columns, delimiter = parameters.pairs("map"), parameters.single("delimiter")
    if len(delimiter) > 1:
        parameters.problems.append(Problem("field.length", "delimiter", "must be one character"))
    parameters.refuse()
    return MembersPlan(code=_code(request), mode=mode, columns=columns, delimiter=delimiter or None)


def _refused(rejects: RejectList) -> list[dict[str, object]]:
    return [{"line": line, "reasons": reasons} for line, reasons in rejects.rows]


def report_document(report: MembersReport) -> dict[str, object]:
    """Write what became of an import."""
    return {
        "rows": report.rows,
        "rows_accepted": report.rows_accepted,
        "rows_refused": report.rows_refused,
        "rows_unknown": report.rows_unknown,
        "removed": report.removed,
    }


def member_document(member: Member) -> dict[str, object]:
    """Write somebody on a list."""
    return {"profile": member.profile, **member.names, "added_at": member.added_at}
