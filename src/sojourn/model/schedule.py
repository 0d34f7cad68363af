"""Calendars of a journey: repeats, periods, weekdays and clock times, with the values that documents hold.

Types only; the instants they stand for are worked out in `model.calendar`.
Source of the shapes: the gateway contract, "Nested".
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

DEVICE = "device"

ClockTime = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$")]
"""A time of day, `HH:MM` or `HH:MM:SS`."""

ZoneName = Annotated[str, Meta(min_length=1, max_length=64)]
"""An IANA zone name, or `device` for the person's own zone."""

Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
WEEKDAYS: tuple[Weekday, ...] = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


class Period(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """From an instant to an instant; either end may be open."""

    from_: datetime | None = None
    to: datetime | None = None


class Every(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A regular repeat.

    Attributes:
        unit: What `interval` counts.
        interval: Every how many units, 1 to 366.
        days: For WEEK the weekdays; empty means the weekday of the first run. For MONTH the days of the month as
            numbers (1 to 31, -1 for the last); empty means the day of the first run. Not used with DAY.
        time: The clock time of each run.
    """

    unit: Literal["DAY", "WEEK", "MONTH"]
    interval: Annotated[int, Meta(ge=1, le=366)] = 1
    days: Annotated[tuple[str, ...], Meta(max_length=31)] = ()
    time: ClockTime = "00:00"


class SegmentRepeat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a segment entry runs again: at the dates listed, or regularly. Exactly one of `dates` and `every`.

    Attributes:
        dates: Local date-times without an offset (`2026-05-01T09:00`), in `timezone`.
        every: A regular repeat, in `timezone`.
        until: No run after this instant.
        timezone: An IANA name, or `device`: each person in their own zone.
        fallback_timezone: For people whose zone is unknown.
        passed: For a run whose time has passed in a person's zone when the journey starts: leave it out, run it at
            once, or run it at that clock time on the next day.
    """

    dates: Annotated[tuple[str, ...], Meta(max_length=366)] = ()
    every: Every | None = None
    until: datetime | None = None
    timezone: ZoneName = "UTC"
    fallback_timezone: ZoneName = "UTC"
    passed: Literal["SKIP", "SEND_NOW", "NEXT_DAY"] = "SKIP"
