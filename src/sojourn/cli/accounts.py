"""Commands about accounts: who may sign in."""

import secrets
import sys
from typing import Annotated
from uuid import UUID

import typer
from msgspec import UNSET

from sojourn import wiring
from sojourn.cli.office import Office, at_office
from sojourn.cli.options import DatabaseUrl, DataDir, Json, settings_from
from sojourn.cli.screen import out, plain_errors, show_json, show_table
from sojourn.service.commands import (
    Account,
    CreateAccount,
    ListAccounts,
    ListSessions,
    RevokeSession,
    Role,
    Session,
    UpdateAccount,
)
from sojourn.service.errors import NotFound
from sojourn.store.accounts import find_account_by_email

PAGE = 1000
GENERATED_BYTES = 15

Email = Annotated[str, typer.Argument(help="The email address of the account.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one.")
]


def add_command(
    email: Email,
    role: Annotated[Role, typer.Option(help="What it may do.")] = "editor",
    name: Annotated[str, typer.Option(help="Whose it is.")] = "",
    password_stdin: PasswordStdin = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make an account, and print its password, unless that is given."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)
    password = _password(is_given=password_stdin)

    async def run(office: Office) -> Account:
        command = CreateAccount(email=email, password=password, role=role, name=name)
        return await office.service.run(office.caller, command)

    made = at_office(settings, run)
    out.print(f"account      {made.email} ({made.role})", markup=False)
    _say_password(password, is_given=password_stdin)


def list_command(data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False) -> None:
    """List accounts, newest first."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> list[Account]:
        found: list[Account] = []
        while True:
            reply = await office.service.run(office.caller, ListAccounts(limit=PAGE, offset=len(found)))
            found += reply.items
            if not reply.items or len(found) >= reply.total:
                return found

    found = at_office(settings, run)
    if json:
        show_json(found)
        return
    show_table(
        ("email", "role", "name", "state", "signed in"),
        [
            (each.email, each.role, each.name, "disabled" if each.is_disabled else "",
             f"{each.signed_in_at:%Y-%m-%d %H:%M}" if each.signed_in_at else "never")
            for each in found
        ],
    )  # fmt: skip


def change_command(
    email: Email,
    role: Annotated[Role | None, typer.Option(help="What it may do.", show_default="as it is")] = None,
    name: Annotated[str | None, typer.Option(help="Whose it is.", show_default="as it is")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change the role or the name of an account."""
    changed = _update(data_dir, database_url, email, role=role, name=name)
    out.print(f"{changed.email} is {changed.role}", markup=False)


def disable_command(email: Email, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Let somebody sign in no more, and end their sessions."""
    _update(data_dir, database_url, email, is_disabled=True)
    out.print(f"{email} is disabled", markup=False)


def enable_command(email: Email, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Let somebody sign in again."""
    _update(data_dir, database_url, email, is_disabled=False)
    out.print(f"{email} is enabled", markup=False)


def password_command(
    email: Email, password_stdin: PasswordStdin = False, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Set another password, and print it, unless it is given. All sessions of the account end."""
    password = _password(is_given=password_stdin)
    _update(data_dir, database_url, email, password=password)
    out.print(f"{email} has another password", markup=False)
    _say_password(password, is_given=password_stdin)


def sessions_command(
    email: Email, data_dir: DataDir = None, database_url: DatabaseUrl = None, json: Json = False
) -> None:
    """List the sessions of an account that are in force."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> tuple[Session, ...]:
        account = await _find(office, email)
        return (await office.service.run(office.caller, ListSessions(account=account))).items

    found = at_office(settings, run)
    if json:
        show_json(found)
        return
    show_table(
        ("id", "since", "refreshed", "address", "with"),
        [
            (str(each.session), f"{each.created_at:%Y-%m-%d %H:%M}", f"{each.refreshed_at:%Y-%m-%d %H:%M}",
             each.address, each.agent)
            for each in found
        ],
    )  # fmt: skip


def revoke_command(
    email: Email,
    session: Annotated[
        str | None, typer.Option(help="Only this one; see `sojourn account sessions`.", show_default="all")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End the sessions of an account. A running server takes them for good for at most 5 seconds more."""
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> int:
        account = await _find(office, email)
        found = (await office.service.run(office.caller, ListSessions(account=account))).items
        chosen = [each.session for each in found if session in {None, str(each.session)}]
        if session is not None and not chosen:
            raise NotFound(f"{email} has no session {session}")
        for each in chosen:
            await office.service.run(office.caller, RevokeSession(session=each))
        return len(chosen)

    out.print(f"{at_office(settings, run)} sessions of {email} have ended", markup=False)


def _update(
    data_dir: DataDir,
    database_url: DatabaseUrl,
    email: str,
    *,
    role: Role | None = None,
    name: str | None = None,
    is_disabled: bool | None = None,
    password: str | None = None,
) -> Account:
    with plain_errors():
        settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def run(office: Office) -> Account:
        command = UpdateAccount(
            account=await _find(office, email),
            name=UNSET if name is None else name,
            role=UNSET if role is None else role,
            is_disabled=UNSET if is_disabled is None else is_disabled,
            password=UNSET if password is None else password,
        )
        return await office.service.run(office.caller, command)

    return at_office(settings, run)


async def _find(office: Office, email: str) -> UUID:
    async with wiring.connection(office.url) as conn:
        found = await find_account_by_email(conn, email=email.strip().lower())
    if found is None or found.workspace_id != office.caller.workspace_id:
        raise NotFound(f"there is no account {email}")
    return found.account


def _password(*, is_given: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if is_given else secrets.token_urlsafe(GENERATED_BYTES)


def _say_password(password: str, *, is_given: bool) -> None:
    if not is_given:
        out.print(f"password     {password}  (shown this once)", markup=False)
