"""Apps: listed, and how long their events are kept."""

from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from sojourn.api.audience.calls import audience_route, malformed
from sojourn.api.common.authorization import token_of
from sojourn.api.common.bodies import AnyRequest, json_response, parse, read_body
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.common.misfits import misfits
from sojourn.service.commands import AppView, Caller, ListApps, SetEventRetention
from sojourn.service.service import Service

PATH = "/api/v3/apps"


class Retention(Struct, frozen=True, kw_only=True):
    """How many days the events of an app are kept; null: for ever."""

    event_retention_days: int | None


def apps_routes(service: Service, metrics: RequestMetrics) -> list[HTTPRouteHandler]:
    """Make the handlers."""

    async def caller_of(request: AnyRequest) -> Caller:
        return await service.authenticate(token_of(request.headers.get("authorization", ""), "Api"), "api")

    async def listed(request: AnyRequest) -> Response[bytes]:
        reply = await service.run(await caller_of(request), ListApps())
        return json_response({"items": [_app(each) for each in reply.items]})

    async def keep(request: AnyRequest) -> Response[bytes]:
        caller = await caller_of(request)
        document = parse(await read_body(request))
        if problems := misfits(document, Retention, ""):
            raise malformed(problems)
        days = msgspec.convert(document, Retention).event_retention_days
        code = str(request.path_params["application_code"])
        return json_response(_app(await service.run(caller, SetEventRetention(application_code=code, days=days))))

    return [
        audience_route("GET", PATH, "listApps", metrics, listed),
        audience_route("PUT", f"{PATH}/{{application_code:str}}/retention", "setEventRetention", metrics, keep),
    ]


def _app(app: AppView) -> dict[str, Any]:
    return {
        "application_code": app.application_code,
        "site_id": app.site_id,
        "title": app.title,
        "event_retention_days": app.event_retention_days,
        "created_at": app.created_at,
    }
