"""Who asks, and the plainest answer."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

Role = Literal["owner", "admin", "editor", "viewer"]
"""What a person may do who has signed in; `service.roles` says what that is."""

Rights = Role | Literal["api", "device", "site", "write"]


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, and where.

    Attributes:
        rights: `api` may do everything in the workspace, `device` only what a device does, `write` only track, `site`
            only what the pages of a site ask for; a role is that of an account.
        name: Of the token, or the email address of the account.
        app_id: Of a write or site key: the app that people are tracked in.
        origins: Of a site key: of which web origins pages may use it; none: of any.
        account: Who has signed in; None where a token or a key asks, or an account that is kept elsewhere.
        session: In which session of theirs.
    """

    workspace_id: int
    rights: Rights = "api"
    name: str = ""
    app_id: int | None = None
    origins: tuple[str, ...] = ()
    account: UUID | None = None
    session: UUID | None = None


class Done(Struct, frozen=True, kw_only=True):
    """Nothing more to say."""
