"""Routes of the audience: everything that its modules serve."""

from litestar.handlers import HTTPRouteHandler

from sojourn.api.audience.apps import apps_routes
from sojourn.api.audience.bulk import bulk_routes
from sojourn.api.audience.lists import list_routes
from sojourn.api.audience.people import people_routes
from sojourn.api.audience.people_admin import people_admin_routes
from sojourn.api.audience.segments import segments_routes
from sojourn.api.audience.set_tags import set_tags_routes
from sojourn.api.audience.write_keys import write_key_routes
from sojourn.api.common.metrics import RequestMetrics
from sojourn.service.service import Service


def audience_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers of all methods."""
    return [
        *apps_routes(service, metrics),
        *bulk_routes(service, metrics),
        *list_routes(service, metrics),
        *people_admin_routes(service, metrics),
        *people_routes(service, metrics),
        *segments_routes(service, metrics),
        *set_tags_routes(service, metrics),
        *write_key_routes(service, metrics),
    ]
