"""What the journeys dialect brought along: pages, clicks, content, rule trees, goals, deadlines, audiences."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sojourn.model.segments import Attribute
from tests.lab import DAY, HOUR, NOON, SHOP, SITE, Lab, point
from tests.walker import Journey

pytestmark = pytest.mark.both_postgres

TOUR: dict[str, Any] = {"content_id": "tour", "content_type": "FLOW"}
PRICING = point("url_match", match_type="EXACT", pattern="/pricing")


@pytest.fixture
async def lab(shared_database_url: str) -> AsyncIterator[Lab]:
    lab = await Lab.open(shared_database_url)
    await lab.clear()
    yield lab
    await lab.assert_nobody_is_lost()
    await lab.clear()
    await lab.close()


async def entered(lab: Lab, journey: Journey) -> list[str]:
    rows = await lab.rows(
        "select profile_id from enrollment where journey_id = %s order by enrollment_id", journey.journey_id
    )
    names = {number: name for name, number in lab.profiles.items()}
    return [names[number] for (number,) in rows]


async def identify(lab: Lab, *names: str) -> None:
    await lab.say(*(lab._row("attributes", name, data={"user_id": name}) for name in names))


# Pages and clicks ---------------------------------------------------------------------------------------------


async def test_who_views_the_page_of_the_site_comes_in(lab: Lab) -> None:
    journey = await lab.start("page -> wait 1d -> exit", page=PRICING)
    urls = {
        "ada": "https://shop.example/pricing",
        "bob": "https://shop.example/pricing?plan=pro#top",
        "cid": "https://shop.example/pricing/more",
        "dan": "//shop.example/pricing#top",
        "eve": "/pricing",
    }
    for name, url in urls.items():
        await lab.event(name, "page_view", app=SHOP, url=url)
    await lab.event("fay", "page_view", app=SITE, url="https://shop.example/pricing")
    await lab.event("gus", "page_view", url="https://shop.example/pricing")
    await lab.event("hal", "page_view", app=SHOP, url=7)
    await lab.tick()
    assert await entered(lab, journey) == ["ada", "bob", "dan", "eve"]


@pytest.mark.parametrize(
    ("how", "pattern", "fits"),
    [
        ("CONTAINS", "example/pri", True),
        ("CONTAINS", "/example", False),
        ("STARTS_WITH", "https://shop", True),
        ("STARTS_WITH", "/pri", True),
        ("ENDS_WITH", "x=1", True),
        ("ENDS_WITH", "pricing", False),
        ("REGEX", r"^/pri\w+\?", True),
        ("REGEX", "example$", False),
        ("EXACT", "https://shop.example/pricing", True),
        ("EXACT", "/PRICING", False),
    ],
)
async def test_addresses_are_held_against_patterns(lab: Lab, how: str, pattern: str, fits: bool) -> None:
    journey = await lab.start("page -> wait 1d -> exit", page=point("url_match", match_type=how, pattern=pattern))
    await lab.event("ada", "page_view", app=SHOP, url="https://shop.example/pricing?x=1")
    await lab.tick()
    assert bool(await entered(lab, journey)) is fits


async def test_who_clicks_the_element_comes_in(lab: Lab) -> None:
    journey = await lab.start("click -> wait 1d -> exit", click=point("element_click", selector="#buy"))
    await lab.event("ada", "click", app=SHOP, selector="#buy")
    await lab.event("bob", "click", app=SHOP, selector=["a.button", "#buy"])
    await lab.event("cid", "click", app=SHOP, selector="#buy-later")
    await lab.tick()
    assert await entered(lab, journey) == ["ada", "bob"]


# Content ------------------------------------------------------------------------------------------------------

SHOWN = """
    api -> show -> wait 1d -> exit
    show.1 -> wait 2d -> exit
    show.2 -> wait 3d -> exit
"""


async def test_content_holds_until_its_report(lab: Lab) -> None:
    journey = await lab.start(SHOWN, show=point("content", **TOUR, timeout_seconds=3600))
    await lab.enroll(journey, "ada", "bob", "cid")
    await lab.tick()
    assert await lab.where(journey, "ada") == [("show", NOON + HOUR)]
    lab.now += timedelta(minutes=1)
    await lab.answer(journey, "ada", "show", 0)
    await lab.answer(journey, "bob", "show", 1)
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["wait"]
    assert [name for name, _ in await lab.where(journey, "bob")] == ["wait2"]
    assert [name for name, _ in await lab.where(journey, "cid")] == ["show"]
    await lab.after(hours=1)
    assert [name for name, _ in await lab.where(journey, "cid")] == ["wait3"]


async def test_a_report_about_another_enrollment_or_point_or_too_late_moves_nobody(lab: Lab) -> None:
    journey = await lab.start(
        "api -> show -> more -> exit", show=point("content", **TOUR), more=point("content", **TOUR)
    )
    other = await lab.start("on2 -> show -> exit", on2=PRICING, show=point("content", **TOUR))
    await lab.enroll(journey, "ada", "bob")
    await lab.event("ada", "page_view", app=SHOP, url="/pricing")
    await lab.tick()
    await lab.answer(journey, "ada", "more", 0)
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["show"]
    await lab.answer(journey, "ada", "show", 0)
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["more"]
    await lab.answer(journey, "ada", "show", 1)
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["more"]
    assert [name for name, _ in await lab.where(journey, "bob")] == ["show"]
    assert [name for name, _ in await lab.where(other, "ada")] == ["show"]


async def test_a_second_report_about_the_former_point_does_not_swallow_the_one_about_the_present(lab: Lab) -> None:
    journey = await lab.start(
        "api -> show -> more -> exit", show=point("content", **TOUR), more=point("content", **TOUR)
    )
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.answer(journey, "ada", "show")
    await lab.tick()
    await lab.answer(journey, "ada", "show")
    await lab.answer(journey, "ada", "more")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "")]


async def test_a_late_report_of_somebody_who_was_merged_does_not_move_who_has_their_number_now(lab: Lab) -> None:
    journey = await lab.start("api -> show -> exit", show=point("content", **TOUR))
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    number = await lab.value("select enrollment_id from stay where profile_id = %s", lab.who("bob"))
    about = {"enrollment_id": number, "journey_id": journey.journey_id, "point_no": lab.number(journey, "show")}
    await lab.say(lab._row("outcome", "ada", data=about | {"output": 0, "entry": {}}))
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "bob")] == ["show"]


async def test_a_report_about_a_former_visit_of_the_same_point_moves_nobody(lab: Lab) -> None:
    journey = await lab.start("api -> show -> wait 1h -> show", show=point("content", **TOUR))
    await lab.enroll(journey, "ada")
    await lab.tick()
    visits: list[str] = []
    for _ in range(2):
        visits.append(str(await lab.value("select since from stay")))
        await lab.answer(journey, "ada", "show", since=visits[-1])
        await lab.tick()
        assert [name for name, _ in await lab.where(journey, "ada")] == ["wait"]
        await lab.after(hours=1)
    for since in visits:
        await lab.answer(journey, "ada", "show", since=since)
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["show"]


async def test_a_report_before_the_tick_wins_against_the_timeout(lab: Lab) -> None:
    journey = await lab.start(SHOWN, show=point("content", **TOUR, timeout_seconds=3600))
    await lab.enroll(journey, "ada")
    await lab.tick()
    lab.now += 2 * HOUR
    await lab.answer(journey, "ada", "show", 1)
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["wait2"]


async def test_without_ways_of_their_own_all_leave_by_the_same(lab: Lab) -> None:
    journey = await lab.start(
        "api -> show -> wait 1d -> exit\nshow.2 -> exit", show=point("content", **TOUR, timeout_seconds=3600)
    )
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.answer(journey, "ada", "show", 1)
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["wait"]
    await lab.after(hours=1)
    assert await lab.departed(journey, "bob") == [("completed", "")]


# Rule trees and goals -----------------------------------------------------------------------------------------


async def test_people_are_parted_by_the_first_rule_tree_that_describes_them(lab: Lab) -> None:
    pro = {"field": "traits.plan", "operator": "eq", "value": "pro"}
    often = {"field": "events.visit.count", "operator": "gte", "value": 2}
    branches = [{"label": "pro", "rule_tree": json.dumps(pro)}, {"label": "often", "rule_tree": json.dumps(often)}]
    journey = await lab.start(
        "api -> which -> exit else\nwhich.1 -> wait 1d -> exit\nwhich.2 -> wait 2d -> exit",
        which=point("condition", branches=branches),
    )
    await lab.person("ada", plan="pro")
    await lab.event("ada", "visit")
    for _ in range(2):
        await lab.event("bob", "visit")
    await lab.event("cid", "visit")
    await lab.enroll(journey, "ada", "bob", "cid")
    await lab.tick()
    assert [name for name, _ in await lab.where(journey, "ada")] == ["wait"]
    assert [name for name, _ in await lab.where(journey, "bob")] == ["wait2"]
    assert await lab.departed(journey, "cid") == [("completed", "else")]


CHECKED = "api -> wait 1h -> check -> exit no\ncheck.1 -> exit2 yes"


async def test_a_check_sees_what_was_reached_since_the_entry(lab: Lab) -> None:
    settings = {"goal": {"flow_completed": {"flow_id": "tour"}}, "conduct": {"exit_on_goal": False}}
    journey = await lab.start(CHECKED, settings=settings, check=point("goal_check"), exit2=point("exit", outcome="yes"))
    own = await lab.start(
        CHECKED, check=point("goal_check", goal={"event": {"event_name": "paid"}}), exit2=point("exit", outcome="yes")
    )
    await lab.event("bob", "content_completed", content="tour")
    await lab.tick()
    lab.now += timedelta(seconds=5)
    await lab.enroll(journey, "ada", "bob")
    await lab.enroll(own, "ada", "bob")
    await lab.tick()
    await lab.event("ada", "content_completed", content="tour")
    await lab.event("ada", "content_completed", content="survey")
    await lab.event("bob", "paid")
    await lab.after(hours=1)
    assert await lab.departed(journey, "ada") == [("completed", "yes")]
    assert await lab.departed(journey, "bob") == [("completed", "no")]
    assert await lab.departed(own, "ada") == [("completed", "no")]
    assert await lab.departed(own, "bob") == [("completed", "yes")]


async def test_who_reaches_the_goal_leaves_however_late(lab: Lab) -> None:
    goal = {"page_visit": {"match_type": "STARTS_WITH", "pattern": "/thanks"}}
    journey = await lab.start("api -> wait 60d -> exit", settings={"goal": goal})
    await lab.enroll(journey, "ada", "bob")
    await lab.after(days=40)
    await lab.event("ada", "page_view", url="https://shop.example/thanks?order=1")
    await lab.event("bob", "page_view", url="https://shop.example/")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("goal", "journey goal")]
    assert await lab.departed(journey, "bob") == []


async def test_an_attribute_that_comes_to_match_is_a_goal(lab: Lab) -> None:
    goal = {"attribute_match": {"field": "plan", "operator": "eq", "value": "pro"}}
    journey = await lab.start("api -> wait 60d -> exit", settings={"goal": goal})
    upgrade = point("update_profile", operations=[{"tag": "plan", "operation": "SET", "value": "pro"}])
    other = await lab.start("on2 -> upgrade -> exit", on2=PRICING, upgrade=upgrade)
    await lab.person("ada", "bob", "cid", plan="free")
    await lab.enroll(journey, "ada", "bob", "cid")
    await lab.tick()
    await lab.person("ada", plan="pro")
    await lab.person("cid", age=30)
    await lab.event("bob", "page_view", app=SHOP, url="/pricing")
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("goal", "journey goal")]
    assert await lab.departed(other, "bob") == [("completed", "")]
    assert await lab.departed(journey, "bob") == [("goal", "journey goal")]
    assert await lab.departed(journey, "cid") == []


# Deadlines ----------------------------------------------------------------------------------------------------

LATE: dict[str, Any] = {"goal": {"event": {"event_name": "bought"}, "deadline_days": 2}}


async def test_after_the_deadline_people_are_abandoned_wherever_they_are(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1d -> email a -> show -> exit", settings=LATE, show=point("content", **TOUR))
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.event("bob", "bought")
    await lab.after(days=1)
    await lab.enroll(journey, "cid")
    await lab.tick()
    await lab.after(days=1)
    assert await lab.departed(journey, "ada") == [("abandoned", "deadline passed")]
    assert await lab.departed(journey, "bob") == [("goal", "journey goal")]
    assert await lab.departed(journey, "cid") == []
    assert await lab.rows("select status::text from message order by message_id") == [("cancelled",), ("queued",)]
    assert await lab.rows("select wake_at from alarm where point_no = 0") == [(NOON + 3 * DAY,)]
    await lab.after(days=1)
    assert await lab.departed(journey, "cid") == [("abandoned", "deadline passed")]
    assert await lab.rows("select 1 from deadline") == []
    assert await lab.rows("select 1 from alarm where point_no = 0") == []


async def test_who_has_reached_the_goal_in_time_is_not_abandoned_by_staying_on(lab: Lab) -> None:
    settings = LATE | {"conduct": {"exit_on_goal": False}, "conversion_goals": [{"name": "seen", "event_name": "saw"}]}
    journey = await lab.start("api -> wait 3d -> exit", settings=settings)
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    await lab.event("ada", "bought")
    await lab.event("bob", "saw")
    await lab.after(days=2)
    assert await lab.departed(journey, "ada") == []
    assert await lab.departed(journey, "bob") == [("abandoned", "deadline passed")]
    assert await lab.rows("select 1 from deadline") == []
    await lab.after(days=1)
    assert await lab.departed(journey, "ada") == [("completed", "")]


async def test_a_deadline_waits_while_the_journey_is_held(lab: Lab) -> None:
    journey = await lab.start("api -> wait 9d -> exit", settings=LATE | {"resume_policy": "RESUME_SHIFT"})
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.pause(journey)
    await lab.after(days=3)
    assert await lab.departed(journey, "ada") == []
    await lab.resume(journey)
    await lab.after(days=1)
    assert await lab.departed(journey, "ada") == []
    await lab.after(days=1)
    assert await lab.departed(journey, "ada") == [("abandoned", "deadline passed")]


# Who may come in ----------------------------------------------------------------------------------------------


async def test_people_come_again_once_they_have_cooled_down(lab: Lab) -> None:
    conduct = {"reentry": {"mode": "COOLDOWN", "cooldown_hours": 2}}
    journey = await lab.start("page -> exit", settings={"conduct": conduct}, page=PRICING)
    once = await lab.start("api -> exit", settings={"conduct": {}})
    for hours in (0, 1, 1, 1):
        lab.now += hours * HOUR
        await lab.event("ada", "page_view", app=SHOP, url="/pricing")
        await lab.enroll(once, "ada")
        await lab.tick()
    assert await entered(lab, journey) == ["ada", "ada"]
    assert await entered(lab, once) == ["ada"]
    assert await lab.answers() == {"entered": 1, "entered before": 3}


async def test_visitors_come_in_only_where_they_may(lab: Lab) -> None:
    known = await lab.start("page -> exit", settings={"admits_anonymous": False}, page=PRICING)
    anybody = await lab.start("page -> exit", page=PRICING)
    await identify(lab, "ada")
    for name in ("ada", "bob"):
        await lab.event(name, "page_view", app=SHOP, url="/pricing")
    await lab.tick()
    assert await entered(lab, known) == ["ada"]
    assert await entered(lab, anybody) == ["ada", "bob"]


async def test_an_audience_restricts_triggers_and_comes_in_by_itself_where_requests_do(lab: Lab) -> None:
    await lab.store_segment("PROS", Attribute(path=("plan",), operator="EQ", values=("pro",)))
    await lab.person("ada", plan="pro")
    await lab.person("bob", "cid", plan="free")
    paged = await lab.start("page -> exit", settings={"audience_code": "PROS"}, page=PRICING)
    asked = await lab.start("api -> wait 9d -> exit", settings={"audience_code": "PROS", "conduct": {}})
    for name in ("ada", "bob"):
        await lab.event(name, "page_view", app=SHOP, url="/pricing")
    await lab.tick()
    assert await entered(lab, paged) == ["ada"]
    assert await entered(lab, asked) == ["ada"]
    await lab.person("bob", plan="pro")
    await lab.enroll(asked, "cid")
    await lab.tick()
    assert await entered(lab, asked) == ["ada", "cid", "bob"]


async def test_an_operator_lets_in_whom_they_name_a_page_only_people_of_the_audience(lab: Lab) -> None:
    await lab.store_segment("PROS", Attribute(path=("plan",), operator="EQ", values=("pro",)))
    again = {"audience_code": "PROS", "conduct": {"reentry": {"mode": "ALWAYS"}}}
    journey = await lab.start("api -> exit", settings=again)
    await lab.person("ada", plan="pro")
    await lab.person("bob", "cid", plan="free")
    await lab.tick()
    assert await entered(lab, journey) == ["ada"]
    lab.now += HOUR
    await lab.enroll(journey, "ada", "bob", "cid", "dot", by_page=True)
    await lab.enroll(journey, "cid")  # who is named by both is judged as the operator's
    await lab.tick()
    assert await entered(lab, journey) == ["ada", "ada", "cid"]
    assert await lab.answers() == {"entered": 2, "named twice": 1, "not in audience": 2}


# Closed journeys ----------------------------------------------------------------------------------------------


async def test_in_a_closed_journey_people_go_on_and_nobody_comes_in(lab: Lab) -> None:
    journey = await lab.start("api -> wait 1h -> email a -> exit")
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.shut(journey)
    await lab.enroll(journey, "bob")
    await lab.after(hours=1)
    assert await lab.departed(journey, "ada") == [("completed", "")]
    assert await lab.sent(journey) == [("ada", "email")]
    assert await lab.answers() == {"entered": 1, "journey not running": 1}
    await lab.resume(journey)
    await lab.enroll(journey, "bob")
    await lab.tick()
    assert await entered(lab, journey) == ["ada", "bob"]
