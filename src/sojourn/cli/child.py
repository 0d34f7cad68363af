"""Child: one process of a server, `python -m sojourn.cli.child ROLE`. The supervisor starts it; see `cli.supervisor`.

Its settings are in the environment. Its standard input is a pipe that the supervisor holds open: when that ends, so
does the process, whatever became of the supervisor.
"""

import asyncio
import os
import signal
import sys
import threading

import structlog

from sojourn import wiring
from sojourn.logs import configure_logs
from sojourn.model.problems import SojournError
from sojourn.notify import NAME_VARIABLE
from sojourn.settings import Settings, read_settings

ORPHAN_GRACE_S = 30.0

log = structlog.get_logger()


def main(arguments: list[str]) -> int:
    """Run a role until told to stop. Return the exit code."""
    (role,) = arguments
    settings = read_settings(os.environ)
    configure_logs(settings.log_format, settings.log_level)
    structlog.contextvars.bind_contextvars(process=_name(role))
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    try:
        if role == "api":
            wiring.serve_http(settings)
        else:
            asyncio.run(_run_until_stopped(role, settings))
    except SojournError as error:
        log.error("process.refused", error=error.text)  # noqa: TRY400 - the text says it all
        return 1
    return 0


async def _run_until_stopped(role: str, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    match role:
        case "grpc":
            await wiring.serve_grpc(settings, stop)
        case "engine":
            await wiring.run_engine(settings, _name(role), stop)
        case "delivery":
            await wiring.run_delivery(settings, stop)
        case _:
            raise AssertionError(f"no such role: {role}")


def _name(role: str) -> str:
    return os.environ.get(NAME_VARIABLE, role)


def _end_with_supervisor() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(ORPHAN_GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
