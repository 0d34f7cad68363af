"""Printer: segment to rule tree. Reading it again gives the same segment."""

from collections.abc import Sequence

from sojourn.model.points import Scalar
from sojourn.model.segments import All, AnyOf, Attribute, Comparison, Event, Expression, Fact, Not, Operator
from sojourn.ruletree.errors import RuleTreeRefused, RuleTreeUnsayable
from sojourn.ruletree.fields import EventCount, Field, field_of, spell_field
from sojourn.ruletree.meaning import (
    COUNTS,
    EXISTENCE,
    LISTS,
    NEGATIONS,
    ORDERS,
    RuleOperator,
    is_like_time,
    lower,
    pattern_of,
    text_of,
)
from sojourn.ruletree.parser import MAX_DEPTH, parse

Document = dict[str, object]

_BY_MEANING: dict[Operator, RuleOperator] = {
    "CONTAINS": "contains", "ENDS_WITH": "ends_with", "EQ": "eq", "IN": "in", "REGEX": "regex",
    "STARTS_WITH": "starts_with", **{operator: rule for rule, operator in (EXISTENCE | ORDERS).items()},
}  # fmt: skip
_OF_COUNTS: dict[Operator, RuleOperator] = {operator: rule for rule, operator in COUNTS.items()}
_OPPOSITES: dict[RuleOperator, RuleOperator] = {affirmed: negated for negated, affirmed in NEGATIONS.items()}

_Rule = tuple[Field, RuleOperator, tuple[Scalar, ...]]


def render(expression: Expression) -> Document:
    """Write a segment as the rule tree of which `parse` makes exactly this segment.

    >>> render(parse({"field": "plan", "operator": "neq", "value": "pro"}))
    {'field': 'traits.plan', 'operator': 'neq', 'value': 'pro'}

    Raises:
        RuleTreeUnsayable: There is none: rule trees know neither apps, lists, places nor other segments, nor a `Not` of
            anything but one rule; they compare types strictly, and fold case for `contains` only.
    """
    try:
        document = _tree(expression, 1)
        if parse(document) == expression:
            return document
    except RuleTreeRefused as error:  # a name with a dot, something too large
        raise RuleTreeUnsayable(problems=error.problems) from error
    raise RuleTreeUnsayable


def _tree(node: Expression, level: int) -> Document:
    rule = _rule(node)
    if rule is not None and lower(*rule) == node:
        return _leaf(*rule)
    if level > MAX_DEPTH:
        raise RuleTreeUnsayable
    match node:
        case All(of=parts):
            return {"logicalOperator": "AND", "rules": [_tree(part, level + 1) for part in parts]}
        case AnyOf(of=(_, *_) as parts):
            return {"logicalOperator": "OR", "rules": [_tree(part, level + 1) for part in parts]}
        case _:
            raise RuleTreeUnsayable


def _leaf(field: Field, operator: RuleOperator, values: Sequence[Scalar]) -> Document:
    leaf: Document = {"field": spell_field(field), "operator": operator}
    if operator in LISTS:
        leaf["value"] = list(values)
    elif operator not in EXISTENCE:
        leaf["value"] = values[0]
    return leaf


def _rule(node: Expression) -> _Rule | None:
    """Guess the rule that stands for this; whether it does is for the caller to see."""
    match node:
        case AnyOf(of=(Attribute(operator="NOTSET") | Fact(operator="NOTSET"), All(of=(_, Not(of=part))))):
            rule = _affirmed(part)
            return None if rule is None or rule[1] not in _OPPOSITES else (rule[0], _OPPOSITES[rule[1]], rule[2])
        case Event(name=name, count=Comparison() as count):
            operator = _OF_COUNTS.get(count.operator)
            return None if operator is None or not count.values else (EventCount(name), operator, count.values)
        case _:
            return _affirmed(node)


def _affirmed(node: Expression) -> _Rule | None:
    match node:
        case Attribute() | Fact():
            return _plain(node)
        case All(of=(Attribute() | Fact() as part, Not())):
            return _plain(part)
        case AnyOf(of=parts):
            return _members(parts)
        case _:
            return None


def _plain(node: Attribute | Fact) -> _Rule | None:
    operator = _BY_MEANING.get(node.operator)
    if operator is None or bool(node.values) == (operator in EXISTENCE):
        return None
    if operator == "regex":
        text = text_of(str(node.values[0]))
        if is_like_time(text) and pattern_of(text) == node.values[0]:
            return field_of(node), "eq", (text,)
    return field_of(node), operator, node.values


def _members(parts: tuple[Expression, ...]) -> _Rule | None:
    """Guess the list whose members were sorted into these parts."""
    sorts = (part for part in parts if isinstance(part, All | Attribute | Fact))
    rules = [rule for part in sorts if (rule := _affirmed(part)) is not None]
    if len(rules) != len(parts) or not rules:
        return None
    return rules[0][0], "in", tuple(value for _, _, values in rules for value in values)
