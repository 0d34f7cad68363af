"""Office: where a command of the operator works, with a database, the workspace `default` and the service at hand."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from sojourn import wiring
from sojourn.cli.screen import plain_errors
from sojourn.logs import configure_logs
from sojourn.service.commands import Caller
from sojourn.service.service import Service
from sojourn.service.workspaces import ensure_default
from sojourn.settings import Settings
from sojourn.store.migrations import check_schema
from sojourn.store.workspaces import App

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What most commands work with."""

    url: str
    app: App
    caller: Caller
    service: Service


def at_database(settings: Settings, work: Callable[[str], Awaitable[T]]) -> T:
    """Do some work at the database, which runs meanwhile. What goes wrong is said in one line."""
    configure_logs(settings.log_format, "warning" if settings.log_level == "info" else settings.log_level)

    async def run(url: str) -> T:
        return await work(url)

    with plain_errors(), wiring.database(settings) as url:
        return asyncio.run(run(url))


def at_office(settings: Settings, work: Callable[[Office], Awaitable[T]]) -> T:
    """Do some work in the workspace `default`."""

    async def run(url: str) -> T:
        async with _open(settings, url) as office:
            return await work(office)

    return at_database(settings, run)


@asynccontextmanager
async def _open(settings: Settings, url: str) -> AsyncGenerator[Office]:
    async with wiring.connection(url) as conn:
        await check_schema(conn)
        app = await ensure_default(conn, wiring.clock(), application_code=settings.application_code)
    async with wiring.service(url) as service:
        caller = Caller(workspace_id=app.workspace_id, name="sojourn command")
        yield Office(url=url, app=app, caller=caller, service=service)
