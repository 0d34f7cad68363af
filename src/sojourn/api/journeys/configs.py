"""Configs: what `config` of a node is, by the type of the node.

Source: the journeys contract, "Node Types".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sojourn.api.journeys.durations import Amount, Unit
from sojourn.api.journeys.envelope import Nothing, Wire
from sojourn.api.journeys.matches import EventConditions, MatchType
from sojourn.model.points import Name, Text

ContentKind = Literal["flow", "tooltip", "beacon", "announcement", "survey", "task_list", "banner", "modal"]
TriggerType = Literal["URL_MATCH", "CUSTOM_EVENT", "ELEMENT_CLICK", "MANUAL"]
RuleTree = Annotated[Any, Meta(description="A group or a rule, see docs/segments.md.")]
Label = Annotated[str, Meta(min_length=1, max_length=255)]


class Timeout(Wire, frozen=True, kw_only=True):
    """How long to wait at most."""

    duration: Amount
    unit: Unit


class TriggerConfig(Wire, frozen=True, kw_only=True):
    """How people come in."""

    trigger_type: TriggerType
    trigger_config: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class UrlMatchConfig(Wire, frozen=True, kw_only=True):
    """By viewing a page."""

    match_type: MatchType = "contains"
    pattern: Text = ""


class CustomEventConfig(Wire, frozen=True, kw_only=True):
    """By doing an event."""

    event_name: Name
    conditions: EventConditions | UnsetType = UNSET


class ElementClickConfig(Wire, frozen=True, kw_only=True):
    """By a click."""

    selector: Text = ""


class ContentConfig(Wire, frozen=True, kw_only=True):
    """What is shown, and for how long at most."""

    content_type: ContentKind | UnsetType = UNSET
    timeout: Timeout | UnsetType = UNSET


class WaitConfig(Wire, frozen=True, kw_only=True):
    """How long, or until when."""

    duration: Amount | UnsetType = UNSET
    unit: Unit | UnsetType = UNSET
    until: datetime | UnsetType = UNSET


class WaitForEventConfig(Wire, frozen=True, kw_only=True):
    """For which event, and how long at most."""

    event_name: Name
    conditions: EventConditions | UnsetType = UNSET
    timeout: Timeout | UnsetType = UNSET


class BranchConfig(Wire, frozen=True, kw_only=True):
    """Whom a rule tree describes leaves by this label."""

    label: Text
    rule_tree: RuleTree


class ConditionConfig(Wire, frozen=True, kw_only=True):
    """Branches in their order, or one rule tree."""

    branches: Annotated[tuple[BranchConfig, ...], Meta(max_length=20)] | UnsetType = UNSET
    rule_tree: RuleTree | UnsetType = UNSET


class ShareConfig(Wire, frozen=True, kw_only=True):
    """A share of the people leaves by this label."""

    label: Label
    percentage: Annotated[float, Meta(ge=0, le=100)]


class SplitConfig(Wire, frozen=True, kw_only=True):
    """The branches; without them, the labels of the edges begin with percentages, such as `30%`, or share evenly."""

    branches: Annotated[tuple[ShareConfig, ...], Meta(min_length=2, max_length=20)] | UnsetType = UNSET


class GoalCheckConfig(Wire, frozen=True, kw_only=True):
    """A goal of its own; without it, that of the journey."""

    goal_config: dict[str, Any] | UnsetType = UNSET


class ExitConfig(Wire, frozen=True, kw_only=True):
    """What became of the person."""

    outcome: Text = ""


TRIGGERS: Mapping[TriggerType, type[Wire]] = {
    "URL_MATCH": UrlMatchConfig,
    "CUSTOM_EVENT": CustomEventConfig,
    "ELEMENT_CLICK": ElementClickConfig,
    "MANUAL": Nothing,
}
CONFIGS: Mapping[str, type[Wire]] = {
    "TRIGGER": TriggerConfig,
    "CONTENT": ContentConfig,
    "WAIT": WaitConfig,
    "WAIT_FOR_EVENT": WaitForEventConfig,
    "CONDITION": ConditionConfig,
    "SPLIT": SplitConfig,
    "GOAL_CHECK": GoalCheckConfig,
    "EXIT": ExitConfig,
}
