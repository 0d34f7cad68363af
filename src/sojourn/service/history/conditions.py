"""Conditions: a segment held against one person, condition by condition, by the same SQL as in a tick."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast

import msgspec
from msgspec import UNSET, UnsetType

from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segments import SegmentRefused, SegmentScope, predicate
from sojourn.model.identities import Person
from sojourn.model.segments import All, AnyOf, Attribute, Expression, Not, Reference
from sojourn.seglang import render
from sojourn.service.commands import Condition
from sojourn.store.connection import Conn
from sojourn.store.history import judge

CONDITIONS_MAX = 100
"""Conditions shown of one segment."""


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
    leaves = list(islice(_leaves(expression, scope, None), CONDITIONS_MAX))
    parameters = Parameters()
    try:
        texts = [
            predicate(each, parameters, scope, attributes="%(attributes)s::jsonb")
            for each in (expression, *(leaf for leaf, _ in leaves))
        ]
    except SegmentRefused:
        return Verdict(None)
    document = msgspec.json.encode(attributes).decode()
    met = await judge(conn, texts, parameters.values, person=person, attributes=document, now=now)
    if not met:
        return Verdict(None)
    conditions = tuple(
        Condition(text=render(leaf), met=is_met, value=_value(leaf, attributes), segment=code)
        for (leaf, code), is_met in zip(leaves, met[1:], strict=True)
    )
    return Verdict(met[0], conditions)


def _leaves(
    expression: Expression, scope: SegmentScope, code: str | None, depth: int = 0
) -> Iterator[tuple[Expression, str | None]]:
    """Yield the conditions of a segment, in reading order, with the code of the stored segment that they stand in."""
    if depth > 2 * CONDITIONS_MAX:
        return
    match expression:
        case All(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from _leaves(part, scope, code, depth + 1)
        case Not(of=part):
            yield from _leaves(part, scope, code, depth + 1)
        case Reference(code=named) if named in scope.segments:
            yield from _leaves(scope.segments[named], scope, named, depth + 1)
        case _:
            yield expression, code


def _value(leaf: Expression, attributes: Mapping[str, Any]) -> Any | UnsetType:  # noqa: ANN401 - whatever JSON can say
    if not isinstance(leaf, Attribute):
        return UNSET
    value: Any = attributes
    for name in leaf.path:
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return value
