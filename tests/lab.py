"""The laboratory: journeys, people and a clock on a real PostgreSQL, so that a test says only what matters.

A journey is a small literal. A line is a chain of points; a name that was used before is the same point again:

    graph('''
        api -> wait 1d -> split vip
        split.1 -> email hello -> exit
        split -> exit
    ''')

`split.1` is the output `output1`, a name alone the output `default`. Points with more to say are given by name:
`graph("buy -> exit", buy=on_event("bought", allow_reenter=True))`.
"""

import re
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog

from sojourn.compiler.check import check
from sojourn.compiler.listeners import listeners
from sojourn.compiler.segments import SegmentScope
from sojourn.engine.runner import Runner
from sojourn.engine.tick import Budget
from sojourn.model.graph import Edge, Graph, Settings
from sojourn.model.points import (
    AnyPoint,
    AwaitedEvent,
    EmailContent,
    EventCondition,
    StartByApi,
    TriggerBranch,
)
from sojourn.model.segments import Expression, Static
from sojourn.service.moves import moves
from sojourn.store.connection import Conn
from sojourn.store.partitions import DAILY, partitions
from sojourn.store.wakeups import connect_worker
from tests.walker import Conversion, Departure, Journey, Message, Row, Walker

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday. Where a laboratory begins."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SHOP, SITE = "SHOP1-00001", "SITE1-00001"
SHARD = 3
ANY = "00000000-0000-0000-0000-000000000000"
"""A request that nobody asks about."""


# Graphs -------------------------------------------------------------------------------------------------------


def seconds(text: str) -> int:
    """Read a duration such as `90s`, `30m`, `2h`, `1d`."""
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]


def tagged(name: str) -> str:
    """Return the filter of people whose tag `name` is true."""
    return f'T("{name}", EQ, true)'


def email(subject: str = "Hello", **fields: Any) -> Any:
    return point("send_email", **({"content": EmailContent(subject=subject, text=".")} | fields))


def on_event(name: str, **fields: Any) -> Any:
    return point("message_bus", event_name=name, **fields)


def segment(filter_: str = "", **fields: Any) -> Any:
    return point("start_by_segment", filter=filter_ or None, **fields)


def wait(**fields: Any) -> Any:
    return point("wait", **fields)


def webhook(**fields: Any) -> Any:
    return point("webhook", **({"url": "https://hooks.example/"} | fields))


def update(*operations: dict[str, Any]) -> Any:
    return point("update_profile", operations=list(operations))


def random_split(*percents: float, **fields: Any) -> Any:
    return point("random_splitter", branches=[{"percent": percent} for percent in percents], **fields)


def awaiting(*branches: TriggerBranch | str, period: str = "1d", **fields: Any) -> Any:
    """Wait for the events of some branches; a name is a branch of that one event."""
    given = [branch(each) if isinstance(each, str) else each for each in branches]
    return point("wait_for_trigger", period_seconds=seconds(period), branches=given, **fields)


def branch(*events: AwaitedEvent | str, all_of: bool = False, look_back: str = "0s") -> TriggerBranch:
    given = tuple(awaited(each) if isinstance(each, str) else each for each in events)
    return TriggerBranch(operator="AND" if all_of else "OR", events=given, look_back_seconds=seconds(look_back))


def awaited(name: str, *conditions: EventCondition, match: str | None = None) -> AwaitedEvent:
    return AwaitedEvent(event_name=name, event_conditions=conditions, match_entry_attribute=match)


def having(attribute: str, operator: str, *values: Any) -> EventCondition:
    return EventCondition(attribute=attribute, operator=operator, values=values)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Unplaced:
    """A point without an id, until a graph gives it one."""

    kind: str
    fields: dict[str, Any]

    def placed(self, name: str) -> AnyPoint:
        document = msgspec.to_builtins(self.fields) | {"kind": self.kind, "id": point_id(name)}
        return msgspec.convert(document, AnyPoint)


def point(kind: str, **fields: Any) -> _Unplaced:
    return _Unplaced(kind, fields)


SHORT: dict[str, Callable[[str], _Unplaced]] = {
    "api": lambda _: point("start_by_api"),
    "email": lambda subject: email(subject or "Hello"),
    "exit": lambda outcome: point("exit", outcome=outcome),
    "on": on_event,
    "split": lambda tag: point("boolean_splitter", filter=tagged(tag)),
    "wait": lambda duration: point("wait", duration_seconds=seconds(duration)),
}


NAMES: dict[str, str] = {}
"""Names of points by id, of every graph drawn so far."""


def point_id(name: str) -> str:
    """Return the id of the point that a literal calls so."""
    found = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    NAMES[found] = name
    return found


def graph(text: str, *, settings: dict[str, Any] | None = None, **points: _Unplaced) -> Graph:
    """Read a graph from a small text; see the top of this module."""
    placed: dict[str, AnyPoint] = {}
    edges: list[Edge] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        previous: tuple[str, str] | None = None
        for word in re.split(r"\s*->\s*", line):
            name, output = _place(word, placed, points)
            if previous is not None:
                source, way = previous
                edges.append(Edge(from_=placed[source].id, output=way, to=placed[name].id))
            previous = (name, output)
    return Graph(
        points=tuple(placed.values()),
        edges=tuple(edges),
        settings=msgspec.convert({"application_code": SHOP} | (settings or {}), Settings),
    )


def _place(word: str, placed: dict[str, AnyPoint], points: dict[str, _Unplaced]) -> tuple[str, str]:
    head, _, rest = word.partition(" ")
    name, _, number = head.partition(".")
    output = f"output{number}" if number else "default"
    if rest and name in placed:
        name = next(f"{name}{n}" for n in range(2, 100) if f"{name}{n}" not in placed)
    if name not in placed:
        kind = name.rstrip("0123456789")
        placed[name] = (points[name] if name in points else SHORT[kind](rest)).placed(name)
    return name, output


# What is compared ---------------------------------------------------------------------------------------------


@dataclass
class Picture:
    """Everything that a tick leaves behind, whoever did it."""

    stays: dict[int, tuple[Any, ...]]
    enrollments: dict[int, tuple[Any, ...]]
    passages: list[tuple[Any, ...]]
    messages: list[tuple[Any, ...]]
    departures: dict[int, Departure]
    conversions: dict[Any, Conversion]
    draws: dict[tuple[int, int, int], tuple[str, datetime]]
    attributes: dict[int, dict[str, Any]]
    tallies: Counter[tuple[Any, ...]]
    requests: Counter[tuple[str, str]]
    members: set[tuple[int, int, int]]

    def unnumbered(self) -> "Picture":
        """Return the picture with enrollments named by who came, where, and for the how many-th time."""
        turns: Counter[tuple[Any, ...]] = Counter()
        name: dict[int, Any] = {}
        for number, enrollment in sorted(self.enrollments.items()):
            who = enrollment[:4]
            name[number] = (*who, turns[who])
            turns[who] += 1
        return Picture(
            stays={name[number]: stay for number, stay in self.stays.items()},
            enrollments={name[number]: enrollment for number, enrollment in self.enrollments.items()},
            passages=sorted((name[number], *rest) for number, *rest in self.passages),
            messages=sorted((name[number], *rest) for number, *rest in self.messages),
            departures={name[number]: departure for number, departure in self.departures.items()},
            conversions={(name[number], goal): each for (number, goal), each in self.conversions.items()},
            draws=self.draws,
            attributes=self.attributes,
            tallies=self.tallies,
            requests=self.requests,
            members=self.members,
        )


def picture_of(walker: Walker) -> Picture:
    return Picture(
        stays={
            number: (stay.point_no, stay.reached, stay.since, stay.wake_at, stay.after_event, stay.traveller.context)
            for number, stay in walker.stays.items()
        },
        enrollments={
            each.number: (each.journey_id, each.profile_id, each.entry_no, each.entry_key, each.entered_at)
            for each in walker.travellers.values()
        },
        passages=sorted(walker.passages),
        messages=sorted(_message(message, message in walker.cancelled) for message in walker.messages),
        departures=dict(walker.departures),
        conversions=dict(walker.conversions),
        draws=dict(walker.draws),
        attributes={person.profile_id: person.attributes for person in walker.people.values()},
        tallies=Counter(walker.tallies),
        requests=Counter(walker.requests),
        members={(*place, each) for place, audience in walker.audiences.items() for each in audience.members},
    )


def _message(message: Message, cancelled: bool) -> tuple[Any, ...]:
    return (
        message.number, message.point_no, message.channel, message.created_at, message.version_no, message.priority,
        message.due_at, "cancelled" if cancelled else "queued",
    )  # fmt: skip


# The laboratory -----------------------------------------------------------------------------------------------

CLEAR = "; ".join(
    f"delete from {table}"
    for table in (
        "profile", "profile_change", "device", "static_member", "inbox", "event", "event_source",
        "enrollment", "stay", "alarm",
        "audience", "audience_member",
        "entry_cursor", "passage", "departure", "conversion", "deadline", "draw", "message", "tally", "request_tally",
        "listener", "journey",
    )
)  # fmt: skip


def chosen_fields(of: msgspec.Struct) -> str:
    """Return what a point or settings say that is not nothing."""
    fields = {name: getattr(of, name) for name in of.__struct_fields__ if name != "id"}
    said = ", ".join(f"{name}={value!r}" for name, value in fields.items() if value not in (None, "", (), {}, 0, False))
    return f"{type(of).__name__}({said})"


@dataclass(repr=False)
class Lab:
    """One database, one shard, one clock. People go by names; the first is profile 1."""

    conn: Conn
    url: str
    workspace_id: int
    app_ids: dict[str, int]
    shard: int = SHARD
    now: datetime = NOON
    budget: Budget = field(default_factory=Budget)
    segments: dict[str, Expression] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)
    journeys: dict[int, Journey] = field(default_factory=dict)
    profiles: dict[str, int] = field(default_factory=dict)
    held_since: dict[int, datetime] = field(default_factory=dict)
    said: list[Row] = field(default_factory=list)
    """Rows appended so far, for a walker to hear, too."""
    runner: Runner | None = None

    @classmethod
    async def open(cls, url: str) -> "Lab":
        conn = await connect_worker(url, name="lab")
        cursor = await conn.execute("select workspace_id from workspace where name = 'default'")
        row = await cursor.fetchone()
        assert row is not None
        app_ids: dict[str, int] = {}
        for code in (SHOP, SITE):
            cursor = await conn.execute(
                "insert into app (workspace_id, application_code, site_id, title, created_at)"
                " values (%s, %s, gen_random_uuid(), 'Shop', %s)"
                " on conflict (application_code) do update set title = excluded.title returning app_id",
                (row[0], code, NOON),
            )
            found = await cursor.fetchone()
            assert found is not None
            app_ids[code] = found[0]
        return cls(conn, url, row[0], app_ids)

    async def close(self) -> None:
        await self.conn.close()

    async def clear(self) -> None:
        """Forget everybody and every journey, and days that upkeep made."""
        await self.conn.execute(f"{CLEAR}; update shard set next_enrollment = 1, ticked_at = null")
        for table in DAILY:
            past, *days = await partitions(self.conn, table)
            if days:
                await self.conn.execute(
                    "; ".join(f"drop table {day.name}" for day in days)
                    + f"; alter table {table} detach partition {past.name}"
                    + f"; alter table {table} attach partition {past.name} for values from (minvalue) to (maxvalue)"
                )
        self.now, self.budget, self.runner = NOON, Budget(), None
        self.journeys.clear()
        self.profiles.clear()
        self.held_since.clear()
        self.said.clear()

    async def value(self, query: str, *values: Any) -> Any:
        row = await (await self.conn.execute(query, values)).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return row[0]

    async def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return await (await self.conn.execute(query, values)).fetchall()  # type: ignore[arg-type]

    # Journeys ---------------------------------------------------------------------------------------------------

    @property
    def scope(self) -> SegmentScope:
        return SegmentScope(
            app_ids=self.app_ids, workspace_id=self.workspace_id, segments=self.segments, lists=self.lists
        )

    async def start(self, drawn: Graph | str, **points: Any) -> Journey:
        """Make a journey and start it now."""
        of = graph(drawn, **points) if isinstance(drawn, str) else drawn
        assert check(of, self.scope) == []
        numbers = {point.id: number for number, point in enumerate(of.points, 1)}
        journey_id = await self.value(
            "insert into journey (journey_uuid, workspace_id, app_id, title, status, started_at, first_started_at,"
            " created_at, updated_at) values (gen_random_uuid(), %s, %s, 'Welcome', 'running', %s, %s, %s, %s)"
            " returning journey_id",
            self.workspace_id, self.app_ids[SHOP], *[self.now] * 4,
        )  # fmt: skip
        journey = Journey(journey_id, of, numbers, started_at=self.now)
        self.journeys[journey_id] = journey
        await self._write_version(journey)
        await self._change(journey)
        await self.say(Row(kind="begin", received_at=self.now, data={"journey_id": journey_id, "held_since": None}))
        return journey

    async def store_segment(self, code: str, expression: Expression) -> None:
        """Keep a segment under a code, where graphs and engines find it."""
        self.segments[code] = expression
        await self.conn.execute(
            "insert into segment (segment_uuid, workspace_id, code, title, source, expression, created_at, updated_at)"
            " values (%s, %s, %s, %s, '', %s::jsonb, %s, %s) on conflict (workspace_id, code)"
            " do update set expression = excluded.expression",
            (uuid.uuid4(), self.workspace_id, code, code, msgspec.json.encode(expression).decode(), self.now, self.now),
        )

    async def store_list(self, code: str) -> None:
        """Keep an empty fixed list under a code."""
        self.lists[code] = await self.value(
            "insert into segment (segment_uuid, workspace_id, code, title, source, expression, is_list, created_at,"
            " updated_at) values (%s, %s, %s, %s, '', %s::jsonb, true, %s, %s) on conflict (workspace_id, code)"
            " do update set is_list = true returning segment_id",
            uuid.uuid4(), self.workspace_id, code, code, msgspec.json.encode(Static(code=code)).decode(), self.now,
            self.now,
        )  # fmt: skip

    async def _write_version(self, journey: Journey) -> None:
        await self.conn.execute(
            "insert into journey_version (journey_id, version_no, graph, created_at) values (%s, %s, %s::jsonb, %s)",
            (journey.journey_id, journey.version_no, msgspec.json.encode(journey.graph).decode(), self.now),
        )
        kinds = {point.id: str(point.__struct_config__.tag) for point in journey.graph.points}
        await self.conn.cursor().executemany(
            "insert into point (journey_id, point_no, point_uuid, kind) values (%s, %s, %s, %s)"
            " on conflict (journey_id, point_no) do nothing",
            [(journey.journey_id, journey.numbers[each], each, kind) for each, kind in kinds.items()],
        )

    async def _change(self, journey: Journey) -> None:
        """Make the engine see a changed journey."""
        reactions = {
            "running": ("convert", "enroll", "enroll_named", "resume"),
            "paused": ("convert", "resume"),
            "draft": ("convert", "resume") if journey.advances_anyway else (),
            "finished": ("convert",),
        }.get(journey.status, ())
        heard = [each for each in listeners(journey.graph, journey.numbers) if each.reaction in reactions]
        await self.conn.execute("delete from listener where journey_id = %s", (journey.journey_id,))
        await self.conn.cursor().executemany(
            "insert into listener (journey_id, point_no, workspace_id, app_id, event_name, reaction, attribute_name)"
            " values (%s, %s, %s, null, %s, %s, %s)",
            [
                (
                    journey.journey_id,
                    each.point_no,
                    self.workspace_id,
                    each.event_name,
                    each.reaction,
                    each.attribute_name,
                )
                for each in heard
            ],
        )
        await self.conn.execute(
            "with bumped as (update installation set epoch = epoch + 1 returning epoch)"
            " update journey set status = %s::journey_status, advances = %s, version_no = %s, started_at = %s,"
            " changed_epoch = (select epoch from bumped) where journey_id = %s",
            (
                journey.status,
                journey.advances_anyway,
                journey.version_no,
                journey.started_at,
                journey.journey_id,
            ),
        )

    async def choose(self, journey: Journey, point_no: int, output: int) -> None:
        """Name the winner of a random splitter."""
        journey.winners[point_no] = output
        await self.conn.execute(
            "insert into splitter_winner (journey_id, point_no, output, decided_at, numbers)"
            " values (%s, %s, %s, %s, '{}')"
            " on conflict (journey_id, point_no) do update set output = excluded.output",
            (journey.journey_id, point_no, output, self.now),
        )
        await self._change(journey)

    async def pause(self, journey: Journey) -> None:
        journey.status = "paused"
        self.held_since[journey.journey_id] = self.now
        await self._change(journey)

    async def shut(self, journey: Journey, status: str = "paused") -> None:
        """Let nobody in any more; who is inside goes on."""
        journey.status, journey.advances_anyway = status, True
        await self._change(journey)

    async def draft(self, journey: Journey) -> None:
        """Make a draft of a paused journey."""
        journey.status, journey.advances_anyway = "draft", False
        self.held_since.setdefault(journey.journey_id, self.now)
        await self._change(journey)

    async def resume(self, journey: Journey) -> None:
        before, journey.status, journey.advances_anyway = journey.status, "running", False
        await self._change(journey)
        held_since = self.held_since.pop(journey.journey_id, None)
        said = None if held_since is None else held_since.isoformat()
        await self.say(self.about(journey, "begin", held_since=said, **{"from": before}))

    async def finish(self, journey: Journey) -> None:
        journey.status, journey.advances_anyway = "finished", False
        await self._change(journey)
        await self.say(self.about(journey, "stop", reason="journey finished"))

    async def edit(self, journey: Journey, new: Graph) -> None:
        """Replace the graph by a new version; points keep their numbers by id."""
        assert check(new, self.scope) == []
        old, old_numbers = journey.graph, dict(journey.numbers)
        numbers = dict(old_numbers)
        for point in new.points:
            numbers.setdefault(point.id, max(numbers.values()) + 1)
        journey.graph, journey.numbers, journey.version_no = new, numbers, journey.version_no + 1
        await self._write_version(journey)
        await self._change(journey)
        steps = moves(old, new, old_numbers, numbers)
        if steps:
            await self.say(self.about(journey, "move", moves=[list(step) for step in steps]))
        if journey.status == "running":
            await self.say(self.about(journey, "begin", held_since=None))

    def about(self, journey: Journey, kind: str, **data: Any) -> Row:
        return Row(kind=kind, received_at=self.now, data={"journey_id": journey.journey_id, **data})

    # The inbox --------------------------------------------------------------------------------------------------

    async def say(self, *rows: Row) -> None:
        """Append rows to the inbox."""
        self.said += rows
        await self.conn.cursor().executemany(
            "insert into inbox (shard, kind, workspace_id, app_id, profile_id, name, data, source_id, occurred_at,"
            " received_at) values (%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s)",
            [
                (
                    self.shard, row.kind, self.workspace_id, row.app_id, row.profile_id, row.name,
                    msgspec.json.encode(row.data).decode(), row.source_id, row.happened_at, row.received_at,
                )
                for row in rows
            ],
        )  # fmt: skip

    def who(self, name: str) -> int:
        return self.profiles.setdefault(name, len(self.profiles) + 1)

    def _row(self, kind: str, name: str, /, **fields: Any) -> Row:
        return Row(**({"kind": kind, "profile_id": self.who(name), "received_at": self.now} | fields))

    async def person(self, *people: str, zone: str | None = None, app: str | None = None, **tags: Any) -> None:
        """Make people, or change their tags and zone."""
        operations = [{"op": "set", "tag": tag, "value": value} for tag, value in tags.items()]
        data = {"operations": operations} | ({"time_zone": zone} if zone else {})
        app_id = self.app_ids[app] if app else None
        await self.say(*(self._row("attributes", name, data=data, app_id=app_id) for name in people))

    async def event(
        self,
        name: str,
        event: str,
        /,
        at: datetime | None = None,
        app: str | None = None,
        source: str | None = None,
        **data: Any,
    ) -> None:
        """Let somebody do something."""
        fields = {"received_at": at} if at else {}
        app_id = self.app_ids[app] if app else None
        await self.say(self._row("event", name, name=event, data=data, app_id=app_id, source_id=source, **fields))

    async def enroll(
        self,
        journey: Journey,
        *people: str,
        at: datetime | None = None,
        request: str = ANY,
        by_page: bool = False,
        **entry: str,
    ) -> None:
        """Send people to the API entry of a journey; a page may only send those of the audience."""
        data = {
            "journey_id": journey.journey_id,
            "point_no": self._api(journey),
            "request_uuid": request,
            "entry": entry,
        } | ({"by_page": True} if by_page else {})
        fields = {"received_at": at} if at else {}
        await self.say(*(self._row("enroll", name, data=data, **fields) for name in people))

    async def select(self, journey: Journey, filter_: str, *, request: str = ANY, **entry: str) -> None:
        """Send everybody who matches to the API entry of a journey."""
        data = {"point_no": self._api(journey), "request_uuid": request, "entry": entry, "filter": filter_}
        await self.say(self.about(journey, "select", **data))

    def _api(self, journey: Journey) -> int:
        return next(number for number, point in journey.points.items() if isinstance(point, StartByApi))

    async def drop(self, name: str, *journeys: Journey) -> None:
        ids = [journey.journey_id for journey in journeys] or None
        await self.say(self._row("drop", name, data={"journey_ids": ids, "reason": "dropped by API"}))

    async def answer(
        self, journey: Journey, name: str, point: str, output: int = 0, *, since: str | None = None, **entry: Any
    ) -> None:
        """Answer the webhook where somebody waits, or report on the content, of the visit that began at an instant."""
        number = await self.value(
            "select enrollment_id from stay where shard = %s and journey_id = %s and profile_id = %s",
            self.shard, journey.journey_id, self.who(name),
        )  # fmt: skip
        data = {"enrollment_id": number, "journey_id": journey.journey_id, "point_no": self.number(journey, point)}
        await self.say(self._row("outcome", name, data=data | {"output": output, "since": since, "entry": entry}))

    def number(self, journey: Journey, point: str) -> int:
        return journey.numbers[point_id(point)]

    # Time -------------------------------------------------------------------------------------------------------

    async def tick(self, at: datetime | None = None) -> None:
        """Set the clock and tick until nothing is left to do."""
        self.now = at or self.now
        if self.runner is None:
            self.runner = Runner(self.url, lambda: self.now, budget=self.budget)
        ticks = 0
        with structlog.testing.capture_logs() as logs:
            while (await self.runner._pass(self.conn)).ticks:
                ticks += 1
                assert ticks < 1000, "a tick that does nothing is run again and again"
        assert [log for log in logs if log["log_level"] == "error"] == []

    async def after(self, **duration: float) -> None:
        """Let time pass, then tick."""
        await self.tick(self.now + timedelta(**duration))

    # What became of them ----------------------------------------------------------------------------------------

    async def picture(self) -> Picture:
        """Read everything back."""
        shard = self.shard
        event_ids = [row[0] for row in await self.rows("select event_id from event where shard = %s order by 1", shard)]
        rank = {0: 0} | {event_id: place for place, event_id in enumerate(event_ids, 1)}
        stays = await self.rows(
            "select s.enrollment_id, s.point_no, s.reached, s.since, s.wake_at, s.after_event,"
            " coalesce(s.context, n.context, '{}') from stay as s join enrollment as n using (shard, enrollment_id)"
            " where s.shard = %s",
            shard,
        )
        enrollments = await self.rows(
            "select enrollment_id, journey_id, profile_id, point_no, entry_key, entered_at from enrollment"
            " where shard = %s",
            shard,
        )
        messages = await self.rows(
            "select enrollment_id, point_no, channel::text, created_at, version_no, priority, due_at, status::text"
            " from message where shard = %s",
            shard,
        )
        departures = await self.rows(
            "select enrollment_id, point_no, outcome::text, reason, at from departure where shard = %s", shard
        )
        conversions = await self.rows(
            "select enrollment_id, goal, is_control, at, value from conversion where shard = %s", shard
        )
        draws = await self.rows("select journey_id, point_no, drawn_for, output, at from draw where shard = %s", shard)
        tallies = await self.rows(
            "select journey_id, point_no, metric, detail, hour, n from tally where shard = %s", shard
        )
        requests = await self.rows("select request_uuid::text, outcome, n from request_tally where shard = %s", shard)
        members = await self.rows(
            "select journey_id, point_no, profile_id from audience_member where shard = %s and is_member", shard
        )
        passages = await self.rows("select enrollment_id, at, path from passage where shard = %s", shard)
        return Picture(
            stays={row[0]: (*row[1:5], rank[row[5]], row[6]) for row in stays},
            enrollments={row[0]: row[1:] for row in enrollments},
            passages=sorted((number, at, tuple(path)) for number, at, path in passages),
            messages=sorted(messages),
            departures={row[0]: Departure(*row[1:]) for row in departures},
            conversions={row[:2]: Conversion(*row[2:]) for row in conversions},
            draws={row[:3]: (f"output{row[3]}", row[4]) for row in draws},
            attributes=dict(await self.rows("select profile_id, attributes from profile where shard = %s", shard)),
            tallies=Counter({row[:-1]: row[-1] for row in tallies}),
            requests=Counter({row[:-1]: row[-1] for row in requests}),
            members={tuple(row) for row in members},  # type: ignore[misc]
        )

    async def paths(self, journey: Journey, name: str) -> list[str]:
        """Return the path of each passage of somebody, in the names of the graph's points."""
        rows = await self.rows(
            "select p.path from passage as p join enrollment as n using (shard, enrollment_id)"
            " where p.shard = %s and n.journey_id = %s and n.profile_id = %s order by p.at, p.enrollment_id, p.ctid",
            self.shard, journey.journey_id, self.who(name),
        )  # fmt: skip
        return [" ".join(name_of(journey, number) for number in row[0]) for row in rows]

    async def where(self, journey: Journey, name: str) -> list[tuple[str, datetime]]:
        """Return where somebody is, and until when."""
        rows = await self.rows(
            "select point_no, wake_at from stay where shard = %s and journey_id = %s and profile_id = %s"
            " order by enrollment_id",
            self.shard, journey.journey_id, self.who(name),
        )  # fmt: skip
        return [(name_of(journey, point_no), wake_at) for point_no, wake_at in rows]

    async def departed(self, journey: Journey, name: str) -> list[tuple[str, str]]:
        """Return how somebody's enrollments ended."""
        rows = await self.rows(
            "select d.outcome::text, d.reason from departure as d join enrollment as n using (shard, enrollment_id)"
            " where d.shard = %s and n.journey_id = %s and n.profile_id = %s order by d.enrollment_id",
            self.shard, journey.journey_id, self.who(name),
        )  # fmt: skip
        return [tuple(row) for row in rows]

    async def sent(self, journey: Journey) -> list[tuple[str, str]]:
        """Return who was to be sent which message, by the name of the point, in the order of creation."""
        rows = await self.rows(
            "select profile_id, point_no from message where shard = %s and journey_id = %s order by message_id",
            self.shard, journey.journey_id,
        )  # fmt: skip
        people = {number: name for name, number in self.profiles.items()}
        return [(people[profile_id], name_of(journey, point_no)) for profile_id, point_no in rows]

    async def answers(self, request: str = ANY) -> dict[str, int]:
        """Return what became of a request."""
        return dict(
            await self.rows(
                "select outcome, n from request_tally where shard = %s and request_uuid = %s", self.shard, request
            )
        )

    async def tags(self, name: str) -> dict[str, Any]:
        return await self.value(
            "select attributes from profile where shard = %s and profile_id = %s", self.shard, self.who(name)
        )

    async def assert_nobody_is_lost(self) -> None:
        """Enrollments = stays + departures; and so say the tallies of every journey."""
        lost = await self.rows(
            "select n.enrollment_id from enrollment as n where (select count(*) from stay as s where s.shard = n.shard"
            " and s.enrollment_id = n.enrollment_id) + (select count(*) from departure as d where d.shard = n.shard"
            " and d.enrollment_id = n.enrollment_id) <> 1"
        )
        assert lost == [], "neither inside nor departed, or both"
        strangers = await self.rows(
            "select enrollment_id from stay as s where not exists (select from enrollment as n where n.shard = s.shard"
            " and n.enrollment_id = s.enrollment_id)"
        )
        assert strangers == [], "inside without an enrollment"


def name_of(journey: Journey, point_no: int) -> str:
    """Return the name of a point in the literal that drew it."""
    return NAMES[next(each for each, number in journey.numbers.items() if number == point_no)]
