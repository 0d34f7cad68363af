"""Worker: a process that moves people, so that its memory and its time are its own.

It says that it is ready, waits for a line, works, and says how much it did and how much memory it had.

    python -m bench.worker drain URL NOW          the engine, until nobody is due at NOW
    python -m bench.worker floor URL NOW SHARDS   the floor, for the shards given
    python -m bench.worker run URL NOW            the engine, until its input ends; each line on it sets the clock
    python -m bench.worker live URL               the engine on the real clock, until its input ends
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench.progress import quiet


def peak_memory() -> int:
    """Return the most bytes that this process has held at once."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Not getrusage, whose figure outlives exec: it would be that of the process which started this one.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    quiet()
    role, url, *rest = sys.argv[1:]
    match role:
        case "drain":
            _timed(_drain(url, datetime.fromisoformat(rest[0])))
        case "floor":
            _timed(_floor(url, datetime.fromisoformat(rest[0]), [int(shard) for shard in rest[1].split(",")]))
        case "run":
            asyncio.run(_run(url, datetime.fromisoformat(rest[0])))
        case "live":
            asyncio.run(_run(url, None))
        case _:
            raise SystemExit(f"unknown role `{role}`")


def _timed(work: Callable[[], int]) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.perf_counter()
    moved = work()
    seconds = time.perf_counter() - started
    print(json.dumps({"moved": moved, "seconds": seconds, "peak_memory": peak_memory()}), flush=True)


def _drain(url: str, now: datetime) -> Callable[[], int]:
    from sojourn.engine.runner import Runner  # noqa: PLC0415 - not part of the memory of the floor

    return lambda: asyncio.run(Runner(url, lambda: now).drain())


def _floor(url: str, now: datetime, shards: list[int]) -> Callable[[], int]:
    from bench.floor import move_everybody  # noqa: PLC0415 - not part of the memory of the engine

    return lambda: move_everybody(url, shards, now)


async def _run(url: str, now: datetime | None) -> None:
    from sojourn.engine.runner import Runner  # noqa: PLC0415 - not part of the memory of the floor

    clock = [now]
    stop = asyncio.Event()
    running = asyncio.create_task(Runner(url, lambda: clock[0] or datetime.now(UTC)).run(stop))
    print("ready", flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        clock[0] = datetime.fromisoformat(line)
        print("ok", flush=True)
    stop.set()
    await running
    print(json.dumps({"peak_memory": peak_memory()}), flush=True)


if __name__ == "__main__":
    main()
