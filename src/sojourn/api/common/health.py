"""Health: is the process alive, can it work, and what does it measure."""

from collections.abc import Awaitable, Callable, Sequence

from litestar import HttpMethod, Response
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from sojourn.api.common.bodies import json_response

Readiness = Callable[[], Awaitable[Sequence[str]]]
"""Says what is missing; nothing when the database answers and its schema is current."""


def health_routes(ready: Readiness, registry: CollectorRegistry) -> list[HTTPRouteHandler]:
    """Make `/healthz`, `/readyz` and `/metrics`. None of them needs a token."""

    async def healthz() -> Response[bytes]:
        return json_response({"status": "ok"})

    async def readyz() -> Response[bytes]:
        missing = await _missing(ready)
        body = {"status": "ok"} if not missing else {"status": "unready", "missing": missing}
        return json_response(body, 503 if missing else 200)

    async def metrics() -> Response[bytes]:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        HTTPRouteHandler(path, http_method=HttpMethod.GET, opt={"is_public": True})(function)
        for path, function in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics))
    ]


async def _missing(ready: Readiness) -> list[str]:
    try:
        return list(await ready())
    except Exception as failure:  # noqa: BLE001 - whatever keeps it from answering keeps it from working
        return [f"the readiness check failed: {type(failure).__name__}"]
