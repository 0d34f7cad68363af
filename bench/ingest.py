"""Ingest: how fast events are taken in over HTTP, against what the least could cost.

Batches of 500 go through the tracking API; the rows that they leave in the inbox are then copied by hand into an empty
table of the same shape, 500 in a transaction, over one connection; and, since the server has up to two transactions
under way, over two, to show what those could bring. Single events are compared with a route of the same server that
reads the request and does nothing. No engine runs, so that nothing but acceptance is measured.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from statistics import median
from typing import Any, LiteralString

import msgspec
import psutil
import psycopg

from bench import database, latency
from bench.client import Client
from bench.database import BEGIN
from bench.ingest_server import URL
from bench.processes import ROOT, processor_seconds, server_seconds
from bench.progress import say
from bench.report import Result, Table, spread, verdict
from sojourn.store.embedded import EmbeddedServer

BATCH = 500
BATCH_CLIENTS, SINGLE_CLIENTS = 8, 64
BATCH_BAR, SINGLE_BAR = 0.4, 0.5
SINGLES = 8000
KEY = "bench-write-key"
WHAT = {
    "batches": f"batches of {BATCH} over HTTP",
    "copy": f"COPY of the same rows by hand, {BATCH} in a transaction",
    "copy by two": "the same over two connections",
    "single": "single events over HTTP",
    "no-op": "a route that does nothing",
}
"""What is timed."""

COSTS = {
    "server, batches": "the server's processes, batches",
    "postgres, batches": "PostgreSQL, batches",
    "postgres, copy": "PostgreSQL, COPY over one connection",
    "server, single": "the server's processes, single events",
    "postgres, single": "PostgreSQL, single events",
    "server, no-op": "the server's processes, a route that does nothing",
}
"""Whose processor time is told."""

COLUMNS = "shard, kind, workspace_id, app_id, profile_id, name, data, source_id, occurred_at, received_at"


def measure(server: EmbeddedServer, events: int, runs: int) -> Result:
    say(f"ingest: setting up, {events} events, {runs} runs")
    url = database.make_database(server, [])
    database.add_people(url, events)
    latency.identify(url, events)
    with psycopg.connect(url) as conn:
        conn.execute("create table by_hand (like inbox including all)")
        conn.execute(
            "insert into token (workspace_id, kind, app_id, token_hash, title, created_at)"
            " select workspace_id, 'write', app_id, %s, 'bench', %s from app where workspace_id = 1 limit 1",
            [sha256(KEY.encode()).digest(), BEGIN],
        )
    database.settle(url)
    rates: dict[str, list[float]] = {name: [] for name in WHAT}
    costs: dict[str, list[float]] = {name: [] for name in COSTS}
    with _serving(url) as (base_url, pid):
        for run in range(runs + 1):
            say(f"ingest: run {run} of {runs}")
            found = asyncio.run(_run(server, url, base_url, pid, events))
            if run:  # the first one warms up
                for name, values in (rates | costs).items():
                    values.append(found[name])
    return _result(rates, costs, events, runs)


async def _run(server: EmbeddedServer, url: str, base_url: str, pid: int, events: int) -> dict[str, float]:
    found: dict[str, float] = {}
    postmaster = database.postmaster(server)
    _clear(url)
    # Spelled before, as the text that is copied is: what clients do is done on other machines than the server's.
    # Nothing but the texts is kept, or the collector of this process would go through it all while something is timed.
    batches = [
        msgspec.json.encode({"batch": [_call(at + place) for place in range(1, BATCH + 1)], "writeKey": KEY})
        for at in range(0, events, BATCH)
    ]
    singles = [
        msgspec.json.encode(_call(number) | {"messageId": None, "writeKey": KEY})
        for number in range(1, min(events, SINGLES) + 1)
    ]
    async with Client(base_url) as client:

        async def batch(at: int) -> None:
            assert (await client.post("/v1/batch", batches[at // BATCH]))[0] == 200

        def single(path: str) -> Callable[[int], Awaitable[None]]:
            async def post(number: int) -> None:
                status, _ = await client.post(path, singles[number])
                assert status == 200

            return post

        async def timed(name: str, work: range, act: Callable[[int], Awaitable[None]], clients: int) -> None:
            count = len(work) * work.step
            before = _processor(pid), server_seconds(postmaster)
            found[name] = count / await _all(work, act, clients)
            after = _processor(pid), server_seconds(postmaster)
            found[f"server, {name}"], found[f"postgres, {name}"] = (
                (b - a) / count for a, b in zip(before, after, strict=True)
            )

        await timed("batches", range(0, events, BATCH), batch, BATCH_CLIENTS)
        lines = _lines(url)
        assert len(lines) == events, f"{len(lines)} rows of {events} events"
        began = server_seconds(postmaster)
        found["copy"] = events / await _copy(url, lines)
        found["postgres, copy"] = (server_seconds(postmaster) - began) / events
        _clear(url, "by_hand")
        found["copy by two"] = events / await _copy(url, lines, connections=2)
        _clear(url)  # what PostgreSQL still does about the rows above is none of the single events' costs
        some = range(min(events, SINGLES))
        await timed("single", some, single("/v1/track"), SINGLE_CLIENTS)
        await timed("no-op", some, single("/no-op"), SINGLE_CLIENTS)
    return found


def _call(number: int) -> dict[str, Any]:
    return {
        "type": "track",
        "userId": f"user-{number}",
        "event": "Order Completed",
        "messageId": f"message-{time.time_ns()}-{number}",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "properties": {
            "order_id": f"o-{number}",
            "total": 27.5,
            "currency": "USD",
            "coupon": None,
            "items": ["a", "b"],
        },
        "context": {"library": {"name": "bench", "version": "1"}},
        "integrations": {},
    }


async def _all(work: Sequence[int], act: Callable[[int], Awaitable[None]], clients: int) -> float:
    """Do all the work, so many at a time; return the seconds."""
    waiting = iter(work)

    async def one() -> None:
        for each in waiting:
            await act(each)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(one())
    return time.perf_counter() - began


async def _copy(url: str, lines: Sequence[bytes], *, connections: int = 1) -> float:
    """Copy the lines, as many in a transaction as there are events in a batch; return the seconds."""
    portions = [b"".join(lines[at : at + BATCH]) for at in range(0, len(lines), BATCH)]

    async def some(conn: psycopg.AsyncConnection, place: int) -> None:
        for portion in portions[place::connections]:
            async with conn.cursor().copy(f"copy by_hand ({COLUMNS}) from stdin") as copy:
                await copy.write(portion)

    opened = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(connections)]
    try:
        began = time.perf_counter()
        await asyncio.gather(*(some(conn, place) for place, conn in enumerate(opened)))
        return time.perf_counter() - began
    finally:
        for conn in opened:
            await conn.close()


def _lines(url: str) -> list[bytes]:
    with psycopg.connect(url) as conn, conn.cursor().copy(f"copy inbox ({COLUMNS}) to stdout") as copy:
        return [bytes(line) for line in copy]


def _clear(url: str, tables: LiteralString = "inbox, by_hand") -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(f"truncate {tables}")
        conn.execute("checkpoint")


def _processor(pid: int) -> float:
    return sum(map(processor_seconds, [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]))


@contextmanager
def _serving(url: str) -> Generator[tuple[str, int]]:
    port = latency.free_port()
    command = [sys.executable, "-m", "bench.ingest_server", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {URL: url}, stdout=subprocess.DEVNULL)
    try:
        latency.wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(latency.END_PATIENCE_S)


def _result(rates: dict[str, list[float]], costs: dict[str, list[float]], events: int, runs: int) -> Result:
    speeds = Table(
        "Median (least to most):", ["what", "events/s"], [[text, spread(rates[name])] for name, text in WHAT.items()]
    )
    ratios = {
        "batches / COPY": (median(rates["batches"]) / median(rates["copy"]), BATCH_BAR),
        "single events / no-op": (median(rates["single"]) / median(rates["no-op"]), SINGLE_BAR),
    }
    bars = Table(
        "Ratios of medians:",
        ["what", "ratio", "bar", ""],
        [[name, f"{ratio:.2f}", f"at least {bar}", verdict(ratio >= bar)] for name, (ratio, bar) in ratios.items()],
    )
    spent = Table(
        "Processor time, µs of a core per event:",
        ["whose", "µs"],
        [[text, spread([cost * 1e6 for cost in costs[name]], ".1f")] for name, text in COSTS.items()],
    )
    raw = {"rates": rates, "processor_seconds_per_event": costs}
    return Result("ingest", {"events": events, "runs": runs}, [speeds, bars, spent], raw)
