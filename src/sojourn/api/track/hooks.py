"""Inbound webhooks: `POST /hooks/{id}`, from what another service posts to the answer."""

import msgspec
import structlog
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.bodies import AnyRequest, json_response, read_body
from sojourn.api.common.compression import inflate
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.paths import joined
from sojourn.api.common.refusals import InternalError, MalformedRequest
from sojourn.api.track.routes import refused
from sojourn.model.problems import Problem, SojournError
from sojourn.service.errors import InvalidDocument
from sojourn.service.hooks import Posted
from sojourn.service.service import Service

PREFIX = "/hooks"
BODY_MAX = 1_000_000

_OURS = ("attributes/", "event_names/", "events/", "profile_attributes/", "verification/")

log = structlog.get_logger()


def hook_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handler."""

    async def handle(request: AnyRequest) -> Response[bytes]:
        with metrics.measure("hooks", "post") as measured:
            try:
                return json_response({"accepted": await _accept(service, request)}, 202)
            except SojournError as error:
                measured.outcome = error.code
                return refused(error)
            except Exception:
                measured.outcome = InternalError.code
                log.exception("request.failed", dialect="hooks", method="post")
                return refused(InternalError())

    path = f"{PREFIX}/{{id:str}}"
    return [
        HTTPRouteHandler(path, http_method=HttpMethod.POST, request_max_body_size=BODY_MAX, status_code=202)(handle)
    ]


async def _accept(service: Service, request: AnyRequest) -> int:
    body = await read_body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    posted = Posted(
        public_id=str(request.path_params["id"]),
        body=body,
        headers=headers,
        query=dict(request.query_params.items()),
        payload=lambda: payload_in(inflate(body, headers.get("content-encoding", ""), limit=BODY_MAX)),
    )
    try:
        return await service.receive(posted)
    except InvalidDocument as error:
        raise MalformedRequest(error.text, problems=tuple(map(spelled_place, error.problems))) from error


def payload_in(body: bytes) -> object:
    """Return the JSON document in a body.

    Raises:
        MalformedRequest: There is none.
    """
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise MalformedRequest("malformed JSON: too deeply nested") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequest(f"malformed JSON: {error}") from None


def spelled_place(problem: Problem) -> Problem:
    """Return a problem with its place spelled as places in requests are. Places in a payload are already."""
    if not problem.where.startswith(_OURS):
        return problem
    return Problem(problem.code, joined("", problem.where.split("/")), problem.text)
