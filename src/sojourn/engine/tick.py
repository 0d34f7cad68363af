"""Tick: one set-based advance of one shard, in one transaction, at one instant.

The order is that of the design: what concerns everybody; the inbox; events and who waits for them; arrivals; then
whoever is due, until nobody is or the budget is spent. All of it happens or none of it.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sojourn.compiler.goals import JOURNEY_GOAL
from sojourn.compiler.listeners import JOURNEY_ITSELF
from sojourn.engine.arrivals import refusal_of, run_schedule, select_people
from sojourn.engine.audiences import look_again, look_at_changed, look_at_written, read_changes, watching
from sojourn.engine.catalog import Catalog, Journey, Runnable
from sojourn.engine.lifecycle import begin_journey, move_people, stop_journey
from sojourn.model.openings import APPLICATION_OPEN
from sojourn.model.points import EventEntry, MessageBus, StartByApi, WaitForTrigger
from sojourn.store.connection import Conn
from sojourn.store.tick import Alarm, EventRange, InboxGroup, Moved, ShardWideRow, Tick

PIPELINED = 64
"""Statements sent at most without waiting for their answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much one tick takes on, so that no shard waits long for its next one.

    Attributes:
        inbox: Rows of the inbox.
        people: People moved by one statement.
        statements: Walks after which the tick ends, although somebody may still be due.
    """

    inbox: int = 10_000
    people: int = 50_000
    statements: int = 2_000


@dataclass(slots=True)
class Progress:
    """What a tick has done so far."""

    next_enrollment: int
    events: EventRange | None = None
    event_names: frozenset[tuple[int, str]] = frozenset()
    applied: int = 0
    moved: int = 0
    looked: int = 0
    statements: int = 0
    sends: bool = False
    touched: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])


class Advance:
    """One tick of one shard. `run` must be called inside a repeatable-read transaction of `conn`."""

    def __init__(self, conn: Conn, catalog: Catalog, *, shard: int, now: datetime, budget: Budget) -> None:
        self._conn = conn
        self.catalog = catalog
        self.budget = budget
        self.tick = Tick(conn, shard, now)
        self.now = now
        self._progress = Progress(0)
        self.at_work: Journey | None = None
        """Whose statement is being run: the one to blame should it fail."""

    async def run(self) -> Progress | None:
        """Advance the shard; None means that another tick has its lease."""
        found = await self.tick.open(self.budget.inbox)
        if found is None:
            return None
        self._progress = Progress(found.next_enrollment)
        if found.forwarded_to:
            await self.tick.wake_shards(found.forwarded_to)
        await self.catalog.refresh(self._conn, found.epoch)
        for row in found.shard_wide:
            if await self._shard_wide(row):
                await self.tick.delete_shard_wide(row.inbox_id)
        if found.inbox:
            await self._apply(found.inbox)
        await self._resume()
        done = self._progress
        await self.tick.close(done.next_enrollment, sorted(done.touched), sends=done.sends, shows=self.catalog.shows())
        return done

    # What the inbox holds -----------------------------------------------------------------------------------

    async def _shard_wide(self, row: ShardWideRow) -> bool:
        """Do what a row asks for; tell whether it is done with."""
        if row.kind == "look":
            await look_at_written(self, row)
            return True
        journey = self.catalog.journeys.get(int(row.data["journey_id"]))
        if journey is None:
            return True
        match row.kind:
            case "begin":
                return await begin_journey(self, journey, row)
            case "move":
                return await move_people(self, journey, row)
            case "select":
                return await select_people(self, journey, row)
            case "stop":
                return await stop_journey(self, journey, row)
            case _:
                raise AssertionError(f"`{row.kind}` concerns one person, not a shard")

    async def _apply(self, groups: list[InboxGroup]) -> None:
        last = max(group.last_inbox for group in groups)
        changes = await read_changes(self, last)
        self._progress.applied = sum(group.n for group in groups)
        kinds = frozenset(group.kind for group in groups)
        await self.tick.apply_people(last, kinds)
        if "drop" in kinds:
            await self.tick.drop_people(last)
        if "outcome" in kinds:
            await self.tick.apply_outcomes(last)
        if "event" in kinds:
            await self._events(groups, last)
        await self._entries(groups, last)
        await look_at_changed(self, changes)
        if "transfer" in kinds:
            await self.tick.queue_transfers(last)
        await self.tick.delete_batch(last)

    async def _events(self, groups: list[InboxGroup], last: int) -> None:
        self._progress.events = await self.tick.record_events(last)
        if self._progress.events is None:
            return
        names = {(g.workspace_id, g.name) for g in groups if g.kind == "event" and g.name is not None}
        self._progress.event_names = frozenset(names)
        if any(name == APPLICATION_OPEN for _, name in names):
            await self.tick.note_openings(last)
        for journey, _ in self._reacting("convert"):
            if journey.measures:
                await self._match(journey, journey.on_goals(), self._event_range())
        for journey, point_no in self._reacting("resume"):
            if not journey.is_failing and isinstance(journey.point(point_no), WaitForTrigger):
                await self._match(journey, journey.on_match(point_no, "events"), self._event_range())
        for journey, point_no in self._reacting("enroll"):
            if journey.admits and isinstance(journey.point(point_no), EventEntry):
                await self.admit(journey, point_no, journey.on_entry(point_no), self._event_range())

    async def count_goals(self, journey: Journey, people: Sequence[int]) -> None:
        """Count that people who changed have come to match a goal of a journey."""
        if journey.measures:
            await self._match(journey, journey.on_goals(people=True), {"people": list(people)})

    def _reacting(self, reaction: str) -> Iterable[tuple[Journey, int]]:
        """Return the points that react to this tick's events, transactional journeys first."""
        found = {
            (listener.journey_id, listener.point_no)
            for workspace_id, name in self._progress.event_names
            for listener in self.catalog.listeners(workspace_id, name)
            if listener.reaction == reaction and listener.journey_id in self.catalog.journeys
        }
        return [(self.catalog.journeys[number], point_no) for number, point_no in sorted(found, key=self.urgency)]

    def urgency(self, place: tuple[int, int]) -> tuple[bool, int, int]:
        """Order (journey, point)s: those of transactional journeys first."""
        journey = self.catalog.journeys[place[0]]
        return (not journey.settings.transactional, *place)

    def _event_range(self) -> dict[str, object]:
        events = self._progress.events
        assert events is not None, "a tick without events matches none"
        return {
            "first_event": events.first_event,
            "last_event": events.last_event,
            "first_received": events.first_received,
        }

    async def _entries(self, groups: list[InboxGroup], last: int) -> None:
        """Let in whom requests name, and whom the events of others name."""
        for journey, point_no in self._named_entries(groups, "enroll"):
            if journey.admits and isinstance(journey.point(point_no), StartByApi):
                await self.admit(journey, point_no, journey.on_entry(point_no), {"last_inbox": last})
                await self.tick.count_repeated_enrolls(last, journey.journey_id, point_no)
            else:
                await self.tick.refuse_enrolls(last, journey.journey_id, point_no, refusal_of(journey))
        for journey, point_no in self._named_entries(groups, "entry_event"):
            if journey.admits and isinstance(journey.point(point_no), MessageBus):
                await self.admit(journey, point_no, journey.on_entry(point_no), {"last_inbox": last})

    def _named_entries(self, groups: list[InboxGroup], kind: str) -> list[tuple[Journey, int]]:
        """Return the entries that rows of a kind name, each once, those of transactional journeys first."""
        found = {
            (group.journey_id, group.point_no)
            for group in groups
            if group.kind == kind and group.point_no is not None and group.journey_id in self.catalog.journeys
        }
        return [(self.catalog.journeys[number], point_no) for number, point_no in sorted(found, key=self.urgency)]

    # Walks --------------------------------------------------------------------------------------------------

    async def admit(self, journey: Journey, point_no: int, runnable: Runnable, given: dict[str, object]) -> Moved:
        """Let people in at an entry."""
        moved = await self.walk(journey, runnable, {**given, "next_enrollment": self._progress.next_enrollment})
        self._progress.next_enrollment += moved.taken
        if moved.placed.get(point_no):
            self._progress.touched.add((journey.journey_id, point_no))
        return moved

    async def sift(self, places: Sequence[tuple[int, int]], people: Sequence[int]) -> set[tuple[int, int]]:
        """Return which of some live audiences of one segment have to look at people who changed."""
        journey = self.catalog.journeys[places[0][0]]
        runnable = journey.on_sift(places[0][1])
        given = {
            "people": list(people),
            "journey_ids": [journey_id for journey_id, _ in places],
            "point_nos": [point_no for _, point_no in places],
        }
        self.at_work = journey
        stirred = await self.tick.sift(runnable.sql, {**runnable.values, **given})
        self.at_work = None
        return stirred

    async def walk(self, journey: Journey, runnable: Runnable, given: dict[str, object]) -> Moved:
        """Run one compiled walk, and give those who came to an event wait a look at what they did."""
        watched = bool(watching(self, journey, runnable.writes))
        self.at_work = journey
        moved = await self.tick.move(runnable.sql, {**runnable.values, **given, "watched": watched})
        self.at_work = None
        await self._note(journey, runnable, moved)
        return moved

    async def _note(self, journey: Journey, runnable: Runnable, moved: Moved) -> None:
        self._progress.moved += moved.taken
        self._progress.looked += moved.looked
        self._progress.statements += 1
        self._progress.sends = self._progress.sends or (runnable.sends and moved.taken > 0)
        for placed_no in moved.placed:
            await self._greet(journey, placed_no)
        if moved.changed:
            places = watching(self, journey, runnable.writes)
            await self.tick.mark_members([each for each in places if each[1] != JOURNEY_ITSELF], moved.changed)
            for number, point_no in places:
                if point_no == JOURNEY_ITSELF:
                    await self.count_goals(self.catalog.journeys[number], moved.changed)

    async def _greet(self, journey: Journey, point_no: int) -> None:
        """Match the people who have just come to an event wait with what they have done since they count from.

        Not only with the events of this tick: those of earlier ones count, too, for who comes late, after a pause or
        because the budget of a tick was spent.
        """
        if isinstance(journey.point(point_no), WaitForTrigger):
            await self._match(journey, journey.on_match(point_no, "arrivals"), {})

    async def _match(self, journey: Journey, runnable: Runnable, given: dict[str, object]) -> None:
        self.at_work = journey
        await self.tick.match(runnable.sql, {**runnable.values, **given})
        self.at_work = None

    async def _resume(self) -> None:
        """Move whoever is due, transactional journeys first, until nobody is or the budget is spent."""
        held = self.catalog.held()
        while self._has_budget():
            alarms = await self.tick.due_alarms(held, self.budget.statements)
            if not alarms:
                return
            waiting = deque(self._ready(alarms))
            crowd = self.budget.people
            while waiting and self._has_budget():
                crowd = await self._ring_some(waiting, crowd)
            await self.tick.reset_alarms(sorted(self._progress.touched))
            self._progress.touched.clear()

    def _has_budget(self) -> bool:
        progress = self._progress
        return progress.statements < self.budget.statements and progress.moved + progress.looked < self.budget.people

    def _ready(self, alarms: list[Alarm]) -> list[Alarm]:
        """Return the alarms to ring now, the most urgent first.

        A segment entry runs when nobody in its journey is due: who leaves at the time of a run can come in again,
        whoever else waits where they did.
        """
        busy = {alarm.journey_id for alarm in alarms if not self._is_schedule(alarm)}
        ready = [alarm for alarm in alarms if alarm.journey_id not in busy or not self._is_schedule(alarm)]
        return sorted(ready, key=self._turn)

    def _turn(self, alarm: Alarm) -> tuple[bool, bool, datetime]:
        """Order alarms: transactional journeys first, and deadlines before entries that could let people in again."""
        urgency, _, point_no = self.urgency((alarm.journey_id, alarm.point_no))
        return urgency, point_no != JOURNEY_ITSELF, alarm.wake_at

    def _is_schedule(self, alarm: Alarm) -> bool:
        journey = self.catalog.journeys[alarm.journey_id]
        number = alarm.point_no
        return number == JOURNEY_ITSELF or number in journey.schedules() or number in journey.audiences()

    async def _ring_some(self, waiting: deque[Alarm], crowd: int) -> int:
        """Ring the first alarm; or the first few at once, where the last ones brought few people each.

        Where a thousand journeys have a hundred people due, waiting for each answer before the next statement is sent
        costs as much as moving the people. Together they take no more people than one alone may.
        `crowd` is how many people the fullest point brought last; the return value is that of these.
        """
        together = min(len(waiting), max(1, self.budget.people // max(crowd, 1)), PIPELINED)
        batch = self.budget.people // together
        walks: list[tuple[Journey, int]] = []
        while waiting and len(walks) < together:
            alarm = waiting.popleft()
            journey = self.catalog.journeys[alarm.journey_id]
            if alarm.point_no == JOURNEY_ITSELF:
                await self._abandon(journey)
            elif journey.point(alarm.point_no) is None:
                # The point was removed; a row of the inbox takes its people elsewhere.
                await self.tick.set_alarm(journey.journey_id, alarm.point_no, None)
            elif alarm.point_no in journey.schedules():
                await run_schedule(self, journey, alarm.point_no)
            elif alarm.point_no in journey.audiences():
                await look_again(self, journey, alarm.point_no)
            else:
                walks.append((journey, alarm.point_no))
        return await self._resume_all(walks, batch)

    async def _abandon(self, journey: Journey) -> None:
        """Take out a batch of those who did not reach the goal by their deadline, and set the alarm for the next."""
        self._progress.moved += await self.tick.abandon_overdue(
            journey.journey_id, goal=JOURNEY_GOAL, batch=self.budget.people
        )
        self._progress.statements += 1
        await self.tick.set_alarm(journey.journey_id, JOURNEY_ITSELF, await self.tick.next_deadline(journey.journey_id))

    async def _resume_all(self, walks: Sequence[tuple[Journey, int]], batch: int) -> int:
        """Let the people go on whose stays at these points are over; return how many the fullest point brought."""
        if not walks:
            return 0

        def blame(place: int) -> None:
            self.at_work = walks[place][0]

        runnables = [journey.on_stay(point_no) for journey, point_no in walks]
        self._progress.touched |= {(journey.journey_id, point_no) for journey, point_no in walks}
        given = [
            (
                runnable.sql,
                {**runnable.values, "batch": batch, "watched": bool(watching(self, journey, runnable.writes))},
            )
            for (journey, _), runnable in zip(walks, runnables, strict=True)
        ]
        results = await self.tick.move_all(given, blame)
        self.at_work = None
        for (journey, _), runnable, moved in zip(walks, runnables, results, strict=True):
            await self._note(journey, runnable, moved)
        return max(moved.taken for moved in results)
