"""Content: from the event that a page posts to the content that comes over the page's stream.

A whole server runs, and as many pages follow their streams as events will be sent. Visitors are new: their first event
makes them known, enrolls them, and brings them to the content. Everything is timed by the client.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from bench import database, latency
from bench.client import Client
from bench.database import BEGIN
from bench.graphs import showing
from bench.processes import ROOT
from bench.progress import say
from bench.report import Result, Table, percentile
from sojourn.store.embedded import EmbeddedServer

EVENT, KEY = "wants", "sjk_bench"
CONTENT = UUID(int=7)
WARM_UP_S = 3
PATIENCE_S = 60
CONNECTING = 50
"""Pages that connect at the same time."""


def measure(server: EmbeddedServer, rate: int, seconds: int) -> Result:
    pages = rate * (seconds + WARM_UP_S)
    say(f"content: setting up, {pages} pages, {rate} events/s")
    url = database.make_database(server, [showing(EVENT, str(CONTENT))])
    _prepare(url)
    with _serving(url) as base_url:
        found = asyncio.run(_run(base_url, rate, pages))
    return _result(found[rate * WARM_UP_S :], rate, seconds, pages)


def _prepare(url: str) -> None:
    """Keep the content, and let the pages in."""
    with psycopg.connect(url) as conn:
        conn.execute(
            "insert into content"
            " (content_uuid, workspace_id, app_id, kind, name, document, status, created_at, updated_at)"
            " values (%s, 1, 1, 'modal', 'Hello', '{\"title\": \"Hello\"}', 'published', %s, %s)",
            [CONTENT, BEGIN, BEGIN],
        )
        conn.execute(
            "insert into token (workspace_id, kind, app_id, token_hash, title, public_id, hint, created_at)"
            " values (1, 'site', 1, %s, 'bench', gen_random_uuid(), 'sjk_', %s)",
            [sha256(KEY.encode()).digest(), BEGIN],
        )


@contextmanager
def _serving(url: str) -> Generator[str]:
    port = latency.free_port()
    sojourn = Path(sys.executable).with_name("sojourn")
    command = [sojourn, "serve", "--database-url", url, "--port", str(port), "--grpc-port", "0"]
    settings = {"SOJOURN_RATE_LIMIT_SDK": "0"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.DEVNULL, start_new_session=True
    )
    base_url = f"http://127.0.0.1:{port}"
    try:
        latency.wait_until_ready(base_url, process)
        yield base_url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(latency.END_PATIENCE_S)


class Visitor:
    """Somebody on a page that follows its stream."""

    def __init__(self, number: int) -> None:
        self.name = f"visitor-{number}"
        self.sent_at = self.answered_at = self.shown_at = 0.0
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def follow(self, base_url: str) -> None:
        """Open the stream, and read what there is at first: nothing."""
        parts = urlsplit(base_url)
        assert parts.hostname is not None
        self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
        path = f"/api/sdk/journeys/stream?apiKey={KEY}&anonymousId={self.name}"
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        await self._reader.readuntil(b'{"data":[]')

    async def act(self, client: Client) -> None:
        """Post the event, and wait for the content."""
        assert self._reader is not None
        shown = asyncio.create_task(self._reader.readuntil(b'"contentType":"modal"'))
        event = {"type": "CUSTOM", "name": EVENT, "anonymousId": self.name, "id": self.name}
        self.sent_at = time.perf_counter()
        status, body = await client.post("/api/sdk/events", {"_apiKey": KEY, "events": [event]})
        self.answered_at = time.perf_counter()
        assert status == 202, body
        await asyncio.wait_for(shown, PATIENCE_S)
        self.shown_at = time.perf_counter()

    def leave(self) -> None:
        if self._writer is not None:
            self._writer.close()


async def _run(base_url: str, rate: int, pages: int) -> list[Visitor]:
    visitors = [Visitor(number) for number in range(pages)]
    for begin in range(0, pages, CONNECTING):
        await asyncio.gather(*(visitor.follow(base_url) for visitor in visitors[begin : begin + CONNECTING]))
    say("content: sending events")
    async with Client(base_url) as client, asyncio.TaskGroup() as group:
        started = time.monotonic()
        for number, visitor in enumerate(visitors, 1):
            group.create_task(visitor.act(client))
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
    for visitor in visitors:
        visitor.leave()
    return visitors


def _result(found: Sequence[Visitor], rate: int, seconds: int, pages: int) -> Result:
    waits: Mapping[str, list[float]] = {
        "event sent → answer: accepted, durable": [each.answered_at - each.sent_at for each in found],
        "answer → content on the stream": [each.shown_at - each.answered_at for each in found],
        "event sent → content on the stream": [each.shown_at - each.sent_at for each in found],
    }
    rows: list[list[str]] = []
    raw: dict[str, Any] = {}
    for name, values in waits.items():
        raw[name] = {"median": median(values), "p99": percentile(values, 0.99), "max": max(values)}
        rows.append([name, *(f"{figure * 1000:.1f}" for figure in raw[name].values())])
    title = f"{len(found):,} events at {rate} a second, with {pages:,} pages following:"
    table = Table(title, ["what", "median, ms", "p99, ms", "longest, ms"], rows)
    return Result("content", {"rate": rate, "seconds": seconds}, [table], raw)
