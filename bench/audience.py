"""Live audience: what one person's change costs, by how many people there are.

A running journey admits whoever begins to match a segment that half of the people are in. One person after the other is
said something about, and an engine applies it and looks whether the person has begun or ceased to match: one tick per
change, each with its own transaction. The people changed lie scattered over all shards.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import msgspec
import psycopg

from bench import database
from bench.database import BEGIN, SHARDS
from bench.graphs import newly_gold
from bench.processes import processor_seconds
from bench.progress import say
from bench.report import Result, Table, percentile, verdict
from sojourn.engine.runner import Runner
from sojourn.store.connection import Conn
from sojourn.store.embedded import EmbeddedServer
from sojourn.store.wakeups import connect_worker

WITHIN = 0.25
"""How far from the cheapest a size may be and count as the same."""

WARM_UP = 40
"""Changes before those that count: statements are prepared, the first pages read."""

SCATTER = 7919
"""A prime, so that the people who change one after the other lie far apart."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one kind of change took, per change."""

    seconds: Sequence[float]
    server_seconds: float

    @property
    def median(self) -> float:
        return median(self.seconds)


KINDS: Mapping[str, str] = {
    "joins or leaves": "tier",
    "stays in or out": "level",
    "is not concerned": "city",
}
"""What becomes of a person who changes, with the attribute that is set: the segment reads the first two."""


def measure(server: EmbeddedServer, sizes: Sequence[int], changes: int) -> Result:
    found = {size: _of_size(server, size, changes) for size in sizes}
    options = {"people": " / ".join(f"{size:,}" for size in sizes), "changes of each kind": changes}
    raw = {str(size): {kind: asdict(cost) for kind, cost in costs.items()} for size, costs in found.items()}
    return Result("audience", options, [_table(found)], raw)


def _of_size(server: EmbeddedServer, size: int, changes: int) -> dict[str, Cost]:
    say(f"audience: setting up {size:,} people")
    url = database.make_database(server, [newly_gold()])
    database.add_people(url, size)
    database.admit(url)
    asyncio.run(_drain(url))
    database.settle(url)
    return asyncio.run(_change_all(url, size, changes))


async def _drain(url: str) -> None:
    await Runner(url, lambda: BEGIN).drain()


async def _change_all(url: str, size: int, changes: int) -> dict[str, Cost]:
    costs: dict[str, Cost] = {}
    async with await connect_worker(url, name="engine") as conn:
        runner = Runner(url, lambda: BEGIN)
        await _warm_up(conn, runner, url)
        for turn, (kind, tag) in enumerate(KINDS.items()):
            first = turn * (changes + WARM_UP)
            people = [1 + (first + place) * SCATTER % size for place in range(changes + WARM_UP)]
            with psycopg.connect(url, autocommit=True) as teller:
                await _change(conn, runner, teller, people[:WARM_UP], tag)
                before = processor_seconds(conn.info.backend_pid)
                seconds = await _change(conn, runner, teller, people[WARM_UP:], tag)
                spent = (processor_seconds(conn.info.backend_pid) - before) / changes
            costs[kind] = Cost(seconds, spent)
            say(f"audience: {size:,} people, {kind}: {costs[kind].median * 1000:.2f} ms")
    return costs


async def _warm_up(conn: Conn, runner: Runner, url: str) -> None:
    """Change people back and forth until the first crowd has nothing left that a later one finds done."""
    with psycopg.connect(url, autocommit=True) as teller:
        for tag in KINDS.values():
            await _change(conn, runner, teller, [1] * WARM_UP, tag)


async def _change(
    conn: Conn, runner: Runner, teller: "psycopg.Connection[Any]", people: Sequence[int], tag: str
) -> list[float]:
    """Say something about one person after the other; return how long the engine took for each."""
    took: list[float] = []
    for number in people:
        _say(teller, number, tag)
        started = time.perf_counter()
        passed = await runner._pass(conn)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as if called
        took.append(time.perf_counter() - started)
        assert passed.ticks == 1, "one change is one tick"
    return took


def _say(teller: "psycopg.Connection[Any]", number: int, tag: str) -> None:
    """Give the person the other tier, or set an attribute that no segment asks for a certain value of."""
    was_gold = number // SHARDS % 2 == 0
    value = "none" if was_gold else "gold"
    data = {"operations": [{"op": "set", "tag": tag, "value": value}]}
    teller.execute(
        "insert into inbox (shard, kind, workspace_id, profile_id, data, occurred_at, received_at)"
        " values (%s, 'attributes', 1, %s, %s, %s, %s)",
        [number % SHARDS, number, msgspec.json.encode(data).decode(), BEGIN, BEGIN],
    )


def _table(found: Mapping[int, Mapping[str, Cost]]) -> Table:
    rows: list[list[str]] = []
    for kind in KINDS:
        least_wall = min(costs[kind].median for costs in found.values())
        least_server = min(costs[kind].server_seconds for costs in found.values())
        for size, costs in found.items():
            cost = costs[kind]
            wall = cost.median / least_wall
            server = cost.server_seconds / least_server if least_server else 1.0
            rows.append(
                [
                    kind,
                    f"{size:,}",
                    f"{cost.median * 1000:.2f}",
                    f"{percentile(cost.seconds, 0.99) * 1000:.2f}",
                    f"{cost.server_seconds * 1000:.2f}",
                    f"{wall:.2f}",
                    f"{server:.2f}",
                    verdict(max(wall, server) <= 1 + WITHIN),
                ]
            )
    return Table(
        f"One person's change, until its tick is committed (bar: the same for all sizes, within {WITHIN:.0%}):",
        [
            "the person", "people", "median, ms", "p99, ms", "server, ms of a core", "median, of the least",
            "server, of the least", "",
        ],
        rows,
    )  # fmt: skip
