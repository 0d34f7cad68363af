"""Zones: whose clock a template reads."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo


def zone_named(name: str | None) -> tzinfo:
    """Return the zone of this name; UTC when the name is absent or unknown.

    >>> zone_named("Europe/Paris").key, zone_named("Mars/Olympus"), zone_named("../etc")
    ('Europe/Paris', datetime.timezone.utc, datetime.timezone.utc)
    """
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # unknown, malformed, or a directory such as "Europe"
        return UTC


def local_time(now: datetime, zone_name: str | None) -> datetime:
    """Return the instant `now` on the clock of a zone; UTC when the zone is absent or unknown."""
    return now.astimezone(zone_named(zone_name))
