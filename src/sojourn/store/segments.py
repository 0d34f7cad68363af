"""Segments: named audiences, as typed and as syntax trees."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sojourn.store.connection import Conn
from sojourn.store.errors import domain_errors
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A row of `segment`. `expression` is JSON text."""

    code: str
    title: str
    source: str
    application_code: str | None
    expression: str
    segment_id: int
    is_list: bool
    created_at: datetime
    updated_at: datetime


async def insert_segment(
    conn: Conn,
    *,
    workspace_id: int,
    app_id: int | None,
    code: str,
    title: str,
    source: str,
    expression: str,
    is_list: bool,
    now: datetime,
) -> None:
    """Keep a segment.

    Raises:
        AlreadyExists: A segment of the workspace has this title or code.
    """
    values = {
        "workspace_id": workspace_id,
        "app_id": app_id,
        "code": code,
        "title": title,
        "source": source,
        "expression": expression,
        "is_list": is_list,
        "now": now,
    }
    with domain_errors():
        await conn.execute(QUERIES["insert_segment"], values)


async def list_segments(conn: Conn, *, workspace_id: int, app_ids: Collection[int]) -> list[StoredSegment]:
    """Return the segments of a workspace that belong to these apps or to none, by title."""
    cursor = await conn.execute(QUERIES["list_segments"], {"workspace_id": workspace_id, "app_ids": list(app_ids)})
    return [StoredSegment(*row) for row in await cursor.fetchall()]


async def preset_codes(conn: Conn, *, workspace_id: int) -> frozenset[str]:
    """Return the codes of the stored message contents of a workspace."""
    cursor = await conn.execute(QUERIES["preset_codes"], {"workspace_id": workspace_id})
    return frozenset(code for (code,) in await cursor.fetchall())
