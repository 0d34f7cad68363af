"""Printer: segment to text, in functional form. Reading it again gives the same segment."""

from collections.abc import Iterable, Sequence
from typing import assert_never

from sojourn.model.points import Scalar
from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Comparison,
    Condition,
    Event,
    Expression,
    Fact,
    Geo,
    Not,
    Reference,
    Static,
    Updated,
)
from sojourn.seglang.texts import quote


def render(expression: Expression) -> str:
    """Write a segment.

    >>> from sojourn.seglang import parse
    >>> render(parse('a("X", [ios]).tags("City").isSet + (segment("VIP"))'))
    'A("X", ["ios"]) * AT("X", "City", SET) + Segment("VIP")'
    """
    match expression:
        case AnyOf(of=(_, _, *_) as parts):
            return " + ".join([_operand(part, AnyOf) for part in parts])
        case All(of=(first, _, *_) as parts):
            rest = [
                rf" \ {_operand(part.of)}" if isinstance(part, Not) else f" * {_operand(part)}" for part in parts[1:]
            ]
            return _operand(first) + "".join(rest)
        case All(of=parts):
            return _call("And", map(render, parts))
        case AnyOf(of=parts):
            return _call("Or", map(render, parts))
        case Not(of=part):
            return _call("Not", [render(part)])
        case _:
            return _condition(expression)


def _operand(part: Expression, within: type[Expression] = All) -> str:
    """Write a part of a set operation, in parentheses where it would be read differently."""
    is_joined = isinstance(part, All | AnyOf) and len(part.of) > 1
    binds_tighter = within is AnyOf and isinstance(part, All)
    return f"({render(part)})" if is_joined and not binds_tighter else render(part)


def _condition(condition: Condition) -> str:
    name, terms = _spelt(condition)
    return _call(name, terms)


def _spelt(condition: Condition) -> tuple[str, list[str]]:  # noqa: PLR0911 - one case per condition
    """Return the name of a condition's call, and what stands between its parentheses."""
    match condition:
        case Application():
            return "A", [quote(condition.app), *_devices(condition)]
        case Attribute():
            name, app = ("T", []) if condition.app is None else ("AT", [quote(condition.app)])
            return name, [*app, _path(condition.path), *_comparison(condition)]
        case Fact():
            return "Fact", [_path(condition.path), *_comparison(condition)]
        case Event():
            return "Event", [quote(condition.name), *_event_clauses(condition)]
        case Updated():
            return "Updated", _comparison(condition)
        case Geo(latitude=latitude, longitude=longitude, radius_km=radius):
            return "Geo", [repr(latitude), repr(longitude), repr(radius)]
        case BestTime(from_hour=from_hour, to_hour=to_hour):
            return "BTTS", [str(from_hour), str(to_hour)]
        case Reference(code=code):
            return "Segment", [quote(code)]
        case Static(code=code):
            return "Static", [quote(code)]
        case _:
            assert_never(condition)


def _call(name: str, terms: Iterable[str]) -> str:
    return f"{name}({', '.join(terms)})"


def _devices(wanted: Application) -> list[str]:
    if wanted.with_tokens:
        return [_list(wanted.platforms), "[with_tokens]"]
    return [_list(wanted.platforms)] if wanted.platforms else []


def _path(path: Sequence[str]) -> str:
    return quote(path[0]) if len(path) == 1 else _list(path)


def _comparison(wanted: Comparison) -> list[str]:
    terms: list[str] = [wanted.operator]
    if len(wanted.values) == 1:
        terms.append(_value(wanted.values[0]))
    elif wanted.values:
        terms.append(_list(wanted.values))
    return terms if wanted.fold_case else [*terms, "exact"]


def _event_clauses(event: Event) -> list[str]:
    terms: list[str] = []
    if event.app is not None:
        terms += ["app", quote(event.app)]
    compared = {"count": event.count, "first": event.first, "last": event.last, "when": event.when}
    for word, wanted in compared.items():
        if wanted is not None:
            terms += [word, *_comparison(wanted)]
    if event.sum is not None:
        terms += ["sum", _path(event.sum.path), *_comparison(event.sum)]
    if event.days is not None:
        terms += ["days", str(event.days)]
    for each in event.where:
        terms += [_call("attr", [_path(each.path)]), *_comparison(each)]
    return terms


def _list(values: Sequence[Scalar]) -> str:
    return f"[{', '.join(map(_value, values))}]"


def _value(value: Scalar) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case _:
            return repr(value)
