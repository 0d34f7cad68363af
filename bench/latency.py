"""Latency: from the answer to `postEvent` to the commit of the message that the event causes.

A whole server runs (`sojourn serve`: HTTP, engine, delivery) and gets events at a steady rate. When a message was
committed is not polled for: PostgreSQL notes the instant of every commit. That of the enrollment is read, which is
written in the transaction of the message and, unlike the message, by nobody afterwards. The yardstick is a transaction
that inserts one row, at the same rate into the same database while the server idles.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
import psycopg

from bench import database
from bench.client import Client
from bench.database import BEGIN, SHARDS
from bench.graphs import APP, greeting
from bench.processes import ROOT, processor_seconds, server_seconds
from bench.progress import say
from bench.report import Result, Table, percentile
from sojourn.model.identities import user_identity
from sojourn.store.embedded import EmbeddedServer

EVENT = "SignedUp"
TOKEN = "bench"
WARM_UP_S, BARE_S = 3, 10
START_PATIENCE_S, END_PATIENCE_S = 60, 30


@dataclass(frozen=True, slots=True)
class Answer:
    """When an event was sent and when the client had the answer, on the machine's clock."""

    sent_at: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class Load:
    """How many events a second, and for how long."""

    rate: int
    seconds: int


def measure(server: EmbeddedServer, rate: int, seconds: int) -> Result:
    say(f"latency: setting up, {rate} events/s for {seconds} s")
    people = rate * (seconds + WARM_UP_S)
    url = database.make_database(server, [greeting(EVENT)])
    database.add_people(url, people)
    identify(url, people)
    database.settle(url)
    with _serving(url) as (base_url, pid):
        bare = asyncio.run(_commits(url, rate))
        say("latency: sending events")
        before = _processor_seconds(server, pid)
        answers = asyncio.run(_send(base_url, rate, people))
        _wait_for_all(url, people)
        after = _processor_seconds(server, pid)
        bare += asyncio.run(_commits(url, rate))
    costs = {name: (after[name] - before[name]) / people for name in after}
    return _result(url, answers, bare, costs, Load(rate, seconds))


def _processor_seconds(server: EmbeddedServer, pid: int) -> dict[str, float]:
    tree = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return {
        "the server's processes": sum(map(processor_seconds, tree)),
        "PostgreSQL": server_seconds(database.postmaster(server)),
        "the client": processor_seconds(os.getpid()),
    }


def identify(url: str, people: int) -> None:
    """Let people be found by their user ids, and let the bench in."""
    identities = [(number, user_identity(1, f"user-{number}")) for number in range(1, people + 1)]
    with psycopg.connect(url) as conn:
        conn.execute(
            """
            insert into identity (shard, workspace_id, kind, value, profile_shard, profile_id, created_at)
            select input.shard, 1, 'user_id', input.value, mod(input.profile_id, %s), input.profile_id, %s
            from unnest(%s::smallint[], %s::text[], %s::bigint[]) as input(shard, value, profile_id)
            """,
            [
                SHARDS,
                BEGIN,
                [identity.shard(SHARDS) for _, identity in identities],
                [identity.value for _, identity in identities],
                [number for number, _ in identities],
            ],
        )
        conn.execute("select setval('profile_number', %s)", [people])
        conn.execute("create table bare (number bigint primary key)")
        conn.execute(
            "insert into token (workspace_id, kind, token_hash, title, created_at) values (1, 'api', %s, 'bench', %s)",
            [sha256(TOKEN.encode()).digest(), BEGIN],
        )


# The server -------------------------------------------------------------------------------------------------


@contextmanager
def _serving(url: str) -> Generator[tuple[str, int]]:
    """Run a server on the database; yields where it answers and its main process."""
    port = free_port()
    sojourn = Path(sys.executable).with_name("sojourn")
    command = [sojourn, "serve", "--database-url", url, "--port", str(port), "--grpc-port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    base_url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(base_url, process)
        yield base_url, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(base_url: str, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < give_up:
        assert process.poll() is None, "the server ended; its words are above"
        try:
            if httpx.get(f"{base_url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the server does not get ready")


def _wait_for_all(url: str, people: int) -> None:
    give_up, messages = time.monotonic() + END_PATIENCE_S, 0
    with psycopg.connect(url, autocommit=True) as conn:
        while messages < people:
            if time.monotonic() > give_up:
                raise TimeoutError(f"{people:,} events, but only {messages:,} messages")
            time.sleep(0.2)
            (messages,) = conn.execute("select count(*) from message").fetchone() or (0,)


# The load ---------------------------------------------------------------------------------------------------


async def _steadily(rate: int, count: int, act: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Begin an act every 1/rate seconds, whether or not the earlier ones have ended."""
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(1, count + 1):
            group.create_task(act(number))
            await asyncio.sleep(started + number / rate - time.monotonic())


async def _send(base_url: str, rate: int, people: int) -> dict[int, Answer]:
    """Send an event of each person."""
    answers: dict[int, Answer] = {}
    async with Client(base_url) as client:

        async def post(number: int) -> None:
            request = {"application": APP, "auth": TOKEN, "event": EVENT, "userId": f"user-{number}"}
            sent_at = time.time()
            status, body = await client.post("/json/1.3/postEvent", {"request": request})
            answers[number] = Answer(sent_at, time.time())
            assert status == 200, body

        await _steadily(rate, people, post)
    return answers


async def _commits(url: str, rate: int) -> list[float]:
    """Insert and commit single rows; return how many seconds each took."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        (before,) = await (await conn.execute("select count(*) from bare")).fetchone() or (0,)
        took: list[float] = []

        async def commit(number: int) -> None:
            started = time.perf_counter()
            await conn.execute("insert into bare (number) values (%s)", [before + number], prepare=True)
            took.append(time.perf_counter() - started)

        started = time.monotonic()
        for number in range(1, rate * BARE_S + 1):
            await commit(number)
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
    return took[rate:]


# The result -------------------------------------------------------------------------------------------------


def _result(
    url: str, answers: Mapping[int, Answer], bare: Sequence[float], costs: Mapping[str, float], load: Load
) -> Result:
    with psycopg.connect(url) as conn:
        committed: dict[int, float] = dict(
            conn.execute(
                "select e.profile_id, extract(epoch from pg_xact_commit_timestamp(e.xmin))::double precision"
                " from enrollment as e join message as m on m.shard = e.shard and m.enrollment_id = e.enrollment_id"
            ).fetchall()
        )
    counted = [number for number in sorted(answers) if number > load.rate * WARM_UP_S]
    waits = {
        "bare commit of one row": list(bare),
        "request sent → answer: accepted, durable": [answers[n].answered_at - answers[n].sent_at for n in counted],
        "answer → message committed": [committed[n] - answers[n].answered_at for n in counted],
        "request sent → message committed": [committed[n] - answers[n].sent_at for n in counted],
    }
    yardstick = _figures(bare)
    rows: list[list[str]] = []
    raw: dict[str, Any] = {}
    for name, values in waits.items():
        figures = raw[name] = _figures(values)
        rows.append(
            [
                name,
                f"{figures['median'] * 1000:.2f}",
                f"{figures['p99'] * 1000:.2f}",
                f"{figures['median'] / yardstick['median']:.1f}",
                f"{figures['p99'] / yardstick['p99']:.1f}",
            ]
        )
    head = ["what", "median, ms", "p99, ms", "median, in bare commits", "p99, in bare commits"]
    table = Table(f"`postEvent` at {load.rate} events/s ({len(counted):,} events):", head, rows)
    spent = [[name, f"{cost * 1000:.2f}", f"{cost * load.rate * 100:.0f}"] for name, cost in costs.items()]
    processor = Table("Processor time meanwhile:", ["whose", "ms per event", "% of a core"], spent)
    raw["processor_seconds_per_event"] = costs
    return Result("latency", {"rate": load.rate, "seconds": load.seconds}, [table, processor], raw)


def _figures(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "p99": percentile(values, 0.99), "max": max(values)}
