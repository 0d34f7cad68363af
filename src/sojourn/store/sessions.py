"""Sessions: who has signed in. Only the hash of a token's id is kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.store.accounts import StoredRole
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session in force, and whose it is."""

    session: UUID
    token_hash: bytes
    former_hash: bytes | None
    refreshed_at: datetime
    expires_at: datetime
    account: UUID
    workspace_id: int
    tenant_id: UUID
    email: str
    role: StoredRole


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as its account's owner sees it."""

    session: UUID
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    address: str
    agent: str


async def insert_session(
    conn: Conn,
    *,
    session: UUID,
    account_id: int,
    token_hash: bytes,
    address: str,
    agent: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Begin a session."""
    values = {"session": session, "account_id": account_id, "token_hash": token_hash, "address": address}
    await conn.execute(QUERIES["insert_session"], values | {"agent": agent, "now": now, "expires_at": expires_at})


async def find_session(conn: Conn, *, session: UUID) -> StoredSession | None:
    """Return a session, unless it was revoked or its account may not sign in any more."""
    row = await (await conn.execute(QUERIES["find_session"], {"session": session})).fetchone()
    return None if row is None else StoredSession(*row)


async def refresh_session(conn: Conn, *, session: UUID, token_hash: bytes, new_hash: bytes, now: datetime) -> bool:
    """Put a new token in place of the one in force. Return whether that is still in force."""
    values = {"session": session, "token_hash": token_hash, "new_hash": new_hash, "now": now}
    return (await conn.execute(QUERIES["refresh_session"], values)).rowcount == 1


async def revoke_session(conn: Conn, *, workspace_id: int, session: UUID, now: datetime) -> bool:
    """End a session of a workspace. Return whether it was in force."""
    values = {"workspace_id": workspace_id, "session": session, "now": now}
    return (await conn.execute(QUERIES["revoke_session"], values)).rowcount == 1


async def revoke_sessions(conn: Conn, *, account_id: int, now: datetime, keep: UUID | None = None) -> int:
    """End all sessions of an account, except one. Return how many."""
    values = {"account_id": account_id, "keep": keep, "now": now}
    return (await conn.execute(QUERIES["revoke_sessions"], values)).rowcount


async def list_sessions(conn: Conn, *, account_id: int, now: datetime, limit: int) -> list[ListedSession]:
    """Return the sessions of an account that are in force, newest first."""
    values = {"account_id": account_id, "now": now, "limit": limit}
    cursor = await conn.execute(QUERIES["list_sessions"], values)
    return [ListedSession(*row) for row in await cursor.fetchall()]


async def forget_sessions(conn: Conn, *, account_id: int, now: datetime) -> None:
    """Delete the sessions of an account that ended before."""
    await conn.execute(QUERIES["forget_sessions"], {"account_id": account_id, "now": now})
