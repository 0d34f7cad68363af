"""Email addresses on the wire of data-in. An address acts as the hwid of its channel."""
# ruff: noqa: N815 - the fields have the contract's names

from typing import Any

from msgspec import Struct

from sojourn.api.ingest.reading import Decoded, application_problems, attributes_of, either, one_offset, tag_operations
from sojourn.model.identities import EMAIL
from sojourn.model.problems import Problem
from sojourn.service.commands import DeleteDevice, RegisterEmail, SetAttributes, Subject


class RegisterEmailRequest(Struct, frozen=True, kw_only=True):
    """`registerEmail`. The offset in seconds is called `timezone` or `tz_offset`."""

    application: str
    email: str
    userId: str = ""
    language: str = ""
    timezone: int | None = None
    tz_offset: int | None = None
    tags: dict[str, Any] = {}


class RegisterEmailUserRequest(Struct, frozen=True, kw_only=True):
    """`registerEmailUser`."""

    application: str
    email: str
    userId: str
    tz_offset: int | None = None


class SetEmailTagsRequest(Struct, frozen=True, kw_only=True):
    """`setEmailTags`."""

    application: str
    email: str
    tags: dict[str, Any]
    userId: str = ""


class DeleteEmailRequest(Struct, frozen=True, kw_only=True):
    """`deleteEmail`."""

    application: str
    email: str


def register_email(request: RegisterEmailRequest) -> Decoded:
    """Read `registerEmail`."""
    operations, problems = tag_operations(request.tags, only_set=True)
    offset, conflict = one_offset(request.timezone, request.tz_offset)
    return either(
        problems + conflict,
        lambda: RegisterEmail(
            application_code=request.application,
            email=request.email,
            user_id=request.userId,
            language=request.language,
            time_zone_offset=offset,
            attributes=attributes_of(operations),
        ),
    )


def register_email_user(request: RegisterEmailUserRequest) -> Decoded:
    """Read `registerEmailUser`."""
    problems = [] if request.userId else [Problem("field.length", "userId", "must not be empty")]
    return either(
        problems,
        lambda: RegisterEmail(
            application_code=request.application,
            email=request.email,
            user_id=request.userId,
            time_zone_offset=request.tz_offset,
        ),
    )


def set_email_tags(request: SetEmailTagsRequest) -> Decoded:
    """Read `setEmailTags`."""
    operations, problems = tag_operations(request.tags, only_set=False)
    subject = Subject(user_id=request.userId, hwid=request.email)
    return either(
        [*address_problems(request.email), *problems],
        lambda: SetAttributes(application_code=request.application, subject=subject, operations=tuple(operations)),
    )


def delete_email(request: DeleteEmailRequest) -> Decoded:
    """Read `deleteEmail`."""
    return either(
        [*application_problems(request.application), *address_problems(request.email)],
        lambda: DeleteDevice(application_code=request.application, hwid=request.email),
    )


def address_problems(email: str) -> list[Problem]:
    """Check that a text has the form of an address."""
    if EMAIL.fullmatch(email):
        return []
    return [Problem("email.form", "email", "an email address has the form `name@example.com`")]
