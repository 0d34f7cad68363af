"""Live audiences, rule by rule: who comes in as they begin or cease to match. docs/segments.md has the rules."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sojourn.engine.catalog import Journey
from sojourn.engine.tick import Advance, Budget
from sojourn.model.segments import Expression
from sojourn.seglang import parse
from tests.lab import DAY, HOUR, NOON, SHOP, Lab, graph, segment, tagged, update
from tests.walker import Row

pytestmark = pytest.mark.both_postgres

VIP = tagged("vip")
LATELY = 'T("visit", GTE, "3 days ago")'


@pytest.fixture
async def lab(shared_database_url: str) -> AsyncIterator[Lab]:
    lab = await Lab.open(shared_database_url)
    await lab.clear()
    yield lab
    await lab.assert_nobody_is_lost()
    await lab.clear()
    await lab.close()


def watching(filter_: str = VIP, trigger: str = "JOINING", **fields: Any) -> Any:
    return segment(filter_, trigger=trigger, **fields)


async def entered(lab: Lab) -> list[tuple[str, datetime]]:
    """Return who came in, and when, in the order of their coming."""
    names = {number: name for name, number in lab.profiles.items()}
    rows = await lab.rows("select profile_id, entered_at from enrollment where shard = %s order by 2, 1", lab.shard)
    return [(names[profile_id], at) for profile_id, at in rows]


async def members(lab: Lab) -> set[str]:
    names = {number: name for name, number in lab.profiles.items()}
    rows = await lab.rows("select profile_id from audience_member where shard = %s and is_member", lab.shard)
    return {names[profile_id] for (profile_id,) in rows}


async def looks(lab: Lab) -> list[datetime]:
    """Return when the alarms of the shard ring."""
    return [at for (at,) in await lab.rows("select wake_at from alarm where shard = %s order by 1", lab.shard)]


async def two_people(lab: Lab) -> None:
    """Let there be somebody who matches and somebody who does not."""
    await lab.person("ada", vip=True)
    await lab.person("bob", vip=False)
    await lab.tick()


# Whom each trigger lets in --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("MATCHING", ["ada"]),
        ("DYNAMIC", ["ada", "bob", "eve"]),
        ("JOINING", ["bob", "eve"]),
        ("LEAVING", ["ada"]),
    ],
)
async def test_each_trigger_lets_in_its_people(lab: Lab, trigger: str, expected: list[str]) -> None:
    await two_people(lab)
    await lab.start("all -> exit", all=watching(trigger=trigger))
    await lab.tick()
    await lab.person("bob", vip=True)
    await lab.person("eve", vip=True)
    await lab.after(minutes=1)
    await lab.person("ada", vip=False)
    await lab.after(minutes=1)
    assert sorted(name for name, _ in await entered(lab)) == expected


async def test_whoever_joins_comes_in_within_the_tick_that_says_so(lab: Lab) -> None:
    await two_people(lab)
    journey = await lab.start("all -> wait 1d -> exit", all=watching())
    await lab.tick()
    await lab.person("bob", vip=True)
    await lab.after(minutes=5)
    assert await lab.where(journey, "bob") == [("wait", lab.now + DAY)]
    assert await lab.where(journey, "ada") == []


async def test_nobody_comes_in_or_is_watched_before_the_start(lab: Lab) -> None:
    await two_people(lab)
    await lab.start("all -> exit", all=watching(start_at=NOON + HOUR))
    await lab.tick()
    await lab.person("bob", vip=True)
    await lab.after(minutes=30)
    assert await members(lab) == set()
    await lab.after(minutes=30)
    assert await members(lab) == {"ada", "bob"}
    await lab.person("eve", vip=True)
    await lab.after(minutes=1)
    assert await entered(lab) == [("eve", lab.now)]


async def test_people_join_again_only_where_they_may(lab: Lab) -> None:
    once = await lab.start("all -> exit", all=watching())
    again = await lab.start("all -> exit", all=watching(allow_reenter=True))
    await lab.tick()
    for vip in (True, False, True):
        await lab.person("ada", vip=vip)
        await lab.after(minutes=1)
    assert len(await lab.paths(once, "ada")) == 1
    assert len(await lab.paths(again, "ada")) == 2


async def test_capping_counts_for_whoever_joins(lab: Lab) -> None:
    of = graph("all -> exit", settings={"capping": {"max_entries": 1, "period_seconds": 3600}},
               all=watching(allow_reenter=True))  # fmt: skip
    journey = await lab.start(of)
    await lab.tick()
    for vip in (True, False, True, False):
        await lab.person("ada", vip=vip)
        await lab.after(minutes=1)
    assert len(await lab.paths(journey, "ada")) == 1
    await lab.person("ada", vip=True)
    await lab.after(hours=1)
    assert len(await lab.paths(journey, "ada")) == 2


async def test_an_app_narrows_the_audience(lab: Lab) -> None:
    await lab.start("all -> exit", all=watching(application_code=SHOP))
    await lab.tick()
    await lab.person("ada", vip=True)
    await lab.after(minutes=1)
    assert await entered(lab) == []
    await lab.event("ada", "opened", app=SHOP)
    await lab.after(minutes=1)
    assert await entered(lab) == [("ada", lab.now)]


async def test_a_stored_segment_is_watched(lab: Lab) -> None:
    vips: Expression = parse(VIP)
    await lab.store_segment("VIPS0-00001", vips)
    await lab.start("all -> exit", all=segment(filter_code="VIPS0-00001", trigger="JOINING"))
    await lab.tick()
    await lab.person("ada", vip=True)
    await lab.after(minutes=1)
    assert await entered(lab) == [("ada", lab.now)]


async def test_strangers_are_looked_at_where_the_segment_means_them(lab: Lab) -> None:
    await lab.start("all -> exit", all=watching('T("vip", NOTSET)'))
    await lab.tick()
    await lab.event("ada", "opened")
    await lab.after(minutes=1)
    assert await entered(lab) == [("ada", lab.now)]


# What makes people join -----------------------------------------------------------------------------------------


async def test_devices_make_people_join(lab: Lab) -> None:
    await lab.start("all -> exit", all=watching(f'A("{SHOP}", ["iOS"], [with_tokens])'))
    await lab.tick()
    data = {"hwid": "x", "channel": "push", "platform": "iOS", "push_token": "t"}
    await lab.say(lab._row("device", "ada", data=data, app_id=lab.app_ids[SHOP]))
    await lab.after(minutes=1)
    assert await entered(lab) == [("ada", lab.now)]


async def test_events_make_people_join(lab: Lab) -> None:
    journeys = [
        await lab.start("all -> exit", all=watching(filter_))
        for filter_ in (
            'Event("order", app, "SHOP1-00001", count, GTE, 2)',
            'Event("order", sum, "price", GT, 100)',
            'Event("order", attr("price"), GT, 40)',
            'Not(Event("order", attr("price"), LT, 20, count, EQ, 0))',
        )
    ]
    await lab.tick()
    came: list[list[bool]] = []
    for price in (30, 10, 90):
        await lab.event("ada", "order", app=SHOP, price=price)
        await lab.after(minutes=1)
        came.append([bool(await lab.paths(journey, "ada")) for journey in journeys])
    assert came == [[False] * 4, [True, False, False, True], [True] * 4]


async def test_who_never_did_it_leaves_by_doing_it(lab: Lab) -> None:
    await lab.person("ada")
    await lab.tick()
    await lab.start("all -> exit", all=watching('Event("order", count, EQ, 0)', "LEAVING"))
    await lab.tick()
    await lab.event("ada", "order")
    await lab.after(minutes=1)
    assert await entered(lab) == [("ada", lab.now)]


@pytest.mark.parametrize(
    ("said", "filter_"),
    [
        (("attributes", {"language": "de"}), 'Fact("language", EQ, "de")'),
        (("attributes", {"user_id": "ann"}), 'Fact("user_id", EQ, "ann")'),
        (("attributes", {"time_zone": "Asia/Tokyo"}), 'Fact("time_zone", STARTS_WITH, "Asia/")'),
        (("attributes", {"location": {"country": "GB"}}), 'Fact(["location", "country"], EQ, "GB")'),
        (("attributes", {"location": {"latitude": 51.5, "longitude": -0.1}}), "Geo(51.5, -0.12, 25)"),
        (("attributes", {"operations": [{"op": "set", "tag": "role", "value": "boss"}]}), 'Fact("role", EQ, "boss")'),
        (("device", {"hwid": "x", "channel": "push", "platform": "iOS"}), 'Fact(["device", "os"], EQ, "iOS")'),
        (("device", {"hwid": "a@example.com", "channel": "email", "platform": "Email"}), 'Fact("email", SET)'),
    ],
)
async def test_what_is_known_makes_people_join(lab: Lab, said: tuple[str, dict[str, Any]], filter_: str) -> None:
    await lab.person("ada")
    await lab.tick()
    await lab.start("all -> exit", all=watching(filter_))
    await lab.tick()
    kind, data = said
    await lab.say(lab._row(kind, "ada", data=data, app_id=lab.app_ids[SHOP]))
    await lab.after(minutes=1)
    assert await entered(lab) == [("ada", lab.now)]


async def test_fixed_lists_make_people_join_and_leave(lab: Lab) -> None:
    await lab.store_list("GOLD0-00001")
    await lab.person("ada")
    await lab.tick()
    joining = await lab.start("all -> exit", all=watching('Static("GOLD0-00001")'))
    leaving = await lab.start("all -> exit", all=watching('Static("GOLD0-00001")', "LEAVING"))
    await lab.tick()
    word = {"segment_id": lab.lists["GOLD0-00001"]}
    await lab.say(lab._row("list", "ada", data=word | {"gone": False}))
    await lab.after(minutes=1)
    assert (len(await lab.paths(joining, "ada")), len(await lab.paths(leaving, "ada"))) == (1, 0)
    await lab.say(lab._row("list", "ada", data=word | {"gone": True}))
    await lab.after(minutes=1)
    assert (len(await lab.paths(joining, "ada")), len(await lab.paths(leaving, "ada"))) == (1, 1)


async def test_what_a_journey_changes_makes_people_join_another(lab: Lab) -> None:
    first = await lab.start(
        "api -> made -> wait 1h -> exit", made=update({"tag": "vip", "operation": "SET", "value": True})
    )
    second = await lab.start("all -> wait 1h -> exit", all=watching())
    await lab.tick()
    await lab.enroll(first, "ada")
    await lab.after(minutes=1)
    assert await lab.where(second, "ada") == [("wait", lab.now + HOUR)]


async def test_journeys_that_undo_each_others_changes_come_to_rest(lab: Lab) -> None:
    off = update({"tag": "vip", "operation": "SET", "value": False})
    on = update({"tag": "vip", "operation": "SET", "value": True})
    await lab.start("all -> on -> exit", all=watching(trigger="LEAVING", allow_reenter=True), on=on)
    await lab.start("all -> off -> exit", all=watching(allow_reenter=True), off=off)
    await lab.tick()
    await lab.person("ada", vip=True)
    await lab.after(minutes=1)
    assert [at for _, at in await entered(lab)] == [lab.now] * 2


async def test_people_written_past_the_inbox_are_looked_at(lab: Lab) -> None:
    journey = await lab.start("all -> exit", all=watching())
    await lab.tick()
    for name in ("ada", "bob"):
        await lab.conn.execute(
            "insert into profile (shard, profile_id, workspace_id, attributes, created_at, updated_at)"
            " values (%s, %s, %s, '{\"vip\": true}', %s, %s)",
            (lab.shard, lab.who(name), lab.workspace_id, lab.now, lab.now),
        )
    await lab.say(Row(kind="look", received_at=lab.now, data={"people": [lab.who("ada")]}))
    await lab.after(minutes=1)
    assert await entered(lab) == [("ada", lab.now)]
    await lab.pause(journey)
    await lab.say(Row(kind="look", received_at=lab.now, data={"people": [lab.who("bob")]}))
    await lab.after(minutes=1)
    await lab.resume(journey)
    await lab.after(minutes=1)
    assert (await entered(lab))[1:] == [("bob", lab.now)]


async def test_what_does_not_concern_an_audience_costs_it_nothing(lab: Lab) -> None:
    await two_people(lab)
    await lab.start("all -> exit", all=watching())
    await lab.tick()
    before = await lab.rows("select xmin, ctid from audience_member where shard = %s", lab.shard)
    await lab.person("ada", city="London")
    await lab.event("ada", "opened")
    await lab.after(minutes=1)
    assert await lab.rows("select xmin, ctid from audience_member where shard = %s", lab.shard) == before
    assert await looks(lab) == []


# The clock ------------------------------------------------------------------------------------------------------


async def test_time_makes_people_leave(lab: Lab) -> None:
    await lab.person("ada", visit="2026-03-01")
    await lab.tick()
    await lab.start("all -> exit", all=watching(LATELY, "LEAVING"))
    await lab.tick()
    leaves = datetime(2026, 3, 5, tzinfo=UTC)
    assert await looks(lab) == [leaves]
    await lab.tick(leaves)
    assert await entered(lab) == [("ada", leaves)]
    assert await looks(lab) == []


async def test_time_makes_people_join(lab: Lab) -> None:
    await lab.start("all -> exit", all=watching('T("visit", daysago, EQ, 2)'))
    await lab.tick()
    await lab.person("ada", visit="2026-03-02T09:00")
    await lab.after(minutes=1)
    joins = datetime(2026, 3, 4, tzinfo=UTC)
    assert (await members(lab), await looks(lab)) == (set(), [joins])
    await lab.tick(joins)
    assert await entered(lab) == [("ada", joins)]
    await lab.after(days=1)
    assert (await members(lab), await looks(lab)) == (set(), [])


@pytest.mark.parametrize(
    ("filter_", "leaves"),
    [
        ('Event("order", days, 3)', NOON + 3 * DAY + HOUR),
        ('Event("order", days, 3, count, GTE, 2)', NOON + 3 * DAY),
        ('Event("order", last, daysago, LTE, 1)', datetime(2026, 3, 4, tzinfo=UTC)),
        ('Event("order", when, GTE, "1 day ago")', datetime(2026, 3, 4, tzinfo=UTC)),
        ('Event("order", attr("due"), GTE, "0 days ago")', datetime(2026, 3, 6, tzinfo=UTC)),
        ("Updated(daysago, LT, 2)", datetime(2026, 3, 4, tzinfo=UTC)),
        ('Fact("created_at", daysago, LT, 2)', datetime(2026, 3, 4, tzinfo=UTC)),
        ("BTTS(12, 14)", NOON + 90 * DAY + HOUR),
    ],
)
async def test_time_makes_people_leave_at_its_instant(lab: Lab, filter_: str, leaves: datetime) -> None:
    """Whoever they are by what they did: at noon and an hour later."""
    await lab.start("all -> exit", all=watching(filter_, "LEAVING"))
    await lab.tick()
    for _ in range(2):
        await lab.event("ada", "order", due="2026-03-05")
        await lab.event("ada", "message_opened")
        await lab.tick()
        await lab.after(hours=1)
    assert await members(lab) == {"ada"}
    while (due := (await looks(lab))[0]) < leaves:
        await lab.tick(due)
    await lab.tick(leaves)
    assert await entered(lab) == [("ada", leaves)]


async def test_time_is_not_watched_for_whom_it_cannot_change_anything(lab: Lab) -> None:
    await lab.start("all -> exit", all=watching(f"{VIP} * {LATELY}"))
    await lab.tick()
    await lab.person("ada", visit="2026-03-02", vip=False)
    await lab.after(minutes=1)
    assert await looks(lab) == []


# The life of a journey ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["DYNAMIC", "JOINING"])
async def test_who_joined_during_a_pause_comes_in_once_it_is_over(lab: Lab, trigger: str) -> None:
    await two_people(lab)
    journey = await lab.start("all -> exit", all=watching(trigger=trigger))
    await lab.tick()
    await lab.pause(journey)
    await lab.person("bob", vip=True)
    await lab.person("eve", vip=True)
    await lab.after(minutes=1)
    await lab.person("eve", vip=False)
    await lab.after(minutes=1)
    before = await entered(lab)
    await lab.resume(journey)
    await lab.after(minutes=1)
    assert await entered(lab) == [*before, ("bob", lab.now)]
    assert await looks(lab) == []


async def test_what_time_did_during_a_pause_counts_once_it_is_over(lab: Lab) -> None:
    await lab.person("ada", visit="2026-03-01")
    await lab.tick()
    journey = await lab.start("all -> exit", all=watching(LATELY, "LEAVING"))
    await lab.tick()
    await lab.pause(journey)
    await lab.after(days=4)
    assert await entered(lab) == []
    await lab.resume(journey)
    await lab.after(hours=1)
    assert await entered(lab) == [("ada", lab.now)]


async def test_everybody_is_looked_at_again_after_a_draft(lab: Lab) -> None:
    await two_people(lab)
    journey = await lab.start("all -> exit", all=watching())
    await lab.tick()
    await lab.pause(journey)
    await lab.draft(journey)
    await lab.person("bob", vip=True)
    await lab.after(minutes=1)
    await lab.resume(journey)
    await lab.after(minutes=1)
    assert await entered(lab) == [("bob", lab.now)]


@pytest.mark.parametrize(("trigger", "expected"), [("DYNAMIC", ["ada", "bob"]), ("JOINING", []), ("LEAVING", [])])
async def test_an_edit_of_the_segment_makes_nobody_join(lab: Lab, trigger: str, expected: list[str]) -> None:
    """An entry that admits everybody who matches does so for the new segment, too."""
    await two_people(lab)
    journey = await lab.start("all -> exit", all=watching(trigger=trigger))
    await lab.tick()
    await lab.edit(journey, graph("all -> exit", all=watching('T("vip", EQ, false)', trigger, allow_reenter=True)))
    await lab.after(minutes=1)
    assert await members(lab) == {"bob"}
    assert sorted(name for name, _ in await entered(lab)) == expected


async def test_an_edit_elsewhere_leaves_the_audience_alone(lab: Lab) -> None:
    await two_people(lab)
    journey = await lab.start("all -> exit", all=watching(trigger="DYNAMIC", allow_reenter=True))
    await lab.tick()
    before = await lab.rows("select xmin, ctid from audience_member where shard = %s", lab.shard)
    await lab.edit(journey, graph("all -> wait 1d -> exit", all=watching(trigger="DYNAMIC", allow_reenter=True)))
    await lab.after(minutes=1)
    assert await lab.rows("select xmin, ctid from audience_member where shard = %s", lab.shard) == before
    assert len(await entered(lab)) == 1


async def test_another_trigger_begins_anew(lab: Lab) -> None:
    await two_people(lab)
    journey = await lab.start("all -> exit", all=watching())
    await lab.tick()
    await lab.edit(journey, graph("all -> exit", all=watching(trigger="DYNAMIC")))
    await lab.after(minutes=1)
    assert await entered(lab) == [("ada", lab.now)]


@pytest.mark.parametrize("gone", ["removed", "deactivated", "finished"])
async def test_an_audience_that_nobody_watches_is_forgotten(lab: Lab, gone: str) -> None:
    await lab.person("ada", visit="2026-03-01")
    await lab.tick()
    journey = await lab.start("all -> exit", all=watching(LATELY))
    await lab.tick()
    assert await members(lab) == {"ada"}
    match gone:
        case "removed":
            await lab.edit(journey, graph("api -> exit"))
        case "deactivated":
            await lab.edit(journey, graph("all -> exit", all=watching(LATELY, is_deactivated=True)))
        case _:
            await lab.finish(journey)
    await lab.after(minutes=1)
    assert (await members(lab), await looks(lab)) == (set(), [])
    assert await lab.rows("select from audience where shard = %s", lab.shard) == []


async def test_everybody_is_looked_at_in_batches(lab: Lab) -> None:
    lab.budget = Budget(people=2)
    names = [f"person {number}" for number in range(5)]
    await lab.person(*names, vip=True)
    await lab.person("late", vip=False)
    await lab.tick()
    await lab.start("all -> exit", all=watching(trigger="DYNAMIC"))
    await lab.tick()
    assert [name for name, _ in await entered(lab)] == names
    await lab.person("late", vip=True)
    await lab.after(minutes=1)
    assert (await entered(lab))[-1] == ("late", lab.now)


async def test_who_is_deleted_leaves_without_coming_in(lab: Lab) -> None:
    await two_people(lab)
    await lab.start("all -> exit", all=watching(trigger="LEAVING"))
    await lab.tick()
    await lab.conn.execute("delete from profile where shard = %s and profile_id = %s", (lab.shard, lab.who("ada")))
    await lab.conn.execute("update audience_member set check_at = %s where shard = %s", (lab.now, lab.shard))
    await lab.conn.execute(
        "insert into alarm select shard, journey_id, point_no, %s from audience where shard = %s", (lab.now, lab.shard)
    )
    await lab.tick()
    assert await entered(lab) == []
    assert await members(lab) == set()


# Several of one segment -----------------------------------------------------------------------------------------


async def test_audiences_of_one_segment_look_only_where_something_comes_of_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked: list[int] = []
    walk = Advance.walk

    async def counted(advance: Advance, journey: Journey, *more: Any) -> Any:
        walked.append(journey.journey_id)
        return await walk(advance, journey, *more)

    async def walks(name: str, **tags: Any) -> list[int]:
        walked.clear()
        await lab.person(name, **tags)
        await lab.after(minutes=1)
        return sorted(walked)

    await two_people(lab)
    triggers = ("JOINING", "JOINING", "LEAVING")
    places = [(await lab.start("all -> exit", all=watching(trigger=each))).journey_id for each in triggers]
    await lab.tick()
    monkeypatch.setattr(Advance, "walk", counted)
    assert await walks("ada", vip=True, city="Rome") == []
    assert await walks("bob", vip=True) == places
    assert [name for name, _ in await entered(lab)] == ["bob", "bob"]
    assert await walks("ada", vip=False) == places
    assert sorted(name for name, _ in await entered(lab)) == ["ada", "bob", "bob"]


async def test_audiences_of_one_segment_note_when_time_will_change_it(lab: Lab) -> None:
    for _ in range(2):
        await lab.start("all -> exit", all=watching('T("visit", LT, "2 days ago")'))
    await lab.person("eve", visit=None)
    await lab.tick()
    await lab.person("eve", visit=lab.now.date().isoformat())
    await lab.after(minutes=1)
    assert await entered(lab) == []
    await lab.after(days=3)
    assert [name for name, _ in await entered(lab)] == ["eve", "eve"]
