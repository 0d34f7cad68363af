"""Calls of a tick: one function per static statement, and one that runs what the compiler made.

All of them work on one shard inside the transaction that holds its lease; none decides anything.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from psycopg import AsyncCursor, AsyncRawCursor, errors
from psycopg.types.numeric import Int8

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

FAILURES = (errors.DataError, errors.InternalError, errors.NotSupportedError, errors.ProgrammingError)
"""A statement cannot be carried out on the data that it met; repeating it would not help."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled statement as the server takes it: numbered parameters, and the names they had."""

    query: bytes
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InboxGroup:
    """Rows of the next batch that are alike. `name` is an event's; `journey_id` and `point_no` an entry's."""

    kind: str
    workspace_id: int
    name: str | None
    journey_id: int | None
    point_no: int | None
    last_inbox: int
    n: int


@dataclass(frozen=True, slots=True)
class ShardWideRow:
    """Something that concerns everybody in the shard."""

    inbox_id: int
    kind: str
    workspace_id: int
    data: Mapping[str, Any]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class EventRange:
    """The events that a tick moved to history."""

    first_event: int
    last_event: int
    first_received: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """A point where somebody is due."""

    journey_id: int
    point_no: int
    wake_at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """What a compiled statement did.

    Attributes:
        taken: People it took up, whether or not they were let in.
        last_profile: The highest number among them, where they came from a segment.
        placed: People now staying, per point.
        looked: People whom an audience looked at.
        changed: People whose attributes the walk changed, if it was asked.
    """

    taken: int
    last_profile: int | None
    placed: Mapping[int, int]
    looked: int = 0
    changed: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """People about whom the batch says something; see `compiler.audience.Dependency`."""

    workspace_id: int
    aspect: str
    name: str
    people: list[int]


@dataclass(frozen=True, slots=True)
class AudienceState:
    """How far a live audience has come; see the table `audience`."""

    watch: str
    begins_at: datetime
    after_profile: int | None
    enrolls: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a scheduled entry has come; see the table `entry_cursor`."""

    done_until: datetime
    working_until: datetime | None
    after_profile: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a tick finds when it has the lease of its shard.

    Attributes:
        next_enrollment: The number of the next arrival.
        forwarded_to: The shards to which rows of the inbox were sent on, because their people had moved there.
        inbox: The next batch.
        shard_wide: What concerns everybody.
        epoch: The number of the last change of a definition.
    """

    next_enrollment: int
    forwarded_to: Sequence[int]
    inbox: list[InboxGroup]
    shard_wide: list[ShardWideRow]
    epoch: int


class Tick:
    """The statements of one tick: a connection inside a transaction, a shard, and one instant."""

    def __init__(self, conn: Conn, shard: int, now: datetime) -> None:
        self._conn = conn
        self.shard = shard
        self.now = now
        hour = now.replace(minute=0, second=0, microsecond=0)
        self._given: dict[str, Any] = {"shard": shard, "now": now, "hour": hour}

    async def _rows(self, name: str, **values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - parameters are of any type
        return await (await self._execute(name, values)).fetchall()

    async def _do(self, name: str, **values: Any) -> int:  # noqa: ANN401 - parameters are of any type
        return (await self._execute(name, values)).rowcount

    async def _execute(self, name: str, values: Mapping[str, Any]) -> AsyncCursor[tuple[Any, ...]]:
        given = {key: _wide(value) for key, value in {**self._given, **values}.items()}
        return await self._conn.execute(QUERIES[name], given, prepare=True)

    async def open(self, batch: int) -> Opened | None:
        """Take the shard's lease and read what there is to do; None where another tick has the lease.

        What can be is asked at once: most ticks do little, and waiting for answers is most of what they cost.
        """
        lease = await self._rows("take_lease")
        if not lease:
            return None
        async with self._conn.pipeline():
            forwarded = await self._execute("forward_inbox", {"batch": batch})
            groups = await self._execute("peek_inbox", {"batch": batch})
            wide = await self._execute("read_shard_wide", {})
            epoch = await self._execute("read_epoch", {})
            return Opened(
                next_enrollment=lease[0][0],
                forwarded_to=sorted(row[0] for row in await forwarded.fetchall()),
                inbox=[InboxGroup(*row) for row in await groups.fetchall()],
                shard_wide=[ShardWideRow(*row) for row in await wide.fetchall()],
                epoch=(await epoch.fetchall())[0][0],
            )

    async def close(
        self, next_enrollment: int, places: Sequence[tuple[int, int]], *, sends: bool, shows: bool = False
    ) -> None:
        """Set the alarms of (journey, point)s, tell senders and pages if there is something for them, note the work."""
        async with self._conn.pipeline():
            await self.reset_alarms(places)
            if sends:
                await self._execute("notify_senders", {})
            if shows:
                await self._execute("notify_pages", {})
            await self._execute("close_tick", {"next_enrollment": next_enrollment})

    async def notify_senders(self) -> None:
        """Tell the senders, once the tick is committed, that messages of the shard are due."""
        await self._rows("notify_senders")

    async def wake_shards(self, shards: Sequence[int]) -> None:
        """Wake whoever ticks other shards, once the tick is committed."""
        await self._rows("notify_shards", shards=list(shards))

    async def delete_shard_wide(self, inbox_id: int) -> None:
        """Take a row that has been dealt with out of the inbox."""
        await self._do("delete_shard_wide", inbox_id=inbox_id)

    async def keep_progress(self, inbox_id: int, after_profile: int) -> None:
        """Note how far a selection has come."""
        await self._do("keep_progress", inbox_id=inbox_id, after_profile=after_profile)

    async def apply_people(self, last_inbox: int, kinds: frozenset[str]) -> None:
        """Apply what the batch says about people: profiles, devices, fixed lists."""
        await self._do("apply_profiles", last_inbox=last_inbox)
        if "device" in kinds:
            await self._do("apply_devices", last_inbox=last_inbox)
        if "list" in kinds:
            await self._do("apply_lists", last_inbox=last_inbox)

    async def note_openings(self, last_inbox: int) -> None:
        """Note on the devices when their apps were last opened."""
        await self._do("note_openings", last_inbox=last_inbox)

    async def record_events(self, last_inbox: int) -> EventRange | None:
        """Move the batch's events to history; return their range, or None where all were repetitions."""
        rows = await self._rows("record_events", last_inbox=last_inbox)
        first, last, received, n = rows[0]
        return EventRange(first, last, received) if n else None

    async def apply_outcomes(self, last_inbox: int) -> None:
        """Let the people go on whose webhook has been answered."""
        await self._do("apply_outcomes", last_inbox=last_inbox)

    async def drop_people(self, last_inbox: int) -> None:
        """End the enrollments that the batch ends."""
        await self._do("drop_people", last_inbox=last_inbox)

    async def refuse_enrolls(self, last_inbox: int, journey_id: int, point_no: int, refusal: str) -> None:
        """Answer the requests for an entry that admits nobody."""
        await self._do(
            "refuse_enrolls", last_inbox=last_inbox, journey_id=journey_id, point_no=point_no, refusal=refusal
        )

    async def refuse_selection(self, request_uuid: str, refusal: str) -> None:
        """Note why a request to enroll by a filter met nobody: the filter was not evaluated."""
        await self._do("refuse_selection", request_uuid=request_uuid, refusal=refusal)

    async def count_repeated_enrolls(self, last_inbox: int, journey_id: int, point_no: int) -> None:
        """Answer the repetitions of people in the requests for an entry."""
        await self._do("count_repeated_enrolls", last_inbox=last_inbox, journey_id=journey_id, point_no=point_no)

    async def queue_transfers(self, last_inbox: int) -> None:
        """Note what the batch says is to go to other people; that happens in a transaction of its own."""
        await self._do("queue_transfers", last_inbox=last_inbox)

    async def delete_batch(self, last_inbox: int) -> None:
        """Take the batch out of the inbox."""
        await self._do("delete_batch", last_inbox=last_inbox)

    async def end_stays(
        self,
        journey_id: int,
        *,
        outcome: str,
        reason: str,
        batch: int,
        point_no: int | None = None,
        until: datetime | None = None,
        timed: Sequence[int] | None = None,
    ) -> int:
        """End stays of a journey, up to `batch` of them; return how many ended.

        `until`: only whose time has passed. `timed`: only who goes on by the clock, that is, whose output has not been
        decided, or who stands on one of these points, which hold people whatever they did.
        """
        rows = await self._rows(
            "end_stays",
            journey_id=journey_id,
            outcome=outcome,
            reason=reason,
            batch=batch,
            first_point=0 if point_no is None else point_no,
            last_point=32767 if point_no is None else point_no,
            until="infinity" if until is None else until,
            timed=None if timed is None else list(timed),
        )
        return rows[0][0]

    async def clear_journey(self, journey_id: int, reason: str) -> None:
        """Silence a journey that has ended."""
        await self._do("clear_journey_alarms", journey_id=journey_id)
        await self._do("clear_journey_deadlines", journey_id=journey_id)
        await self._do("clear_journey_cursors", journey_id=journey_id)
        await self.forget_audience(journey_id)
        await self._do("cancel_queued", journey_id=journey_id, reason=reason)

    async def release_messages(self, journey_id: int, batch: int) -> int:
        """Queue up to `batch` messages again that were held back while their journey was held; return how many."""
        return await self._do("release_messages", journey_id=journey_id, batch=batch)

    async def shift_stays(self, journey_id: int, held: timedelta, *, timed: Sequence[int]) -> None:
        """Give everybody in a journey the time back during which it was held; `timed` as in `end_stays`."""
        await self._do("shift_stays", journey_id=journey_id, held=held, timed=list(timed))
        await self._do("shift_deadlines", journey_id=journey_id, held=held)

    async def abandon_overdue(self, journey_id: int, *, goal: str, batch: int) -> int:
        """End the enrollments of a journey whose deadline came before its goal; return how many deadlines came."""
        return (await self._rows("abandon_overdue", journey_id=journey_id, goal=goal, batch=batch))[0][0]

    async def next_deadline(self, journey_id: int) -> datetime | None:
        """Return when the next deadline of a journey comes, or None if there is none."""
        rows = await self._rows("next_deadline", journey_id=journey_id)
        return rows[0][0] if rows else None

    async def spread_overdue(self, journey_id: int, *, timed: Sequence[int]) -> None:
        """Let the overdue people of a journey go on over the hour that follows; `timed` as in `end_stays`."""
        await self._do("spread_overdue", journey_id=journey_id, timed=list(timed))

    async def journey_points(self, journey_id: int) -> dict[int, datetime]:
        """Return the points of a journey where people are, each with its earliest wake_at."""
        return dict(cast("list[tuple[int, datetime]]", await self._rows("journey_points", journey_id=journey_id)))

    async def due_alarms(self, held: Sequence[int], points: int) -> list[Alarm]:
        """Return the points where somebody is due, earliest first."""
        return [Alarm(*row) for row in await self._rows("due_alarms", held=list(held), points=points)]

    async def reset_alarms(self, places: Sequence[tuple[int, int]]) -> None:
        """Set the alarms of (journey, point)s to the earliest wake_at there."""
        if places:
            await self._do(
                "reset_alarms", journey_ids=[place[0] for place in places], point_nos=[place[1] for place in places]
            )

    async def set_alarm(self, journey_id: int, point_no: int, wake_at: datetime | None) -> None:
        """Set the alarm of a scheduled entry; None silences it."""
        if wake_at is None:
            await self._do("clear_alarm", journey_id=journey_id, point_no=point_no)
        else:
            await self._do("set_alarm", journey_id=journey_id, point_no=point_no, wake_at=wake_at)

    async def read_cursor(self, journey_id: int, point_no: int) -> Cursor | None:
        """Return how far a scheduled entry has come, or None if it was never begun."""
        rows = await self._rows("read_cursor", journey_id=journey_id, point_no=point_no)
        return Cursor(*rows[0]) if rows else None

    async def write_cursor(self, journey_id: int, point_no: int, cursor: Cursor) -> None:
        """Note how far a scheduled entry has come."""
        await self._do(
            "write_cursor",
            journey_id=journey_id,
            point_no=point_no,
            done_until=cursor.done_until,
            working_until=cursor.working_until,
            after_profile=cursor.after_profile,
        )

    async def read_changes(
        self, last_inbox: int, *, tags: Sequence[str], events: Sequence[str], aspects: Sequence[str]
    ) -> list[Change]:
        """Say whose data the batch is about to change, as far as somebody asks."""
        rows = await self._rows(
            "read_changes", last_inbox=last_inbox, tags=list(tags), events=list(events), aspects=list(aspects)
        )
        return [Change(*row) for row in rows]

    async def mark_members(self, places: Sequence[tuple[int, int]], people: Sequence[int]) -> None:
        """Have people looked at again now, by the audiences of some (journey, point)s."""
        await self._do(
            "mark_members",
            journey_ids=[place[0] for place in places],
            point_nos=[place[1] for place in places],
            people=list(people),
        )

    async def read_audience(self, journey_id: int, point_no: int) -> AudienceState | None:
        """Return how far a live audience has come, or None if it was never begun."""
        rows = await self._rows("read_audience", journey_id=journey_id, point_no=point_no)
        return AudienceState(*rows[0]) if rows else None

    async def write_audience(self, journey_id: int, point_no: int, state: AudienceState) -> None:
        """Note how far a live audience has come."""
        await self._do(
            "write_audience",
            journey_id=journey_id,
            point_no=point_no,
            watch=state.watch,
            begins_at=state.begins_at,
            after_profile=state.after_profile,
            enrolls=state.enrolls,
        )

    async def reset_audience_alarm(self, journey_id: int, point_no: int) -> None:
        """Wake a live audience when somebody is to be looked at next."""
        await self._do("reset_audience_alarm", journey_id=journey_id, point_no=point_no)

    async def watched_points(self, journey_id: int) -> dict[int, str]:
        """Return the entries of a journey that have a live audience, each with what it was found by."""
        return dict(cast("list[tuple[int, str]]", await self._rows("watched_points", journey_id=journey_id)))

    async def forget_members(self, journey_id: int, *, point_no: int | None = None, batch: int = 2**31) -> int:
        """Forget who matched an entry of a journey, or any of its entries, up to `batch` of them; return how many."""
        first, last = (0, 32767) if point_no is None else (point_no, point_no)
        rows = await self._rows(
            "forget_members", journey_id=journey_id, first_point=first, last_point=last, batch=batch
        )
        return rows[0][0]

    async def forget_audience(self, journey_id: int, *, point_no: int | None = None) -> None:
        """Watch an entry of a journey, or all of its entries, no longer."""
        first, last = (0, 32767) if point_no is None else (point_no, point_no)
        await self._do("forget_audience", journey_id=journey_id, first_point=first, last_point=last)

    async def known_zones(self, workspace_id: int) -> list[str]:
        """Return the time zones of the workspace's people in the shard."""
        return [row[0] for row in await self._rows("known_zones", workspace_id=workspace_id)]

    async def move(self, statement: Compiled, values: Mapping[str, Any]) -> Moved:
        """Run a compiled walk."""
        return _moved(await (await self._run(statement, values)).fetchall())

    async def _run(self, statement: Compiled, values: Mapping[str, Any]) -> AsyncRawCursor[tuple[Any, ...]]:
        given = {**values, **self._given}
        cursor = AsyncRawCursor(self._conn)
        return await cursor.execute(statement.query, [_wide(given[name]) for name in statement.names], prepare=True)

    async def move_all(
        self, walks: Sequence[tuple[Compiled, Mapping[str, Any]]], before: Callable[[int], None]
    ) -> list[Moved]:
        """Run compiled walks one after the other without waiting for each answer.

        `before` is told the place of each walk whose answer is read next: the one to blame should that fail.
        """
        cursors: list[AsyncRawCursor[tuple[Any, ...]]] = []
        results: list[Moved] = []
        async with self._conn.pipeline():
            try:
                for statement, values in walks:
                    cursors.append(await self._run(statement, values))
            except Exception:
                # What is heard while one is sent may be the failure of an earlier one: of the first without an answer.
                before(next((place for place, cursor in enumerate(cursors) if cursor.rowcount < 0), len(cursors)))
                raise
            for place, cursor in enumerate(cursors):
                before(place)
                results.append(_moved(await cursor.fetchall()))
        return results

    async def sift(self, statement: Compiled, values: Mapping[str, Any]) -> set[tuple[int, int]]:
        """Return the (journey, point)s whose live audience has to look at some people."""
        return {(row[0], row[1]) for row in await (await self._run(statement, values)).fetchall()}

    async def match(self, statement: Compiled, values: Mapping[str, Any]) -> int:
        """Run a compiled match of events with who waits for them, or with goals; return how many it concerned."""
        row = await (await self._run(statement, values)).fetchone()
        assert row is not None, "a match returns one row"
        return row[0]


PLACEHOLDER = re.compile(r"%%|%\((\w+)\)s")


def compiled(text: str) -> Compiled:
    """Number the parameters of what the compiler made, once; the driver would read the text at every run.

    Its text holds only our own words and numbers; what a person typed is a parameter.

    >>> compiled("select %(a)s, %(b)s, %(a)s, 7 %% 2")
    Compiled(query=b'select $1, $2, $1, 7 % 2', names=('a', 'b'))
    """
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return Compiled(PLACEHOLDER.sub(number, text).encode(), tuple(names))


def _wide(value: object) -> object:
    """Send every integer as the same type, or each size of a number would be another statement to prepare."""
    return Int8(value) if type(value) is int else value


def _moved(rows: Sequence[tuple[Any, ...]]) -> Moved:
    taken, last_profile, placed, looked, changed = 0, None, dict[int, int](), 0, list[int]()
    for what, point_no, n, last in rows:
        match what:
            case "taken":
                taken, last_profile = n, last_profile or last
            case "placed":
                placed[point_no] = n
            case "looked":
                looked, last_profile = n, last
            case "changed":
                changed.append(n)
            case _:
                raise AssertionError(f"a walk returns no `{what}`")
    return Moved(taken, last_profile, placed, looked, changed)


async def shards_with_work(conn: Conn, *, now: datetime, held: Sequence[int]) -> list[int]:
    """Return the shards where a tick has something to do."""
    cursor = await conn.execute(QUERIES["shards_with_work"], {"now": now, "held": list(held)}, prepare=True)
    return [row[0] for row in await cursor.fetchall()]


async def shards_with_transfers(conn: Conn, *, now: datetime) -> list[int]:
    """Return the shards from which something is to go to other people now."""
    cursor = await conn.execute(QUERIES["shards_with_transfers"], {"now": now}, prepare=True)
    return [row[0] for row in await cursor.fetchall()]


async def next_alarm(conn: Conn, *, held: Sequence[int]) -> datetime | None:
    """Return when the next alarm rings, or the next transfer is due."""
    cursor = await conn.execute(QUERIES["next_alarm"], {"held": list(held)}, prepare=True)
    row = await cursor.fetchone()
    return row[0] if row else None
