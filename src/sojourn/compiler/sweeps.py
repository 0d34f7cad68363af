"""Sweeps: how a statement that goes through everybody finds out what other tables know of them. Pure.

A condition on what people did can be answered person by person, or by going once through all that was done. The first
costs by the people of whom the rest of the segment has not decided yet, the second by what there is to go through.
Which is less depends on the segment and the people, by factors of a hundred either way; the database cannot tell, since
it knows nothing of what attributes hold. So it is asked first of how many the row of `profile` alone does not decide.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sojourn.compiler.behaviour import HABITS_DAYS
from sojourn.compiler.facts import DEVICE, REACHES
from sojourn.compiler.lookup import Lookup
from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segments import SegmentScope, predicate
from sojourn.model.segments import All, AnyOf, Application, BestTime, Event, Expression, Fact, Not, Static

Table = Literal["device", "event", "static_member"]
TABLES: tuple[Table, ...] = ("device", "event", "static_member")
"""Tables that a condition may look into."""

PROBE_ROWS = 20
"""So many rows are gone through in the time in which one person is looked up in one partition."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table, or a partition of one.

    Attributes:
        rows: About how many it has.
        ends: The first day that is not in it any more; None where it has no end.
    """

    rows: float
    ends: date | None = None


Sizes = Mapping[Table, Sequence[Part]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What decides about the way.

    Attributes:
        sizes: What there is to go through.
        undecided: About how many people the row of `profile` alone does not decide.
        now: The instant of the question.
    """

    sizes: Sizes
    undecided: float
    now: datetime

    def goes_through(self, leaf: Expression) -> bool:
        """Tell whether a condition is answered for everybody at once."""
        table = table_of(leaf)
        if table is None:
            return False
        since = self._since(leaf)
        parts = [part for part in self.sizes[table] if since is None or part.ends is None or part.ends > since]
        return self.undecided * len(parts) * PROBE_ROWS >= sum(part.rows for part in parts)

    def _since(self, leaf: Expression) -> date | None:
        days = leaf.days if isinstance(leaf, Event) else HABITS_DAYS if isinstance(leaf, BestTime) else None
        return None if days is None else (self.now - timedelta(days=days)).date()

    def lookup_across(self, leaf: Expression) -> Lookup:
        """Say how a statement over several shards looks up."""
        return "across" if self.goes_through(leaf) else "each_across"

    def lookup_in_shard(self, leaf: Expression) -> Lookup:
        """Say how a statement over one shard looks up."""
        return "shard" if self.goes_through(leaf) else "each"


def table_of(leaf: Expression) -> Table | None:
    """Return the table that a condition looks into; None where the row of `profile` says it all."""
    match leaf:
        case Event() | BestTime():
            return "event"
        case Static():
            return "static_member"
        case Application(platforms=platforms, with_tokens=with_tokens) if platforms or with_tokens:
            return "device"
        case Fact(path=(name, *_)) if name == DEVICE or name in REACHES:
            return "device"
        case _:
            return None


def looks_up(expression: Expression) -> bool:
    """Tell whether a segment without references reads more than the row of `profile`."""
    match expression:
        case All(of=parts) | AnyOf(of=parts):
            return any(map(looks_up, parts))
        case Not(of=part):
            return looks_up(part)
        case _:
            return table_of(expression) is not None


def undecided(expression: Expression) -> Expression:
    """Return the segment of those whom the row of `profile` alone does not decide; `All()` if that is everybody."""
    return _all([_bound(expression, at_most=True), _not(_bound(expression, at_most=False))])


def _bound(expression: Expression, *, at_most: bool) -> Expression:
    """Return who is in the segment if all that has to be looked up is met (`at_most`), or is not."""
    match expression:
        case All(of=parts):
            return _all([_bound(part, at_most=at_most) for part in parts])
        case AnyOf(of=parts):
            return _not(_all([_not(_bound(part, at_most=at_most)) for part in parts]))
        case Not(of=part):
            return _not(_bound(part, at_most=not at_most))
        case _ if table_of(expression) is not None:
            return EVERYBODY if at_most else NOBODY
        case _:
            return expression


EVERYBODY, NOBODY = All(), AnyOf()


def _all(parts: Sequence[Expression]) -> Expression:
    left = tuple(part for part in parts if part != EVERYBODY)
    if NOBODY in left:
        return NOBODY
    return left[0] if len(left) == 1 else All(of=left)


def _not(part: Expression) -> Expression:
    if part == EVERYBODY:
        return NOBODY
    if part == NOBODY:
        return EVERYBODY
    return part.of if isinstance(part, Not) else Not(of=part)


def rows_first(expression: Expression) -> Expression:
    """Return the same segment with what the row of `profile` says before what has to be looked up.

    The database keeps the order of what is joined by `or`.
    """
    match expression:
        case All(of=parts):
            return All(of=_rows_first(parts))
        case AnyOf(of=parts):
            return AnyOf(of=_rows_first(parts))
        case Not(of=part):
            return Not(of=rows_first(part))
        case _:
            return expression


def _rows_first(parts: Sequence[Expression]) -> tuple[Expression, ...]:
    return tuple(map(rows_first, sorted(parts, key=looks_up)))


def condition(
    expression: Expression, parameters: Parameters, scope: SegmentScope, lookup: Callable[[Expression], Lookup]
) -> str:
    """Return `predicate` of a segment without references, for a statement that goes through everybody.

    Of what has to be met together, the row of `profile` comes first, then what is looked up person by person, in a
    `case` that keeps this order, then what is gone through once, which the database may begin with. It takes a `case`
    to be met by one half of the people. Left to itself it multiplies one guess per condition, ends at one person, and
    goes through all that was done once for each of those whom it then finds.
    """
    parts = expression.of if isinstance(expression, All) else (expression,)
    by_row = tuple(part for part in parts if not looks_up(part))
    in_sets = tuple(part for part in parts if _is_in_sets(part, lookup))
    others = tuple(rows_first(part) for part in parts if part not in by_row and part not in in_sets)

    def spelt(*of: Expression) -> str:
        return predicate(All(of=of), parameters, scope, lookup=lookup)

    first = f"(case when {spelt(*by_row)} then {spelt(*others)} else false end)"
    return f"({first} and {spelt(*in_sets)})"


def _is_in_sets(part: Expression, lookup: Callable[[Expression], Lookup]) -> bool:
    leaf = part.of if isinstance(part, Not) else part
    return table_of(leaf) is not None and lookup(leaf) in ("across", "shard")
