"""Moves: where the people go who stand on points that an edit took away."""

from collections.abc import Container, Mapping

from sojourn.model.graph import Graph
from sojourn.model.points import DEFAULT, PointId

Move = tuple[int, int | None]
"""From a point number to a point number; to None: dropped."""


def moves(old: Graph, new: Graph, old_numbers: Mapping[PointId, int], new_numbers: Mapping[PointId, int]) -> list[Move]:
    """List the moves of an edit, by number.

    Who stands on a removed point goes on from where its default output led, passing over other removed points; or is
    dropped, where that leads nowhere or the settings say so. Who stands on a point that got another number, because
    its kind changed, arrives at it anew.
    """
    kept = {point.id for point in new.points}
    leads_to = {edge.from_: edge.to for edge in old.edges if edge.output == DEFAULT}
    found: dict[int, int | None] = {}
    for point in old.points:
        number = old_numbers[point.id]
        if point.id not in kept:
            follows = new.settings.removed_points == "CONTINUE"
            target = _first_kept(point.id, leads_to, kept) if follows else None
            found[number] = None if target is None else new_numbers[target]
        elif new_numbers[point.id] != number:
            found[number] = new_numbers[point.id]
    return sorted(found.items())


def _first_kept(start: PointId, leads_to: Mapping[PointId, PointId], kept: Container[PointId]) -> PointId | None:
    """Follow default outputs to the first point that is still there; None where they end or run in a circle."""
    passed = {start}
    point = leads_to.get(start)
    while point is not None and point not in kept:
        if point in passed:
            return None
        passed.add(point)
        point = leads_to.get(point)
    return point
