"""Presets: stored content of messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sojourn.store.connection import Conn
from sojourn.store.errors import domain_errors
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredPreset:
    """A row of `preset`. `content` is JSON text."""

    code: str
    application_code: str
    title: str
    channel: str
    content: str
    created_at: datetime


async def delete_preset(conn: Conn, *, workspace_id: int, code: str) -> None:
    """Delete a preset."""
    await conn.execute(QUERIES["delete_preset"], {"workspace_id": workspace_id, "code": code})


async def find_preset(conn: Conn, *, workspace_id: int, code: str) -> StoredPreset | None:
    """Return a preset, locked until the transaction ends."""
    row = await (await conn.execute(QUERIES["find_preset"], {"workspace_id": workspace_id, "code": code})).fetchone()
    return None if row is None else StoredPreset(*row)


async def insert_preset(
    conn: Conn, *, workspace_id: int, app_id: int, code: str, title: str, channel: str, content: str, now: datetime
) -> None:
    """Keep a preset.

    Raises:
        AlreadyExists: A preset of the workspace has this code.
    """
    values = {
        "workspace_id": workspace_id,
        "app_id": app_id,
        "code": code,
        "title": title,
        "channel": channel,
        "content": content,
        "now": now,
    }
    with domain_errors():
        await conn.execute(QUERIES["insert_preset"], values)


async def list_presets(conn: Conn, *, workspace_id: int, app_ids: Collection[int]) -> list[StoredPreset]:
    """Return the presets of these apps, by title."""
    values = {"workspace_id": workspace_id, "app_ids": list(app_ids)}
    return [StoredPreset(*row) for row in await (await conn.execute(QUERIES["list_presets"], values)).fetchall()]


async def preset_users(conn: Conn, *, workspace_id: int, code: str) -> list[str]:
    """Return the titles of some journeys that send a preset, and have not ended."""
    cursor = await conn.execute(QUERIES["preset_users"], {"workspace_id": workspace_id, "code": code})
    return [title for (title,) in await cursor.fetchall()]
