"""Data-in requests: their shapes, and the command that each stands for.

A person is a `hwid`, a `userId`, or both. Clients on devices send more than is kept; what is known of that is listed in
`PASSED_OVER`. Anything else that is unknown is a mistake, and is said to be one.
"""

from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from sojourn.api.common.misfits import PROBLEMS_MAX, misfits
from sojourn.api.common.paths import is_index, item, member
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    AttributeOperation,
    CreateSegment,
    ListSegments,
    PostEvent,
    RegisterDevice,
    RegisterEmail,
    RegisterUser,
    Segment,
    SegmentList,
    SetAttributes,
    Subject,
)

PASSED_OVER = frozenset({
    "android_package", "app_version", "auth", "device_id", "device_model", "device_name", "idfa", "ios_bundle_id",
    "jailbroken", "metaData", "notificationTypes", "os_version", "platform", "public_key", "screen_height",
    "screen_width", "sdk_version", "sounds", "timestampCurrent", "v",
})  # fmt: skip
OPERATIONS = ("set", "append", "remove", "increment")
"""By their number on the wire."""

EPOCH_SECONDS_MAX = 253_402_300_799
"""The end of the year 9999."""


class RegisterDeviceRequest(Struct, frozen=True, kw_only=True):
    """`registerDevice`. `timezone` is an offset in seconds, or an IANA name."""

    application: str
    hwid: str
    device_type: int
    push_token: str = ""
    language: str = ""
    timezone: Any = None
    userId: str = ""  # noqa: N815 - the contract's name
    tags: dict[str, Any] = {}


class RegisterUserRequest(Struct, frozen=True, kw_only=True):
    """`registerUser`."""

    application: str
    hwid: str
    userId: str  # noqa: N815


class RegisterEmailRequest(Struct, frozen=True, kw_only=True):
    """`registerEmail`."""

    application: str
    email: str
    userId: str = ""  # noqa: N815
    language: str = ""
    timezone: int | None = None
    tags: dict[str, Any] = {}


class SetTagsRequest(Struct, frozen=True, kw_only=True):
    """`setTags`."""

    application: str
    tags: dict[str, Any]
    hwid: str = ""
    userId: str = ""  # noqa: N815


class PostEventRequest(Struct, frozen=True, kw_only=True):
    """`postEvent`. `timestampUTC` is in seconds; left out, it is the time of the request."""

    application: str
    event: str
    attributes: dict[str, Any] = {}
    hwid: str = ""
    userId: str = ""  # noqa: N815
    timestampUTC: float | None = None  # noqa: N815


class CreateFilterRequest(Struct, frozen=True, kw_only=True):
    """`createFilter`. `conditions` is in the segmentation language."""

    name: str
    conditions: str
    application: str | None = None
    code: str = ""


class ListFiltersRequest(Struct, frozen=True, kw_only=True):
    """`listFilters`."""

    application: str | None = None


AnyRequest = (
    RegisterDeviceRequest | RegisterUserRequest | RegisterEmailRequest | SetTagsRequest | PostEventRequest
    | CreateFilterRequest | ListFiltersRequest
)  # fmt: skip


Command = CreateSegment | ListSegments | PostEvent | RegisterDevice | RegisterEmail | RegisterUser | SetAttributes


class Decoded(Struct, frozen=True):
    """The command of a request, or None and what is wrong with the request."""

    command: Command | None = None
    problems: tuple[Problem, ...] = ()


def decode(shape: type[AnyRequest], document: Mapping[str, Any]) -> Decoded:
    """Read a request."""
    given = {name: value for name, value in document.items() if name not in PASSED_OVER and value is not None}
    problems = misfits(given, shape, "")
    if problems:
        return Decoded(problems=tuple(problems))
    return _decode(msgspec.convert(given, shape))


def _decode(request: AnyRequest) -> Decoded:  # noqa: PLR0911 - one per method
    match request:
        case RegisterDeviceRequest():
            return _register_device(request)
        case RegisterUserRequest():
            subject = Subject(user_id=request.userId, hwid=request.hwid)
            return Decoded(RegisterUser(application_code=request.application, subject=subject))
        case RegisterEmailRequest():
            return _register_email(request)
        case SetTagsRequest():
            return _set_tags(request)
        case PostEventRequest():
            return _post_event(request)
        case CreateFilterRequest():
            return Decoded(
                CreateSegment(
                    title=request.name,
                    source=request.conditions,
                    code=request.code,
                    application_code=request.application,
                )
            )
        case ListFiltersRequest():
            return Decoded(ListSegments(application_code=request.application))


def _register_device(request: RegisterDeviceRequest) -> Decoded:
    zone = request.timezone
    if zone is not None and (isinstance(zone, bool) or not isinstance(zone, int | str)):
        return Decoded(problems=(Problem("field.type", "timezone", "must be a number of seconds or an IANA name"),))
    operations, problems = tag_operations(request.tags, only_set=True)
    if problems:
        return Decoded(problems=tuple(problems))
    return Decoded(
        RegisterDevice(
            application_code=request.application,
            subject=Subject(user_id=request.userId, hwid=request.hwid),
            device_type=request.device_type,
            push_token=request.push_token,
            language=request.language,
            time_zone=zone if isinstance(zone, str) else "",
            time_zone_offset=zone if isinstance(zone, int) else None,
            attributes={operation.tag: operation.value for operation in operations},
        )
    )


def _register_email(request: RegisterEmailRequest) -> Decoded:
    operations, problems = tag_operations(request.tags, only_set=True)
    if problems:
        return Decoded(problems=tuple(problems))
    return Decoded(
        RegisterEmail(
            application_code=request.application,
            email=request.email,
            user_id=request.userId,
            language=request.language,
            time_zone_offset=request.timezone,
            attributes={operation.tag: operation.value for operation in operations},
        )
    )


def _set_tags(request: SetTagsRequest) -> Decoded:
    operations, problems = tag_operations(request.tags, only_set=False)
    if problems:
        return Decoded(problems=tuple(problems))
    subject = Subject(user_id=request.userId, hwid=request.hwid)
    return Decoded(SetAttributes(application_code=request.application, subject=subject, operations=tuple(operations)))


def _post_event(request: PostEventRequest) -> Decoded:
    seconds = request.timestampUTC
    if seconds is not None and not 0 <= seconds <= EPOCH_SECONDS_MAX:
        text = f"must be between 0 and {EPOCH_SECONDS_MAX}"
        return Decoded(problems=(Problem("field.range", "timestampUTC", text),))
    return Decoded(
        PostEvent(
            application_code=request.application,
            subject=Subject(user_id=request.userId, hwid=request.hwid),
            name=request.event,
            attributes=request.attributes,
            occurred_at=None if seconds is None else datetime.fromtimestamp(seconds, UTC),
        )
    )


def tag_operations(tags: Mapping[str, Any], *, only_set: bool) -> tuple[list[AttributeOperation], list[Problem]]:
    """Read tags: a plain value sets, null unsets, `{"operation": 0..3, "value": …}` says what it does."""
    operations: list[AttributeOperation] = []
    problems: list[Problem] = []
    allowed = range(1 if only_set else len(OPERATIONS))
    for tag, value in tags.items():
        match value:
            case None:
                operations.append(AttributeOperation("set" if only_set else "unset", tag))
            case {"operation": int(number), "value": change, **rest} if not rest and number in allowed:
                op = "unset" if change is None and number == 0 and not only_set else OPERATIONS[number]
                operations.append(AttributeOperation(op, tag, change))
            case dict():
                choices = "0" if only_set else "0 (set), 1 (append), 2 (remove), 3 (increment)"
                text = f'must be a value, or {{"operation": …, "value": …}} with the operation {choices}'
                problems.append(Problem("tag.operation", member("tags", tag), text))
            case _:
                operations.append(AttributeOperation("set", tag, value))
    return operations, problems[:PROBLEMS_MAX]


# Replies ----------------------------------------------------------------------------------------------------


def encode(reply: object) -> object:
    """Write a reply as the `response` of an answer."""
    match reply:
        case Segment():
            return _filter(reply)
        case SegmentList():
            return {"filters": [_filter(segment) for segment in reply.items]}
        case _:
            return None


def _filter(segment: Segment) -> dict[str, object]:
    return {
        "code": segment.code,
        "name": segment.title,
        "conditions": segment.source,
        "application": segment.application_code,
        "created_at": segment.created_at,
    }


_PLACES: Mapping[str, str] = {
    "subject/user_id": "userId",
    "subject/hwid": "hwid",
    "subject": "hwid",
    "user_id": "userId",
    "application_code": "application",
    "time_zone": "timezone",
    "time_zone_offset": "timezone",
    "name": "event",
    "source": "conditions",
    "title": "name",
}


def problem_place(command: Command, where: str) -> str:
    """Say where a problem of a command is in the words of its request."""
    if where in _PLACES:
        return _PLACES[where]
    head, _, rest = where.partition("/")
    path = head if isinstance(command, PostEvent) else {"attributes": "tags", "operations": "tags"}.get(head, head)
    name, _, index = rest.rpartition("/")
    if name and is_index(index) and rest not in _names(command):
        return item(member(path, name), int(index))
    return member(path, rest) if rest else path


def _names(command: Command) -> Container[str]:
    """Return the names of the attributes that a command is about; a name may hold a slash."""
    match command:
        case SetAttributes():
            return {operation.tag for operation in command.operations}
        case PostEvent() | RegisterDevice() | RegisterEmail():
            return command.attributes.keys()
        case _:
            return ()
