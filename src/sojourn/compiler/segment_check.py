"""Segment check: everything that is wrong with a segment, at once, before it may become SQL."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from sojourn.compiler.comparisons import check_comparison, check_number, check_time, is_writable
from sojourn.compiler.facts import FACTS, is_fact, is_time
from sojourn.model.problems import Problem
from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Event,
    EventAttribute,
    Expression,
    Fact,
    Geo,
    Not,
    Reference,
    Static,
    Updated,
)

MAX_DEPTH = 100
MAX_CONDITIONS = 2_000


@dataclass(frozen=True, slots=True)
class SegmentScope:
    """What a segment may refer to.

    Attributes:
        app_ids: Numbers of the workspace's apps by application code.
        segments: Stored segments by code.
        lists: Numbers of the fixed lists among them by code.
    """

    app_ids: Mapping[str, int]
    workspace_id: int
    segments: Mapping[str, Expression]
    lists: Mapping[str, int] = field(default_factory=dict[str, int])


def check_segment(expression: Expression, scope: SegmentScope) -> list[Problem]:
    """Return everything that is wrong with a segment.

    Places are paths into the expression, such as `of/0/values/1`. What is wrong inside a segment that it names has the
    place of the name.
    """
    check = _Check(scope)
    depth, conditions = check.visit(expression)
    if depth > MAX_DEPTH or conditions > MAX_CONDITIONS:
        rule = f"at most {MAX_DEPTH} levels and {MAX_CONDITIONS:,} conditions, those of the segments it names included"
        check.problems.append(Problem("segment.too_large", "", f"a segment has {rule}"))
    return check.problems


_Extent = tuple[int, int]
"""How many levels an expression nests, and how many conditions it has, with what it names put in its place."""


class _Check:
    """One check of a segment and of all that it names, each once."""

    def __init__(self, scope: SegmentScope) -> None:
        self.problems: list[Problem] = []
        self._scope = scope
        self._extents: dict[str, _Extent] = {}

    def visit(self, expression: Expression, chain: tuple[str, ...] = ()) -> _Extent:
        """Collect the problems of an expression, reached by following the names in `chain`."""
        depth = conditions = 0
        for where, level, node in walk(expression):
            self.problems.extend(_problems(node, where, self._scope))
            below, inside = self._named(node.code, where, chain) if isinstance(node, Reference) else (0, _weight(node))
            depth, conditions = max(depth, level + below), conditions + inside
        return depth, conditions

    def _named(self, code: str, where: str, chain: tuple[str, ...]) -> _Extent:
        if code in chain:
            self.problems.append(Problem("segment.cycle", where, f"the segment `{code}` is defined by itself"))
            return 0, 0
        if code not in self._scope.segments or len(chain) > MAX_DEPTH:
            return len(chain), 1
        if code not in self._extents:
            known = len(self.problems)
            self._extents[code] = self.visit(self._scope.segments[code], (*chain, code))
            self.problems[known:] = [
                Problem(problem.code, where, f"in the segment `{code}`: {problem.text}")
                for problem in self.problems[known:]
            ]
        return self._extents[code]


def walk(expression: Expression) -> Iterator[tuple[str, int, Expression]]:
    """Yield every node with its place and level, in reading order. No recursion, so that any depth can be measured."""
    waiting: list[tuple[str, int, Expression]] = [("", 1, expression)]
    while waiting:
        where, level, node = waiting.pop()
        yield where, level, node
        match node:
            case All(of=parts) | AnyOf(of=parts):
                numbered = reversed(tuple(enumerate(parts)))
                waiting.extend((_below(where, f"of/{number}"), level + 1, part) for number, part in numbered)
            case Not(of=part):
                waiting.append((_below(where, "of"), level + 1, part))
            case _:
                pass


def _problems(  # noqa: C901, PLR0912 - one case per kind
    node: Expression, where: str, scope: SegmentScope
) -> Iterator[Problem]:
    """Yield the problems of one node, without those of its parts."""
    match node:
        case All() | AnyOf() | Not():
            pass
        case Application():
            yield from _check_app(node.app, where, scope)
            yield from _check_texts(node.platforms, _below(where, "platforms"))
        case Attribute():
            if node.app is not None:
                yield from _check_app(node.app, where, scope)
            yield from _check_texts(node.path, _below(where, "path"))
            yield from check_comparison(node, where)
        case Reference(code=code):
            if code not in scope.segments:
                yield Problem("segment.unknown_segment", where, f"there is no segment with the code `{code}`")
        case Static(code=code):
            if code not in scope.lists:
                yield Problem("segment.unknown_list", where, f"there is no list with the code `{code}`")
        case Event():
            yield from _check_event(node, where, scope)
        case Fact():
            yield from _check_fact(node, where)
        case Updated():
            yield from check_time(node, where)
        case BestTime(from_hour=from_hour, to_hour=to_hour):
            if from_hour == to_hour:
                yield Problem("segment.values", where, "the hours of a best time differ")
        case Geo():
            pass
        case _:
            assert_never(node)


def _weight(node: Expression) -> int:
    """Count the conditions of one node."""
    return 1 + len(node.where) if isinstance(node, Event) else 1


def _check_event(node: Event, where: str, scope: SegmentScope) -> Iterator[Problem]:
    if node.app is not None:
        yield from _check_app(node.app, where, scope)
    yield from _check_texts((node.name,), _below(where, "name"))
    if node.count is not None:
        yield from check_number(node.count, _below(where, "count"))
    if node.sum is not None:
        yield from _check_texts(node.sum.path, _below(where, "sum/path"))
        yield from check_number(node.sum, _below(where, "sum"))
    for name, time in (("first", node.first), ("last", node.last), ("when", node.when)):
        if time is not None:
            yield from check_time(time, _below(where, name))
    for number, condition in enumerate(node.where):
        yield from _check_event_attribute(condition, _below(where, f"where/{number}"))


def _check_event_attribute(condition: EventAttribute, where: str) -> Iterator[Problem]:
    yield from _check_texts(condition.path, _below(where, "path"))
    yield from check_comparison(condition, where)


def _check_fact(node: Fact, where: str) -> Iterator[Problem]:
    yield from _check_texts(node.path, _below(where, "path"))
    if not is_fact(node.path):
        known = f"facts are {', '.join(FACTS)}"
        yield Problem("segment.unknown_fact", _below(where, "path"), f"there is no `{'.'.join(node.path)}`; {known}")
    elif is_time(node.path):
        yield from check_time(node, where)
    else:
        yield from check_comparison(node, where)


def _below(where: str, step: str) -> str:
    return f"{where}/{step}" if where else step


def _check_app(app: str, where: str, scope: SegmentScope) -> Iterator[Problem]:
    if app not in scope.app_ids:
        yield Problem("segment.unknown_app", where, f"there is no app with the code `{app}`")


def _check_texts(texts: tuple[str, ...], where: str) -> Iterator[Problem]:
    if not all(map(is_writable, texts)):
        yield Problem("segment.values", where, "text holds neither NUL nor half of a surrogate pair")
