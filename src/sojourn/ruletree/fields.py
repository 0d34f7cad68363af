"""Fields: what a rule speaks of, as the start of a condition, and how that is spelt."""

from typing import assert_never

from msgspec import Struct

from sojourn.model.points import Scalar
from sojourn.model.segments import Attribute, Comparison, Event, Fact, Operator

MAX_LEVELS = 10
MAX_NAME = 255
DEVICE_FIELDS = ("browser", "os", "type")
_FORMS = "`traits.<path>`, `userId`, `role`, `device.type|os|browser`, `location.<name>` or `events.<name>.count`"

_TRAITS, _DEVICE, _LOCATION, _EVENTS, _COUNT = "traits.", "device.", "location.", "events.", ".count"
_PREFIXES = (_TRAITS, _DEVICE, _LOCATION, _EVENTS)


class FieldRefused(ValueError):
    """The text names no field; the message is the rule."""


class Trait(Struct, frozen=True):
    """An attribute of the person."""

    path: tuple[str, ...]


class Known(Struct, frozen=True):
    """What is known of a person beside attributes."""

    path: tuple[str, ...]


class EventCount(Struct, frozen=True):
    """How often the person did something."""

    name: str


Valued = Trait | Known
Field = Valued | EventCount


def read_field(text: str) -> Field:
    """Return what a field names.

    >>> read_field("address.city"), read_field("userId"), read_field("events.order.paid.count")
    (Trait(path=('address', 'city')), Known(path=('user_id',)), EventCount(name='order.paid'))

    Raises:
        FieldRefused: There is no such field.
    """
    if text in ("userId", "role"):
        return Known(("user_id",) if text == "userId" else ("role",))
    prefix = next((prefix for prefix in _PREFIXES if text.startswith(prefix)), "")
    rest = text.removeprefix(prefix)
    if prefix == _EVENTS:
        return _event_count(rest)
    if prefix == _DEVICE:
        return Known(("device", _one_of_device(rest)))
    path = _path(rest)
    if prefix == _LOCATION:
        if len(path) > 1:
            raise FieldRefused(f"a field is {_FORMS}")
        return Known(("location", *path))
    return Trait(path)


def spell_field(field: Field) -> str:
    """Write a field. What cannot be written is read as something else, or not at all."""
    match field:
        case Trait(path):
            return _TRAITS + ".".join(path)
        case Known(("user_id",)):
            return "userId"
        case Known(path):
            return ".".join(path)
        case EventCount(name):
            return f"{_EVENTS}{name}{_COUNT}"
        case _:
            assert_never(field)


def condition(field: Valued, operator: Operator, *values: Scalar, fold_case: bool = True) -> Attribute | Fact:
    """Return a condition on a field."""
    kind = Attribute if isinstance(field, Trait) else Fact
    return kind(path=field.path, operator=operator, values=values, fold_case=fold_case)


def counted(field: EventCount, operator: Operator, *values: Scalar) -> Event:
    """Return a condition on how often something was done."""
    return Event(name=field.name, count=Comparison(operator=operator, values=values))


def field_of(node: Attribute | Fact) -> Valued:
    """Return the field of a condition."""
    return Trait(node.path) if isinstance(node, Attribute) else Known(node.path)


def _event_count(rest: str) -> EventCount:
    name = rest.removesuffix(_COUNT)
    if name == rest or not 1 <= len(name) <= MAX_NAME:
        raise FieldRefused(f"past events are `events.<name>.count`; a name has 1 to {MAX_NAME} characters")
    return EventCount(name)


def _one_of_device(name: str) -> str:
    if name not in DEVICE_FIELDS:
        raise FieldRefused(f"of a device there are {', '.join(DEVICE_FIELDS)}")
    return name


def _path(text: str) -> tuple[str, ...]:
    path = tuple(text.split(".", MAX_LEVELS))
    if len(path) > MAX_LEVELS or not all(1 <= len(name) <= MAX_NAME for name in path):
        raise FieldRefused(f"a path has 1 to {MAX_LEVELS} names of 1 to {MAX_NAME} characters, with dots between them")
    return path
