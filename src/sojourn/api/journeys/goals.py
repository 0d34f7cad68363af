"""Goals: `goalConfig` of a journey or a node, and the goal that it is in the document.

A goal that no type of the contract says, which only the gateway writes and which cannot run, has the type null; its
`config` is the goal as the document has it. So it comes back as it was, and nobody is told of a goal that is none.

Source: the journeys contract, "Goal Config".
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from sojourn.api.common.misfits import misfits
from sojourn.api.common.paths import member
from sojourn.api.journeys.envelope import Wire
from sojourn.api.journeys.matches import (
    EventConditions,
    MatchType,
    conditions_of,
    conditions_wire,
    match_of,
    match_spelling,
)
from sojourn.model.points import AttributeMatch, EventGoal, FlowCompleted, JourneyGoal, JsonValue, Name, PageVisit, Text
from sojourn.model.problems import Problem
from sojourn.ruletree.meaning import RULE_OPERATORS, RuleOperator

GoalType = Literal["event", "page_visit", "attribute_match", "flow_completed"]
Deadline = Annotated[int, Meta(ge=1, le=3650, description="In days; then the journey is abandoned.")]


class GoalConfig(Wire, frozen=True, kw_only=True):
    """What a journey is for. `config` depends on the type; null: on none of them, see the module."""

    type: GoalType | None
    config: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    deadline: Deadline | None = None


class EventConfig(Wire, frozen=True, kw_only=True):
    """The person does an event."""

    event_name: Name
    conditions: EventConditions | UnsetType = UNSET


class PageVisitConfig(Wire, frozen=True, kw_only=True):
    """The person views a page."""

    match_type: MatchType = "contains"
    pattern: Text


class AttributeMatchConfig(Wire, frozen=True, kw_only=True):
    """A trait of the person meets a rule."""

    field: Name
    operator: RuleOperator
    value: JsonValue | UnsetType = UNSET


class FlowCompletedConfig(Wire, frozen=True, kw_only=True):
    """The person completes a content."""

    flow_id: Name


CONFIGS: Mapping[str | None, type[msgspec.Struct]] = {
    None: JourneyGoal,
    "event": EventConfig,
    "page_visit": PageVisitConfig,
    "attribute_match": AttributeMatchConfig,
    "flow_completed": FlowCompletedConfig,
}


def goal_problems(document: object, path: str) -> Iterator[Problem]:
    """Find what keeps JSON from being a goal."""
    if not isinstance(document, dict):
        yield Problem("field.type", path, "must be an object")
        return
    given = cast("dict[str, Any]", document)
    yield from misfits(given, GoalConfig, path)
    kind, config = given.get("type", ""), given.get("config", {})
    if not isinstance(kind, str | None) or kind not in CONFIGS or not isinstance(config, dict):
        return
    below = member(path, "config")
    yield from misfits(cast("dict[str, Any]", config), CONFIGS[kind], below)
    if kind is None and "deadline_days" in config:
        yield Problem("field.unknown", member(below, "deadline_days"), "`deadline` says it, beside `config`")


def read_goal(document: Mapping[str, Any]) -> JourneyGoal:
    """Return the goal that JSON without problems stands for."""
    given = msgspec.convert(document, GoalConfig)
    read = msgspec.convert(given.config, CONFIGS[given.type])
    deadline = given.deadline
    match read:
        case EventConfig():
            conditions = conditions_of(read.conditions or ())
            return JourneyGoal(
                event=EventGoal(event_name=read.event_name, event_conditions=conditions), deadline_days=deadline
            )
        case PageVisitConfig():
            visit = PageVisit(match_type=match_of(read.match_type), pattern=read.pattern)
            return JourneyGoal(page_visit=visit, deadline_days=deadline)
        case AttributeMatchConfig():
            value = None if read.value is UNSET else read.value
            rule = AttributeMatch(field=read.field, operator=read.operator, value=value)
            return JourneyGoal(attribute_match=rule, deadline_days=deadline)
        case FlowCompletedConfig():
            return JourneyGoal(flow_completed=FlowCompleted(flow_id=read.flow_id), deadline_days=deadline)
        case JourneyGoal():
            return replace(read, deadline_days=deadline)
        case _:
            raise AssertionError(f"{type(read)} is the config of no goal")


def says_goal(goal: JourneyGoal) -> bool:
    """Tell whether a goal is one that this dialect has words for: of one kind, with a known operator."""
    given = (goal.event, goal.page_visit, goal.attribute_match, goal.flow_completed)
    rule = goal.attribute_match
    return given.count(None) == len(given) - 1 and (rule is None or rule.operator in RULE_OPERATORS)


def write_goal(goal: JourneyGoal) -> dict[str, Any]:
    """Return the JSON of a goal."""
    kind, config = _config(goal) if says_goal(goal) else (None, _as_it_is(goal))
    written: dict[str, Any] = {"type": kind, "config": msgspec.to_builtins(config)}
    return written if goal.deadline_days is None else written | {"deadline": goal.deadline_days}


def _as_it_is(goal: JourneyGoal) -> dict[str, Any]:
    """Return what a goal says, field by field, but for the deadline."""
    said = msgspec.to_builtins(replace(goal, deadline_days=None))
    return {name: value for name, value in said.items() if value is not None}


def _config(goal: JourneyGoal) -> tuple[GoalType, Wire]:
    """Return the type and the config of a goal that says one thing."""
    if goal.page_visit is not None:
        visit = goal.page_visit
        return "page_visit", PageVisitConfig(match_type=match_spelling(visit.match_type), pattern=visit.pattern)
    if goal.attribute_match is not None:
        rule = goal.attribute_match
        value = UNSET if rule.value is None else rule.value
        return "attribute_match", AttributeMatchConfig(
            field=rule.field, operator=cast("RuleOperator", rule.operator), value=value
        )
    if goal.flow_completed is not None:
        return "flow_completed", FlowCompletedConfig(flow_id=goal.flow_completed.flow_id)
    event = goal.event
    assert event is not None, "a goal that says one thing"
    conditions = conditions_wire(event.event_conditions) or UNSET
    return "event", EventConfig(event_name=event.event_name, conditions=conditions)
