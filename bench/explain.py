"""Explain: where the time of the compiled statement goes, and of the floor's, for the people of one shard.

Both are planned as in real life: prepared, with the generic plan, under the settings of a worker.
"""

import re
import time
from collections.abc import Mapping
from datetime import timedelta

import psycopg
from psycopg import sql

from bench import database
from bench.database import BEGIN, SHARDS
from bench.floor import MOVE
from bench.graphs import APP, SEGMENTS, WAIT, welcome
from bench.progress import say
from sojourn.compiler.emit import emit
from sojourn.compiler.lower import chart, lower_stay
from sojourn.compiler.segments import SegmentScope
from sojourn.store.embedded import EmbeddedServer
from sojourn.store.wakeups import WORKER_SETTINGS

DUE = BEGIN + timedelta(days=1, seconds=1)


def plan(server: EmbeddedServer, people: int) -> str:
    """Return the executed plans of the compiled statement and of the floor. Nothing of it is kept."""
    say(f"explain: setting up {people:,} people")
    url = database.make_database(server, [welcome()])
    database.add_people(url, people)
    database.enroll(url, people, journeys=1)
    database.place(url, people, [(people, timedelta(days=1))], journeys=1)
    database.settle(url)
    text, values = compiled()
    given = {**values, "shard": 0, "now": DUE, "hour": DUE.replace(minute=0, second=0), "batch": people // SHARDS}
    with psycopg.connect(url) as conn:
        for setting in WORKER_SETTINGS:
            conn.execute(sql.SQL(setting))
        plans = [executed(conn, text, given), executed(conn, MOVE, given)]
    return f"{text}\n\n{plans[0]}\n\nThe floor:\n\n{plans[1]}"


def compiled() -> tuple[str, Mapping[str, object]]:
    """Return the statement for the people who leave the wait of the welcome series, and its constants."""
    graph = welcome()
    numbers = {point.id: number for number, point in enumerate(graph.points, 1)}
    scope = SegmentScope(app_ids={APP: 1}, workspace_id=1, segments=SEGMENTS)
    statement = emit(lower_stay(chart(graph, numbers, scope, journey_id=1, version_no=1), WAIT))
    return statement.sql, dict(statement.values)


def executed(conn: psycopg.Connection, text: str, given: Mapping[str, object]) -> str:
    """Run a statement thrice, undoing it each time, and return its last plan and how long each run took without one."""
    names: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    body = re.sub(r"%\((\w+)\)s", numbered, text).replace("%%", "%")
    values = sql.SQL(", ").join(sql.Literal(given[name]) for name in names)
    execute = sql.SQL("execute explained ({})").format(values)
    conn.execute(f"prepare explained as {body}".encode())
    seconds: list[float] = []
    for _ in range(3):
        with conn.transaction(force_rollback=True):
            started = time.perf_counter()
            conn.execute(execute)
            seconds.append(time.perf_counter() - started)
        with psycopg.connect(conn.info.dsn, autocommit=True) as other:
            other.execute("vacuum stay, message, passage, departure, tally")
    with conn.transaction(force_rollback=True):
        rows = conn.execute(sql.SQL("explain (analyze, buffers, costs off, timing on) ") + execute).fetchall()
    conn.execute("deallocate explained")
    return "\n".join(
        [*(row[0] for row in rows), f"Without explain: {', '.join(f'{each * 1000:.0f} ms' for each in seconds)}"]
    )
