"""The stage of the crash tests: puts the crowd into a database, feeds it what happens, and checks what became of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sojourn.model.points import outputs
from sojourn.service.commands import Caller, ChangeStatus, CreateJourney, JourneyDraft
from sojourn.service.service import Service
from sojourn.service.workspaces import ensure_app
from sojourn.store.connection import Conn, connect, make_pool
from sojourn.store.inbox import InboxRow, append_inbox
from tests.chaos.crowd import ACTS, APP, GRAPH, JOURNEY_ID, MORNING, NUMBERS, POINTS, REQUEST, STORIES, Fate, fate_of
from tests.walker import Row

SHARDS = 8
SHOWN = 3
"""So many of the people who differ are shown; the rest are counted."""


@dataclass(frozen=True)
class Stage:
    """A database with the crowd in it, and the journey running."""

    url: str
    people: int
    workspace_id: int
    app_id: int

    async def feed(self, rows: Sequence[Row], receipt: int | None = None) -> None:
        """Append rows to the inboxes. On return they are durable, and so is the receipt."""
        async with await connect(self.url, application_name="feeder") as conn:
            if receipt is not None:
                await conn.execute("insert into receipt values (%s)", (receipt,))
            await append_inbox(conn, [self._inbox_row(row) for row in rows], now=rows[0].received_at)

    async def analyze(self) -> None:
        """Tell the planner how large the tables are by now. In a longer life the server would do that by itself."""
        async with await connect(self.url, application_name="analyze", autocommit=True) as conn:
            await conn.execute("analyze")

    async def has_receipt(self, receipt: int) -> bool:
        async with await connect(self.url, application_name="feeder") as conn:
            cursor = await conn.execute("select from receipt where receipt_id = %s", (receipt,))
            return await cursor.fetchone() is not None

    def _inbox_row(self, row: Row) -> InboxRow:
        assert row.profile_id is not None
        return InboxRow(
            shard=row.profile_id % SHARDS,
            kind=row.kind,
            workspace_id=self.workspace_id,
            app_id=row.app_id,
            profile_id=row.profile_id,
            name=row.name,
            data=msgspec.json.encode(row.data).decode(),
            source_id=row.source_id,
            occurred_at=row.happened_at,
        )


async def set_stage(url: str, people: int) -> Stage:
    """Bring the people in, and start the journey."""
    async with make_pool(url, application_name="stage", max_size=2) as pool:
        async with pool.connection() as conn:
            app = await ensure_app(conn, "default", MORNING, application_code=APP)
            await conn.execute("create table receipt (receipt_id integer primary key)")
            await _bring_people(conn, people, app.workspace_id, app.app_id)
        service = Service(pool, lambda: MORNING)
        caller = Caller(workspace_id=app.workspace_id)
        journey = await service.run(caller, CreateJourney(draft=JourneyDraft(title="Welcome", graph=GRAPH)))
        await service.run(caller, ChangeStatus(journey=journey.journey, command="start"))
        async with pool.connection() as conn:
            await _expect_numbers(conn)
            await _expect_request(conn, app.workspace_id)
    return Stage(url, people, app.workspace_id, app.app_id)


async def _bring_people(conn: Conn, people: int, workspace_id: int, app_id: int) -> None:
    await conn.execute(
        "insert into profile (shard, profile_id, workspace_id, attributes, app_ids, created_at, updated_at)"
        " select n %% %s, n, %s, (%s::jsonb[])[n %% %s + 1], array[%s], %s, %s from generate_series(1, %s) as n",
        (
            SHARDS, workspace_id, [msgspec.json.encode(story.attributes()).decode() for story in STORIES],
            len(STORIES), app_id, MORNING, MORNING, people,
        ),
    )  # fmt: skip


async def _expect_numbers(conn: Conn) -> None:
    cursor = await conn.execute("select point_uuid::text, point_no from point where journey_id = %s", (JOURNEY_ID,))
    assert dict(await cursor.fetchall()) == NUMBERS, "the journey numbers its points as the crowd does"


async def _expect_request(conn: Conn, workspace_id: int) -> None:
    await conn.execute(
        "insert into entry_request (request_uuid, workspace_id, journey_id, point_no, received_at)"
        " values (%s, %s, %s, 2, %s)",
        (REQUEST, workspace_id, JOURNEY_ID, MORNING),
    )


# What became of the crowd -----------------------------------------------------------------------------------------


async def check_fates(stage: Stage) -> None:
    """Compare every person's fate with what the walker says."""
    fates = await _fates(stage.url)
    assert len(fates) == stage.people
    wrong = [number for number, fate in fates.items() if fate != fate_of(number, stage.app_id)]
    shown = "\n".join(f"{number}: {fates[number]}\nwanted: {fate_of(number, stage.app_id)}" for number in wrong[:SHOWN])
    assert not wrong, f"{len(wrong)} of {stage.people} people fared otherwise:\n{shown}"


async def _fates(url: str) -> dict[int, Fate]:
    async with await connect(url, application_name="check") as conn:

        async def rows(query: str) -> list[tuple[Any, ...]]:
            return await (await conn.execute(query)).fetchall()

        fates = {
            number: Fate(attributes, [], [], [], [], [])
            for number, attributes in await rows("select profile_id, attributes from profile")
        }
        of_enrollment = "join enrollment as e using (shard, enrollment_id)"
        for number, *entry in await rows("select profile_id, point_no, entered_at from enrollment"):
            fates[number].entries.append(tuple(entry))
        for number, at, path in await rows(
            f"select e.profile_id, p.at, p.path from passage as p {of_enrollment} order by p.at, p.path"
        ):
            fates[number].passages.append((at, tuple(path)))
        for number, *message in await rows(
            "select profile_id, point_no, status::text, created_at from message order by 1, 2, 3, 4"
        ):
            fates[number].messages.append(tuple(message))
        for number, *departure in await rows(
            f"select e.profile_id, d.point_no, d.outcome::text, d.reason, d.at from departure as d {of_enrollment}"
        ):
            fates[number].departures.append(tuple(departure))
        for number, *stay in await rows("select profile_id, point_no, wake_at from stay"):
            fates[number].stays.append(tuple(stay))
        return fates


# Each must find nothing.
LAWS = {
    "nobody is in two places or none": """
        select e.* from enrollment as e
        left join stay as s using (shard, enrollment_id) left join departure as d using (shard, enrollment_id)
        where (s.enrollment_id is null) = (d.enrollment_id is null)
    """,
    "enrollments are as many as stays and departures": """
        select e.n, s.n, d.n
        from (select count(*) as n from enrollment) as e, (select count(*) as n from stay) as s,
            (select count(*) as n from departure) as d
        where e.n <> s.n + d.n
    """,
    "nobody stays or left who did not enter": """
        select shard, enrollment_id from stay union all select shard, enrollment_id from departure
        except all select shard, enrollment_id from enrollment
    """,
    "every message exists once": """
        select shard, enrollment_id, point_no, count(*) from message group by 1, 2, 3 having count(*) > 1
    """,
    "numbers are given once": """
        select s.shard from shard as s join enrollment as e using (shard) where e.enrollment_id >= s.next_enrollment
    """,
    "nobody oversleeps": """
        select s.shard, s.journey_id, s.point_no, min(s.wake_at), a.wake_at
        from stay as s left join alarm as a using (shard, journey_id, point_no)
        group by 1, 2, 3, a.wake_at having a.wake_at is null or a.wake_at > min(s.wake_at)
    """,
    "every event is in history once": """
        select s.source_id from event_source as s
        where s.source_id not in (select e.name || '-' || e.profile_id from event as e)
        union all
        select name || '-' || profile_id from event group by 1 having count(*) > 1
    """,
    "every source was an event": """
        select e.n, s.n
        from (select count(*) as n from event) as e, (select count(*) as n from event_source) as s
        where e.n <> s.n
    """,
}


async def check_laws(stage: Stage) -> None:
    """Check what must hold whatever happened: nobody is lost or doubled, and the counts are true."""
    async with await connect(stage.url, application_name="check") as conn:
        for law, query in LAWS.items():
            found = await (await conn.execute(query)).fetchall()
            assert not found, f"{law}, but {len(found)} break that: {found[:SHOWN]}"
        await _check_counts(conn)
        await _check_request(conn)


async def _check_counts(conn: Conn) -> None:
    tally = await _counter(conn, "select point_no, metric, sum(n)::bigint from tally group by 1, 2")
    inside = await _counter(conn, "select point_no, count(*) from stay group by 1")
    entered = await _counter(conn, "select point_no, count(*) from enrollment group by 1")
    messages = await _counter(conn, "select point_no, count(*) from message group by 1")
    departed = await _counter(conn, "select point_no, outcome::text, count(*) from departure group by 1, 2")
    for number, point in enumerate(POINTS, 1):
        gone = sum(tally[number, metric] for metric in ("left", "completed", "dropped", "stopped"))
        assert tally[number, "entered"] == inside[number,] + gone, f"who came to point {number} is there or left"
        for outcome in ("completed", "dropped", "stopped"):
            assert tally[number, outcome] == departed[number, outcome], f"`{outcome}` of point {number} is true"
        if "start_by" in type(point).__struct_config__.tag:
            assert tally[number, "entered"] == entered[number,], f"entries at point {number} are counted"
        if messages[number,]:
            assert tally[number, "entered"] == messages[number,], f"whoever came to point {number} got a message"
        assert not outputs(point) or tally[number, "completed"] == 0


async def _check_request(conn: Conn) -> None:
    """Check that what the requester is told is what happened."""
    told = await _counter(conn, "select outcome, sum(n)::bigint from request_tally group by 1")
    happened = await _counter(conn, "select 'entered', count(*) from enrollment where point_no = 2")
    assert told == happened


async def _counter(conn: Conn, query: Any) -> Counter[tuple[Any, ...]]:
    rows = await (await conn.execute(query)).fetchall()
    return Counter({tuple(row[:-1]): int(row[-1]) for row in rows})


def check_acts(stage: Stage) -> None:
    """Check that the story has the variety that it is told for."""
    fates = [fate_of(number, stage.app_id) for number in range(1, 2 * len(STORIES))]
    asked: dict[str, Callable[[Fate], bool]] = {
        "completed": lambda fate: any(each[1] == "completed" for each in fate.departures),
        "dropped": lambda fate: any(each[1] == "dropped" for each in fate.departures),
        "inside": lambda fate: bool(fate.stays),
        "never came": lambda fate: not fate.entries,
        "went on at the end": lambda fate: any(at == ACTS[-1] for at, _ in fate.passages),
    }
    for what, question in asked.items():
        assert any(map(question, fates)), f"somebody is meant to be among: {what}"
