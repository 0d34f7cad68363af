"""Comparisons: what an operator and its values mean for a stored JSON value, as SQL that never fails.

Types are strict: a stored value of another type does not match. docs/segments.md has the table. Which person or event
the value belongs to is the caller's business.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from sojourn.compiler.parameters import Parameters
from sojourn.model.patterns import PatternRefused, safe_pattern
from sojourn.model.points import Scalar
from sojourn.model.problems import Problem
from sojourn.model.segments import (
    DATE_SHAPE,
    MAX_DAYS_AGO,
    Comparison,
    DaysAgo,
    Operator,
    Span,
    moment,
    version,
)

NEGATIONS: dict[Operator, Operator] = {"NOTEQ": "EQ", "NOTIN": "IN", "NOTSET": "SET"}
SYMBOLS: dict[Operator, str] = {"GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}
ONE_VALUE: tuple[Operator, ...] = ("GT", "GTE", "LT", "LTE", "REGEX")
ORDERED: tuple[Operator, ...] = ("GT", "GTE", "LT", "LTE", "BETWEEN")
TEXTUAL: tuple[Operator, ...] = ("CONTAINS", "STARTS_WITH", "ENDS_WITH", "REGEX")
UNCOUNTED: tuple[Operator, ...] = (*TEXTUAL, "SET", "NOTSET")
"""What a number that is always there is not asked."""

VERSION_FORM = "`1.10`"
DATE_FORMS = "`YYYY-MM-DD[ T]HH:MM[:SS]`, unix seconds or `N days ago`"
ORDERLY = f"a number, a version such as {VERSION_FORM}, or a date: {DATE_FORMS}"

BIGINT = 2**63
MAX_VALUES = 1_000
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_LIKE_JSON = re.compile(r"[-0-9\[{]|(true|false)\Z", re.IGNORECASE)
_DAYS_AGO = re.compile(r"\d+ days? ago", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subject:
    """A stored value, spelt twice: as jsonb, and as the text of a scalar. Both null where there is no value."""

    json: str
    text: str


ELEMENT = Subject("element.value", "(element.value #>> '{}')")


def at_path(container: str, path: Sequence[str], parameters: Parameters) -> Subject:
    """Return the value at a path of a jsonb object. The empty path is refused by types."""
    *steps, last = (parameters.add(name, "text") for name in path)
    inner = " -> ".join((container, *steps))
    return Subject(f"({inner} -> {last})", f"({inner} ->> {last})")


def compare(subject: Subject, wanted: Comparison, parameters: Parameters) -> str:
    """Return a SQL boolean, never null: whether the stored value meets `wanted`.

    Of a list, one element has to. Negated operators are exactly the opposite, so they hold where there is no value.
    """
    operator = NEGATIONS.get(wanted.operator)
    if operator is None:
        return _affirm(subject, wanted.operator, wanted, parameters)
    if operator == "SET":
        return f"({subject.text} is null)"
    return f"(not {_affirm(subject, operator, wanted, parameters)})"


def check_comparison(wanted: Comparison, where: str) -> Iterator[Problem]:
    """Yield the problems of an operator's values."""
    if (text := _misfit(wanted.operator, len(wanted.values))) is not None:
        yield Problem("segment.values", where, text)
    for number, value in enumerate(wanted.values):
        yield from _check_value(wanted.operator, value, f"{where}/values/{number}".lstrip("/"))
    if wanted.operator == "BETWEEN" and len({_kind(value) for value in wanted.values}) > 1:
        yield Problem("segment.values", where, "BETWEEN takes two numbers, two dates or two versions")


def check_number(wanted: Comparison, where: str) -> Iterator[Problem]:
    """Yield the problems of a comparison with a number that is always there."""
    if wanted.operator in UNCOUNTED:
        yield Problem("segment.values", where, f"a number is not asked {wanted.operator}")
        return
    yield from check_comparison(wanted, where)
    if any(isinstance(value, str | bool) for value in wanted.values):
        yield Problem("segment.values", where, "a number is compared with numbers")


def check_time(wanted: Comparison, where: str) -> Iterator[Problem]:
    """Yield the problems of a comparison with a time."""
    if wanted.operator in TEXTUAL:
        yield Problem("segment.values", where, f"a time is not asked {wanted.operator}")
        return
    yield from check_comparison(wanted, where)
    for number, value in enumerate(wanted.values):
        if moment(value) is None:
            yield Problem(
                "segment.date", f"{where}/values/{number}".lstrip("/"), f"a time is compared with dates: {DATE_FORMS}"
            )


def compare_number(stored: str, wanted: Comparison, parameters: Parameters) -> str:
    """Return a SQL boolean: whether a numeric expression, which is never null, meets `wanted`."""
    given = [_number(value, parameters) for value in wanted.values]
    match wanted.operator:
        case "EQ" | "IN":
            return f"({stored} in ({', '.join(given)}))"
        case "NOTEQ" | "NOTIN":
            return f"({stored} not in ({', '.join(given)}))"
        case "BETWEEN":
            return f"({stored} between {given[0]} and {given[1]})"
        case operator:
            return f"({stored} {SYMBOLS[operator]} {given[0]})"


def _number(value: Scalar, parameters: Parameters) -> str:
    # Counts of a million people are compared as what they are, and not as decimals.
    if isinstance(value, int) and abs(value) < BIGINT:
        return parameters.add(value, "bigint")
    return parameters.add(json.dumps(value), "numeric")


def zero_meets(wanted: Comparison) -> bool:  # noqa: PLR0911 - one case per operator
    """Tell whether the number 0 meets `wanted`."""
    given = [value for value in wanted.values if not isinstance(value, str)]
    match wanted.operator:
        case "EQ" | "IN":
            return 0 in given
        case "NOTEQ" | "NOTIN":
            return 0 not in given
        case "GT":
            return given[0] < 0
        case "GTE":
            return given[0] <= 0
        case "LT":
            return given[0] > 0
        case "LTE":
            return given[0] >= 0
        case "BETWEEN":
            return given[0] <= 0 <= given[1]
        case operator:
            raise AssertionError(f"{operator} is refused by check_number")


def compare_time(stored: str, wanted: Comparison, parameters: Parameters) -> str:
    """Return a SQL boolean, never null: whether a timestamptz expression meets `wanted`.

    Like `compare`: negated operators hold where there is no time.
    """
    operator = NEGATIONS.get(wanted.operator, wanted.operator)
    is_negated = operator != wanted.operator
    if operator == "SET":
        return f"({stored} is {'' if is_negated else 'not '}null)"
    if operator in ("EQ", "IN"):
        met = " or ".join(_within(stored, value, parameters) for value in wanted.values)
    elif operator == "BETWEEN":
        lower, upper = wanted.values
        met = f"{_past(stored, 'GTE', lower, parameters)} and {_past(stored, 'LTE', upper, parameters)}"
    else:
        met = _past(stored, operator, wanted.values[0], parameters)
    return f"(not coalesce({met}, false))" if is_negated else f"coalesce({met}, false)"


def nothing_meets(wanted: Comparison) -> bool:
    """Tell whether a time that does not exist meets `wanted`."""
    return wanted.operator in NEGATIONS


def earliest(wanted: Comparison, parameters: Parameters) -> str | None:
    """Return a SQL timestamptz before which no time meets `wanted`, or None where there is no such bound."""
    match wanted.operator:
        case "GT":
            return _ends(wanted.values[0], parameters)[1]
        case "GTE" | "BETWEEN":
            return _ends(wanted.values[0], parameters)[0]
        case "EQ" | "IN" if len(wanted.values) == 1:
            return _ends(wanted.values[0], parameters)[0]
        case _:
            return None


def is_writable(text: str) -> bool:
    """Tell whether the database can hold the text."""
    return _UNWRITABLE.search(text) is None


# Problems ---------------------------------------------------------------------------------------------------


def _misfit(operator: Operator, count: int) -> str | None:
    """Say which number of values the operator takes, if it has another one."""
    if operator in ("SET", "NOTSET"):
        return f"{operator} takes no values" if count else None
    if operator in ONE_VALUE:
        return f"{operator} takes one value" if count != 1 else None
    if operator == "BETWEEN":
        return "BETWEEN takes two values" if count != 2 else None
    return None if 1 <= count <= MAX_VALUES else f"{operator} takes 1 to {MAX_VALUES:,} values"


def _check_value(operator: Operator, value: Scalar, where: str) -> Iterator[Problem]:
    if isinstance(value, str) and not is_writable(value):
        yield Problem("segment.values", where, "text holds neither NUL nor half of a surrogate pair")
    elif isinstance(value, int | float) and not _is_finite(value):
        yield Problem("segment.values", where, "numbers are finite and have at most 64 digits")
    elif operator in TEXTUAL and not isinstance(value, str):
        yield Problem("segment.values", where, f"{operator} takes text")
    elif operator in ORDERED and isinstance(value, bool):
        yield Problem("segment.values", where, f"{operator} takes {ORDERLY}")
    elif operator == "REGEX" and isinstance(value, str):
        yield from _check_pattern(value, where)
    elif operator not in TEXTUAL and isinstance(value, str):
        yield from _check_date(operator, value, where)


def _is_finite(value: float) -> bool:
    return abs(value) < 10**64 if isinstance(value, int) else math.isfinite(value)


def _check_date(operator: Operator, value: str, where: str) -> Iterator[Problem]:
    if moment(value) is not None or (operator in ORDERED and version(value) is not None):
        return
    if _DAYS_AGO.fullmatch(value):
        yield Problem("segment.date", where, f"`{value}` is too far back; the most is {MAX_DAYS_AGO} days ago")
    elif DATE_SHAPE.fullmatch(value):
        yield Problem("segment.date", where, f"`{value}` is no day of the calendar")
    elif operator in ORDERED:
        yield Problem("segment.date", where, f"{operator} takes {ORDERLY}")


def _check_pattern(value: str, where: str) -> Iterator[Problem]:
    try:
        safe_pattern(value)
    except PatternRefused as refusal:
        yield Problem(refusal.code, where, refusal.text)


def _kind(value: Scalar) -> str:
    """Name what the ends of a range have in common."""
    if not isinstance(value, str):
        return "number"
    return "date" if version(value) is None else "version"


# SQL --------------------------------------------------------------------------------------------------------


def _affirm(subject: Subject, operator: Operator, wanted: Comparison, parameters: Parameters) -> str:
    if operator == "SET":
        return f"({subject.text} is not null)"
    whole = _meets(subject, operator, wanted, parameters)
    element = _meets(ELEMENT, operator, wanted, parameters)
    any_element = f"exists (select 1 from elements_v1({subject.json}) as element(value) where {element})"
    return f"coalesce({whole} or jsonb_typeof({subject.json}) = 'array' and {any_element}, false)"


def _meets(subject: Subject, operator: Operator, wanted: Comparison, parameters: Parameters) -> str:
    """Return a SQL boolean, perhaps null: whether a single value meets an operator that is no negation."""
    match operator:
        case "EQ" | "IN":
            return " or ".join(_equalities(subject, wanted, parameters))
        case "GT" | "GTE" | "LT" | "LTE":
            return _beyond(subject, operator, wanted.values[0], parameters)
        case "BETWEEN":
            lower, upper = wanted.values
            since = _beyond(subject, "GTE", lower, parameters)
            until = _beyond(subject, "LTE", upper, parameters)
            return f"({since}) and ({until})"
        case "CONTAINS" | "STARTS_WITH" | "ENDS_WITH":
            return _textual(subject, operator, wanted, parameters)
        case "REGEX":
            return _matching(subject, wanted, parameters)
        case "SET" | "NOTEQ" | "NOTIN" | "NOTSET":
            raise AssertionError(f"{operator} has been handled before")
        case _:
            assert_never(operator)


def _equalities(subject: Subject, wanted: Comparison, parameters: Parameters) -> Iterator[str]:
    """Yield one clause per type of value."""
    texts = [value for value in wanted.values if isinstance(value, str) and moment(value) is None]
    others = [value for value in wanted.values if not isinstance(value, str)]
    if texts:
        yield _same_text(subject, texts, wanted, parameters)
    if len(others) == 1:
        yield f"{subject.json} = {_json(others[0], parameters)}"
    elif others:
        yield (
            f"jsonb_typeof({subject.json}) in ('boolean', 'number')"
            f" and {parameters.add(json.dumps(others), 'jsonb')} @> {subject.json}"
        )
    for value in wanted.values:
        if moment(value) is not None:
            since, until = (_beyond_time(subject, operator, value, parameters) for operator in ("GTE", "LTE"))
            yield f"{_of_time(subject, value)}{since} and {until}"


def _same_text(subject: Subject, texts: list[str], wanted: Comparison, parameters: Parameters) -> str:
    """Compare text; the type needs a look only where a text could be mistaken for another type's."""
    guard = f"jsonb_typeof({subject.json}) = 'string' and " if any(map(_LIKE_JSON.match, texts)) else ""
    fold = _fold(wanted)
    if len(texts) == 1:
        return f"{guard}{fold(subject.text)} = {fold(parameters.add(texts[0], 'text'))}"
    given = parameters.add(texts, "text[]")
    if wanted.fold_case:
        # A scalar subquery runs once per statement, not once per person.
        given = f"(select array_agg(lower(given)) from unnest({given}) as given)::text[]"
    return f"{guard}{fold(subject.text)} = any ({given})"


def _textual(subject: Subject, operator: Operator, wanted: Comparison, parameters: Parameters) -> str:
    fold = _fold(wanted)
    stored = fold(subject.text)
    given = [fold(parameters.add(value, "text")) for value in wanted.values if isinstance(value, str)]
    shapes = {
        "CONTAINS": "strpos({0}, {1}) > 0",
        "STARTS_WITH": "starts_with({0}, {1})",
        "ENDS_WITH": "right({0}, length({1})) = {1}",
    }
    clauses = " or ".join(shapes[operator].format(stored, value) for value in given)
    return f"jsonb_typeof({subject.json}) = 'string' and ({clauses})"


def _matching(subject: Subject, wanted: Comparison, parameters: Parameters) -> str:
    (given,) = wanted.values
    assert isinstance(given, str), "a pattern is a text"
    sign = "~*" if wanted.fold_case else "~"
    pattern = parameters.add(safe_pattern(given), "text")
    return f"jsonb_typeof({subject.json}) = 'string' and {subject.text} {sign} {pattern}"


def _beyond(subject: Subject, operator: Operator, value: Scalar, parameters: Parameters) -> str:
    """Compare with the order of numbers, of versions or of time."""
    numbers = version(value)
    if numbers is not None:
        return f"version_v1({subject.json}) {SYMBOLS[operator]} {parameters.add(list(numbers), 'integer[]')}"
    if isinstance(value, str):
        return _beyond_time(subject, operator, value, parameters)
    clause = (
        f"jsonb_typeof({subject.json}) = 'number' and {subject.json} {SYMBOLS[operator]} {_json(value, parameters)}"
    )
    if moment(value) is None:
        return clause
    return f"{clause} or {_of_time(subject, value)}{_beyond_time(subject, operator, value, parameters)}"


def _of_time(subject: Subject, value: Scalar) -> str:
    """Where the value is a number, a stored number has been compared as such: only a stored date is left."""
    return "" if isinstance(value, str) else f"jsonb_typeof({subject.json}) = 'string' and "


def _beyond_time(subject: Subject, operator: Operator, value: Scalar, parameters: Parameters) -> str:
    """Compare with the start or the end of the time that `value` stands for."""
    return _past(f"instant_v1({subject.json})", operator, value, parameters)


def _within(stored: str, value: Scalar, parameters: Parameters) -> str:
    start, end = _ends(value, parameters)
    return f"({stored} >= {start} and {stored} < {end})"


def _past(stored: str, operator: Operator, value: Scalar, parameters: Parameters) -> str:
    """Compare a timestamptz expression with the start or the end of the time that `value` stands for."""
    start, end = _ends(value, parameters)
    match operator:
        case "GT":
            return f"{stored} >= {end}"
        case "GTE":
            return f"{stored} >= {start}"
        case "LT":
            return f"{stored} < {start}"
        case "LTE":
            return f"{stored} < {end}"
        case _:
            raise AssertionError(f"{operator} does not order")


def _ends(value: Scalar, parameters: Parameters) -> tuple[str, str]:
    match moment(value):
        case Span(start, end):
            return parameters.add(start, "timestamptz"), parameters.add(end, "timestamptz")
        case DaysAgo(days):
            return _day(days, parameters), _day(days - 1, parameters)
        case None:
            raise AssertionError("values of this kind are refused by check_comparison")


def _day(days: int, parameters: Parameters) -> str:
    # A scalar subquery runs once per statement, not once per person.
    return f"(select days_ago_v1(%(now)s::timestamptz, {parameters.add(days, 'integer')}))"


def _json(value: Scalar, parameters: Parameters) -> str:
    return parameters.add(json.dumps(value), "jsonb")


def _fold(wanted: Comparison) -> Callable[[str], str]:
    return "lower({})".format if wanted.fold_case else "{}".format
