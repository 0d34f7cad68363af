"""Fixtures of the API tests: the whole server over a real database, a clock set by hand, two workspaces."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from litestar import Litestar
from prometheus_client import CollectorRegistry

from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.gateway.grpc_server import GrpcServer
from sojourn.api.journeys.door import DoorOptions, RateLimits
from sojourn.api.server import create_app
from sojourn.engine.runner import Runner
from sojourn.service.passwords import Passwords
from sojourn.service.service import Service
from sojourn.service.tokens import ensure_token
from sojourn.service.workspaces import ensure_app
from sojourn.store.connection import Pool, make_pool

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
APP = "AAAAA-AAAAA"
THEIR_APP = "BBBBB-BBBBB"
TOKEN = "our-api-token"
DEVICE_TOKEN = "our-device-token"
THEIR_TOKEN = "their-api-token"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Hashes as in production, but without taking time."""
UNLIMITED = RateLimits(per_address=0, auth=0, sdk=0)


@dataclass
class Site:
    """A server and what stands behind it."""

    url: str
    pool: Pool
    service: Service
    app: Litestar
    grpc_port: int
    now: datetime = NOON
    missing: Sequence[str] = field(default_factory=list)

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def drain(self) -> None:
        """Let the engine do whatever is due."""
        await Runner(self.url, lambda: self.now).drain()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as conn:
            return await (await conn.execute(query)).fetchall()


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    async with served(database_url) as made:
        yield made


@pytest.fixture(scope="module")
async def shared_site(module_database_url: str) -> AsyncIterator[Site]:
    """A site for all tests of a module, which must not depend on what others leave there."""
    async with served(module_database_url) as made:
        yield made


@asynccontextmanager
async def served(database_url: str) -> AsyncIterator[Site]:
    async with make_pool(database_url, application_name="api-test", max_size=4) as pool:
        async with pool.connection() as conn:
            ours = await ensure_app(conn, "default", NOON, application_code=APP)
            theirs = await ensure_app(conn, "other", NOON, application_code=THEIR_APP)
            await ensure_token(conn, ours.workspace_id, TOKEN, "api", "tests", NOON)
            await ensure_token(conn, ours.workspace_id, DEVICE_TOKEN, "device", "a phone", NOON)
            await ensure_token(conn, theirs.workspace_id, THEIR_TOKEN, "api", "theirs", NOON)
        made: Site | None = None

        async def ready() -> Sequence[str]:
            return made.missing if made else ["the site"]

        service = Service(pool, lambda: made.now if made else NOON, passwords=QUICK)
        server = GrpcServer(service, RequestMetrics(CollectorRegistry()))
        made = Site(
            url=database_url,
            pool=pool,
            service=service,
            app=create_app(service, ready=ready, door=DoorOptions(limits=UNLIMITED)),
            grpc_port=await server.start("127.0.0.1:0"),
        )
        yield made
        await server.stop(0)
        await service.close()


@pytest.fixture
async def http(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """The site's HTTP side, with our token."""
    transport = httpx.ASGITransport(site.app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://site", headers={"Authorization": f"Api {TOKEN}"}
    ) as client:
        yield client
