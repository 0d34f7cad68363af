"""Timeline: what happened to one person, of all kinds, newest first, page by page."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, get_args

import msgspec

from sojourn.model.graph import Graph
from sojourn.model.identities import Person
from sojourn.model.problems import Problem
from sojourn.service.commands import (
    Caller,
    EntryKind,
    GetTimeline,
    JourneyRef,
    PassedPoint,
    Timeline,
    TimelineEntry,
)
from sojourn.service.history.decisions import Map, Retracing, map_of
from sojourn.service.history.past import Past
from sojourn.service.history.people import limit_problems, require_person, require_profile
from sojourn.service.resources import Resources
from sojourn.service.scopes import load_scope
from sojourn.service.values import refuse
from sojourn.store import history as store
from sojourn.store.connection import Conn
from sojourn.store.partitions import day_of
from sojourn.store.reports import take_snapshot
from sojourn.store.upkeep import installation_retentions

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
LAST_NUMBER = 2**63 - 1
CHANGES_MAX = 10_000
"""Changes taken back at most; of what lies behind them the values are not told."""

KINDS: tuple[EntryKind, ...] = get_args(EntryKind)

RANK: Mapping[EntryKind, int] = {
    "attributes": 1, "event": 2, "enrollment": 3, "passage": 4, "message": 5, "departure": 6,
}  # fmt: skip
"""The order of what shares an instant: that of a tick."""

Row = store.ChangeRow | store.DepartureRow | store.EnrollmentRow | store.EventRow | store.MessageRow | store.PassageRow
Reading = Callable[[Conn, store.Page], Awaitable[Sequence[Row]]]

READINGS: Mapping[EntryKind, Reading] = {
    "attributes": store.changes_page,
    "departure": store.departures_page,
    "enrollment": store.enrollments_page,
    "event": store.events_page,
    "message": store.messages_page,
    "passage": store.passages_page,
}


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in a timeline."""

    at: datetime
    rank: int
    no: int

    def spelled(self) -> str:
        """Return the cursor as text.

        >>> Cursor(datetime(2026, 5, 1, tzinfo=UTC), 4, 17).spelled()
        '1777593600000000.4.17'
        """
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}.{self.rank}.{self.no}"


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PAGE = Cursor(END, max(RANK.values()) + 1, 0)


def read_cursor(text: str) -> Cursor | None:
    """Return the place that a text stands for; None for other texts.

    >>> read_cursor("1777593600000000.4.17").no, read_cursor("yesterday")
    (17, None)
    """
    parts = text.split(".")
    if len(parts) != 3 or len(text) > 60 or not all(part.removeprefix("-").isdecimal() for part in parts):
        return None
    try:
        at = EPOCH + timedelta(microseconds=int(parts[0]))
    except OverflowError:
        return None
    return Cursor(at, int(parts[1]), min(int(parts[2]), LAST_NUMBER))


async def get_timeline(resources: Resources, caller: Caller, command: GetTimeline) -> Timeline:
    """Show a page of what happened to a person.

    Raises:
        InvalidDocument: A page that cannot be.
        PersonNotFound: Nobody in the workspace goes by the name.
    """
    before = read_cursor(command.before) if command.before else FIRST_PAGE
    refuse(_problems(command, before))
    assert before is not None, "a page has a beginning"
    shard_count = await resources.facts.shard_count()
    async with resources.pool.connection() as conn, conn.transaction():
        await take_snapshot(conn)
        person = await require_person(conn, caller, command.person, shard_count)
        profile = await require_profile(conn, caller, person)
        rows = await _rows(conn, caller, command, person, before)
        shown = rows[: command.limit]
        book = await _Book.open(conn, caller, person, profile, [row for _, row in shown], resources.clock())
        items = [await book.entry(row) for _, row in shown]
    more = len(rows) > command.limit
    return Timeline(items=tuple(items), next_before=shown[-1][0].spelled() if more else None)


async def _rows(
    conn: Conn, caller: Caller, command: GetTimeline, person: Person, before: Cursor
) -> list[tuple[Cursor, Row]]:
    """Return the rows of a page and one more, newest first."""
    found: list[tuple[Cursor, Row]] = []
    for kind in command.kinds or KINDS:
        rank = RANK[kind]
        page = store.Page(
            workspace_id=caller.workspace_id,
            person=person,
            from_=command.from_ or BEGINNING,
            to=command.to or END,
            before_at=before.at,
            before_no=LAST_NUMBER if rank < before.rank else before.no if rank == before.rank else 0,
            count=command.limit + 1,
        )
        found += [(Cursor(row.at, rank, row.no), row) for row in await READINGS[kind](conn, page)]
    found.sort(key=lambda each: each[0], reverse=True)
    return found[: command.limit + 1]


@dataclass(slots=True)
class _Book:
    """What is needed to tell rows as entries: journeys as they were, and the person's past."""

    conn: Conn
    caller: Caller
    person: Person
    past: Past
    maps: Mapping[tuple[int, datetime], tuple[JourneyRef, int, Map]]

    @classmethod
    async def open(
        cls, conn: Conn, caller: Caller, person: Person, profile: store.Profile, rows: Sequence[Row], now: datetime
    ) -> "_Book":
        walks = [row for row in rows if isinstance(row, store.PassageRow)]
        changes: list[store.Change] = []
        known_since = END
        if walks:
            oldest = min(walk.at for walk in walks)
            changes = await store.changes_since(conn, person=person, since=oldest, count=CHANGES_MAX)
            known_since = await _known_since(conn, changes, now)
        return cls(conn, caller, person, Past(profile.attributes, changes, known_since), await _maps(conn, rows))

    async def entry(self, row: Row) -> TimelineEntry:
        match row:
            case store.ChangeRow():
                journey = None
                if row.journey_uuid is not None:
                    journey = JourneyRef(journey=row.journey_uuid, title=row.title or "")
                return TimelineEntry(
                    at=row.at,
                    kind="attributes",
                    journey=journey,
                    enrollment=row.enrollment_id,
                    detail={"changes": row.changes},
                )
            case store.EventRow():
                detail = {
                    "name": row.name,
                    "data": row.data,
                    "occurred_at": row.occurred_at,
                    "application_code": row.application_code,
                }
                return TimelineEntry(at=row.at, kind="event", detail=detail)
            case store.EnrollmentRow():
                detail = {"entry_key": row.entry_key, "context": row.context}
                return self._at_point(row, "enrollment", row.no, detail)
            case store.MessageRow():
                names = ("channel", "status", "address", "detail", "due_at", "done_at", "opened_at", "clicked_at")
                return self._at_point(row, "message", row.enrollment_id, {name: getattr(row, name) for name in names})
            case store.DepartureRow():
                return self._at_point(row, "departure", row.no, {"outcome": row.outcome, "reason": row.reason})
            case store.PassageRow():
                return await self._passage(row)

    def _at_point(
        self,
        row: store.EnrollmentRow | store.MessageRow | store.DepartureRow,
        kind: EntryKind,
        enrollment: int,
        detail: Mapping[str, Any],
    ) -> TimelineEntry:
        journey, _, map_ = self.maps[row.journey_id, row.at]
        return TimelineEntry(
            at=row.at, kind=kind, journey=journey, point=map_.ref(row.point_no), enrollment=enrollment, detail=detail
        )

    async def _passage(self, row: store.PassageRow) -> TimelineEntry:
        journey, version, map_ = self.maps[row.journey_id, row.at]
        path: tuple[PassedPoint, ...] = await Retracing(
            conn=self.conn,
            scope=await load_scope(self.conn, self.caller.workspace_id),
            person=self.person,
            past=self.past,
            map=map_,
            walk=row,
        ).passed()
        return TimelineEntry(
            at=row.at,
            kind="passage",
            journey=journey,
            enrollment=row.enrollment_id,
            detail={"version": version, "values_known": self.past.knows(row.at)},
            path=path,
        )


async def _known_since(conn: Conn, changes: Sequence[store.Change], now: datetime) -> datetime:
    """Return the instant from which on all changes are known: they are kept for so long, and read up to a number."""
    _, days = await installation_retentions(conn)
    kept = BEGINNING if days is None else datetime.combine(day_of(now) - timedelta(days=days), time(), UTC)
    # Of the oldest instant that was read, some changes may not have been.
    read = changes[-1].at + timedelta(microseconds=1) if len(changes) == CHANGES_MAX else BEGINNING
    return max(kept, read)


async def _maps(conn: Conn, rows: Iterable[Row]) -> dict[tuple[int, datetime], tuple[JourneyRef, int, Map]]:
    """Read the versions of journeys that were in force at the instants of rows."""
    wanted = sorted(
        {
            (row.journey_id, row.at)
            for row in rows
            if isinstance(row, store.EnrollmentRow | store.PassageRow | store.MessageRow | store.DepartureRow)
        }
    )
    if not wanted:
        return {}
    names = await store.point_names(conn, {number for number, _ in wanted})
    drawn: dict[tuple[int, int], Map] = {}
    found: dict[tuple[int, datetime], tuple[JourneyRef, int, Map]] = {}
    for key, each in zip(wanted, await store.graphs_at(conn, wanted), strict=True):
        version = each.journey_id, each.version_no
        if version not in drawn:
            own = {number: name for (journey_id, number), name in names.items() if journey_id == each.journey_id}
            drawn[version] = map_of(msgspec.json.decode(each.graph, type=Graph), own)
        found[key] = JourneyRef(journey=each.journey_uuid, title=each.title), each.version_no, drawn[version]
    return found


def _problems(command: GetTimeline, before: Cursor | None) -> Iterator[Problem]:
    yield from limit_problems(command.limit)
    if before is None:
        yield Problem("before.form", "before", "it is the `next_before` of the page before")
    if command.from_ is not None and command.to is not None and command.from_ >= command.to:
        yield Problem("period.empty", "to", "a period ends after it begins")
    for name in ("from_", "to"):
        at: datetime | None = getattr(command, name)
        if at is not None and at.tzinfo is None:
            yield Problem("instant.zone", name.rstrip("_"), "an instant has an offset, such as Z")
