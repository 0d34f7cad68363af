"""Auth: what recognising who has signed in, counting their requests and checking their role adds to a read.

One client asks in turn for the health route, for a site with a session, for the same site on a route that asks nobody
who they are, and for the site's row by hand over a connection of its own. In turn, so that a slow moment of the machine
hits all of them.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from statistics import median
from uuid import UUID

import psycopg

from bench import database, latency
from bench.client import Client
from bench.ingest_server import URL
from bench.processes import ROOT
from bench.progress import say
from bench.report import Result, Table, percentile, spread, verdict
from sojourn import wiring
from sojourn.service.accounts import add_account
from sojourn.service.commands import CreateAccount
from sojourn.service.passwords import Passwords
from sojourn.service.service import Service
from sojourn.store.connection import make_pool
from sojourn.store.embedded import EmbeddedServer
from sojourn.store.queries import QUERIES

BAR = 1.3
WARM_UP = 500
EMAIL, PASSWORD = "owner@example.com", "correct horse battery"
WHAT = {
    "health": "`GET /healthz`, of nobody",
    "query": "the query by hand, over a connection that is kept",
    "session": "`GET /api/sites/:id`, with a session",
    "open": "the same read on a route that asks nobody who they are",
}


def measure(server: EmbeddedServer, requests: int, runs: int) -> Result:
    say(f"auth: setting up, {requests} requests of each kind, {runs} runs")
    url = database.make_database(server, [])
    site, token = asyncio.run(_sign_in(url))
    with _serving(url) as base_url:
        asyncio.run(_run(url, base_url, site, token, WARM_UP))
        found = [asyncio.run(_run(url, base_url, site, token, requests)) for _ in range(runs)]
    return _result(found, requests, runs)


async def _sign_in(url: str) -> tuple[UUID, str]:
    async with make_pool(url, application_name="bench", max_size=2) as pool:
        async with pool.connection() as conn:
            row = await (await conn.execute("select site_id from app where workspace_id = 1 limit 1")).fetchone()
            assert row is not None
            command = CreateAccount(email=EMAIL, password=PASSWORD, role="owner")
            await add_account(conn, Passwords(), 1, command, wiring.clock())
        service = Service(pool, wiring.clock)
        begun = await service.sign_in(EMAIL, PASSWORD, address="bench", agent="bench")
        await service.close()
    return row[0], begun.token


async def _run(url: str, base_url: str, site: UUID, token: str, requests: int) -> dict[str, list[float]]:
    """Return the seconds of each request, by kind."""
    query = QUERIES["find_site"]
    took: dict[str, list[float]] = {name: [] for name in WHAT}
    conn = await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=1)
    async with Client(base_url) as client, conn:

        async def get(path: str, headers: Mapping[str, str]) -> None:
            status, _ = await client.get(path, headers)
            assert status == 200, f"{path}: {status}"

        async def ask() -> None:
            cursor = await conn.execute(query, {"workspace_id": 1, "site_id": site})
            assert await cursor.fetchone() is not None

        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "health": lambda: get("/healthz", {}),
            "query": ask,
            "session": lambda: get(f"/api/sites/{site}", {"authorization": f"Bearer {token}"}),
            "open": lambda: get(f"/open/{site}", {}),
        }
        for _ in range(requests):
            for name, act in kinds.items():
                began = time.perf_counter()
                await act()
                took[name].append(time.perf_counter() - began)
    return took


@contextmanager
def _serving(url: str) -> Generator[str]:
    port = latency.free_port()
    command = [sys.executable, "-m", "bench.auth_server", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {URL: url}, stdout=subprocess.DEVNULL)
    try:
        latency.wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(latency.END_PATIENCE_S)


def _result(found: list[dict[str, list[float]]], requests: int, runs: int) -> Result:
    medians = {name: [median(run[name]) for run in found] for name in WHAT}
    ratios = [
        session / (health + query)
        for session, health, query in zip(medians["session"], medians["health"], medians["query"], strict=True)
    ]
    times = Table(
        "Median of the runs' medians (least to most), and their 99th percentile:",
        ["what", "ms", "p99, ms"],
        [
            [
                text,
                spread([each * 1e3 for each in medians[name]], ".3f"),
                f"{median([percentile(run[name], 0.99) for run in found]) * 1e3:.3f}",
            ]
            for name, text in WHAT.items()
        ],
    )
    bar = Table(
        "The bar:",
        ["what", "ratio", "bar", ""],
        [["read with a session / (health + query)", spread(ratios, ".2f"), f"at most {BAR}",
          verdict(median(ratios) <= BAR)]],
    )  # fmt: skip
    raw = {"medians": medians, "ratios": ratios}
    return Result("auth", {"requests": requests, "runs": runs}, [times, bar], raw)
