"""Segments: what it takes to count the people in a segment, against the best SQL for it that a person would write.

Ours is the command `CountSegment`, as the API runs it: it reads what the workspace has, asks how many people the
attributes leave undecided, chooses its way, and counts. The floor is one statement, written for the one
segment: its author knows that these attributes are never lists and need no folding of case. There are several such
statements for each segment; the floor is whichever is the quickest here. Both may use several processes.

The way that is chosen depends on the segment. So besides the one that is judged there are others, for which the best
way differs.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any, LiteralString

from psycopg.errors import QueryCanceled

from bench import crowd, database
from bench.processes import server_seconds
from bench.progress import say
from bench.report import Result, Table, spread, verdict
from sojourn.service.commands import Caller, CountSegment, CreateSegment
from sojourn.service.exporting.plan import ExportPlan
from sojourn.service.exporting.run import export_batches
from sojourn.service.service import Service
from sojourn.store.connection import Pool, make_pool
from sojourn.store.embedded import EmbeddedServer

BAR = 0.8
"""Of the floor's speed."""

US = Caller(workspace_id=1, name="bench")
PATIENCE_MS = 20_000
"""A hand-written statement that takes longer is not the best."""

BUYERS = "GERMAN-BUYERS"


@dataclass(frozen=True, slots=True)
class Case:
    """A segment, in our language and by hand.

    Attributes:
        row: What is asked of the person `p`, by hand.
        did: What is asked of events `e`, by hand; empty: nothing.
        having: What is asked of a person's events together; empty: that there is one.
        is_not: Whether those are wanted who have none.
    """

    title: str
    source: str
    row: LiteralString
    did: LiteralString = ""
    having: LiteralString = ""
    is_not: bool = False
    is_judged: bool = False

    def by_hand(self) -> Mapping[str, LiteralString]:
        """Return statements that count the same people, by their way."""
        people = f"select count(*) from profile as p where p.workspace_id = 1 and {self.row}"
        if not self.did:
            return {"one pass": people}
        key: LiteralString = "e.shard, e.profile_id"
        mine = f"from event as e where e.shard = p.shard and e.profile_id = p.profile_id and {self.did}"
        each = f"(select {self.having} {mine})" if self.having else f"exists (select {mine} offset 0)"
        having = f"having {self.having}" if self.having else ""
        doers = f"select {key} from event as e where {self.did} group by {key} {having}"
        is_one = "p.shard = d.shard and p.profile_id = d.profile_id"
        whose = f"{is_one} and p.workspace_id = 1 and {self.row}"
        if self.is_not:
            return {
                "person by person": f"{people} and not {each}",
                "anti-join": f"{people} and not exists (select {mine})",
                "anti-join with a set": f"with d as materialized ({doers}) {people}"
                f" and not exists (select from d where {is_one})",
                "all but the doers": f"select ({people})"
                f" - (select count(*) from ({doers}) as d join profile as p on {whose})",
            }
        found = f"select p.shard, p.profile_id from profile as p where p.workspace_id = 1 and {self.row}"
        return {
            "person by person": f"{people} and {each}",
            "semi-join": f"{people} and (p.shard, p.profile_id) in ({doers})",
            "join with a set": f"with d as materialized ({doers}) select count(*) from d join profile as p on {whose}",
            "from doers to their rows": f"select count(*) from ({doers}) as d"
            f" cross join lateral (select from profile as p where {whose} offset 0) as found",
            "from people to a set of events": f"with p as materialized ({found})"
            " select count(*) from (select from event as e join p on p.shard = e.shard"
            f" and p.profile_id = e.profile_id where {self.did} group by {key} {having}) as found",
        }


BOUGHT: LiteralString = "e.name = 'purchase' and e.received_at > %(since)s and e.occurred_at > %(since)s"
GERMAN: LiteralString = "p.attributes ->> 'country' = 'de'"
CASES = (
    Case(
        "three attributes and an event count",
        'T("country", EQ, "de") * T("age", BETWEEN, 25, 40) * T("plan", IN, ["starter", "pro"])'
        ' * Event("purchase", days, 30, count, GTE, 3)',
        f"{GERMAN} and (p.attributes ->> 'age')::numeric between 25 and 40"
        " and p.attributes ->> 'plan' in ('starter', 'pro')",
        BOUGHT,
        "count(*) >= 3",
        is_judged=True,
    ),
    Case(
        "one person's attribute and an event",
        'T("email", EQ, "person-77@example.com") * Event("page_view", days, 30)',
        "p.attributes ->> 'email' = 'person-77@example.com'",
        "e.name = 'page_view' and e.received_at > %(since)s and e.occurred_at > %(since)s",
    ),
    Case(
        "an event count alone",
        'Event("purchase", days, 30, count, GTE, 3)',
        "true",
        BOUGHT,
        "count(*) >= 3",
    ),
    Case(
        "an attribute and no event",
        'T("country", EQ, "de") \\ Event("purchase", days, 30)',
        GERMAN,
        BOUGHT,
        is_not=True,
    ),
    Case(
        "three attributes that nobody has, and an event count",
        'T("a", NOTSET) * T("b", NOTSET) * T("c", NOTSET) * Event("purchase", days, 30, count, GTE, 3)',
        "p.attributes ->> 'a' is null and p.attributes ->> 'b' is null and p.attributes ->> 'c' is null",
        BOUGHT,
        "count(*) >= 3",
    ),
    Case(
        "a segment in the segment",
        f'Segment("{BUYERS}") * T("plan", EQ, "team")',
        f"{GERMAN} and p.attributes ->> 'plan' = 'team'",
        BOUGHT,
    ),
    Case(
        "an attribute that nobody has, and an event",
        'T("country", EQ, "xx") * Event("purchase", days, 30)',
        "p.attributes ->> 'country' = 'xx'",
        BOUGHT,
    ),
    Case("everybody", "And()", "true"),
)


@dataclass(slots=True)
class Times:
    """What one segment took, in seconds, run by run; and how many people are in it."""

    ours: list[float] = field(default_factory=list[float])
    floor: list[float] = field(default_factory=list[float])
    ours_server: list[float] = field(default_factory=list[float])
    floor_server: list[float] = field(default_factory=list[float])
    way: str = ""
    count: int = 0


def measure(server: EmbeddedServer, people: int, events: int, runs: int) -> Result:
    say(f"segments: loading {people:,} people and {events:,} events")
    url = database.make_database(server, [])
    crowd.load(url, people, events)
    say("segments: vacuuming")
    database.settle(url)
    found, exported = asyncio.run(_measure(server, url, runs))
    return _result(found, exported, {"people": people, "events": events, "runs": runs})


async def _measure(server: EmbeddedServer, url: str, runs: int) -> tuple[dict[str, Times], tuple[int, float]]:
    async with make_pool(url, application_name="bench", max_size=2) as pool:
        service = Service(pool, lambda: crowd.NOW)
        buyers = CreateSegment(
            title="German buyers", code=BUYERS, source='T("country", EQ, "de") * Event("purchase", days, 30)'
        )
        await service.run(US, buyers)
        found = {case.title: await _case(server, service, pool, case, runs) for case in CASES}
        exported = await _export(service)
        await service.close()
    return found, exported


async def _case(server: EmbeddedServer, service: Service, pool: Pool, case: Case, runs: int) -> Times:
    """Measure both in turns, after each has run once."""
    times = Times()
    times.count = await _ours(service, case)
    times.way = await _quickest(pool, case, times.count)
    by_hand = case.by_hand()[times.way]
    postmaster = database.postmaster(server)
    for _ in range(runs):
        for seconds, spent, ask in (
            (times.ours, times.ours_server, lambda: _ours(service, case)),
            (times.floor, times.floor_server, lambda: _floor(pool, by_hand)),
        ):
            count = await _timed(postmaster, seconds, spent, ask)
            assert count == times.count, f"{case.title}: {count} people instead of {times.count}"
    say(f"segments: {case.title}: {median(times.floor) / median(times.ours):.2f} of `{times.way}`")
    return times


async def _timed(
    postmaster: int, seconds: list[float], spent: list[float], ask: Callable[[], Awaitable[int | None]]
) -> int | None:
    before, started = server_seconds(postmaster), time.perf_counter()
    count = await ask()
    seconds.append(time.perf_counter() - started)
    spent.append(server_seconds(postmaster) - before)
    return count


async def _ours(service: Service, case: Case) -> int:
    return (await service.run(US, CountSegment(source=case.source))).count


async def _quickest(pool: Pool, case: Case, count: int) -> str:
    """Try the hand-written statements, each twice; return the name of the quickest."""
    least: dict[str, float] = {}
    for name, statement in case.by_hand().items():
        for _ in range(2):
            started = time.perf_counter()
            answer = await _floor(pool, statement, patience_ms=PATIENCE_MS)
            took = time.perf_counter() - started if answer is not None else math.inf
            least[name] = min(took, least.get(name, math.inf))
            assert answer in (count, None), f"{case.title}, {name}: {answer} people instead of {count}"
            if answer is None:
                break
    return min(least, key=lambda name: least[name])


async def _floor(pool: Pool, statement: LiteralString, *, patience_ms: int = 0) -> int | None:
    """Run a hand-written statement; None: it was given up."""
    async with pool.connection() as conn:
        await conn.execute("select set_config('statement_timeout', %s, true)", [str(patience_ms)])
        try:
            values = {"since": crowd.NOW - timedelta(days=30)}
            row = await (await conn.execute(statement, values, prepare=False)).fetchone()
        except QueryCanceled:
            await conn.rollback()
            return None
    assert row is not None, "a count is one row"
    return row[0]


async def _export(service: Service) -> tuple[int, float]:
    """Export the people of the segment that is judged; return how many, and the seconds."""
    (source,) = (case.source for case in CASES if case.is_judged)
    plan = ExportPlan(subject="people", filter=source)
    started, count = time.perf_counter(), 0
    async for batch in export_batches(service.resources, US.workspace_id, plan):
        count += len(batch)
    return count, time.perf_counter() - started


def _result(found: Mapping[str, Times], exported: tuple[int, float], options: Mapping[str, Any]) -> Result:
    judged = {case.title for case in CASES if case.is_judged}
    times = Table(
        "Milliseconds until the count is there, median (least to most):",
        ["segment", "people in it", "ours, ms", "floor, ms", "the floor's way", "floor / ours", "bar", ""],
        [_row(title, each, is_judged=title in judged) for title, each in found.items()],
    )
    spent = Table(
        "Processor time of PostgreSQL, milliseconds of a core, median:",
        ["segment", "ours", "floor", "floor / ours"],
        [
            [title, *(f"{1000 * median(each):,.0f}" for each in (mine.ours_server, mine.floor_server)), _spent(mine)]
            for title, mine in found.items()
        ],
    )
    count, seconds = exported
    whole = Table(
        "The people of the first segment, with all that an export has:",
        ["people", "seconds"],
        [[f"{count:,}", f"{seconds:.2f}"]],
    )
    raw = {title: asdict(each) for title, each in found.items()} | {"export": exported}
    return Result("segments", options, [times, spent, whole], raw)


def _row(title: str, times: Times, *, is_judged: bool) -> list[str]:
    ratio = median(times.floor) / median(times.ours)
    shown = [spread([1000 * each for each in found], ",.1f") for found in (times.ours, times.floor)]
    bar = [f"at least {BAR}", verdict(ratio >= BAR)] if is_judged else ["", ""]
    return [title, f"{times.count:,}", *shown, times.way, f"{ratio:.2f}", *bar]


def _spent(times: Times) -> str:
    ours = median(times.ours_server)
    return f"{median(times.floor_server) / ours:.2f}" if ours else ""
