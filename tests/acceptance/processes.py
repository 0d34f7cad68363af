"""The command `sojourn` as a subprocess, for tests that see it as an operator does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

SOJOURN = Path(sys.executable).parent / "sojourn"
PATIENCE_S = 120


def free_ports(count: int = 2) -> list[int]:
    """Return ports that nobody listens on just now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def environment(**variables: str) -> dict[str, str]:
    """Return our environment without settings, and with the given ones."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SOJOURN_")} | variables


def sojourn(*arguments: object, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `given` is its standard input."""
    return subprocess.run(
        [SOJOURN, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S * 3, env=environment(**variables), input=given,
    )  # fmt: skip


class Server:
    """`sojourn serve`, started and ready."""

    def __init__(self, data_dir: Path, *arguments: object, **variables: str) -> None:
        self.port, self.grpc_port = free_ports()
        self.data_dir = data_dir
        self.url = f"http://127.0.0.1:{self.port}"
        self._errors = (data_dir.parent / "serve.err").open("ab")
        command = [SOJOURN, "serve", "--data-dir", data_dir, "--port", self.port, "--grpc-port", self.grpc_port]
        self.process = subprocess.Popen(
            [str(each) for each in (*command, *arguments)],
            stdout=subprocess.PIPE, stderr=self._errors, text=True, env=environment(**variables),
        )  # fmt: skip
        self.lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())
            if line.startswith("Sojourn is ready"):
                return
        raise AssertionError(f"the server did not start: {self.lines} {self.errors()}")

    def errors(self) -> str:
        return (self.data_dir.parent / "serve.err").read_text()

    def shown(self, label: str) -> str:
        return next(line.removeprefix(label).strip() for line in self.lines if line.startswith(label))

    def children(self, role: str) -> list[psutil.Process]:
        """Return the processes that have this role now; any may end while it is looked at."""
        found: list[psutil.Process] = []
        for each in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                if each.status() != psutil.STATUS_ZOMBIE and each.cmdline()[-1:] == [role]:
                    found.append(each)
        return found

    def child(self, role: str) -> psutil.Process:
        return self.children(role)[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE_S)
        self.close()
        return code

    def close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()


@contextmanager
def running(data_dir: Path, *arguments: object, **variables: str) -> Iterator[Server]:
    server = Server(data_dir, *arguments, **variables)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something outside that tells nobody when it happens."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
