"""What a tick does, rule by rule. docs/engine.md, in examples."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from sojourn.engine.tick import Budget
from tests.lab import HOUR, NOON, Lab, awaiting, graph, on_event, segment, tagged, update

pytestmark = pytest.mark.both_postgres

EVERYBODY = f"{tagged('x')} + (T(\"x\", NOTEQ, true))"
SECOND = timedelta(seconds=1)


def an_order(**fields: Any) -> Any:
    """Enter once per order."""
    return on_event("ordered", multi_entry={"enabled": True, "key_attribute": "id"}, **fields)


def named_by(event: str) -> Any:
    """Enter when the event of somebody else names one."""
    return on_event(event, attribute_entry={"enabled": True, "attribute_name": "friends"}, allow_reenter=True)


def increase(tag: str) -> dict[str, Any]:
    return {"tag": tag, "operation": "INCREMENT", "value": 1}


@pytest.fixture
async def lab(shared_database_url: str) -> AsyncIterator[Lab]:
    """A laboratory that forgets everything between tests."""
    lab = await Lab.open(shared_database_url)
    await lab.clear()
    yield lab
    await lab.assert_nobody_is_lost()
    await lab.clear()
    await lab.close()


async def test_a_person_waits_is_sent_a_message_and_leaves(lab: Lab) -> None:
    welcome = await lab.start("api -> wait 1d -> email hello -> exit done")
    await lab.enroll(welcome, "ada")
    await lab.tick()
    assert await lab.paths(welcome, "ada") == ["api wait"]
    await lab.after(days=1)
    assert await lab.paths(welcome, "ada") == ["api wait", "wait email exit"]
    assert await lab.sent(welcome) == [("ada", "email")]
    assert await lab.departed(welcome, "ada") == [("completed", "done")]


# Found by looking -----------------------------------------------------------------------------------------------


async def test_an_event_between_a_selection_and_its_tick_counts(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> hears.1 -> exit
        hears -> email -> exit
        """,
        hears=awaiting("bought", period="1h"),
    )
    await lab.person("ada")
    await lab.tick()
    await lab.select(journey, EVERYBODY)
    await lab.event("ada", "bought", at=lab.now + 2 * SECOND)
    await lab.after(seconds=5)
    assert await lab.paths(journey, "ada") == ["api hears", "hears exit"]


async def test_an_event_of_a_pause_counts_at_the_event_wait_that_follows(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> wait 1h -> hears.1 -> exit
        hears -> email -> exit
        """,
        hears=awaiting("bought", period="1d"),
    )
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.pause(journey)
    await lab.after(hours=2)
    await lab.event("ada", "bought")
    await lab.tick()
    await lab.after(hours=2)
    await lab.resume(journey)
    await lab.tick()
    assert await lab.paths(journey, "ada") == ["api wait", "wait hears", "hears exit"]


async def test_an_event_counts_for_whoever_had_to_wait_for_another_tick(lab: Lab) -> None:
    lab.budget = Budget(people=1)
    journey = await lab.start(
        """
        api -> wait 1h -> hears.1 -> exit
        hears -> email -> exit
        """,
        hears=awaiting("bought", period="1d"),
    )
    await lab.enroll(journey, "ada", "bob")
    await lab.tick()
    for name in ("ada", "bob"):
        await lab.event(name, "bought", at=lab.now + HOUR + SECOND)
    await lab.after(hours=1, seconds=2)
    assert await lab.paths(journey, "ada") == ["api wait", "wait hears", "hears exit"]
    assert await lab.paths(journey, "bob") == ["api wait", "wait hears", "hears exit"]


async def test_capping_counts_the_other_keys_of_the_same_batch(lab: Lab) -> None:
    journey = await lab.start("order -> wait 1h -> exit", settings={"capping": {"max_entries": 1}}, order=an_order())
    await lab.event("ada", "ordered", id="1")
    await lab.event("ada", "ordered", id="2")
    await lab.tick()
    assert len(await lab.where(journey, "ada")) == 1


async def test_every_key_of_a_batch_counts_from_its_own_event(lab: Lab) -> None:
    journey = await lab.start(
        """
        order -> update -> hears.1 -> exit
        hears -> email -> exit
        """,
        order=an_order(),
        update=update(increase("orders")),
        hears=awaiting("paid", period="1d"),
    )
    await lab.event("ada", "ordered", id="1", at=lab.now)
    await lab.event("ada", "ordered", id="2", at=lab.now)
    await lab.event("ada", "paid", at=lab.now + SECOND)
    await lab.after(seconds=2)
    assert await lab.departed(journey, "ada") == [("completed", ""), ("completed", "")]
    assert await lab.tags("ada") == {"orders": 2}


async def test_a_fixed_period_that_is_decided_is_shifted_by_a_pause(lab: Lab) -> None:
    journey = await lab.start(
        """
        api -> hears.1 -> exit yes
        hears -> exit no
        """,
        settings={"resume_policy": "RESUME_SHIFT"},
        hears=awaiting("bought", period="3h", fixed_period=True),
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


async def test_whoever_is_due_leaves_before_a_segment_entry_runs_again(lab: Lab) -> None:
    """However late the tick, and whoever else waits at the point."""
    journey = await lab.start(
        "daily -> wait 24h -> exit",
        daily=segment(tagged("vip"), repeat={"every": {"unit": "DAY", "time": "13:00"}}),
    )
    await lab.person("ada", vip=True)
    await lab.after(hours=1)
    assert await lab.where(journey, "ada") == [("wait", NOON + 25 * HOUR)]
    await lab.after(hours=24)
    assert await lab.paths(journey, "ada") == ["daily wait", "wait exit", "daily wait"]


async def test_a_named_person_enters_once_although_the_entry_had_another_event(lab: Lab) -> None:
    journey = await lab.start("named -> exit", named=named_by("invited"))
    number = lab.number(journey, "named")
    for event in ("invited", "asked"):
        data = {"journey_id": journey.journey_id, "point_no": number, "event": {}}
        await lab.say(lab._row("entry_event", "ada", name=event, data=data))
    await lab.tick()
    assert await lab.departed(journey, "ada") == [("completed", "")]


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
    assert sum((await lab.answers()).values()) == 1
