"""The meaning of segments, one person at a time: slow, obvious, and what the SQL is measured against."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sojourn.compiler.segments import SegmentScope
from sojourn.model.patterns import safe_pattern
from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Comparison,
    DaysAgo,
    Event,
    Expression,
    Fact,
    Geo,
    Not,
    Reference,
    Span,
    Static,
    Updated,
    moment,
    version,
)

OPPOSITES = {"NOTEQ": "EQ", "NOTIN": "IN", "NOTSET": "SET"}


@dataclass
class Device:
    app_id: int
    platform: str
    push_token: str | None = None
    channel: str = "push"
    hwid: str = ""
    is_subscribed: bool = True
    language: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Happening:
    """An event of a person. It was received when it happened, unless said otherwise; never before."""

    name: str
    occurred_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    app_id: int | None = None
    received_at: datetime | None = None


LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Person:
    attributes: Mapping[str, Any] = field(default_factory=dict)
    app_ids: list[int] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    events: list[Happening] = field(default_factory=list)
    lists: list[int] = field(default_factory=list)
    user_id: str | None = None
    language: str | None = None
    time_zone: str | None = None
    location: Mapping[str, Any] | None = None
    created_at: datetime = LONG_AGO
    updated_at: datetime = LONG_AGO


def evaluate(expression: Expression, person: Person, now: datetime, scope: SegmentScope) -> bool:  # noqa: C901 - one case per kind
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
        case Static(code=code):
            return scope.lists[code] in person.lists
        case Event():
            return has_done(person, expression, now, scope)
        case BestTime():
            hour = favourite_hour(person, now)
            return hour is not None and lies_in(hour, expression.from_hour, expression.to_hour)
        case Fact():
            return fact_meets(person, expression, now)
        case Geo():
            away = distance_km(person.location, expression.latitude, expression.longitude)
            return away is not None and away <= expression.radius_km
        case Updated():
            return time_meets(person.updated_at, expression, now)


def has_done(person: Person, wanted: Event, now: datetime, scope: SegmentScope) -> bool:
    counting = [event for event in person.events if counts(event, wanted, now, scope)]
    times = [event.occurred_at for event in counting]
    checks = [
        wanted.count is None or number_meets(len(counting), wanted.count),
        wanted.sum is None or number_meets(total(counting, wanted.sum.path), wanted.sum),
        wanted.first is None or time_meets(min(times, default=None), wanted.first, now),
        wanted.last is None or time_meets(max(times, default=None), wanted.last, now),
    ]
    is_plain = wanted.count is wanted.sum is wanted.first is wanted.last is None
    return bool(counting) if is_plain else all(checks)


def counts(event: Happening, wanted: Event, now: datetime, scope: SegmentScope) -> bool:
    return (
        event.name == wanted.name
        and (wanted.app is None or event.app_id == scope.app_ids[wanted.app])
        and (wanted.days is None or event.occurred_at > now - timedelta(days=wanted.days))
        and (wanted.when is None or time_meets(event.occurred_at, wanted.when, now))
        and all(meets(stored(event.data, each.path), each, now) for each in wanted.where)
    )


def total(events: list[Happening], path: tuple[str, ...]) -> Decimal:
    values = [stored(event.data, path) for event in events]
    return sum((Decimal(repr(value)) for value in values if is_number(value)), Decimal(0))


def number_meets(value: Any, wanted: Comparison) -> bool:
    given = [Decimal(repr(each)) for each in wanted.values]
    match wanted.operator:
        case "EQ" | "IN":
            return value in given
        case "NOTEQ" | "NOTIN":
            return value not in given
        case "GT":
            return value > given[0]
        case "GTE":
            return value >= given[0]
        case "LT":
            return value < given[0]
        case "LTE":
            return value <= given[0]
        case "BETWEEN":
            return given[0] <= value <= given[1]
        case other:
            raise AssertionError(other)


def time_meets(value: datetime | None, wanted: Comparison, now: datetime) -> bool:
    """Times are compared as stored dates are: exactly as long as they are written with microseconds."""
    return meets(None if value is None else value.isoformat(), wanted, now)


def favourite_hour(person: Person, now: datetime) -> int | None:
    zone = ZoneInfo(person.time_zone or "UTC")
    since = now - timedelta(days=90)
    hours = Counter(
        event.occurred_at.astimezone(zone).hour
        for event in person.events
        if event.name == "message_opened" and event.occurred_at > since
    )
    return min(hours, key=lambda hour: (-hours[hour], hour), default=None)


def lies_in(hour: int, from_hour: int, to_hour: int) -> bool:
    return from_hour <= hour < to_hour if from_hour < to_hour else hour >= from_hour or hour < to_hour


TYPES = {
    "amazon": "mobile", "android": "mobile", "huawei": "mobile", "ios": "mobile", "chrome": "desktop",
    "firefox": "desktop", "macos": "desktop", "safari": "desktop", "windows": "desktop",
}  # fmt: skip
SYSTEMS = ("android", "ios", "macos", "windows")
BROWSERS = ("chrome", "firefox", "safari")


def fact_meets(person: Person, wanted: Fact, now: datetime) -> bool:
    match wanted.path:
        case ("created_at" | "updated_at",):
            return time_meets(getattr(person, wanted.path[0]), wanted, now)
        case ("language" | "time_zone" | "user_id",):
            return meets(getattr(person, wanted.path[0]), wanted, now)
        case ("role",):
            return meets(person.attributes.get("role"), wanted, now)
        case ("location", name):
            return meets(stored(person.location, (name,)), wanted, now)
        case _:
            values = [value for device in person.devices for value in device_values(device, wanted.path)]
            return any_meets(values, wanted, now)


def any_meets(values: list[Any], wanted: Comparison, now: datetime) -> bool:
    """One value has to meet an operator; of a negated one, none may meet its opposite."""
    if wanted.operator in OPPOSITES:
        opposite = Comparison(operator=OPPOSITES[wanted.operator], values=wanted.values, fold_case=wanted.fold_case)
        return not any_meets(values, opposite, now)
    return any(meets(value, wanted, now) for value in values)


def device_values(device: Device, path: tuple[str, ...]) -> list[Any]:
    platform = device.platform.lower()
    match path:
        case ("channel",):
            return [device.channel] if device.is_subscribed and (device.channel != "push" or device.push_token) else []
        case ("email",):
            return [device.hwid] if device.channel == "email" else []
        case ("phone",):
            return [device.hwid] if device.channel in ("sms", "whatsapp") else []
        case ("platform",) | ("device", "platform"):
            return [device.platform]
        case ("device", "channel"):
            return [device.channel]
        case ("device", "language"):
            return [device.language]
        case ("device", name):
            said = device.details.get(name)
            implied = {
                "type": TYPES.get(platform),
                "os": device.platform if platform in SYSTEMS else None,
                "browser": device.platform if platform in BROWSERS else None,
            }
            return [implied.get(name) if said is None else said]
        case _:
            raise AssertionError(path)


def distance_km(location: Mapping[str, Any] | None, latitude: float, longitude: float) -> float | None:
    there = stored(location, ("latitude",)), stored(location, ("longitude",))
    if not all(is_number(each) for each in there) or not (abs(there[0]) <= 90 and abs(there[1]) <= 180):
        return None
    one, other = math.radians(there[0]), math.radians(latitude)
    half = math.sin((one - other) / 2) ** 2
    half += math.cos(one) * math.cos(other) * math.sin(math.radians(there[1] - longitude) / 2) ** 2
    return 2 * 6371.0088 * math.asin(min(1, math.sqrt(half)))


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
        case "REGEX":
            return isinstance(value, str) and pattern_found(str(given[0]), value, wanted)
        case _:
            return isinstance(value, str) and any(text_meets(value, each, wanted) for each in given)


def pattern_found(pattern: str, value: str, wanted: Comparison) -> bool:
    at_the_very_end = re.sub(
        r"\\.|\$", lambda found: found[0] if found[0] != "$" else r"\Z", safe_pattern(pattern), flags=re.DOTALL
    )
    return re.search(at_the_very_end, value, re.DOTALL | (re.IGNORECASE if wanted.fold_case else 0)) is not None


def text_meets(value: str, given: Any, wanted: Comparison) -> bool:
    value, given = fold(value, wanted), fold(given, wanted)
    match wanted.operator:
        case "CONTAINS":
            return given in value
        case "STARTS_WITH":
            return value.startswith(given)
        case "ENDS_WITH":
            return value.endswith(given)
        case "REGEX":
            raise AssertionError("a pattern is not folded as text is")
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
    if version(given) is not None:
        numbers = stored_version(value)
        return None if numbers is None else (numbers > version(given)) - (numbers < version(given))
    instant, span = instant_of(value), span_of(given, now)
    if instant is None or span is None:
        return None
    return (instant >= span.end) - (instant < span.start)


def stored_version(value: Any) -> tuple[int, ...] | None:
    """A stored version may have one number only."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value):
        return (int(value),)
    return version(value) if isinstance(value, str) else None


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
