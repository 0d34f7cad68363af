"""Commands and replies: fixed lists, whose people are named one by one."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from sojourn.service.commands.history import PersonKey


class CreateList(Struct, frozen=True, kw_only=True):
    """Make a fixed list, with nobody on it. Reply: `Segment`. Raises: AlreadyExists, AppNotFound, InvalidDocument."""

    title: str
    code: str = ""
    application_code: str | None = None


class ChangeMembers(Struct, frozen=True, kw_only=True):
    """Put people on a list, or take them off, by their names. Durable when answered. Reply: `MembersAccepted`.

    Raises: InvalidDocument, Overloaded, SegmentNotFound.

    Attributes:
        gone: Whether they leave.
        profiles: Numbers of profiles.
    """

    code: str
    gone: bool = False
    user_ids: tuple[str, ...] = ()
    hwids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    anonymous_ids: tuple[str, ...] = ()
    profiles: tuple[int, ...] = ()


class MembersAccepted(Struct, frozen=True, kw_only=True):
    """What became of the names: how many are somebody's, and which are nobody's."""

    accepted: int
    unknown: tuple[PersonKey, ...]
    unknown_profiles: tuple[int, ...]


class ListMembers(Struct, frozen=True, kw_only=True):
    """Show a page of the people on a list. Reply: `MemberPage`. Raises: InvalidDocument, SegmentNotFound.

    Attributes:
        after: The `next_after` of the page before.
        limit: At most so many.
    """

    code: str
    after: str = ""
    limit: int = 50


class Member(Struct, frozen=True, kw_only=True):
    """Somebody on a list. `names`: by `user_id`, `email`, `hwid` and `anonymous_id` one name, several, or None."""

    profile: int
    names: Mapping[str, str | Sequence[str] | None]
    added_at: datetime


class MemberPage(Struct, frozen=True, kw_only=True):
    """One page; `next_after` is None on the last."""

    items: tuple[Member, ...]
    next_after: str | None
