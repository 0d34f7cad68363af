"""Seen: why somebody is in a segment or not: one statement that says of every condition whether it is met, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sojourn.compiler.behaviour import done, habit
from sojourn.compiler.comparisons import at_path
from sojourn.compiler.facts import DEVICE, REACHES, TIMES, distance, stored, values_of_devices
from sojourn.compiler.lookup import SHARD, Rows, rows_of
from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segments import SegmentScope, predicate
from sojourn.model.segments import (
    All,
    AnyOf,
    Attribute,
    BestTime,
    Event,
    Expression,
    Fact,
    Geo,
    Not,
    Reference,
    Updated,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A statement about the person `profile_id` in the shard `shard`: one row with two lists, by condition.

    The first has whether each is met, the second what was seen, as jsonb.
    """

    sql: str
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Leaf:
    """A condition of a segment, and the code of the stored segment that it stands in, if it is named there."""

    condition: Expression
    segment: str | None


def conditions(expression: Expression, scope: SegmentScope, segment: str | None = None) -> Iterator[Leaf]:
    """Yield the conditions of a segment without problems, those of segments that it names, too, in reading order."""
    match expression:
        case All(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from conditions(part, scope, segment)
        case Not(of=part):
            yield from conditions(part, scope, segment)
        case Reference(code=code):
            yield from conditions(scope.segments[code], scope, code)
        case _:
            yield Leaf(expression, segment)


def question(leaves: Sequence[Expression], scope: SegmentScope, *, attributes: str = "p.attributes") -> Question:
    """Return the statement that asks about conditions.

    Args:
        leaves: The conditions, or whole segments.
        scope: What they refer to.
        attributes: A jsonb expression to read instead of the person's attributes.

    Raises:
        SegmentRefused: One of them has problems.
    """
    parameters = Parameters()
    rows = rows_of("p", attributes, "each")
    met = ",\n    ".join(predicate(leaf, parameters, scope, attributes=attributes) for leaf in leaves)
    values = ",\n    ".join(_value(leaf, rows, parameters, scope) for leaf in leaves)
    of_whom = f"p.shard = {SHARD} and p.profile_id = %(profile_id)s::bigint"
    lists = f"array[\n    {met}\n]::boolean[], to_jsonb(array[\n    {values}\n]::jsonb[])"
    return Question(f"select {lists}\nfrom profile as p\nwhere {of_whom}", parameters)


def is_seen(leaf: Expression) -> bool:
    """Tell whether there is something to be seen that a condition is about, beside whether it is met."""
    return isinstance(leaf, Attribute | BestTime | Event | Fact | Geo | Updated)


def _value(leaf: Expression, rows: Rows, parameters: Parameters, scope: SegmentScope) -> str:  # noqa: PLR0911 - one case per kind
    match leaf:
        case Attribute(path=path):
            return at_path(rows.attributes, path, parameters).json
        case Event():
            return f"({done(leaf, rows, parameters, scope.app_ids)})"
        case BestTime():
            return f"(select to_jsonb(h.hour) from ({habit(rows)}) as h)"
        case Fact(path=path):
            return _of_fact(path, rows, parameters)
        case Geo():
            return f"to_jsonb({distance(leaf, rows, parameters)})"
        case Updated():
            return f"to_jsonb({rows.profile}.updated_at)"
        case _:
            return "null::jsonb"


def _of_fact(path: tuple[str, ...], rows: Rows, parameters: Parameters) -> str:
    name = path[0]
    if name in TIMES:
        return f"to_jsonb({rows.profile}.{TIMES[name]})"
    if name == DEVICE or name in REACHES:
        value, counts = values_of_devices(path, parameters)
        where = " and ".join([*rows.of("d"), f"({counts})"])
        return f"(select jsonb_agg(distinct {value}) from device as d where {where})"
    return stored(path, rows, parameters).json
