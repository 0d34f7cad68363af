"""Bodies: read within a limit, taken for JSON whatever the content type says, written as JSON."""

from typing import Any, cast

import msgspec
from litestar import Request, Response
from litestar.exceptions import ClientException, InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from sojourn.api.common.refusals import MalformedRequest, RequestTooLarge
from sojourn.model.problems import SojournError

BODY_MAX = 10_000_000
"""Bytes, where a dialect names no other limit."""

AnyRequest = Request[Any, Any, Any]


async def read_body(request: AnyRequest) -> bytes:
    """Return the body; the limit is the route's `request_max_body_size`.

    Raises:
        MalformedRequest: The announced length is none, or the body is shorter.
        RequestTooLarge: As soon as this is known, before the rest has been read.
    """
    try:
        return await request.body()
    except RequestEntityTooLarge as error:
        limit = request.route_handler.resolve_request_max_body_size()
        raise RequestTooLarge(f"the request is larger than {limit} bytes") from error
    except ClientException as error:
        raise MalformedRequest(error.detail) from error
    except InternalServerException as error:
        raise MalformedRequest("the body ended early") from error


def parse(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; nothing at all counts as an empty one.

    Raises:
        MalformedRequest: The body is not a JSON object.
    """
    if not body.strip():
        return {}
    try:
        document = msgspec.json.decode(body)
    except RecursionError:
        raise MalformedRequest("malformed JSON: too deeply nested") from None
    except UnicodeDecodeError:
        raise MalformedRequest("malformed JSON: not valid UTF-8") from None
    except msgspec.DecodeError as error:
        told, _, _ = str(error).removeprefix("JSON is malformed: ").partition(" - at ")
        raise MalformedRequest(f"malformed JSON: {told[:1].lower()}{told[1:]}") from None
    if not isinstance(document, dict):
        raise MalformedRequest("the body must be a JSON object")
    return cast("dict[str, Any]", document)


def json_response(document: object, status: int = 200, error: SojournError | None = None) -> Response[bytes]:
    """Return a JSON document as a response; one that tells of an error says when to try again, if that helps."""
    later = None if error is None or error.retry_after_s is None else {"retry-after": str(error.retry_after_s)}
    return Response(msgspec.json.encode(document), status_code=status, media_type="application/json", headers=later)
