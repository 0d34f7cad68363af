"""Reports: the numbers of a journey add up, point by point."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from sojourn.service.commands import GetStatistics, Journey, Statistics
from sojourn.service.errors import JourneyNotFound
from tests.service.conftest import NOON, Bench, api_graph

DAY = timedelta(days=1)


async def count(
    bench: Bench, point_no: int, metric: str, n: int, detail: str = "", at: datetime = NOON, shard: int = 0
) -> None:
    await bench.execute(
        "insert into tally select %(shard)s, journey_id, %(no)s, %(metric)s, %(detail)s, %(at)s, %(n)s from journey",
        shard=shard, no=point_no, metric=metric, detail=detail, at=at, n=n,
    )  # fmt: skip


async def statistics(bench: Bench, journey: Journey, **more: Any) -> Statistics:
    return await bench.service.run(bench.us, GetStatistics(journey=str(journey.journey), **more))


@pytest.fixture
async def journey(bench: Bench) -> Journey:
    """Ten entered on two days; of those at the wait four left, two are inside, and the rest departed."""
    made = await bench.running(api_graph())
    for at, shard in ((NOON, 0), (NOON + DAY, 3)):
        await count(bench, 1, "entered", 5, at=at, shard=shard)
        await count(bench, 1, "left", 5, "default", at=at, shard=shard)
        await count(bench, 2, "entered", 5, at=at, shard=shard)
    await count(bench, 2, "left", 4, "default", at=NOON + DAY)
    await count(bench, 2, "dropped", 3, "dropped by API")
    await count(bench, 2, "stopped", 1)
    await count(bench, 3, "entered", 4, at=NOON + DAY)
    await count(bench, 3, "completed", 4, at=NOON + DAY)
    await count(bench, 2, "sent", 9)
    await count(bench, 2, "skipped", 2, "unsubscribed")
    await count(bench, 2, "skipped", 1, "no address")
    for number, shard in enumerate((1, 6)):
        await bench.execute(
            "insert into stay (shard, enrollment_id, journey_id, profile_id, point_no, since, wake_at)"
            " select %(shard)s, %(n)s, journey_id, %(n)s, 2, %(at)s, %(at)s from journey",
            shard=shard, n=number, at=NOON,
        )  # fmt: skip
    return made


async def test_the_numbers_add_up(bench: Bench, journey: Journey) -> None:
    found = await statistics(bench, journey)
    assert (found.journey, found.title) == (journey.journey, "Welcome")
    assert (found.entered, found.inside, found.departed) == (10, 2, {"completed": 4, "dropped": 3, "stopped": 1})
    assert found.entered == found.inside + sum(found.departed.values())
    entry, wait, leave = found.points
    assert [point.kind for point in found.points] == ["start_by_api", "wait", "exit"]
    assert [point.title for point in found.points] == ["in", "rest", ""]
    assert (entry.entered, entry.left, entry.inside) == (10, {"default": 10}, 0)
    assert (wait.entered, wait.inside, wait.left, wait.dropped, wait.stopped) == (
        10, 2, {"default": 4}, {"dropped by API": 3}, 1,
    )  # fmt: skip
    assert wait.messages == {"sent": 9, "skipped": 3}
    assert (leave.completed, leave.goals, leave.series) == (4, 0, ())


async def test_a_period_counts_what_happened_in_it(bench: Bench, journey: Journey) -> None:
    first = await statistics(bench, journey, to=NOON + DAY)
    assert (first.entered, first.departed) == (5, {"dropped": 3, "stopped": 1})
    second = await statistics(bench, journey, from_=NOON + DAY)
    assert (second.entered, second.departed) == (5, {"completed": 4})


async def test_series(bench: Bench, journey: Journey) -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    _, wait, _ = (await statistics(bench, journey, interval="day")).points
    assert wait.series == ((midnight, 5, 0), (midnight + DAY, 5, 4))
    _, wait, _ = (await statistics(bench, journey, interval="hour")).points
    assert wait.series == ((NOON, 5, 0), (NOON + DAY, 5, 4))


async def test_a_journey_that_nobody_entered(bench: Bench) -> None:
    journey = await bench.create(api_graph())
    found = await statistics(bench, journey)
    assert (found.entered, found.inside, found.departed) == (0, 0, {})
    assert len(found.points) == 3


async def test_foreign_and_malformed_ids_are_not_found(bench: Bench, journey: Journey) -> None:
    for caller, name in ((bench.them, str(journey.journey)), (bench.us, str(uuid4())), (bench.us, "no uuid")):
        with pytest.raises(JourneyNotFound):
            await bench.service.run(caller, GetStatistics(journey=name))
