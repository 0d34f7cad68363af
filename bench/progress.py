"""Progress: what is going on, on standard error, with the seconds since the start."""

import logging
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_START = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - _START:7.1f} s] {text}", file=sys.stderr, flush=True)


@contextmanager
def advancing(what: str, total: int) -> Generator[Callable[[int], None]]:
    """Show a bar, where there are eyes to see it, of how much is done; what is given is to be told each step."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        yield lambda steps: progress.advance(task, steps)


def quiet() -> None:
    """Let the log speak only of what goes wrong, and not on standard output, which is for results."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
