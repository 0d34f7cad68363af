"""Matches: how pages and events are described on the wire."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta

from sojourn.api.journeys.envelope import Wire
from sojourn.model.points import ConditionOperator, Name, Scalar
from sojourn.model.points import EventCondition as Condition
from sojourn.model.points import MatchType as Match

MatchType = Literal["exact", "contains", "startsWith", "endsWith", "regex"]

_MATCHES: dict[MatchType, Match] = {
    "exact": "EXACT",
    "contains": "CONTAINS",
    "startsWith": "STARTS_WITH",
    "endsWith": "ENDS_WITH",
    "regex": "REGEX",
}
_SPELLINGS: dict[Match, MatchType] = {match: spelling for spelling, match in _MATCHES.items()}


class EventCondition(Wire, frozen=True, kw_only=True):
    """A condition on an attribute of an event, in the words of the gateway API."""

    attribute: Name
    operator: ConditionOperator
    values: Annotated[tuple[Scalar, ...], Meta(max_length=100)] = ()


EventConditions = Annotated[tuple[EventCondition, ...], Meta(max_length=20)]


def match_of(spelling: MatchType) -> Match:
    """Return what a match type means."""
    return _MATCHES[spelling]


def match_spelling(match: Match) -> MatchType:
    """Return how a match type is spelt."""
    return _SPELLINGS[match]


def conditions_of(wires: Iterable[EventCondition]) -> tuple[Condition, ...]:
    """Return what conditions mean."""
    return tuple(Condition(attribute=each.attribute, operator=each.operator, values=each.values) for each in wires)


def conditions_wire(conditions: Iterable[Condition]) -> tuple[EventCondition, ...]:
    """Return how conditions are spelt."""
    return tuple(
        EventCondition(attribute=each.attribute, operator=each.operator, values=each.values) for each in conditions
    )
