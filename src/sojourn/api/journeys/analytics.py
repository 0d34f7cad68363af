"""Analytics: what happened in a journey, node by node and edge by edge. Ours; the contract names only the path."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sojourn.api.common.refusals import MalformedRequest
from sojourn.api.journeys.canvas import write_edges
from sojourn.api.journeys.documents import TAG, journey_id
from sojourn.api.journeys.envelope import Nothing, Wire
from sojourn.api.journeys.routing import AnyRoute, Call, Example, Route
from sojourn.api.journeys.serving import INVALID
from sojourn.model.problems import Problem
from sojourn.service import commands as c
from sojourn.service.commands import EnrollmentStatus
from sojourn.service.enrollments import STATUSES

Instant = Annotated[
    str,
    Meta(max_length=40, description="An instant, such as 2026-05-01T09:00:00Z, or a whole day, such as 2026-05-01."),
]
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class AnalyticsQuery(Wire, frozen=True, kw_only=True):
    """Of which time: from an instant, rounded up to the hour, to before another. Days are of UTC and count whole.

    Without: of all time.
    """

    start_date: Instant | UnsetType = UNSET
    end_date: Instant | UnsetType = UNSET


class NodeNumbers(Wire, frozen=True, kw_only=True):
    """A node: how many came, how many wait there now, and how many the journey ended for there."""

    node_id: UUID
    entered: int
    waiting: int
    completed: int


class EdgeNumbers(Wire, frozen=True, kw_only=True):
    """An edge: how many went along it."""

    source_node_id: str
    target_node_id: str
    label: str | UnsetType = UNSET
    passed: int


class Reached(Wire, frozen=True, kw_only=True):
    """How many of some people reached a goal; `rate` in percent."""

    people: int
    reached: int
    rate: float


class GoalNumbers(Reached, frozen=True, kw_only=True):
    """A goal: how many of those who got the journey reached it.

    Attributes:
        control: The same of the control group, where the journey has one.
        uplift: By how many percent the rate is above that of the control group.
        p_value: The probability of so large a difference where there is none.
    """

    name: str
    control: Reached | None
    uplift: float | None
    p_value: float | None


class Analytics(Wire, frozen=True, kw_only=True):
    """The numbers of a journey. Of all time, entered = waiting + departed.

    Attributes:
        control_group: How many of those who were stopped belong to the control group, and so got nothing.
    """

    entered: int
    waiting: int
    departed: dict[EnrollmentStatus, int]
    control_group: int
    goal_rate: float | None
    goals: tuple[GoalNumbers, ...]
    nodes: tuple[NodeNumbers, ...]
    edges: tuple[EdgeNumbers, ...]


async def _analytics(call: Call[AnalyticsQuery, Nothing]) -> Analytics:
    query, journey = call.query, journey_id(call)
    start = _instant(query.start_date, "startDate", timedelta())
    end = _instant(query.end_date, "endDate", timedelta(days=1))
    found = await call.service.run(call.caller, c.GetStatistics(journey=str(journey), from_=start, to=end))
    whole = await call.service.run(call.caller, c.GetJourney(journey=journey))
    settings = whole.graph.settings
    left = {(point.point, output): n for point in found.points for output, n in point.left.items()}
    goals = tuple(map(_goal, found.goals))
    # One that was named only since the numbers were counted has none yet.
    has_rate = goals and (settings.goal is not None or settings.conversion_goals)
    return Analytics(
        entered=found.entered,
        waiting=found.inside,
        departed=_by_status(found.departed),
        control_group=found.departed.get("control", 0),
        goal_rate=goals[0].rate if has_rate else None,
        goals=goals,
        nodes=tuple(
            NodeNumbers(
                node_id=UUID(point.point), entered=point.entered, waiting=point.inside, completed=point.completed
            )
            for point in found.points
        ),
        edges=tuple(
            EdgeNumbers(
                source_node_id=edge.from_,
                target_node_id=edge.to,
                label=written.label,
                passed=left.get((edge.from_, edge.output), 0),
            )
            for edge, written in zip(whole.graph.edges, write_edges(whole.graph), strict=True)
        ),
    )


def _goal(found: c.GoalNumbers) -> GoalNumbers:
    treated, control = found.treated, found.control
    return GoalNumbers(
        name=found.name,
        people=treated.people,
        reached=treated.conversions,
        rate=treated.rate,
        control=None
        if control is None
        else Reached(people=control.people, reached=control.conversions, rate=control.rate),
        uplift=found.uplift,
        p_value=found.p_value,
    )


def _by_status(departed: Mapping[str, int]) -> dict[EnrollmentStatus, int]:
    """Count who left by what their enrollments say of it."""
    counts: dict[EnrollmentStatus, int] = {}
    for outcome, n in departed.items():
        counts[STATUSES[outcome]] = counts.get(STATUSES[outcome], 0) + n
    return counts


def _instant(given: str | UnsetType, name: str, day: timedelta) -> datetime | None:
    """Return an instant; of a day, so long after its beginning.

    Raises:
        MalformedRequest: It is none.
    """
    if given is UNSET:
        return None
    try:
        if _DAY.fullmatch(given):
            return datetime.fromisoformat(given).replace(tzinfo=UTC) + day
        at = msgspec.convert(given, datetime)
    except (msgspec.ValidationError, ValueError, OverflowError):
        at = None
    if at is None or at.tzinfo is None:
        rule = "must be an instant with its offset, such as 2026-05-01T09:00:00Z, or a day, such as 2026-05-01"
        raise MalformedRequest(INVALID, problems=(Problem("field.type", name, rule),))
    return at


ANALYTICS_ROUTES: tuple[AnyRoute, ...] = (
    Route(
        verb="GET",
        path="/api/journeys/{id}/analytics",
        name="getAnalytics",
        tag=TAG,
        summary="Count what happened in a journey, node by node.",
        commands=(c.GetStatistics, c.GetJourney),
        query=AnalyticsQuery,
        body=Nothing,
        reply=Analytics,
        handle=_analytics,
        examples=(
            Example(
                title="Three people",
                data={
                    "entered": 3,
                    "waiting": 1,
                    "departed": {"completed": 2},
                    "controlGroup": 0,
                    "goalRate": None,
                    "goals": [],
                    "nodes": [
                        {
                            "nodeId": "a2b1c3d4-5e6f-4a1b-8c2d-3e4f5a6b7c81",
                            "entered": 3,
                            "waiting": 0,
                            "completed": 0,
                        }
                    ],
                    "edges": [
                        {
                            "sourceNodeId": "a2b1c3d4-5e6f-4a1b-8c2d-3e4f5a6b7c81",
                            "targetNodeId": "a2b1c3d4-5e6f-4a1b-8c2d-3e4f5a6b7c82",
                            "passed": 3,
                        }
                    ],
                },
            ),
        ),
    ),
)
