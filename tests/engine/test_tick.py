"""What a tick does, rule by rule: docs/engine.md in examples. `tests/properties/test_walker.py` has the rest."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sojourn.engine.tick import Budget
from tests.lab import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SHOP,
    SITE,
    Lab,
    awaited,
    awaiting,
    branch,
    graph,
    having,
    on_event,
    random_split,
    segment,
    tagged,
    update,
    wait,
    webhook,
)

pytestmark = pytest.mark.both_postgres

SECOND = timedelta(seconds=1)
EVERYBODY = 'T("anything", NOTEQ, "at all")'
REQUESTS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(4)]

HEARS = """
    api -> hears.1 -> exit heard
    hears -> exit2 silence
"""
"""An event wait with one branch."""


@pytest.fixture
async def lab(shared_database_url: str) -> AsyncIterator[Lab]:
    """A laboratory that forgets everything between tests."""
    lab = await Lab.open(shared_database_url)
    await lab.clear()
    yield lab
    await lab.assert_nobody_is_lost()
    await lab.clear()
    await lab.close()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def an_order(**fields: Any) -> Any:
    """Enter once per order."""
    return on_event("ordered", multi_entry={"enabled": True, "key_attribute": "id"}, **fields)


def named_by(event: str) -> Any:
    """Enter when the event of somebody else names one."""
    return on_event(event, attribute_entry={"enabled": True, "attribute_name": "friends"}, allow_reenter=True)


def change(tag: str, operation: str, value: Any = None, source: tuple[str, str] | None = None) -> dict[str, Any]:
    given = {"value": value} if source is None else {"from": {"source": source[0], "name": source[1]}}
    return {"tag": tag, "operation": operation} | ({} if operation == "UNSET" else given)


async def test_a_person_waits_is_sent_a_message_and_leaves(lab: Lab) -> None:
    welcome = await lab.start("api -> wait 1d -> email hello -> exit done")
    await lab.enroll(welcome, "ada")
    await lab.tick()
    assert await lab.paths(welcome, "ada") == ["api wait"]
    assert await lab.where(welcome, "ada") == [("wait", NOON + DAY)]
    await lab.after(hours=23, minutes=59)
    assert await lab.sent(welcome) == []
    await lab.after(minutes=1)
    assert await lab.paths(welcome, "ada") == ["api wait", "wait email exit"]
    assert await lab.sent(welcome) == [("ada", "email")]
    assert await lab.departed(welcome, "ada") == [("completed", "done")]


async def test_silent_hours_put_messages_off_by_the_clock_of_the_person(lab: Lab) -> None:
    """At noon in UTC it is 21:00 in Tokyo; nobody knows Eve's zone. Who stays for an answer does so from then on."""
    siesta = {"enabled": True, "from": "11:30", "to": "14:30", "fallback_timezone": "UTC"}
    night = {"enabled": True, "from": "20:00", "to": "07:00"}
    await lab.person("ada", zone="Asia/Tokyo")
    await lab.person("eve")
    drawn, answered = "api -> email -> call -> exit", webhook(wait_for_response=True)
    journey = await lab.start(drawn, call=answered, settings={"silent_hours": {"email": siesta, "webhook": night}})
    await lab.enroll(journey, "ada", "eve")
    await lab.tick()
    found = await lab.rows("select channel::text, due_at from message order by 1, 2")
    morning = NOON + timedelta(hours=10)
    assert [tuple(row) for row in found] == [
        ("email", NOON), ("email", NOON + timedelta(hours=2, minutes=30)), ("webhook", NOON), ("webhook", morning),
    ]  # fmt: skip
    assert await lab.where(journey, "ada") == [("call", morning + DAY)]
    assert await lab.where(journey, "eve") == [("call", NOON + DAY)]


# Who is let in --------------------------------------------------------------------------------------------------


async def test_a_request_answers_for_everybody_it_names(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1d -> exit")
    await lab.enroll(journey, "ada", "bob", "ada", request=REQUESTS[0])
    await lab.tick()
    await lab.enroll(journey, "ada", "eve", request=REQUESTS[1])
    await lab.tick()
    assert await lab.answers(REQUESTS[0]) == {"entered": 2, "named twice": 1}
    assert await lab.answers(REQUESTS[1]) == {"entered": 1, "already inside": 1}


async def test_requests_of_a_paused_journey_are_refused(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1d -> exit")
    await lab.enroll(journey, "ada")
    await lab.pause(journey)
    await lab.tick()
    assert await lab.answers() == {"journey not running": 1}


async def test_a_request_for_an_entry_that_an_edit_removed_is_answered(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> exit
        on bought -> exit
        """
    )
    await lab.enroll(journey, "ada")
    await lab.edit(journey, graph("on bought -> exit"))
    await lab.tick()
    assert await lab.answers() == {"entry removed": 1}


async def test_people_come_again_through_a_request_but_not_through_an_event(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> email -> exit
        on bought -> email
        """
    )
    for _ in range(2):
        await lab.enroll(journey, "ada")
        await lab.tick()
    await lab.event("ada", "bought")
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["api email exit"] * 2


async def test_an_event_entry_may_allow_people_to_come_again(lab: Lab) -> None:
    journey = await lab.start("buy -> exit", buy=on_event("bought", allow_reenter=True))
    for _ in range(2):
        await lab.event("ada", "bought")
        await lab.tick()
    assert await lab.paths(journey, "ada") == ["buy exit"] * 2


async def test_of_several_events_of_one_batch_the_first_that_meets_the_conditions_enrolls(lab: Lab) -> None:
    journey = await lab.start(
        "buy -> update -> exit",
        buy=on_event("bought", event_conditions=[having("price", "GT", 5)], allow_reenter=True),
        update=update(change("paid", "SET", source=("EVENT", "price"))),
    )
    for price in (1, 7, 8):
        await lab.event("ada", "bought", price=price)
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["buy update exit"]
    assert await lab.tags("ada") == {"paid": 7}


async def test_an_event_counts_only_in_its_app_and_period(lab: Lab) -> None:
    period = {"from": NOON, "to": NOON + HOUR}
    journey = await lab.start(
        "buy -> exit", buy=on_event("bought", application_code=SHOP, active_period=period, allow_reenter=True)
    )
    cases = {"before": NOON - SECOND, "first": NOON, "last": NOON + HOUR - SECOND, "after": NOON + HOUR}
    for name, at in cases.items():
        await lab.event(name, "bought", at=at, app=SHOP)
    await lab.event("elsewhere", "bought", app=SITE)
    await lab.tick()
    people = ("before", "first", "last", "after", "elsewhere")
    assert [len(await lab.paths(journey, name)) for name in people] == [0, 1, 1, 0, 0]


async def test_an_event_sent_twice_is_applied_once(lab: Lab) -> None:
    journey = await lab.start("buy -> exit", buy=on_event("bought", allow_reenter=True))
    await lab.event("ada", "bought", source="7")
    await lab.event("ada", "bought", source="7")
    await lab.tick()
    await lab.event("ada", "bought", source="7")
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["buy exit"]


async def test_multi_entry_enrolls_once_per_key(lab: Lab) -> None:
    journey = await lab.start("order -> wait 1h -> exit", order=an_order())
    for id_ in ("1", "2", "2", 3):
        await lab.event("ada", "ordered", id=id_)
    await lab.event("ada", "ordered")
    await lab.tick()
    assert len(await lab.where(journey, "ada")) == 3
    await lab.after(hours=1)
    for id_ in ("2", "3", "4"):
        await lab.event("ada", "ordered", id=id_)
    await lab.tick()
    assert len(await lab.where(journey, "ada")) == 1


async def test_capping_counts_the_period_that_ends_now(lab: Lab) -> None:
    journey = await lab.start("api -> exit", settings={"capping": {"max_entries": 2, "period_seconds": 3600}})
    for minutes in (0, 30, 29, 1):
        await lab.after(minutes=minutes)
        await lab.enroll(journey, "ada")
        await lab.tick()
    assert await lab.answers() == {"entered": 3, "capped": 1}


async def test_capping_without_a_period_counts_for_ever(lab: Lab) -> None:
    journey = await lab.start("api -> exit", settings={"capping": {"max_entries": 1}})
    for days in (0, 1000):
        await lab.after(days=days)
        await lab.enroll(journey, "ada")
        await lab.tick()
    assert await lab.answers() == {"entered": 1, "capped": 1}


async def test_capping_counts_the_other_keys_of_the_same_batch(lab: Lab) -> None:
    journey = await lab.start("order -> wait 1h -> exit", settings={"capping": {"max_entries": 2}}, order=an_order())
    for id_ in ("1", "2", "3"):
        await lab.event("ada", "ordered", id=id_)
    await lab.event("bob", "ordered", id="1")
    await lab.tick()
    assert len(await lab.where(journey, "ada")) == 2
    assert len(await lab.where(journey, "bob")) == 1


async def test_an_event_enrolls_the_people_whom_it_names(lab: Lab) -> None:
    journey = await lab.start("named -> email -> exit", named=named_by("invited"))
    number = lab.number(journey, "named")
    data = {"journey_id": journey.journey_id, "point_no": number, "event": {"by": "ada"}}
    await lab.say(lab._row("entry_event", "bob", name="invited", data=data))
    await lab.event("ada", "invited", friends=["bob"])
    await lab.tick()
    assert await lab.sent(journey) == [("bob", "email")]


async def test_a_named_person_enters_once_although_the_entry_had_another_event(lab: Lab) -> None:
    journey = await lab.start("named -> exit", named=named_by("invited"))
    number = lab.number(journey, "named")
    for event in ("invited", "asked"):
        data = {"journey_id": journey.journey_id, "point_no": number, "event": {}}
        await lab.say(lab._row("entry_event", "ada", name=event, data=data))
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "")]


async def test_several_entries_lead_into_one_path(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> wait 1h -> exit
        on bought -> wait
        """
    )
    await lab.event("ada", "bought")
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["on wait"]
    assert await lab.paths(journey, "bob") == ["api wait"]
    assert await lab.answers() == {"entered": 1, "already inside": 1}


@pytest.mark.parametrize("people", [1, 2, 50])
async def test_a_request_selects_in_batches(lab: Lab, people: int) -> None:
    lab.budget = Budget(people=people)
    journey = await lab.start("api -> email -> exit")
    await lab.person("ada", "bob", "eve", "kim", "lea", vip=True)
    await lab.person("max", "pat", vip=False)
    await lab.tick()
    await lab.select(journey, tagged("vip"), request=REQUESTS[0])
    await lab.tick()
    assert sorted(await lab.sent(journey)) == [(name, "email") for name in ("ada", "bob", "eve", "kim", "lea")]
    assert await lab.answers(REQUESTS[0]) == {"entered": 5}


async def test_a_selection_that_comes_to_a_paused_journey_is_answered(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1d -> exit")
    await lab.person("ada", vip=True)
    await lab.tick()
    await lab.select(journey, tagged("vip"), request=REQUESTS[0])
    await lab.pause(journey)
    await lab.tick()
    assert await lab.answers(REQUESTS[0]) == {"journey not running": 0}


async def test_an_event_between_a_selection_and_its_tick_counts(lab: Lab) -> None:
    journey = await lab.start(HEARS, hears=awaiting("bought", period="1h"))
    await lab.person("ada")
    await lab.tick()
    await lab.select(journey, EVERYBODY)
    await lab.event("ada", "bought", at=lab.now + 2 * SECOND)
    await lab.after(seconds=5)
    assert await lab.paths(journey, "ada") == ["api hears", "hears exit"]


# Segment entries ------------------------------------------------------------------------------------------------


async def test_a_segment_enters_once_at_the_start(lab: Lab) -> None:
    await lab.person("ada", vip=True)
    await lab.person("bob", vip=False)
    journey = await lab.start("all -> exit", all=segment(tagged("vip")))
    await lab.tick()
    await lab.person("eve", vip=True)
    await lab.after(days=10)
    assert [len(await lab.paths(journey, name)) for name in ("ada", "bob", "eve")] == [1, 0, 0]


async def test_a_segment_enters_at_a_time_to_come(lab: Lab) -> None:
    journey = await lab.start("all -> exit", all=segment(tagged("vip"), start_at=NOON + HOUR))
    await lab.person("ada", vip=True)
    await lab.after(minutes=59)
    assert await lab.paths(journey, "ada") == []
    await lab.person("eve", vip=True)
    await lab.after(minutes=1)
    assert [len(await lab.paths(journey, name)) for name in ("ada", "eve")] == [1, 1]


async def test_a_segment_of_one_app_enters_without_the_others(lab: Lab) -> None:
    await lab.person("ada", app=SHOP)
    await lab.person("bob", app=SITE)
    journey = await lab.start("all -> exit", all=segment(EVERYBODY, application_code=SHOP))
    await lab.tick()
    assert [len(await lab.paths(journey, name)) for name in ("ada", "bob")] == [1, 0]


async def test_a_segment_enters_day_by_day_until_the_last(lab: Lab) -> None:
    repeat = {"every": {"unit": "DAY", "time": "13:00"}, "until": NOON + 3 * DAY}
    journey = await lab.start("daily -> email -> exit", daily=segment(tagged("vip"), repeat=repeat))
    await lab.person("ada", vip=True)
    for _ in range(6):
        await lab.after(days=1)
    assert await lab.sent(journey) == [("ada", "email")] * 3


async def test_who_is_still_inside_is_passed_over_by_a_run(lab: Lab) -> None:
    repeat = {"every": {"unit": "DAY", "time": "13:00"}}
    journey = await lab.start("daily -> wait 36h -> exit", daily=segment(tagged("vip"), repeat=repeat))
    await lab.person("ada", vip=True)
    for _ in range(4):
        await lab.after(hours=25 if lab.now == NOON else 24)
    assert await lab.paths(journey, "ada") == ["daily wait", "wait exit", "daily wait"]


async def test_who_leaves_at_the_time_of_a_run_can_come_in_again(lab: Lab) -> None:
    journey = await lab.start(
        "daily -> wait 24h -> exit",
        daily=segment(tagged("vip"), repeat={"every": {"unit": "DAY", "time": "13:00"}}),
    )
    await lab.person("ada", vip=True)
    await lab.after(hours=1)
    assert await lab.where(journey, "ada") == [("wait", NOON + 25 * HOUR)]
    await lab.after(hours=24)
    assert await lab.paths(journey, "ada") == ["daily wait", "wait exit", "daily wait"]


ZONES = {
    "tokyo": "Asia/Tokyo", "berlin": "Europe/Berlin", "york": "America/New_York", "nowhere": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("passed", "first"),
    [
        # It starts on 2 March at noon UTC: 21:00 in Tokyo, 13:00 in Berlin, 07:00 in New York. Fallback: Berlin.
        ("SKIP", {"tokyo": None, "berlin": NOON + HOUR, "york": NOON + 7 * HOUR, "nowhere": NOON + HOUR}),
        ("SEND_NOW", {"tokyo": NOON, "berlin": NOON + HOUR, "york": NOON + 7 * HOUR, "nowhere": NOON + HOUR}),
        (
            "NEXT_DAY",
            {"tokyo": utc("2026-03-03T05:00"), "berlin": NOON + HOUR, "york": NOON + 7 * HOUR, "nowhere": NOON + HOUR},
        ),
    ],
)
async def test_a_segment_enters_zone_by_zone(lab: Lab, passed: str, first: dict[str, datetime | None]) -> None:
    for name, zone in ZONES.items():
        await lab.person(name, zone=zone, vip=True)
    repeat = {
        "dates": ["2026-03-02T14:00"], "timezone": "device", "fallback_timezone": "Europe/Berlin", "passed": passed,
    }  # fmt: skip
    journey = await lab.start("all -> exit", all=segment(tagged("vip"), repeat=repeat))
    for _ in range(4 * 36):
        await lab.tick()
        lab.now += 15 * MINUTE
    entered = dict(
        await lab.rows("select profile_id, entered_at from enrollment where journey_id = %s", journey.journey_id)
    )
    assert {name: entered.get(lab.who(name)) for name in ZONES} == first


@pytest.mark.parametrize("people", [1, 2, 3])
async def test_a_run_lets_people_in_by_batches(lab: Lab, people: int) -> None:
    lab.budget = Budget(people=people)
    await lab.person("ada", "bob", "eve", "kim", vip=True)
    journey = await lab.start("all -> wait 1h -> exit", all=segment(tagged("vip")))
    await lab.tick()
    assert [len(await lab.where(journey, name)) for name in ("ada", "bob", "eve", "kim")] == [1, 1, 1, 1]
    await lab.after(hours=1)
    assert [len(await lab.paths(journey, name)) for name in ("ada", "bob", "eve", "kim")] == [2, 2, 2, 2]


async def test_runs_of_a_pause_are_left_out(lab: Lab) -> None:
    repeat = {"every": {"unit": "DAY", "time": "13:00"}}
    journey = await lab.start("daily -> email -> exit", daily=segment(tagged("vip"), repeat=repeat))
    await lab.person("ada", vip=True)
    await lab.after(hours=2)
    await lab.pause(journey)
    await lab.after(days=2)
    await lab.resume(journey)
    await lab.tick()
    assert len(await lab.sent(journey)) == 1
    await lab.after(hours=23)
    assert len(await lab.sent(journey)) == 2


async def test_a_single_run_that_fell_into_a_pause_is_made_up_for(lab: Lab) -> None:
    journey = await lab.start("all -> exit", all=segment(tagged("vip"), start_at=NOON + HOUR))
    await lab.person("ada", vip=True)
    await lab.pause(journey)
    await lab.after(hours=2)
    await lab.resume(journey)
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["all exit"]


# Waits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "clock", "now", "wakes"),
    [
        pytest.param("UTC", "12:00", "2026-03-02T12:00", "2026-03-03T12:00", id="strictly after now"),
        pytest.param("UTC", "12:01", "2026-03-02T12:00", "2026-03-02T12:01", id="later today"),
        pytest.param("Asia/Tokyo", "09:00", "2026-03-02T12:00", "2026-03-03T00:00", id="on the clock of the zone"),
        pytest.param("Europe/Berlin", "02:30", "2026-03-28T12:00", "2026-03-29T01:30", id="berlin skips it"),
        pytest.param("Europe/Berlin", "02:30", "2026-10-24T12:00", "2026-10-25T01:30", id="berlin shows it twice"),
        pytest.param("Europe/Berlin", "02:30", "2026-10-25T00:31", "2026-10-25T01:30", id="between the two"),
        pytest.param("Europe/Berlin", "02:30", "2026-10-25T01:30", "2026-10-26T01:30", id="after the second"),
        pytest.param("America/New_York", "02:30", "2026-03-08T00:00", "2026-03-08T07:30", id="new york skips it"),
        pytest.param("America/New_York", "01:30", "2026-11-01T00:00", "2026-11-01T06:30", id="new york, twice"),
        pytest.param("Australia/Lord_Howe", "02:15", "2026-10-03T12:00", "2026-10-03T15:45", id="lord howe skips half"),
        pytest.param("Australia/Lord_Howe", "01:45", "2026-04-04T12:00", "2026-04-04T15:15", id="lord howe, twice"),
    ],
)
@pytest.mark.parametrize("device", [False, True], ids=["fixed", "device"])
async def test_a_wait_for_a_time_of_day(lab: Lab, zone: str, clock: str, now: str, wakes: str, device: bool) -> None:
    lab.now = utc(now)
    timezone = "device" if device else zone
    journey = await lab.start("api -> wait -> exit", wait=wait(time_of_day={"time": clock, "timezone": timezone}))
    await lab.person("ada", zone=zone)
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("wait", utc(wakes))]


async def test_the_device_of_somebody_unknown_shows_utc(lab: Lab) -> None:
    journey = await lab.start("api -> wait -> exit", wait=wait(time_of_day={"time": "13:00", "timezone": "device"}))
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("wait", NOON + HOUR)]


@pytest.mark.parametrize(
    ("days", "clock", "wakes"),
    [
        (["MONDAY"], "13:00", NOON + HOUR),
        (["MONDAY"], "12:00", NOON + 7 * DAY),
        (["SUNDAY", "WEDNESDAY"], "11:00", NOON + 2 * DAY - HOUR),
    ],
)
async def test_a_wait_for_a_weekday(lab: Lab, days: list[str], clock: str, wakes: datetime) -> None:
    journey = await lab.start("api -> wait -> exit", wait=wait(weekday={"days": days, "time": clock}))
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("wait", wakes)]


async def test_a_weekday_is_that_of_the_person(lab: Lab) -> None:
    """At noon on Monday in UTC it is one o'clock on Tuesday morning in Auckland."""
    journey = await lab.start(
        "api -> wait -> exit", wait=wait(weekday={"days": ["TUESDAY"], "time": "02:00", "timezone": "device"})
    )
    await lab.person("ada", zone="Pacific/Auckland")
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("wait", NOON + HOUR)]


async def test_a_wait_until_an_instant(lab: Lab) -> None:
    journey = await lab.start("api -> wait -> exit", wait=wait(until={"at": NOON + HOUR}))
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("wait", NOON + HOUR)]
    await lab.after(hours=2)
    await lab.enroll(journey, "bob")
    await lab.tick()
    assert await lab.paths(journey, "bob") == ["api wait", "wait exit"]


BIRTHDAY = "2001-03-03"


@pytest.mark.parametrize(
    ("fields", "value", "wakes"),
    [
        pytest.param({}, "2026-03-02T12:30", NOON + 30 * MINUTE, id="local time"),
        pytest.param({}, "2026-03-02T14:00:00+01:00", NOON + HOUR, id="with an offset"),
        pytest.param({}, 1772456400, NOON + HOUR, id="unix seconds"),
        pytest.param({}, "2026-03-03", NOON + 12 * HOUR, id="a date begins at midnight"),
        pytest.param({"time_of_day": "09:00"}, "2026-03-03", NOON + 21 * HOUR, id="with a time of day"),
        pytest.param(
            {"time_of_day": "09:00", "offset_seconds": -3600}, "2026-03-03T23:00", NOON + 20 * HOUR, id="and an offset"
        ),
        pytest.param({"past": "NEXT_YEAR"}, BIRTHDAY, NOON + 12 * HOUR, id="this year's anniversary"),
        pytest.param({"past": "NEXT_YEAR"}, "2001-03-02", utc("2027-03-02T00:00"), id="next year's anniversary"),
        pytest.param({"past": "NEXT_YEAR"}, "2024-02-29", utc("2027-02-28T00:00"), id="the day that is missing"),
        pytest.param(
            {"past": "NEXT_YEAR", "offset_seconds": -86400}, BIRTHDAY, utc("2027-03-02T00:00"), id="the day before"
        ),
    ],
)
async def test_a_wait_for_a_date(lab: Lab, fields: dict[str, Any], value: Any, wakes: datetime) -> None:
    journey = await lab.start("api -> wait -> exit", wait=wait(date_attribute={"name": "day"} | fields))
    await lab.person("ada", day=value)
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("wait", wakes)]


@pytest.mark.parametrize(
    ("past", "value", "end"),
    [
        ("CONTINUE", "2026-03-01", ("completed", "")),
        ("CONTINUE", "2026-03-02T12:00", ("completed", "")),
        ("DROP", "2026-03-01", ("dropped", "date passed")),
        ("DROP", "tomorrow", ("dropped", "no date")),
        ("CONTINUE", "2026-02-30", ("dropped", "no date")),
        ("NEXT_YEAR", True, ("dropped", "no date")),
    ],
)
async def test_a_date_that_has_passed_or_is_none(lab: Lab, past: str, value: Any, end: tuple[str, str]) -> None:
    journey = await lab.start("api -> wait -> exit", wait=wait(date_attribute={"name": "day", "past": past}))
    await lab.person("ada", day=value)
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [end]


async def test_a_date_of_the_event_or_the_request(lab: Lab) -> None:
    journey = await lab.start(
        """
        on booked -> wait -> exit
        api -> wait2 -> exit
        """,
        wait=wait(date_attribute={"source": "EVENT", "name": "day"}),
        wait2=wait(date_attribute={"source": "ENTRY", "name": "day"}),
    )
    await lab.event("ada", "booked", day="2026-03-02T13:00")
    await lab.enroll(journey, "bob", day="2026-03-02T14:00")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("wait", NOON + HOUR)]
    assert await lab.where(journey, "bob") == [("wait2", NOON + 2 * HOUR)]


# Event waits ----------------------------------------------------------------------------------------------------


async def test_an_event_lets_go_on_and_silence_does_at_the_end(lab: Lab) -> None:
    journey = await lab.start(HEARS, hears=awaiting("bought", period="1h"))
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.after(minutes=10)
    await lab.event("ada", "bought")
    await lab.event("bob", "sold")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "heard")]
    await lab.after(minutes=49)
    assert await lab.departed(journey, "bob") == []
    await lab.after(minutes=1)
    assert await lab.departed(journey, "bob") == [("completed", "silence")]


@pytest.mark.parametrize(
    ("received", "end"),
    [(NOON + HOUR, "heard"), (NOON + HOUR + SECOND, "silence"), (NOON, "heard"), (NOON - SECOND, "silence")],
)
async def test_an_event_counts_from_the_beginning_to_the_end(lab: Lab, received: datetime, end: str) -> None:
    journey = await lab.start(HEARS, hears=awaiting("bought", period="1h"))
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.event("ada", "bought", at=received)
    await lab.after(hours=2)
    assert await lab.departed(journey, "ada") == [("completed", end)]


async def test_an_event_that_came_just_before_the_wait_counts(lab: Lab) -> None:
    """The wait was over at one; the event came a second later; the tick comes after both."""
    journey = await lab.start(
        """
        api -> wait 1h -> hears.1 -> exit heard
        hears -> exit2 silence
        """,
        hears=awaiting("bought", period="1h"),
    )
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.event("ada", "bought", at=NOON + HOUR + SECOND)
    await lab.event("bob", "bought", at=NOON + HOUR - SECOND)
    await lab.after(hours=1, seconds=2)
    assert await lab.paths(journey, "ada") == ["api wait", "wait hears", "hears exit"]
    assert await lab.paths(journey, "bob") == ["api wait", "wait hears"]


async def test_an_event_of_a_pause_counts_at_the_event_wait_that_follows(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> wait 1h -> hears.1 -> exit heard
        hears -> exit2 silence
        """,
        hears=awaiting("bought"),
    )
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.pause(journey)
    await lab.after(hours=2)
    await lab.event("ada", "bought")
    await lab.after(hours=2)
    await lab.resume(journey)
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["api wait", "wait hears", "hears exit"]


async def test_an_event_counts_for_whoever_had_to_wait_for_another_tick(lab: Lab) -> None:
    lab.budget = Budget(people=1)
    journey = await lab.start(
        """
        api -> wait 1h -> hears.1 -> exit heard
        hears -> exit2 silence
        """,
        hears=awaiting("bought"),
    )
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    for name in ("ada", "bob"):
        await lab.event(name, "bought", at=lab.now + HOUR + SECOND)
    await lab.after(hours=1, seconds=2)
    assert await lab.paths(journey, "ada") == ["api wait", "wait hears", "hears exit"]
    assert await lab.paths(journey, "bob") == ["api wait", "wait hears", "hears exit"]


async def test_an_event_is_behind_whoever_it_brought(lab: Lab) -> None:
    """Neither the event that enrolled somebody nor the one that let them go on counts at the next event wait."""
    journey = await lab.start(
        """
        on bought -> hears.1 -> hears2.1 -> exit heard
        hears -> exit2 silence
        hears2 -> exit2
        """,
        hears=awaiting("bought", period="1h"),
        hears2=awaiting("bought", period="1h"),
    )
    await lab.event("ada", "bought")
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["hears"]
    await lab.event("ada", "bought")
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["hears2"]
    await lab.event("ada", "bought")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "heard")]


async def test_three_events_of_one_batch_lead_through_as_many_waits(lab: Lab) -> None:
    journey = await lab.start(
        """
        on bought -> hears.1 -> hears2.1 -> exit heard
        hears -> exit2 silence
        hears2 -> exit2
        """,
        hears=awaiting("bought", period="1h"),
        hears2=awaiting("bought", period="1h"),
    )
    for _ in range(3):
        await lab.event("ada", "bought")
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["on hears", "hears hears2", "hears2 exit"]


@pytest.mark.parametrize(("ago", "end"), [(HOUR, "heard"), (HOUR + SECOND, None)])
async def test_a_look_back_finds_what_happened_before(lab: Lab, ago: timedelta, end: str | None) -> None:
    journey = await lab.start(HEARS, hears=awaiting(branch("bought", look_back="1h"), period="1h"))
    await lab.event("ada", "bought")
    await lab.tick()
    lab.now += ago
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.departed(journey, "ada") == ([("completed", end)] if end else [])


async def test_a_look_back_does_not_find_the_event_that_brought_the_person(lab: Lab) -> None:
    journey = await lab.start(
        """
        on bought -> hears.1 -> exit heard
        hears -> exit2 silence
        """,
        hears=awaiting(branch("bought", look_back="1h"), period="1h"),
    )
    await lab.event("ada", "bought")
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["hears"]


BRANCHES = """
    api -> hears.1 -> exit first
    hears.2 -> exit2 second
    hears -> exit3 silence
"""


async def test_all_events_of_a_branch_may_come_in_several_ticks(lab: Lab) -> None:
    journey = await lab.start(BRANCHES, hears=awaiting(branch("a", "b", all_of=True), branch("c", "d", all_of=True)))
    await lab.enroll(journey, "ada")
    await lab.tick()
    for name in ("b", "c", "b"):
        await lab.event("ada", name)
        await lab.tick()
    assert await lab.departed(journey, "ada") == []
    await lab.event("ada", "a")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "first")]


async def test_the_branch_that_was_satisfied_first_wins(lab: Lab) -> None:
    journey = await lab.start(BRANCHES, hears=awaiting(branch("a", "b", all_of=True), branch("c")))
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    for name in ("a", "c", "b"):
        await lab.event("ada", name)
    for name in ("a", "b", "c"):
        await lab.event("bob", name)
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "second")]
    assert await lab.departed(journey, "bob") == [("completed", "first")]


async def test_on_a_tie_the_lower_number_wins(lab: Lab) -> None:
    journey = await lab.start(BRANCHES, hears=awaiting(branch("a"), branch("a", "b")))
    await lab.enroll(journey, "ada")
    await lab.event("ada", "a")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "first")]


async def test_a_fixed_period_holds_to_its_end_and_then_parts(lab: Lab) -> None:
    journey = await lab.start(BRANCHES, hears=awaiting("a", "b", period="1h", fixed_period=True))
    await lab.enroll(journey, "ada")
    await lab.event("ada", "b")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("hears", NOON + HOUR)]
    await lab.event("ada", "a")
    await lab.after(hours=1)
    assert await lab.departed(journey, "ada") == [("completed", "second")]


async def test_an_awaited_event_may_have_conditions(lab: Lab) -> None:
    journey = await lab.start(HEARS, hears=awaiting(branch(awaited("bought", having("price", "BETWEEN", 5, 10)))))
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.event("ada", "bought", price=11)
    await lab.event("bob", "bought", price=10)
    await lab.tick()
    assert await lab.departed(journey, "ada") == []
    assert await lab.departed(journey, "bob") == [("completed", "heard")]


async def test_an_awaited_event_may_have_to_agree_with_what_brought_the_person(lab: Lab) -> None:
    journey = await lab.start(
        """
        order -> hears.1 -> exit heard
        api -> hears -> exit2 silence
        """,
        order=an_order(),
        hears=awaiting(branch(awaited("paid", match="id"))),
    )
    await lab.event("ada", "ordered", id=1)
    await lab.event("ada", "ordered", id=2)
    await lab.enroll(journey, "bob", id="3")
    await lab.tick()
    await lab.event("ada", "paid", id="2")
    await lab.event("ada", "paid")
    await lab.event("bob", "paid", id=3)
    await lab.tick()
    assert len(await lab.where(journey, "ada")) == 1
    assert len(await lab.departed(journey, "ada")) == 1
    assert await lab.departed(journey, "bob") == [("completed", "heard")]


async def test_the_event_that_satisfied_a_wait_is_known_afterwards(lab: Lab) -> None:
    journey = await lab.start(
        """
        on ordered -> hears.1 -> update -> exit
        hears -> exit
        """,
        hears=awaiting("paid"),
        update=update(change("paid", "SET", source=("EVENT", "price"))),
    )
    await lab.event("ada", "ordered", price=1)
    await lab.tick()
    await lab.event("ada", "paid", price=2)
    await lab.tick()
    assert await lab.tags("ada") == {"paid": 2}
    assert await lab.departed(journey, "ada") == [("completed", "")]


async def test_every_key_of_a_batch_counts_from_its_own_event(lab: Lab) -> None:
    journey = await lab.start(
        """
        order -> update -> hears.1 -> exit
        hears -> email -> exit
        """,
        order=an_order(),
        update=update(change("orders", "INCREMENT", 1)),
        hears=awaiting("paid", period="1d"),
    )
    await lab.event("ada", "ordered", id="1", at=lab.now)
    await lab.event("ada", "ordered", id="2", at=lab.now)
    await lab.event("ada", "paid", at=lab.now + SECOND)
    await lab.after(seconds=2)
    assert await lab.departed(journey, "ada") == [("completed", ""), ("completed", "")]
    assert await lab.tags("ada") == {"orders": 2}


# Splits, updates, merges, loops ---------------------------------------------------------------------------------


async def test_a_boolean_split_parts_and_paths_merge(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> split vip
        split.1 -> email -> wait 1h -> exit
        split -> wait
        """
    )
    await lab.person("ada", vip=True)
    await lab.person("bob", vip=False)
    await lab.enroll(journey, "ada", "bob", "eve")
    await lab.after(minutes=1)
    assert [await lab.paths(journey, name) for name in ("ada", "bob", "eve")] == [
        ["api split email wait"], ["api split wait"], ["api split wait"],
    ]  # fmt: skip


async def test_a_decision_sees_what_the_batch_says_about_the_person(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> split vip
        split.1 -> exit yes
        split -> exit2 no
        """
    )
    await lab.enroll(journey, "ada")
    await lab.person("ada", vip=True)
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "yes")]


async def test_a_split_sees_the_update_before_it(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> update -> split vip
        split.1 -> exit yes
        split -> exit2 no
        """,
        update=update(change("vip", "SET", value=True)),
    )
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "yes")]
    assert await lab.tags("ada") == {"vip": True}


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (change("x", "SET", [1, "a"]), 7, [1, "a"]),
        (change("x", "SET", source=("TAG", "other")), 7, "there"),
        (change("x", "SET", source=("ENTRY", "size")), 7, "XL"),
        (change("x", "APPEND", "b"), "a", ["a", "b"]),
        (change("x", "APPEND", ["b", "a"]), ["a", "c"], ["a", "c", "b"]),
        (change("x", "APPEND", "b"), None, ["b"]),
        (change("x", "REMOVE", "a"), ["a", "b", "a"], ["b"]),
        (change("x", "REMOVE", "a"), "a", "a"),
        (change("x", "INCREMENT", 2.5), 1, 3.5),
        (change("x", "INCREMENT", -1), "many", -1),
    ],
)
async def test_an_update_changes_a_tag(lab: Lab, operation: dict[str, Any], before: Any, after: Any) -> None:
    journey = await lab.start("api -> update -> exit", update=update(operation))
    await lab.person("ada", x=before, other="there")
    await lab.enroll(journey, "ada", size="XL")
    await lab.tick()
    assert await lab.tags("ada") == {"x": after, "other": "there"}


async def test_operations_are_applied_in_their_order(lab: Lab) -> None:
    operations = [change("x", "SET", 1), change("y", "UNSET"), change("x", "INCREMENT", 1)]
    journey = await lab.start("api -> update -> exit", update=update(*operations))
    await lab.person("ada", y=1)
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.tags("ada") == {"x": 2}


async def test_two_enrollments_of_one_person_take_turns_to_change_it(lab: Lab) -> None:
    journey = await lab.start(
        "order -> wait 1h -> update -> exit", order=an_order(), update=update(change("orders", "INCREMENT", 1))
    )
    for id_ in ("1", "2", "3"):
        await lab.event("ada", "ordered", id=id_)
    await lab.tick()
    await lab.after(hours=1)
    assert await lab.tags("ada") == {"orders": 3}
    assert len(await lab.departed(journey, "ada")) == 3


async def test_a_random_split_draws_the_same_again(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> random.1 -> exit a
        random.2 -> exit2 b
        random.3 -> exit3 never
        """,
        random=random_split(30, 70, 0, sticky="PROFILE"),
    )
    people = [f"person {n}" for n in range(200)]
    for _ in range(2):
        await lab.enroll(journey, *people)
        await lab.tick()
    draws = [await lab.departed(journey, name) for name in people]
    assert all(first == second for first, second in draws)
    assert 40 <= sum(first == ("completed", "a") for first, _ in draws) <= 80
    assert not any(first == ("completed", "never") for first, _ in draws)


async def test_a_loop_leads_through_a_wait(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> wait 1h -> email -> split stop
        split -> wait
        split.1 -> exit
        """
    )
    await lab.enroll(journey, "ada")
    await lab.tick()
    for _ in range(3):
        await lab.after(hours=1)
    await lab.person("ada", stop=True)
    await lab.after(hours=1)
    assert await lab.sent(journey) == [("ada", "email")] * 4
    assert (await lab.paths(journey, "ada"))[-1] == "wait email split exit"


# Webhooks -------------------------------------------------------------------------------------------------------


async def test_nobody_waits_for_an_answer_that_does_not_matter(lab: Lab) -> None:
    journey = await lab.start("api -> webhook -> exit", webhook=webhook())
    await lab.enroll(journey, "ada")
    await lab.tick()
    assert await lab.sent(journey) == [("ada", "webhook")]
    assert await lab.paths(journey, "ada") == ["api webhook exit"]


CALLS = """
    api -> webhook -> exit fine
    webhook.1 -> exit2 failed
"""


@pytest.mark.parametrize(("output", "end"), [(0, "fine"), (1, "failed")])
async def test_the_answer_of_a_webhook_decides_the_way(lab: Lab, output: int, end: str) -> None:
    journey = await lab.start(CALLS, webhook=webhook())
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.answer(journey, "ada", "webhook", output)
    await lab.answer(journey, "ada", "webhook", 1 - output)
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", end)]


async def test_a_failure_that_leads_nowhere_leads_on(lab: Lab) -> None:
    journey = await lab.start("api -> webhook -> exit", webhook=webhook(wait_for_response=True))
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.answer(journey, "ada", "webhook", 1)
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "")]


async def test_a_webhook_that_never_answers_has_failed_after_a_day(lab: Lab) -> None:
    journey = await lab.start(CALLS, webhook=webhook())
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.after(days=1)
    assert await lab.departed(journey, "ada") == [("completed", "failed")]


async def test_what_was_saved_of_an_answer_is_known_afterwards(lab: Lab) -> None:
    journey = await lab.start(
        "api -> webhook -> update -> exit",
        webhook=webhook(save_response=[{"path": "coupon.code", "name": "coupon"}]),
        update=update(
            change("coupon", "SET", source=("ENTRY", "coupon")), change("size", "SET", source=("ENTRY", "size"))
        ),
    )
    await lab.enroll(journey, "ada", size="XL")
    await lab.tick()
    await lab.answer(journey, "ada", "webhook", coupon="C7")
    await lab.tick()
    assert await lab.tags("ada") == {"coupon": "C7", "size": "XL"}


# Drops, stops, pauses, edits ------------------------------------------------------------------------------------


async def test_a_drop_acts_between_what_came_before_and_after_it(lab: Lab) -> None:
    journey = await lab.start("buy -> email -> wait 1d -> exit", buy=on_event("bought", allow_reenter=True))
    await lab.event("ada", "bought")
    await lab.drop("ada", journey)
    await lab.event("ada", "bought")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("dropped", "dropped by API")]
    assert await lab.where(journey, "ada") == [("wait", NOON + DAY)]
    statuses = await lab.rows("select status::text, detail from message order by message_id")
    assert statuses == [("cancelled", "dropped"), ("queued", None)]


async def test_a_drop_concerns_one_journey_or_all(lab: Lab) -> None:
    journeys = [await lab.start("api -> wait 1d -> exit") for _ in range(3)]
    for journey in journeys:
        await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.drop("ada", journeys[0], journeys[1])
    await lab.drop("bob")
    await lab.tick()
    assert [len(await lab.where(journey, "ada")) for journey in journeys] == [0, 0, 1]
    assert [len(await lab.where(journey, "bob")) for journey in journeys] == [0, 0, 0]


@pytest.mark.parametrize("people", [1, 50])
async def test_a_journey_that_ends_stops_everybody(lab: Lab, people: int) -> None:
    lab.budget = Budget(people=people)
    journey = await lab.start("api -> email -> wait 1d -> exit")
    await lab.enroll(journey, "ada", "bob", "eve")
    await lab.tick()
    await lab.finish(journey)
    await lab.tick()
    assert [await lab.departed(journey, name) for name in ("ada", "bob", "eve")] == [
        [("stopped", "journey finished")]
    ] * 3
    assert await lab.rows("select distinct status::text from message") == [("cancelled",)]
    assert await lab.value("select count(*) from alarm") == 0


async def test_a_paused_journey_holds_everybody(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1h -> exit")
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.pause(journey)
    await lab.after(hours=2)
    assert await lab.where(journey, "ada") == [("wait", NOON + HOUR)]


async def test_events_count_while_a_journey_is_paused(lab: Lab) -> None:
    journey = await lab.start(HEARS, hears=awaiting("bought", period="1h"))
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.pause(journey)
    await lab.event("ada", "bought", at=NOON + MINUTE)
    await lab.after(hours=2)
    assert await lab.departed(journey, "ada") == []
    await lab.resume(journey)
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "heard")]
    assert await lab.departed(journey, "bob") == [("completed", "silence")]


@pytest.mark.parametrize(
    ("policy", "overdue", "waiting"),
    [
        ("RESUME_CONTINUE", "left", NOON + 4 * HOUR),
        ("RESUME_SHIFT", NOON + 3 * HOUR, NOON + 6 * HOUR),
        ("RESUME_SPREAD", NOON + 2.5 * HOUR, NOON + 4 * HOUR),
        ("RESUME_DROP_OVERDUE", "dropped", NOON + 4 * HOUR),
    ],
)
async def test_who_was_held_goes_on_by_the_policy(lab: Lab, policy: str, overdue: Any, waiting: datetime) -> None:
    """A pause from half past twelve to half past two. Ada's time passes in it, Bob's does not."""
    journey = await lab.start(
        """
        api -> split late
        split -> wait 2h -> exit
        split.1 -> wait2 4h -> exit
        """,
        settings={"resume_policy": policy},
        wait=wait(duration_seconds=3600),
        wait2=wait(duration_seconds=4 * 3600),
    )
    await lab.person("bob", late=True)
    await lab.enroll(journey, "bob")
    await lab.enroll(journey, "ada")
    await lab.tick()
    lab.now += 30 * MINUTE
    await lab.pause(journey)
    lab.now += 2 * HOUR
    await lab.tick()
    await lab.resume(journey)
    await lab.tick(lab.now + MINUTE)
    if overdue == "left":
        assert await lab.departed(journey, "ada") == [("completed", "")]
    elif overdue == "dropped":
        assert await lab.departed(journey, "ada") == [("dropped", "overdue after a pause")]
    else:
        [(_, at)] = await lab.where(journey, "ada")
        assert overdue <= at <= overdue + HOUR * (policy == "RESUME_SPREAD")
    assert [at for _, at in await lab.where(journey, "bob")] == [waiting]


async def test_a_fixed_period_that_is_decided_is_shifted_by_a_pause(lab: Lab) -> None:
    journey = await lab.start(
        HEARS, settings={"resume_policy": "RESUME_SHIFT"}, hears=awaiting("bought", period="3h", fixed_period=True)
    )
    await lab.enroll(journey, "ada")
    await lab.event("ada", "bought")
    await lab.tick()
    await lab.after(hours=1)
    await lab.pause(journey)
    await lab.after(hours=1)
    await lab.resume(journey)
    await lab.tick()
    assert await lab.where(journey, "ada") == [("hears", NOON + 4 * HOUR)]


@pytest.mark.parametrize("policy", ["RESUME_SHIFT", "RESUME_SPREAD", "RESUME_DROP_OVERDUE"])
async def test_whose_event_came_in_a_pause_goes_on_at_once(lab: Lab, policy: str) -> None:
    journey = await lab.start(HEARS, settings={"resume_policy": policy}, hears=awaiting("bought", period="3h"))
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.pause(journey)
    await lab.after(hours=1)
    await lab.event("ada", "bought")
    await lab.after(hours=1)
    await lab.resume(journey)
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "heard")]


async def test_people_on_a_removed_point_go_on_behind_it(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1d -> email -> exit")
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.edit(journey, graph("api -> email -> exit"))
    await lab.after(hours=1)
    assert await lab.paths(journey, "ada") == ["api wait", "wait email exit"]
    assert await lab.rows("select version_no, created_at from message") == [(2, NOON + HOUR)]


async def test_people_on_a_removed_point_are_dropped_if_the_settings_say_so(lab: Lab) -> None:
    settings = {"removed_points": "DROP"}
    journey = await lab.start("api -> wait 1d -> exit", settings=settings)
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.edit(journey, graph("api -> wait2 1h -> exit", settings=settings, wait2=wait(duration_seconds=3600)))
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("dropped", "point removed")]


async def test_a_removed_point_of_a_paused_journey_is_left_when_it_runs_again(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1d -> exit")
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.pause(journey)
    await lab.edit(journey, graph("api -> exit"))
    await lab.after(hours=1)
    assert len(await lab.where(journey, "ada")) == 1
    await lab.resume(journey)
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "")]


async def test_an_edit_changes_what_lies_ahead(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1h -> exit")
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.edit(journey, graph("api -> wait 1h -> email -> exit"))
    await lab.after(hours=1)
    assert await lab.paths(journey, "ada") == ["api wait", "wait email exit"]


# Counts ---------------------------------------------------------------------------------------------------------


async def test_counts_are_kept_per_point_and_hour(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> split vip
        split.1 -> email -> exit
        split -> wait 1h -> exit
        """
    )
    await lab.person("ada", vip=True)
    await lab.enroll(journey, "ada", "bob", "eve")
    await lab.after(minutes=30)
    await lab.drop("eve")
    await lab.after(hours=1)
    rows = await lab.rows("select point_no, metric, detail, hour, n from tally where shard = %s", lab.shard)
    one, two = NOON, NOON + HOUR
    numbers = {name: lab.number(journey, name) for name in ("api", "split", "email", "wait", "exit")}
    names = {number: name for name, number in numbers.items()}
    assert {(names[row[0]], *row[1:]) for row in rows} == {
        ("api", "entered", "", one, 3), ("api", "left", "default", one, 3),
        ("split", "entered", "", one, 3), ("split", "left", "output1", one, 1), ("split", "left", "default", one, 2),
        ("email", "entered", "", one, 1), ("email", "left", "default", one, 1),
        ("wait", "entered", "", one, 2),
        ("wait", "dropped", "dropped by API", two, 1), ("wait", "left", "default", two, 1),
        ("exit", "entered", "", one, 1), ("exit", "completed", "", one, 1),
        ("exit", "entered", "", two, 1), ("exit", "completed", "", two, 1),
    }  # fmt: skip


async def test_a_segment_entry_that_an_edit_adds_runs_at_once(lab: Lab) -> None:
    await lab.person("ada", x=True)
    journey = await lab.start("api -> wait 1h -> exit")
    await lab.after(hours=2)
    await lab.edit(journey, graph("api -> wait 1h -> exit\nall -> wait", all=segment(EVERYBODY)))
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["all wait"]
    await lab.after(days=1)
    assert await lab.paths(journey, "ada") == ["all wait", "wait exit"]
