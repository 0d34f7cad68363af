"""Labels: what is written at an edge, and the output of its point that it stands for.

Source: the journeys contract, "Node types", and docs/adr/0011-one-graph-two-dialects.md, which has the table.
"""

from collections.abc import Mapping

from sojourn.model.points import (
    DEFAULT,
    AnyPoint,
    Condition,
    Content,
    ElementClick,
    GoalCheck,
    MessageBus,
    RandomSplitter,
    StartByApi,
    UrlMatch,
    Wait,
    WaitForTrigger,
    output_name,
    outputs,
)

CONTENT = {"": DEFAULT, "completed": DEFAULT, "dismissed": "output1", "timeout": "output2"}
EVENT_WAIT = {"": "output1", "event": "output1", "timeout": DEFAULT}
GOAL = {"": DEFAULT, "success": "output1", "true": "output1", "fallback": DEFAULT, "false": DEFAULT}
ALONE = "true"
"""The label of the one branch of a condition that has no others."""


def output_of(point: AnyPoint, label: str) -> str | None:
    """Return the output that a label stands for; None where it stands for none.

    Every point also knows its outputs by their own names.
    """
    ways = outputs(point)
    if isinstance(point, MessageBus | StartByApi | UrlMatch | ElementClick | Wait):
        return DEFAULT
    if label in (words := _words(point)):
        return words[label]
    if not label:
        return DEFAULT if DEFAULT in ways else None
    return label if label in ways else None


def label_of(point: AnyPoint, output: str) -> str:
    """Return the label that stands for an output where its author wrote none: an empty one if that does."""
    if output_of(point, "") == output:
        return ""
    words = _words(point)
    return next((label for label, way in words.items() if way == output and label), output)


def spoken_output(point: AnyPoint, output: str) -> str:
    """Return how to speak of an output: by its first word, or its name; empty if the point has none such."""
    own = output if output in outputs(point) else ""
    return next((label for label, way in _words(point).items() if way == output and label), own)


def _words(point: AnyPoint) -> Mapping[str, str]:
    """Return the labels that a point knows beside the names of its outputs."""
    match point:
        case Content():
            return CONTENT
        case WaitForTrigger() if says_one_event(point):
            return EVENT_WAIT
        case GoalCheck():
            return GOAL
        case Condition():
            labels = [branch.label for branch in point.branches]
            return {"": DEFAULT, **({"false": DEFAULT} if labels == [ALONE] else {}), **_numbered(labels)}
        case RandomSplitter():
            return _numbered([branch.title for branch in point.branches])
        case _:
            return {}


def _numbered(labels: list[str]) -> dict[str, str]:
    """Return the output of each label; of equal ones, that of the first."""
    named = [(label, output_name(number)) for number, label in enumerate(labels, 1) if label]
    return dict(reversed(named))


def says_one_event(point: WaitForTrigger) -> bool:
    """Tell whether a wait is for one event and nothing more, which is what a node can say."""
    branch = point.branches[0]
    return (
        len(point.branches) == len(branch.events) == 1
        and not point.fixed_period
        and (branch.name, branch.operator, branch.look_back_seconds) == ("", "OR", 0)
        and branch.events[0].match_entry_attribute is None
    )
