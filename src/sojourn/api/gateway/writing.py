"""Writing protobuf messages: as the JSON of the contract, and as plain values for the model.

The two differ in what they leave out. JSON shows every field whose value is known; plain values hold only what was
given, so that the model's own defaults apply to the rest.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.unknown_fields import UnknownFieldSet

from sojourn.api.common.paths import item, member
from sojourn.api.gateway.reading import EXACT, PARTS_MAX, TOO_MANY_PARTS, is_map, value_field
from sojourn.model.problems import Problem


def to_json(message: Message) -> object:
    """Return the JSON of a message, as the contract has it: snake_case, enum names, RFC 3339, numbers as numbers.

    Fields without presence are always there, even where empty; fields with presence only where they are set.
    """
    if isinstance(message, Timestamp):
        return message.ToJsonString()
    if isinstance(message, Value):
        return plain_value(message)
    fields = cast("list[FieldDescriptor]", message.DESCRIPTOR.fields)
    return {spelling(field): _converted(message, field, to_json) for field in fields if _is_shown(message, field)}


def to_plain(message: Message) -> Any:  # noqa: ANN401 - a dict for a message, a scalar for a Value
    """Return what was given in a message, with datetimes for timestamps; the fields keep their proto names."""
    if isinstance(message, Timestamp):
        return message.ToDatetime(tzinfo=UTC)
    if isinstance(message, Value):
        return plain_value(message)
    return {field.name: _converted(message, field, to_plain) for field, _ in message.ListFields()}


def plain_value(value: Value) -> object:
    """Return what a Value holds; a whole number as an int."""
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= EXACT else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [plain_value(element) for element in value.list_value.values]
        case _:
            return None


def spelling(field: FieldDescriptor) -> str:
    """Return the JSON name of a field: the declared one, or one that cannot be declared (`_metadata`)."""
    return field.name if field.json_name == _camel_case(field.name) else field.json_name


def _camel_case(name: str) -> str:
    return re.sub(r"_+(.)", lambda match: match[1].upper(), name)


def _is_shown(message: Message, field: FieldDescriptor) -> bool:
    if field.has_presence:
        return message.HasField(field.name)
    is_unspecified = field.enum_type is not None and not field.is_repeated and not getattr(message, field.name)
    return not is_unspecified


def _converted(message: Message, field: FieldDescriptor, convert: Callable[[Message], object]) -> object:
    value = getattr(message, field.name)
    if is_map(field):
        of = value_field(field)
        return {key: _one(of, value[key], convert) for key in sorted(cast("Mapping[str, Any]", value))}
    if field.is_repeated:
        return [_one(field, element, convert) for element in value]
    return _one(field, value, convert)


def _one(field: FieldDescriptor, value: Any, convert: Callable[[Message], object]) -> object:  # noqa: ANN401
    if field.message_type is not None:
        return convert(value)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    return value


def unreadable(message: Message) -> Iterator[Problem]:
    """Yield what a binary message can hold and JSON cannot: unknown fields, NaN, foreign enum numbers, bad instants.

    The JSON reader lets none of it in, so only gRPC needs to ask.
    """
    yield from _TooLarge().unless_small(message) or _unreadable(message, "")


class _TooLarge:
    """Counts the parts of a message, to look into none that has too many."""

    parts_left = PARTS_MAX

    def unless_small(self, message: Message) -> tuple[Problem, ...]:
        """Return the one problem of a message that is too large."""
        self._count(message)
        return () if self.parts_left >= 0 else (Problem("document.too_large", "", TOO_MANY_PARTS),)

    def _count(self, message: Message) -> None:
        for field, value in message.ListFields():
            self.parts_left -= len(value) if field.is_repeated else 1
            if self.parts_left < 0:
                return
            if is_map(field):
                parts = value.values() if value_field(field).message_type is not None else ()
            elif field.message_type is None:
                continue
            else:
                parts = value if field.is_repeated else (value,)
            for part in parts:
                self._count(part)


def _unreadable(message: Message, path: str) -> Iterator[Problem]:
    for unknown in UnknownFieldSet(message):
        yield Problem("field.unknown", member(path, f"#{unknown.field_number}"), "unknown field")
    if isinstance(message, Timestamp):
        yield from _bad_instant(message, path)
        return
    for field, value in message.ListFields():
        at = member(path, field.name)
        if is_map(field):
            of = value_field(field)
            for key, element in cast("Mapping[str, Any]", value).items():
                yield from _unreadable_text(key, at)
                yield from _unreadable_one(of, element, member(at, key))
        elif field.is_repeated:
            for index, element in enumerate(value):
                yield from _unreadable_one(field, element, item(at, index))
        else:
            yield from _unreadable_one(field, value, at)


def _unreadable_one(field: FieldDescriptor, value: Any, at: str) -> Iterator[Problem]:  # noqa: ANN401
    if isinstance(value, Value) and _is_nested(value):
        yield Problem("field.type", at, "must be a string, a number, true, false or a list of these")
    elif field.message_type is not None:
        yield from _unreadable(value, at)
    elif field.enum_type is not None and value not in field.enum_type.values_by_number:
        names = ", ".join(v.name for v in field.enum_type.values if v.number)
        yield Problem("field.type", at, f"must be one of {names}")
    elif isinstance(value, str):
        yield from _unreadable_text(value, at)
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem("field.type", at, "must be a number")


def _is_nested(value: Value) -> bool:
    nested = {"struct_value", "list_value"}
    inner = (element.WhichOneof("kind") for element in value.list_value.values)
    return value.WhichOneof("kind") == "struct_value" or any(kind in nested for kind in inner)


def _unreadable_text(text: str, at: str) -> Iterator[Problem]:
    if "\0" in text:
        yield Problem("field.type", at, "must not contain the character U+0000")


def _bad_instant(message: Timestamp, at: str) -> Iterator[Problem]:
    try:
        message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        yield Problem("field.type", at, "must be an instant between the years 1 and 9999")
