"""Workspaces and their apps."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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
    await conn.execute(QUERIES["insert_workspace"], {"name": name, "now": now})
    row = await (await conn.execute(QUERIES["find_workspace"], {"name": name})).fetchone()
    assert row is not None, "the workspace was there, or has just been made"
    return row[0]
