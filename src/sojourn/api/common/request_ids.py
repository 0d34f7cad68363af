"""Request ids: every answer carries one in `X-Request-Id`, and so does every log line on the way to it."""

import re
from typing import Any, cast
from uuid import uuid4

import structlog
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
STATE = "request_id"
_USABLE = re.compile(r"[A-Za-z0-9._-]{1,100}")


def request_id(scope: Scope) -> str:
    """Return the id of a request: the caller's own if it is fit for a log line, or else a new one."""
    # Litestar declares a scope as one of several dicts, each with its own setdefault.
    state: dict[str, Any] = cast("Any", scope).setdefault("state", {})
    if STATE not in state:
        given = Headers.from_scope(scope).get(HEADER, "")
        state[STATE] = given if _USABLE.fullmatch(given) else uuid4().hex
    return state[STATE]


async def add_request_id(message: Message, scope: Scope) -> None:
    """Add the id to an answer. A hook before sending, because no middleware sees requests that match no route."""
    if message["type"] == "http.response.start":
        MutableScopeHeaders.from_message(message)[HEADER] = request_id(scope)


def log_request_ids(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that what it logs tells the request."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        with structlog.contextvars.bound_contextvars(request_id=request_id(scope)):
            await app(scope, receive, send)

    return serve
