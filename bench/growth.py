"""Growth: does it matter how many are enrolled, or how many journeys run; and what does waiting cost.

One engine works on while the bench moves its clock: from one cohort of due people to the next. Its connection and its
prepared statements stay, as in real life; the first cohort is small and there to warm up.

Crowds of different size stand in databases of their own, each with its engine, and move their cohorts in turns: what
disturbs the machine for a second disturbs all of them.
"""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from statistics import median

import psycopg

from bench import database
from bench.database import BEGIN, SHARDS
from bench.graphs import welcome
from bench.processes import Worker, memory_of, processor_seconds, server_seconds
from bench.progress import say
from bench.report import Result, Table, rate, spread, verdict
from sojourn.store.embedded import EmbeddedServer

COHORT = 10_000
"""People who are due at once, whatever the number of enrolled."""

COHORTS = 5
"""Cohorts per run: one takes little more than a tenth of a second, in which a machine does other things, too."""

JOURNEY_RUNS = 5
"""At most so many runs with many journeys: everybody is due in each, so they take long and scatter little."""

WITHIN, IDLE_BAR = 0.25, 2.0
STEP = timedelta(hours=1)
PATIENCE_S = 1200
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Advance:
    """What moving one cohort took."""

    people: int
    seconds: float
    server_seconds: float
    engine_seconds: float

    @property
    def rate(self) -> float:
        return rate(self.people, self.seconds)


COSTS = ("server, µs of a core per person", "engine, µs of a core per person")


def _costs(found: Sequence[Advance]) -> list[str]:
    """Say what was spent per person; others on the machine disturb that less than the seconds on the wall."""
    server = [each.server_seconds / each.people * 1e6 for each in found]
    return [spread(server, ".1f"), spread([each.engine_seconds / each.people * 1e6 for each in found], ".1f")]


@dataclass(frozen=True, slots=True)
class Crowd:
    """How the cohorts of one number of journeys went."""

    advances: Sequence[Advance]
    engine_memory: int
    backend_memory: int


def measure(
    server: EmbeddedServer, sizes: Sequence[int], journeys: Sequence[int], people: int, runs: int, idle_seconds: int
) -> Result:
    options = {"enrolled": _listed(sizes), "journeys": _listed(journeys), "people": people, "runs": runs}
    cohorts = _sizes(server, sizes, runs * COHORTS)
    crowds: dict[int, Crowd] = {}
    idle: dict[str, float] = {}
    for number in journeys:
        url, crowds[number] = _running(server, number, people, min(runs, JOURNEY_RUNS))
        if number == max(journeys):
            idle = _idle(server, url, number, people, idle_seconds)
    tables = [
        _sizes_table(cohorts),
        _journeys_table(crowds, people),
        _idle_table(max(journeys), people, idle_seconds, idle),
    ]
    raw = {
        "enrolled": {str(size): [asdict(each) for each in found] for size, found in cohorts.items()},
        "journeys": {str(number): asdict(crowd) for number, crowd in crowds.items()},
        "idle": idle,
    }
    return Result("growth", options, tables, raw)


def _listed(numbers: Sequence[int]) -> str:
    return " / ".join(f"{each:,}" for each in numbers)


class Engine:
    """A running engine whose clock the bench moves."""

    def __init__(self, server: EmbeddedServer, url: str) -> None:
        self._postmaster = database.postmaster(server)
        self._conn = psycopg.connect(url, autocommit=True)
        self.worker = Worker("run", url, BEGIN.isoformat())
        assert self.worker.hear() == "ready", "a worker first says that it is ready"

    def advance(self, wait: timedelta, people: int, label: str) -> Advance:
        """Move the clock to `wait` after the beginning, and say what it took until nobody was due any more."""
        now = BEGIN + wait
        before, started = self._spent(), time.perf_counter()
        self.worker.say(now.isoformat())
        self.worker.hear()
        self._conn.execute("notify sojourn_inbox, '0'")
        while self._conn.execute(database.ANYBODY_DUE, [now], prepare=True).fetchone() is not None:
            assert time.perf_counter() - started < PATIENCE_S, "the engine does not come to an end"
            time.sleep(0.002)
        seconds = time.perf_counter() - started
        took = Advance(people, seconds, *(after - at for after, at in zip(self._spent(), before, strict=True)))
        say(f"growth: {label}: {people:,} people, {took.rate:,.0f} people/s")
        return took

    def wait_until_quiet(self) -> None:
        """Return when the engine has read its journeys and has come to rest."""
        last, spent = -1.0, processor_seconds(self.worker.pid)
        while spent > last:
            time.sleep(2)
            last, spent = spent, processor_seconds(self.worker.pid)

    def _spent(self) -> tuple[float, float]:
        return server_seconds(self._postmaster), processor_seconds(self.worker.pid)

    def backend_memory(self) -> int:
        """Return the memory of the server's process that works for the engine, shared memory left out."""
        row = self._conn.execute("select pid from pg_stat_activity where application_name = 'engine'").fetchone()
        return memory_of(row[0]) if row else 0

    def close(self) -> int:
        """End it; return the peak of its memory."""
        self._conn.close()
        return self.worker.hang_up()["peak_memory"]


# Enrolled ---------------------------------------------------------------------------------------------------


class Enrolled:
    """A crowd that waits in one journey, with an engine of its own."""

    def __init__(self, server: EmbeddedServer, size: int, cohort: int) -> None:
        say(f"growth: setting up {size:,} enrolled")
        self.size = size
        self._cohort = cohort
        self._url = database.make_database(server, [welcome()], name=_named(size))
        database.add_people(self._url, size)
        database.enroll(self._url, size, journeys=1)
        database.place(self._url, size, [], journeys=1)
        database.settle(self._url)
        self.engine = Engine(server, self._url)

    def advance(self, turn: int) -> Advance:
        """Let one more cohort come to the wait, and move it."""
        database.place_again(self._url, self.size, self._cohort, STEP * turn, turn=turn)
        return self.engine.advance(STEP * turn, self._cohort, f"{self.size:,} enrolled")

    def advance_all(self) -> Advance:
        return self.engine.advance(timedelta(days=31), self.size, f"{self.size:,} enrolled, all due")


def _named(size: int) -> str:
    return f"bench_{size}"


def _sizes(server: EmbeddedServer, sizes: Sequence[int], turns: int) -> dict[int, list[Advance]]:
    """Move one small cohort after the other, each crowd in turn; then everybody. The first cohort is to warm up."""
    cohort = min(COHORT, *sizes)
    with contextlib.ExitStack() as stack:
        crowds = [Enrolled(server, size, cohort) for size in sizes]
        for crowd in crowds:
            stack.enter_context(crowd.engine.worker)
            crowd.advance(1)
        found: dict[int, list[Advance]] = {size: [] for size in sizes}
        for turn in range(2, turns + 2):
            for crowd in crowds:
                found[crowd.size].append(crowd.advance(turn))
        for crowd in crowds:
            found[crowd.size].append(crowd.advance_all())
            crowd.engine.close()
    for size in sizes:
        database.drop_database(server, name=_named(size))
    return found


def _sizes_table(cohorts: Mapping[int, Sequence[Advance]]) -> Table:
    best = max(median(each.rate for each in found[:-1]) for found in cohorts.values())
    rows = [
        [
            f"{size:,}",
            spread([each.rate for each in found[:-1]]),
            _nearness(median(each.rate for each in found[:-1]), best),
            *_costs(found[:-1]),
            f"{found[-1].rate:,.0f}",
            *_costs(found[-1:]),
        ]
        for size, found in cohorts.items()
    ]
    cohort = next(iter(cohorts.values()))[0].people
    return Table(
        f"By people enrolled in one journey (bar: within {WITHIN:.0%} of each other):",
        [
            "enrolled", f"people/s, {cohort:,} of them due", "of the best", *COSTS,
            "people/s, then all due at once", *COSTS,
        ],
        rows,
    )  # fmt: skip


def _nearness(value: float, best: float) -> str:
    return f"{value / best:.2f}, {verdict(value >= best * (1 - WITHIN))}"


# Journeys ---------------------------------------------------------------------------------------------------


def _running(server: EmbeddedServer, journeys: int, people: int, runs: int) -> tuple[str, Crowd]:
    """Spread people over journeys and move them all, several times."""
    say(f"growth: setting up {journeys:,} journeys, {people:,} enrolled")
    url = database.make_database(server, [welcome()] * journeys)
    database.add_people(url, people)
    database.enroll(url, people, journeys=journeys)
    # Each journey has somebody among the first, so that all statements are prepared before it counts.
    first = min(people // 2, max(SHARDS * journeys, COHORT))
    database.place(url, people, [(first, STEP), (people - first, STEP * 2)], journeys=journeys)
    database.settle(url)
    engine = Engine(server, url)
    label = f"{journeys:,} journeys"
    with engine.worker:
        engine.advance(STEP, first, "to warm up")
        found = [engine.advance(STEP * 2, people - first, label)]
        for turn in range(1, runs):
            database.place(url, people, [(people, STEP * (turn + 2))], journeys=journeys, turn=turn)
            found.append(engine.advance(STEP * (turn + 2), people, label))
        backend = engine.backend_memory()
        return url, Crowd(found, engine.close(), backend)


def _journeys_table(crowds: Mapping[int, Crowd], people: int) -> Table:
    best = max(median(each.rate for each in crowd.advances) for crowd in crowds.values())
    rows = [
        [
            f"{number:,}",
            f"{min(50_000, people / number / SHARDS):,.0f}",
            spread([each.rate for each in crowd.advances]),
            _nearness(median(each.rate for each in crowd.advances), best),
            *_costs(crowd.advances),
            f"{crowd.engine_memory / MB:.0f}",
            f"{crowd.backend_memory / MB:.0f}",
        ]
        for number, crowd in crowds.items()
    ]
    return Table(
        f"By running journeys, {people:,} people enrolled in all of them together and all due (bar: within {WITHIN:.0%}"
        " of each other):",
        [
            "journeys", "people per statement", "people/s", "of the best", *COSTS,
            "engine's peak memory, MB", "its backend's memory, MB",
        ],
        rows,
    )  # fmt: skip


# Idle -------------------------------------------------------------------------------------------------------


def _idle(server: EmbeddedServer, url: str, journeys: int, people: int, seconds: int) -> dict[str, float]:
    """Watch an engine that has nothing to do, and before it the server alone. In % of a core."""
    postmaster = database.postmaster(server)
    database.place(url, people, [], journeys=journeys, turn=JOURNEY_RUNS + 1)
    database.settle(url)
    time.sleep(5)
    say(f"growth: watching the server alone, {seconds // 2} s")
    before = server_seconds(postmaster)
    time.sleep(seconds // 2)
    alone = (server_seconds(postmaster) - before) / (seconds // 2)
    engine = Engine(server, url)
    with engine.worker:
        engine.wait_until_quiet()
        say(f"growth: watching an idle engine, {seconds} s")
        before, engine_before = server_seconds(postmaster), processor_seconds(engine.worker.pid)
        time.sleep(seconds)
        found = {
            "server_alone": alone * 100,
            "server": (server_seconds(postmaster) - before) / seconds * 100,
            "engine": (processor_seconds(engine.worker.pid) - engine_before) / seconds * 100,
        }
        engine.close()
    return found


def _idle_table(journeys: int, people: int, seconds: int, idle: Mapping[str, float]) -> Table:
    both = idle["engine"] + idle["server"]
    rows = [
        ["engine", f"{idle['engine']:.2f}", "", ""],
        ["PostgreSQL, all processes", f"{idle['server']:.2f}", "", ""],
        ["PostgreSQL before the engine was started", f"{idle['server_alone']:.2f}", "", ""],
        ["engine and PostgreSQL", f"{both:.2f}", f"below {IDLE_BAR:.0f}", verdict(both < IDLE_BAR)],
    ]
    return Table(
        f"Idle for {seconds} s, with {journeys:,} running journeys and {people:,} people waiting:",
        ["what", "% of a core", "bar", ""],
        rows,
    )
