"""Conditions: a segment held against one person, condition by condition, by the same SQL as in a tick."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET

from sojourn.compiler.parameters import Parameters
from sojourn.compiler.seen import Leaf, conditions, is_seen, question
from sojourn.compiler.segments import SegmentRefused, SegmentScope, predicate
from sojourn.model.identities import Person
from sojourn.model.segments import Expression
from sojourn.seglang import render
from sojourn.service.commands import Condition
from sojourn.store.connection import Conn
from sojourn.store.history import judge

CONDITIONS_MAX = 100
"""Conditions shown of one segment."""

GIVEN = "%(attributes)s::jsonb"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a person is in a segment (None: it has problems by now), and which of its conditions they meet."""

    met: bool | None
    conditions: tuple[Condition, ...] = ()


async def examine(
    conn: Conn,
    expression: Expression,
    scope: SegmentScope,
    *,
    person: Person,
    attributes: Mapping[str, Any],
    now: datetime,
) -> Verdict:
    """Hold a segment against a person with these attributes, at an instant.

    Events that were received after it do not count. What else is known of the person is as it is today.
    """
    try:
        predicate(expression, Parameters(), scope)
        leaves = list(islice(conditions(expression, scope), CONDITIONS_MAX))
        asked = question([expression, *(leaf.condition for leaf in leaves)], scope, attributes=GIVEN)
    except SegmentRefused:
        return Verdict(None)
    document = msgspec.json.encode(attributes).decode()
    answer = await judge(conn, asked.sql, asked.parameters.values, person=person, attributes=document, now=now)
    if answer is None:
        return Verdict(None)
    is_in, *answers = zip(*answer, strict=True)
    return Verdict(is_in[0], tuple(_condition(leaf, *seen) for leaf, seen in zip(leaves, answers, strict=True)))


def _condition(leaf: Leaf, is_met: bool, value: object) -> Condition:
    return Condition(
        text=render(leaf.condition),
        met=is_met,
        value=value if is_seen(leaf.condition) else UNSET,
        segment=leaf.segment,
    )
