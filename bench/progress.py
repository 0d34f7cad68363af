"""Progress: what is going on, on standard error, with the seconds since the start."""

import logging
import sys
import time

import structlog

_START = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - _START:7.1f} s] {text}", file=sys.stderr, flush=True)


def quiet() -> None:
    """Let the log speak only of what goes wrong, and not on standard output, which is for results."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
