"""A journey whose statement fails keeps nobody else waiting, and loses nobody."""

import select
from datetime import datetime, timedelta
from typing import Any

import pytest

from sojourn.engine.runner import TIME_OUT, Runner
from sojourn.store.tick import Tick
from tests.lab import NOON, Lab, wait

ANNIVERSARY = wait(date_attribute={"name": "born", "past": "NEXT_YEAR"})


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


RUN = Tick._run


async def run_and_listen(tick: Tick, statement: Any, values: Any) -> Any:
    """Run a statement. Of one that fails, wait until the server has said so, before anything else is sent."""
    cursor = await RUN(tick, statement, values)
    if b"date_attribute_v1" in statement.query:
        assert select.select([tick._conn.fileno()], [], [], 10)[0]
    return cursor


@pytest.mark.parametrize("heard", ["when it is asked for", "while another walk is sent"])
async def test_a_failing_journey_holds_its_people_and_nobody_else(
    database_url: str, heard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await Lab.open(database_url)
    await lab.clear()
    clock = Clock()
    well = await lab.start("api -> wait 1h -> exit")
    sick = await lab.start("api -> wait 1h -> birthday -> exit", birthday=ANNIVERSARY)
    other = await lab.start("api -> wait 1h -> exit")
    await lab.person("ada", born="1815-12-10")
    await lab.enroll(sick, "ada")
    await lab.enroll(well, "ada", "bob")
    await lab.enroll(other, "ada")
    runner = Runner(database_url, clock)
    await runner.drain()
    body = await lab.value("select pg_get_functiondef('date_attribute_v1'::regproc)")
    await lab.conn.execute("drop function date_attribute_v1")

    clock.now += timedelta(hours=1)
    if heard == "while another walk is sent":
        monkeypatch.setattr(Tick, "_run", run_and_listen)
    await runner.drain()
    monkeypatch.undo()
    assert await lab.departed(well, "ada") == [("completed", "")]
    assert await lab.departed(well, "bob") == [("completed", "")]
    assert await lab.departed(other, "ada") == [("completed", "")]
    assert [point for point, _ in await lab.where(sick, "ada")] == ["wait"]

    await lab.conn.execute(body)
    await runner.drain()
    assert [point for point, _ in await lab.where(sick, "ada")] == ["wait"]
    clock.now += TIME_OUT
    await runner.drain()
    assert [point for point, _ in await lab.where(sick, "ada")] == ["birthday"]
    await lab.assert_nobody_is_lost()
    await lab.close()
