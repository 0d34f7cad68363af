"""Accounts: who may sign in to a workspace, and the attempts to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

StoredRole = Literal["owner", "admin", "editor", "viewer"]


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account. The hash of its password is read only where somebody signs in."""

    account_id: int
    account: UUID
    workspace_id: int
    tenant_id: UUID
    email: str
    name: str
    role: StoredRole
    is_disabled: bool
    created_at: datetime
    updated_at: datetime
    signed_in_at: datetime | None
    password_hash: str = field(default="", repr=False)


async def insert_account(
    conn: Conn,
    *,
    account: UUID,
    workspace_id: int,
    email: str,
    name: str,
    role: StoredRole,
    password_hash: str,
    now: datetime,
) -> None:
    """Make an account.

    Raises:
        IntegrityError: There is one of this email address.
    """
    values = {"account": account, "workspace_id": workspace_id, "email": email, "name": name, "role": role}
    await conn.execute(QUERIES["insert_account"], values | {"password_hash": password_hash, "now": now})


async def find_account(conn: Conn, *, workspace_id: int, account: UUID) -> StoredAccount | None:
    """Return an account of a workspace."""
    values = {"workspace_id": workspace_id, "account": account}
    row = await (await conn.execute(QUERIES["find_account"], values)).fetchone()
    return None if row is None else StoredAccount(*row)


async def find_account_by_email(conn: Conn, *, email: str) -> StoredAccount | None:
    """Return the account of an email address, with the hash of its password."""
    row = await (await conn.execute(QUERIES["find_account_by_email"], {"email": email})).fetchone()
    return None if row is None else StoredAccount(*row)


async def lock_owners(conn: Conn, *, workspace_id: int) -> set[UUID]:
    """Return the owners of a workspace who may sign in; they are locked until the transaction ends."""
    cursor = await conn.execute(QUERIES["lock_owners"], {"workspace_id": workspace_id})
    return {account for (account,) in await cursor.fetchall()}


async def has_account(conn: Conn, *, workspace_id: int) -> bool:
    """Tell whether anybody of a workspace has an account."""
    row = await (await conn.execute(QUERIES["has_account"], {"workspace_id": workspace_id})).fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0]


async def list_accounts(conn: Conn, *, workspace_id: int, limit: int, offset: int) -> tuple[list[StoredAccount], int]:
    """Return a part of the accounts of a workspace, newest first, and how many there are."""
    row = await (await conn.execute(QUERIES["count_accounts"], {"workspace_id": workspace_id})).fetchone()
    assert row is not None, "the query returns exactly one row"
    values = {"workspace_id": workspace_id, "limit": limit, "offset": offset}
    cursor = await conn.execute(QUERIES["list_accounts"], values)
    return [StoredAccount(*each) for each in await cursor.fetchall()], row[0]


async def update_account(
    conn: Conn, *, account_id: int, name: str, role: StoredRole, is_disabled: bool, now: datetime
) -> None:
    """Change what an account is."""
    values = {"account_id": account_id, "name": name, "role": role, "is_disabled": is_disabled, "now": now}
    await conn.execute(QUERIES["update_account"], values)


async def replace_password(conn: Conn, *, account_id: int, password_hash: str, now: datetime) -> None:
    """Change the password of an account."""
    values = {"account_id": account_id, "password_hash": password_hash, "now": now}
    await conn.execute(QUERIES["replace_password"], values)


async def delete_account(conn: Conn, *, account_id: int) -> None:
    """Delete an account with its sessions."""
    await conn.execute(QUERIES["delete_account"], {"account_id": account_id})


async def note_sign_in(conn: Conn, *, account_id: int, now: datetime) -> None:
    """Note when somebody signed in."""
    await conn.execute(QUERIES["note_sign_in"], {"account_id": account_id, "now": now})


async def tenant_workspace(conn: Conn, *, tenant_id: UUID) -> int | None:
    """Return the workspace of a tenant."""
    row = await (await conn.execute(QUERIES["tenant_workspace"], {"tenant_id": tenant_id})).fetchone()
    return None if row is None else row[0]


async def workspace_tenant(conn: Conn, *, workspace_id: int) -> UUID:
    """Return the name of a workspace on the wire."""
    row = await (await conn.execute(QUERIES["workspace_tenant"], {"workspace_id": workspace_id})).fetchone()
    assert row is not None, "a caller's workspace exists"
    return row[0]


async def is_account_disabled(conn: Conn, *, workspace_id: int, account: UUID) -> bool | None:
    """Tell whether an account may not sign in; None where there is no such account."""
    values = {"workspace_id": workspace_id, "account": account}
    row = await (await conn.execute(QUERIES["is_account_disabled"], values)).fetchone()
    return None if row is None else row[0]


async def count_attempts(
    conn: Conn, *, subjects: Sequence[bytes], since: datetime, now: datetime
) -> Mapping[bytes, tuple[datetime, int]]:
    """Count an attempt to sign in for each subject. Return since when, and how many; those before `since` are past."""
    values = {"subjects": list(subjects), "since": since, "now": now}
    cursor = await conn.execute(QUERIES["count_attempts"], values)
    return {bytes(subject): (began_at, attempts) for subject, began_at, attempts in await cursor.fetchall()}


async def forget_attempts(conn: Conn, *, subjects: Sequence[bytes], since: datetime) -> None:
    """Forget the attempts for subjects, and all before `since`."""
    await conn.execute(QUERIES["forget_attempts"], {"subjects": list(subjects), "since": since})
