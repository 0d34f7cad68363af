"""Logs: events of ours and of the libraries, one per line, as JSON or for a person's eyes."""

import logging
import logging.config
import sys
from typing import Any

import structlog

from sojourn.settings import LogFormat

LIBRARIES_AT_WARNING = ("_granian", "grpc", "hpack", "httpcore", "httpx", "litestar", "psycopg.pool")
"""What these say below a warning helps nobody who runs a server."""


def configure_logs(format_: LogFormat, level: str) -> None:
    """Send everything to the standard error stream. `auto` writes for eyes where a terminal is, JSON elsewhere."""
    wants_console = format_ == "console" or (format_ == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    # Never with the local variables of each frame: tokens and addresses are among them.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if wants_console
        else [structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"sojourn": formatter},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "sojourn"}},
            "root": {"handlers": ["stderr"], "level": level.upper()},
            "loggers": {name: {"level": "WARNING"} for name in LIBRARIES_AT_WARNING},
        }
    )


GRANIAN_LOGS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}
"""Keeps Granian from making handlers of its own, in its main process and in its workers."""
