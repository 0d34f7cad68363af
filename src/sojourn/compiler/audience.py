"""Live audiences: what a segment depends on, and when the clock alone may change who is in it. Pure.

Who is in a segment changes only when something changes that the segment reads, or when time passes a boundary of a
condition that counts back from now. The first is `dependencies`, the second `next_turn`. Both may say too much, never
too little: to look at somebody once too often changes nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, assert_never

import msgspec

from sojourn.compiler.behaviour import HABITS_WINDOW, OPENED, nothing_is_enough
from sojourn.compiler.comparisons import at_path
from sojourn.compiler.facts import DEVICE, REACHES, ROLE, TIMES, is_time, stored, values_of_devices
from sojourn.compiler.lookup import Rows, rows_of
from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segments import SegmentScope, predicate
from sojourn.model.points import StartBySegment, Trigger
from sojourn.model.reactions import MESSAGE_OPENED
from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Comparison,
    DaysAgo,
    Event,
    Expression,
    Fact,
    Geo,
    Not,
    Operator,
    Reference,
    Static,
    Updated,
    moment,
)

Aspect = Literal["any", "app", "device", "event", "fact", "list", "new", "tag"]
"""What about a person changed: anything; an app they use; a device; something they did; what is known beside the
attributes; a fixed list they are on; that they exist; an attribute."""

NOW = "%(now)s::timestamptz"


@dataclass(frozen=True, slots=True, order=True)
class Dependency:
    """Something about people that a segment reads. `name` is an attribute's or an event's."""

    aspect: Aspect
    name: str = ""


@dataclass(frozen=True, slots=True)
class Audience:
    """The people of a segment entry that watches its segment.

    Attributes:
        expression: The segment, without references, and with the app of the entry.
        fingerprint: Differs where the segment does.
    """

    trigger: Trigger
    expression: Expression
    dependencies: frozenset[Dependency]
    fingerprint: str


def audience(point: StartBySegment, expression: Expression, scope: SegmentScope) -> Audience:
    """Return the audience of a live entry, whose segment has no problems."""
    whole = resolved(expression, scope)
    if point.application_code is not None:
        whole = All(of=(Application(app=point.application_code), whole))
    fingerprint = hashlib.md5(msgspec.json.encode(whole), usedforsecurity=False).hexdigest()
    return Audience(point.trigger, whole, dependencies(whole), fingerprint)


def resolved(expression: Expression, scope: SegmentScope) -> Expression:
    """Return the same segment with the stored segments that it names in their places."""
    match expression:
        case All(of=parts):
            return All(of=tuple(resolved(part, scope) for part in parts))
        case AnyOf(of=parts):
            return AnyOf(of=tuple(resolved(part, scope) for part in parts))
        case Not(of=part):
            return Not(of=resolved(part, scope))
        case Reference(code=code):
            return resolved(scope.segments[code], scope)
        case _:
            return expression


# What it depends on -----------------------------------------------------------------------------------------


def dependencies(expression: Expression) -> frozenset[Dependency]:
    """Return what a segment without references reads. Whatever else changes, the same people are in it.

    Somebody nothing is known about is no news to a segment that such a person is not in: what is said of them is.
    """
    found = {each for leaf in _leaves(expression) for each in _reads(leaf)}
    if _of_a_stranger(expression) is not False:
        found.add(Dependency("new"))
    return frozenset(found)


def _leaves(expression: Expression) -> Iterator[Expression]:
    match expression:
        case All(of=parts) | AnyOf(of=parts):
            for part in parts:
                yield from _leaves(part)
        case Not(of=part):
            yield from _leaves(part)
        case _:
            yield expression


def _reads(leaf: Expression) -> Iterator[Dependency]:  # noqa: C901 - one case per kind
    match leaf:
        case Attribute(path=path, app=app):
            yield Dependency("tag", path[0])
            if app is not None:
                yield Dependency("app")
        case Application(platforms=platforms, with_tokens=with_tokens):
            yield Dependency("device" if platforms or with_tokens else "app")
        case Event(name=name):
            yield Dependency("event", name)
        case BestTime():
            yield Dependency("event", MESSAGE_OPENED)
            yield Dependency("fact")
        case Fact(path=path):
            yield _read_by_fact(path[0])
        case Geo():
            yield Dependency("fact")
        case Updated():
            yield Dependency("any")
        case Static():
            yield Dependency("list")
        case All() | AnyOf() | Not() | Reference():
            raise AssertionError("the leaves of a resolved segment are conditions")
        case _:
            assert_never(leaf)


def _read_by_fact(name: str) -> Dependency:
    if name == ROLE:
        return Dependency("tag", ROLE)
    if name == DEVICE or name in REACHES:
        return Dependency("device")
    return Dependency("any" if name in TIMES else "fact")


def _of_a_stranger(expression: Expression) -> bool | None:  # noqa: PLR0911 - one answer per kind
    """Tell whether a person is in the segment of whom nothing is known; None where that is not plain."""
    match expression:
        case All(of=parts):
            met = [_of_a_stranger(part) for part in parts]
            return False if False in met else None if None in met else True
        case AnyOf(of=parts):
            met = [_of_a_stranger(part) for part in parts]
            return True if True in met else None if None in met else False
        case Not(of=part):
            met = _of_a_stranger(part)
            return None if met is None else not met
        case Attribute(app=None):
            return expression.operator in NEGATIVE
        case Attribute() | Application():
            return False
        case Event():
            return nothing_is_enough(expression)
        case BestTime() | Geo() | Static():
            return False
        case Fact() | Updated() | Reference():
            return None
        case _:
            assert_never(expression)


NEGATIVE: tuple[Operator, ...] = ("NOTEQ", "NOTIN", "NOTSET")


# When the clock changes it ----------------------------------------------------------------------------------


def next_turn(expression: Expression, parameters: Parameters, scope: SegmentScope, *, profile: str = "p") -> str | None:
    """Return SQL for the next instant after now at which time alone may change whether a person is in the segment.

    The SQL is null where there is none for this person; the return value is None where there is none for anybody.

    Args:
        expression: The segment, without references and problems.
        parameters: Where everything goes that a person typed.
        scope: What the segment refers to.
        profile: The alias of the person's row.
    """
    return _Turns(parameters, scope, profile).of(expression)


@dataclass(frozen=True, slots=True)
class _Turns:
    """What stays the same from the root of an expression to its leaves."""

    parameters: Parameters
    scope: SegmentScope
    profile: str

    def of(self, expression: Expression) -> str | None:  # noqa: C901, PLR0911 - one case per kind
        match expression:
            case All(of=parts):
                return self._joined(parts, decided="not ")
            case AnyOf(of=parts):
                return self._joined(parts, decided="")
            case Not(of=part):
                return self.of(part)
            case Attribute():
                return self._of_attribute(expression)
            case Event():
                return self._of_event(expression)
            case Fact():
                return self._of_fact(expression)
            case Updated():
                return self._of_time(f"{self.profile}.updated_at", days_of_turns(expression))
            case BestTime():
                return self._of_habit()
            case Application() | Geo() | Static():
                return None
            case Reference():
                raise AssertionError("a resolved segment has no references")
            case _:
                assert_never(expression)

    def _joined(self, parts: tuple[Expression, ...], *, decided: str) -> str | None:
        """Return the earliest turn of the parts, unless the parts that time does not change decide for good."""
        turns = [self.of(part) for part in parts]
        timed = [turn for turn in turns if turn is not None]
        if not timed:
            return None
        earliest = timed[0] if len(timed) == 1 else f"least({', '.join(timed)})"
        fixed = tuple(part for part, turn in zip(parts, turns, strict=True) if turn is None)
        if not fixed:
            return earliest
        whole = All(of=fixed) if decided else AnyOf(of=fixed)
        met = predicate(whole, self.parameters, self.scope, profile=self.profile)
        return f"case when {decided}{met} then null else {earliest} end"

    def _of_attribute(self, wanted: Attribute) -> str | None:
        subject = at_path(f"{self.profile}.attributes", wanted.path, self.parameters)
        return self._of_value(subject.json, days_of_turns(wanted))

    def _of_fact(self, wanted: Fact) -> str | None:
        days, name = days_of_turns(wanted), wanted.path[0]
        if not days:
            return None
        if is_time(wanted.path):
            return self._of_time(f"{self.profile}.{TIMES[name]}", days)
        rows = self._rows()
        if name != DEVICE and name not in REACHES:
            return self._of_value(stored(wanted.path, rows, self.parameters).json, days)
        value, counts = values_of_devices(wanted.path, self.parameters)
        where = " and ".join([*rows.of("d"), counts])
        return f"(select min({self._of_value(value, days)}) from device as d where {where})"

    def _rows(self) -> Rows:
        return rows_of(self.profile, f"{self.profile}.attributes", "each")

    def _of_value(self, value: str, days: list[int]) -> str | None:
        return f"next_turn_v1({value}, {self.parameters.add(days, 'integer[]')}, {NOW})" if days else None

    def _of_time(self, at: str, days: list[int]) -> str | None:
        return f"next_day_turn_v1({at}, {self.parameters.add(days, 'integer[]')}, {NOW})" if days else None

    # Events -------------------------------------------------------------------------------------------------

    def _of_event(self, wanted: Event) -> str | None:
        """Return when an event next falls out of its window, comes to be or has been so many days ago, and so on."""
        turns = [turn for turn in self._turns_of_events(wanted) if turn is not None]
        if not turns:
            return None
        clauses = [*self._rows().of("e"), f"e.name = {self.parameters.add(wanted.name, 'text')}"]
        if wanted.app is not None:
            clauses.append(f"e.app_id = {self.scope.app_ids[wanted.app]:d}")
        if wanted.days is not None:
            since = f"{NOW} - {_hours(wanted.days)}"
            clauses += [f"e.occurred_at > {since}", f"e.received_at > {since}"]
        earliest = turns[0] if len(turns) == 1 else f"least({', '.join(turns)})"
        return f"(select {earliest} from event as e where {' and '.join(clauses)})"

    def _turns_of_events(self, wanted: Event) -> Iterator[str | None]:
        """Yield the next turns as aggregates over the events in `e`."""
        if wanted.days is not None:
            yield f"{_next_to_leave(wanted)} + {_hours(wanted.days)}"
        for each in wanted.where:
            if days := days_of_turns(each):
                value = at_path("e.data", each.path, self.parameters).json
                yield f"min({self._of_value(value, days)})"
        for at, each in (("min(e.occurred_at)", wanted.first), ("max(e.occurred_at)", wanted.last)):
            if each is not None:
                yield self._of_time(at, days_of_turns(each))
        if wanted.when is not None and (days := days_of_turns(wanted.when)):
            yield f"min({self._of_time('e.occurred_at', days)})"

    def _of_habit(self) -> str:
        """Return when the first of the messages opened lately was opened too long ago to count."""
        where = " and ".join([*self._rows().of("e"), *OPENED])
        return f"(select min(e.occurred_at) + {HABITS_WINDOW} from event as e where {where})"


def _hours(days: int) -> str:
    return f"make_interval(hours => {24 * days:d})"


def _next_to_leave(wanted: Event) -> str:
    """Return when the event happened whose leaving the window is the next to matter.

    Where one event is enough, whichever it is, that is the last; otherwise every one may matter.
    """
    is_one_enough = all(each is None for each in (wanted.count, wanted.sum, wanted.first, wanted.last, wanted.when))
    return "max(e.occurred_at)" if is_one_enough and not wanted.where else "min(e.occurred_at)"


def days_of_turns(wanted: Comparison) -> list[int]:
    """Return after how many days from that of a stored time a comparison with it may turn out differently.

    `N days ago` is a whole UTC day. The stored day comes to be it after N days, and has been it a day later.

    >>> days_of_turns(Comparison(operator="GT", values=("3 days ago",)))
    [3]
    >>> days_of_turns(Comparison(operator="EQ", values=("3 days ago", "2026-01-01")))
    [3, 4]
    """
    steps = _STEPS.get(wanted.operator)
    if steps is None:
        return []
    ago = [(place, at.days) for place, value in enumerate(wanted.values) if isinstance(at := moment(value), DaysAgo)]
    return sorted({days + step for place, days in ago for step in steps[min(place, len(steps) - 1)]})


_COMES, _PASSES, _BOTH = (0,), (1,), (0, 1)
_STEPS: Mapping[Operator, tuple[tuple[int, ...], ...]] = {
    "BETWEEN": (_PASSES, _COMES),
    "EQ": (_BOTH,), "IN": (_BOTH,), "NOTEQ": (_BOTH,), "NOTIN": (_BOTH,),
    "GT": (_COMES,), "LTE": (_COMES,),
    "GTE": (_PASSES,), "LT": (_PASSES,),
}  # fmt: skip
"""By operator, for each of its values: the boundaries of the day that matter, at its beginning (0) or its end (1)."""
