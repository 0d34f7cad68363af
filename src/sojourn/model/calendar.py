"""Calendar: the instants at which a segment entry runs. Pure; every zone by its own clock.

Where a change of the clock skips a local time, the run is as much later as was skipped; where the clock shows it
twice, the second counts. PostgreSQL reads local times in the same way, so both agree.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule

from sojourn.model.schedule import DEVICE, WEEKDAYS, Every, SegmentRepeat

EASTERNMOST: Final = timedelta(hours=14)
WESTERNMOST: Final = timedelta(hours=-12)
QUARTER: Final = timedelta(minutes=15)
AROUND: Final = timedelta(days=3)
"""How far a run may be from its date in UTC, one that was put off to the next day included."""
FREQUENCY: Final[dict[str, Literal[1, 2, 3]]] = {"DAY": DAILY, "WEEK": WEEKLY, "MONTH": MONTHLY}
HORIZON: Final = timedelta(days=366 * 6)
"""How far ahead a next run is looked for; the longest interval is 366 months, but nobody plans that far."""


def instant(local: datetime, zone: str) -> datetime:
    """Return the instant at which the clock of `zone` shows `local`.

    >>> instant(datetime(2026, 3, 29, 2, 30), "Europe/Berlin").isoformat()
    '2026-03-29T01:30:00+00:00'
    >>> instant(datetime(2026, 10, 25, 2, 30), "Europe/Berlin").isoformat()
    '2026-10-25T01:30:00+00:00'
    """
    first, second = (local.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1))
    early, late = first.utcoffset(), second.utcoffset()
    assert early is not None, "a zone has an offset"
    assert late is not None, "a zone has an offset"
    return (second if early > late else first).astimezone(UTC)


def local_runs(repeat: SegmentRepeat, anchor: date, near: date) -> Iterator[datetime]:
    """Yield the local times of the runs in order, at least those from the day `near` on.

    Intervals are counted from the day `anchor`. There are runs before it, too: whether one counts is the caller's
    business, since it may be the day before in some zones.
    """
    if repeat.every is None:
        yield from sorted(datetime.fromisoformat(text) for text in repeat.dates)
        return
    yield from _every(repeat.every, anchor, near)


def _every(every: Every, anchor: date, near: date) -> Iterator[datetime]:
    weekdays = [WEEKDAYS.index(day) for day in WEEKDAYS if day in every.days] or [anchor.weekday()]
    start = datetime.combine(_interval_start(every, anchor, near), time.fromisoformat(every.time))
    yield from rrule(
        FREQUENCY[every.unit],
        dtstart=start,
        interval=every.interval,
        byweekday=weekdays if every.unit == "WEEK" else None,
        bymonthday=[int(day) for day in every.days] or [anchor.day] if every.unit == "MONTH" else None,
        until=start + relativedelta(years=100),
    )


def _interval_start(every: Every, anchor: date, near: date) -> date:
    """Return a day shortly before `near` that is a whole number of intervals away from `anchor`."""
    match every.unit:
        case "DAY":
            intervals = (near - anchor).days // every.interval
            return anchor + timedelta(days=(intervals - 1) * every.interval)
        case "WEEK":
            intervals = (near - anchor).days // (7 * every.interval)
            return anchor + timedelta(weeks=(intervals - 1) * every.interval)
        case "MONTH":
            months = (near.year - anchor.year) * 12 + near.month - anchor.month
            first = anchor.replace(day=1)
            return first + relativedelta(months=(months // every.interval - 1) * every.interval)


class EntrySchedule:
    """When a segment entry runs: once, or by its repeat, zone by zone.

    Args:
        repeat: None for a single run.
        start_at: No run before; the single run is then. None: the start of the journey.
        started_at: The start of the journey.
    """

    def __init__(self, repeat: SegmentRepeat | None, start_at: datetime | None, started_at: datetime) -> None:
        self.repeat = repeat
        self.begins = max(start_at, started_at) if start_at is not None else started_at

    @property
    def by_zone(self) -> bool:
        """Tell whether each zone runs by its own clock."""
        return self.repeat is not None and self.repeat.timezone == DEVICE

    def zone(self) -> str:
        """Return the zone of runs that are the same instant for everybody."""
        return "UTC" if self.repeat is None or self.by_zone else self.repeat.timezone

    def _anchor(self) -> date:
        zone = "UTC" if self.repeat is None else self.repeat.fallback_timezone if self.by_zone else self.repeat.timezone
        return self.begins.astimezone(ZoneInfo(zone)).date()

    def runs(self, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the instants in (after, until] at which people of `zone` are admitted, by their local times."""
        if self.repeat is None:
            if after < self.begins <= until:
                yield self.begins
            return
        for local in local_runs(self.repeat, self._anchor(), after.date() - AROUND):
            at = self._run_of(local, zone)
            if at is not None and after < at <= until and (self.repeat.until is None or at <= self.repeat.until):
                yield at
            if local.replace(tzinfo=UTC) - EASTERNMOST > until + timedelta(days=1):
                return

    def _run_of(self, local: datetime, zone: str) -> datetime | None:
        """Return when a local time runs in a zone; one that has passed on the first day follows `passed`."""
        assert self.repeat is not None, "a single run has no local time"
        at = instant(local, zone)
        if at >= self.begins:
            return at
        if local.date() != self.begins.astimezone(ZoneInfo(zone)).date():
            return None
        match self.repeat.passed:
            case "SKIP":
                return None
            case "SEND_NOW":
                return self.begins
            case "NEXT_DAY":
                return instant(local + timedelta(days=1), zone)

    def next_look(self, after: datetime) -> datetime | None:
        """Return when to look next for people to admit, strictly after `after`; None: never again.

        With one clock for everybody that is the next run. With a clock per zone it is the next instant at which any
        zone on earth could run, since people of a zone not seen so far may come at any time.
        """
        if self.repeat is None or not self.by_zone:
            return min(self.runs(self.zone(), after, after + HORIZON), default=None)
        if after < self.begins:
            return self.begins
        for local in local_runs(self.repeat, self._anchor(), after.date() - AROUND):
            first = local.replace(tzinfo=UTC) - EASTERNMOST
            # One more day, for runs put off to the next day and for clocks that change.
            last = local.replace(tzinfo=UTC) - WESTERNMOST + timedelta(days=1, hours=1)
            if first > after + HORIZON or (self.repeat.until is not None and first > self.repeat.until):
                return None
            if last > after:
                steps = max(0, (after - first) // QUARTER + 1)
                return max(first + steps * QUARTER, self.begins)
        return None
