"""Listeners: which points of a graph react to which event. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sojourn.compiler.goals import targets
from sojourn.model.browsing import CLICK, PAGE_VIEW
from sojourn.model.graph import Graph
from sojourn.model.points import ElementClick, MessageBus, PointId, UrlMatch, WaitForTrigger

Reaction = Literal["convert", "enroll", "enroll_named", "resume"]

JOURNEY_ITSELF = 0
"""Stands for the point where the whole journey reacts; points are numbered from 1."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A point, or a journey as a whole, that reacts to an event.

    Attributes:
        reaction: Count it for who came in, enroll who did it, enroll the people an attribute names, or let who waits
            go on.
        application_code: Only events of this app; None for those of any.
    """

    point_no: int
    event_name: str
    reaction: Reaction
    attribute_name: str | None = None
    application_code: str | None = None


def listeners(graph: Graph, numbers: Mapping[PointId, int]) -> tuple[Listener, ...]:
    """List the reactions of a graph, each event once per point, ordered by point number and event name."""
    names = {goal.event_name for goal in targets(graph)}
    found = {Listener(JOURNEY_ITSELF, name, "convert") for name in names if name is not None}
    for point in graph.points:
        number = numbers[point.id]
        match point:
            case MessageBus():
                named = point.attribute_entry if point.attribute_entry and point.attribute_entry.enabled else None
                reaction: Reaction = "enroll_named" if named else "enroll"
                attribute = named.attribute_name if named else None
                found.add(Listener(number, point.event_name, reaction, attribute, point.application_code))
            case UrlMatch() | ElementClick():
                name = PAGE_VIEW if isinstance(point, UrlMatch) else CLICK
                app = graph.settings.application_code
                found.add(Listener(number, name, "enroll", application_code=app))
            case WaitForTrigger():
                found.update(
                    Listener(number, event.event_name, "resume") for branch in point.branches for event in branch.events
                )
            case _:
                pass
    return tuple(sorted(found, key=lambda listener: (listener.point_no, listener.event_name)))
