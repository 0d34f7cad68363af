"""PostgreSQL is killed while 50,000 people move. The workers come back by themselves; what was promised is kept."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from psycopg import OperationalError

from sojourn.store.embedded import EmbeddedServer
from tests.chaos.acts import Act
from tests.chaos.crowd import ACTS
from tests.chaos.processes import Onlooker, until
from tests.chaos.stage import Stage, check_fates, check_laws, set_stage
from tests.chaos.workers import NAME, Workers
from tests.conftest import make_template
from tests.walker import Row

PEOPLE = 52_125
DURABLE = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "256MB", "synchronous_commit": "on"}
VICTIMS = ("the main process", "all processes", "another process")
PAUSE_SECONDS = 0.5


@pytest.fixture
def server(postgres_version: int) -> Iterator[EmbeddedServer]:
    folder = Path(tempfile.mkdtemp(prefix="sojourn-chaos-"))
    with EmbeddedServer(folder, version=postgres_version, settings=DURABLE) as server:
        yield server
    shutil.rmtree(folder)


async def test_a_killed_postgres_loses_no_promise(server: EmbeddedServer, chance: random.Random) -> None:
    await make_template(server.url)
    stage = await set_stage(server.url, PEOPLE)
    async with Onlooker(server.url) as onlooker:
        for number, now in enumerate(ACTS):
            await stage.analyze()
            async with Workers(server.url, now) as workers:
                act = Act(stage, number, workers, onlooker)
                async with asyncio.TaskGroup() as group:
                    feeding = group.create_task(feed(stage, act.batches, number))
                    await act.until_at_work(*workers.names, feeding=feeding)
                    await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
                    await asyncio.to_thread(kill_and_start, server, VICTIMS[number % len(VICTIMS)], chance)
                await act.until_at_rest()
            await until(lambda: onlooker.is_gone(NAME), "nothing of the workers is left in the database")
    await check_laws(stage)
    await check_fates(stage)


def kill_and_start(server: EmbeddedServer, who: str, chance: random.Random) -> None:
    """Kill processes of the server. If it is not the main one, that ends and restarts the others by itself."""
    assert server.postmaster_pid is not None
    postmaster = psutil.Process(server.postmaster_pid)
    children = postmaster.children(recursive=True)
    victims = {
        "the main process": [postmaster],
        "all processes": [postmaster, *children],
        "another process": [chance.choice(children)],
    }
    for victim in victims[who]:
        with suppress(psutil.NoSuchProcess):
            victim.kill()
    server.start()


async def feed(stage: Stage, batches: list[list[Row]], act: int) -> None:
    """Append each batch once. Where the server went away before it answered, a receipt tells whether it is there."""
    for place, batch in enumerate(batches):
        await feed_batch(stage, batch, receipt=act * 1_000 + place)


async def feed_batch(stage: Stage, batch: list[Row], receipt: int) -> None:
    while True:
        try:
            if not await stage.has_receipt(receipt):
                await stage.feed(batch, receipt)
        except OperationalError:
            await asyncio.sleep(0.05)
        else:
            return
