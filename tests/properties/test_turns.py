"""When time alone changes who is in a segment: never before the instant that the compiler says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.compiler.audience import next_turn, resolved
from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segments import SegmentScope
from sojourn.model.segments import (
    All,
    AnyOf,
    Attribute,
    Comparison,
    Event,
    EventAttribute,
    EventSum,
    Expression,
    Not,
)
from tests.properties import test_segments as drawing
from tests.properties.test_segments import APP_IDS, NOW, SHARD, rolled_back, settle
from tests.segment_evaluator import Person, evaluate

HORIZON = 35
"""Days that are looked ahead; most of what is drawn counts at most a month back."""


def instants(person: Person) -> Iterator[datetime]:
    """Yield the instants after now, in their order, at which a condition may change: midnights, ends of windows."""
    midnight = NOW.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    edges = {midnight + timedelta(days=n) for n in range(1, HORIZON)}
    edges |= {each.occurred_at + timedelta(days=n) for each in person.events for n in (1, 3, 30, 90)}
    yield from sorted(at for at in edges if at > NOW)


def edges_of_days(person: Person) -> Iterator[datetime]:
    """Yield the instants of the next days at which a condition that counts up to three days back may change."""
    yield from (at for at in instants(person) if at < NOW + timedelta(days=6))


def turns(conn: psycopg.Connection, segment: Expression, scope: SegmentScope) -> list[datetime | None]:
    parameters = Parameters()
    turn = next_turn(resolved(segment, scope), parameters, scope) or "null::timestamptz"
    rows = conn.execute(
        f"select {turn} from profile as p where p.shard = %(shard)s order by p.profile_id",
        {**parameters.values, "shard": SHARD, "now": NOW},
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize("kind", [*drawing.KINDS, "any"])
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=30)
@given(data=st.data(), stored=drawing.STORED)
def test_nobody_changes_sides_before_their_turn(
    conn: psycopg.Connection, kind: str, data: st.DataObject, stored: dict[str, Expression]
) -> None:
    crowd = data.draw(st.lists(drawing.people, min_size=2, max_size=4))
    scope = SegmentScope(APP_IDS, 1, stored, drawing.SCOPE.lists)
    with rolled_back(conn):
        settle(conn, crowd)
        for segment in data.draw(st.lists(drawing.KINDS.get(kind, drawing.segments), min_size=2, max_size=4)):
            for person, turn in zip(crowd, turns(conn, segment, scope), strict=True):
                assert_same_until(turn, segment, person, scope, instants(person))


def assert_same_until(
    turn: datetime | None, segment: Expression, person: Person, scope: SegmentScope, edges: Iterator[datetime]
) -> None:
    assert turn is None or turn > NOW
    now = evaluate(segment, person, NOW, scope)
    for at in edges:
        if turn is not None and at >= turn:
            break
        assert evaluate(segment, person, at, scope) == now, f"{at} is before {turn}"


def timed() -> Iterator[Expression]:
    """Yield conditions that time changes: totals of a window and times, with each operator that takes one value."""
    for operator in drawing.AMOUNTS:
        if operator == "BETWEEN":
            continue
        for value in (1, 2):
            wanted = Comparison(operator=operator, values=(value,))
            yield Event(name="order", days=3, count=wanted)
            yield Event(name="order", days=3, sum=EventSum(path=("price",), operator=operator, values=(value,)))
    yield Event(name="order", days=3)
    yield Event(name="order", days=3, where=(EventAttribute(path=("price",), operator="EQ", values=(1,)),))
    for operator in drawing.TIMELY:
        if operator in ("BETWEEN", "SET", "NOTSET"):
            continue
        for value in ("0 days ago", "2 days ago"):
            wanted = Comparison(operator=operator, values=(value,))
            yield from (Event(name="order", **{of: wanted}) for of in ("first", "last", "when"))


VIP = Attribute(path=("vip",), operator="EQ", values=(True,))


def mixed(segment: Expression) -> Iterator[Expression]:
    """Yield a condition alone, and beside one that time does not change."""
    yield from (
        segment,
        Not(of=segment),
        All(of=(VIP, segment)),
        AnyOf(of=(segment, VIP)),
        AnyOf(of=(Not(of=VIP), segment)),
    )


def test_no_buyer_changes_sides_before_their_turn(conn: psycopg.Connection) -> None:
    crowd, scope = drawing.buyers(), drawing.SCOPE
    with rolled_back(conn):
        settle(conn, crowd)
        for segment in (each for one in timed() for each in mixed(one)):
            for person, turn in zip(crowd, turns(conn, segment, scope), strict=True):
                assert_same_until(turn, segment, person, scope, edges_of_days(person))
