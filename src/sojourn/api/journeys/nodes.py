"""Nodes: what a node of the canvas says, and the point of the document that it is.

Which node is which point is the table of docs/adr/0011-one-graph-two-dialects.md. A point that says more than a node
can is shown under its own name in capitals, with all its fields as `config`, and is read back as it was.

Source: the journeys contract, "Node Types".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

import msgspec
from msgspec import UNSET, UnsetType

from sojourn.api.common.misfits import misfits
from sojourn.api.common.paths import item, member
from sojourn.api.journeys.configs import (
    CONFIGS,
    TRIGGERS,
    ConditionConfig,
    ContentConfig,
    ContentKind,
    CustomEventConfig,
    ElementClickConfig,
    ExitConfig,
    GoalCheckConfig,
    ShareConfig,
    SplitConfig,
    Timeout,
    TriggerConfig,
    TriggerType,
    UrlMatchConfig,
    WaitConfig,
    WaitForEventConfig,
)
from sojourn.api.journeys.durations import Unit, seconds_of, spoken, unit_kept
from sojourn.api.journeys.envelope import Nothing, Wire
from sojourn.api.journeys.goals import goal_problems, read_goal, says_goal, write_goal
from sojourn.api.journeys.labels import ALONE, says_one_event
from sojourn.api.journeys.matches import (
    conditions_of,
    conditions_wire,
    match_of,
    match_spelling,
)
from sojourn.model.points import (
    AnyPoint,
    AwaitedEvent,
    Condition,
    ConditionBranch,
    Content,
    ContentType,
    ElementClick,
    Exit,
    GoalCheck,
    MessageBus,
    RandomBranch,
    RandomSplitter,
    StartByApi,
    TriggerBranch,
    UrlMatch,
    Wait,
    WaitForTrigger,
)
from sojourn.model.problems import Problem

WAIT_SECONDS_MAX = 366 * 86_400
EVENT_WAIT_SECONDS_MAX = 90 * 86_400

_PERCENT = re.compile(r"(100|\d\d?(?:\.\d\d?)?)\s*%", re.ASCII)
"""How the label of an edge begins that says how large its share of a split is."""

POINTS: Mapping[str, type[AnyPoint]] = {
    str(kind.__struct_config__.tag).upper(): kind for kind in cast("tuple[type[AnyPoint], ...]", get_args(AnyPoint))
}
"""Points by the name under which the dialect shows those that it has no node for."""


POINT_FIELDS: Mapping[str, frozenset[str]] = {
    "GOAL_CHECK": frozenset({"goal"}),
    "WAIT": frozenset({"date_attribute", "time_of_day", "weekday"}),
}
"""Fields of points, where both have one name, by which one that says more than the node is told from it."""


class NodeText(msgspec.Struct, frozen=True, kw_only=True):
    """What a node says, without where it is drawn."""

    id: str
    type: str
    config: Mapping[str, Any]
    content_id: str | None = None
    title: str = ""


# Reading --------------------------------------------------------------------------------------------------------


def node_problems(kind: str, config: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Find what keeps a node from being a point. `path` is that of its config."""
    if says_point(kind, config):
        yield from misfits(config, POINTS[kind], path, frozenset({"id", "title"}))
        return
    found = misfits(config, CONFIGS[kind], path)
    yield from found
    if kind == "TRIGGER":
        yield from _trigger_problems(config, path)
    elif not found:
        yield from _more_problems(msgspec.convert(config, CONFIGS[kind]), path)


def says_point(kind: str, config: Mapping[str, Any]) -> bool:
    """Tell whether the config of a node is that of a point, field by field."""
    if kind in POINT_FIELDS:
        return not POINT_FIELDS[kind].isdisjoint(config)
    return kind not in CONFIGS


def _trigger_problems(config: Mapping[str, Any], path: str) -> Iterator[Problem]:
    kind, below = config.get("triggerType"), config.get("triggerConfig", {})
    of_kind = TRIGGERS.get(cast("TriggerType", kind)) if isinstance(kind, str) else None
    if of_kind is not None and isinstance(below, dict):
        yield from misfits(cast("dict[str, Any]", below), of_kind, member(path, "triggerConfig"))


def _more_problems(config: Wire, path: str) -> Iterator[Problem]:
    match config:
        case WaitConfig():
            yield from _wait_problems(config, path)
        case ContentConfig(timeout=Timeout() as timeout):
            yield from _length_problems(timeout.duration, timeout.unit, WAIT_SECONDS_MAX, member(path, "timeout"))
        case WaitForEventConfig(timeout=Timeout() as timeout):
            yield from _length_problems(timeout.duration, timeout.unit, EVENT_WAIT_SECONDS_MAX, member(path, "timeout"))
        case ConditionConfig() if config.branches is not UNSET and config.rule_tree is not UNSET:
            yield Problem("field.exclusive", path, "either branches or ruleTree may be given")
        case SplitConfig(branches=tuple() as branches):
            yield from _repeated([each.label for each in branches], path)
        case GoalCheckConfig() if config.goal_config is not UNSET:
            yield from goal_problems(config.goal_config, member(path, "goalConfig"))
        case _:
            pass


def _wait_problems(config: WaitConfig, path: str) -> Iterator[Problem]:
    if (config.duration is UNSET) != (config.unit is UNSET):
        yield Problem("field.required", path, "duration and unit belong together")
    elif config.duration is not UNSET and config.unit is not UNSET:
        yield from _length_problems(config.duration, config.unit, WAIT_SECONDS_MAX, path)
    if config.until is not UNSET and config.until.tzinfo is None:
        yield Problem("field.type", member(path, "until"), "an instant names its offset, such as 2026-05-01T09:00:00Z")


def _length_problems(amount: int, unit: Unit, most: int, path: str) -> Iterator[Problem]:
    if seconds_of(amount, unit) > most:
        yield Problem("field.type", member(path, "duration"), f"is longer than {most // 86_400} days")


def _repeated(labels: list[str], path: str) -> Iterator[Problem]:
    for place, label in enumerate(labels):
        if label in labels[:place]:
            yield Problem(
                "field.type", member(item(member(path, "branches"), place), "label"), "each label is used once"
            )


def read_point(node: NodeText, labels: tuple[str, ...]) -> AnyPoint:  # noqa: PLR0911 - one case per node
    """Return the point that a node without problems is. `labels` are those of the edges that leave it."""
    if says_point(node.type, node.config):
        kind = POINTS[node.type]
        return msgspec.convert({**node.config, **_head(node)}, kind)
    read = msgspec.convert(node.config, CONFIGS[node.type])
    match read:
        case TriggerConfig():
            return _read_trigger(read, node)
        case ContentConfig():
            return _read_content(read, node)
        case WaitConfig():
            return _read_wait(read, node)
        case WaitForEventConfig():
            return _read_event_wait(read, node)
        case ConditionConfig():
            return Condition(branches=_read_branches(read), id=node.id, title=node.title)
        case SplitConfig():
            return RandomSplitter(branches=_read_shares(read, labels), id=node.id, title=node.title)
        case GoalCheckConfig():
            return GoalCheck(
                goal=read_goal(read.goal_config) if read.goal_config else None, id=node.id, title=node.title
            )
        case ExitConfig():
            return Exit(outcome=read.outcome, id=node.id, title=node.title)
        case _:
            raise AssertionError(f"{type(read)} is the config of no node")


def _head(node: NodeText) -> dict[str, str]:
    return {"id": node.id, "title": node.title}


def _read_trigger(config: TriggerConfig, node: NodeText) -> AnyPoint:
    read = msgspec.convert(config.trigger_config, TRIGGERS[config.trigger_type])
    match read:
        case UrlMatchConfig():
            return UrlMatch(match_type=match_of(read.match_type), pattern=read.pattern, id=node.id, title=node.title)
        case CustomEventConfig():
            conditions = conditions_of(read.conditions or ())
            return MessageBus(event_name=read.event_name, event_conditions=conditions, id=node.id, title=node.title)
        case ElementClickConfig():
            return ElementClick(selector=read.selector, id=node.id, title=node.title)
        case _:
            return StartByApi(id=node.id, title=node.title)


def _read_content(config: ContentConfig, node: NodeText) -> Content:
    timeout = config.timeout
    return Content(
        content_id=node.content_id,
        content_type=cast("ContentType", config.content_type.upper()) if config.content_type else None,
        timeout_seconds=seconds_of(timeout.duration, timeout.unit) if timeout else None,
        unit=unit_kept(timeout.duration, timeout.unit) if timeout else None,
        id=node.id,
        title=node.title,
    )


def _read_wait(config: WaitConfig, node: NodeText) -> Wait:
    until = {} if config.until is UNSET else {"until": {"at": config.until}}
    if config.duration is UNSET or config.unit is UNSET:
        return msgspec.convert({**until, **_head(node)}, Wait)
    length = {
        "duration_seconds": seconds_of(config.duration, config.unit),
        "unit": unit_kept(config.duration, config.unit),
    }
    return msgspec.convert({**length, **until, **_head(node)}, Wait)


def _read_event_wait(config: WaitForEventConfig, node: NodeText) -> WaitForTrigger:
    timeout = config.timeout
    event = AwaitedEvent(event_name=config.event_name, event_conditions=conditions_of(config.conditions or ()))
    return WaitForTrigger(
        period_seconds=seconds_of(timeout.duration, timeout.unit) if timeout else None,
        unit=unit_kept(timeout.duration, timeout.unit) if timeout else None,
        branches=(TriggerBranch(events=(event,)),),
        id=node.id,
        title=node.title,
    )


def _read_branches(config: ConditionConfig) -> tuple[ConditionBranch, ...]:
    if config.rule_tree is not UNSET:
        return (ConditionBranch(label=ALONE, rule_tree=_json(config.rule_tree)),)
    return tuple(ConditionBranch(label=each.label, rule_tree=_json(each.rule_tree)) for each in config.branches or ())


def _json(tree: object) -> str:
    return tree if isinstance(tree, str) else msgspec.json.encode(tree).decode()


def _tree(text: str) -> dict[str, Any] | str:
    """Return a rule tree; what is no JSON object, which only the other dialect lets in, as it is."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return text


def _read_shares(config: SplitConfig, labels: tuple[str, ...]) -> tuple[RandomBranch, ...]:
    if config.branches:
        return tuple(RandomBranch(title=each.label, percent=each.percentage) for each in config.branches)
    named = tuple(dict.fromkeys(label for label in labels if label))[:20]
    if len(named) < 2:
        return even_shares(("A", "B"))
    said = [_PERCENT.match(label) for label in named]
    if all(said):
        return tuple(RandomBranch(title=found.string, percent=float(found[1])) for found in said if found)
    return even_shares(named)


def even_shares(labels: tuple[str, ...]) -> tuple[RandomBranch, ...]:
    """Share a hundred percent among labels; what two decimals cannot share goes to the first.

    >>> [branch.percent for branch in even_shares(("a", "b", "c"))]
    [33.34, 33.33, 33.33]
    """
    each = 10_000 // len(labels)
    first = 10_000 - each * (len(labels) - 1)
    return tuple(
        RandomBranch(title=label, percent=(first if place == 0 else each) / 100) for place, label in enumerate(labels)
    )


# Writing --------------------------------------------------------------------------------------------------------


def write_node(point: AnyPoint) -> NodeText:
    """Return what the node of a point says."""
    kind, config = _written(point)
    content_id = point.content_id if isinstance(point, Content) else None
    plain: dict[str, Any] = config if isinstance(config, dict) else msgspec.to_builtins(config)
    return NodeText(id=point.id, type=kind, config=plain, content_id=content_id, title=point.title)


def _written(point: AnyPoint) -> tuple[str, Wire | dict[str, Any]]:  # noqa: PLR0911 - one case per kind
    match point:
        case MessageBus() | StartByApi() | UrlMatch() | ElementClick():
            return _written_trigger(point)
        case Content():
            return "CONTENT", ContentConfig(
                content_type=cast("ContentKind", point.content_type.lower()) if point.content_type else UNSET,
                timeout=_timeout(point.timeout_seconds, point.unit),
            )
        case Wait(time_of_day=None, weekday=None, date_attribute=None):
            return "WAIT", _written_wait(point)
        case WaitForTrigger() if says_one_event(point):
            return "WAIT_FOR_EVENT", _written_event_wait(point)
        case Condition():
            return "CONDITION", _written_condition(point)
        case RandomSplitter(sticky="ENROLLMENT", winner=None) if _has_labels(point):
            shares = tuple(ShareConfig(label=each.title, percentage=each.percent) for each in point.branches)
            return "SPLIT", SplitConfig(branches=shares)
        case GoalCheck() if point.goal is None or says_goal(point.goal):
            goal = UNSET if point.goal is None else write_goal(point.goal)
            return "GOAL_CHECK", GoalCheckConfig(goal_config=goal)
        case Exit():
            return "EXIT", {"outcome": point.outcome} if point.outcome else {}
        case _:
            return _as_point(point)


def _as_point(point: AnyPoint) -> tuple[str, dict[str, Any]]:
    """Show a point under its own name, with every field that is not as it is by default."""
    fields = {each.name: each for each in msgspec.structs.fields(point) if each.name not in {"id", "title"}}
    given = {name: getattr(point, name) for name, each in fields.items() if getattr(point, name) != each.default}
    return _name_of(type(point)), {
        fields[name].encode_name: msgspec.to_builtins(value) for name, value in given.items()
    }


def _name_of(kind: type[AnyPoint]) -> str:
    return str(kind.__struct_config__.tag).upper()


def _written_trigger(point: MessageBus | StartByApi | UrlMatch | ElementClick) -> tuple[str, Wire | dict[str, Any]]:
    said: tuple[TriggerType, Wire]
    plain: AnyPoint
    match point:
        case UrlMatch():
            said = "URL_MATCH", UrlMatchConfig(match_type=match_spelling(point.match_type), pattern=point.pattern)
            plain = point
        case ElementClick():
            said = "ELEMENT_CLICK", ElementClickConfig(selector=point.selector)
            plain = point
        case MessageBus():
            conditions = conditions_wire(point.event_conditions) or UNSET
            said = "CUSTOM_EVENT", CustomEventConfig(event_name=point.event_name, conditions=conditions)
            plain = MessageBus(
                id=point.id, title=point.title, event_name=point.event_name, event_conditions=point.event_conditions
            )
        case StartByApi():
            said = "MANUAL", Nothing()
            plain = StartByApi(id=point.id, title=point.title)
    if plain != point:
        return _as_point(point)
    kind, config = said
    return "TRIGGER", TriggerConfig(trigger_type=kind, trigger_config=msgspec.to_builtins(config))


def _written_wait(point: Wait) -> WaitConfig:
    until = UNSET if point.until is None else point.until.at
    if point.duration_seconds is None:
        return WaitConfig(until=until)
    amount, unit = spoken(point.duration_seconds, point.unit)
    return WaitConfig(duration=amount, unit=unit, until=until)


def _written_event_wait(point: WaitForTrigger) -> WaitForEventConfig:
    event = point.branches[0].events[0]
    return WaitForEventConfig(
        event_name=event.event_name,
        conditions=conditions_wire(event.event_conditions) or UNSET,
        timeout=_timeout(point.period_seconds, point.unit),
    )


def _timeout(seconds: int | None, unit: Any) -> Timeout | UnsetType:  # noqa: ANN401 - a unit of the model, or None
    if seconds is None:
        return UNSET
    said = spoken(seconds, unit)
    return Timeout(duration=said.amount, unit=said.unit)


def _written_condition(point: Condition) -> dict[str, Any]:
    trees = [(each.label, _tree(each.rule_tree)) for each in point.branches]
    match trees:
        case [(label, tree)] if label == ALONE:
            return {"ruleTree": tree}
        case []:
            return {}
        case _:
            return {"branches": [{"label": label, "ruleTree": tree} for label, tree in trees]}


def _has_labels(point: RandomSplitter) -> bool:
    labels = [branch.title for branch in point.branches]
    return all(1 <= len(label) <= 255 for label in labels) and len(set(labels)) == len(labels)
