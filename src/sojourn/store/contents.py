"""Contents: what pages show. Decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from sojourn.model.contents import ContentKind, ContentStatus
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A content."""

    content: UUID
    kind: ContentKind
    name: str
    site: UUID
    document: Mapping[str, Any]
    status: ContentStatus
    created_at: datetime
    updated_at: datetime


async def find_content(conn: Conn, *, workspace_id: int, kind: str, content: UUID) -> StoredContent | None:
    """Return a content of a workspace."""
    values = {"workspace_id": workspace_id, "kind": kind, "content": content}
    row = await (await conn.execute(QUERIES["find_content"], values)).fetchone()
    return None if row is None else StoredContent(*row)


async def list_contents(
    conn: Conn,
    *,
    workspace_id: int,
    kind: str,
    app_ids: Sequence[int] | None,
    statuses: Sequence[str],
    search: str,
    limit: int,
    offset: int,
) -> tuple[list[StoredContent], int]:
    """Return a part of the contents of a kind, newest first, and how many there are. `app_ids` None: of any app."""
    values = {
        "workspace_id": workspace_id,
        "kind": kind,
        "app_ids": None if app_ids is None else list(app_ids),
        "statuses": list(statuses),
        "search": search,
    }
    row = await (await conn.execute(QUERIES["count_contents"], values)).fetchone()
    assert row is not None, "the query returns exactly one row"
    cursor = await conn.execute(QUERIES["list_contents"], values | {"limit": limit, "offset": offset})
    return [StoredContent(*each) for each in await cursor.fetchall()], row[0]


async def insert_content(
    conn: Conn,
    *,
    content: UUID,
    workspace_id: int,
    app_id: int,
    kind: str,
    name: str,
    document: Mapping[str, Any],
    status: str,
    now: datetime,
) -> None:
    """Keep a content."""
    values = {"content": content, "workspace_id": workspace_id, "app_id": app_id, "kind": kind, "name": name}
    text = msgspec.json.encode(document).decode()
    await conn.execute(QUERIES["insert_content"], values | {"document": text, "status": status, "now": now})


async def update_content(
    conn: Conn,
    *,
    content: UUID,
    workspace_id: int,
    app_id: int,
    kind: str,
    name: str,
    document: Mapping[str, Any],
    status: str,
    now: datetime,
) -> None:
    """Change a content."""
    values = {"content": content, "workspace_id": workspace_id, "app_id": app_id, "kind": kind, "name": name}
    text = msgspec.json.encode(document).decode()
    await conn.execute(QUERIES["update_content"], values | {"document": text, "status": status, "now": now})


async def delete_content(conn: Conn, *, workspace_id: int, kind: str, content: UUID) -> bool:
    """Remove a content. Return whether there was one."""
    values = {"workspace_id": workspace_id, "kind": kind, "content": content}
    return (await conn.execute(QUERIES["delete_content"], values)).rowcount == 1


async def notify_pages(conn: Conn, *, shard_count: int) -> None:
    """Tell those who serve pages that what is shown may have changed, once the transaction is committed."""
    await conn.execute(QUERIES["notify_pages_of"], {"shards": list(range(shard_count))})
