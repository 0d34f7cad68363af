"""Segments: which people are meant. The syntax tree that seglang text and rule trees become.

Types only. Text is read and written by `seglang`; SQL, and what each operator means, is decided in the compiler.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct

from sojourn.model.points import Name, Scalar

Operator = Literal[
    "EQ", "NOTEQ", "IN", "NOTIN", "GT", "GTE", "LT", "LTE", "BETWEEN",
    "CONTAINS", "STARTS_WITH", "ENDS_WITH", "REGEX", "SET", "NOTSET",
]  # fmt: skip

Path = Annotated[tuple[Name, ...], Meta(min_length=1, max_length=10)]
"""The name of an attribute; more than one name leads into nested objects."""


class Comparison(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value held against others. docs/segments.md has the table of meanings.

    Attributes:
        values: SET and NOTSET take none, GT, GTE, LT, LTE and REGEX one, BETWEEN two, the rest one or more. A string in
            the form of a date, or `N days ago`, stands for that time; see `moment`.
        fold_case: Whether upper and lower case are the same in text.
    """

    operator: Operator
    values: tuple[Scalar, ...] = ()
    fold_case: bool = True


class EventAttribute(Comparison, frozen=True, kw_only=True):
    """A condition on one attribute of an event."""

    path: Path


class All(Struct, frozen=True, kw_only=True, tag_field="kind", tag="all", forbid_unknown_fields=True):
    """Everybody who is in each of the parts; everybody at all, where there are no parts."""

    of: tuple["Expression", ...] = ()


class AnyOf(Struct, frozen=True, kw_only=True, tag_field="kind", tag="any", forbid_unknown_fields=True):
    """Everybody who is in at least one of the parts; nobody, where there are no parts."""

    of: tuple["Expression", ...] = ()


class Not(Struct, frozen=True, kw_only=True, tag_field="kind", tag="not", forbid_unknown_fields=True):
    """Everybody else."""

    of: "Expression"


class Application(Struct, frozen=True, kw_only=True, tag_field="kind", tag="application", forbid_unknown_fields=True):
    """Users of an app; with platforms or tokens, those with such a device in it.

    Attributes:
        platforms: At least one device is of one of these, whatever the case of the letters; empty means any.
        with_tokens: The device can be pushed to.
    """

    app: Name
    platforms: Annotated[tuple[Name, ...], Meta(max_length=50)] = ()
    with_tokens: bool = False


class Attribute(Comparison, frozen=True, kw_only=True, tag_field="kind", tag="attribute"):
    """A condition on an attribute ("tag", "trait") of the person.

    Attributes:
        app: Only users of this app.
    """

    path: Path
    app: Name | None = None


class Fact(Comparison, frozen=True, kw_only=True, tag_field="kind", tag="fact"):
    """A condition on what is known beside the attributes, such as `user_id`, or `device` and `location` with a path.

    docs/segments.md lists them.
    """

    path: Path


class EventSum(Comparison, frozen=True, kw_only=True):
    """A condition on the sum of an attribute over events. What is no number adds nothing; no events sum up to 0."""

    path: Path


class Event(Struct, frozen=True, kw_only=True, tag_field="kind", tag="event", forbid_unknown_fields=True):
    """People who did something: `name`, `app`, `days`, `when` and `where` say which of their events count.

    Without `count`, `sum`, `first` and `last`, one event is enough; with several of these, all have to be met.

    Attributes:
        count: How often; never is 0 times.
        days: Only during the last so many days of 24 hours.
        first: When for the first time.
        last: When for the last time.
        sum: What an attribute of the events adds up to.
        when: Only events whose time meets this.
        where: Only events that meet all of these.
    """

    name: Name
    app: Name | None = None
    count: Comparison | None = None
    days: Annotated[int, Meta(ge=1, le=3660)] | None = None
    first: Comparison | None = None
    last: Comparison | None = None
    sum: EventSum | None = None
    when: Comparison | None = None
    where: Annotated[tuple[EventAttribute, ...], Meta(max_length=20)] = ()


class Geo(Struct, frozen=True, kw_only=True, tag_field="kind", tag="geo", forbid_unknown_fields=True):
    """People last seen within a radius of a place, along the surface of the earth."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    radius_km: Annotated[float, Meta(ge=0, le=20_100)]


class Updated(Comparison, frozen=True, kw_only=True, tag_field="kind", tag="updated"):
    """A condition on when the profile last changed."""


class Reference(Struct, frozen=True, kw_only=True, tag_field="kind", tag="segment", forbid_unknown_fields=True):
    """Whoever is in the stored segment with this code."""

    code: Name


class Static(Struct, frozen=True, kw_only=True, tag_field="kind", tag="static", forbid_unknown_fields=True):
    """Whoever is on the fixed list with this code."""

    code: Name


class BestTime(Struct, frozen=True, kw_only=True, tag_field="kind", tag="best_time", forbid_unknown_fields=True):
    """People whose best time to be reached lies in these hours of their own day, the last one not included.

    It is the hour in which they opened most messages of the last 90 days. From 22 to 6 goes over midnight.
    """

    from_hour: Annotated[int, Meta(ge=0, le=23)]
    to_hour: Annotated[int, Meta(ge=0, le=24)]


Condition = Application | Attribute | Fact | Event | Geo | Updated | Reference | Static | BestTime
Expression = All | AnyOf | Not | Condition

EVERYBODY = All()

MAX_DAYS_AGO = 36_500
FIRST_UNIX_SECOND = 100_000_000
LAST_UNIX_SECOND = 32_503_679_999

DATE_SHAPE = re.compile(
    r"[12]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"(?P<clock>[ T]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(?P<fraction>\.\d{1,9})?)?"
    r"(?P<offset>Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?)?",
    re.ASCII,
)
_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){1,5}", re.ASCII)
_DAYS_AGO = re.compile(r"(\d{1,6}) days? ago", re.ASCII | re.IGNORECASE)


class Span(Struct, frozen=True):
    """From an instant up to another one, which is not included."""

    start: datetime
    end: datetime


class DaysAgo(Struct, frozen=True):
    """The whole UTC day that lies so many days before today."""

    days: int


def moment(value: Scalar) -> Span | DaysAgo | None:
    """Return the time that a value of a comparison stands for, or None where it is no time.

    A date without a clock is the whole UTC day, everything more precise is one microsecond. A number is unix seconds
    from 1973 on; smaller ones are just numbers.

    >>> moment("2026-01-31").end.isoformat()
    '2026-02-01T00:00:00+00:00'
    >>> moment("3 days ago"), moment("3 days"), moment(18)
    (DaysAgo(days=3), None, None)
    """
    match value:
        case bool():
            return None
        case int() | float():
            return _instant(_unix(value)) if FIRST_UNIX_SECOND <= value <= LAST_UNIX_SECOND else None
        case str():
            ago = _DAYS_AGO.fullmatch(value)
            if ago:
                return DaysAgo(int(ago[1])) if int(ago[1]) <= MAX_DAYS_AGO else None
            return _calendar(value)


def version(value: Scalar) -> tuple[int, ...] | None:
    """Return the numbers of a version such as `1.10`, without zeros at its end, or None where it is no version.

    >>> version("1.10") > version("1.9.3"), version("2.0.0"), version("2"), version(1.5)
    (True, (2,), None, None)
    """
    if not isinstance(value, str) or _VERSION.fullmatch(value) is None:
        return None
    numbers = [int(part) for part in value.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _instant(at: datetime) -> Span:
    return Span(at, at + timedelta(microseconds=1))


def _unix(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _calendar(text: str) -> Span | None:
    """Read a date, with or without a clock, as the database would."""
    shape = DATE_SHAPE.fullmatch(text)
    if shape is None:
        return None
    try:
        if not shape["clock"]:
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return Span(day, day + timedelta(days=1))
        fraction = shape["fraction"] or ""
        at = datetime.fromisoformat(text.replace(fraction, "", 1) if fraction else text)
    except ValueError:  # 30 February
        return None
    at = at if shape["offset"] else at.replace(tzinfo=UTC)
    return _instant(at.astimezone(UTC) + timedelta(microseconds=round(float(fraction or 0) * 1_000_000)))
