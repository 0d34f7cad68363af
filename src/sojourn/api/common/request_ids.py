"""Request ids: every answer carries one in `X-Request-Id`, and so does every log line on the way to it."""

import re
from collections.abc import Mapping
from uuid import uuid4

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
_USABLE = re.compile(r"[A-Za-z0-9._-]{1,100}")


def request_id(headers: Mapping[str, str]) -> str:
    """Return the caller's own id for a request if it is fit for a log line, or else a new one."""
    given = headers.get(HEADER, "")
    return given if _USABLE.fullmatch(given) else uuid4().hex


def with_request_ids(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that its requests have ids."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(HEADER.encode(), b"").decode("latin-1")
        chosen = request_id({HEADER: given})

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableScopeHeaders.from_message(message)[HEADER] = chosen
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=chosen):
            await app(scope, receive, send_with_id)

    return serve
