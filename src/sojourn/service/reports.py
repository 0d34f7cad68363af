"""Reports: the numbers of a journey, from what the ticks counted and who is inside now."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sojourn.compiler.goals import JOURNEY_GOAL
from sojourn.model.experiments import Sample, p_value
from sojourn.model.graph import Graph
from sojourn.model.points import ENTRY_KINDS, AnyPoint, RandomSplitter, output_name
from sojourn.service.commands import (
    BranchNumbers,
    Caller,
    Contest,
    Converted,
    GetStatistics,
    GoalNumbers,
    PointNumbers,
    Statistics,
)
from sojourn.service.drafts import point_kinds, read_graph
from sojourn.service.entries import journey_uuid
from sojourn.service.journeys import find
from sojourn.service.resources import Resources
from sojourn.store import reports as store
from sojourn.store.connection import Conn
from sojourn.store.contests import KeptWinner, draw_samples, kept_winners
from sojourn.store.journeys import NumberedPoint, StoredJourney, numbered_points
from sojourn.store.reports import ConversionSum, Period, TallyInterval, TallySum

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
DEPARTURES = {
    "abandoned": "abandoned",
    "completed": "completed",
    "control": "control",
    "dropped": "dropped",
    "goal": "goal_exit",
    "stopped": "stopped",
}
"""How enrollments end, with the metric that counts it."""

OWN_METRICS = frozenset({*DEPARTURES.values(), "control_goal", "entered", "erased", "goal", "left"})
"""What has a place of its own in the numbers of a point, or, as `erased`, none. The rest are outcomes of messages."""


async def get_statistics(resources: Resources, caller: Caller, command: GetStatistics) -> Statistics:
    """Count what happened in a journey, point by point in canvas order.

    Without a period, entered = inside + departed. With one, only what happened in it is counted; inside is always now.
    Points that an edit removed count in the totals only.

    Raises:
        JourneyNotFound: The workspace has no such journey.
    """
    shards = range(await resources.facts.shard_count())
    async with resources.pool.connection() as conn, conn.transaction():
        await store.take_snapshot(conn)
        journey = await find(conn, caller, journey_uuid(command.journey))
        points = await numbered_points(conn, journey_id=journey.journey_id)
        period = Period(
            journey_id=journey.journey_id, shards=shards, from_=command.from_ or BEGINNING, to=command.to or END
        )
        sums = await store.tally_sums(conn, period)
        inside = await store.inside_by_point(conn, journey_id=journey.journey_id, shards=shards)
        series = await store.tally_series(conn, period, interval=command.interval) if command.interval else []
        conversions = await store.conversion_sums(conn, period)
        graph = read_graph(journey)
        contests = await _contests(conn, journey, graph, points, shards)
    entries = {point.point_no for point in points.values() if point.kind in ENTRY_KINDS}
    kinds = point_kinds(graph)
    entered = sum(each.n for each in sums if each.metric == "entered" and each.point_no in entries)
    return Statistics(
        journey=journey.journey_uuid,
        title=journey.title,
        entered=entered,
        inside=sum(inside.values()),
        departed={outcome: n for outcome, metric in DEPARTURES.items() if (n := _total(sums, metric))},
        points=tuple(
            _point_numbers(
                point,
                kind=kinds[point.id],
                point_no=points[point.id].point_no,
                sums=sums,
                inside=inside,
                series=series,
                contest=contests.get(point.id),
            )
            for point in graph.points
        ),
        goals=_goals(graph, conversions, entered=entered, watched=_total(sums, "control")),
    )


# Goals --------------------------------------------------------------------------------------------------------


def _goals(
    graph: Graph, conversions: Sequence[ConversionSum], *, entered: int, watched: int
) -> tuple[GoalNumbers, ...]:
    """Compare, goal by goal, those who went through the journey with those who were only watched."""
    names = [goal.name for goal in graph.settings.conversion_goals]
    names = [JOURNEY_GOAL, *names] if graph.settings.goal is not None else names
    former = sorted({each.goal for each in conversions} - set(names))
    has_control = bool(watched or graph.settings.control_percent)
    return tuple(
        _goal(
            name,
            _converted([each for each in conversions if each.goal == name and not each.is_control], entered - watched),
            _converted([each for each in conversions if each.goal == name and each.is_control], watched),
            has_control=has_control,
        )
        for name in [*names, *former]
    )


def _converted(sums: Sequence[ConversionSum], people: int) -> Converted:
    sample = Sample(people, sum(each.n for each in sums))
    return Converted(
        people=people,
        conversions=sample.conversions,
        rate=100 * sample.rate,
        value=sum(each.value for each in sums),
    )


def _goal(name: str, treated: Converted, control: Converted, *, has_control: bool) -> GoalNumbers:
    if not has_control:
        return GoalNumbers(name=name, treated=treated, control=None, uplift=None, p_value=None)
    difference = p_value(_sample(treated), _sample(control)) if treated.people and control.people else None
    uplift = 100 * (treated.rate / control.rate - 1) if control.rate else None
    return GoalNumbers(name=name, treated=treated, control=control, uplift=uplift, p_value=difference)


def _sample(converted: Converted) -> Sample:
    # Of a period, conversions of people who came before it may be more than those who came in it.
    return Sample(max(converted.people, converted.conversions), converted.conversions)


async def _contests(
    conn: Conn, journey: StoredJourney, graph: Graph, points: Mapping[str, NumberedPoint], shards: Sequence[int]
) -> dict[str, Contest]:
    """Count how the branches of the splitters fare that may get a winner, by the id of the point."""
    contested = [
        (point, point.winner)
        for point in graph.points
        if isinstance(point, RandomSplitter) and point.winner is not None
    ]
    if not contested:
        return {}
    winners = await kept_winners(conn, journey_id=journey.journey_id)
    found: dict[str, Contest] = {}
    for point, rule in contested:
        point_no = points[point.id].point_no
        drawn = await draw_samples(
            conn, journey_id=journey.journey_id, point_no=point_no, goal=rule.goal, shards=shards
        )
        found[point.id] = _contest(point, drawn, winners.get(point_no))
    return found


def _contest(point: RandomSplitter, drawn: Mapping[int, Sample], winner: KeptWinner | None) -> Contest:
    samples = {number: drawn.get(number, Sample(0, 0)) for number, _ in enumerate(point.branches, 1)}
    if winner is not None and winner.output not in samples:
        winner = None  # an edit took the branch away, and with it the decision
    is_found = winner is not None and winner.verdict is not None
    return Contest(
        branches=tuple(
            BranchNumbers(
                output=output_name(number),
                people=sample.people,
                conversions=sample.conversions,
                rate=100 * sample.rate,
            )
            for number, sample in samples.items()
        ),
        winner=output_name(winner.output) if winner else None,
        decided_at=winner.decided_at if winner else None,
        is_automatic=is_found,
        p_value=max(winner.verdict.p_values.values()) if winner and winner.verdict else None,
    )


# Points -------------------------------------------------------------------------------------------------------


def _point_numbers(
    point: AnyPoint,
    *,
    kind: str,
    point_no: int,
    sums: Sequence[TallySum],
    inside: dict[int, int],
    series: Sequence[TallyInterval],
    contest: Contest | None,
) -> PointNumbers:
    own = [each for each in sums if each.point_no == point_no]
    return PointNumbers(
        point=point.id,
        title=point.title,
        kind=kind,
        entered=_total(own, "entered"),
        inside=inside.get(point_no, 0),
        left={each.detail: each.n for each in own if each.metric == "left"},
        dropped={each.detail: each.n for each in own if each.metric == "dropped"},
        stopped=_total(own, "stopped"),
        completed=_total(own, "completed"),
        goals=_total(own, "goal"),
        messages={metric: _total(own, metric) for metric in sorted({each.metric for each in own} - OWN_METRICS)},
        goal_exits=_total(own, "goal_exit"),
        control=_total(own, "control"),
        contest=contest,
        series=_series(each for each in series if each.point_no == point_no),
    )


def _total(sums: Iterable[TallySum], metric: str) -> int:
    return sum(each.n for each in sums if each.metric == metric)


def _series(intervals: Iterable[TallyInterval]) -> tuple[tuple[datetime, int, int], ...]:
    counts: dict[datetime, dict[str, int]] = {}
    for each in intervals:
        counts.setdefault(each.start, {})[each.metric] = each.n
    return tuple((start, here.get("entered", 0), here.get("left", 0)) for start, here in sorted(counts.items()))
