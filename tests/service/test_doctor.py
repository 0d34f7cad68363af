"""Doctor: a healthy installation has no findings, and each kind of damage is found."""

from datetime import timedelta

import pytest

from sojourn.cli.explain import explain
from sojourn.engine.runner import Runner
from sojourn.model.graph import Edge, Graph
from sojourn.model.points import AwaitedEvent, BooleanSplitter, Exit, MessageBus, TriggerBranch, WaitForTrigger
from sojourn.service.commands import EnrollByApi, JourneyDraft, PostEvent, Subject, ValidateJourney
from sojourn.service.doctor import Finding, examine
from sojourn.store.connection import connect
from tests.service.conftest import NOON, OUR_APP, Bench, api_graph, point_id, settings


async def findings(bench: Bench, later: timedelta = timedelta(0)) -> list[tuple[str, str]]:
    found = await findings_in_full(bench, later)
    return [(finding.code, finding.where) for finding in found]


async def findings_in_full(bench: Bench, later: timedelta = timedelta(0)) -> tuple[Finding, ...]:
    async with bench.pool.connection() as conn:
        return await examine(conn, NOON + later)


@pytest.fixture
async def inside(bench: Bench, database_url: str) -> Bench:
    """A running journey with twenty people at its wait."""
    journey = await bench.running(api_graph())
    users = tuple(f"user-{number}" for number in range(20))
    await bench.service.run(bench.us, EnrollByApi(journey=str(journey.journey), users=users))
    await Runner(database_url, bench.clock).drain()
    assert await bench.rows("select count(*) from stay") == [(20,)]
    return bench


async def test_a_healthy_installation(inside: Bench) -> None:
    assert await findings(inside) == []


DAMAGE: dict[str, tuple[tuple[str, ...], set[str]]] = {
    "lost enrollment": (
        ("delete from stay where enrollment_id = (select min(enrollment_id) from stay)",),
        {"journey.conservation", "enrollment.broken"},
    ),
    "two places": (
        (
            """
            insert into departure (shard, enrollment_id, journey_id, point_no, outcome, at)
            select shard, enrollment_id, journey_id, point_no, 'completed', since from stay limit 1
            """,
        ),
        {"journey.conservation", "enrollment.broken"},
    ),
    "miscounted": (("update tally set n = n + 1 where metric = 'entered' and point_no = 1",), {"journey.count"}),
    "no alarm": (("delete from alarm",), {"alarm.late"}),
    "late alarm": (("update alarm set wake_at = wake_at + interval '1 second'",), {"alarm.late"}),
    "unknown point": (("update stay set point_no = 99", "delete from alarm"), {"stay.lost", "alarm.late"}),
    "ended": (("update journey set status = 'finished'",), {"stay.lost"}),
}


@pytest.mark.parametrize("case", DAMAGE)
async def test_damage_is_found(inside: Bench, case: str) -> None:
    statements, codes = DAMAGE[case]
    for statement in statements:
        await inside.execute(statement)
    assert {code for code, _ in await findings(inside)} == codes


async def test_days_without_partitions_are_found(bench: Bench) -> None:
    await bench.execute("alter table passage detach partition passage_past")
    await bench.execute(
        "alter table passage attach partition passage_past for values from (minvalue) to ('2026-03-02')"
    )
    [finding] = await findings_in_full(bench)
    assert (finding.code, finding.severity, finding.where) == ("partition.missing", "warning", "tables/passage")
    assert finding.text == "there is no partition for 2026-03-02, 2026-03-03"


async def test_a_history_without_a_partition_for_today_is_found(bench: Bench) -> None:
    await bench.execute("drop table passage_past")
    found = [(each.severity, each.code) for each in await findings_in_full(bench)]
    assert found == [("error", "partition.missing"), *[("warning", "partition.missing")] * 2]


async def test_a_journey_that_looks_back_further_than_events_are_kept_is_found(bench: Bench) -> None:
    entry = MessageBus(id=point_id(), event_name="buy")
    awaited = TriggerBranch(events=(AwaitedEvent(event_name="pay"),), look_back_seconds=30 * 86400)
    waits = WaitForTrigger(id=point_id(), period_seconds=3600, branches=(awaited,))
    splits = BooleanSplitter(id=point_id(), filter='Event("buy", days, 20)')
    end = Exit(id=point_id())
    edges = [(entry, "default", waits), (waits, "default", splits), (splits, "default", end), (splits, "output1", end)]
    edges.append((waits, "output1", end))
    graph = Graph(
        points=(entry, waits, splits, end),
        edges=tuple(Edge(from_=one.id, output=output, to=other.id) for one, output, other in edges),
        settings=settings(),
    )
    journey = await bench.running(graph)
    assert [code for code, _ in await findings(bench)] == []
    await bench.execute("update app set event_retention_days = 25 where application_code = %(code)s", code=OUR_APP)
    assert [code for code, _ in await findings(bench)] == ["retention.short"]
    await bench.execute("update app set event_retention_days = 10 where application_code = %(code)s", code=OUR_APP)
    found = await findings_in_full(bench)
    assert [each.text for each in found] == [
        "it looks back 31 days, but events of the app are kept for 10",
        "it looks back 20 days, but events of the app are kept for 10",
    ]
    verdict = await bench.service.run(bench.us, ValidateJourney(draft=JourneyDraft(title="x", graph=graph)))
    assert verdict.problems == ()
    assert [(each.code, each.where, each.text) for each in verdict.warnings] == [
        ("retention.short", f"points/{point.id}", finding.text)
        for point, finding in zip((waits, splits), found, strict=True)
    ]
    async with bench.pool.connection() as conn:
        [(_, told), *_] = await explain(conn, bench.us.workspace_id, journey.journey, ("graph", "plan", "sql"))
    assert told.splitlines() == [f"warning at {each.where}: {each.text}" for each in verdict.warnings]


async def test_what_waits_too_long_is_found(bench: Bench) -> None:
    await bench.service.run(bench.us, PostEvent(application_code=OUR_APP, subject=Subject(user_id="ada"), name="x"))
    assert await findings(bench) == []
    [(code, _)] = await findings(bench, timedelta(minutes=6))
    assert code == "inbox.late"


async def test_forgotten_messages_are_found(bench: Bench) -> None:
    await bench.execute(
        """
        insert into message
            (shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, status, due_at, claimed_until,
             created_at)
        values (3, 1, 1, 1, 1, 1, 'email', 'sending', %(at)s, %(at)s, %(at)s)
        """,
        at=NOON,
    )
    assert await findings(bench, timedelta(minutes=1)) == []
    assert await findings(bench, timedelta(minutes=6)) == [("message.stuck", "shards/3")]


async def test_an_index_that_was_not_finished_is_found(bench: Bench, database_url: str) -> None:
    async with await connect(database_url, application_name="test", autocommit=True) as conn:
        await conn.execute("insert into secret values ('a', 'same', now()), ('b', 'same', now())")
        with pytest.raises(Exception, match="could not create unique index"):
            await conn.execute("create unique index concurrently secret_value_idx on secret (value)")
    assert await findings(bench) == [("index.invalid", "indexes/secret_value_idx")]
