"""Silence: from when a message may go out, by the clock of a zone. Pure.

The tick asks the database the same (`after_silence_v1`), so that it knows how long people stay who wait for a message.
The sender asks here, since a message may be late: after a pause of its journey, behind a send rate, at a further try.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sojourn.model.calendar import instant
from sojourn.model.graph import SilentHours
from sojourn.model.schedule import DEVICE, WEEKDAYS, ZoneName
from sojourn.model.zones import is_zone

DAYS_AHEAD = 16
"""A week, and another one in case a change of the clock takes the only gap of its only day."""


def zone_of(hours: SilentHours, time_zone: ZoneName | None) -> ZoneName:
    """Return the zone whose clock counts for a person of `time_zone` (None: unknown).

    >>> zone_of(SilentHours(fallback_timezone="Asia/Tokyo"), None)
    'Asia/Tokyo'
    """
    if hours.timezone != DEVICE:
        return hours.timezone
    return time_zone if time_zone is not None and is_zone(time_zone) else hours.fallback_timezone


def is_silent(hours: SilentHours, local: datetime) -> bool:
    """Tell whether a clock that shows `local` lies in the window or on a blocked day.

    >>> [is_silent(SilentHours(), datetime(2026, 3, 14, hour)) for hour in (6, 7, 21, 22)]
    [True, False, False, True]
    """
    if WEEKDAYS[local.weekday()] in hours.blocked_days:
        return True
    starts, ends, clock = time.fromisoformat(hours.from_), time.fromisoformat(hours.to), local.time()
    return starts <= clock < ends if starts < ends else clock >= starts or clock < ends


def after_silence(hours: SilentHours, zone: ZoneName, at: datetime) -> datetime:
    """Return the first instant from `at` on that is not silent in `zone`: `at` itself, or the end of the silence.

    An end that a change of the clock skips is as much later as was skipped; of one that it shows twice, the second
    counts. What the clock shows decides all the same: nothing goes out while it shows a silent time.

    >>> after_silence(SilentHours(), "Europe/Berlin", datetime.fromisoformat("2026-03-28T22:00Z")).isoformat()
    '2026-03-29T05:00:00+00:00'
    """
    if not is_silent(hours, _clock(zone, at)):
        return at
    today, ends = _clock(zone, at).date(), {time.fromisoformat(hours.to), time()}
    days = (today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD))
    found = (instant(datetime.combine(day, clock), zone) for day in days for clock in sorted(ends))
    for end in found:
        if end > at and not is_silent(hours, _clock(zone, end)):
            return end
    raise AssertionError("checked silent hours leave a gap in every week")


def _clock(zone: ZoneName, at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
