"""Bulk requests: what somebody said of many people at once, and whether ticks have applied it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredBulkRequest:
    """A row of `bulk_request`. `refused` is a list of {"place", "reasons"}; `watermarks` are inbox numbers by shard."""

    items: int
    refused: list[dict[str, Any]]
    watermarks: Mapping[str, int]


async def bulk_is_waiting(conn: Conn, watermarks: Mapping[str, int]) -> bool:
    """Tell whether anything up to the watermarks waits for a tick."""
    arrays = {"shards": [int(shard) for shard in watermarks], "inbox_ids": list(watermarks.values())}
    row = await (await conn.execute(QUERIES["bulk_is_waiting"], arrays)).fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0]


async def find_bulk_request(conn: Conn, *, workspace_id: int, request_uuid: UUID) -> StoredBulkRequest | None:
    """Return a request of a workspace."""
    values = {"workspace_id": workspace_id, "request_uuid": request_uuid}
    row = await (await conn.execute(QUERIES["find_bulk_request"], values)).fetchone()
    return None if row is None else StoredBulkRequest(*row)


async def forget_bulk_requests(conn: Conn, *, before: datetime) -> int:
    """Forget requests received before an instant; return how many."""
    return (await conn.execute(QUERIES["forget_bulk_requests"], {"before": before})).rowcount


async def hwids_of_push_tokens(conn: Conn, *, app_id: int, push_tokens: Collection[str]) -> dict[str, str]:
    """Return which devices of an app have these push tokens; tokens that none has are left out."""
    values = {"app_id": app_id, "push_tokens": list(push_tokens)}
    return dict[str, str](await (await conn.execute(QUERIES["hwids_of_push_tokens"], values)).fetchall())


async def insert_bulk_request(
    conn: Conn, *, workspace_id: int, request_uuid: UUID, items: int, refused: str, now: datetime
) -> None:
    """Keep a request, in the transaction that appended to the inboxes. `refused` is JSON text."""
    values = {
        "workspace_id": workspace_id,
        "request_uuid": request_uuid,
        "items": items,
        "refused": refused,
        "now": now,
    }
    await conn.execute(QUERIES["insert_bulk_request"], values)
