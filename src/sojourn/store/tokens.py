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
