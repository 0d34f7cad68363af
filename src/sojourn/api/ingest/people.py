"""People on the wire of data-in: whose devices are, tags, and what people do."""
# ruff: noqa: N815 - the fields have the contract's names

from typing import Any

from msgspec import Struct

from sojourn.api.ingest.reading import Decoded, either, instant, tag_operations
from sojourn.model.problems import Problem
from sojourn.service.commands import DeletePerson, GetAttributes, PostEvent, RegisterUser, SetAttributes, Subject


class RegisterUserRequest(Struct, frozen=True, kw_only=True):
    """`registerUser`."""

    application: str
    hwid: str
    userId: str
    tz_offset: int | None = None


class SetTagsRequest(Struct, frozen=True, kw_only=True):
    """`setTags`."""

    application: str
    tags: dict[str, Any]
    hwid: str = ""
    userId: str = ""


class GetTagsRequest(Struct, frozen=True, kw_only=True):
    """`getTags`."""

    application: str
    hwid: str = ""
    userId: str = ""


class PostEventRequest(Struct, frozen=True, kw_only=True):
    """`postEvent`. `timestampUTC` is in seconds; left out, it is the time of the request."""

    application: str
    event: str
    attributes: dict[str, Any] = {}
    hwid: str = ""
    userId: str = ""
    timestampUTC: float | None = None


class DeleteUserRequest(Struct, frozen=True, kw_only=True):
    """`deleteUser`. Whoever is deleted is so in all apps; `application` may be there."""

    userId: str
    application: str | None = None


def register_user(request: RegisterUserRequest) -> Decoded:
    """Read `registerUser`."""
    return Decoded(
        RegisterUser(
            application_code=request.application,
            subject=Subject(user_id=request.userId, hwid=request.hwid),
            time_zone_offset=request.tz_offset,
        )
    )


def set_tags(request: SetTagsRequest) -> Decoded:
    """Read `setTags`."""
    operations, problems = tag_operations(request.tags, only_set=False)
    subject = Subject(user_id=request.userId, hwid=request.hwid)
    return either(
        problems,
        lambda: SetAttributes(application_code=request.application, subject=subject, operations=tuple(operations)),
    )


def get_tags(request: GetTagsRequest) -> Decoded:
    """Read `getTags`."""
    subject = Subject(user_id=request.userId, hwid=request.hwid)
    return Decoded(GetAttributes(application_code=request.application, subject=subject))


def post_event(request: PostEventRequest) -> Decoded:
    """Read `postEvent`."""
    occurred_at, problems = instant(request.timestampUTC, "timestampUTC")
    return either(
        problems,
        lambda: PostEvent(
            application_code=request.application,
            subject=Subject(user_id=request.userId, hwid=request.hwid),
            name=request.event,
            attributes=request.attributes,
            occurred_at=occurred_at,
        ),
    )


def delete_user(request: DeleteUserRequest) -> Decoded:
    """Read `deleteUser`."""
    problems = [] if request.userId else [Problem("field.length", "userId", "must not be empty")]
    return either(problems, lambda: DeletePerson(user_id=request.userId))
