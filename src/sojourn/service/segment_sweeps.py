"""Sweeps over everybody for a segment: asks the database what it takes, and has the condition spelt accordingly."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from sojourn.compiler.audience import resolved
from sojourn.compiler.lookup import Lookup
from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segments import SegmentScope, predicate
from sojourn.compiler.sweeps import Sweep, condition, looks_up, undecided
from sojourn.model.segments import Expression
from sojourn.store.asking import estimate_people, read_sizes, work_alone
from sojourn.store.connection import Conn
from sojourn.store.exporting import Restriction


async def restriction_across(
    conn: Conn, expression: Expression, scope: SegmentScope, *, shards: Sequence[int], now: datetime
) -> Restriction:
    """Return the condition of a segment without problems, for a statement over all the shards."""
    whole = resolved(expression, scope)
    sweep = await _sweep(conn, whole, scope, shards=shards, now=now)
    return _restriction(whole, scope, now, sweep.lookup_across)


async def restriction_in_shard(
    conn: Conn,
    expression: Expression,
    scope: SegmentScope,
    *,
    shards: Sequence[int],
    now: datetime,
    is_asked_once: bool,
) -> Restriction:
    """Return the same for statements over one of the shards after the other.

    `is_asked_once` tells whether it is asked of each person, and not of each thing that they did.
    """
    whole = resolved(expression, scope)
    sweep = await _sweep(conn, whole, scope, shards=shards, now=now)
    if not is_asked_once:
        sweep = Sweep(sweep.sizes, math.inf, now)
    return _restriction(whole, scope, now, sweep.lookup_in_shard)


def _restriction(
    whole: Expression, scope: SegmentScope, now: datetime, lookup: Callable[[Expression], Lookup]
) -> Restriction:
    parameters = Parameters()
    text = condition(whole, parameters, scope, lookup)
    return Restriction(text, {**parameters.values, "now": now})


async def _sweep(conn: Conn, whole: Expression, scope: SegmentScope, *, shards: Sequence[int], now: datetime) -> Sweep:
    if not looks_up(whole):
        return Sweep({}, 0.0, now)
    parameters = Parameters()
    text = predicate(undecided(whole), parameters, scope)
    who = Restriction(text, {**parameters.values, "now": now})
    await work_alone(conn)
    people = await estimate_people(conn, workspace_id=scope.workspace_id, shards=shards, who=who)
    return Sweep(await read_sizes(conn), people, now)
