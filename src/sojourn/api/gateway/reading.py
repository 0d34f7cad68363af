"""Reading JSON into a protobuf message, driven by its descriptor.

The protobuf library's own reader stops at the first mistake and words it for programmers. This one goes on, collects
every mistake as a problem with its path, and fills in whatever is right.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp

from sojourn.api.common.paths import item, member
from sojourn.model.problems import Problem

MAX_DEPTH = 64
MAX_PROBLEMS = 200
"""Enough for anybody to begin with; keeps the answer to a hostile body small."""

PARTS_MAX = 200_000
"""Members of objects and items of lists in one document. Ten megabytes hold millions; reading those takes a minute."""

EXACT = 2**53
"""Whole numbers up to here survive the journey through a double, which is what protobuf keeps in a Value."""

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)")
_WHOLE_NUMBER = re.compile(r"-?\d{1,18}")

TOO_MANY_PARTS = f"a document has at most {PARTS_MAX} members and items in all"

Choices = Mapping[str, Sequence[str]]
"""Full name of an enum to the values on offer, for enums of which not every value is."""

INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
}


def from_query(descriptor: Descriptor, query: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Return query parameters as JSON for `fill`: numbers and booleans as what they are."""
    fields = fields_by_spelling(descriptor)
    return {name: _unquoted(fields[name], text) if name in fields else text for name, text in query}


def _unquoted(field: FieldDescriptor, text: str) -> str | int | bool:
    if field.type in INTEGERS and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if field.type == FieldDescriptor.TYPE_BOOL and text in {"true", "false"}:
        return text == "true"
    return text


def fill(message: Message, document: object, choices: Choices | None = None, path: str = "") -> list[Problem]:
    """Set the fields of `message` from JSON; return what is wrong with the rest of it."""
    reader = _Reader(choices or {})
    reader.message(message, document, path, 0)
    return reader.problems[:MAX_PROBLEMS]


@cache
def fields_by_spelling(descriptor: Descriptor) -> Mapping[str, FieldDescriptor]:
    """Return the fields of a message by each name that a request may use."""
    spellings = {field.json_name: field for field in descriptor.fields}
    return spellings | {field.name: field for field in descriptor.fields}


def is_map(field: FieldDescriptor) -> bool:
    """Tell whether a field is a map."""
    entry = field.message_type
    return entry is not None and entry.GetOptions().map_entry


def value_field(field: FieldDescriptor) -> FieldDescriptor:
    """Return the field that describes the values of a map."""
    entry = field.message_type
    if entry is None:
        raise AssertionError(f"{field.full_name} is not a map")
    return entry.fields_by_name["value"]


class _Reader:
    """One pass over one document."""

    def __init__(self, choices: Choices) -> None:
        self.problems: list[Problem] = []
        self._choices = choices
        self._parts_left = PARTS_MAX

    def _refuse(self, path: str, text: str, code: str = "field.type") -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(code, path, text))

    def _may_read(self, count: int, path: str) -> bool:
        """Tell whether so many parts more may be read, and refuse them otherwise."""
        self._parts_left -= count
        if self._parts_left >= 0:
            return True
        self._refuse(path, TOO_MANY_PARTS, "document.too_large")
        return False

    def message(self, message: Message, document: object, path: str, depth: int) -> None:
        """Fill a message from an object."""
        if isinstance(message, Timestamp):
            self._timestamp(message, document, path)
        elif isinstance(message, Value):
            self._value(message, document, path)
        elif not isinstance(document, dict):
            self._refuse(path, "must be an object")
        elif depth >= MAX_DEPTH:
            self._refuse(path, "too deeply nested")
        else:
            self._members(message, cast("dict[str, object]", document), path, depth)

    def _members(self, message: Message, document: dict[str, object], path: str, depth: int) -> None:
        if not self._may_read(len(document), path):
            return
        known = fields_by_spelling(message.DESCRIPTOR)
        seen: set[str] = set()
        for name, value in document.items():
            at = member(path, name)
            field = known.get(name)
            if field is None:
                self._refuse(at, "unknown field", "field.unknown")
            elif value is None and not _keeps_null(field):
                continue
            elif field.name in seen:
                self._refuse(at, "given twice, in two spellings")
            elif self._is_second_of_oneof(message, field):
                self._refuse(at, f"exactly one of the members of {path} may be given", "field.exclusive")
            else:
                seen.add(field.name)
                self._field(message, field, value, at, depth)

    @staticmethod
    def _is_second_of_oneof(message: Message, field: FieldDescriptor) -> bool:
        oneof = field.containing_oneof
        return oneof is not None and message.WhichOneof(oneof.name) is not None

    def _field(self, message: Message, field: FieldDescriptor, value: object, path: str, depth: int) -> None:
        if is_map(field):
            self._map(message, field, value, path, depth)
        elif field.is_repeated:
            self._list(message, field, value, path, depth)
        elif field.message_type is not None:
            part = cast("Message", getattr(message, field.name))
            part.SetInParent()
            self.message(part, value, path, depth + 1)
        else:
            scalar = self._scalar(field, value, path)
            if scalar is not None:
                setattr(message, field.name, scalar)

    def _list(self, message: Message, field: FieldDescriptor, value: object, path: str, depth: int) -> None:
        if not isinstance(value, list | tuple):
            self._refuse(path, "must be a list")
            return
        if not self._may_read(len(cast("Sequence[object]", value)), path):
            return
        into = getattr(message, field.name)
        for index, element in enumerate(cast("Sequence[object]", value)):
            if field.message_type is not None:
                self.message(into.add(), element, item(path, index), depth + 1)
            else:
                scalar = self._scalar(field, element, item(path, index))
                if scalar is not None:
                    into.append(scalar)

    def _map(self, message: Message, field: FieldDescriptor, value: object, path: str, depth: int) -> None:
        if not isinstance(value, dict):
            self._refuse(path, "must be an object")
            return
        if not self._may_read(len(cast("dict[str, object]", value)), path):
            return
        into = getattr(message, field.name)
        of = value_field(field)
        for key, element in cast("dict[str, object]", value).items():
            at = member(path, key)
            if "\0" in key:
                self._refuse(at, "must not contain the character U+0000")
            elif of.message_type is not None:
                self.message(into[key], element, at, depth + 1)
            else:
                scalar = self._scalar(of, element, at)
                if scalar is not None:
                    into[key] = scalar

    def _scalar(self, field: FieldDescriptor, value: object, path: str) -> str | int | float | bool | None:
        """Return the value as the field holds it, or None after a refusal."""
        match field.type:
            case FieldDescriptor.TYPE_STRING:
                return self._string(value, path)
            case FieldDescriptor.TYPE_BOOL:
                return self._boolean(value, path)
            case FieldDescriptor.TYPE_ENUM:
                return self._enum(cast("EnumDescriptor", field.enum_type), value, path)
            case FieldDescriptor.TYPE_DOUBLE:
                return self._double(value, path)
            case kind:
                return self._integer(value, path, *INTEGERS[kind])

    def _boolean(self, value: object, path: str) -> bool | None:
        if isinstance(value, bool):
            return value
        self._refuse(path, "must be true or false")
        return None

    def _string(self, value: object, path: str) -> str | None:
        if not isinstance(value, str):
            self._refuse(path, "must be a string")
            return None
        if "\0" in value:
            self._refuse(path, "must not contain the character U+0000")
            return None
        return value

    def _enum(self, enum: EnumDescriptor, value: object, path: str) -> int | None:
        offered = self._choices.get(enum.full_name) or [v.name for v in enum.values if v.number]
        known = enum.values_by_name.get(value) if isinstance(value, str) else None
        if known is not None and (known.number == 0 or known.name in offered):
            return known.number
        if known is not None:
            self._refuse(path, f"{known.name} is not available; available: {', '.join(offered)}", "field.unavailable")
        else:
            self._refuse(path, f"must be one of {', '.join(offered)}")
        return None

    def _double(self, value: object, path: str) -> float | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(path, "must be a number")
            return None
        try:
            return float(value)
        except OverflowError:
            self._refuse(path, "is too large a number")
            return None

    def _integer(self, value: object, path: str, low: int, high: int) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int | float) or int(value) != value:
            self._refuse(path, "must be a whole number")
            return None
        if not low <= value <= high:
            self._refuse(path, f"must be between {low} and {high}")
            return None
        return int(value)

    def _timestamp(self, message: Timestamp, value: object, path: str) -> None:
        instant = instant_of(value) if isinstance(value, str) else None
        if instant is None:
            self._refuse(path, "must be an instant such as 2026-05-01T09:00:00Z")
        else:
            message.FromDatetime(instant)

    def _value(self, message: Value, value: object, path: str) -> None:
        """Fill a Value; the contract has scalars and lists of scalars in these places."""
        match value:
            case None:
                message.null_value = 0  # pyright: ignore[reportAttributeAccessIssue]  # the enum's only number
            case bool():
                message.bool_value = value
            case str():
                message.string_value = self._string(value, path) or ""
            case int() if abs(value) > EXACT:
                self._refuse(path, f"whole numbers beyond {EXACT} cannot be kept exactly; a string can")
            case int() | float():
                message.number_value = self._double(value, path) or 0.0
            case list() if self._may_read(len(cast("list[object]", value)), path):
                message.list_value.SetInParent()
                for index, element in enumerate(cast("list[object]", value)):
                    self._list_element(message.list_value.values.add(), element, item(path, index))
            case list():
                pass
            case _:
                self._refuse(path, "must be a string, a number, true, false or a list of these")

    def _list_element(self, message: Value, value: object, path: str) -> None:
        if value is None or isinstance(value, list | dict):
            self._refuse(path, "must be a string, a number, true or false")
        else:
            self._value(message, value, path)


def _keeps_null(field: FieldDescriptor) -> bool:
    of = field.message_type
    return of is not None and not field.is_repeated and of.full_name == Value.DESCRIPTOR.full_name


def instant_of(text: str) -> datetime | None:
    """Return the instant that an RFC 3339 text names, in UTC, or None where it names none.

    >>> instant_of("2026-05-01T11:00:00.5+02:00")
    datetime.datetime(2026, 5, 1, 9, 0, 0, 500000, tzinfo=datetime.timezone.utc)
    >>> instant_of("2026-02-30T00:00:00Z")
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, offset = match.groups()
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
