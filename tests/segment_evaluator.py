"""The meaning of segments, one person at a time: slow, obvious, and what the SQL is measured against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sojourn.compiler.segments import SegmentScope
from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    Comparison,
    DaysAgo,
    Expression,
    Not,
    Reference,
    Span,
    moment,
)

OPPOSITES = {"NOTEQ": "EQ", "NOTIN": "IN", "NOTSET": "SET"}


@dataclass
class Device:
    app_id: int
    platform: str
    push_token: str | None = None


@dataclass
class Person:
    attributes: Mapping[str, Any] = field(default_factory=dict)
    app_ids: list[int] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)


def evaluate(expression: Expression, person: Person, now: datetime, scope: SegmentScope) -> bool:
    """Tell whether a person is in a segment that has no problems."""
    match expression:
        case All(of=parts):
            return all(evaluate(part, person, now, scope) for part in parts)
        case AnyOf(of=parts):
            return any(evaluate(part, person, now, scope) for part in parts)
        case Not(of=part):
            return not evaluate(part, person, now, scope)
        case Reference(code=code):
            return evaluate(scope.segments[code], person, now, scope)
        case Application(app=app, platforms=(), with_tokens=False):
            return scope.app_ids[app] in person.app_ids
        case Application():
            return any(is_meant(device, expression, scope) for device in person.devices)
        case Attribute(app=app):
            is_member = app is None or scope.app_ids[app] in person.app_ids
            return is_member and meets(stored(person.attributes, expression.path), expression, now)
        case _:
            raise AssertionError(f"no meaning yet: {expression}")


def is_meant(device: Device, wanted: Application, scope: SegmentScope) -> bool:
    platforms = {platform.lower() for platform in wanted.platforms}
    return (
        device.app_id == scope.app_ids[wanted.app]
        and (not platforms or device.platform.lower() in platforms)
        and (not wanted.with_tokens or device.push_token is not None)
    )


def stored(attributes: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        attributes = attributes.get(name) if isinstance(attributes, dict) else None
    return attributes


def meets(value: Any, wanted: Comparison, now: datetime) -> bool:
    if wanted.operator in OPPOSITES:
        opposite = Comparison(operator=OPPOSITES[wanted.operator], values=wanted.values, fold_case=wanted.fold_case)
        return not meets(value, opposite, now)
    if wanted.operator == "SET":
        return value is not None
    elements = value if isinstance(value, list) else [value]
    return any(element_meets(element, wanted, now) for element in elements)


def element_meets(value: Any, wanted: Comparison, now: datetime) -> bool:
    given = wanted.values
    match wanted.operator:
        case "EQ" | "IN":
            return any(is_same(value, each, wanted, now) for each in given)
        case "GT":
            return order(value, given[0], now) == 1
        case "GTE":
            return order(value, given[0], now) in (0, 1)
        case "LT":
            return order(value, given[0], now) == -1
        case "LTE":
            return order(value, given[0], now) in (-1, 0)
        case "BETWEEN":
            return order(value, given[0], now) in (0, 1) and order(value, given[1], now) in (-1, 0)
        case _:
            return isinstance(value, str) and any(text_meets(value, each, wanted) for each in given)


def text_meets(value: str, given: Any, wanted: Comparison) -> bool:
    value, given = fold(value, wanted), fold(given, wanted)
    match wanted.operator:
        case "CONTAINS":
            return given in value
        case "STARTS_WITH":
            return value.startswith(given)
        case "ENDS_WITH":
            return value.endswith(given)
        case _:
            raise AssertionError(wanted.operator)


def fold(text: str, wanted: Comparison) -> str:
    return text.lower() if wanted.fold_case else text


def is_same(value: Any, given: Any, wanted: Comparison, now: datetime) -> bool:
    if isinstance(given, bool):
        return value is given
    if isinstance(given, str) and moment(given) is None:
        return isinstance(value, str) and fold(value, wanted) == fold(given, wanted)
    return order(value, given, now) == 0


def order(value: Any, given: Any, now: datetime) -> int | None:
    """Say where a stored value lies: before what is given, in it, after it; None where they cannot be compared."""
    if is_number(value) and is_number(given):
        return (value > given) - (value < given)
    instant, span = instant_of(value), span_of(given, now)
    if instant is None or span is None:
        return None
    return (instant >= span.end) - (instant < span.start)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def instant_of(value: Any) -> datetime | None:
    found = moment(value) if isinstance(value, str | int | float) else None
    return found.start if isinstance(found, Span) else None


def span_of(given: Any, now: datetime) -> Span | None:
    match moment(given):
        case DaysAgo(days):
            day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
            return Span(day, day + timedelta(days=1))
        case other:
            return other
