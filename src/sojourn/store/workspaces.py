"""Workspaces and their apps."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class App:
    """An app, by all its names."""

    workspace_id: int
    app_id: int
    application_code: str
    site_id: UUID


async def find_app(conn: Conn, *, application_code: str) -> App | None:
    """Return the app with this code, whosever it is."""
    row = await (await conn.execute(QUERIES["find_app"], {"application_code": application_code})).fetchone()
    return None if row is None else App(*row)


async def first_app(conn: Conn, *, workspace_id: int) -> App | None:
    """Return the oldest app of a workspace."""
    row = await (await conn.execute(QUERIES["first_app"], {"workspace_id": workspace_id})).fetchone()
    return None if row is None else App(*row)


async def insert_app(
    conn: Conn, *, workspace_id: int, application_code: str, site_id: UUID, title: str, now: datetime
) -> None:
    """Make an app, unless its code is taken."""
    values = {"workspace_id": workspace_id, "application_code": application_code, "site_id": site_id, "title": title}
    await conn.execute(QUERIES["insert_app"], values | {"now": now})


async def ensure_workspace(conn: Conn, *, name: str, now: datetime) -> int:
    """Make a workspace, unless there is one of this name. Return its id; it is locked until the transaction ends."""
    await conn.execute(QUERIES["insert_workspace"], {"name": name, "tenant_id": uuid4(), "now": now})
    row = await (await conn.execute(QUERIES["find_workspace"], {"name": name})).fetchone()
    assert row is not None, "the workspace was there, or has just been made"
    return row[0]


@dataclass(frozen=True, slots=True)
class ListedApp:
    """An app as operators see it. Without `event_retention_days` its events are kept for ever."""

    application_code: str
    site_id: UUID
    title: str
    event_retention_days: int | None
    created_at: datetime


async def list_apps(conn: Conn, *, workspace_id: int) -> list[ListedApp]:
    """Return the apps of a workspace, oldest first."""
    cursor = await conn.execute(QUERIES["list_apps"], {"workspace_id": workspace_id})
    return [ListedApp(*row) for row in await cursor.fetchall()]


async def set_event_retention(
    conn: Conn, *, workspace_id: int, application_code: str, days: int | None
) -> ListedApp | None:
    """Say how long an app keeps events; None: for ever. Return the app; None if the workspace has no such app."""
    values = {"workspace_id": workspace_id, "application_code": application_code, "days": days}
    row = await (await conn.execute(QUERIES["set_event_retention"], values)).fetchone()
    return None if row is None else ListedApp(*row)


async def set_installation_retentions(conn: Conn, *, passages: int | None, changes: int | None) -> None:
    """Say for how many days passages and changes of attributes are kept; None: for ever."""
    await conn.execute(QUERIES["set_installation_retentions"], {"passages": passages, "changes": changes})
