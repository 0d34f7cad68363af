"""Command line: `python -m bench [NAME]`; `--help` lists the names. `make bench` runs `all`."""

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from bench import advance, audience, auth, content, explain, growth, ingest, latency, machine, report, sdk, segments
from bench.progress import quiet, say
from bench.report import Result
from sojourn.store.embedded import EmbeddedServer

CHOICES = ("all", "advance", "audience", "auth", "content", "growth", "ingest", "latency", "sdk", "segments", "explain")


def main() -> None:
    quiet()
    options = _parser().parse_args()
    chosen = CHOICES[1:-1] if options.bench == "all" else (options.bench,)
    with _data_dir(options.data_dir) as data_dir:
        results, about = _measure(chosen, data_dir, options)
    if results:
        print(f"\n{report.write(results, about)}\n")
        for result in results:
            print(f"## {result.name}\n\n{result.markdown(about)}\n")
        if options.write_docs:
            report.write_page(results, about)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measures Sojourn on an embedded PostgreSQL of its own.")
    parser.add_argument("bench", nargs="?", default="all", choices=CHOICES)
    parser.add_argument(
        "--people",
        type=int,
        default=1_000_000,
        help="how many the welcome series moves, or are in the crowd that segments count (default: %(default)s)",
    )
    parser.add_argument("--runs", type=int, default=5, help="how often each thing is measured (default: %(default)s)")
    sizes = "10000,100000,1000000,5000000"
    parser.add_argument(
        "--sizes", type=_numbers, default=_numbers(sizes), help=f"growth: people enrolled (default: {sizes})"
    )
    parser.add_argument(
        "--journeys",
        type=_numbers,
        default=_numbers("1,100,1000"),
        help="growth: running journeys (default: 1,100,1000)",
    )
    parser.add_argument(
        "--idle", type=int, default=60, help="growth: seconds for which idleness is watched (default: %(default)s)"
    )
    crowds = "10000,1000000"
    parser.add_argument(
        "--crowds",
        type=_numbers,
        default=_numbers(crowds),
        help=f"audience: how many people there are (default: {crowds})",
    )
    parser.add_argument(
        "--changes", type=int, default=500, help="audience: changes of each kind (default: %(default)s)"
    )
    parser.add_argument(
        "--events", type=int, help="ingest: how many (default: 100000); segments: how many (default: 10 per person)"
    )
    parser.add_argument("--requests", type=int, default=2000, help="auth: of each kind (default: %(default)s)")
    parser.add_argument("--pages", type=int, default=20, help="content: events per second (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=200, help="latency: events per second (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=30, help="latency, content: for how long (default: %(default)s)")
    parser.add_argument(
        "--data-dir", type=Path, help="where PostgreSQL keeps its data (default: a temporary directory on disk)"
    )
    parser.add_argument("--write-docs", action="store_true", help="put the results into docs/benchmarks.md")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


@contextlib.contextmanager
def _data_dir(given: Path | None) -> Generator[Path]:
    if given is not None:
        yield given
        return
    # /tmp is memory on some machines, on which commits would cost nothing.
    on_disk = Path("/var/tmp")
    with tempfile.TemporaryDirectory(prefix="sojourn-bench-", dir=on_disk if on_disk.is_dir() else None) as folder:
        yield Path(folder)


def _measure(chosen: Sequence[str], data_dir: Path, options: argparse.Namespace) -> tuple[list[Result], dict[str, str]]:
    results: list[Result] = []
    with EmbeddedServer(data_dir / "tuned") as server:
        about = machine.describe(server.url)
        measures = _measures(server, options)
        for name in chosen:
            say(f"{name}: begins")
            if name in measures:
                results.append(measures[name]())
            elif name == "explain":
                print(explain.plan(server, options.people))
    if "latency" in chosen:
        with EmbeddedServer(data_dir / "tracking", settings={"track_commit_timestamp": "on"}) as server:
            results.append(latency.measure(server, options.rate, options.seconds))
    return results, about


def _measures(server: EmbeddedServer, options: argparse.Namespace) -> Mapping[str, Callable[[], Result]]:
    """Return how each thing is measured for which the server needs no settings of its own."""
    people, runs = options.people, options.runs
    events = options.events or 10 * people
    return {
        "advance": lambda: advance.measure(server, people, runs),
        "audience": lambda: audience.measure(server, options.crowds, options.changes),
        "auth": lambda: auth.measure(server, options.requests, runs),
        "content": lambda: content.measure(server, options.pages, options.seconds),
        "growth": lambda: growth.measure(server, options.sizes, options.journeys, people, runs, options.idle),
        "ingest": lambda: ingest.measure(server, options.events or 100_000, runs),
        "sdk": sdk.measure,
        "segments": lambda: segments.measure(server, people, events, runs),
    }


if __name__ == "__main__":
    main()
