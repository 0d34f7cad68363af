"""Calls: what the methods of the audience have in common: the token, metrics, and the shape of a failure."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import structlog
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.bodies import BODY_MAX, AnyRequest, json_response
from sojourn.api.common.envelopes import envelope, http_status
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.paths import spelled
from sojourn.api.common.refusals import InternalError, MalformedRequest
from sojourn.model.problems import Problem, SojournError

Verb = Literal["DELETE", "GET", "POST", "PUT"]
Answering = Callable[[AnyRequest], Awaitable[Response[Any]]]

log = structlog.get_logger()


def audience_route(
    verb: Verb, path: str, name: str, metrics: RequestMetrics, answering: Answering, *, body_max: int | None = BODY_MAX
) -> HTTPRouteHandler:
    """Make the handler of a method. What `answering` raises is answered as the v3 methods do.

    Args:
        verb: Of HTTP.
        path: With `{field:str}` for parameters.
        name: What the method is called in metrics and logs.
        metrics: Where it is counted.
        answering: Checks the token, and does what is asked for.
        body_max: Bytes of the body; None: `answering` sees to it.
    """

    async def handle(request: AnyRequest) -> Response[Any]:
        with metrics.measure("audience", name) as measured:
            try:
                return await answering(request)
            except SojournError as error:
                measured.outcome = error.code
                return refused(error)
            except Exception:
                measured.outcome = InternalError.code
                log.exception("request.failed", dialect="audience", method=name)
                return refused(InternalError())

    return HTTPRouteHandler(
        path, http_method=HttpMethod(verb), name=f"audience.{name}", request_max_body_size=body_max, status_code=200
    )(handle)


def refused(error: SojournError) -> Response[bytes]:
    """Return an error as a response."""
    return json_response(envelope(error), http_status(error), error)


def malformed(problems: list[Problem]) -> MalformedRequest:
    """Make the refusal of a request from all that is wrong with it."""
    return MalformedRequest("; ".join(spelled(problem) for problem in problems), problems=tuple(problems))
