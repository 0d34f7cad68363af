"""Data in: `POST /json/1.3/{method}`, from the request to the answer."""

from collections.abc import Mapping
from typing import Any, cast

import structlog
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response, parse, read_body
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.paths import spelled
from sojourn.api.common.refusals import InternalError, MalformedRequest, UnknownMethod
from sojourn.api.ingest import wire
from sojourn.api.ingest.methods import METHODS
from sojourn.api.ingest.problems import BadArgument, answer, refusal, statuses
from sojourn.model.problems import Problem, SojournError
from sojourn.service.errors import InvalidDocument, NotAuthenticated
from sojourn.service.service import Service

PREFIX = "/json/1.3"
BODY_MAX = 1_000_000

log = structlog.get_logger()


def ingest_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handler of all methods: one route, so that an unknown method is answered in the dialect's shape."""

    async def handle(request: AnyRequest) -> Response[bytes]:
        name = str(request.path_params["method"])
        with metrics.measure("ingest", name if name in METHODS else "unknown") as measured:
            try:
                return json_response(answer(await _answer(service, name, request)))
            except SojournError as error:
                measured.outcome = error.code
                return refused(error)
            except Exception:
                measured.outcome = InternalError.code
                log.exception("request.failed", dialect="ingest", method=name)
                return refused(InternalError())

    path = f"{PREFIX}/{{method:str}}"
    return [
        HTTPRouteHandler(path, http_method=HttpMethod.POST, request_max_body_size=BODY_MAX, status_code=200)(handle)
    ]


def refused(error: SojournError) -> Response[bytes]:
    """Return an error as a response."""
    return json_response(refusal(error), statuses(error)[0], error)


async def _answer(service: Service, name: str, request: AnyRequest) -> object:
    document = _request(parse(await read_body(request)))
    method = METHODS.get(name)
    if method is None:
        raise UnknownMethod(f"unknown method; the methods are {', '.join(METHODS)}")
    caller = await service.authenticate(_token(document, request.headers.get("authorization", "")), method.needs)
    decoded = wire.decode(method, document)
    if decoded.command is None:
        raise _argument_error(decoded.problems)
    try:
        reply = await service.run(caller, decoded.command)
    except InvalidDocument as error:
        places = (wire.problem_place(decoded.command, problem.where) for problem in error.problems)
        found = [Problem(p.code, at, p.text) for p, at in zip(error.problems, places, strict=True)]
        raise (_argument_error(found) if found else error) from error
    return wire.encode(reply)


def _request(body: Mapping[str, Any]) -> Mapping[str, Any]:
    request = body.get("request")
    if not isinstance(request, dict):
        raise MalformedRequest('the body must be of the form {"request": {…}}')
    return cast("dict[str, Any]", request)


def _token(document: Mapping[str, Any], header: str) -> str:
    """Return the token: from the body, or else from the header."""
    auth = document.get("auth")
    if auth is None:
        return token_of(header, "Token", "Api")
    if not isinstance(auth, str) or not auth:
        raise NotAuthenticated
    return auth


def _argument_error(problems: "tuple[Problem, ...] | list[Problem]") -> BadArgument:
    return BadArgument("; ".join(spelled(problem) for problem in problems), problems=tuple(problems))
