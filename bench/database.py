"""Database: one to measure in. Everything is set up by statements over sets, so that a million people take seconds."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import psycopg
from psycopg import sql

from bench.graphs import WAIT, start_journeys
from sojourn.model.graph import Graph
from sojourn.store.connection import connect
from sojourn.store.embedded import EmbeddedServer
from sojourn.store.migrations import initialise, migrate

SHARDS = 8
"""As many as an installation has unless told otherwise."""

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
"""The instant at which everything is set up; the clocks of the benches go on from there."""

MOVED_TABLES = ("alarm", "departure", "message", "passage", "stay", "tally")
"""What changes when people move; put back between two runs."""


def make_database(server: EmbeddedServer, graphs: Sequence[Graph], *, name: str = "bench") -> str:
    """Make a database anew, with running journeys but without people; return its URL."""
    drop_database(server, name=name)
    with psycopg.connect(server.database_url_for("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = server.database_url_for(name)
    asyncio.run(_make_schema(url))
    with psycopg.connect(url) as conn:
        start_journeys(conn, graphs, BEGIN)
    return url


def drop_database(server: EmbeddedServer, *, name: str = "bench") -> None:
    """Remove a database, whoever is connected to it."""
    with psycopg.connect(server.database_url_for("postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


async def _make_schema(url: str) -> None:
    async with await connect(url, application_name="bench", autocommit=True) as conn:
        await migrate(conn, now=BEGIN)
        await initialise(conn, shard_count=SHARDS, now=BEGIN)


def postmaster(server: EmbeddedServer) -> int:
    """Return the server's main process."""
    pid = server.postmaster_pid
    assert pid is not None, "the server has been started"
    return pid


def add_people(url: str, people: int) -> None:
    """Make people, numbered from 1 and spread over the shards in turn; every second one in a shard is `gold`."""
    with psycopg.connect(url) as conn:
        conn.execute(
            """
            insert into profile (
                shard, profile_id, workspace_id, user_id, attributes, time_zone, language, app_ids,
                created_at, updated_at
            )
            select
                mod(i, %(shards)s), i, w.workspace_id, 'user-' || i,
                jsonb_build_object(
                    'name', 'Person ' || i, 'email', 'person-' || i || '@example.com',
                    'city', 'London', 'age', mod(i, 90),
                    'tier', case when mod(i / %(shards)s, 2) = 0 then 'gold' else 'none' end
                ),
                'Europe/London', 'en', '{1}', %(now)s, %(now)s
            from workspace as w, generate_series(1, %(people)s) as i
            """,
            {"people": people, "shards": SHARDS, "now": BEGIN},
        )


def admit(url: str) -> None:
    """Tell the shards that the journeys have begun; the engine then admits the people of the segment entries."""
    with psycopg.connect(url) as conn:
        conn.execute(
            "insert into inbox (shard, kind, workspace_id, data, occurred_at, received_at)"
            " select s.shard, 'begin', j.workspace_id, jsonb_build_object('journey_id', j.journey_id), %(now)s, %(now)s"
            " from shard as s, journey as j",
            {"now": BEGIN},
        )


def enroll(url: str, people: int, *, journeys: int) -> None:
    """Enroll everybody in the welcome series, spread over the journeys in turn, without the engine."""
    with psycopg.connect(url) as conn:
        conn.execute(ENROLL, {"people": people, "shards": SHARDS, "journeys": journeys, "now": BEGIN})


def place(url: str, people: int, waits: Sequence[tuple[int, timedelta]], *, journeys: int, turn: int = 0) -> None:
    """Put people on the wait of the welcome series.

    Args:
        waits: How many wait for how long; the rest wait for a month.
        turn: Rises when the same people are placed again, who then count as new enrollments.
    """
    firsts = [0]
    for number, _ in waits:
        firsts.append(firsts[-1] + number)
    given = {
        "people": people, "shards": SHARDS, "journeys": journeys, "now": BEGIN, "wait": WAIT,
        "before": turn * (people + 2 * SHARDS * journeys),
        "firsts": firsts, "waits": [*(wait for _, wait in waits), timedelta(days=30)],
    }  # fmt: skip
    with psycopg.connect(url) as conn:
        conn.execute(PLACE, given)
        conn.execute(ALARM)


def place_again(url: str, people: int, cohort: int, wait: timedelta, *, turn: int) -> None:
    """Put a cohort on the wait of the welcome series, of people who wait there already, by an enrollment of its own.

    Args:
        people: How many there are.
        wait: For how long the cohort waits.
        turn: From 1; each has the next people, who lie side by side as those do who came together.
    """
    given = {
        "people": people, "cohort": cohort, "shards": SHARDS, "now": BEGIN, "wait": WAIT, "for": wait, "turn": turn,
        "before": people // SHARDS + 1 + (turn - 1) * cohort,
    }  # fmt: skip
    with psycopg.connect(url) as conn:
        conn.execute(PLACE_AGAIN, given)
        conn.execute(ALARM_AGAIN, given)


# People of one shard take turns among the journeys, so that every journey has people in every shard and its people lie
# scattered over the profiles. Arrivals are numbered and written as the engine does it: those who enter one journey in
# one shard, one after the other.
JOURNEY = "1 + mod(i / %(shards)s, %(journeys)s)"
ENROLLMENT = f"""
({JOURNEY} - 1) * (%(people)s / (%(shards)s * %(journeys)s) + 2) + i / (%(shards)s * %(journeys)s) + 1
"""
ENROLL = f"""
insert into enrollment (shard, enrollment_id, journey_id, profile_id, point_no, entered_at)
select mod(i, %(shards)s), {ENROLLMENT}, {JOURNEY}, i, 1, %(now)s
from generate_series(1, %(people)s) as i
order by 3, 1, 2
"""
PLACE = f"""
insert into stay (shard, enrollment_id, journey_id, profile_id, point_no, since, wake_at)
select
    mod(i, %(shards)s), %(before)s::bigint + {ENROLLMENT}, {JOURNEY}, i, %(wait)s, %(now)s,
    %(now)s + (%(waits)s::interval[])[width_bucket(i - 1, %(firsts)s::integer[])]
from generate_series(1, %(people)s) as i
order by 3, 1, 2
"""
PLACE_AGAIN = """
insert into stay (shard, enrollment_id, journey_id, profile_id, point_no, since, wake_at, entry_key)
select
    mod(drawn.person, %(shards)s), %(before)s::bigint + drawn.k, 1, drawn.person, %(wait)s, %(now)s,
    %(now)s + %(for)s::interval, 'again'
from (
    select k, 1 + mod(%(turn)s::bigint * %(cohort)s + k - 1, %(people)s) as person
    from generate_series(1, %(cohort)s) as k
) as drawn
order by 1, 2
"""
ALARM_AGAIN = """
insert into alarm (shard, journey_id, point_no, wake_at)
select s.shard, 1, %(wait)s, %(now)s + %(for)s::interval
from shard as s
on conflict (shard, journey_id, point_no) do update set wake_at = least(alarm.wake_at, excluded.wake_at)
"""
ALARM = """
insert into alarm (shard, journey_id, point_no, wake_at)
select s.shard, s.journey_id, s.point_no, min(s.wake_at)
from stay as s
group by s.shard, s.journey_id, s.point_no
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
"""


def keep(url: str) -> None:
    """Keep the state of who waits where, for `restore`."""
    with psycopg.connect(url) as conn:
        for table in ("alarm", "stay", "tally"):
            conn.execute(
                sql.SQL("create table {} as table {}").format(sql.Identifier(f"kept_{table}"), sql.Identifier(table))
            )


def restore(url: str) -> None:
    """Bring back what was kept, and leave a database that is at rest: vacuumed, analyzed, written to disk."""
    with psycopg.connect(url) as conn:
        conn.execute(sql.SQL("truncate {}").format(sql.SQL(", ").join(map(sql.Identifier, MOVED_TABLES))))
        for table in ("alarm", "stay", "tally"):
            conn.execute(
                sql.SQL("insert into {} table {}").format(sql.Identifier(table), sql.Identifier(f"kept_{table}"))
            )
    settle(url, MOVED_TABLES)


def settle(url: str, tables: Sequence[str] = ()) -> None:
    """Vacuum and analyze the tables given, or all, and write everything to disk."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(sql.SQL("vacuum analyze {}").format(sql.SQL(", ").join(map(sql.Identifier, tables))))
        conn.execute("checkpoint")


ANYBODY_DUE = """
-- One row if somebody is due.
select
from shard as s
where exists (select from alarm as a where a.shard = s.shard and a.wake_at <= %s)
limit 1
"""


def outcome(url: str) -> dict[str, object]:
    """Say what the moved people have left behind, so that two ways of moving them can be compared."""
    questions: dict[str, LiteralString] = {
        "stays": "select count(*) from stay",
        "messages": "select point_no, status::text, count(*), count(context) from message group by 1, 2 order by 1, 2",
        "paths": "select path::text, count(*) from passage group by 1 order by 1",
        "departures": "select point_no, outcome, reason, count(*) from departure group by 1, 2, 3 order by 1, 2, 3",
        "tally": "select point_no, metric, detail, count(*), sum(n) from tally group by 1, 2, 3 order by 1, 2, 3",
    }
    with psycopg.connect(url) as conn:
        return {name: conn.execute(sql.SQL(text)).fetchall() for name, text in questions.items()}


def steps(url: str) -> int:
    """Count the points that people left or came to since the last restore."""
    with psycopg.connect(url) as conn:
        row = conn.execute("select coalesce(sum(cardinality(path)), 0)::bigint from passage").fetchone()
    assert row is not None, "an aggregate gives one row"
    return row[0]
