"""The REST/JSON bridge: one route per method of the service, as its google.api.http annotation says.

The table of routes is read from the descriptors when the server starts; no route is written by hand.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import structlog
from google.api import annotations_pb2, http_pb2
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import BODY_MAX, AnyRequest, json_response, parse, read_body
from sojourn.api.common.envelopes import http_status
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.refusals import InternalError, MalformedRequest
from sojourn.api.gateway.methods import METHODS, Call
from sojourn.api.gateway.pb.sojourn.v3 import journey_gateway_pb2 as pb
from sojourn.api.gateway.problems import envelope, external_body, malformed
from sojourn.api.gateway.reading import fields_by_spelling, fill, from_query
from sojourn.api.gateway.wire import CHOICES
from sojourn.api.gateway.writing import to_json
from sojourn.model.problems import Problem, SojournError
from sojourn.service.service import Service

EXTERNAL_PREFIX = "/api/journey"
"""Methods below this path fail in the shape of the external methods."""

IDEMPOTENCY_KEY_MAX = 255

SERVICE: ServiceDescriptor = pb.DESCRIPTOR.services_by_name["JourneyGateway"]

log = structlog.get_logger()


class Route(Struct, frozen=True):
    """How a method is reached over HTTP.

    Attributes:
        path: With `{field}` for what fills a field of the request.
        has_body: The request's fields come from a JSON body; otherwise from the query.
    """

    method: str
    verb: str
    path: str
    has_body: bool
    request: type[Message]

    @property
    def is_external(self) -> bool:
        """Tell whether it fails as the external methods do."""
        return self.path.startswith(EXTERNAL_PREFIX)

    @property
    def path_fields(self) -> tuple[str, ...]:
        """Name the fields that the path fills."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))


def routes() -> tuple[Route, ...]:
    """Read the routes from the descriptors."""
    return tuple(_route(method) for method in SERVICE.methods)


def _route(method: MethodDescriptor) -> Route:
    # The stubs declare the extension as a plain descriptor.
    rule = cast("http_pb2.HttpRule", cast("Any", method.GetOptions()).Extensions[annotations_pb2.http])
    verb = rule.WhichOneof("pattern")
    if verb is None or rule.body not in {"", "*"}:
        raise AssertionError(f"{method.name} needs an http annotation with a path, and the whole body or none")
    return Route(
        method=method.name,
        verb=verb.upper(),
        path=cast("str", getattr(rule, verb)),
        has_body=rule.body == "*",
        request=message_factory.GetMessageClass(method.input_type),
    )


def gateway_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the HTTP handlers of all methods."""
    return [_handler(route, service, metrics) for route in routes()]


def _handler(route: Route, service: Service, metrics: RequestMetrics) -> HTTPRouteHandler:
    async def handle(request: AnyRequest) -> Response[bytes]:
        with metrics.measure("gateway", route.method) as measured:
            try:
                return json_response(to_json(await _answer(route, service, request)))
            except SojournError as error:
                measured.outcome = error.code
                return refusal(error, is_external=route.is_external)
            except Exception:
                measured.outcome = InternalError.code
                log.exception("request.failed", dialect="gateway", method=route.method)
                return refusal(InternalError(), is_external=route.is_external)

    path = re.sub(r"\{(\w+)\}", r"{\1:str}", route.path)
    return HTTPRouteHandler(
        path,
        http_method=HttpMethod(route.verb),
        name=f"gateway.{route.method}",
        request_max_body_size=BODY_MAX,
        status_code=200,
    )(handle)


def refusal(error: SojournError, *, is_external: bool = False) -> Response[bytes]:
    """Return an error as a response."""
    body = external_body(error) if is_external else envelope(error)
    return json_response(body, http_status(error, is_external=is_external), error)


async def _answer(route: Route, service: Service, request: AnyRequest) -> Message:
    caller = await service.authenticate(token_of(request.headers.get("authorization", ""), "Api"), "api")
    message = route.request()
    problems = fill(message, await _document(route, request), CHOICES)
    problems += _fill_from_path(route, message, request.path_params)
    call = Call(service, caller, message, problems, idempotency_key(request.headers.get("idempotency-key", "")))
    return await METHODS[route.method](call)


async def _document(route: Route, request: AnyRequest) -> dict[str, Any] | dict[str, object]:
    if route.has_body:
        return parse(await read_body(request))
    given = list(request.query_params.multi_items())
    repeated = sorted(name for name, count in Counter(name for name, _ in given).items() if count > 1)
    if repeated:
        raise malformed([Problem("field.type", name, "given more than once") for name in repeated])
    return from_query(cast("Descriptor", route.request.DESCRIPTOR), given)


def _fill_from_path(route: Route, message: Message, values: dict[str, Any]) -> Sequence[Problem]:
    """Set the fields that the path names; a body may repeat them, but not differ."""
    problems: list[Problem] = []
    for name in route.path_fields:
        field, value = fields_by_spelling(message.DESCRIPTOR)[name], str(values[name])
        if getattr(message, field.name) not in {"", value}:
            problems.append(Problem("field.path", name, "differs from the one in the path"))
        setattr(message, field.name, value)
    return problems


def idempotency_key(given: str) -> str:
    """Return the idempotency key of a request.

    Raises:
        MalformedRequest: It is too long.
    """
    if len(given) > IDEMPOTENCY_KEY_MAX:
        raise MalformedRequest(f"Idempotency-Key must have at most {IDEMPOTENCY_KEY_MAX} characters")
    return given
