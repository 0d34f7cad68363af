"""Administration: tokens as an operator sees them, and the secrets that outlive a restart."""

from dataclasses import dataclass
from datetime import datetime

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES
from sojourn.store.tokens import TokenKind


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token without its secret."""

    token_id: int
    kind: TokenKind
    title: str
    created_at: datetime
    revoked_at: datetime | None


async def ensure_secret(conn: Conn, *, name: str, value: str, now: datetime) -> str:
    """Keep a secret under a name, unless one is kept there. Return the one kept."""
    await conn.execute(QUERIES["insert_secret"], {"name": name, "value": value, "now": now})
    row = await (await conn.execute(QUERIES["find_secret"], {"name": name})).fetchone()
    assert row is not None, "the secret was there, or has just been kept"
    return row[0]


async def has_api_token(conn: Conn, *, workspace_id: int) -> bool:
    """Tell whether a workspace has an API token in force."""
    row = await (await conn.execute(QUERIES["has_api_token"], {"workspace_id": workspace_id})).fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0]


async def list_tokens(conn: Conn, *, workspace_id: int) -> list[ListedToken]:
    """Return the tokens of a workspace, newest first."""
    cursor = await conn.execute(QUERIES["list_tokens"], {"workspace_id": workspace_id})
    return [ListedToken(*row) for row in await cursor.fetchall()]


async def replace_secret(conn: Conn, *, name: str, value: str, now: datetime) -> None:
    """Keep a secret under a name."""
    await conn.execute(QUERIES["replace_secret"], {"name": name, "value": value, "now": now})


async def revoke_token_by_id(conn: Conn, *, workspace_id: int, token_id: int, now: datetime) -> bool:
    """Revoke a token. Return whether there was one in force."""
    values = {"workspace_id": workspace_id, "token_id": token_id, "now": now}
    cursor = await conn.execute(QUERIES["revoke_token_by_id"], values)
    return cursor.rowcount == 1


async def revoke_tokens_titled(conn: Conn, *, workspace_id: int, title: str, now: datetime) -> int:
    """Revoke all tokens of a title. Return how many."""
    values = {"workspace_id": workspace_id, "title": title, "now": now}
    return (await conn.execute(QUERIES["revoke_tokens_titled"], values)).rowcount
