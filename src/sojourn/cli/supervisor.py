"""Supervisor: keeps the processes of a server running, in order of starting and of stopping.

Each process runs in a session of its own, so that a Ctrl-C reaches the supervisor only and the order of stopping is
ours. A process says by datagram that it is ready; one that ends without being told is started again after a pause that
doubles with each failure in a row.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import structlog

from sojourn.model.problems import SojournError
from sojourn.notify import NAME_VARIABLE, SOCKET_VARIABLE

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STABLE_AFTER_S = 60.0
"""A process that ran this long begins anew with the shortest pause."""

STARTS_MAX = 5
"""How often a process is started that was never ready, before the whole server gives up."""

STOP_PATIENCE_S = 45.0

log = structlog.get_logger()


class StartFailed(SojournError):
    """A part of the server does not start."""

    code = "server.start_failed"


@dataclass(frozen=True, slots=True)
class Part:
    """One process to keep running. Parts of a lower stage are stopped before those of a higher one."""

    name: str
    role: str
    stage: int


@dataclass(slots=True, eq=False)
class _Running:
    part: Part
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None
    is_stopping: bool = False
    failures: int = 0


class Supervisor:
    """Runs the parts of a server.

    Args:
        parts: In the order of starting.
        environment: Of the processes.
        output: Where they write; the supervisor's own streams if None.
    """

    def __init__(self, parts: Sequence[Part], environment: Mapping[str, str], output: IO[bytes] | None = None) -> None:
        self._running = [_Running(part) for part in parts]
        self._environment = dict(environment)
        self._output = output
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Run until `stop`; call `on_ready` once all parts are.

        Raises:
            StartFailed: A part died again and again before it was ever ready. The others have been stopped.
        """
        with _Ears(self._hear) as path:
            self._environment[SOCKET_VARIABLE] = str(path)
            watchers = [asyncio.create_task(self._keep_running(each)) for each in self._running]
            announcing = asyncio.create_task(self._announce(on_ready))
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([stopping, *watchers], return_when=asyncio.FIRST_COMPLETED)
            finally:
                announcing.cancel()
                stopping.cancel()
                await self._stop_all()
                results = await asyncio.gather(*watchers, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        for each in self._running:
            await each.ready.wait()
        on_ready()

    def _hear(self, message: bytes) -> None:
        lines = (line.partition("=") for line in message.decode(errors="replace").splitlines())
        fields: dict[str, str] = {name: value for name, _, value in lines}
        for each in self._running:
            if fields.get(NAME_VARIABLE) == each.part.name and fields.get("READY") == "1":
                each.ready.set()
                log.debug("process.ready", name=each.part.name)

    async def _keep_running(self, running: _Running) -> None:
        loop = asyncio.get_running_loop()
        while not running.is_stopping:
            began = loop.time()
            code = await self._run_once(running)
            if running.is_stopping:
                return
            running.failures = 1 if loop.time() - began > STABLE_AFTER_S else running.failures + 1
            if not running.ready.is_set() and running.failures >= STARTS_MAX:
                raise StartFailed(f"`{running.part.name}` does not start; the log says why")
            pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (running.failures - 1))
            log.error("process.died", name=running.part.name, code=code, restart_in_s=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _run_once(self, running: _Running) -> int:
        process = running.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sojourn.cli.child", running.part.role,
            env=self._environment | {NAME_VARIABLE: running.part.name},
            start_new_session=True,
            stdin=asyncio.subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
        )  # fmt: skip
        if running.is_stopping:  # told so while it was being made
            process.terminate()
        log.debug("process.started", name=running.part.name, pid=process.pid)
        return await process.wait()

    async def _stop_all(self) -> None:
        for each in self._running:
            each.is_stopping = True
        self._stop.set()
        for stage in sorted({each.part.stage for each in self._running}):
            await asyncio.gather(*(_end(each) for each in self._running if each.part.stage == stage))


async def _end(running: _Running) -> None:
    """Ask a process to end, and make it end if it does not."""
    process = running.process
    if process is None or process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_PATIENCE_S)
    except TimeoutError:
        log.warning("process.killed", name=running.part.name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


class _Ears:
    """Hears datagrams on a socket of its own, whose path it gives. Use as a context manager in a running loop."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        self._hear = hear
        # A short path: the kernel takes about a hundred bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="sojourn-"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self) -> Path:
        path = self._folder / "notify"
        self._socket.setblocking(False)
        self._socket.bind(str(path))
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        return path

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while True:
                self._hear(self._socket.recv(4096))
