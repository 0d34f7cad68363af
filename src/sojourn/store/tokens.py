"""Tokens: who may call. Only hashes are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

TokenKind = Literal["api", "device", "site", "write"]


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token that is in force. `site` and `write` keys belong to an app, and to pages of `origins`; none: of any."""

    token_hash: bytes
    workspace_id: int
    kind: TokenKind
    title: str
    app_id: int | None
    origins: Sequence[str] = ()


async def find_token(conn: Conn, *, token_hash: bytes) -> StoredToken | None:
    """Return the token with this hash, unless it was revoked or never existed."""
    row = await (await conn.execute(QUERIES["find_token"], {"token_hash": token_hash})).fetchone()
    return None if row is None else StoredToken(*row)


async def insert_token(
    conn: Conn,
    *,
    workspace_id: int,
    kind: TokenKind,
    token_hash: bytes,
    title: str,
    now: datetime,
    app_id: int | None = None,
) -> bool:
    """Make a token. Return whether it is new."""
    values = {"workspace_id": workspace_id, "kind": kind, "app_id": app_id, "token_hash": token_hash, "title": title}
    cursor = await conn.execute(QUERIES["insert_token"], values | {"now": now})
    return cursor.rowcount == 1


async def revoke_token(conn: Conn, *, workspace_id: int, token_hash: bytes, now: datetime) -> bool:
    """Revoke a token. Return whether there was one."""
    cursor = await conn.execute(
        QUERIES["revoke_token"], {"workspace_id": workspace_id, "token_hash": token_hash, "now": now}
    )
    return cursor.rowcount == 1


@dataclass(frozen=True, slots=True)
class StoredWriteKey:
    """A write key in force, without its secret."""

    token_id: int
    title: str
    created_at: datetime


async def insert_write_key(
    conn: Conn, *, workspace_id: int, app_id: int, token_hash: bytes, title: str, now: datetime
) -> int:
    """Make a write key of an app. Return its number."""
    values = {"workspace_id": workspace_id, "app_id": app_id, "token_hash": token_hash, "title": title, "now": now}
    row = await (await conn.execute(QUERIES["insert_write_key"], values)).fetchone()
    assert row is not None, "an insert that succeeds returns its row"
    return row[0]


async def list_write_keys(conn: Conn, *, app_id: int) -> list[StoredWriteKey]:
    """Return the write keys of an app that are in force, newest first."""
    cursor = await conn.execute(QUERIES["list_write_keys"], {"app_id": app_id})
    return [StoredWriteKey(*row) for row in await cursor.fetchall()]


async def revoke_write_key(conn: Conn, *, app_id: int, token_id: int, now: datetime) -> bool:
    """Revoke a write key of an app. Return whether there was one."""
    cursor = await conn.execute(QUERIES["revoke_write_key"], {"app_id": app_id, "token_id": token_id, "now": now})
    return cursor.rowcount == 1
