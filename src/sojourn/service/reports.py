"""Reports: the numbers of a journey, from what the ticks counted and who is inside now."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sojourn.model.points import AnyPoint
from sojourn.service.commands import Caller, GetStatistics, PointNumbers, Statistics
from sojourn.service.drafts import point_kinds, read_graph
from sojourn.service.entries import journey_uuid
from sojourn.service.journeys import find
from sojourn.service.resources import Resources
from sojourn.store import reports as store
from sojourn.store.journeys import numbered_points
from sojourn.store.reports import Period, TallyInterval, TallySum

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
DEPARTURES = ("completed", "dropped", "goal", "stopped")
ENTRY_KINDS = frozenset({"start_by_segment", "message_bus", "start_by_api"})
OWN_METRICS = frozenset({"completed", "dropped", "entered", "erased", "goal", "left", "stopped"})
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
    graph = read_graph(journey)
    entries = {point.point_no for point in points.values() if point.kind in ENTRY_KINDS}
    kinds = point_kinds(graph)
    return Statistics(
        journey=journey.journey_uuid,
        title=journey.title,
        entered=sum(each.n for each in sums if each.metric == "entered" and each.point_no in entries),
        inside=sum(inside.values()),
        departed={metric: n for metric in DEPARTURES if (n := _total(sums, metric))},
        points=tuple(
            _point_numbers(
                point,
                kind=kinds[point.id],
                point_no=points[point.id].point_no,
                sums=sums,
                inside=inside,
                series=series,
            )
            for point in graph.points
        ),
    )


def _point_numbers(
    point: AnyPoint,
    *,
    kind: str,
    point_no: int,
    sums: Sequence[TallySum],
    inside: dict[int, int],
    series: Sequence[TallyInterval],
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
        series=_series(each for each in series if each.point_no == point_no),
    )


def _total(sums: Iterable[TallySum], metric: str) -> int:
    return sum(each.n for each in sums if each.metric == metric)


def _series(intervals: Iterable[TallyInterval]) -> tuple[tuple[datetime, int, int], ...]:
    counts: dict[datetime, dict[str, int]] = {}
    for each in intervals:
        counts.setdefault(each.start, {})[each.metric] = each.n
    return tuple((start, here.get("entered", 0), here.get("left", 0)) for start, here in sorted(counts.items()))
