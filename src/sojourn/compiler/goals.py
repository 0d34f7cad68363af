"""Goals: what counts as a conversion in a journey, whichever dialect said so and wherever in the graph. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from sojourn.model.browsing import CONTENT, CONTENT_COMPLETED, PAGE_VIEW
from sojourn.model.graph import Graph
from sojourn.model.patterns import PatternRefused, safe_pattern
from sojourn.model.points import (
    AttributeMatch,
    Conditions,
    EventCondition,
    GoalCheck,
    JourneyGoal,
    PageVisit,
    PointId,
)
from sojourn.model.segments import Expression
from sojourn.ruletree import RuleTreeRefused, parse

JOURNEY_GOAL = "journey goal"
"""The name of the goal in the form of the journeys dialect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One goal as the engine counts it.

    Attributes:
        event_name: What has to be done; None where an attribute has to match.
        page: Of a `page_view`, where.
        expression: Of a goal without an event: who has reached it.
        ends_journey: Who reaches it leaves.
        lasts: It counts for as long as somebody is inside, even after the conversion window.
    """

    name: str
    event_name: str | None = None
    event_conditions: Conditions = ()
    page: PageVisit | None = None
    expression: Expression | None = None
    ends_journey: bool = False
    value_attribute: str = ""
    lasts: bool = False


def targets(graph: Graph) -> tuple[Target, ...]:
    """List what counts as a conversion in a graph: conversion goals, the journey's goal, those of its checks."""
    settings = graph.settings
    found = [
        Target(
            name=goal.name,
            event_name=goal.event_name,
            event_conditions=goal.event_conditions,
            ends_journey=goal.ends_journey,
            value_attribute=goal.value_attribute,
        )
        for goal in settings.conversion_goals
    ]
    if settings.goal is not None:
        found.append(_target(JOURNEY_GOAL, settings.goal, ends_journey=settings.exits_on_goal))
    found += _of_checks(graph)
    return tuple(target for target in found if _is_countable(target))


def _is_countable(target: Target) -> bool:
    """Tell whether a goal says what to look for; those of a draft need not."""
    if target.page is not None and target.page.match_type == "REGEX":
        try:
            safe_pattern(target.page.pattern)
        except PatternRefused:
            return False
    return target.event_name is not None or target.expression is not None


def _of_checks(graph: Graph) -> Iterator[Target]:
    for point in graph.points:
        if isinstance(point, GoalCheck) and point.goal is not None:
            yield _target(check_goal(point.id), point.goal)


def check_goal(point: PointId) -> str:
    """Name the goal that only one check asks for."""
    return f"goal check {point}"


def asked_goals(point: GoalCheck, graph: Graph) -> tuple[str, ...]:
    """Name the goals of which a check wants one: its own, or all of the journey."""
    if point.goal is not None:
        return (check_goal(point.id),)
    own = (JOURNEY_GOAL,) if graph.settings.goal is not None else ()
    return (*own, *(goal.name for goal in graph.settings.conversion_goals))


def matched(goal: JourneyGoal | None) -> Expression | None:
    """Return whom a goal describes that is about an attribute; None for any other."""
    return None if goal is None or goal.attribute_match is None else rule_of(goal.attribute_match)


def rule_of(wanted: AttributeMatch) -> Expression:
    """Return the segment of a rule.

    Raises:
        RuleTreeRefused: It is no rule.
    """
    leaf: dict[str, object] = {"field": wanted.field, "operator": wanted.operator}
    return parse(leaf if wanted.value is None else leaf | {"value": wanted.value})


def _matched_at_all(goal: JourneyGoal) -> Expression | None:
    try:
        return matched(goal)
    except RuleTreeRefused:
        return None


def _target(name: str, goal: JourneyGoal, *, ends_journey: bool = False) -> Target:
    if goal.event is not None:
        event, conditions, page = goal.event.event_name, goal.event.event_conditions, None
    elif goal.page_visit is not None:
        event, conditions, page = PAGE_VIEW, (), goal.page_visit
    elif goal.flow_completed is not None:
        flow = EventCondition(attribute=CONTENT, operator="EQ", values=(goal.flow_completed.flow_id,))
        event, conditions, page = CONTENT_COMPLETED, (flow,), None
    else:
        event, conditions, page = None, (), None
    return Target(
        name=name,
        event_name=event,
        event_conditions=conditions,
        page=page,
        expression=_matched_at_all(goal),
        ends_journey=ends_journey,
        lasts=True,
    )
