"""Commands and replies: what people did, and the calls that say so."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from sojourn.service.commands.people import Subject


class OpenApplication(Struct, frozen=True, kw_only=True):
    """Say that an app was opened on a device. Durable when answered. Reply: `Done`."""

    application_code: str
    subject: Subject


class ReportMessage(Struct, frozen=True, kw_only=True):
    """Say what became of a message on a device. Durable when answered. Reply: `Done`.

    Attributes:
        message_hash: What came with the message to tell it by; see `Reactions.report`.
    """

    application_code: str
    message_hash: str
    reaction: Literal["delivered", "opened"]


class PostEvent(Struct, frozen=True, kw_only=True):
    """Something a person did. Durable when answered. Reply: `Done`."""

    application_code: str
    subject: Subject
    name: str
    attributes: Mapping[str, Any] = {}
    occurred_at: datetime | None = None
    source_id: str = ""


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a tracked call says about the person by the way. Values that make no sense have been left out.

    Attributes:
        location: Of `latitude`, `longitude`, `country`, `region`, `city` what is known.
        device_id: With `push_token` and `device_type`: a device that can be reached.
        browser_id: Instead of these, the id under which a browser is known.
        details: What that device or browser says of itself, such as `os_version`.
    """

    language: str = ""
    time_zone: str = ""
    location: Mapping[str, str | float] = {}
    device_id: str = ""
    device_type: int = 0
    push_token: str = ""
    browser_id: str = ""
    details: Mapping[str, str] = {}


class Call(Struct, frozen=True, kw_only=True):
    """One call of the tracking API.

    Attributes:
        kind: `event` is something that a person did, whatever the client called it.
        attributes: Of an event its own, of the others the traits.
        previous_id: Of an alias: the id that the person had before.
        timestamp: When it happened, by the clock that showed `sent_at` when it was sent.
        source_id: Its own id; the same one again is not applied again.
    """

    kind: Literal["alias", "event", "group", "identify"]
    user_id: str = ""
    anonymous_id: str = ""
    previous_id: str = ""
    group_id: str = ""
    name: str = ""
    attributes: Mapping[str, Any] = {}
    surroundings: Surroundings | None = None
    timestamp: datetime | None = None
    sent_at: datetime | None = None
    source_id: str = ""


class TrackCalls(Struct, frozen=True, kw_only=True):
    """Accept calls of the tracking API in their order: all of them, or none. Durable when answered. Reply: `Done`."""

    calls: tuple[Call, ...]
