"""Devices on the wire of data-in: their registration, what they open, and what they say about messages."""
# ruff: noqa: N815 - the fields have the contract's names

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sojourn.api.ingest.reading import Decoded, application_problems, attributes_of, either, tag_operations
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    DeleteDevice,
    OpenApplication,
    RegisterDevice,
    ReportMessage,
    Subject,
    UnregisterDevice,
)
from sojourn.service.values import text_problems

DETAIL_MAX = 255
"""Characters of what a device says of itself."""

DETAILS: Mapping[str, str] = {
    "app_version": "app_version",
    "device_model": "model",
    "device_name": "name",
    "os_version": "os_version",
    "sdk_version": "sdk_version",
}
"""What a device says of itself: the field, and under which name it is kept."""


class RegisterDeviceRequest(Struct, frozen=True, kw_only=True):
    """`registerDevice`. `timezone` is an offset in seconds, or an IANA name."""

    app_version: Any = None
    device_model: Any = None
    device_name: Any = None
    os_version: Any = None
    sdk_version: Any = None

    application: str
    hwid: str
    device_type: int
    push_token: str = ""
    language: str = ""
    timezone: Any = None
    userId: str = ""
    tags: dict[str, Any] = {}


class ApplicationOpenRequest(Struct, frozen=True, kw_only=True):
    """`applicationOpen`."""

    application: str
    hwid: str
    userId: str = ""


class MessageRequest(Struct, frozen=True, kw_only=True):
    """`pushStat` and `messageDeliveryEvent`. `hash` came with the message."""

    application: str
    hash: str
    hwid: str = ""
    userId: str = ""


class DeviceRequest(Struct, frozen=True, kw_only=True):
    """`unregisterDevice` and `deleteDevice`."""

    application: str
    hwid: str


def register_device(request: RegisterDeviceRequest) -> Decoded:
    """Read `registerDevice`."""
    zone = request.timezone
    operations, problems = tag_operations(request.tags, only_set=True)
    if zone is not None and (isinstance(zone, bool) or not isinstance(zone, int | str)):
        problems.append(Problem("field.type", "timezone", "must be a number of seconds or an IANA name"))
    return either(
        problems,
        lambda: RegisterDevice(
            application_code=request.application,
            subject=Subject(user_id=request.userId, hwid=request.hwid),
            device_type=request.device_type,
            push_token=request.push_token,
            language=request.language,
            time_zone=zone if isinstance(zone, str) else "",
            time_zone_offset=zone if isinstance(zone, int) else None,
            attributes=attributes_of(operations),
            details=_details(request),
        ),
    )


def _details(request: RegisterDeviceRequest) -> dict[str, str]:
    """Return what a device says of itself. Clients send it unasked, so what is no short text is passed over."""
    said = {name: getattr(request, field) for field, name in DETAILS.items()}
    texts = {name: str(value) if _is_number(value) else value for name, value in said.items()}
    return {name: text for name, text in texts.items() if isinstance(text, str) and _is_short(text)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_short(text: str) -> bool:
    return 0 < len(text) <= DETAIL_MAX and not any(text_problems(text, ""))


def unregister_device(request: DeviceRequest) -> Decoded:
    """Read `unregisterDevice`."""
    return Decoded(UnregisterDevice(application_code=request.application, hwid=request.hwid))


def delete_device(request: DeviceRequest) -> Decoded:
    """Read `deleteDevice`."""
    problems = application_problems(request.application)
    return either(problems, lambda: DeleteDevice(application_code=request.application, hwid=request.hwid))


def application_open(request: ApplicationOpenRequest) -> Decoded:
    """Read `applicationOpen`."""
    subject = Subject(user_id=request.userId, hwid=request.hwid)
    return Decoded(OpenApplication(application_code=request.application, subject=subject))


def push_stat(request: MessageRequest) -> Decoded:
    """Read `pushStat`."""
    return Decoded(ReportMessage(application_code=request.application, message_hash=request.hash, reaction="opened"))


def message_delivery_event(request: MessageRequest) -> Decoded:
    """Read `messageDeliveryEvent`."""
    return Decoded(ReportMessage(application_code=request.application, message_hash=request.hash, reaction="delivered"))
