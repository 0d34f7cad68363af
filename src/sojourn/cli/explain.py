"""Explain: every stage of a journey as text, from the graph to the plan of the database."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from sojourn.compiler.check import check
from sojourn.compiler.emit import Statement, emit
from sojourn.compiler.emit.goals import convert
from sojourn.compiler.emit.matching import match
from sojourn.compiler.explain import render_plan
from sojourn.compiler.goals import targets
from sojourn.compiler.lower import Chart, chart, holds, lower_entry, lower_stay
from sojourn.compiler.plan import Plan
from sojourn.model.points import WaitForTrigger, is_entry
from sojourn.model.problems import Problem
from sojourn.service.errors import InvalidDocument, JourneyNotFound
from sojourn.service.reach import graph_warnings
from sojourn.store.connection import Conn
from sojourn.store.definitions import JourneyRow, read_changed_journeys, read_scopes
from sojourn.store.explaining import analyze
from sojourn.store.upkeep import days_kept

Stage = Literal["graph", "plan", "sql"]
Shown = tuple[str, str]
"""A text and the language it is in."""

ANALYZED_PEOPLE = 10_000


@dataclass(frozen=True, slots=True)
class Compilation:
    """The plans of a journey, and its statements by name."""

    plans: Sequence[Plan]
    statements: Sequence[tuple[str, Statement]]


async def explain(conn: Conn, workspace_id: int, journey: UUID, stages: Sequence[Stage]) -> list[Shown]:
    """Return the stages of a journey as texts.

    Raises:
        InvalidDocument: The graph has problems, so it can be shown but not compiled.
        JourneyNotFound: The workspace has no such journey.
    """
    row = await _find(conn, workspace_id, journey)
    shown: list[Shown] = []
    if len(stages) > 1 and (warnings := await _warnings(conn, row)):
        shown.append(("text", "".join(f"warning at {each.where}: {each.text}\n" for each in warnings)))
    if "graph" in stages:
        shown.append(("json", msgspec.json.format(msgspec.json.encode(row.graph), indent=2).decode()))
    if stages != ("graph",):
        compilation = await _compile(conn, row)
        if "plan" in stages:
            shown += [("text", render_plan(plan)) for plan in compilation.plans]
        if "sql" in stages:
            shown += [("sql", _spell_statement(statement)) for _, statement in compilation.statements]
    return shown


async def analysed(conn: Conn, workspace_id: int, journey: UUID, *, shard: int, now: datetime) -> list[Shown]:
    """Return how the database carries out each statement of a journey for one shard, at this instant."""
    row = await _find(conn, workspace_id, journey)
    given = parameters(shard=shard, now=now)
    return [
        (
            "text",
            f"{name}\n{await analyze(conn, statement.sql, {**statement.values, **given}, shard=shard)}\n",
        )
        for name, statement in (await _compile(conn, row)).statements
    ]


def parameters(*, shard: int, now: datetime) -> dict[str, Any]:
    """Return values for all parameters that a tick gives to compiled statements."""
    return {
        "after_profile": 0,
        "batch": ANALYZED_PEOPLE,
        "enrolls": False,
        "entry": "{}",
        "first_event": 0,
        "first_received": datetime.min.replace(year=1970, tzinfo=now.tzinfo),
        "hour": now.replace(minute=0, second=0, microsecond=0),
        "journey_ids": [],
        "last_event": 0,
        "last_inbox": 0,
        "moved": "[]",
        "next_enrollment": None,
        "now": now,
        "people": [],
        "point_nos": [],
        "received_at": now,
        "request_uuid": None,
        "shard": shard,
        "watched": False,
        "zones": None,
    }


async def _find(conn: Conn, workspace_id: int, journey: UUID) -> JourneyRow:
    async with conn.transaction():
        rows = await read_changed_journeys(conn, -1)
    for row in rows:
        if row.journey_uuid == str(journey) and row.workspace_id == workspace_id:
            return row
    raise JourneyNotFound


async def _warnings(conn: Conn, row: JourneyRow) -> Sequence[Problem]:
    async with conn.transaction():
        scope, kept = (await read_scopes(conn))[row.workspace_id], await days_kept(conn)
    return graph_warnings(row.graph, scope, kept)


async def _compile(conn: Conn, row: JourneyRow) -> Compilation:
    async with conn.transaction():
        scope = (await read_scopes(conn))[row.workspace_id]
    problems = check(row.graph, scope)
    if problems:
        raise InvalidDocument("the graph has problems, so it is not compiled", problems=tuple(problems))
    made = chart(
        row.graph,
        row.numbers,
        scope,
        journey_id=row.journey_id,
        version_no=row.version_no,
        winners=row.winners,
    )
    plans = list(_plans(made))
    statements = [(f"{plan.start_name}", emit(plan)) for plan in plans]
    for number, point in sorted(made.points.items()):
        if isinstance(point, WaitForTrigger):
            statements.append((f"events_at_{number}", match(made.header, number, point, "events")))
            statements.append((f"arrivals_at_{number}", match(made.header, number, point, "arrivals")))
    wanted, window = targets(row.graph), row.graph.settings.window_seconds
    if done := [each for each in wanted if each.event_name is not None]:
        statements.append(("goals", convert(made.header, done, window)))
    if matched := [each for each in wanted if each.expression is not None]:
        statements.append(("goals_of_people", convert(made.header, matched, window, people=True)))
    return Compilation(plans, statements)


def _plans(made: Chart) -> Iterator[Plan]:
    for number, point in sorted(made.points.items()):
        if is_entry(point):
            yield lower_entry(made, number)
        elif holds(point, made.net):
            yield lower_stay(made, number)


def _spell_statement(statement: Statement) -> str:
    values = "".join(f"-- {name} = {msgspec.json.encode(value).decode()}\n" for name, value in statement.values.items())
    return f"{values}{statement.sql};\n"
