"""Meaning: what a rule stands for, as conditions of the syntax tree.

A rule compares values of one JSON type only, and is not met where the stored value has another one, even if it is a
negation; without a value negations are met. The conditions of the tree are more generous: text in the form of a date
stands for a time, a number for unix seconds, and a negation is met by any other type. So some rules become several
conditions. Of a list, one element has to meet a rule; for a negation, none its opposite.
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from sojourn.model.points import Scalar
from sojourn.model.segments import DATE_SHAPE, All, AnyOf, Expression, Not, Operator, moment
from sojourn.ruletree.fields import EventCount, Field, Valued, condition, counted

RuleOperator = Literal[
    "eq", "neq", "gt", "lt", "gte", "lte", "contains", "not_contains", "in", "not_in", "exists", "not_exists", "regex",
    "starts_with", "ends_with",
]  # fmt: skip
RULE_OPERATORS: tuple[RuleOperator, ...] = get_args(RuleOperator)

EXISTENCE: dict[RuleOperator, Operator] = {"exists": "SET", "not_exists": "NOTSET"}
LISTS: dict[RuleOperator, Operator] = {"in": "IN", "not_in": "NOTIN"}
ORDERS: dict[RuleOperator, Operator] = {"gt": "GT", "gte": "GTE", "lt": "LT", "lte": "LTE"}
TEXTS: dict[RuleOperator, Operator] = {
    "contains": "CONTAINS", "ends_with": "ENDS_WITH", "not_contains": "CONTAINS", "regex": "REGEX",
    "starts_with": "STARTS_WITH",
}  # fmt: skip
COUNTS: dict[RuleOperator, Operator] = {"eq": "EQ", "neq": "NOTEQ", **LISTS, **ORDERS}
"""What a number that is always there is asked."""

NEGATIONS: dict[RuleOperator, RuleOperator] = {"neq": "eq", "not_contains": "contains", "not_in": "in"}

_DAYS_AGO = re.compile(r"\d+ days? ago", re.ASCII | re.IGNORECASE)
_SPECIAL = re.compile(r"[.+]")


def lower(field: Field, operator: RuleOperator, values: Sequence[Scalar]) -> Expression:
    """Return what a rule without problems stands for."""
    if isinstance(field, EventCount):
        return counted(field, COUNTS[operator], *values)
    if operator in NEGATIONS:
        return _opposite(field, NEGATIONS[operator], values)
    if operator in EXISTENCE:
        return condition(field, EXISTENCE[operator])
    if operator in ORDERS:
        return _order(field, ORDERS[operator], values[0])
    if operator in TEXTS:
        return condition(field, TEXTS[operator], *values, fold_case=operator == "contains")
    return _same(field, "EQ" if operator == "eq" else "IN", values)


def is_like_time(text: str) -> bool:
    """Tell whether the tree would not take a text for a plain one where it compares for equality.

    >>> is_like_time("2026-01-31"), is_like_time("3 days ago"), is_like_time("soon")
    (True, True, False)
    """
    return DATE_SHAPE.fullmatch(text) is not None or _DAYS_AGO.fullmatch(text) is not None


def pattern_of(text: str) -> str:
    """Return the regular expression of exactly a text for which `is_like_time` is true."""
    return f"^{_SPECIAL.sub(lambda found: f'[{found[0]}]', text)}$"


def text_of(pattern: str) -> str:
    """Return the text of which `pattern_of` made the pattern; of any other pattern, just some text."""
    return re.sub(r"\[([.+])]", r"\1", pattern[1:-1])


def _opposite(field: Valued, operator: RuleOperator, values: Sequence[Scalar]) -> Expression:
    """Say that there is no value, or one of the right type that does not meet the operator."""
    tests = [test for kind, test in _TESTS.items() if any(_is(value, kind) for value in values)]
    is_comparable = _either([test(field) for test in tests])
    return AnyOf(of=(condition(field, "NOTSET"), All(of=(is_comparable, Not(of=lower(field, operator, values))))))


def _order(field: Valued, operator: Operator, value: Scalar) -> Expression:
    node = condition(field, operator, value)
    if moment(value) is None:
        return node
    return All(of=(node, Not(of=_is_number(field) if isinstance(value, str) else _is_text(field))))


def _same(field: Valued, operator: Operator, values: Sequence[Scalar]) -> Expression:
    """Compare texts with texts and numbers with numbers, whatever they look like."""
    times = [value for value in values if isinstance(value, str) and is_like_time(value)]
    seconds = [value for value in values if not isinstance(value, str) and moment(value) is not None]
    plain = [
        value for value in values if (not is_like_time(value) if isinstance(value, str) else moment(value) is None)
    ]
    parts: list[Expression] = []
    if plain:
        has_text = any(isinstance(value, str) for value in plain)
        parts.append(condition(field, operator, *plain, fold_case=not has_text))
    parts += [condition(field, "REGEX", pattern_of(text), fold_case=False) for text in times]
    if seconds:
        parts.append(All(of=(condition(field, operator, *seconds), Not(of=_is_text(field)))))
    return _either(parts)


def _is(value: Scalar, kind: type) -> bool:
    return type(value) is kind or (kind is float and type(value) is int)


def _either(parts: list[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else AnyOf(of=tuple(parts))


def _is_text(field: Valued) -> Expression:
    return condition(field, "STARTS_WITH", "", fold_case=False)


def _is_number(field: Valued) -> Expression:
    return AnyOf(of=(condition(field, "GTE", 0), condition(field, "LT", 0)))


def _is_boolean(field: Valued) -> Expression:
    return condition(field, "IN", False, True)


_TESTS: dict[type, Callable[[Valued], Expression]] = {bool: _is_boolean, float: _is_number, str: _is_text}
