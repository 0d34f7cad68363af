"""Commands and replies: accounts of people, and their sessions. Signing in and out is in `service.sessions`."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from sojourn.service.commands.caller import Role


class CreateAccount(Struct, frozen=True, kw_only=True):
    """Make an account in the caller's workspace. Reply: `Account`. Raises: AlreadyExists, InvalidDocument."""

    email: str
    password: str
    role: Role
    name: str = ""


class GetAccount(Struct, frozen=True, kw_only=True):
    """Reply: `Account`. Raises: NotFound."""

    account: UUID


class ListAccounts(Struct, frozen=True, kw_only=True):
    """Newest first. Reply: `AccountList`."""

    limit: int = 20
    offset: int = 0


class UpdateAccount(Struct, frozen=True, kw_only=True):
    """Change what is given. Who is disabled, or gets another password, is signed out everywhere.

    Reply: `Account`. Raises: InUse (it would leave the workspace without an owner), InvalidDocument, NotFound.
    """

    account: UUID
    name: str | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    is_disabled: bool | UnsetType = UNSET
    password: str | UnsetType = UNSET


class DeleteAccount(Struct, frozen=True, kw_only=True):
    """Reply: `Done`. Raises: InUse (it is the last owner's), NotFound."""

    account: UUID


class ChangePassword(Struct, frozen=True, kw_only=True):
    """Change the caller's own password. Their other sessions end.

    Reply: `Done`. Raises: InvalidDocument, NotAllowed (the present password is another, or there is none here).
    """

    password: str
    new_password: str


class GetSelf(Struct, frozen=True, kw_only=True):
    """Whose session it is. Reply: `Account`."""


class ListSessions(Struct, frozen=True, kw_only=True):
    """The caller's own sessions, or somebody else's. Reply: `SessionList`. Raises: NotFound."""

    account: UUID | None = None


class RevokeSession(Struct, frozen=True, kw_only=True):
    """End one of the caller's own sessions. Reply: `Done`. Raises: NotFound."""

    session: UUID


class Account(Struct, frozen=True, kw_only=True):
    """Who may sign in.

    Attributes:
        account: None for somebody whose account is kept elsewhere.
    """

    account: UUID | None
    tenant: UUID
    email: str
    name: str
    role: Role
    is_disabled: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    signed_in_at: datetime | None = None


class AccountList(Struct, frozen=True, kw_only=True):
    """A part of the accounts of a workspace."""

    items: tuple[Account, ...]
    total: int


class Session(Struct, frozen=True, kw_only=True):
    """A session in force."""

    session: UUID
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    address: str
    agent: str
    is_this: bool


class SessionList(Struct, frozen=True, kw_only=True):
    """The sessions of an account."""

    items: tuple[Session, ...]
