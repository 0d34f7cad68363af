"""Administration: what an installation needs before it can serve, and what its operator does from the command line."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sojourn.service.accounts import add_account
from sojourn.service.commands import CreateAccount
from sojourn.service.errors import NotFound
from sojourn.service.passwords import Passwords
from sojourn.service.signing_keys import JWT_SECRET, NAMES, signing_key
from sojourn.service.tokens import create_token, ensure_token
from sojourn.service.upkeep import prepare_days
from sojourn.service.workspaces import ensure_default
from sojourn.store import administration as store
from sojourn.store.accounts import find_account_by_email, has_account
from sojourn.store.connection import Conn
from sojourn.store.errors import EmailTaken
from sojourn.store.migrations import initialise, migrate
from sojourn.store.workspaces import App

FIRST_OWNER = "owner@sojourn.localhost"
FIRST_TOKEN_TITLE = "first token"  # noqa: S105 - the title of one
GIVEN_TOKEN_TITLE = "SOJOURN_API_TOKEN"  # noqa: S105 - the title of one


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOwner:
    """An account of an owner that was made just now.

    Attributes:
        password: None: the one given, which its owner knows.
    """

    email: str
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A database that is ready to be served from.

    Attributes:
        new_token: The plain text of the first API token, if it was made just now; it cannot be had again.
        new_owner: The owner's account, if it was made just now.
    """

    app: App
    shard_count: int
    migrations: tuple[str, ...]
    new_token: str | None = field(default=None, repr=False)
    new_owner: NewOwner | None = None


async def install(
    conn: Conn,
    now: datetime,
    *,
    shard_count: int,
    application_code: str | None = None,
    api_token: str | None = None,
    jwt_secret: str | None = None,
    owner_email: str | None = None,
    owner_password: str | None = None,
) -> Installation:
    """Bring the schema up to date and make what every installation has, unless it is there. Repeating it is harmless.

    What is given comes into force; what is not is generated once. `shard_count` counts on the first call only. An
    account that exists keeps its password, whatever is given.
    """
    migrations = await migrate(conn, now=now)
    shards = await initialise(conn, shard_count=shard_count, now=now)
    app = await ensure_default(conn, now, application_code=application_code)
    async with conn.transaction():
        await prepare_days(conn, now)
        if jwt_secret is not None:
            await store.replace_secret(conn, name=JWT_SECRET, value=jwt_secret, now=now)
        for name in NAMES:
            await signing_key(conn, name, now)
        new_token = await _ensure_api_token(conn, app.workspace_id, api_token, now)
    new_owner = await _ensure_owner(conn, app.workspace_id, owner_email, owner_password, now)
    return Installation(
        app=app, shard_count=shards, migrations=tuple(migrations), new_token=new_token, new_owner=new_owner
    )


async def _ensure_owner(
    conn: Conn, workspace_id: int, given_email: str | None, given_password: str | None, now: datetime
) -> NewOwner | None:
    """Make the account that is given, or one where nobody could sign in."""
    email = (given_email or FIRST_OWNER).lower()
    if await find_account_by_email(conn, email=email):
        return None
    if given_email is None and await has_account(conn, workspace_id=workspace_id):
        return None
    password = given_password or secrets.token_urlsafe(15)
    command = CreateAccount(email=email, password=password, role="owner")
    with suppress(EmailTaken):  # by another server that starts at this moment
        await add_account(conn, Passwords(), workspace_id, command, now)
        return NewOwner(email=email, password=None if given_password else password)
    return None


async def _ensure_api_token(conn: Conn, workspace_id: int, given: str | None, now: datetime) -> str | None:
    """Bring the given token into force. Make one where none was given and nobody could call."""
    if given is not None:
        await ensure_token(conn, workspace_id, given, "api", GIVEN_TOKEN_TITLE, now)
        return None
    if await store.has_api_token(conn, workspace_id=workspace_id):
        return None
    return await create_token(conn, workspace_id, "api", FIRST_TOKEN_TITLE, now)


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
