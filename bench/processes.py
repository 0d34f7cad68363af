"""Processes: starts workers, waits for them, and reads how much processor time they and the server took."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Run:
    """What several workers did together."""

    moved: int
    seconds: float
    peak_memory: int
    processor_seconds: float
    """Of the database server, which others on the machine disturb less than they do the seconds on the wall."""


class Worker:
    """A worker process; leaving the context ends it."""

    def __init__(self, *arguments: str, module: str = "bench.worker") -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def say(self, line: str = "") -> None:
        assert self._process.stdin is not None, "its input is a pipe"
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        assert self._process.stdout is not None, "its output is a pipe"
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"worker {self.pid} ended with code {self._process.wait()}; its words are above")
        return line

    def hang_up(self) -> dict[str, Any]:
        """End a worker that works until its input ends; return its last words."""
        assert self._process.stdin is not None, "its input is a pipe"
        self._process.stdin.close()
        last = json.loads(self.hear())
        self._process.wait()
        return last


def race(commands: Sequence[Sequence[str]], postmaster: int) -> Run:
    """Run workers side by side; time from the signal to the end of the last."""
    before = server_seconds(postmaster)
    workers = [Worker(*command) for command in commands]
    try:
        for worker in workers:
            assert worker.hear() == "ready", "a worker first says that it is ready"
        started = time.perf_counter()
        for worker in workers:
            worker.say()
        ends = [json.loads(worker.hear()) for worker in workers]
        seconds = time.perf_counter() - started
    finally:
        for worker in workers:
            worker.__exit__(None, None, None)
    took = server_seconds(postmaster) - before
    return Run(sum(end["moved"] for end in ends), seconds, max(end["peak_memory"] for end in ends), took)


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def server_seconds(postmaster: int) -> float:
    """Return the processor time of a server: of all its processes, also of those that have ended."""
    process = psutil.Process(postmaster)
    while True:
        ended = process.cpu_times()
        try:
            living = sum(processor_seconds(child.pid) for child in process.children())
        except psutil.NoSuchProcess:
            continue
        # What a process spent goes from it to its parent when it ends; if that was just now, it may be counted nowhere.
        now_ended = process.cpu_times()
        if (now_ended.children_user, now_ended.children_system) == (ended.children_user, ended.children_system):
            return living + now_ended.user + now_ended.system + ended.children_user + ended.children_system


def memory_of(pid: int) -> int:
    """Return the bytes that belong to a process alone."""
    return psutil.Process(pid).memory_full_info().uss
