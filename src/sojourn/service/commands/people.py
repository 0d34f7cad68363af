"""Commands and replies: people, their devices and attributes."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from sojourn.model.problems import Problem


class Subject(Struct, frozen=True, kw_only=True):
    """The person that a piece of data is about: by user id, hwid (an email address or phone number is one), or both."""

    user_id: str = ""
    hwid: str = ""


class RegisterDevice(Struct, frozen=True, kw_only=True):
    """Make a device or address known, and whose it is. Reply: `Done`.

    Attributes:
        details: What the device says of itself, such as `os_version`; what it said before and not now stays.
    """

    application_code: str
    subject: Subject
    device_type: int
    push_token: str = ""
    language: str = ""
    time_zone_offset: int | None = None
    time_zone: str = ""
    attributes: Mapping[str, Any] = {}
    details: Mapping[str, str] = {}


class RegisterUser(Struct, frozen=True, kw_only=True):
    """Say which user a device belongs to. Reply: `Done`."""

    application_code: str
    subject: Subject
    time_zone_offset: int | None = None


class RegisterEmail(Struct, frozen=True, kw_only=True):
    """Make an email address known, and whose it is. Reply: `Done`."""

    application_code: str
    email: str
    user_id: str = ""
    attributes: Mapping[str, Any] = {}
    language: str = ""
    time_zone_offset: int | None = None


class AttributeOperation(Struct, frozen=True):
    """One change of one attribute, in the operations of `apply_operations_v1`."""

    op: Literal["set", "append", "remove", "increment", "unset"]
    tag: str
    value: Any = None


class SetAttributes(Struct, frozen=True, kw_only=True):
    """Change attributes of a person. Reply: `Done`."""

    application_code: str
    subject: Subject
    operations: tuple[AttributeOperation, ...]


class BulkItem(Struct, frozen=True, kw_only=True):
    """One person and what changes about them. A push token stands for the device that has it, and so for its hwid."""

    subject: Subject
    operations: tuple[AttributeOperation, ...]
    push_token: str = ""


class SetAttributesInBulk(Struct, frozen=True, kw_only=True):
    """Change attributes of many people. What can be done is durable when answered. Reply: `BulkAccepted`."""

    application_code: str
    items: tuple[BulkItem, ...]


class BulkAccepted(Struct, frozen=True, kw_only=True):
    """The durable promise to do what was asked of most people."""

    request_uuid: UUID


class GetBulkRequest(Struct, frozen=True, kw_only=True):
    """Reply: `BulkOutcome`."""

    request_uuid: UUID


class BulkOutcome(Struct, frozen=True, kw_only=True):
    """What became of a request about many people.

    Attributes:
        is_waiting: Ticks have not applied all of it.
        refused: By place in the request, from 0: why it was refused.
    """

    request_uuid: UUID
    items: int
    is_waiting: bool
    refused: Mapping[int, tuple[Problem, ...]]


class GetAttributes(Struct, frozen=True, kw_only=True):
    """Ask for the attributes of a person, as far as they have been applied. Reply: `Attributes`."""

    application_code: str
    subject: Subject


class Attributes(Struct, frozen=True, kw_only=True):
    """The attributes of a person."""

    values: Mapping[str, Any]


class Alias(Struct, frozen=True, kw_only=True):
    """Say that a previous id, of a user or of an anonymous visitor, means the person of a user id. Reply: `Done`.

    Both become one person, also where both are users; the person of `user_id` knows better.
    """

    application_code: str
    previous_id: str
    user_id: str


class DeletePerson(Struct, frozen=True, kw_only=True):
    """Delete a person with all their data; named in exactly one way, `profile` being their number. Reply: `Removed`.

    A hwid that is an email address or a phone number is one of its own kind.
    """

    user_id: str = ""
    hwid: str = ""
    email: str = ""
    anonymous_id: str = ""
    profile: int | None = None


class DeleteDevice(Struct, frozen=True, kw_only=True):
    """Delete a device or address from an app, or from all without a code. Reply: `Removed`.

    Everything else that its person has stays, unless nothing else names them: then they are deleted.
    """

    hwid: str
    application_code: str = ""


class UnregisterDevice(Struct, frozen=True, kw_only=True):
    """Send nothing to a device any more, until it is registered again. Reply: `Done`."""

    application_code: str
    hwid: str


class Removed(Struct, frozen=True, kw_only=True):
    """How many rows were deleted, by table; those without any are left out."""

    removed: Mapping[str, int]
