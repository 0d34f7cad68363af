"""Catalog: the journeys that an engine knows, each with the statements compiled from its graph when first needed.

A catalog follows the definitions by their epoch: whatever changed since is read again, nothing else is.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sojourn.compiler.audience import Audience, Dependency, audience, dependencies, resolved
from sojourn.compiler.check import check
from sojourn.compiler.emit import Statement, emit
from sojourn.compiler.emit.audiences import sift
from sojourn.compiler.emit.goals import convert
from sojourn.compiler.emit.matching import Mode, match
from sojourn.compiler.goals import Target, targets
from sojourn.compiler.listeners import JOURNEY_ITSELF
from sojourn.compiler.lower import (
    Chart,
    chart,
    header,
    live_entries,
    lower_audience,
    lower_entry,
    lower_removed,
    lower_selection,
    lower_stay,
    segment_of,
)
from sojourn.compiler.plan import Looked
from sojourn.compiler.segments import SegmentScope
from sojourn.model.calendar import EntrySchedule
from sojourn.model.graph import Settings
from sojourn.model.points import AnyPoint, Content, ElementClick, StartBySegment, UrlMatch, WaitForTrigger
from sojourn.model.segments import Expression
from sojourn.store.connection import Conn
from sojourn.store.definitions import (
    JourneyRow,
    ListenerRow,
    read_changed_journeys,
    read_epoch,
    read_listeners,
    read_scopes,
)
from sojourn.store.tick import Compiled, compiled

LIVE = frozenset({"running", "paused"})
MEASURED = LIVE | {"finished"}
"""In which what people do counts for the goals."""


@dataclass(frozen=True, slots=True)
class Runnable:
    """A statement as the store takes it, with its constant parameters."""

    sql: Compiled
    values: Mapping[str, object]
    sends: bool
    writes: frozenset[str]


@dataclass(slots=True)
class Journey:
    """One journey as an engine sees it.

    Attributes:
        chart: What its walks are compiled from; None while its graph has problems or nobody may advance by it.
        scope: What conditions may refer to as of now. What its own refer to stands in its chart, and changes with it.
        is_failing: A statement of it failed a moment ago, so it is left alone for a while.
    """

    row: JourneyRow
    chart: Chart | None
    scope: SegmentScope
    is_failing: bool = False
    _compiled: dict[Hashable, Runnable] = field(default_factory=dict[Hashable, Runnable])
    _targets: tuple[Target, ...] | None = None
    _schedules: Mapping[int, EntrySchedule] | None = None
    _audiences: Mapping[int, Audience] | None = None

    @property
    def journey_id(self) -> int:
        """Return the number of the journey."""
        return self.row.journey_id

    @property
    def settings(self) -> Settings:
        """Return the settings of the version that counts."""
        return self.row.graph.settings

    @property
    def admits(self) -> bool:
        """Tell whether people may come in."""
        return self.row.status == "running" and self.chart is not None and not self.is_failing

    @property
    def advances(self) -> bool:
        """Tell whether people inside go on."""
        return self.chart is not None and not self.is_failing and (self.row.status == "running" or self.row.advances)

    @property
    def measures(self) -> bool:
        """Tell whether what people do counts for the goals."""
        is_measured = self.row.status in MEASURED or self.row.advances
        return is_measured and bool(self.targets) and not self.is_failing

    @property
    def targets(self) -> tuple[Target, ...]:
        """Return what counts as a conversion."""
        if self._targets is None:
            self._targets = targets(self.row.graph)
        return self._targets

    def point(self, point_no: int) -> AnyPoint | None:
        """Return a point of the present version, or None if it has none with this number."""
        return None if self.chart is None else self.chart.points.get(point_no)

    def schedules(self) -> Mapping[int, EntrySchedule]:
        """Return when each segment entry runs that admits everybody who matches, by point number."""
        if self._schedules is None:
            points: Mapping[int, AnyPoint] = {} if self.chart is None else self.chart.points
            started_at = self.row.started_at
            self._schedules = {
                point_no: EntrySchedule(point.repeat, point.start_at, started_at)
                for point_no, point in points.items()
                if isinstance(point, StartBySegment)
                and point.trigger == "MATCHING"
                and not point.is_deactivated
                and started_at is not None
            }
        return self._schedules

    def audiences(self) -> Mapping[int, Audience]:
        """Return the segments that entries watch, by point number."""
        if self._audiences is None:
            of = self.chart
            live = {} if of is None else live_entries(of.graph, of.numbers)
            self._audiences = {
                point_no: audience(point, segment_of(point, self.scope), self.scope) for point_no, point in live.items()
            }
        return self._audiences

    def watched(self) -> Iterator[tuple[int, frozenset[Dependency]]]:
        """Yield what each live audience reads, by point number, and what goals about attributes do."""
        for point_no, watched in self.audiences().items():
            yield point_no, watched.dependencies
        if self.measures:
            for target in self.targets:
                if target.expression is not None:
                    yield JOURNEY_ITSELF, dependencies(resolved(target.expression, self.scope))

    def fixed_waits(self) -> list[int]:
        """Return the event waits that hold people for the whole period, whatever they do."""
        points: Mapping[int, AnyPoint] = {} if self.chart is None else self.chart.points
        return sorted(n for n, point in points.items() if isinstance(point, WaitForTrigger) and point.fixed_period)

    def on_entry(self, point_no: int) -> Runnable:
        """Return the statement for people who come in at an entry."""
        return self._once(("entry", point_no), lambda of: emit(lower_entry(of, point_no)))

    def on_audience(self, point_no: int, looked: Looked) -> Runnable:
        """Return the statement for people who begin or cease to match the segment of a live entry."""
        return self._once((looked, point_no), lambda of: emit(lower_audience(of, point_no, looked)))

    def on_sift(self, point_no: int) -> Runnable:
        """Return the statement that finds, among entries with the segment of a live entry, those that have to look."""
        return self._once(("sift", point_no), lambda of: sift(of.header, self.audiences()[point_no]))

    def on_stay(self, point_no: int) -> Runnable:
        """Return the statement for people whose stay at a point is over."""
        return self._once(("stay", point_no), lambda of: emit(lower_stay(of, point_no)))

    def on_removed(self, target_no: int) -> Runnable:
        """Return the statement for people of removed points who go on at a point."""
        return self._once(("removed", target_no), lambda of: emit(lower_removed(of, target_no)))

    def on_selection(self, point_no: int, wanted: Expression) -> Runnable:
        """Return the statement for people whom a request selects. Not kept: the filter is new each time.

        It may name segments that are younger than the journey.
        """
        assert self.chart is not None, "a journey that admits has a chart"
        return _runnable(emit(lower_selection(replace(self.chart, scope=self.scope), point_no, wanted)))

    def on_match(self, point_no: int, mode: Mode) -> Runnable:
        """Return the statement that matches events with the people at an event wait."""

        def compile_match(of: Chart) -> Statement:
            point = of.points[point_no]
            assert isinstance(point, WaitForTrigger), "only an event wait is matched with events"
            return match(of.header, point_no, point, mode)

        return self._once((mode, point_no), compile_match)

    def on_goals(self, *, people: bool = False) -> Runnable:
        """Return the statement that counts events as conversions, or that `people` came to match a goal.

        It needs no chart: people may have left long ago.
        """
        key = ("goals", people)
        if key not in self._compiled:
            row = self.row
            of = header(row.graph, self.scope, journey_id=row.journey_id, version_no=row.version_no)
            wanted = [each for each in self.targets if (each.event_name is None) == people]
            self._compiled[key] = _runnable(convert(of, wanted, self.settings.window_seconds, people=people))
        return self._compiled[key]

    def _once(self, key: Hashable, compile_it: Callable[[Chart], Statement]) -> Runnable:
        assert self.chart is not None, "a journey without a chart runs no statement"
        if key not in self._compiled:
            self._compiled[key] = _runnable(compile_it(self.chart))
        return self._compiled[key]


def _runnable(statement: Statement) -> Runnable:
    return Runnable(compiled(statement.sql), statement.values, statement.sends, statement.writes)


class Watchers:
    """Which live audiences and goals read what, so that a change finds those that it concerns, however many."""

    def __init__(self, journeys: Iterable[Journey]) -> None:
        self._places: dict[tuple[int, Dependency], list[tuple[int, int]]] = {}
        for journey in journeys:
            for point_no, read in journey.watched():
                for dependency in read:
                    key = (journey.row.workspace_id, dependency)
                    self._places.setdefault(key, []).append((journey.journey_id, point_no))
        asked = {dependency for _, dependency in self._places}
        self.tags = sorted(each.name for each in asked if each.aspect == "tag")
        self.events = sorted(each.name for each in asked if each.aspect == "event")
        self.aspects = sorted({each.aspect for each in asked} - {"tag", "event"})

    def __bool__(self) -> bool:
        """Tell whether anything is watched."""
        return bool(self._places)

    def of(self, workspace_id: int) -> set[tuple[int, int]]:
        """Return the (journey, point)s of all live audiences of a workspace."""
        return {place for (owner, _), places in self._places.items() if owner == workspace_id for place in places}

    def reading(self, workspace_id: int, *dependencies: Dependency) -> Iterator[tuple[int, int]]:
        """Yield the (journey, point)s of the audiences that read any of these, perhaps more than once."""
        for dependency in dependencies:
            yield from self._places.get((workspace_id, dependency), ())


class Catalog:
    """All journeys that may have people inside, who reacts to which event, and who watches what."""

    def __init__(self) -> None:
        self.journeys: dict[int, Journey] = {}
        self.watchers = Watchers(())
        self._epoch = -1
        self._listeners: dict[tuple[int, str], list[ListenerRow]] = {}
        self._on_pages: set[int] = set()

    async def catch_up(self, conn: Conn) -> None:
        """Catch up with the definitions, in a transaction of its own if there is anything to read."""
        if await read_epoch(conn) != self._epoch:
            async with conn.transaction():
                await self.refresh(conn, await read_epoch(conn))

    async def refresh(self, conn: Conn, epoch: int) -> None:
        """Catch up with the definitions of an epoch, which is the one that the transaction of `conn` sees."""
        if epoch == self._epoch:
            return
        scopes = await read_scopes(conn)
        for journey in self.journeys.values():
            journey.scope = scopes[journey.row.workspace_id]
        for row in await read_changed_journeys(conn, self._epoch):
            self.journeys[row.journey_id] = Journey(row, _chart(row, scopes), scopes[row.workspace_id])
            if any(isinstance(point, Content | ElementClick | UrlMatch) for point in row.graph.points):
                self._on_pages.add(row.journey_id)
        self._listeners = {}
        for listener in await read_listeners(conn):
            self._listeners.setdefault((listener.workspace_id, listener.event_name), []).append(listener)
        self.watchers = Watchers(self.journeys.values())
        self._epoch = epoch

    def held(self) -> list[int]:
        """Return the journeys whose people do not go on, although some may be inside."""
        return sorted(number for number, journey in self.journeys.items() if not journey.advances)

    def shows(self) -> bool:
        """Tell whether there are journeys that the pages of sites take part in."""
        return bool(self._on_pages)

    def listeners(self, workspace_id: int, event_name: str) -> list[ListenerRow]:
        """Return who reacts to an event."""
        return self._listeners.get((workspace_id, event_name), [])


def _chart(row: JourneyRow, scopes: Mapping[int, SegmentScope]) -> Chart | None:
    scope = scopes[row.workspace_id]
    live = row.status in LIVE or (row.status == "draft" and row.advances)
    if not live or check(row.graph, scope):
        return None
    return chart(
        row.graph,
        row.numbers,
        scope,
        journey_id=row.journey_id,
        version_no=row.version_no,
        winners=row.winners,
    )
