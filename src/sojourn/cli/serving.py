"""Serving: one server from its settings: the database, then the processes, and all of it stopped in order."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import IO

import psutil
import structlog

from sojourn.cli.supervisor import Part, Supervisor
from sojourn.model.problems import SojournError
from sojourn.service.administration import Installation
from sojourn.settings import Settings
from sojourn.store.embedded import EmbeddedServer
from sojourn.wiring import embedded_server, install_at

API_STAGE, WORK_STAGE = 0, 1
"""Who accepts requests stops first, who works on them next, and the database last."""

log = structlog.get_logger()


class PortInUse(SojournError):
    """Another process listens there."""

    code = "server.port_in_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server that has started.

    Attributes:
        url: Where its HTTP API is; None if this process does not serve it.
    """

    installation: Installation
    settings: Settings = field(repr=False)
    url: str | None
    grpc_address: str | None
    working: "asyncio.Task[None]" = field(repr=False)

    async def ended(self) -> None:
        """Return when the server has been told to stop and its processes have."""
        await asyncio.wait([self.working])


async def serve(settings: Settings, on_ready: Callable[[Serving], None], *, output: IO[bytes] | None = None) -> None:
    """Run a server until SIGTERM or SIGINT.

    Raises:
        DataDirectoryInUse: Another server runs on the data directory.
        PortInUse: Another process listens on a port.
        StartFailed: A part of the server does not start.
    """
    with stop_signals() as stop:
        async with serving(settings, stop, output=output) as running:
            if running is not None:
                on_ready(running)
                await running.ended()


def parts_of(settings: Settings) -> list[Part]:
    """List the processes of a server."""
    parts: list[Part] = []
    if "engine" in settings.roles:
        parts += [Part(f"engine-{number}", "engine", WORK_STAGE) for number in range(1, settings.engine_workers + 1)]
    if "delivery" in settings.roles:
        parts.append(Part("delivery", "delivery", WORK_STAGE))
    if "api" in settings.roles:
        parts.append(Part("api", "api", API_STAGE))
        if settings.grpc_port:
            parts.append(Part("grpc", "grpc", API_STAGE))
    return parts


def check_ports(settings: Settings) -> None:
    """Make sure that nobody listens where this server is to.

    The web server would not tell: it lets several processes share a port.

    Raises:
        PortInUse: Names the setting.
    """
    if "api" not in settings.roles:
        return
    for name, port in (("port", settings.port), ("grpc-port", settings.grpc_port)):
        if port:
            _check_port(settings.host, port, name)
    if settings.port == settings.grpc_port:
        raise PortInUse(f"--port and --grpc-port are both {settings.port}: each needs one of its own")


def _check_port(host: str, port: int, name: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise PortInUse(f"--host {host}: {error.strerror}") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise PortInUse(
                f"{host}:{port} cannot be listened on ({error.strerror}); --{name} chooses another"
            ) from error


@asynccontextmanager
async def serving(
    settings: Settings, stop: asyncio.Event, *, output: IO[bytes] | None = None
) -> AsyncGenerator[Serving | None]:
    """Run a server for as long as the context lasts, or until `stop`. Entered when it is ready.

    Gives None if it was stopped before. `output` is where its processes write, instead of our own streams. See `serve`
    for what is raised.
    """
    check_ports(settings)
    async with _database(settings) as url:
        installation = await install_at(settings, url)
        known = replace(settings, database_url=url)
        supervisor = Supervisor(parts_of(settings), {**os.environ, **known.environment()}, output)
        ready = asyncio.Event()
        working = asyncio.create_task(supervisor.run(stop, ready.set))
        starting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait([working, starting], return_when=asyncio.FIRST_COMPLETED)
            if ready.is_set():
                yield _describe(known, installation, working)
            elif stop.is_set():
                yield None
        finally:
            starting.cancel()
            stop.set()
            await working


def _describe(settings: Settings, installation: Installation, working: "asyncio.Task[None]") -> Serving:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    is_api = "api" in settings.roles
    return Serving(
        installation=installation,
        settings=settings,
        url=f"http://{host}:{settings.port}" if is_api else None,
        grpc_address=f"{host}:{settings.grpc_port}" if is_api and settings.grpc_port else None,
        working=working,
    )


@asynccontextmanager
async def _database(settings: Settings) -> AsyncGenerator[str]:
    server = embedded_server(settings)
    if server is None:
        yield settings.database_url or ""
        return
    await asyncio.to_thread(server.start)
    watching = asyncio.create_task(_keep_database(server))
    try:
        yield server.url
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await asyncio.to_thread(server.stop)


async def _keep_database(server: EmbeddedServer) -> None:
    """Start the embedded server again if it ends; the processes reconnect by themselves."""
    while True:
        pid = server.postmaster_pid
        if pid is None:
            await asyncio.sleep(1)
            continue
        await _ended(pid)
        log.error("database.died", pid=pid)
        try:
            await asyncio.to_thread(server.start)
        except SojournError as error:
            log.error("database.start_failed", error=error.text)  # noqa: TRY400 - the text says it all
            await asyncio.sleep(5)


async def _ended(pid: int) -> None:
    """Return when a process has ended that is no child of ours."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # not Linux, or forbidden
        while psutil.pid_exists(pid):  # noqa: ASYNC110 - nothing would set an event
            await asyncio.sleep(1)
        return
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


@contextmanager
def stop_signals() -> Generator[asyncio.Event]:
    """Give an event that SIGINT and SIGTERM set. Needs a running loop."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
