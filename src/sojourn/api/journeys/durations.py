"""Durations: `{"duration": 3, "unit": "days"}` on the wire, seconds inside."""

from typing import Annotated, Literal, NamedTuple, cast

from msgspec import Meta

from sojourn.model.points import DurationUnit

Unit = Literal["seconds", "minutes", "hours", "days", "weeks"]
Amount = Annotated[int, Meta(ge=1, le=366 * 86_400)]

SECONDS: dict[Unit, int] = {"weeks": 604_800, "days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
"""How long each unit is; the longest first."""


class Duration(NamedTuple):
    """A duration as somebody would say it."""

    amount: int
    unit: Unit


def seconds_of(amount: int, unit: Unit) -> int:
    """Return how long a duration is."""
    return amount * SECONDS[unit]


def unit_kept(amount: int, unit: Unit) -> DurationUnit | None:
    """Return the unit that has to be kept beside the seconds; None where anybody would choose this one.

    >>> unit_kept(24, "hours"), unit_kept(3, "days")
    ('HOURS', None)
    """
    natural = spoken(seconds_of(amount, unit), None).unit
    return None if natural == unit else cast("DurationUnit", unit.upper())


def spoken(seconds: int, unit: DurationUnit | None) -> Duration:
    """Say a number of seconds in a unit; in the longest that divides them where none is given, or that one does not.

    >>> spoken(259_200, None), spoken(259_200, "HOURS"), spoken(90, "MINUTES")
    (Duration(amount=3, unit='days'), Duration(amount=72, unit='hours'), Duration(amount=90, unit='seconds'))
    """
    wanted = cast("Unit", unit.lower()) if unit else None
    if wanted is not None and seconds % SECONDS[wanted] == 0:
        return Duration(seconds // SECONDS[wanted], wanted)
    natural: Unit = next(each for each, length in SECONDS.items() if seconds % length == 0)
    return Duration(seconds // SECONDS[natural], natural)
