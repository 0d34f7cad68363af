"""What is kept of people's past: which attributes changed when, by the inbox and by walks."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.lab import Lab, update

SPLIT_BY_UPDATE = """
    api -> first -> wait 1h -> second -> exit
"""


@pytest.fixture
async def lab(database_url: str) -> AsyncIterator[Lab]:
    opened = await Lab.open(database_url)
    yield opened
    await opened.close()


async def changes(lab: Lab, name: str) -> list[tuple[Any, ...]]:
    """Return what changed of somebody: by whom (a walk or the inbox), and what."""
    return await lab.rows(
        "select enrollment_id is not null, changes from profile_change where shard = %s and profile_id = %s"
        " order by change_no",
        lab.shard, lab.who(name),
    )  # fmt: skip


def operation(op: str, tag: str, value: Any = None) -> dict[str, Any]:
    return {"op": op, "tag": tag, "value": value}


async def says(lab: Lab, name: str, *operations: dict[str, Any]) -> None:
    await lab.say(lab._row("attributes", name, data={"operations": list(operations)}))


async def test_what_really_changed_is_kept(lab: Lab) -> None:
    await says(lab, "ada", operation("set", "plan", "free"), operation("set", "age", 30))
    await lab.tick()
    await says(lab, "ada", operation("set", "plan", "pro"), operation("set", "age", 30), operation("unset", "none"))
    await lab.after(hours=1)
    await says(lab, "ada", operation("unset", "plan"), operation("append", "likes", "tea"))
    await lab.after(hours=1)
    assert await changes(lab, "ada") == [
        (False, {"plan": {"from": None, "to": "free"}, "age": {"from": None, "to": 30}}),
        (False, {"plan": {"from": "free", "to": "pro"}}),
        (False, {"plan": {"from": "pro", "to": None}, "likes": {"from": None, "to": ["tea"]}}),
    ]


async def test_nothing_is_kept_where_nothing_changed(lab: Lab) -> None:
    await says(lab, "ada", operation("set", "plan", "free"))
    await lab.tick()
    await says(lab, "ada", operation("set", "plan", "free"))
    await says(lab, "ada", operation("set", "gone", None))
    await lab.event("ada", "visited")
    await lab.after(hours=1)
    assert len(await changes(lab, "ada")) == 1


async def test_what_a_walk_changed_is_kept_with_its_enrollment(lab: Lab) -> None:
    journey = await lab.start(
        SPLIT_BY_UPDATE,
        first=update({"tag": "n", "operation": "INCREMENT", "value": 1}),
        second=update({"tag": "n", "operation": "INCREMENT", "value": 0}),
    )
    await says(lab, "ada", operation("set", "n", 1))
    await lab.enroll(journey, "ada")
    await lab.tick()
    await lab.after(hours=1)
    assert await changes(lab, "ada") == [
        (False, {"n": {"from": None, "to": 1}}),
        (True, {"n": {"from": 1, "to": 2}}),
    ]


async def test_what_a_walk_changed_comes_before_its_passage(lab: Lab) -> None:
    journey = await lab.start("api -> once -> exit", once=update({"tag": "n", "operation": "INCREMENT", "value": 1}))
    await lab.enroll(journey, "ada", "bob", "cem")
    await lab.tick()
    rows = await lab.rows(
        "select max(c.change_no) < min(p.passage_no), count(*) from profile_change as c, passage as p"
        " where c.enrollment_id = p.enrollment_id"
    )
    assert rows == [(True, 3)]
