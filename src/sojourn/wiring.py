"""Wiring: the only place that builds objects from settings."""

import asyncio
import atexit
import gc
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from types import FrameType

import structlog
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels
from litestar import Litestar
from prometheus_client import CollectorRegistry

from sojourn.api.common.addresses import Proxies
from sojourn.api.common.metrics import RequestMetrics
from sojourn.api.gateway.grpc_server import GrpcServer
from sojourn.api.journeys.door import DoorOptions, RateLimits
from sojourn.api.server import create_app
from sojourn.delivery.address_guard import AddressGuard
from sojourn.delivery.carriers import make_carriers
from sojourn.delivery.compose import Defaults
from sojourn.delivery.http_client import HttpClient
from sojourn.delivery.messages import HttpRequest, HttpResponse
from sojourn.delivery.sender import Sender, SenderOptions
from sojourn.delivery.smtp_pool import SmtpPool, parse_smtp_url
from sojourn.engine.runner import Runner
from sojourn.logs import GRANIAN_LOGS, configure_logs
from sojourn.notify import tell_ready
from sojourn.service.acceptance import Acceptance
from sojourn.service.administration import Installation, install
from sojourn.service.facts import Facts
from sojourn.service.key_sets import KeySet
from sojourn.service.reactions import Reactions
from sojourn.service.resources import Resources
from sojourn.service.service import Service
from sojourn.service.sessions import SessionOptions
from sojourn.service.signing_keys import webhook_signing_key
from sojourn.service.tracking import Tracker, tracking_key
from sojourn.settings import Settings, read_settings
from sojourn.store.connection import Conn, Pool, connect, make_pool
from sojourn.store.embedded import DataDirectoryInUse, EmbeddedServer
from sojourn.store.migrations import check_schema
from sojourn.store.wakeups import make_worker_pool

API_CONNECTIONS = 10
DELIVERY_CONNECTIONS = 8
STATEMENT_TIMEOUT = timedelta(seconds=60)
"""For what answers a request. Ticks and imports take the time that they need."""

JWKS_TIMEOUT_S = 10.0
STOP_GRACE_S = 20

GARBAGE_MIN = 50_000
"""Objects made beyond those freed before the process looks for cycles among the new ones; Python's own limit is 700."""

log = structlog.get_logger()


def clock() -> datetime:
    """Return the present instant. The only clock of a server."""
    return datetime.now(UTC)


# The database -----------------------------------------------------------------------------------------------


def embedded_server(settings: Settings) -> EmbeddedServer | None:
    """Return the embedded server, not started, unless the settings name another database."""
    return None if settings.database_url else EmbeddedServer(settings.data_dir)


@contextmanager
def database(settings: Settings) -> Generator[str]:
    """Yield where the database is. Runs the embedded server meanwhile, unless a server process runs it already."""
    server = embedded_server(settings)
    if server is None:
        yield settings.database_url or ""
        return
    try:
        server.start()
    except DataDirectoryInUse:
        yield server.url
        return
    try:
        yield server.url
    finally:
        server.stop()


@asynccontextmanager
async def connection(url: str) -> AsyncGenerator[Conn]:
    """Open a connection for a command of the operator."""
    async with await connect(url, application_name="sojourn-cli", autocommit=True) as conn:
        yield conn


@asynccontextmanager
async def resources(url: str) -> AsyncGenerator[Resources]:
    """Make what service functions work with, for a command of the operator."""
    async with make_pool(url, application_name="sojourn-cli", max_size=4) as pool:
        facts = Facts(pool)
        reactions = Reactions(pool, clock)
        acceptance = Acceptance(pool, clock, facts)
        yield Resources(pool=pool, clock=clock, facts=facts, acceptance=acceptance, reactions=reactions)


@asynccontextmanager
async def service(url: str) -> AsyncGenerator[Service]:
    """Make the service, for a command of the operator."""
    async with make_pool(url, application_name="sojourn-cli", max_size=4) as pool:
        made = Service(pool, clock)
        yield made
        await made.close()


async def install_at(settings: Settings, url: str) -> Installation:
    """Bring a database into the state that a server needs."""
    async with connection(url) as conn:
        return await install(
            conn,
            clock(),
            shard_count=settings.shards,
            application_code=settings.application_code,
            api_token=settings.api_token,
            jwt_secret=settings.jwt_secret,
            owner_email=settings.owner_email,
            owner_password=settings.owner_password,
        )


# The parts of a server --------------------------------------------------------------------------------------


def http_app() -> Litestar:
    """Make the HTTP application from the environment. Granian calls this in each of its workers."""
    settings = read_settings(os.environ)
    configure_logs(settings.log_format, settings.log_level)
    # Granian's threads may still be there when the interpreter takes itself apart, and abort then.
    # https://github.com/emmett-framework/granian/issues/846
    atexit.register(_leave)
    pool = _api_pool(settings)
    http = HttpClient(AddressGuard(settings.allowed_networks), clock, max_connections=4)
    made = Service(pool, clock, inbox_max=settings.inbox_max, session_options=session_options(settings, http))

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        async with http, _checked(pool):
            spare_collector()
            _on_stop(made.pages.end)
            tell_ready()
            yield
            await made.close()

    return create_app(made, ready=lambda: missing(pool), door=_door_options(settings), lifespan=[lifespan])


def session_options(settings: Settings, http: HttpClient) -> SessionOptions:
    """Say whose tokens count, besides our own."""
    url = settings.jwks_url

    async def fetch() -> bytes:
        request = HttpRequest(method="GET", url=url or "", headers={}, content=b"", timeout_seconds=JWKS_TIMEOUT_S)
        match await http.send(request):
            case HttpResponse(status=200) as response:
                return response.body
            case HttpResponse() as response:
                raise OSError(f"status {response.status}")
            case failure:
                raise OSError(failure.reason)

    keys = KeySet(fetch, clock) if url else None
    return SessionOptions(audience=settings.jwt_audience, issuer=settings.jwt_issuer, keys=keys)


def _door_options(settings: Settings) -> DoorOptions:
    limits = RateLimits(per_address=settings.rate_limit, auth=settings.rate_limit_auth, sdk=settings.rate_limit_sdk)
    return DoorOptions(limits=limits, proxies=Proxies(settings.trusted_proxies), public_url=settings.public_url)


def _on_stop(do: Callable[[], None]) -> None:
    """Have something done at once when the worker is told to stop, beside what Granian does then.

    Granian first waits for what is under way, and a stream is under way for as long as its page is seen. The event loop
    learns of a signal from its number, however it is handled, so a handler of ours takes nothing from Granian's.
    """
    loop = asyncio.get_running_loop()

    def told(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(do)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)


def spare_collector() -> None:
    """Look for cycles of garbage seldom, and not among what was there at the start.

    A batch of events is thousands of short-lived objects without cycles; looking through them again and again took a
    fifth of the time of accepting it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_MIN, 20, 20)


def _leave() -> None:
    """End the process without taking the interpreter apart. Everything of ours has been closed."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def serve_http(settings: Settings) -> None:
    """Serve HTTP until SIGTERM or SIGINT. The settings are in the environment, too: see `http_app`."""
    # A forked worker would inherit threads' locks and open connections.
    multiprocessing.set_start_method("spawn")
    Granian(
        "sojourn.wiring:http_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        log_dictconfig=GRANIAN_LOGS,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        websockets=False,
        workers=settings.workers,
        workers_kill_timeout=STOP_GRACE_S,
    ).serve()


async def serve_grpc(settings: Settings, stop: asyncio.Event) -> None:
    """Serve gRPC until `stop`."""
    pool = _api_pool(settings)
    async with _checked(pool):
        made = Service(pool, clock, inbox_max=settings.inbox_max)
        server = GrpcServer(made, RequestMetrics(CollectorRegistry()))
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        await server.start(f"{host}:{settings.grpc_port}")
        tell_ready()
        await stop.wait()
        await server.stop(STOP_GRACE_S)
        await made.close()


async def run_engine(settings: Settings, name: str, stop: asyncio.Event) -> None:
    """Advance people until `stop`."""
    url = _url(settings)
    async with connection(url) as conn:
        await check_schema(conn)
    tell_ready()
    await Runner(url, clock, name=name).run(stop)


async def run_delivery(settings: Settings, stop: asyncio.Event) -> None:
    """Send messages until `stop`."""
    async with AsyncExitStack() as stack:
        pool = make_worker_pool(_url(settings), application_name="sojourn-delivery", max_size=DELIVERY_CONNECTIONS)
        await stack.enter_async_context(_checked(pool))
        async with pool.connection() as conn, conn.transaction():
            key = await webhook_signing_key(conn, clock())
        guard = AddressGuard(settings.allowed_networks)
        http = await stack.enter_async_context(HttpClient(guard, clock))
        smtp = await stack.enter_async_context(SmtpPool(settings.smtp_url)) if settings.smtp_url else None
        carriers = make_carriers(smtp=smtp, http=http, signing_key=key)
        defaults = Defaults(from_email=settings.from_email, tracker=_tracker(settings, key))
        options = SenderOptions(defaults=defaults)
        sender = Sender(pool, carriers, clock, options=options)
        working = asyncio.create_task(sender.run())
        stopping = asyncio.create_task(stop.wait())
        tell_ready()
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        sender.stop()
        await working


def _tracker(settings: Settings, secret: str) -> Tracker | None:
    """Return what makes the addresses in mails; None where only this machine could follow them, but others get mail."""
    if settings.public_url is not None:
        return Tracker(settings.public_url, tracking_key(secret))
    if _is_local(settings.host) and settings.smtp_url and not _is_local(parse_smtp_url(settings.smtp_url).host):
        log.warning("delivery.untracked", reason="SOJOURN_PUBLIC_URL is not set")
        return None
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Tracker(f"http://{host}:{settings.port}", tracking_key(secret))


def _is_local(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


async def missing(pool: Pool) -> Sequence[str]:
    """Say what keeps a server from working; nothing if it can."""
    async with pool.connection(timeout=5) as conn:
        await check_schema(conn)
    return ()


def _api_pool(settings: Settings) -> Pool:
    return make_pool(
        _url(settings),
        application_name="sojourn-api",
        max_size=API_CONNECTIONS,
        statement_timeout=STATEMENT_TIMEOUT,
    )


@asynccontextmanager
async def _checked(pool: Pool) -> AsyncGenerator[None]:
    """Open a pool, and make sure that the schema fits."""
    async with pool:
        async with pool.connection() as conn:
            await check_schema(conn)
        yield


def _url(settings: Settings) -> str:
    return settings.database_url or EmbeddedServer(settings.data_dir).url
