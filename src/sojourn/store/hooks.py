"""Inbound webhooks: their definitions."""

from dataclasses import dataclass, field
from datetime import datetime

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredHook:
    """A definition. `rule` and `verification` are JSON texts."""

    webhook_id: int
    workspace_id: int
    app_id: int
    application_code: str
    public_id: str
    title: str
    rule: str
    verification: str
    secret: str = field(repr=False)
    created_at: datetime
    updated_at: datetime


async def delete_hook(conn: Conn, *, workspace_id: int, public_id: str) -> bool:
    """Delete a definition. Return whether there was one."""
    values = {"workspace_id": workspace_id, "public_id": public_id}
    return (await conn.execute(QUERIES["delete_hook"], values)).rowcount == 1


async def find_hook(conn: Conn, *, public_id: str) -> StoredHook | None:
    """Return the definition of this id, whosever it is."""
    row = await (await conn.execute(QUERIES["find_hook"], {"public_id": public_id})).fetchone()
    return None if row is None else StoredHook(*row)


async def insert_hook(
    conn: Conn,
    *,
    workspace_id: int,
    app_id: int,
    public_id: str,
    title: str,
    rule: str,
    verification: str,
    secret: str,
    now: datetime,
) -> None:
    """Keep a definition."""
    values = {"workspace_id": workspace_id, "app_id": app_id, "public_id": public_id, "title": title}
    more = {"rule": rule, "verification": verification, "secret": secret, "now": now}
    await conn.execute(QUERIES["insert_hook"], values | more)


async def list_hooks(conn: Conn, *, workspace_id: int) -> list[StoredHook]:
    """Return the definitions of a workspace, oldest first."""
    cursor = await conn.execute(QUERIES["list_hooks"], {"workspace_id": workspace_id})
    return [StoredHook(*row) for row in await cursor.fetchall()]


async def update_hook(
    conn: Conn,
    *,
    workspace_id: int,
    public_id: str,
    app_id: int,
    title: str,
    rule: str,
    verification: str,
    secret: str,
    now: datetime,
) -> bool:
    """Replace a definition. Return whether there is one."""
    values = {"workspace_id": workspace_id, "app_id": app_id, "public_id": public_id, "title": title}
    more = {"rule": rule, "verification": verification, "secret": secret, "now": now}
    return (await conn.execute(QUERIES["update_hook"], values | more)).rowcount == 1
