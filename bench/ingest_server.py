"""Ingest server: the HTTP side of Sojourn as it is served, and a route beside it that does nothing, for comparison."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from granian import Granian
from granian.constants import Interfaces
from litestar import HttpMethod, Litestar, Response
from litestar.handlers import HTTPRouteHandler

from sojourn import wiring
from sojourn.api.common.bodies import AnyRequest, json_response, read_body
from sojourn.api.server import create_app
from sojourn.service.service import Service
from sojourn.store.connection import make_pool

URL = "BENCH_DATABASE_URL"


def app() -> Litestar:
    pool = make_pool(os.environ[URL], application_name="bench-api", max_size=wiring.API_CONNECTIONS)
    service = Service(pool, wiring.clock, inbox_max=10**9)

    async def nothing(request: AnyRequest) -> Response[bytes]:
        await read_body(request)
        return json_response({"success": True})

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        async with pool:
            wiring.spare_collector()
            yield
            await service.close()

    no_op = HTTPRouteHandler("/no-op", http_method=HttpMethod.POST, status_code=200)(nothing)
    return create_app(service, ready=lambda: wiring.missing(pool), more=[no_op], lifespan=[lifespan])


if __name__ == "__main__":
    Granian("bench.ingest_server:app", port=int(sys.argv[1]), interface=Interfaces.ASGI, factory=True).serve()
