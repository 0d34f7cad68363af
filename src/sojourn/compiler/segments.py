"""Segments as SQL: one boolean over a row of `profile`, whatever the segment.

The set operations, apps and references are here; what an operator means for a value is in `compiler.comparisons`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from sojourn.compiler.comparisons import at_path, check_comparison, compare, is_writable
from sojourn.compiler.parameters import Parameters
from sojourn.model.problems import Problem, SojournError
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

MAX_DEPTH = 100
MAX_CONDITIONS = 2_000


@dataclass(frozen=True, slots=True)
class SegmentScope:
    """What a segment may refer to.

    Attributes:
        app_ids: Numbers of the workspace's apps by application code.
        segments: Stored segments by code.
    """

    app_ids: Mapping[str, int]
    workspace_id: int
    segments: Mapping[str, Expression]


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
) -> str:
    """Return a SQL boolean, never null: whether the person in a row of `profile` is in the segment.

    The statement gives the parameters `now` and `shard` besides those that are added here.

    Args:
        expression: The segment; must have no problems, see `check_segment`.
        parameters: Where everything goes that a person typed.
        scope: What the segment refers to.
        profile: The alias of the row.
        attributes: A jsonb expression to read instead of the row's attributes.

    Raises:
        SegmentRefused: The segment has problems.
    """
    problems = check_segment(expression, scope)
    if problems:
        raise SegmentRefused(problems=tuple(problems))
    return _Spelling(parameters, scope, profile, attributes or f"{profile}.attributes").spell(expression)


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


# SQL --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Spelling:
    """What stays the same from the root of an expression to its leaves."""

    parameters: Parameters
    scope: SegmentScope
    profile: str
    attributes: str

    def spell(self, expression: Expression) -> str:
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
            case BestTime() | Event() | Fact() | Geo() | Static() | Updated():
                raise AssertionError(f"`{type(expression).__name__}` is refused by check_segment")
            case _:
                assert_never(expression)

    def _joined(self, parts: tuple[Expression, ...], word: str, empty: str) -> str:
        return f"({word.join(map(self.spell, parts))})" if parts else empty

    def _member(self, app: str) -> str:
        return f"({self.profile}.app_ids @> array[{self.scope.app_ids[app]:d}])"

    def _attribute(self, wanted: Attribute) -> str:
        met = compare(at_path(self.attributes, wanted.path, self.parameters), wanted, self.parameters)
        return f"({self._member(wanted.app)} and {met})" if wanted.app is not None else met

    def _application(self, wanted: Application) -> str:
        if not (wanted.platforms or wanted.with_tokens):
            return self._member(wanted.app)
        clauses = [
            "d.shard = %(shard)s::smallint",
            f"d.profile_id = {self.profile}.profile_id",
            f"d.app_id = {self.scope.app_ids[wanted.app]:d}",
        ]
        if wanted.platforms:
            platforms = [platform.lower() for platform in wanted.platforms]
            clauses.append(f"lower(d.platform) = any ({self.parameters.add(platforms, 'text[]')})")
        if wanted.with_tokens:
            clauses.append("d.push_token is not null")
        return f"exists (select 1 from device as d where {' and '.join(clauses)})"


# Problems ---------------------------------------------------------------------------------------------------

_WORDS: Mapping[type[Expression], str] = {
    BestTime: "BTTS", Event: "Event", Fact: "Fact", Geo: "Geo", Static: "Static", Updated: "Updated",
}  # fmt: skip

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
        for where, level, node in _walk(expression):
            self.problems.extend(_problems(node, where, self._scope))
            below, inside = self._named(node.code, where, chain) if isinstance(node, Reference) else (0, 1)
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


def _walk(expression: Expression) -> Iterator[tuple[str, int, Expression]]:
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


def _problems(node: Expression, where: str, scope: SegmentScope) -> Iterator[Problem]:
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
        case BestTime() | Event() | Fact() | Geo() | Static() | Updated():
            yield Problem("segment.unsupported", where, f"`{_WORDS[type(node)]}` is not available yet")
        case _:
            assert_never(node)


def _below(where: str, step: str) -> str:
    return f"{where}/{step}" if where else step


def _check_app(app: str, where: str, scope: SegmentScope) -> Iterator[Problem]:
    if app not in scope.app_ids:
        yield Problem("segment.unknown_app", where, f"there is no app with the code `{app}`")


def _check_texts(texts: tuple[str, ...], where: str) -> Iterator[Problem]:
    if not all(map(is_writable, texts)):
        yield Problem("segment.values", where, "text holds neither NUL nor half of a surrogate pair")
