"""Zones: which time zone a device means when it names one, or gives the seconds it is ahead of UTC."""

from functools import cache
from zoneinfo import available_timezones

from sojourn.model.schedule import ZoneName

PARTIAL_HOURS: dict[int, ZoneName] = {
    -34200: "Pacific/Marquesas",
    -12600: "America/St_Johns",
    12600: "Asia/Tehran",
    16200: "Asia/Kabul",
    19800: "Asia/Kolkata",
    20700: "Asia/Kathmandu",
    23400: "Asia/Yangon",
    31500: "Australia/Eucla",
    34200: "Australia/Darwin",
    37800: "Australia/Lord_Howe",
    45900: "Pacific/Chatham",
}
"""A zone for each offset in use that is not whole hours; for those with summer time, by their winter."""

NOT_ZONES = frozenset({"Factory", "localtime"})
"""Names in the files of some systems that mean no place."""


@cache
def zone_names() -> frozenset[ZoneName]:
    """Return the names of all zones known here."""
    return frozenset(available_timezones()) - NOT_ZONES


def is_zone(name: str) -> bool:
    """Tell whether this is the name of a zone.

    >>> is_zone("Europe/Berlin"), is_zone("Mars/Olympus"), is_zone("../etc/passwd")
    (True, False, False)
    """
    return name in zone_names()


def zone_of_offset(seconds: int) -> ZoneName:
    """Name a zone this many seconds ahead of UTC; the nearest whole hour where no zone has the offset.

    The sign in `Etc` names is reversed: POSIX counts the hours west of Greenwich.

    >>> zone_of_offset(3 * 3600), zone_of_offset(-5 * 3600), zone_of_offset(0), zone_of_offset(19800)
    ('Etc/GMT-3', 'Etc/GMT+5', 'UTC', 'Asia/Kolkata')
    """
    if seconds in PARTIAL_HOURS:
        return PARTIAL_HOURS[seconds]
    hours = max(-12, min(14, round(seconds / 3600)))
    return "UTC" if hours == 0 else f"Etc/GMT{-hours:+d}"
