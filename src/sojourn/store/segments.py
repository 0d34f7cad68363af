"""Segments: named audiences, as typed and as syntax trees."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.store.connection import Conn
from sojourn.store.errors import domain_errors
from sojourn.store.journeys import containing
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A row of `segment`. `expression` and `rule_tree` are JSON text."""

    code: str
    title: str
    source: str
    application_code: str | None
    expression: str
    segment_id: int
    is_list: bool
    created_at: datetime
    updated_at: datetime
    segment_uuid: UUID
    description: str
    rule_tree: str | None


async def insert_segment(
    conn: Conn,
    *,
    segment_uuid: UUID,
    workspace_id: int,
    app_id: int | None,
    code: str,
    title: str,
    source: str,
    expression: str,
    is_list: bool,
    now: datetime,
    description: str = "",
    rule_tree: str | None = None,
) -> None:
    """Keep a segment.

    Raises:
        AlreadyExists: A segment of the workspace has this title or code.
    """
    values = {
        "segment_uuid": segment_uuid,
        "workspace_id": workspace_id,
        "app_id": app_id,
        "code": code,
        "title": title,
        "source": source,
        "expression": expression,
        "is_list": is_list,
        "now": now,
        "description": description,
        "rule_tree": rule_tree,
    }
    with domain_errors():
        await conn.execute(QUERIES["insert_segment"], values)


async def list_segments(conn: Conn, *, workspace_id: int, app_ids: Collection[int]) -> list[StoredSegment]:
    """Return the segments of a workspace that belong to these apps or to none, by title."""
    cursor = await conn.execute(QUERIES["list_segments"], {"workspace_id": workspace_id, "app_ids": list(app_ids)})
    return [StoredSegment(*row) for row in await cursor.fetchall()]


async def list_audiences(
    conn: Conn, *, workspace_id: int, search: str, skipped: int, count: int
) -> tuple[list[StoredSegment], int]:
    """Return some of the segments with `search` in the title, newest first, and how many there are in all."""
    values = {
        "workspace_id": workspace_id,
        "title_pattern": containing(search),
        "skipped": skipped,
        "count": count,
    }
    rows = await (await conn.execute(QUERIES["list_audiences"], values)).fetchall()
    return [StoredSegment(*row[:-1]) for row in rows], rows[0][-1] if rows else 0


async def audience_code(conn: Conn, *, workspace_id: int, segment_uuid: UUID) -> str | None:
    """Return the code of the segment that a uuid names."""
    values = {"workspace_id": workspace_id, "segment_uuid": segment_uuid}
    row = await (await conn.execute(QUERIES["audience_code"], values)).fetchone()
    return None if row is None else row[0]


async def find_segment(conn: Conn, *, workspace_id: int, code: str) -> StoredSegment | None:
    """Return a segment of a workspace."""
    cursor = await conn.execute(QUERIES["find_segment"], {"workspace_id": workspace_id, "code": code})
    row = await cursor.fetchone()
    return None if row is None else StoredSegment(*row)


async def update_segment(
    conn: Conn,
    *,
    segment_id: int,
    title: str,
    source: str,
    expression: str,
    now: datetime,
    description: str,
    rule_tree: str | None,
) -> None:
    """Give a segment another title and meaning.

    Raises:
        AlreadyExists: Another segment of the workspace has this title.
    """
    values = {
        "segment_id": segment_id,
        "title": title,
        "source": source,
        "expression": expression,
        "now": now,
        "description": description,
        "rule_tree": rule_tree,
    }
    with domain_errors():
        await conn.execute(QUERIES["update_segment"], values)


async def delete_segment(conn: Conn, *, segment_id: int) -> None:
    """Delete a segment."""
    await conn.execute(QUERIES["delete_segment"], {"segment_id": segment_id})


async def lock_segments(conn: Conn, *, workspace_id: int) -> None:
    """Let nobody else change what the segments of a workspace mean until the transaction ends."""
    await conn.execute(QUERIES["lock_segments"], {"workspace_id": workspace_id})


@dataclass(frozen=True, slots=True)
class Reader:
    """A journey that may have to do with segments. `graph` is JSON text."""

    journey_id: int
    title: str
    status: str
    advances: bool
    graph: str

    @property
    def runs(self) -> bool:
        """Tell whether people are in it or may come in, now or once it goes on."""
        return self.status in {"running", "paused"} or self.advances


async def lock_journeys(conn: Conn, *, workspace_id: int) -> None:
    """Let nobody else change the journeys of a workspace until the transaction ends."""
    await conn.execute(QUERIES["lock_journeys"], {"workspace_id": workspace_id})


async def next_epoch(conn: Conn) -> int:
    """Begin the next epoch of definitions. Return its number."""
    row = await (await conn.execute(QUERIES["next_epoch"])).fetchone()
    assert row is not None, "an installation has one row"
    return row[0]


async def segment_readers(conn: Conn, *, workspace_id: int) -> list[Reader]:
    """Return the journeys of a workspace, but not the archived."""
    cursor = await conn.execute(QUERIES["segment_readers"], {"workspace_id": workspace_id})
    return [Reader(*row) for row in await cursor.fetchall()]


async def mark_in_epoch(conn: Conn, *, journey_ids: Collection[int], epoch: int) -> None:
    """Let engines read journeys again."""
    await conn.execute(QUERIES["mark_in_epoch"], {"journey_ids": list(journey_ids), "epoch": epoch})
    await conn.execute(QUERIES["notify_definitions"])


async def preset_codes(conn: Conn, *, workspace_id: int) -> frozenset[str]:
    """Return the codes of the stored message contents of a workspace."""
    cursor = await conn.execute(QUERIES["preset_codes"], {"workspace_id": workspace_id})
    return frozenset(code for (code,) in await cursor.fetchall())
