"""Whoever accepts events is killed. What was acknowledged is there, once; what was not may be sent again."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sojourn.engine.runner import Runner
from sojourn.service.workspaces import ensure_app
from sojourn.store.connection import connect
from tests.chaos.acceptance_worker import APP, NAME, USERS
from tests.chaos.processes import Onlooker, Script, until

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
EVENTS = 8_000
KILLED = 12
ACKNOWLEDGED_IN_A_LIFE = 600


async def test_acknowledged_events_are_kept_once_whoever_is_killed(database_url: str, chance: random.Random) -> None:
    async with await connect(database_url, application_name="stage") as conn:
        app = await ensure_app(conn, "default", MORNING, application_code=APP)
    arguments = ("acceptance_worker.py", database_url, MORNING.isoformat(), app.workspace_id)
    posted, waiting = Counter[int](), set(range(EVENTS))
    async with Onlooker(database_url) as onlooker:
        for life in range(KILLED + 1):
            deadline = chance.randint(1, ACKNOWLEDGED_IN_A_LIFE) if life < KILLED else len(waiting)
            offered = chance.sample(sorted(waiting), len(waiting))
            acknowledged = await live_and_die(Script(*arguments, talks=True), offered, deadline)
            await until(lambda: onlooker.is_gone(NAME), "nothing of the killed process is left in the database")
            assert acknowledged <= waiting
            kept = Counter(dict(await numbers(database_url, "inbox")))
            assert acknowledged <= kept.keys(), "what was acknowledged is in the database"
            assert not {number for number in acknowledged if kept[number] != posted[number] + 1}
            waiting -= acknowledged
            posted = kept
    assert not waiting
    await Runner(database_url, lambda: MORNING).drain()
    assert dict(await numbers(database_url, "event")) == dict.fromkeys(range(EVENTS), 1)
    await check_people(database_url)


async def live_and_die(script: Script, offered: list[int], deadline: int) -> set[int]:
    """Offer events, kill the process when so many have been acknowledged, and return all that were."""
    await script.start()
    process, acknowledged = script.process, set[int]()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(f"{number}\n" for number in offered).encode())
    process.stdin.close()
    async with asyncio.timeout(60):
        async for line in process.stdout:
            acknowledged.add(int(line))
            if len(acknowledged) == deadline:
                process.kill()
    assert len(acknowledged) >= deadline, f"the process ended before it was killed:\n{script.words()}"
    await script.kill()
    return acknowledged


async def numbers(url: str, table: str) -> list[tuple[int, int]]:
    """How often each event is in a table."""
    kind = "where kind = 'event'" if table == "inbox" else ""
    return await read(url, f"select (data ->> 'number')::int, count(*) from {table} {kind} group by 1")


async def check_people(url: str) -> None:
    """Check that nobody became two, and that the events are those of the people who did them."""
    users = await read(url, "select user_id, count(*) from profile group by 1")
    assert dict(users) == {f"user-{number}": 1 for number in range(USERS)}
    assert await read(
        url,
        f"select count(*) from event as e join profile as p using (shard, profile_id)"
        f" where p.user_id <> 'user-' || (e.data ->> 'number')::int % {USERS}",
    ) == [(0,)]


async def read(url: str, query: Any) -> list[tuple[Any, ...]]:
    async with await connect(url, application_name="check") as conn:
        return await (await conn.execute(query)).fetchall()
