"""Tracking: `POST /v1/{method}`, from the request to the answer."""

from base64 import b64decode
from binascii import Error as NotBase64
from itertools import islice

import structlog
from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.bodies import AnyRequest, json_response, read_body
from sojourn.api.common.compression import inflate
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.refusals import InternalError, MalformedRequest, UnknownMethod
from sojourn.api.track import wire
from sojourn.api.track.problems import SUCCESS, refusal, status_of
from sojourn.model.problems import Problem, SojournError
from sojourn.service.errors import InvalidDocument, NotAuthenticated
from sojourn.service.service import Service

PREFIX = "/v1"
BODY_MAX = wire.BATCH_MAX + wire.ENVELOPE_MAX
KEY_MAX = 1000
PROBLEMS_MAX = 200

FROM_ANYWHERE = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "authorization, content-encoding, content-type",
    "access-control-allow-methods": "POST",
    "access-control-max-age": "86400",
}
"""Browsers post from whatever site they are on; the write key is public there, and no cookie counts."""

log = structlog.get_logger()


def track_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers of all methods: one route, so that an unknown method is answered in the dialect's shape."""

    async def handle(request: AnyRequest) -> Response[bytes]:
        if request.method == HttpMethod.OPTIONS:
            return Response(b"", headers=FROM_ANYWHERE)
        method = str(request.path_params["method"])
        with metrics.measure("track", method if method in wire.METHODS else "unknown") as measured:
            try:
                await _accept(service, method, request)
            except SojournError as error:
                measured.outcome = error.code
                return refused(error)
            except Exception:
                measured.outcome = InternalError.code
                log.exception("request.failed", dialect="track", method=method)
                return refused(InternalError())
            return _with_origin(json_response(SUCCESS))

    both = (HttpMethod.POST, HttpMethod.OPTIONS)
    path = f"{PREFIX}/{{method:str}}"
    return [HTTPRouteHandler(path, http_method=both, request_max_body_size=BODY_MAX, status_code=200)(handle)]


def refused(error: SojournError) -> Response[bytes]:
    """Return an error as a response."""
    return _with_origin(json_response(refusal(error), status_of(error), error))


def _with_origin(response: Response[bytes]) -> Response[bytes]:
    response.headers["access-control-allow-origin"] = "*"
    return response


async def _accept(service: Service, method: str, request: AnyRequest) -> None:
    if method not in wire.METHODS:
        raise UnknownMethod(f"unknown method; the methods are {', '.join(wire.METHODS)}")
    headers = request.headers
    header = headers.get("authorization", "")
    # A key in the header is looked at before the body is.
    caller = await service.authenticate(write_key(header), "write") if header else None
    body = inflate(await read_body(request), headers.get("content-encoding", ""), limit=BODY_MAX)
    decoded = wire.decode(method, body)
    if caller is None:
        caller = await service.authenticate(decoded.write_key[:KEY_MAX], "write")
    if decoded.problems:
        raise _malformed(decoded.problems)
    try:
        await service.run(caller, decoded.command)
    except InvalidDocument as error:
        places = [wire.place_of(p, decoded.command, is_batch=method in wire.BATCHES) for p in error.problems]
        found = [Problem(p.code, at, p.text) for p, at in zip(error.problems, places, strict=True)]
        raise _malformed(tuple(found)) from error


def write_key(header: str) -> str:
    """Return the write key: the user name of Basic authorization, whose password is empty and does not matter.

    Raises:
        NotAuthenticated: There is none.
    """
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(credentials) > 2 * KEY_MAX:
        raise NotAuthenticated
    try:
        key = b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
    except (NotBase64, UnicodeDecodeError, ValueError):
        raise NotAuthenticated from None
    if not 0 < len(key) <= KEY_MAX:
        raise NotAuthenticated
    return key


def _malformed(problems: tuple[Problem, ...]) -> MalformedRequest:
    return MalformedRequest("the request is malformed", problems=tuple(islice(problems, PROBLEMS_MAX)))
