"""Identities: the names that people go by, and the form in which two spellings are one name."""

import re
from typing import Literal, NamedTuple

from sojourn.model.shards import shard_of

IdentityKind = Literal["anonymous_id", "email", "hwid", "phone", "user_id"]

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
PHONE = re.compile(r"\+[0-9]{5,15}")
IDENTITY_MAX = 255


class Identity(NamedTuple):
    """A name of one person in one workspace. Sorts in the order in which identities are locked."""

    workspace_id: int
    kind: IdentityKind
    value: str

    def shard(self, shard_count: int) -> int:
        """Return the shard that keeps this identity."""
        return shard_of(self.workspace_id, self.kind, self.value, shard_count)


class Person(NamedTuple):
    """Where a person's rows are."""

    shard: int
    profile_id: int


def user_identity(workspace_id: int, user_id: str) -> Identity:
    """Return the identity of a user id."""
    return Identity(workspace_id, "user_id", user_id)


def anonymous_identity(workspace_id: int, anonymous_id: str) -> Identity:
    """Return the identity of a visitor who has not said who they are."""
    return Identity(workspace_id, "anonymous_id", anonymous_id)


def device_identity(workspace_id: int, hwid: str) -> Identity:
    """Return the identity of a hwid; an email address or a phone number is one of its own kind.

    >>> device_identity(1, "Ada@Example.com")
    Identity(workspace_id=1, kind='email', value='ada@example.com')
    >>> device_identity(1, "+4930123456").kind, device_identity(1, "A1B2-C3").kind
    ('phone', 'hwid')
    """
    if EMAIL.fullmatch(hwid):
        return Identity(workspace_id, "email", hwid.lower())
    if PHONE.fullmatch(hwid):
        return Identity(workspace_id, "phone", hwid)
    return Identity(workspace_id, "hwid", hwid)
