"""Clocks: what `model.calendar` and the database say, against the plainest Python, in many zones and years.

The plainest way to know what a clock shows is to look at it, instant by instant: `clock_of` does nothing else.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.model.calendar import EntrySchedule, instant
from sojourn.model.graph import SilentHours
from sojourn.model.schedule import WEEKDAYS, Every, SegmentRepeat, Weekday
from sojourn.model.silence import after_silence, zone_of
from sojourn.store.connection import Conn, connect
from tests.walker import anniversary, end_of_silence, is_silent, local_time, next_clock_time

EXAMPLES = int(os.environ.get("SOJOURN_HYPOTHESIS_EXAMPLES", "200"))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Chatham",
    "America/St_Johns", "Africa/Casablanca", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Santiago",
    "Africa/Cairo", "Asia/Beirut", "America/Nuuk", "Antarctica/Troll", "Etc/GMT+12",
)  # fmt: skip

CHANGES = {
    "Europe/Berlin": ["2026-03-29T01:00", "2026-10-25T01:00", "2031-03-30T01:00"],
    "America/New_York": ["2026-03-08T07:00", "2026-11-01T06:00"],
    "Australia/Lord_Howe": ["2026-10-03T15:30", "2026-04-04T15:00"],
    "Pacific/Chatham": ["2026-09-26T14:00", "2026-04-04T14:00"],
    "America/Santiago": ["2026-09-06T04:00", "2026-04-05T03:00"],
    "Africa/Cairo": ["2026-04-23T22:00", "2026-10-29T21:00"],
    "Asia/Beirut": ["2026-03-28T22:00", "2026-10-24T21:00"],
    "Antarctica/Troll": ["2026-03-29T01:00", "2026-10-25T01:00"],
}
"""When clocks change, so that most of what is drawn lies near a change."""

zones = st.sampled_from(ZONES)
clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
moderate = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def places(draw: st.DrawFn) -> tuple[str, datetime]:
    """Draw a zone and an instant, near a change of its clock if it has any."""
    if draw(st.booleans()):
        zone = draw(st.sampled_from(sorted(CHANGES)))
        change = datetime.fromisoformat(draw(st.sampled_from(CHANGES[zone]))).replace(tzinfo=UTC)
        return zone, change + draw(st.integers(-8 * 36, 8 * 36)) * 15 * MINUTE
    zone = draw(zones)
    day = draw(st.dates(date(1975, 1, 1), date(2036, 12, 31)))
    return zone, datetime.combine(day, draw(clocks), UTC)


def clock_of(zone: str, at: datetime) -> datetime:
    """Return what the clock shows."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def shown(zone: str, local: datetime) -> list[datetime]:
    """Return the instants at which the clock shows a local time, by looking at it around that time."""
    guess = local.replace(tzinfo=UTC)
    return [at for at in (guess + step * MINUTE for step in range(-60 * 15, 60 * 15)) if clock_of(zone, at) == local]


@pytest.fixture(scope="module")
async def conn(shared_database_url: str) -> AsyncIterator[Conn]:
    async with await connect(shared_database_url, application_name="test", autocommit=True) as conn:
        yield conn


async def ask(conn: Conn, query: str, *values: Any) -> Any:
    row = await (await conn.execute(query, values)).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


# Local times ----------------------------------------------------------------------------------------------------


@moderate
@given(place=places())
async def test_a_local_time_is_the_same_instant_everywhere(conn: Conn, place: tuple[str, datetime]) -> None:
    zone, near = place
    local = clock_of(zone, near)
    at = instant(local, zone)
    assert await ask(conn, "select %s::timestamp at time zone %s", local, zone) == at
    assert at == max(shown(zone, local)), "of two the second"


SKIPPED = [
    (zone, local)
    for zone, changes in CHANGES.items()
    for change in changes
    for minutes in range(0, 60, 15)
    if not shown(
        zone,
        local := clock_of(zone, datetime.fromisoformat(change).replace(tzinfo=UTC) - MINUTE)
        + minutes * MINUTE
        + MINUTE,
    )
]


@pytest.mark.parametrize(("zone", "local"), SKIPPED, ids=str)
async def test_a_local_time_that_is_skipped_is_as_much_later(conn: Conn, zone: str, local: datetime) -> None:
    """It is as far from the last time before the gap as the clock would have had to go."""
    before = local
    while not shown(zone, before):
        before -= 15 * MINUTE
    assert instant(local, zone) == max(shown(zone, before)) + (local - before)
    assert await ask(conn, "select %s::timestamp at time zone %s", local, zone) == instant(local, zone)


# Waits ----------------------------------------------------------------------------------------------------------


@moderate
@given(place=places(), clock=clocks, days=st.none() | st.lists(st.integers(1, 7), min_size=1, unique=True))
async def test_the_next_clock_time(
    conn: Conn, place: tuple[str, datetime], clock: time, days: list[int] | None
) -> None:
    zone, now = place
    at = await ask(conn, "select next_clock_time_v1(%s, %s, %s, %s::smallint[])", now, zone, clock, days)
    named = WEEKDAYS if days is None else [WEEKDAYS[day - 1] for day in days]
    assert at == next_clock_time(now, zone, clock.isoformat(), named)
    assert at > now
    local = clock_of(zone, at)
    if local.time() == clock:
        assert days is None or local.isoweekday() in days
        assert at == max(shown(zone, local)), "of two the second"
    else:
        skipped = datetime.combine(local.date(), clock)
        assert not shown(zone, skipped) and skipped < local <= skipped + 2 * HOUR, "only a skipped time is not shown"  # noqa: PT018
    looked_at = [now + step * 15 * MINUTE for step in range(1, 4 * 24 * 8) if now + step * 15 * MINUTE < at]
    missed = [
        each for each in looked_at
        if clock_of(zone, each).time() == clock and (days is None or clock_of(zone, each).isoweekday() in days)
    ]  # fmt: skip
    assert all(each != max(shown(zone, clock_of(zone, each))) for each in missed), "none is missed"


# Silent hours ---------------------------------------------------------------------------------------------------


async def silence_ends(conn: Conn, hours: SilentHours, zone: str, at: datetime) -> datetime:
    """Return when a message may go out, of which the database and Python must say the same."""
    blocked = [WEEKDAYS.index(day) + 1 for day in hours.blocked_days]
    query = "select after_silence_v1(%s, %s, %s::time, %s::time, %s::smallint[])"
    found = await ask(conn, query, at, zone, hours.from_, hours.to, blocked)
    assert found == after_silence(hours, zone, at)
    return found


@moderate
@given(
    place=places(),
    window=st.lists(clocks, min_size=2, max_size=2, unique=True),
    blocked=st.lists(st.sampled_from(WEEKDAYS), max_size=6, unique=True),
)
async def test_silence_ends_when_the_clock_says_so(
    conn: Conn, place: tuple[str, datetime], window: list[time], blocked: list[Weekday]
) -> None:
    zone, now = place
    starts, ends = (clock.isoformat() for clock in window)
    hours = SilentHours(enabled=True, from_=starts, to=ends, blocked_days=tuple(blocked))
    at = await silence_ends(conn, hours, zone, now)
    assert at == end_of_silence(now, zone, starts, ends, blocked)
    assert at >= now
    assert not is_silent(clock_of(zone, at), starts, ends, blocked), (
        "nothing goes out while the clock shows a silent time"
    )
    assert await silence_ends(conn, hours, zone, at) == at
    loud = [each for step in range(4 * 24 * 8) if (each := now + step * 15 * MINUTE) < at]
    for each in loud:
        if not is_silent(clock_of(zone, each), starts, ends, blocked):
            # Only a change of the clock makes silence last longer than the clock shows it.
            assert any(clock_of(zone, day + DAY) - clock_of(zone, day) != DAY for day in (each - DAY, each))


@pytest.mark.parametrize(
    ("zone", "now", "at", "fields"),
    [
        pytest.param("UTC", "2026-03-02T21:59:59", "2026-03-02T21:59:59", {}, id="just before"),
        pytest.param("UTC", "2026-03-02T22:00", "2026-03-03T07:00", {}, id="as it begins"),
        pytest.param("UTC", "2026-03-03T00:00", "2026-03-03T07:00", {}, id="at midnight"),
        pytest.param("UTC", "2026-03-03T07:00", "2026-03-03T07:00", {}, id="its end"),
        pytest.param("UTC", "2026-03-03T12:30", "2026-03-03T14:00", {"from_": "12:00", "to": "14:00"}, id="siesta"),
        pytest.param("UTC", "2026-03-03T23:30", "2026-03-04T00:00", {"from_": "23:00", "to": "00:00"}, id="midnight"),
        pytest.param("UTC", "2026-03-07T23:00", "2026-03-09T07:00", {"blocked_days": ("SUNDAY",)}, id="Saturday night"),
        pytest.param("UTC", "2026-03-08T12:00", "2026-03-09T07:00", {"blocked_days": ("SUNDAY",)}, id="Sunday"),
        pytest.param(
            "UTC", "2026-03-08T12:00", "2026-03-09T00:00",
            {"from_": "12:00", "to": "14:00", "blocked_days": ("SUNDAY",)}, id="Sunday ends at midnight",
        ),
        pytest.param(
            "UTC", "2026-03-03T07:00", "2026-03-09T07:00", {"blocked_days": WEEKDAYS[1:]}, id="Mondays only",
        ),
        # 20:00 in UTC is Saturday 15:00 in New York, and Sunday 05:00 in Japan.
        pytest.param(
            "America/New_York", "2026-03-07T20:00", "2026-03-07T20:00", {"blocked_days": ("SUNDAY",)}, id="a Saturday",
        ),
        pytest.param(
            "Asia/Tokyo", "2026-03-07T20:00", "2026-03-08T22:00", {"blocked_days": ("SUNDAY",)}, id="its Sunday",
        ),
        pytest.param("Europe/Berlin", "2026-03-28T22:00", "2026-03-29T05:00", {}, id="the night that is shorter"),
        pytest.param("Europe/Berlin", "2026-10-24T21:00", "2026-10-25T06:00", {}, id="the night that is longer"),
        pytest.param("Europe/Berlin", "2026-03-28T22:00", "2026-03-29T01:30", {"to": "02:30"}, id="a skipped end"),
        pytest.param("Europe/Berlin", "2026-10-24T21:00", "2026-10-25T01:30", {"to": "02:30"}, id="two ends"),
        # 02:45 comes twice: what the clock shows is silent both times.
        pytest.param("Europe/Berlin", "2026-10-25T00:45", "2026-10-25T06:00", {"from_": "02:30"}, id="the first start"),
        # Midnight is skipped: the day after the blocked one begins at 01:00.
        pytest.param(
            "Asia/Beirut", "2026-03-28T12:00", "2026-03-28T22:00",
            {"from_": "12:00", "to": "13:00", "blocked_days": ("SATURDAY",)}, id="a skipped midnight",
        ),
    ],
)  # fmt: skip
async def test_silent_hours(conn: Conn, zone: str, now: str, at: str, fields: dict[str, Any]) -> None:
    begun, ended = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, at))
    assert await silence_ends(conn, SilentHours(**fields), zone, begun) == ended


def test_an_unknown_zone_falls_back() -> None:
    hours = SilentHours(fallback_timezone="Asia/Tokyo")
    zones_of = [zone_of(hours, zone) for zone in ("Europe/Berlin", None, "Mars/Olympus", "../etc/passwd")]
    assert zones_of == ["Europe/Berlin", *["Asia/Tokyo"] * 3]
    assert zone_of(SilentHours(timezone="UTC"), "Europe/Berlin") == "UTC"


# Dates ----------------------------------------------------------------------------------------------------------

days = st.dates(date(1950, 1, 1), date(2050, 1, 1))
values = st.one_of(
    days.map(date.isoformat),
    st.builds(datetime.combine, days, st.times()).map(lambda at: at.isoformat()),
    st.builds(datetime.combine, days, st.times()).map(lambda at: at.isoformat(" ", "minutes")),
    st.builds(datetime.combine, days, st.times(), st.just(UTC)).map(lambda at: at.isoformat()),
    st.tuples(
        st.dates(date(2025, 1, 1), date(2027, 1, 1)), clocks, st.sampled_from(["Z", "+01", "-03:30", "+0545"])
    ).map(lambda parts: f"{parts[0].isoformat()}T{parts[1].isoformat()}{parts[2]}"),
    st.sampled_from(
        ["2024-02-29", "2026-02-30", "2026-03-29T02:30", "2026-13-01", "today", "now", "infinity", "", "2026", "24:00"]
    ),
    st.integers(-(10**9), 4 * 10**9),
    st.sampled_from([True, None, ["2026-01-01"], {"a": 1}, 1e11, -1e11, 0, 1.5]),
)


@moderate
@given(
    place=places(),
    value=values,
    clock=st.none() | clocks,
    offset=st.sampled_from([0, 0, -86400, 3600, 30 * 86400, -366 * 86400]),
    past=st.sampled_from(["DROP", "CONTINUE", "NEXT_YEAR"]),
)
async def test_the_date_of_an_attribute(
    conn: Conn, place: tuple[str, datetime], value: Any, clock: time | None, offset: int, past: str
) -> None:
    zone, now = place
    query = (
        "select case when d.at = '-infinity' then null else d.at end, d.at = '-infinity'"
        " from (select date_attribute_v1(%s, %s::jsonb, %s, %s, %s, %s) as at) as d"
    )
    text = msgspec.json.encode(value).decode()
    row = await (await conn.execute(query, (now, text, zone, clock, offset, past))).fetchone()
    assert row is not None
    assert row == plain_date(now, value, zone, clock, timedelta(seconds=offset), past)


def plain_date(
    now: datetime, value: Any, zone: str, clock: time | None, offset: timedelta, past: str
) -> tuple[datetime | None, bool | None]:
    """Return when the wait is over and whether the date has passed."""
    local = local_time(value, zone)
    if local is None:
        return None, None
    if clock is not None:
        local = datetime.combine(local.date(), clock)
    at = instant(local, zone) + offset
    if at > now:
        return at, False
    if past == "DROP":
        return None, True
    if past == "CONTINUE":
        return now, False
    years = 0
    while at <= now:
        years += 1
        at = instant(anniversary(local, years), zone) + offset
    return at, False


# Schedules ------------------------------------------------------------------------------------------------------


@st.composite
def repeats(draw: st.DrawFn, begins: date, *, regular: bool = False) -> SegmentRepeat:
    timezone = draw(st.sampled_from(["device", *ZONES]))
    passed = draw(st.sampled_from(["SKIP", "SEND_NOW", "NEXT_DAY"]))
    until = draw(st.none() | st.integers(0, 40).map(lambda days: datetime.combine(begins, time(), UTC) + days * DAY))
    common = {"timezone": timezone, "fallback_timezone": draw(zones), "passed": passed, "until": until}
    if not regular and draw(st.booleans()):
        days = draw(st.lists(st.integers(-3, 20), min_size=1, max_size=4))
        dates = tuple(f"{(begins + timedelta(days=day)).isoformat()}T{draw(clocks).isoformat()}" for day in days)
        return SegmentRepeat(dates=dates, **common)
    unit = draw(st.sampled_from(["DAY", "WEEK", "MONTH"]))
    choices = {
        "DAY": [()],
        "WEEK": [(), ("MONDAY", "FRIDAY"), ("SUNDAY",)],
        "MONTH": [(), ("1", "15"), ("31",), ("-1",)],
    }
    every = Every(
        unit=unit,
        interval=draw(st.integers(1, 3)),
        days=draw(st.sampled_from(choices[unit])),
        time=draw(clocks).isoformat(),
    )
    return SegmentRepeat(every=every, **common)


@st.composite
def schedules(draw: st.DrawFn, *, regular: bool = False) -> EntrySchedule:
    _, started_at = draw(places())
    start_at = draw(st.none() | st.integers(-5, 5).map(lambda days: started_at + days * DAY))
    first = (start_at or started_at).date()
    repeat = draw(repeats(first, regular=True) if regular else st.none() | repeats(first))
    return EntrySchedule(repeat, start_at, started_at)


WEEKS = 60 * DAY


@moderate
@given(schedule=schedules(), zone=zones)
def test_runs_are_between_the_beginning_and_the_end(schedule: EntrySchedule, zone: str) -> None:
    zone = zone if schedule.by_zone else schedule.zone()
    until = schedule.begins + WEEKS
    for at in islice(schedule.runs(zone, schedule.begins - WEEKS, until), 100):
        assert schedule.begins <= at <= until
        assert schedule.repeat is None or schedule.repeat.until is None or at <= schedule.repeat.until


@moderate
@given(schedule=schedules(), zone=zones, cuts=st.lists(st.integers(0, 60 * 24 * 4), max_size=6))
def test_no_run_is_missed_or_repeated_however_time_is_cut(schedule: EntrySchedule, zone: str, cuts: list[int]) -> None:
    zone = zone if schedule.by_zone else schedule.zone()
    first, last = schedule.begins - DAY, schedule.begins + WEEKS
    whole = sorted(schedule.runs(zone, first, last))
    edges = [first, *sorted(schedule.begins + cut * 15 * MINUTE for cut in cuts), last]
    parts = [at for after, until in pairwise(edges) for at in schedule.runs(zone, after, until)]
    assert sorted(parts) == whole


@moderate
@given(schedule=schedules(regular=True), zone=zones)
def test_runs_show_the_time_asked_for(schedule: EntrySchedule, zone: str) -> None:
    assert schedule.repeat is not None
    assert schedule.repeat.every is not None
    zone = zone if schedule.by_zone else schedule.zone()
    clock = time.fromisoformat(schedule.repeat.every.time)
    for at in islice(schedule.runs(zone, schedule.begins + DAY, schedule.begins + WEEKS), 100):
        local = clock_of(zone, at)
        skipped = datetime.combine(local.date(), clock)
        assert local.time() == clock or not shown(zone, skipped)


@moderate
@given(schedule=schedules(), zone=zones)
def test_looking_again_and_again_finds_every_run(schedule: EntrySchedule, zone: str) -> None:
    """An engine that looks when it is told to, and only then, is never late, and gets on."""
    zone = zone if schedule.by_zone else schedule.zone()
    after, last = schedule.begins - MINUTE / 60_000_000, schedule.begins + 10 * DAY
    runs = sorted(schedule.runs(zone, after, last))
    found: list[datetime] = []
    looks = 0
    while (look := schedule.next_look(after)) is not None and look <= last:
        assert look > after, "time goes on"
        seen = list(schedule.runs(zone, after, look))
        assert all(at == look for at in seen), "nobody is let in late"
        found += seen
        after = look
        looks += 1
    assert sorted(found) == runs
    assert looks <= 10 * 24 * 4 + 200, "no more often than each quarter of an hour"


@moderate
@given(schedule=schedules(), ahead=st.integers(0, 4000))
def test_the_next_look_lies_ahead(schedule: EntrySchedule, ahead: int) -> None:
    after = schedule.begins + ahead * 17 * MINUTE
    look = schedule.next_look(after)
    assert look is None or look > after


def test_a_run_of_the_first_day_that_has_passed() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    every = Every(unit="DAY", time="09:00")
    expected = {"SKIP": noon + 21 * HOUR, "SEND_NOW": noon, "NEXT_DAY": noon + 21 * HOUR}
    for passed, at in expected.items():
        schedule = EntrySchedule(SegmentRepeat(every=every, passed=passed), None, noon)  # type: ignore[arg-type]
        assert next(schedule.runs("UTC", noon - DAY, noon + 3 * DAY)) == at


def test_a_run_put_off_to_the_next_day_and_that_day_s_own_are_one() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    schedule = EntrySchedule(SegmentRepeat(every=Every(unit="DAY", time="09:00"), passed="NEXT_DAY"), None, noon)
    runs = list(schedule.runs("UTC", noon - DAY, noon + 3 * DAY))
    assert sorted(set(runs)) == [noon + n * DAY - 3 * HOUR for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("every", "days"),
    [
        (Every(unit="DAY", time="13:00"), [2, 3, 4]),
        (Every(unit="DAY", interval=2, time="13:00"), [2, 4, 6]),
        (Every(unit="WEEK", time="13:00"), [2, 9, 16]),
        (Every(unit="WEEK", interval=2, time="13:00"), [2, 16, 30]),
        (Every(unit="WEEK", days=("FRIDAY", "MONDAY"), time="13:00"), [2, 6, 9]),
        (Every(unit="WEEK", interval=2, days=("FRIDAY",), time="13:00"), [6, 20]),
        (Every(unit="MONTH", time="13:00"), [2]),
        (Every(unit="MONTH", days=("-1", "5"), time="13:00"), [5, 31]),
    ],
    ids=str,
)
def test_intervals_are_counted_from_the_first_day(every: Every, days: list[int]) -> None:
    """It begins on Monday, 2 March 2026, at noon."""
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    schedule = EntrySchedule(SegmentRepeat(every=every), None, noon)
    runs = list(islice(schedule.runs("UTC", noon, noon + 29.5 * DAY), len(days)))
    assert [(at.day, at.hour) for at in runs] == [(day, 13) for day in days]
