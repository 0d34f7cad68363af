"""People: what is known about them, and the devices and addresses that reach them."""

from collections.abc import Iterator, Mapping
from typing import Any

from sojourn.model.identities import EMAIL, Identity, anonymous_identity, device_identity, user_identity
from sojourn.model.problems import Problem, part
from sojourn.model.zones import zone_of_offset
from sojourn.service.commands import (
    Alias,
    AttributeOperation,
    Caller,
    Done,
    RegisterDevice,
    RegisterEmail,
    RegisterUser,
    SetAttributes,
)
from sojourn.service.events import subject_identities
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.resources import Resources
from sojourn.service.values import (
    attribute_problems,
    count_problems,
    id_problems,
    name_problems,
    refuse,
    subject_problems,
    text_problems,
    value_problems,
)

DEVICE_TYPES: dict[int, tuple[str, str]] = {
    1: ("iOS", "push"),
    3: ("Android", "push"),
    7: ("macOS", "push"),
    8: ("Windows", "push"),
    9: ("Amazon", "push"),
    10: ("Safari", "push"),
    11: ("Chrome", "push"),
    12: ("Firefox", "push"),
    14: ("Email", "email"),
    17: ("Huawei", "push"),
    18: ("SMS", "sms"),
    21: ("WhatsApp", "whatsapp"),
}
"""Platform and channel by the numbers of the data-in methods."""

LANGUAGE_MAX = 35
OFFSET_MAX = 14 * 3600
PUSH_TOKEN_MAX = 4096


async def alias(resources: Resources, caller: Caller, command: Alias) -> Done:
    """Say that two ids mean one person. Durable on return."""
    await resources.acceptance.submit(await alias_notice(resources, caller, command))
    return Done()


async def register_device(resources: Resources, caller: Caller, command: RegisterDevice) -> Done:
    """Make a device known. Durable on return."""
    await resources.acceptance.submit(await device_notice(resources, caller, command))
    return Done()


async def register_email(resources: Resources, caller: Caller, command: RegisterEmail) -> Done:
    """Make an email address known. Durable on return."""
    await resources.acceptance.submit(await email_notice(resources, caller, command))
    return Done()


async def register_user(resources: Resources, caller: Caller, command: RegisterUser) -> Done:
    """Say whose a device is. Durable on return."""
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    zone, zone_problems = _zone("", command.time_zone_offset, await resources.facts.zones())
    refuse(_user_problems(command, zone_problems))
    identities = subject_identities(caller.workspace_id, command.subject)
    words = (Word(kind="attributes", data=json_text(_person_data({}, "", zone))),)
    await resources.acceptance.submit(
        Notice(workspace_id=caller.workspace_id, app_id=app_id, identities=identities, words=words)
    )
    return Done()


async def set_attributes(resources: Resources, caller: Caller, command: SetAttributes) -> Done:
    """Change attributes. Durable on return."""
    await resources.acceptance.submit(await attributes_notice(resources, caller, command))
    return Done()


async def alias_notice(resources: Resources, caller: Caller, command: Alias) -> Notice:
    """Check that two ids may mean one person and put it in the form in which it is accepted.

    The previous id is taken for a user id and for that of a visitor: nothing tells which of the two it was, or will be.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        InvalidDocument: With all problems.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_alias_problems(command))
    return Notice(
        workspace_id=caller.workspace_id,
        app_id=app_id,
        identities=(
            user_identity(caller.workspace_id, command.user_id),
            user_identity(caller.workspace_id, command.previous_id),
            anonymous_identity(caller.workspace_id, command.previous_id),
        ),
        words=(Word(kind="attributes", data=json_text({"operations": []})),),
        joins_users=True,
    )


async def attributes_notice(resources: Resources, caller: Caller, command: SetAttributes) -> Notice:
    """Check a change of attributes and put it in the form in which it is accepted.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        InvalidDocument: With all problems.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    refuse(_operation_problems(command))
    identities = subject_identities(caller.workspace_id, command.subject)
    words = (Word(kind="attributes", data=json_text({"operations": command.operations})),)
    return Notice(workspace_id=caller.workspace_id, app_id=app_id, identities=identities, words=words)


async def device_notice(resources: Resources, caller: Caller, command: RegisterDevice) -> Notice:
    """Check the registration of a device and put it in the form in which it is accepted.

    Raises:
        AppNotFound: The app is not in the caller's workspace.
        InvalidDocument: With all problems.
    """
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    zone, zone_problems = _zone(command.time_zone, command.time_zone_offset, await resources.facts.zones())
    refuse(_device_problems(command, zone_problems))
    platform, channel = DEVICE_TYPES[command.device_type]
    identities = subject_identities(caller.workspace_id, command.subject)
    device = {
        "hwid": identities[-1].value,
        "channel": channel,
        "platform": platform,
        "push_token": command.push_token or None,
        "language": command.language or None,
        "time_zone": zone,
        "details": command.details or None,
    }
    person = _person_data(command.attributes, command.language, zone)
    return _registration(caller, app_id, identities, person, device)


async def email_notice(resources: Resources, caller: Caller, command: RegisterEmail) -> Notice:
    """Check the registration of an address and put it in the form in which it is accepted. Raises as for a device."""
    app_id = await resources.facts.app_id(caller.workspace_id, command.application_code)
    zone, zone_problems = _zone("", command.time_zone_offset, await resources.facts.zones())
    refuse(_email_problems(command, zone_problems))
    address = device_identity(caller.workspace_id, command.email)
    user = (user_identity(caller.workspace_id, command.user_id),) if command.user_id else ()
    device = {
        "hwid": address.value,
        "channel": "email",
        "platform": "Email",
        "language": command.language or None,
        "time_zone": zone,
    }
    person = _person_data(command.attributes, command.language, zone)
    return _registration(caller, app_id, (*user, address), person, device)


def _registration(
    caller: Caller, app_id: int, identities: tuple[Identity, ...], person: Mapping[str, Any], device: Mapping[str, Any]
) -> Notice:
    words = (
        Word(kind="attributes", data=json_text(person)),
        Word(kind="device", data=json_text(_without_none(device))),
    )
    return Notice(workspace_id=caller.workspace_id, app_id=app_id, identities=identities, words=words)


def _person_data(attributes: Mapping[str, Any], language: str, zone: str | None) -> dict[str, Any]:
    operations = [
        AttributeOperation("unset" if value is None else "set", name, value) for name, value in attributes.items()
    ]
    return _without_none({"operations": operations, "language": language or None, "time_zone": zone})


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _zone(name: str, offset: int | None, known: frozenset[str]) -> tuple[str | None, list[Problem]]:
    """Choose the zone that a name or an offset in seconds stands for; the name goes first."""
    if name:
        text = "a time zone is an IANA name, such as `Europe/Berlin`"
        return name, [] if name in known else [Problem("time_zone.unknown", "time_zone", text)]
    if offset is None:
        return None, []
    if abs(offset) > OFFSET_MAX:
        text = f"an offset is {-OFFSET_MAX} to {OFFSET_MAX} seconds"
        return None, [Problem("time_zone.range", "time_zone_offset", text)]
    return zone_of_offset(offset), []


def _device_problems(command: RegisterDevice, zone_problems: list[Problem]) -> Iterator[Problem]:
    yield from subject_problems(command.subject)
    if command.subject.user_id and not command.subject.hwid:
        yield Problem("subject.missing", "subject/hwid", "a hwid is required")
    if command.device_type not in DEVICE_TYPES:
        choices = ", ".join(str(number) for number in DEVICE_TYPES)
        yield Problem("device_type.unknown", "device_type", f"a device type is one of {choices}")
    if len(command.push_token) > PUSH_TOKEN_MAX:
        yield Problem("value.too_long", "push_token", f"a push token has at most {PUSH_TOKEN_MAX} characters")
    yield from text_problems(command.push_token, "push_token")
    yield from _language_problems(command.language)
    yield from zone_problems
    yield from attribute_problems(command.attributes, "attributes")
    yield from attribute_problems(command.details, "details")


def _email_problems(command: RegisterEmail, zone_problems: list[Problem]) -> Iterator[Problem]:
    if not EMAIL.fullmatch(command.email):
        yield Problem("email.form", "email", "an email address has the form `name@example.com`")
    yield from id_problems(command.email, "email")
    yield from id_problems(command.user_id, "user_id")
    yield from _language_problems(command.language)
    yield from zone_problems
    yield from attribute_problems(command.attributes, "attributes")


def _alias_problems(command: Alias) -> Iterator[Problem]:
    for name in ("previous_id", "user_id"):
        if not getattr(command, name):
            yield Problem("subject.missing", name, "an id is required")
        yield from id_problems(getattr(command, name), name)
    if command.previous_id == command.user_id:
        yield Problem("alias.same", "previous_id", "the previous id is another one than the user id")


def _user_problems(command: RegisterUser, zone_problems: list[Problem]) -> Iterator[Problem]:
    if not command.subject.user_id or not command.subject.hwid:
        yield Problem("subject.missing", "subject", "a user id and a hwid are required")
    yield from id_problems(command.subject.user_id, "subject/user_id")
    yield from id_problems(command.subject.hwid, "subject/hwid")
    yield from zone_problems


def _operation_problems(command: SetAttributes) -> Iterator[Problem]:
    yield from subject_problems(command.subject)
    yield from count_problems(command.operations, "operations")
    for operation in command.operations:
        where = f"operations/{part(operation.tag[:100])}"
        yield from name_problems(operation.tag, where)
        yield from value_problems(operation.value, where)
        if operation.op == "increment" and (
            isinstance(operation.value, bool) or not isinstance(operation.value, int | float)
        ):
            yield Problem("value.type", where, "an increment is a number")


def _language_problems(language: str) -> Iterator[Problem]:
    if len(language) > LANGUAGE_MAX:
        yield Problem("language.length", "language", f"a language tag has at most {LANGUAGE_MAX} characters")
    yield from text_problems(language, "language")
