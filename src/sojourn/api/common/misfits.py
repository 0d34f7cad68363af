"""What keeps plain values from being a model type: every reason at once, with the path of the request.

msgspec decodes the same types, but stops at the first mistake. The types' own constraints are the only source of the
rules; here is only their wording.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from itertools import islice
from typing import TypeVar, cast
from uuid import UUID

import msgspec
from msgspec import inspect

from sojourn.api.common.paths import item, member
from sojourn.model.problems import Problem

_FORMS = {
    r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$": "a time of day such as 22:00",
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": "a uuid in lower case",
}
"""Pattern of the model to its words."""

_NAMES: Mapping[type, str] = {
    inspect.BoolType: "true or false",
    inspect.DateTimeType: "an instant",
    inspect.DictType: "an object",
    inspect.FloatType: "a number",
    inspect.IntType: "a whole number",
    inspect.ListType: "a list",
    inspect.StrType: "a string",
    inspect.StructType: "an object",
    inspect.UUIDType: "a uuid",
    inspect.VarTupleType: "a list",
}

PROBLEMS_MAX = 200
"""Enough for anybody to begin with; keeps the answer to a hostile request small."""

Kind = inspect.Type

StructT = TypeVar("StructT", bound=msgspec.Struct)


def misfits(value: Mapping[str, object], struct: type, path: str, given: frozenset[str] = frozenset()) -> list[Problem]:
    """Return why `value` is not a `struct`. Fields in `given` are filled in elsewhere."""
    kind = _kind(struct)
    if not isinstance(kind, inspect.StructType):
        raise AssertionError(f"{struct} is not a Struct")  # noqa: TRY004 - a bug, not an input
    return list(islice(_struct(kind, value, path, given), PROBLEMS_MAX))


def readable(value: object, instead: StructT) -> StructT:
    """Return a struct of those members of `value` that are what they should be; `misfits` says what the others are.

    For these, and for what is missing, stand those of `instead`, which also says what struct it is.
    """
    try:
        return msgspec.convert(value, type(instead))
    except msgspec.ValidationError:
        given = cast("dict[str, object]", value if isinstance(value, dict) else {})
    read: dict[str, object] = {}
    for field in msgspec.structs.fields(instead):
        if field.encode_name in given:
            with suppress(msgspec.ValidationError):
                read[field.name] = msgspec.convert(given[field.encode_name], field.type)
    return msgspec.structs.replace(instead, **read)


@cache
def _kind(of: type) -> Kind:
    return inspect.type_info(of)


def _struct(
    kind: inspect.StructType, value: Mapping[str, object], path: str, given: frozenset[str]
) -> Iterator[Problem]:
    fields = {field.encode_name: field for field in kind.fields}
    for name in value:
        if name not in fields:
            yield Problem("field.unknown", member(path, name), "unknown field")
    for name, field in fields.items():
        if name in given:
            continue
        if name in value:
            yield from _any(field.type, value[name], member(path, name))
        elif field.required:
            yield Problem("field.required", member(path, name), "is required")


def _bare(kind: Kind) -> Kind:
    """Return a kind without what documents say of it."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _any(kind: Kind, value: object, path: str) -> Iterator[Problem]:
    kind = _bare(kind)
    match kind, value:
        case inspect.UnionType(), _:
            yield from _union(kind, value, path)
        case inspect.StructType(), dict():
            yield from _struct(kind, cast("dict[str, object]", value), path, frozenset())
        case ((inspect.VarTupleType() | inspect.ListType()), (list() | tuple())):
            yield from _sequence(kind, cast("Sequence[object]", value), path)
        case inspect.DictType(), dict():
            yield from _dict(kind, cast("dict[str, object]", value), path)
        case ((inspect.IntType() | inspect.FloatType()), (int() | float())) if not isinstance(value, bool):
            yield from _number(kind, value, path)
        case inspect.StrType(), str():
            yield from _string(kind, value, path)
        case inspect.LiteralType(), _:
            if value not in kind.values:
                yield Problem("field.type", path, f"must be one of {', '.join(map(str, kind.values))}")
        case _ if not _is_scalar(kind, value):
            yield Problem("field.type", path, f"must be {_NAMES[type(kind)]}")
        case _:
            pass


def _is_scalar(kind: Kind, value: object) -> bool:
    """Tell whether a value is of a kind that has no parts and no limits."""
    match kind, value:
        case (inspect.BoolType(), bool()) | (inspect.DateTimeType(), datetime()) | (inspect.AnyType(), _):
            return True
        case inspect.DateTimeType(), str():
            return _spells(value, datetime)
        case inspect.UUIDType(), str():
            return _spells(value, UUID)
        case _:
            return False


def _spells(value: str, type_: type) -> bool:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return False
    return True


def _union(kind: inspect.UnionType, value: object, path: str) -> Iterator[Problem]:
    """Check a value against an optional type, or against a union of scalars."""
    choices = [choice for choice in kind.types if not isinstance(choice, inspect.NoneType)]
    if value is None and len(choices) < len(kind.types):
        return
    if len(choices) == 1:
        yield from _any(choices[0], value, path)
    elif not _is_listed(value, choices):
        listed = " or a list of these" if any(isinstance(choice, inspect.ListType) for choice in choices) else ""
        yield Problem("field.type", path, f"must be a string, a number, true or false{listed}")


def _is_listed(value: object, choices: Sequence[Kind]) -> bool:
    if isinstance(value, list):
        lists = (choice for choice in choices if isinstance(choice, inspect.ListType))
        return any(all(not isinstance(each, list | dict | None) for each in cast("list[object]", value)) for _ in lists)
    return isinstance(value, str | int | float)


def _sequence(kind: inspect.VarTupleType | inspect.ListType, value: Sequence[object], path: str) -> Iterator[Problem]:
    yield from _length(kind.min_length, kind.max_length, len(value), path, "item")
    if _is_too_long(kind, value):
        return
    for index, element in enumerate(value):
        yield from _any(kind.item_type, element, item(path, index))


def _dict(kind: inspect.DictType, value: Mapping[str, object], path: str) -> Iterator[Problem]:
    yield from _length(kind.min_length, kind.max_length, len(value), path, "member")
    if _is_too_long(kind, value):
        return
    for key, element in value.items():
        yield from _any(kind.value_type, element, member(path, key))


def _is_too_long(
    kind: inspect.VarTupleType | inspect.ListType | inspect.DictType, value: Sequence[object] | Mapping[str, object]
) -> bool:
    return kind.max_length is not None and len(value) > kind.max_length


def _number(kind: inspect.IntType | inspect.FloatType, value: float, path: str) -> Iterator[Problem]:
    if isinstance(kind, inspect.IntType) and not isinstance(value, int):
        yield Problem("field.type", path, "must be a whole number")
        return
    low, high = kind.ge, kind.le
    if (low is None or value >= low) and (high is None or value <= high):
        return
    text = f"must be between {low} and {high}" if None not in {low, high} else f"must be at least {low}"
    yield Problem("field.range", path, text)


def _string(kind: inspect.StrType, value: str, path: str) -> Iterator[Problem]:
    yield from _length(kind.min_length, kind.max_length, len(value), path, "character")
    if kind.pattern is not None and not _has_form(value, kind.pattern):
        yield Problem("field.form", path, f"must be {_FORMS.get(kind.pattern, f'of the form {kind.pattern}')}")


def _has_form(value: str, pattern: str) -> bool:
    """Match as the model does, except that `$` does not overlook a final line break."""
    match = re.search(pattern, value)
    return match is not None and match.end() == len(value)


def _length(low: int | None, high: int | None, count: int, path: str, unit: str) -> Iterator[Problem]:
    if low is not None and count < low:
        text = "must not be empty" if low == 1 else f"must have at least {low} {unit}s"
        yield Problem("field.length", path, text)
    if high is not None and count > high:
        yield Problem("field.length", path, f"must have at most {high} {unit}s, not {count}")
