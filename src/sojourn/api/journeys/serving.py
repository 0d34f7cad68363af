"""Serving: from the declaration of a route to the handler that answers it."""

import re
from typing import Any, cast

import msgspec
import structlog
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.bodies import AnyRequest, json_response, parse, read_body
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.misfits import PROBLEMS_MAX, misfits
from sojourn.api.common.paths import without_echoes
from sojourn.api.common.queries import read_query
from sojourn.api.common.refusals import InternalError, MalformedRequest
from sojourn.api.journeys.cors import PREFLIGHT, allow, check_origin
from sojourn.api.journeys.door import KEY_FIELD, KEY_PARAMETER, Door
from sojourn.api.journeys.envelope import Nothing, envelope
from sojourn.api.journeys.problems import refused
from sojourn.api.journeys.routing import Answer, AnyRoute, Call
from sojourn.model.problems import SojournError
from sojourn.service.commands import Caller
from sojourn.service.service import Service

DIALECT = "journeys"
INVALID = "the request is not valid; `details` says where"

NOTHING = Nothing()

log = structlog.get_logger()


def handlers(
    routes: tuple[AnyRoute, ...], service: Service, metrics: RequestMetrics, door: Door
) -> list[HTTPRouteHandler]:
    """Make the handlers of routes. Those of the SDK also answer browsers that ask whether a page may call them."""
    return [_handler(route, service, metrics, door) for route in routes]


def paths(route: AnyRoute) -> list[str]:
    """Return where Litestar serves a route."""
    path = re.sub(r"\{(\w+)\}", r"{\1:str}", route.path)
    older = path.replace("/api/sdk", "/api/v1/sdk", 1)
    return [path] if older == path else [path, older]


def _handler(route: AnyRoute, service: Service, metrics: RequestMetrics, door: Door) -> HTTPRouteHandler:
    async def handle(request: AnyRequest) -> Response[Any]:
        if request.method == HttpMethod.OPTIONS:
            return allow(Response(b"", status_code=204, headers=PREFLIGHT))
        with metrics.measure(DIALECT, route.name) as measured:
            try:
                response = _respond(route, await _answer(route, service, door, request))
            except SojournError as error:
                measured.outcome = error.code
                response = refused(error)
            except Exception:
                measured.outcome = InternalError.code
                log.exception("request.failed", dialect=DIALECT, method=route.name)
                response = refused(InternalError())
            return allow(response) if route.access == "key" else response

    return HTTPRouteHandler(
        paths(route),
        http_method=[HttpMethod(route.verb), *([HttpMethod.OPTIONS] if route.access == "key" else [])],
        name=f"{DIALECT}.{route.name}",
        request_max_body_size=route.body_max,
        status_code=route.status,
    )(handle)


async def _answer(route: AnyRoute, service: Service, door: Door, request: AnyRequest) -> object:
    """Let in who may, read what they sent, and do what they ask for, in this order."""
    address = door.address(request)
    door.admit(route, address)
    who: Caller | None = None
    if route.access != "key":
        door.refuse_strangers(request)
    if route.access == "session":
        who = await door.caller(route, request)
    document = parse(await read_body(request)) if request.method != HttpMethod.GET else {}
    if route.access == "key":
        who = await door.site(request, document, address)
        document.pop(KEY_FIELD, None)
        check_origin(who, request)
    call: Call[Any, Any] = Call(
        service=service,
        request=request,
        query=_query(route, request),
        body=_body(route, document),
        address=address,
        over_tls=lambda: door.is_secure(request),
        who=who,
    )
    return await route.handle(call)


def _query(route: AnyRoute, request: AnyRequest) -> object:
    beside = (KEY_PARAMETER,) if route.access == "key" else ()
    try:
        return read_query(request, route.query, beside=beside)
    except MalformedRequest as error:
        raise MalformedRequest(INVALID, problems=error.problems) from error


def _body(route: AnyRoute, document: dict[str, Any]) -> object:
    if route.body is Nothing and not document:
        return NOTHING
    problems = misfits(document, route.body, "")
    if route.problems is not None:
        problems = without_echoes(problems, route.problems(document))
    if problems:
        raise MalformedRequest(INVALID, problems=tuple(problems[:PROBLEMS_MAX]))
    return msgspec.convert(document, route.body)


def _respond(route: AnyRoute, answered: object) -> Response[Any]:
    match answered:
        case Response():
            return cast("Response[Any]", answered)
        case Answer():
            beside = {} if answered.meta is None else {"meta": answered.meta}
            response = json_response(envelope(answered.data) | beside, answered.status or route.status)
            response.headers.update(answered.headers)
            for cookie in answered.cookies:
                response.set_cookie(cookie)
            return response
        case _:
            return json_response(envelope(answered), route.status)
