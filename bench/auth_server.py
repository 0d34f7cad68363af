"""Auth server: the HTTP side of Sojourn as it is served, and a route beside it that asks the same of nobody."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from granian import Granian
from granian.constants import Interfaces
from litestar import HttpMethod, Litestar, Response
from litestar.handlers import HTTPRouteHandler

from bench.ingest_server import URL
from sojourn import wiring
from sojourn.api.common.bodies import AnyRequest, json_response
from sojourn.api.journeys.door import DoorOptions, RateLimits
from sojourn.api.server import create_app
from sojourn.service.commands import Caller, GetSite
from sojourn.service.service import Service
from sojourn.store.connection import make_pool


def app() -> Litestar:
    pool = make_pool(os.environ[URL], application_name="bench-api", max_size=wiring.API_CONNECTIONS)
    service = Service(pool, wiring.clock)
    nobody = Caller(workspace_id=1, name="bench")

    async def open_site(request: AnyRequest) -> Response[bytes]:
        site = UUID(str(request.path_params["id"]))
        return json_response({"data": await service.run(nobody, GetSite(site=site))})

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        async with pool:
            wiring.spare_collector()
            yield
            await service.close()

    same = HTTPRouteHandler("/open/{id:str}", http_method=HttpMethod.GET, status_code=200)(open_site)
    door = DoorOptions(limits=RateLimits(per_address=10**9, auth=10**9, sdk=10**9))
    return create_app(service, ready=lambda: wiring.missing(pool), door=door, more=[same], lifespan=[lifespan])


if __name__ == "__main__":
    Granian("bench.auth_server:app", port=int(sys.argv[1]), interface=Interfaces.ASGI, factory=True).serve()
