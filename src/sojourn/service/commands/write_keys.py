"""Commands and replies: write keys, with which the clients of the tracking API say what people did."""

from datetime import datetime

from msgspec import Struct


class CreateWriteKey(Struct, frozen=True, kw_only=True):
    """Make a key. Reply: `NewWriteKey`. Raises: AppNotFound, InUse (there are too many), InvalidDocument."""

    application_code: str
    title: str = ""


class ListWriteKeys(Struct, frozen=True, kw_only=True):
    """Those in force, newest first. Reply: `WriteKeyList`. Raises: AppNotFound."""

    application_code: str


class RevokeWriteKey(Struct, frozen=True, kw_only=True):
    """Reply: `Done`. Raises: AppNotFound, NotFound."""

    application_code: str
    number: int


class WriteKey(Struct, frozen=True, kw_only=True):
    """A key without its plain text. `number` names it."""

    number: int
    title: str
    created_at: datetime


class NewWriteKey(WriteKey, frozen=True, kw_only=True):
    """A key that was made just now. Its plain text cannot be had again."""

    plaintext: str


class WriteKeyList(Struct, frozen=True, kw_only=True):
    """The keys of an app."""

    items: tuple[WriteKey, ...]
