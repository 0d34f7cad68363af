"""Segments as SQL: one boolean over a row of `profile`, whatever the segment.

The set operations, apps and references are here; what an operator means for a value is in `compiler.comparisons`, what
is known beside attributes in `compiler.facts`, what people did in `compiler.behaviour`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from sojourn.compiler.behaviour import best_time, event
from sojourn.compiler.comparisons import at_path, compare, compare_time
from sojourn.compiler.facts import fact, within_radius
from sojourn.compiler.lookup import Lookup, Rows, rows_of
from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segment_check import MAX_CONDITIONS, MAX_DEPTH, SegmentScope, check_segment
from sojourn.model.problems import SojournError
from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Event,
    Expression,
    Fact,
    Geo,
    Not,
    Reference,
    Static,
    Updated,
)

__all__ = ["MAX_CONDITIONS", "MAX_DEPTH", "SegmentRefused", "SegmentScope", "check_segment", "predicate"]


class SegmentRefused(SojournError):
    """The segment has problems, so that it stands for nobody in particular."""

    code = "segment.refused"


def predicate(
    expression: Expression,
    parameters: Parameters,
    scope: SegmentScope,
    *,
    profile: str = "p",
    attributes: str | None = None,
    lookup: Lookup | Callable[[Expression], Lookup] = "each",
) -> str:
    """Return a SQL boolean, never null: whether the person in a row of `profile` is in the segment.

    The statement gives the parameters that `lookup` names, and `now`, besides those that are added here.

    Args:
        expression: The segment; must have no problems, see `check_segment`.
        parameters: Where everything goes that a person typed.
        scope: What the segment refers to.
        profile: The alias of the row, which has all columns that are known of a person.
        attributes: A jsonb expression to read instead of the row's attributes.
        lookup: How what is known in other tables is looked up, always or by condition.

    Raises:
        SegmentRefused: The segment has problems.
    """
    problems = check_segment(expression, scope)
    if problems:
        raise SegmentRefused(problems=tuple(problems))
    read = attributes or f"{profile}.attributes"

    def rows(leaf: Expression) -> Rows:
        return rows_of(profile, read, lookup(leaf) if callable(lookup) else lookup)

    return _Spelling(parameters, scope, rows).spell(expression)


@dataclass(frozen=True, slots=True)
class _Spelling:
    """What stays the same from the root of an expression to its leaves."""

    parameters: Parameters
    scope: SegmentScope
    rows: Callable[[Expression], Rows]

    def spell(self, expression: Expression) -> str:  # noqa: C901, PLR0911, PLR0912 - one case per kind
        match expression:
            case All(of=parts):
                return self._joined(parts, " and ", "true")
            case AnyOf(of=parts):
                return self._joined(parts, " or ", "false")
            case Not(of=part):
                return f"(not {self.spell(part)})"
            case Application():
                return self._application(expression)
            case Attribute():
                return self._attribute(expression)
            case Reference(code=code):
                return self.spell(self.scope.segments[code])
            case Static(code=code):
                listed = f"m.segment_id = {self.scope.lists[code]:d}"
                return self.rows(expression).have("static_member", "m", [listed])
            case Event():
                return event(expression, self.rows(expression), self.parameters, self.scope.app_ids)
            case BestTime():
                return best_time(expression, self.rows(expression))
            case Fact():
                return fact(expression, self.rows(expression), self.parameters)
            case Geo():
                return within_radius(expression, self.rows(expression), self.parameters)
            case Updated():
                return compare_time(f"{self.rows(expression).profile}.updated_at", expression, self.parameters)
            case _:
                assert_never(expression)

    def _joined(self, parts: tuple[Expression, ...], word: str, empty: str) -> str:
        return f"({word.join(map(self.spell, parts))})" if parts else empty

    def _member(self, app: str, rows: Rows) -> str:
        return f"({rows.profile}.app_ids @> array[{self.scope.app_ids[app]:d}])"

    def _attribute(self, wanted: Attribute) -> str:
        rows = self.rows(wanted)
        met = compare(at_path(rows.attributes, wanted.path, self.parameters), wanted, self.parameters)
        return f"({self._member(wanted.app, rows)} and {met})" if wanted.app is not None else met

    def _application(self, wanted: Application) -> str:
        rows = self.rows(wanted)
        if not (wanted.platforms or wanted.with_tokens):
            return self._member(wanted.app, rows)
        clauses = [f"d.app_id = {self.scope.app_ids[wanted.app]:d}"]
        if wanted.platforms:
            platforms = [platform.lower() for platform in wanted.platforms]
            clauses.append(f"lower(d.platform) = any ({self.parameters.add(platforms, 'text[]')})")
        if wanted.with_tokens:
            clauses.append("d.push_token is not null")
        return rows.have("device", "d", clauses)
