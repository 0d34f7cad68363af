"""Accounts: who may sign in to a workspace, and as what. A workspace that has an owner keeps one."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from msgspec import UNSET

from sojourn.model.identities import EMAIL
from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.errors import InUse, NotAllowed, NotFound
from sojourn.service.passwords import Passwords, password_problems
from sojourn.service.resources import Resources
from sojourn.service.roles import role_of
from sojourn.service.sessions import EMAIL_MAX, account_view
from sojourn.service.values import refuse
from sojourn.store import accounts as store
from sojourn.store import sessions
from sojourn.store.accounts import StoredAccount
from sojourn.store.connection import Conn, single_statements
from sojourn.store.errors import domain_errors

NAME_MAX = 200
SESSIONS_LISTED = 100


async def create_account(resources: Resources, caller: c.Caller, command: c.CreateAccount) -> c.Account:
    """Make an account. Raises as the command says."""
    async with single_statements(resources.pool) as conn:
        return await add_account(conn, resources.passwords, caller.workspace_id, command, resources.clock())


async def add_account(
    conn: Conn, passwords: Passwords, workspace_id: int, command: c.CreateAccount, now: datetime
) -> c.Account:
    """Make an account of a workspace.

    Raises:
        AlreadyExists: There is one of this email address.
        InvalidDocument: An attribute cannot be as it is.
    """
    email = command.email.strip().lower()
    refuse([*_email_problems(email), *_name_problems(command.name), *password_problems(command.password, "password")])
    hashed, account = await passwords.hash(command.password), uuid4()
    with domain_errors():
        await store.insert_account(
            conn,
            account=account,
            workspace_id=workspace_id,
            email=email,
            name=command.name,
            role=command.role,
            password_hash=hashed,
            now=now,
        )
    return account_view(await _find(conn, workspace_id, account))


async def get_account(resources: Resources, caller: c.Caller, command: c.GetAccount) -> c.Account:
    """Return an account. Raises as the command says."""
    async with single_statements(resources.pool) as conn:
        return account_view(await _find(conn, caller.workspace_id, command.account))


async def get_self(resources: Resources, caller: c.Caller, _command: c.GetSelf) -> c.Account:
    """Return whose session it is; of somebody whose account is kept elsewhere, what their token says."""
    async with single_statements(resources.pool) as conn:
        if caller.account is not None:
            return account_view(await _find(conn, caller.workspace_id, caller.account))
        tenant = await store.workspace_tenant(conn, workspace_id=caller.workspace_id)
    role = role_of(caller)
    if role is None:
        raise NotAllowed
    return c.Account(account=None, tenant=tenant, email="", name=caller.name, role=role)


async def list_accounts(resources: Resources, caller: c.Caller, command: c.ListAccounts) -> c.AccountList:
    """Return a part of the accounts."""
    async with single_statements(resources.pool) as conn:
        found, total = await store.list_accounts(
            conn, workspace_id=caller.workspace_id, limit=command.limit, offset=command.offset
        )
    return c.AccountList(items=tuple(map(account_view, found)), total=total)


async def update_account(resources: Resources, caller: c.Caller, command: c.UpdateAccount) -> c.Account:
    """Change an account. Raises as the command says."""
    refuse(
        [
            *(_name_problems(command.name) if command.name is not UNSET else ()),
            *(password_problems(command.password, "password") if command.password is not UNSET else ()),
        ]
    )
    hashed = None if command.password is UNSET else await resources.passwords.hash(command.password)
    now = resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        owners = await store.lock_owners(conn, workspace_id=caller.workspace_id)
        before = await _find(conn, caller.workspace_id, command.account)
        role = before.role if command.role is UNSET else command.role
        is_disabled = before.is_disabled if command.is_disabled is UNSET else command.is_disabled
        if role != "owner" or is_disabled:
            _keep_an_owner(owners, command.account)
        name = before.name if command.name is UNSET else command.name
        await store.update_account(
            conn, account_id=before.account_id, name=name, role=role, is_disabled=is_disabled, now=now
        )
        if hashed is not None:
            await store.replace_password(conn, account_id=before.account_id, password_hash=hashed, now=now)
        if hashed is not None or is_disabled:
            await sessions.revoke_sessions(conn, account_id=before.account_id, now=now)
        after = await _find(conn, caller.workspace_id, command.account)
    resources.forget_callers()
    return account_view(after)


async def delete_account(resources: Resources, caller: c.Caller, command: c.DeleteAccount) -> c.Done:
    """Delete an account. Raises as the command says."""
    async with resources.pool.connection() as conn, conn.transaction():
        owners = await store.lock_owners(conn, workspace_id=caller.workspace_id)
        found = await _find(conn, caller.workspace_id, command.account)
        _keep_an_owner(owners, command.account)
        await store.delete_account(conn, account_id=found.account_id)
    resources.forget_callers()
    return c.Done()


async def change_password(resources: Resources, caller: c.Caller, command: c.ChangePassword) -> c.Done:
    """Change the caller's own password. Raises as the command says."""
    if caller.account is None:
        raise NotAllowed("this account is kept elsewhere")
    refuse(password_problems(command.new_password, "newPassword"))
    async with resources.pool.connection() as conn:
        found = await store.find_account_by_email(conn, email=caller.name)
    if found is None or not await resources.passwords.fits(command.password, found.password_hash):
        raise NotAllowed("the present password is another")
    hashed, now = await resources.passwords.hash(command.new_password), resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        await store.replace_password(conn, account_id=found.account_id, password_hash=hashed, now=now)
        await sessions.revoke_sessions(conn, account_id=found.account_id, now=now, keep=caller.session)
    resources.forget_callers()
    return c.Done()


async def list_sessions(resources: Resources, caller: c.Caller, command: c.ListSessions) -> c.SessionList:
    """Return the sessions of an account; only owners may see those of others. Raises as the command says."""
    account = command.account or caller.account
    if account != caller.account and caller.rights not in {"owner", "api"}:
        raise NotAllowed
    if account is None:
        return c.SessionList(items=())
    async with single_statements(resources.pool) as conn:
        owner = await _find(conn, caller.workspace_id, account)
        found = await sessions.list_sessions(
            conn, account_id=owner.account_id, now=resources.clock(), limit=SESSIONS_LISTED
        )
    return c.SessionList(
        items=tuple(
            c.Session(
                session=each.session,
                created_at=each.created_at,
                refreshed_at=each.refreshed_at,
                expires_at=each.expires_at,
                address=each.address,
                agent=each.agent,
                is_this=each.session == caller.session,
            )
            for each in found
        )
    )


async def revoke_session(resources: Resources, caller: c.Caller, command: c.RevokeSession) -> c.Done:
    """End one of the caller's sessions; the operator may end anybody's. Raises as the command says."""
    if caller.rights != "api":
        own = await list_sessions(resources, caller, c.ListSessions())
        if command.session not in {each.session for each in own.items}:
            raise NotFound
    async with single_statements(resources.pool) as conn:
        is_done = await sessions.revoke_session(
            conn, workspace_id=caller.workspace_id, session=command.session, now=resources.clock()
        )
    resources.forget_callers()
    if not is_done:
        raise NotFound
    return c.Done()


async def _find(conn: Conn, workspace_id: int, account: UUID) -> StoredAccount:
    found = await store.find_account(conn, workspace_id=workspace_id, account=account)
    if found is None:
        raise NotFound("account not found")
    return found


def _keep_an_owner(owners: set[UUID], leaving: UUID) -> None:
    if owners == {leaving}:
        raise InUse("a workspace keeps at least one owner who may sign in")


def _email_problems(email: str) -> Iterable[Problem]:
    if len(email) > EMAIL_MAX or not EMAIL.fullmatch(email) or not email.isprintable():
        yield Problem("account.email", "email", "must be an email address")


def _name_problems(name: str) -> Iterable[Problem]:
    if len(name) > NAME_MAX or not (name.isprintable() or not name):
        yield Problem("account.name", "name", f"must have at most {NAME_MAX} printable characters")
