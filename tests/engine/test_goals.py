"""What journeys are for: conversions, the control group, and contests between the branches of random splitters."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sojourn.engine.upkeep import clean, keep_up
from sojourn.store.connection import connect
from tests.lab import DAY, HOUR, NOON, Lab, awaiting, having, on_event, random_split, wait
from tests.walker import Journey, in_control

pytestmark = pytest.mark.both_postgres

MANY = [f"p{number}" for number in range(200)]


@pytest.fixture
async def lab(shared_database_url: str) -> AsyncIterator[Lab]:
    lab = await Lab.open(shared_database_url)
    await lab.clear()
    yield lab
    await lab.assert_nobody_is_lost()
    await lab.clear()
    await lab.close()


def goal(name: str = "sale", event: str = "bought", **fields: Any) -> dict[str, Any]:
    return {"name": name, "event_name": event, **fields}


def aimed(*goals: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"conversion_goals": list(goals or [goal()]), **fields}


async def conversions(lab: Lab, name: str) -> list[tuple[Any, ...]]:
    """Return the goals that somebody reached: which, after how long, and what it is worth."""
    rows = await lab.rows(
        "select c.goal, c.at - n.entered_at, c.value from conversion as c"
        " join enrollment as n using (shard, enrollment_id)"
        " where c.shard = %s and n.profile_id = %s order by c.enrollment_id, c.goal",
        lab.shard, lab.who(name),
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def counted(lab: Lab, metric: str) -> dict[tuple[int, str], int]:
    rows = await lab.rows("select point_no, detail, sum(n)::int from tally where metric = %s group by 1, 2", metric)
    return {(point_no, detail): n for point_no, detail, n in rows}


# Conversions --------------------------------------------------------------------------------------------------


async def test_what_somebody_does_inside_counts_once(lab: Lab) -> None:
    journey = await lab.start("api -> wait 2d -> exit", settings=aimed(goal(value_attribute="price")))
    await lab.enroll(journey, "ada")
    await lab.event("ada", "bought", price=1)  # before the entries of its tick
    await lab.tick()
    await lab.event("ada", "visited")
    await lab.after(hours=1)
    await lab.event("ada", "bought", price=9.99)
    await lab.event("ada", "bought", price=20)
    await lab.after(hours=1)
    await lab.event("ada", "bought", price=30)
    await lab.after(hours=1)
    assert await conversions(lab, "ada") == [("sale", 2 * HOUR - HOUR, Decimal("9.99"))]
    assert await counted(lab, "goal") == {(1, "sale"): 1}
    assert [place for place, _ in await lab.where(journey, "ada")] == ["wait"]


async def test_who_has_left_can_still_convert_until_the_window_closes(lab: Lab) -> None:
    journey = await lab.start("api -> exit", settings=aimed(conversion_window={"seconds": 7200}))
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.event("ada", "bought")
    await lab.after(hours=2)
    lab.now += timedelta(seconds=1)
    await lab.event("bob", "bought")
    await lab.tick()
    assert len(await conversions(lab, "ada")) == 1
    assert await conversions(lab, "bob") == []


async def test_a_week_is_the_window_where_none_is_named(lab: Lab) -> None:
    journey = await lab.start("api -> exit", settings=aimed())
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    lab.now += 7 * DAY
    await lab.event("ada", "bought")
    await lab.tick()
    lab.now += timedelta(seconds=1)
    await lab.event("bob", "bought")
    await lab.tick()
    assert (len(await conversions(lab, "ada")), len(await conversions(lab, "bob"))) == (1, 0)


async def test_what_counts_is_when_it_happened(lab: Lab) -> None:
    """An import of last year's orders converts nobody; an order that was late to arrive converts whoever placed it."""
    journey = await lab.start("api -> exit", settings=aimed(conversion_window={"seconds": 3600}))
    await lab.enroll(journey, "ada", "bob")
    await lab.tick(NOON + timedelta(milliseconds=700))
    lab.now = NOON + 5 * HOUR
    await lab.say(lab._row("event", "ada", name="bought", occurred_at=NOON - DAY))
    await lab.say(lab._row("event", "bob", name="bought", occurred_at=NOON))  # clocks that tell whole seconds
    await lab.tick()
    assert (len(await conversions(lab, "ada")), len(await conversions(lab, "bob"))) == (0, 1)


async def test_conditions_and_values(lab: Lab) -> None:
    costly = goal("big", value_attribute="price", event_conditions=[having("price", "GTE", 100)])
    journey = await lab.start("api -> wait 2d -> exit", settings=aimed(goal(value_attribute="price"), costly))
    await lab.enroll(journey, "ada", "bob", "cyd", "dan")
    await lab.tick()
    for name, price in {"ada": "12.345678", "bob": 250, "cyd": "cheap", "dan": 1e300}.items():
        await lab.event(name, "bought", price=price)
    await lab.tick()
    found = {name: [(g, v) for g, _, v in await conversions(lab, name)] for name in ("ada", "bob", "cyd", "dan")}
    assert found == {
        "ada": [("sale", Decimal("12.3457"))],
        "bob": [("big", Decimal(250)), ("sale", Decimal(250))],
        "cyd": [("sale", None)],
        "dan": [("big", None), ("sale", None)],
    }


async def test_a_goal_can_end_the_journey(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> email -> hears.1 -> email2 more -> exit
        hears -> exit
        """,
        settings=aimed(goal(ends_journey=True)),
        hears=awaiting("bought"),
    )
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.event("ada", "bought")
    await lab.after(hours=1)
    assert await lab.departed(journey, "ada") == [("goal", "sale")]
    assert await lab.sent(journey) == [("ada", "email")]
    assert await lab.rows("select status::text, detail from message") == [("cancelled", "goal reached")]
    assert await counted(lab, "goal_exit") == {(lab.number(journey, "hears"), "sale"): 1}


async def test_who_leaves_by_a_goal_can_come_again_at_once(lab: Lab) -> None:
    journey = await lab.start(
        "order -> wait 2d -> exit",
        order=on_event("bought", allow_reenter=True),
        settings=aimed(goal(ends_journey=True)),
    )
    await lab.event("ada", "bought")
    await lab.tick()
    await lab.event("ada", "bought")
    await lab.after(hours=1)
    assert await lab.departed(journey, "ada") == [("goal", "sale")]
    assert len(await lab.where(journey, "ada")) == 1


async def test_every_enrollment_converts_by_itself(lab: Lab) -> None:
    order = on_event("ordered", multi_entry={"enabled": True, "key_attribute": "id"})
    await lab.start("order -> wait 2d -> exit", order=order, settings=aimed())
    await lab.event("ada", "ordered", id="1")
    await lab.event("ada", "ordered", id="2")
    await lab.tick()
    await lab.event("ada", "bought")
    await lab.after(hours=1)
    assert len(await conversions(lab, "ada")) == 2


async def test_a_pause_stops_no_conversion(lab: Lab) -> None:
    journey = await lab.start("api -> wait 2d -> exit", settings=aimed(goal(ends_journey=True)))
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.pause(journey)
    await lab.event("ada", "bought")
    await lab.after(hours=1)
    assert await lab.departed(journey, "ada") == [("goal", "sale")]


async def test_a_finished_journey_still_counts_until_every_window_has_closed(lab: Lab) -> None:
    journey = await lab.start("api -> wait 2d -> exit", settings=aimed(goal(), goal("visit", "visited")))
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.finish(journey)
    await lab.event("ada", "bought")
    await lab.after(hours=1)
    assert len(await conversions(lab, "ada")) == 1
    assert await lab.value("select count(*) from listener") == 2
    await keep_up(lab.conn, lab.now + 29 * DAY)
    assert await lab.value("select count(*) from listener") == 2
    await keep_up(lab.conn, lab.now + 31 * DAY)
    assert await lab.value("select count(*) from listener") == 0


# The control group --------------------------------------------------------------------------------------------


async def test_the_control_group_is_only_watched(lab: Lab) -> None:
    journey = await lab.start("api -> email -> wait 2d -> exit", settings=aimed(control_group_percent=30))
    await lab.enroll(journey, *MANY)
    await lab.tick()
    watched = [name for name in MANY if in_control(journey, lab.who(name))]
    assert 30 < len(watched) < 90
    one, other = watched[0], next(name for name in MANY if name not in watched)
    assert await lab.departed(journey, one) == [("control", "control group")]
    assert await lab.paths(journey, one) == []
    assert len(await lab.sent(journey)) == len(MANY) - len(watched)
    assert await lab.answers() == {"entered": len(MANY)}
    assert (await counted(lab, "entered"))[1, ""] == len(MANY)
    assert await counted(lab, "control") == {(1, ""): len(watched)}
    await lab.event(one, "bought")
    await lab.event(other, "bought")
    await lab.after(hours=1)
    assert (await counted(lab, "control_goal"), await counted(lab, "goal")) == ({(1, "sale"): 1}, {(1, "sale"): 1})


async def test_who_is_watched_comes_no_more_often_than_others(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1d -> exit", settings=aimed(control_group_percent=50))
    await lab.enroll(journey, *MANY)
    await lab.tick()
    await lab.enroll(journey, *MANY)
    await lab.after(hours=1)
    assert await lab.answers() == {"entered": len(MANY), "already inside": len(MANY)}
    await lab.after(days=8)
    await lab.enroll(journey, *MANY)
    await lab.tick()
    assert await lab.answers() == {"entered": 2 * len(MANY), "already inside": len(MANY)}


async def test_a_transactional_journey_watches_nobody(lab: Lab) -> None:
    journey = await lab.start("api -> exit", settings=aimed(control_group_percent=50, transactional=True))
    await lab.enroll(journey, *MANY)
    await lab.tick()
    assert await counted(lab, "completed") == {(2, ""): len(MANY)}


# Contests -----------------------------------------------------------------------------------------------------

CONTEST = """
    api -> random.1 -> wait 5d -> exit
    random.2 -> wait2 5d -> exit
"""
RULE = {"mode": "AUTOMATIC", "goal": "sale", "min_sample": 50, "significance": 0.95}


async def contest(lab: Lab, **fields: Any) -> Journey:
    return await lab.start(CONTEST, settings=aimed(), random=random_split(50, 50, **({"winner": RULE} | fields)))


async def at(lab: Lab, journey: Journey, place: str) -> set[str]:
    """Return who stands at a point."""
    names = {number: name for name, number in lab.profiles.items()}
    rows = await lab.rows(
        "select profile_id from stay where shard = %s and journey_id = %s and point_no = %s",
        lab.shard, journey.journey_id, lab.number(journey, place),
    )  # fmt: skip
    return {names[row[0]] for row in rows}


async def decide(lab: Lab, journey: Journey) -> int | None:
    """Do the upkeep; return the output that has won."""
    conn = await connect(lab.url, application_name="upkeep", autocommit=True)
    try:
        await clean(conn, lab.now)
    finally:
        await conn.close()
    rows = await lab.rows("select output from splitter_winner where journey_id = %s", journey.journey_id)
    return rows[0][0] if rows else None


async def test_the_branch_that_converts_more_gets_everybody_who_comes_later(lab: Lab) -> None:
    journey = await contest(lab)
    await lab.enroll(journey, *MANY)
    await lab.tick()
    first, second = await at(lab, journey, "wait"), await at(lab, journey, "wait2")
    assert min(len(first), len(second)) >= 50
    assert await decide(lab, journey) is None  # nobody has converted
    for name in sorted(second)[:40]:
        await lab.event(name, "bought")
    for name in sorted(first)[:5]:
        await lab.event(name, "bought")
    await lab.after(hours=1)
    assert await decide(lab, journey) == 2
    later = [f"late{number}" for number in range(30)]
    await lab.enroll(journey, *later)
    await lab.after(hours=1)
    assert await at(lab, journey, "wait") == first
    assert await at(lab, journey, "wait2") == second | set(later)
    numbers = await lab.value("select numbers from splitter_winner")
    assert numbers["samples"] == {
        "1": {"people": len(first), "conversions": 5},
        "2": {"people": len(second), "conversions": 40},
    }
    assert await lab.value("select count(*) from draw") == len(MANY)


async def test_it_is_too_soon_while_a_branch_lacks_people(lab: Lab) -> None:
    journey = await contest(lab, winner=RULE | {"min_sample": 150})
    await lab.enroll(journey, *MANY)
    await lab.tick()
    for name in await at(lab, journey, "wait2"):
        await lab.event(name, "bought")
    await lab.after(hours=1)
    assert await decide(lab, journey) is None


async def test_what_was_bought_before_the_draw_proves_nothing(lab: Lab) -> None:
    journey = await lab.start(
        "api -> pause -> random.1 -> wait 5d -> exit\nrandom.2 -> wait2 5d -> exit",
        pause=wait(duration_seconds=86400),
        settings=aimed(),
        random=random_split(50, 50, winner=RULE, sticky="PROFILE"),
    )
    await lab.enroll(journey, *MANY)
    await lab.tick()
    for name in MANY[::2]:
        await lab.event(name, "bought")
    await lab.after(hours=1)
    await lab.after(days=1)
    rows = await lab.rows("select count(*) from draw")
    assert rows == [(len(MANY),)]
    assert await decide(lab, journey) is None


async def test_whose_draw_was_kept_keeps_it_when_they_come_again(lab: Lab) -> None:
    journey = await lab.start(
        "api -> random.1 -> wait 1d -> exit\nrandom.2 -> wait2 1d -> exit",
        settings=aimed(),
        random=random_split(50, 50, winner={"mode": "MANUAL"}, sticky="PROFILE"),
    )
    await lab.enroll(journey, *MANY)
    await lab.tick()
    first = await at(lab, journey, "wait")
    await lab.after(days=2)
    await lab.choose(journey, lab.number(journey, "random"), 2)
    await lab.enroll(journey, *MANY, "new")
    await lab.after(hours=1)
    assert await at(lab, journey, "wait") == first
    assert "new" in await at(lab, journey, "wait2")


async def test_two_workers_choose_once(lab: Lab) -> None:
    journey = await contest(lab)
    await lab.enroll(journey, *MANY)
    await lab.tick()
    for name in await at(lab, journey, "wait2"):
        await lab.event(name, "bought")
    await lab.after(hours=1)
    other = await connect(lab.url, application_name="other", autocommit=True)
    async with other.transaction():
        await other.execute("select from journey for update")
        assert await decide(lab, journey) is None  # somebody else is at it
    await other.close()
    assert await decide(lab, journey) == 2
    epoch = await lab.value("select epoch from installation")
    lab.now += HOUR
    assert await decide(lab, journey) == 2
    assert await lab.value("select epoch from installation") == epoch
