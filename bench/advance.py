"""Advance: the welcome series for many people, the engine beside the floor, with one worker and with two.

Engine and floor start from the same state each time, take turns, and must leave the same rows behind.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from statistics import median

from bench import database
from bench.database import BEGIN, SHARDS
from bench.graphs import welcome
from bench.processes import Run, race
from bench.progress import say
from bench.report import Result, Table, rate, spread, verdict
from sojourn.store.embedded import EmbeddedServer

DUE = BEGIN + timedelta(days=1, seconds=1)
FLOOR_BAR, WORKERS_BAR, MEMORY_BAR_MB = 0.7, 1.5, 200
NAMES = {
    "ours 1": "Sojourn, 1 worker",
    "floor 1": "floor, 1 connection",
    "ours 2": "Sojourn, 2 workers",
    "floor 2": "floor, 2 connections",
}
MB = 1_000_000


def measure(server: EmbeddedServer, people: int, runs: int) -> Result:
    url, entry = _set_up(server, people)
    found: dict[str, list[Run]] = {name: [] for name in NAMES}
    expected: dict[str, object] = {}
    points = 0
    for number in range(runs):
        # The order turns with each round, so that no one always goes first.
        names = list(NAMES)[number % len(NAMES) :] + list(NAMES)[: number % len(NAMES)]
        for name in names:
            database.restore(url)
            run = race(_commands(name, url), database.postmaster(server))
            left = database.outcome(url)
            expected = expected or left
            assert left == expected, f"`{name}` left something else behind: {left}, not {expected}"
            assert run.moved == people, f"`{name}` moved {run.moved:,} people of {people:,}"
            points = points or database.steps(url)
            found[name].append(run)
            say(f"advance: round {number + 1} of {runs}, {NAMES[name]}: {rate(people, run.seconds):,.0f} people/s")
    return _result(people, runs, found, points, entry)


def _set_up(server: EmbeddedServer, people: int) -> tuple[str, Run]:
    say(f"advance: setting up {people:,} people")
    url = database.make_database(server, [welcome()])
    database.add_people(url, people)
    database.admit(url)
    database.settle(url)
    entry = race([("drain", url, BEGIN.isoformat())], database.postmaster(server))
    say(f"advance: entered at {rate(entry.moved, entry.seconds):,.0f} people/s")
    database.keep(url)
    database.settle(url)
    return url, entry


def _commands(name: str, url: str) -> list[tuple[str, ...]]:
    whose, workers = name.split()
    if whose == "ours":
        return [("drain", url, DUE.isoformat())] * int(workers)
    shards = [
        [str(shard) for shard in range(SHARDS) if shard % int(workers) == number] for number in range(int(workers))
    ]
    return [("floor", url, DUE.isoformat(), ",".join(mine)) for mine in shards]


def _result(people: int, runs: int, found: Mapping[str, list[Run]], points: int, entry: Run) -> Result:
    rows = [
        [
            label,
            spread([rate(people, run.seconds) for run in found[name]]),
            spread([rate(points, run.seconds) for run in found[name]]),
            spread([run.processor_seconds / people * 1e6 for run in found[name]], ".1f"),
            spread([run.peak_memory / MB for run in found[name]]),
        ]
        for name, label in NAMES.items()
    ]
    entered = [
        f"{rate(people, entry.seconds):,.0f}",
        "",
        f"{entry.processor_seconds / people * 1e6:.1f}",
        f"{entry.peak_memory / MB:.0f}",
    ]
    rows.insert(0, ["Sojourn, the segment entry before it (once)", *entered])
    seconds = {name: median(run.seconds for run in found[name]) for name in NAMES}
    memory = max(run.peak_memory for run in [*found["ours 1"], *found["ours 2"]]) / MB
    spent = {name: [run.processor_seconds for run in found[name]] for name in NAMES}
    ratios = {
        "one": seconds["floor 1"] / seconds["ours 1"],
        "two": seconds["floor 2"] / seconds["ours 2"],
        "processor": median(spent["floor 1"]) / median(spent["ours 1"]),
        "workers": seconds["ours 1"] / seconds["ours 2"],
        "floor workers": seconds["floor 1"] / seconds["floor 2"],
    }
    judged = [
        [
            "Sojourn / floor, 1 worker",
            f"{ratios['one']:.2f}",
            f"at least {FLOOR_BAR}",
            verdict(ratios["one"] >= FLOOR_BAR),
        ],
        ["the same by the processor time of the server", f"{ratios['processor']:.2f}", "", ""],
        ["Sojourn / floor, 2 workers", f"{ratios['two']:.2f}", "", ""],
        [
            "Sojourn, 2 workers / 1 worker",
            f"{ratios['workers']:.2f}",
            f"at least {WORKERS_BAR}",
            verdict(ratios["workers"] >= WORKERS_BAR),
        ],
        ["floor, 2 connections / 1 connection", f"{ratios['floor workers']:.2f}", "", ""],
        ["peak memory of a worker, MB", f"{memory:.0f}", f"below {MEMORY_BAR_MB}", verdict(memory < MEMORY_BAR_MB)],
    ]
    return Result(
        "advance",
        {"people": people, "runs": runs},
        [
            Table(
                "Median (least to most):",
                ["who", "people/s", "points/s", "server, µs of a core per person", "peak memory of the process, MB"],
                rows,
            ),
            Table("Ratios of medians:", ["what", "ratio", "bar", ""], judged),
        ],
        {
            "runs": {name: [asdict(run) for run in each] for name, each in found.items()},
            "ratios": ratios,
            "points": points,
        },
    )
