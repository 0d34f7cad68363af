"""Routes: all that the dialect serves, in the order of its documentation."""

from litestar.handlers import HTTPRouteHandler

from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.journeys.accounts import ACCOUNT_ROUTES
from sojourn.api.journeys.analytics import ANALYTICS_ROUTES
from sojourn.api.journeys.audiences import AUDIENCE_ROUTES
from sojourn.api.journeys.auth import AUTH_ROUTES
from sojourn.api.journeys.content import CONTENT_ROUTES
from sojourn.api.journeys.door import Door, DoorOptions
from sojourn.api.journeys.enrollments import ENROLLMENT_ROUTES
from sojourn.api.journeys.journeys import JOURNEY_ROUTES
from sojourn.api.journeys.lifecycle import LIFECYCLE_ROUTES
from sojourn.api.journeys.routing import AnyRoute
from sojourn.api.journeys.sdk import SDK_ROUTES
from sojourn.api.journeys.serving import handlers
from sojourn.api.journeys.showing import SHOWING_ROUTES
from sojourn.api.journeys.sites import SITE_ROUTES
from sojourn.service.service import Service

ROUTES: tuple[AnyRoute, ...] = (
    *AUTH_ROUTES,
    *ACCOUNT_ROUTES,
    *SITE_ROUTES,
    *AUDIENCE_ROUTES,
    *JOURNEY_ROUTES,
    *LIFECYCLE_ROUTES,
    *ENROLLMENT_ROUTES,
    *ANALYTICS_ROUTES,
    *CONTENT_ROUTES,
    *SDK_ROUTES,
    *SHOWING_ROUTES,
)

PREFIXES = (
    "/api/accounts",
    "/api/audiences",
    "/api/auth",
    "/api/content",
    "/api/docs",
    "/api/journeys",
    "/api/sdk",
    "/api/sites",
    "/api/v1/sdk",
)
"""Below these, whatever matches no route is refused as this dialect does."""


def journeys_routes(service: Service, metrics: RequestMetrics, options: DoorOptions) -> list[HTTPRouteHandler]:
    """Make the handlers of the dialect."""
    return handlers(ROUTES, service, metrics, Door(service, options))


def is_ours(path: str) -> bool:
    """Tell whether a path belongs to the dialect.

    >>> is_ours("/api/journeys/7"), is_ours("/api/journey/7"), is_ours("/api/sites")
    (True, False, True)
    """
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)
