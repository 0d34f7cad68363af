"""History: the past of one person, read by person and page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sojourn.compiler.parameters import Value
from sojourn.model.identities import Person
from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

Json = Any


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a person."""

    user_id: str | None
    attributes: dict[str, Json]
    time_zone: str | None
    language: str | None
    location: dict[str, Json] | None
    apps: list[str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """A name that a person goes by."""

    kind: str
    value: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """A way to reach a person."""

    application_code: str
    hwid: str
    channel: str
    platform: str
    has_token: bool
    language: str | None
    is_subscribed: bool
    details: dict[str, Json]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a person's past: at least as young as `from_`, younger than `to`, before an entry, so many."""

    workspace_id: int
    person: Person
    from_: datetime
    to: datetime
    before_at: datetime
    before_no: int
    count: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """Attributes that changed; by whose walk, if by one."""

    at: datetime
    no: int
    enrollment_id: int | None
    journey_uuid: UUID | None
    title: str | None
    changes: dict[str, dict[str, Json]]


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something a person did; `at` is when we got it."""

    at: datetime
    no: int
    name: str
    data: dict[str, Json]
    occurred_at: datetime
    application_code: str | None


@dataclass(frozen=True, slots=True)
class EnrollmentRow:
    """A person came into a journey."""

    at: datetime
    no: int
    journey_id: int
    point_no: int
    entry_key: str
    context: dict[str, Json] | None


@dataclass(frozen=True, slots=True)
class PassageRow:
    """A walk. `before_no` is the number of the enrollment's walk before it at the same instant."""

    at: datetime
    no: int
    journey_id: int
    path: list[int]
    enrollment_id: int
    context: dict[str, Json] | None
    before_no: int | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message and what became of it."""

    at: datetime
    no: int
    journey_id: int
    point_no: int
    enrollment_id: int
    channel: str
    status: str
    address: str | None
    detail: str | None
    due_at: datetime
    done_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None


@dataclass(frozen=True, slots=True)
class DepartureRow:
    """A person left a journey; `no` is the enrollment."""

    at: datetime
    no: int
    journey_id: int
    point_no: int
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a person's attributes."""

    at: datetime
    change_no: int
    enrollment_id: int | None
    changes: dict[str, dict[str, Json]]


@dataclass(frozen=True, slots=True)
class JourneyVersion:
    """A version of a journey. `graph` is JSON text."""

    journey_id: int
    journey_uuid: UUID
    title: str
    version_no: int
    graph: str


@dataclass(frozen=True, slots=True)
class OwnStay:
    """Where a person is."""

    enrollment_id: int
    point_no: int
    reached: int | None
    since: datetime
    wake_at: datetime
    entry_key: str


@dataclass(frozen=True, slots=True)
class LatestEvent:
    """An event of a person."""

    event_id: int
    data: dict[str, Json]
    occurred_at: datetime
    received_at: datetime
    app_id: int | None


async def read_profile(conn: Conn, *, workspace_id: int, person: Person) -> Profile | None:
    """Return what is known of a person; None while they are known by name only."""
    cursor = await conn.execute(QUERIES["person_profile"], _who(person) | {"workspace_id": workspace_id})
    row = await cursor.fetchone()
    return None if row is None else Profile(*row)


async def read_identities(conn: Conn, *, workspace_id: int, person: Person) -> list[OwnIdentity]:
    """Return what a person goes by."""
    cursor = await conn.execute(QUERIES["person_identities"], _who(person) | {"workspace_id": workspace_id})
    return [OwnIdentity(*row) for row in await cursor.fetchall()]


async def read_devices(conn: Conn, *, person: Person) -> list[OwnDevice]:
    """Return how a person can be reached."""
    cursor = await conn.execute(QUERIES["person_devices"], _who(person))
    return [OwnDevice(*row) for row in await cursor.fetchall()]


async def attributes_changed_at(conn: Conn, *, person: Person) -> dict[str, datetime]:
    """Return when attributes last changed, as far as that is kept."""
    cursor = await conn.execute(QUERIES["attributes_changed_at"], _who(person))
    return dict[str, datetime](await cursor.fetchall())


async def search_people(
    conn: Conn, *, workspace_id: int, first: str, after: str, count: int
) -> list[tuple[str, Person]]:
    """Return people by user id, of those that begin with `first`, behind `after`."""
    values = {"workspace_id": workspace_id, "first": first, "after": after, "count": count}
    cursor = await conn.execute(QUERIES["search_people"], values)
    return [(value, Person(shard, profile_id)) for value, shard, profile_id in await cursor.fetchall()]


async def changes_page(conn: Conn, page: Page) -> list[ChangeRow]:
    """Return a page of changes of attributes."""
    return [ChangeRow(*row) for row in await _page(conn, "history_attributes", page)]


async def events_page(conn: Conn, page: Page) -> list[EventRow]:
    """Return a page of events."""
    return [EventRow(*row) for row in await _page(conn, "history_events", page)]


async def enrollments_page(conn: Conn, page: Page) -> list[EnrollmentRow]:
    """Return a page of arrivals."""
    return [EnrollmentRow(*row) for row in await _page(conn, "history_enrollments", page)]


async def passages_page(conn: Conn, page: Page) -> list[PassageRow]:
    """Return a page of walks."""
    return [PassageRow(*row) for row in await _page(conn, "history_passages", page)]


async def messages_page(conn: Conn, page: Page) -> list[MessageRow]:
    """Return a page of messages."""
    return [MessageRow(*row) for row in await _page(conn, "history_messages", page)]


async def departures_page(conn: Conn, page: Page) -> list[DepartureRow]:
    """Return a page of departures."""
    return [DepartureRow(*row) for row in await _page(conn, "history_departures", page)]


async def _page(conn: Conn, name: str, page: Page) -> list[tuple[Any, ...]]:
    values = _who(page.person) | {
        "workspace_id": page.workspace_id,
        "from_": page.from_,
        "to": page.to,
        "before_at": page.before_at,
        "before_no": page.before_no,
        "count": page.count,
    }
    return await (await conn.execute(QUERIES[name], values)).fetchall()


async def changes_since(conn: Conn, *, person: Person, since: datetime, count: int) -> list[Change]:
    """Return the changes of a person at an instant and after it, newest first, `count` at most."""
    cursor = await conn.execute(QUERIES["changes_since"], _who(person) | {"since": since, "count": count})
    return [Change(*row) for row in await cursor.fetchall()]


async def graphs_at(conn: Conn, wanted: Sequence[tuple[int, datetime]]) -> list[JourneyVersion]:
    """Return the version of a journey that was in force at an instant, for each of the pairs, in their order."""
    values = {"journey_ids": [number for number, _ in wanted], "instants": [at for _, at in wanted]}
    rows = await (await conn.execute(QUERIES["graphs_at"], values)).fetchall()
    return [JourneyVersion(*row[1:]) for row in sorted(rows, key=lambda row: row[0])]


async def point_names(conn: Conn, journey_ids: Iterable[int]) -> dict[tuple[int, int], tuple[str, str]]:
    """Return the uuid and kind of every point of journeys, by journey and number."""
    cursor = await conn.execute(QUERIES["point_names"], {"journey_ids": list(journey_ids)})
    return {(journey_id, number): (uuid, kind) for journey_id, number, uuid, kind in await cursor.fetchall()}


async def operated(conn: Conn, attributes: str, operations: str) -> dict[str, Json]:
    """Return attributes after operations; both are JSON text."""
    cursor = await conn.execute(QUERIES["operated"], {"attributes": attributes, "operations": operations})
    row = await cursor.fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0]


async def goals_reached(conn: Conn, *, shard: int, enrollment_id: int, until: datetime) -> dict[str, datetime]:
    """Return which goals an enrollment reached up to an instant, and when."""
    values = {"shard": shard, "enrollment_id": enrollment_id, "until": until}
    return dict[str, datetime](await (await conn.execute(QUERIES["goals_reached"], values)).fetchall())


async def judge(
    conn: Conn,
    statement: str,
    values: Mapping[str, Value],
    *,
    person: Person,
    attributes: str,
    now: datetime,
) -> tuple[list[bool], list[Json]] | None:
    """Run a statement of `compiler.seen` about a person with these attributes (JSON text), at an instant.

    It reads `%(attributes)s::jsonb`. Events that were received later are not there: a set of the same name stands
    before the table. Return what is met and what was seen; None: there is no such person.
    """
    text = f"{RECEIVED}{statement}"
    given = {**values, **_who(person), "attributes": attributes, "now": now}
    # As bytes: it is the compiler's text, which holds our own words and numbers only.
    row = await (await conn.execute(text.encode(), given)).fetchone()
    return None if row is None else (row[0], row[1])


RECEIVED = """
with event as materialized (
    select e.*
    from event as e
    where e.shard = %(shard)s::smallint and e.profile_id = %(profile_id)s::bigint
      and e.received_at <= %(now)s::timestamptz
)
"""


async def stays_in(conn: Conn, *, person: Person, journey_id: int) -> list[OwnStay]:
    """Return where a person is in a journey."""
    cursor = await conn.execute(QUERIES["stays_in"], _who(person) | {"journey_id": journey_id})
    return [OwnStay(*row) for row in await cursor.fetchall()]


async def enrollments_in(
    conn: Conn, *, person: Person, journey_id: int, since: datetime
) -> tuple[int, int, datetime | None]:
    """Return how often a person came into a journey, how often since an instant, and when last."""
    cursor = await conn.execute(QUERIES["enrollments_in"], _who(person) | {"journey_id": journey_id, "since": since})
    row = await cursor.fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0], row[1], row[2]


async def last_departure_from(conn: Conn, *, person: Person, journey_id: int) -> tuple[datetime, int, str, str] | None:
    """Return when, at which point, with which outcome and for which reason a person left a journey last."""
    cursor = await conn.execute(QUERIES["last_departure_from"], _who(person) | {"journey_id": journey_id})
    row = await cursor.fetchone()
    return None if row is None else (row[0], row[1], row[2], row[3])


async def latest_events(conn: Conn, *, person: Person, name: str, count: int) -> list[LatestEvent]:
    """Return the last events of a name that a person did, newest first."""
    cursor = await conn.execute(QUERIES["latest_events"], _who(person) | {"name": name, "count": count})
    return [LatestEvent(*row) for row in await cursor.fetchall()]


async def waiting_for(conn: Conn, *, person: Person) -> int:
    """Return how much was accepted about a person and waits for the next tick."""
    row = await (await conn.execute(QUERIES["waiting_for_person"], _who(person))).fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0]


async def next_run(conn: Conn, *, shard: int, journey_id: int, point_no: int) -> datetime | None:
    """Return when an entry runs next in a shard."""
    values = {"shard": shard, "journey_id": journey_id, "point_no": point_no}
    row = await (await conn.execute(QUERIES["next_run"], values)).fetchone()
    return None if row is None else row[0]


def _who(person: Person) -> dict[str, Any]:
    return {"shard": person.shard, "profile_id": person.profile_id}
