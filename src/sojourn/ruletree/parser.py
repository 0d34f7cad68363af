"""Parser: rule tree to segment, or everything that is wrong with it.

What is read is a segment without problems; only where it is part of something larger can it become too large.
"""

import math
import re
from collections.abc import Mapping
from typing import cast

from sojourn.model.patterns import PatternRefused, safe_pattern
from sojourn.model.points import Scalar
from sojourn.model.problems import Problem
from sojourn.model.segments import All, AnyOf, Expression, Not, moment, version
from sojourn.ruletree.errors import RuleTreeRefused
from sojourn.ruletree.fields import EventCount, Field, FieldRefused, read_field
from sojourn.ruletree.meaning import (
    COUNTS,
    EXISTENCE,
    LISTS,
    ORDERS,
    RULE_OPERATORS,
    TEXTS,
    RuleOperator,
    lower,
)

MAX_ALL_VALUES = 20_000
MAX_CONDITIONS = 2_000
MAX_DEPTH = 50
MAX_FIELD = 3_000
MAX_RULES = 1_000
MAX_TEXT = 1_000
MAX_VALUES = 1_000
SHOWN = 40

_GROUP = ("logicalOperator", "rules")
_LEAF = ("field", "operator", "value")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_NOTHING = (None, "", True)
"""Values of `exists` and `not_exists`, which take none: what forms send that always send one."""


def parse(document: object) -> Expression:
    """Read a rule tree, as decoded from JSON.

    >>> parse({"field": "plan", "operator": "eq", "value": "pro"})
    Attribute(operator='EQ', values=('pro',), fold_case=False, path=('plan',), app=None)

    Raises:
        RuleTreeRefused: With all problems.
    """
    reading = _Reading()
    expression = reading.read(document, "", 1)
    if not reading.problems and _size(expression) > MAX_CONDITIONS:
        rule = f"a rule tree stands for at most {MAX_CONDITIONS:,} conditions; a negated rule has several"
        reading.refuse("", rule, code="segment.too_large")
    if reading.problems:
        raise RuleTreeRefused(problems=tuple(reading.problems))
    return expression


class _Reading:
    """One reading of a document: it goes on after a problem, with something that is never used."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._rules = 0
        self._members = 0

    def refuse(self, where: str, text: str, *, code: str = "segment.rule") -> None:
        """Note a problem."""
        self.problems.append(Problem(code, where, text))

    def read(self, document: object, where: str, level: int) -> Expression:
        """Read a group or a rule."""
        self._rules += 1
        if level > MAX_DEPTH or self._rules > MAX_RULES:
            rule = f"a rule tree has at most {MAX_DEPTH} levels and {MAX_RULES:,} groups and rules"
            self.refuse(where, rule, code="segment.too_large")
            return All()
        if not isinstance(document, dict):
            self.refuse(where, "a group or a rule is an object")
            return All()
        fields = cast("dict[object, object]", document)
        if any(name in fields for name in _GROUP):
            return self._group(fields, where, level)
        return self._leaf(fields, where)

    def _group(self, fields: Mapping[object, object], where: str, level: int) -> Expression:
        self._check_names(fields, _GROUP, where)
        operator, rules = fields.get("logicalOperator"), fields.get("rules")
        if operator not in ("AND", "OR"):
            self.refuse(_below(where, "logicalOperator"), "`logicalOperator` is AND or OR")
        if not isinstance(rules, list):
            self.refuse(_below(where, "rules"), "`rules` is a list of groups and rules")
            return All()
        given = cast("list[object]", rules)
        parts: list[Expression] = []
        for number, rule in enumerate(given):
            parts.append(self.read(rule, _below(where, f"rules.{number}"), level + 1))
            if self._rules > MAX_RULES:
                break
        return AnyOf(of=tuple(parts)) if parts and operator == "OR" else All(of=tuple(parts))

    def _leaf(self, fields: Mapping[object, object], where: str) -> Expression:
        self._check_names(fields, _LEAF, where)
        field = self._field(fields.get("field"), _below(where, "field"))
        operator = self._operator(fields.get("operator"), field, _below(where, "operator"))
        if operator is None:
            return All()
        known = len(self.problems)
        values = self._values(operator, fields.get("value"), field, _below(where, "value"))
        return All() if field is None or len(self.problems) > known else lower(field, operator, values)

    def _check_names(self, fields: Mapping[object, object], known: tuple[str, ...], where: str) -> None:
        for name in fields:
            if name not in known:
                kind = "group" if known is _GROUP else "rule"
                shown = _UNWRITABLE.sub("?", str(name)[:SHOWN])
                self.refuse(where, f"`{shown}` is not known; a {kind} has {', '.join(known)}")

    def _field(self, value: object, where: str) -> Field | None:
        if not isinstance(value, str) or len(value) > MAX_FIELD or _UNWRITABLE.search(value):
            self.refuse(where, f"`field` is a text of at most {MAX_FIELD:,} characters without NUL")
            return None
        try:
            return read_field(value)
        except FieldRefused as refusal:
            self.refuse(where, str(refusal))
            return None

    def _operator(self, value: object, field: Field | None, where: str) -> RuleOperator | None:
        known: tuple[RuleOperator, ...] = tuple(COUNTS) if isinstance(field, EventCount) else RULE_OPERATORS
        operator: RuleOperator | None = next((each for each in known if each == value), None)
        if operator is None:
            subject = "a count takes" if isinstance(field, EventCount) else "`operator` is"
            self.refuse(where, f"{subject} {', '.join(known)}")
        return operator

    def _values(self, operator: RuleOperator, value: object, field: Field | None, where: str) -> list[Scalar]:
        if operator in EXISTENCE:
            # Forms that send a value with every rule send one of these.
            if value is not None and value is not True and value != "":
                self.refuse(where, f"`{operator}` takes no value")
            return []
        if operator not in LISTS:
            return self._value(operator, value, field, where)
        if not isinstance(value, list) or not 1 <= len(cast("list[object]", value)) <= MAX_VALUES:
            self.refuse(where, f"`{operator}` takes a list of 1 to {MAX_VALUES:,} values", code="segment.values")
            return []
        given = cast("list[object]", value)
        self._members += len(given)
        if self._members > MAX_ALL_VALUES:
            rule = f"the lists of a rule tree have at most {MAX_ALL_VALUES:,} values in all"
            self.refuse(where, rule, code="segment.too_large")
            return []
        members = enumerate(given)
        return [read for number, each in members for read in self._value(operator, each, field, f"{where}.{number}")]

    def _value(self, operator: RuleOperator, value: object, field: Field | None, where: str) -> list[Scalar]:
        """Return the value alone, or nothing where something is wrong with it."""
        rule = _type_broken(value) or _value_broken(operator, cast("Scalar", value), field)
        if rule is None:
            return [cast("Scalar", value)]
        self.refuse(where, rule, code="segment.values")
        return []


def _type_broken(value: object) -> str | None:
    """Say which rule a value breaks, whatever it is for."""
    match value:
        case str():
            is_sound = len(value) <= MAX_TEXT and not _UNWRITABLE.search(value)
            return None if is_sound else f"a text has at most {MAX_TEXT:,} characters, and neither NUL nor half a pair"
        case bool():
            return None
        case int():
            return None if abs(value) < 10**64 else "a number has at most 64 digits"
        case float():
            return None if math.isfinite(value) else "a number is finite"
        case None:
            return "`value` is a text, a number or a boolean; `exists` and `not_exists` ask whether there is one"
        case _:
            return "`value` is a text, a number or a boolean; of `in` and `not_in`, a list of these"


def _value_broken(operator: RuleOperator, value: Scalar, field: Field | None) -> str | None:
    """Say which rule of the operator or the field a value breaks."""
    if isinstance(field, EventCount):
        return None if _is_number(value) else "a count is compared with numbers"
    if operator in ORDERS:
        is_orderly = _is_number(value) or moment(value) is not None or version(value) is not None
        forms = "`YYYY-MM-DD`, `YYYY-MM-DDTHH:MM:SSZ` or `N days ago`"
        return None if is_orderly else f"`{operator}` takes a number, a version such as `1.10`, or a date: {forms}"
    if operator in TEXTS and not isinstance(value, str):
        return f"`{operator}` takes a text"
    if operator == "regex":
        return _pattern_broken(str(value))
    return None


def _pattern_broken(pattern: str) -> str | None:
    try:
        safe_pattern(pattern)
    except PatternRefused as refusal:
        return refusal.text
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _size(expression: Expression) -> int:
    """Count what the check of a segment counts. The levels have been limited, so this may recurse."""
    match expression:
        case All(of=parts) | AnyOf(of=parts):
            return 1 + sum(map(_size, parts))
        case Not(of=part):
            return 1 + _size(part)
        case _:
            return 1


def _below(where: str, step: str) -> str:
    return f"{where}.{step}" if where else step
