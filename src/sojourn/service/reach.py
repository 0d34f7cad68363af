"""Reach: how far back journeys and segments look at events, held against how long those are kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Graph
from sojourn.model.points import AnyPoint, BooleanSplitter, SendEmail, StartBySegment, WaitForTrigger
from sojourn.model.problems import Problem
from sojourn.model.segments import All, AnyOf, Event, Expression, Not, Reference
from sojourn.seglang import SeglangError, parse

TOO_SHORT = "retention.short"
"""Code of the warnings, and of the doctor's finding."""

SECONDS_A_DAY = 86_400
HABIT_DAYS = 90
"""How far back `best_time` looks; see docs/engine.md."""


@dataclass(frozen=True, slots=True)
class TooFar:
    """A point that looks back further than its events are kept: `days` against `kept` days."""

    point_id: str
    days: int
    kept: int

    @property
    def text(self) -> str:
        """Say so."""
        return f"it looks back {self.days} days, but events of the app are kept for {self.kept}"


def graph_warnings(graph: Graph, scope: SegmentScope, retentions: Mapping[int, int | None]) -> tuple[Problem, ...]:
    """Return warnings about the points that look back further than the events of the journey's app are kept."""
    return tuple(Problem(TOO_SHORT, f"points/{each.point_id}", each.text) for each in too_far(graph, scope, retentions))


def segment_warnings(
    expression: Expression, scope: SegmentScope, retentions: Mapping[int, int | None], application_code: str | None
) -> tuple[Problem, ...]:
    """Return warnings about the apps that keep events for shorter than a segment looks back: of one, or of all."""
    days = _days(expression, scope)
    chosen = scope.app_ids if application_code is None else {application_code: scope.app_ids[application_code]}
    return tuple(
        Problem(TOO_SHORT, "source", f"it looks back {days} days, but events of {code} are kept for {kept}")
        for code, app_id in sorted(chosen.items())
        if (kept := retentions.get(app_id)) is not None and days > kept
    )


def too_far(graph: Graph, scope: SegmentScope, retentions: Mapping[int, int | None]) -> Iterator[TooFar]:
    """Yield the points that look back further than the events of the journey's app are kept.

    Args:
        graph: The journey.
        scope: What its segments refer to.
        retentions: Days by app; None: for ever.
    """
    app_id = scope.app_ids.get(graph.settings.application_code)
    kept = retentions.get(app_id) if app_id is not None else None
    if kept is None:
        return
    for point in graph.points:
        days = days_back(point, scope)
        if days > kept:
            yield TooFar(point.id, days, kept)


def days_back(point: AnyPoint, scope: SegmentScope) -> int:
    """Return how many days of events a point looks back at; 0 where it does not, or where no window says how many."""
    match point:
        case WaitForTrigger():
            look_back = max((branch.look_back_seconds for branch in point.branches), default=0)
            return -(-(look_back + point.held_seconds) // SECONDS_A_DAY) if look_back else 0
        case SendEmail():
            return HABIT_DAYS if point.best_time else 0
        case StartBySegment() | BooleanSplitter():
            return _days(_segment(point, scope), scope)
        case _:
            return 0


def _segment(point: StartBySegment | BooleanSplitter, scope: SegmentScope) -> Expression:
    if point.filter_code is not None:
        return scope.segments.get(point.filter_code, All())
    try:
        return parse(point.filter or "")
    except SeglangError:
        return All()


def _days(expression: Expression, scope: SegmentScope) -> int:
    return max((event.days or 0 for event in _events(expression, scope, 0)), default=0)


def _events(expression: Expression, scope: SegmentScope, depth: int) -> Iterator[Event]:
    match expression:
        case All(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from _events(part, scope, depth)
        case Not(of=part):
            yield from _events(part, scope, depth)
        case Reference(code=code) if code in scope.segments and depth < len(scope.segments):
            yield from _events(scope.segments[code], scope, depth + 1)
        case Event():
            yield expression
        case _:
            pass
