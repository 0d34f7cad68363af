"""Administration: what an installation needs before it can serve, and what its operator does from the command line."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sojourn.service.errors import NotFound
from sojourn.service.tokens import create_token, ensure_token
from sojourn.service.upkeep import prepare_days
from sojourn.service.workspaces import ensure_default
from sojourn.store import administration as store
from sojourn.store.connection import Conn
from sojourn.store.migrations import initialise, migrate
from sojourn.store.workspaces import App

JWT_SECRET = "jwt_secret"  # noqa: S105 - the name of one
WEBHOOK_KEY = "webhook_signing_key"
FIRST_TOKEN_TITLE = "first token"  # noqa: S105 - the title of one
GIVEN_TOKEN_TITLE = "SOJOURN_API_TOKEN"  # noqa: S105 - the title of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A database that is ready to be served from.

    Attributes:
        new_token: The plain text of the first API token, if it was made just now; it cannot be had again.
    """

    app: App
    shard_count: int
    migrations: tuple[str, ...]
    new_token: str | None = field(default=None, repr=False)


async def install(
    conn: Conn,
    now: datetime,
    *,
    shard_count: int,
    application_code: str | None = None,
    api_token: str | None = None,
    jwt_secret: str | None = None,
) -> Installation:
    """Bring the schema up to date and make what every installation has, unless it is there. Repeating it is harmless.

    What is given comes into force; what is not is generated once. `shard_count` counts on the first call only.
    """
    migrations = await migrate(conn, now=now)
    shards = await initialise(conn, shard_count=shard_count, now=now)
    app = await ensure_default(conn, now, application_code=application_code)
    async with conn.transaction():
        await prepare_days(conn, now)
        if jwt_secret is not None:
            await store.replace_secret(conn, name=JWT_SECRET, value=jwt_secret, now=now)
        for name in (JWT_SECRET, WEBHOOK_KEY):
            await store.ensure_secret(conn, name=name, value=secrets.token_urlsafe(48), now=now)
        new_token = await _ensure_api_token(conn, app.workspace_id, api_token, now)
    return Installation(app=app, shard_count=shards, migrations=tuple(migrations), new_token=new_token)


async def _ensure_api_token(conn: Conn, workspace_id: int, given: str | None, now: datetime) -> str | None:
    """Bring the given token into force. Make one where none was given and nobody could call."""
    if given is not None:
        await ensure_token(conn, workspace_id, given, "api", GIVEN_TOKEN_TITLE, now)
        return None
    if await store.has_api_token(conn, workspace_id=workspace_id):
        return None
    return await create_token(conn, workspace_id, "api", FIRST_TOKEN_TITLE, now)


async def webhook_signing_key(conn: Conn, now: datetime) -> str:
    """Return the key from which those that sign webhooks are made."""
    return await store.ensure_secret(conn, name=WEBHOOK_KEY, value=secrets.token_urlsafe(48), now=now)


async def revoke_token(conn: Conn, workspace_id: int, token_id: int, now: datetime) -> None:
    """Take a token out of force.

    Raises:
        NotFound: The workspace has no such token in force.
    """
    if not await store.revoke_token_by_id(conn, workspace_id=workspace_id, token_id=token_id, now=now):
        raise NotFound(f"no token {token_id} is in force")


async def renew_token(conn: Conn, workspace_id: int, title: str, now: datetime) -> str:
    """Make an API token in place of all earlier ones of the title. Return its plain text."""
    await store.revoke_tokens_titled(conn, workspace_id=workspace_id, title=title, now=now)
    return await create_token(conn, workspace_id, "api", title, now)
