"""The HTTP server: every dialect's routes, health, and an answer for whatever matches none of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager

from litestar import Litestar, Response
from litestar.exceptions import HTTPException
from litestar.types import ControllerRouterHandler
from prometheus_client import CollectorRegistry

from sojourn.api.audience.routes import audience_routes
from sojourn.api.common.bodies import AnyRequest
from sojourn.api.common.docs import Volume, docs_routes
from sojourn.api.common.health import Readiness, health_routes
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.refusals import InternalError, MalformedRequest, UnknownMethod, UnknownPath
from sojourn.api.common.request_ids import add_request_id, log_request_ids
from sojourn.api.gateway.bridge import EXTERNAL_PREFIX, gateway_routes
from sojourn.api.gateway.bridge import refusal as gateway_refusal
from sojourn.api.gateway.openapi import document as gateway_document
from sojourn.api.ingest.routes import PREFIX as INGEST_PREFIX
from sojourn.api.ingest.routes import ingest_routes
from sojourn.api.ingest.routes import refused as ingest_refusal
from sojourn.api.journeys.door import DoorOptions
from sojourn.api.journeys.openapi import document as journeys_document
from sojourn.api.journeys.problems import refused as journeys_refusal
from sojourn.api.journeys.routes import ROUTES, journeys_routes
from sojourn.api.journeys.routes import is_ours as is_of_journeys
from sojourn.api.track.hooks import PREFIX as HOOKS_PREFIX
from sojourn.api.track.hooks import hook_routes
from sojourn.api.track.routes import PREFIX as TRACK_PREFIX
from sojourn.api.track.routes import refused as track_refusal
from sojourn.api.track.routes import track_routes
from sojourn.api.track.webhooks import webhook_routes
from sojourn.api.web.sdk import sdk_routes
from sojourn.api.web.tracking import tracking_routes
from sojourn.model.problems import SojournError
from sojourn.service.service import Service

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(
    service: Service,
    *,
    ready: Readiness,
    registry: CollectorRegistry | None = None,
    metrics: RequestMetrics | None = None,
    door: DoorOptions | None = None,
    more: Sequence[ControllerRouterHandler] = (),
    lifespan: Sequence[Lifespan] = (),
) -> Litestar:
    """Make the application.

    Args:
        service: Carries out commands and knows tokens.
        ready: Says what is missing for `/readyz`.
        registry: What `/metrics` shows.
        metrics: Where requests are counted, if a gRPC server in the same process counts there, too.
        door: How the journeys dialect is guarded.
        more: Further routes, such as the builder's files.
        lifespan: What runs as long as the application does, such as the database pool.
    """
    registry = registry or CollectorRegistry()
    dialects = _dialects(service, metrics or RequestMetrics(registry), door or DoorOptions())
    return Litestar(
        [*health_routes(ready, registry), *dialects, *more],
        before_send=[add_request_id],
        exception_handlers={HTTPException: _unserved, Exception: _failed},
        lifespan=list(lifespan),
        middleware=[log_request_ids],
        logging_config=None,
        openapi_config=None,
        request_max_body_size=None,
    )


def _dialects(service: Service, metrics: RequestMetrics, door: DoorOptions) -> Iterator[ControllerRouterHandler]:
    """Yield the routes of all dialects, and what documents them."""
    yield from gateway_routes(service, metrics)
    yield from ingest_routes(service, metrics)
    yield from audience_routes(service, metrics)
    yield from hook_routes(service, metrics)
    yield from track_routes(service, metrics)
    yield from webhook_routes(service, metrics)
    yield from journeys_routes(service, metrics, door)
    yield from docs_routes(
        (
            Volume(name="", title="Journeys API", document=journeys_document(ROUTES)),
            Volume(name="gateway", title="Gateway API", document=gateway_document()),
        )
    )
    yield from tracking_routes(service.reactions)
    yield from sdk_routes()


def _unserved(request: AnyRequest, exception: HTTPException) -> Response[bytes]:
    """Answer what no handler took."""
    errors: dict[int, SojournError] = {404: UnknownPath(), 405: UnknownMethod("the method is not allowed at this path")}
    error = errors.get(exception.status_code) or MalformedRequest(exception.detail)
    return _refusal(request, error)


def _failed(request: AnyRequest, _exception: Exception) -> Response[bytes]:
    return _refusal(request, InternalError())


def _refusal(request: AnyRequest, error: SojournError) -> Response[bytes]:
    """Refuse in the shape of the methods around the path."""
    path = request.url.path
    if path.startswith(f"{INGEST_PREFIX}/"):
        return ingest_refusal(error)
    if path.startswith((f"{HOOKS_PREFIX}/", f"{TRACK_PREFIX}/")):
        return track_refusal(error)
    if is_of_journeys(path):
        return journeys_refusal(error)
    return gateway_refusal(error, is_external=path.startswith(EXTERNAL_PREFIX))
