"""Decisions: what each point of a walk saw, and why somebody left it by the output they did.

Ticks keep the points that somebody passed and nothing of what those saw; that is worked out when somebody asks: from
the attributes as they were when the walk set out, and the updates that it passed on its way.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sojourn.compiler.goals import asked_goals, matched
from sojourn.compiler.lower import rule_tree, segment_of
from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Graph
from sojourn.model.identities import Person
from sojourn.model.points import (
    DEFAULT,
    AnyPoint,
    BooleanSplitter,
    Condition,
    GoalCheck,
    PointId,
    ProfileOperation,
    RandomSplitter,
    UpdateProfile,
    output_name,
)
from sojourn.model.segments import Expression
from sojourn.ruletree import RuleTreeRefused
from sojourn.seglang import SeglangError, render
from sojourn.service.commands import AskedBranch, AskedGoal, Decision, PassedPoint, PointRef
from sojourn.service.history.conditions import Verdict, examine
from sojourn.service.history.past import Attributes, Past
from sojourn.store.connection import Conn
from sojourn.store.history import PassageRow, goals_reached, operated


@dataclass(frozen=True, slots=True)
class Map:
    """A version of a journey as a walk met it.

    Attributes:
        points: By number; points that the version does not have are left out.
        edges: Where an output of a point leads: (number, output) to number.
        names: The uuid and kind of every point that the journey ever had, by number.
    """

    graph: Graph
    points: Mapping[int, AnyPoint]
    edges: Mapping[tuple[int, str], int]
    names: Mapping[int, tuple[PointId, str]]

    def ref(self, number: int) -> PointRef:
        """Return how a point is called."""
        uuid, kind = self.names.get(number, ("", "removed"))
        point = self.points.get(number)
        return PointRef(point=uuid, title=point.title if point is not None else "", kind=kind)

    def outputs(self, number: int, follower: int) -> list[str]:
        """Return the outputs of a point that lead to another."""
        return [output for (start, output), end in self.edges.items() if start == number and end == follower]


def map_of(graph: Graph, names: Mapping[int, tuple[PointId, str]]) -> Map:
    """Put a graph together with the numbers of its points."""
    numbers = {uuid: number for number, (uuid, _) in names.items()}
    return Map(
        graph=graph,
        points={numbers[point.id]: point for point in graph.points if point.id in numbers},
        edges={
            (numbers[edge.from_], edge.output): numbers[edge.to]
            for edge in graph.edges
            if edge.from_ in numbers and edge.to in numbers
        },
        names=names,
    )


@dataclass(slots=True)
class Retracing:
    """One walk, gone again from point to point."""

    conn: Conn
    scope: SegmentScope
    person: Person
    past: Past
    map: Map
    walk: PassageRow

    async def passed(self) -> tuple[PassedPoint, ...]:
        """Return the points of the walk with what each decided."""
        found: list[PassedPoint] = []
        attributes = self.past.before(self.walk) if self.past.knows(self.walk.at) else None
        path = self.walk.path
        for place, number in enumerate(path):
            point = self.map.points.get(number)
            if isinstance(point, UpdateProfile) and attributes is not None and place > 0:
                attributes = await self._updated(point, attributes, path[place + 1 :])
            taken = self.map.outputs(number, path[place + 1]) if place + 1 < len(path) else []
            decision = await self._decision(point, attributes, taken) if taken else None
            found.append(
                PassedPoint(point=self.map.ref(number), output=_output(taken, decision), decision=decision),
            )
        return tuple(found)

    async def _decision(
        self, point: AnyPoint | None, attributes: Attributes | None, taken: Sequence[str]
    ) -> Decision | None:
        match point:
            case BooleanSplitter():
                return await self._split(point, attributes)
            case Condition():
                return await self._branch(point, attributes)
            case GoalCheck():
                return await self._check(point, attributes)
            case RandomSplitter():
                return self._lot(point, taken)
            case _:
                return None

    def _lot(self, point: RandomSplitter, taken: Sequence[str]) -> Decision | None:
        """Draw again; None where something else was drawn, by the number that the enrollment had before a merge."""
        lot = drawn(point, enrollment_id=self.walk.enrollment_id, profile_id=self.person.profile_id)
        if lot.implied in taken:
            return lot
        # Once a branch has won, it takes those who would have drawn another.
        return None if point.winner is None else Decision(draw=lot.draw)

    async def _split(self, point: BooleanSplitter, attributes: Attributes | None) -> Decision | None:
        try:
            expression = segment_of(point, self.scope)
        except (SeglangError, KeyError):  # a segment that has been deleted since
            return None
        verdict = await self._examined(expression, attributes)
        implied = None if verdict.met is None else output_name(int(verdict.met))
        return Decision(expression=render(expression), conditions=verdict.conditions, implied=implied)

    async def _branch(self, point: Condition, attributes: Attributes | None) -> Decision | None:
        """Ask branch after branch, up to the first that is met."""
        try:
            expressions = [rule_tree(branch.rule_tree) for branch in point.branches]
        except (msgspec.DecodeError, RuleTreeRefused):  # of a draft
            return None
        asked: list[AskedBranch] = []
        for number, (branch, expression) in enumerate(zip(point.branches, expressions, strict=True), 1):
            verdict = await self._examined(expression, attributes)
            asked.append(
                AskedBranch(
                    output=output_name(number),
                    label=branch.label,
                    expression=render(expression),
                    met=verdict.met,
                    conditions=verdict.conditions,
                )
            )
            if verdict.met:
                return Decision(branches=tuple(asked), implied=asked[-1].output)
        is_known = all(each.met is not None for each in asked)
        return Decision(branches=tuple(asked), implied=DEFAULT if is_known else None)

    async def _check(self, point: GoalCheck, attributes: Attributes | None) -> Decision | None:
        """Look for the goals that had been reached by then; one about an attribute need only be met."""
        try:
            expression = matched(point.goal or self.map.graph.settings.goal)
        except RuleTreeRefused:  # of a draft
            return None
        reached = await goals_reached(
            self.conn, shard=self.person.shard, enrollment_id=self.walk.enrollment_id, until=self.walk.at
        )
        goals = tuple(AskedGoal(name=name, reached_at=reached.get(name)) for name in asked_goals(point, self.map.graph))
        is_reached = any(goal.reached_at is not None for goal in goals)
        if expression is None:
            return Decision(goals=goals, implied=output_name(int(is_reached)))
        verdict = await self._examined(expression, attributes)
        is_met = True if is_reached else verdict.met
        return Decision(
            expression=render(expression),
            conditions=verdict.conditions,
            goals=goals,
            implied=None if is_met is None else output_name(int(is_met)),
        )

    async def _examined(self, expression: Expression, attributes: Attributes | None) -> Verdict:
        """Hold a segment against the person as they were; nothing is known where their values are not kept."""
        if attributes is None:
            return Verdict(None)
        return await examine(
            self.conn, expression, self.scope, person=self.person, attributes=attributes, now=self.walk.at
        )

    async def _updated(self, point: UpdateProfile, attributes: Attributes, ahead: Sequence[int]) -> Attributes:
        """Return the attributes behind an update.

        What it read of an event or a request may be gone by now; then what the walk left behind tells, unless a later
        update of the walk changed the same attribute.
        """
        operations = [self._operation(each, attributes) for each in point.operations]
        document = msgspec.json.encode(attributes).decode()
        result: Attributes = await operated(self.conn, document, msgspec.json.encode(operations).decode())
        left, again = self.past.after(self.walk), self._updated_tags(ahead)
        for operation in point.operations:
            if operation.tag not in again:
                result.pop(operation.tag, None)
                result |= {operation.tag: left[operation.tag]} if operation.tag in left else {}
        return result

    def _updated_tags(self, ahead: Sequence[int]) -> set[str]:
        points = (self.map.points.get(number) for number in ahead)
        return {each.tag for point in points if isinstance(point, UpdateProfile) for each in point.operations}

    def _operation(self, operation: ProfileOperation, attributes: Attributes) -> dict[str, Any]:
        value: Any = operation.value
        if operation.from_ is not None:
            context = attributes if operation.from_.source == "TAG" else self._context(operation.from_.source)
            value = context.get(operation.from_.name)
        return {"op": operation.operation.lower(), "tag": operation.tag, "value": value}

    def _context(self, source: str) -> dict[str, Any]:
        return (self.walk.context or {}).get(source.lower()) or {}


def _output(taken: Sequence[str], decision: Decision | None) -> str | None:
    """Name the output that was taken; of several that lead to the same point, the one that follows from the values."""
    if decision is not None and decision.implied in taken:
        return decision.implied
    return taken[0] if taken else None


def drawn(point: RandomSplitter, *, enrollment_id: int, profile_id: int) -> Decision:
    """Draw as the engine does; see docs/engine.md."""
    key = profile_id if point.sticky == "PROFILE" else enrollment_id
    digest = hashlib.md5(f"{key}:{point.id}".encode(), usedforsecurity=False).hexdigest()
    draw = int(digest[:8], 16) % 10_000
    upper = 0
    for number, branch in enumerate(point.branches, 1):
        upper += round(branch.percent * 100)
        if draw < upper:
            return Decision(implied=output_name(number), draw=draw / 100)
    return Decision(draw=draw / 100)
