"""Reading: what the methods of data-in have in common: tags, zones, instants, and what is wrong with them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from sojourn.api.common.misfits import PROBLEMS_MAX
from sojourn.api.common.paths import member
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    AttributeOperation,
    CreatePreset,
    CreateSegment,
    DefineEvent,
    DeleteDevice,
    DeletePerson,
    DeletePreset,
    DeleteSegment,
    GetAttributes,
    GetPreset,
    ListPresets,
    ListSegments,
    OpenApplication,
    PostEvent,
    RegisterDevice,
    RegisterEmail,
    RegisterUser,
    ReportMessage,
    SetAttributes,
    UnregisterDevice,
)

OPERATIONS = ("set", "append", "remove", "increment")
"""By their number on the wire."""

EPOCH_SECONDS_MAX = 253_402_300_799
"""The end of the year 9999."""

Command = (
    CreatePreset | CreateSegment | DefineEvent | DeleteDevice | DeletePerson | DeletePreset | DeleteSegment
    | GetAttributes | GetPreset | ListPresets | ListSegments | OpenApplication | PostEvent | RegisterDevice
    | RegisterEmail | RegisterUser | ReportMessage | SetAttributes | UnregisterDevice
)  # fmt: skip


class Decoded(Struct, frozen=True):
    """The command of a request, or None and what is wrong with the request."""

    command: Command | None = None
    problems: tuple[Problem, ...] = ()


def either(problems: list[Problem], command: Callable[[], Command]) -> Decoded:
    """Return the command, unless there are problems."""
    return Decoded(problems=tuple(problems)) if problems else Decoded(command())


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


def attributes_of(operations: list[AttributeOperation]) -> dict[str, Any]:
    """Return what operations that only set leave behind."""
    return {operation.tag: operation.value for operation in operations}


def application_problems(application: str) -> list[Problem]:
    """Check that an application is named; without one, a device would be deleted from all."""
    return [] if application else [Problem("field.length", "application", "must not be empty")]


def one_offset(timezone: int | None, tz_offset: int | None) -> tuple[int | None, list[Problem]]:
    """Return an offset that has two names on the wire."""
    if None not in {timezone, tz_offset} and timezone != tz_offset:
        return None, [Problem("field.conflict", "tz_offset", "differs from `timezone`")]
    return timezone if tz_offset is None else tz_offset, []


def instant(seconds: float | None, where: str) -> tuple[datetime | None, list[Problem]]:
    """Read seconds since 1970."""
    if seconds is None:
        return None, []
    if not 0 <= seconds <= EPOCH_SECONDS_MAX:
        return None, [Problem("field.range", where, f"must be between 0 and {EPOCH_SECONDS_MAX}")]
    return datetime.fromtimestamp(seconds, UTC), []
