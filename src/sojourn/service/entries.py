"""Entries: people sent into journeys by API, and taken out of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, islice
from math import ceil
from uuid import UUID, uuid4

import msgspec

from sojourn.model.graph import Graph
from sojourn.model.identities import IDENTITY_MAX, Identity, anonymous_identity, device_identity, user_identity
from sojourn.model.points import StartByApi
from sojourn.model.problems import Problem, part
from sojourn.service.acceptance import accept
from sojourn.service.commands import (
    Caller,
    Done,
    DropPeople,
    EnrollByApi,
    EntryAccepted,
    EntryOutcome,
    GetEntryRequest,
)
from sojourn.service.drafts import read_graph
from sojourn.service.errors import (
    BadSelector,
    EntryDeactivated,
    IdempotencyMismatch,
    InvalidDocument,
    InvalidFilter,
    JourneyNotFound,
    JourneyNotRunning,
    NoApiEntry,
    NotFound,
    SeveralApiEntries,
    TooManyRequests,
    UnknownAttribute,
)
from sojourn.service.journeys import find, lock, point_numbers, tell_shards
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.resources import Resources
from sojourn.service.scopes import load_scope
from sojourn.service.segments import parsed, require_meaning
from sojourn.service.values import ATTRIBUTES_MAX, STRING_MAX, count_problems, id_problems, refuse, text_problems
from sojourn.store import entries as store
from sojourn.store.connection import Conn
from sojourn.store.directory import app_ids
from sojourn.store.identities import find_identities
from sojourn.store.inbox import InboxRow, append_inbox
from sojourn.store.journeys import StoredJourney

BETWEEN_REQUESTS = timedelta(minutes=1)
"""At least so long between two accepted requests for one entry point."""

DROP_REASON = "dropped by API"
ENTERED = "entered"
FILTER_MAX = 20_000
JOURNEYS_MAX = 500
PEOPLE_MAX = 10_000


async def enroll_by_api(resources: Resources, caller: Caller, command: EnrollByApi) -> EntryAccepted:
    """Accept people for the API entry of a running journey. Durable on return.

    A repetition of a request, recognised by its idempotency key, gets the first answer again, whatever has become of
    the journey since. A refusal uses up neither the key nor the minute.

    Raises:
        IdempotencyMismatch: The key came with another request before.
        InvalidDocument: An id or value cannot be kept, or a required attribute is missing.
        SojournError: The errors that `EnrollByApi` lists, in its order.
    """
    _check_shape(command)
    shard_count, now = await resources.facts.shard_count(), resources.clock()
    answer = EntryAccepted(request_uuid=uuid4())
    async with resources.pool.connection() as conn, conn.transaction():
        if command.idempotency_key:
            first = await _first_answer(conn, caller, command, answer, now)
            if first != answer:
                return first
        journey = await lock(conn, caller, journey_uuid(command.journey))
        if journey.status != "running":
            raise JourneyNotRunning
        entry = api_entry(read_graph(journey))
        attributes = entry_attributes(entry, command.attribute_values)
        if command.filter:
            await _check_filter(conn, caller, command.filter)
        point_no = (await point_numbers(conn, journey.journey_id))[entry.id]
        if command.is_paced:
            await _check_rate(conn, journey, point_no, now)
        request = _Request(caller.workspace_id, journey, entry, point_no, answer.request_uuid, attributes)
        await _keep(conn, request, command, shard_count, now)
    return answer


@dataclass(frozen=True, slots=True)
class _Request:
    """A request to enroll that nothing speaks against."""

    workspace_id: int
    journey: StoredJourney
    entry: StartByApi
    point_no: int
    request_uuid: UUID
    attributes: Mapping[str, str]

    def data(self) -> dict[str, object]:
        """Say in the inbox what is asked for."""
        return {
            "journey_id": self.journey.journey_id,
            "point_no": self.point_no,
            "request_uuid": self.request_uuid,
            "entry": self.attributes,
        }


def _check_shape(command: EnrollByApi) -> None:
    given = [name for name in ("users", "hwids", "anonymous_ids", "filter") if getattr(command, name)]
    if not given:
        raise BadSelector
    if len(given) > 1:
        raise BadSelector("only one of users, hwids or filter must be provided")
    if len(command.filter) > FILTER_MAX:
        raise InvalidFilter(f"invalid filter: at most {FILTER_MAX} characters are allowed")
    refuse(_shape_problems(command))


def _shape_problems(command: EnrollByApi) -> Iterator[Problem]:
    selectors = (("users", command.users), ("hwids", command.hwids), ("anonymous_ids", command.anonymous_ids))
    for name, ids in selectors:
        yield from people_problems(ids, name)
    yield from entry_value_problems(command.attribute_values)
    yield from text_problems(command.filter, "filter")
    yield from id_problems(command.idempotency_key, "idempotency_key")


def entry_value_problems(values: Mapping[str, str]) -> Iterator[Problem]:
    """Check the values that a request brings for the attributes of an entry: how many, and each of them."""
    yield from count_problems(values, "attribute_values")
    for name, value in islice(values.items(), ATTRIBUTES_MAX):
        where = _value_place(name)
        if len(value) > STRING_MAX:
            yield Problem("value.too_long", where, f"a value has at most {STRING_MAX} characters")
        yield from text_problems(name, where)
        yield from text_problems(value, where)


def _value_place(name: str) -> str:
    return f"attribute_values/{part(name[:IDENTITY_MAX])}"


def people_problems(ids: Sequence[str], where: str) -> Iterator[Problem]:
    """Check a list of ids: how many, and each of them."""
    if len(ids) > PEOPLE_MAX:
        yield Problem("people.too_many", where, f"at most {PEOPLE_MAX} ids are allowed in one request")
        return
    for place, value in enumerate(ids):
        if not value:
            yield Problem("id.empty", f"{where}/{place}", "an id is not empty")
        yield from id_problems(value, f"{where}/{place}")


async def _first_answer(
    conn: Conn, caller: Caller, command: EnrollByApi, answer: EntryAccepted, now: datetime
) -> EntryAccepted:
    """Return the answer to the first request with this key, which is `answer` if this is the first.

    A request under way with the same key is waited for. If this one is refused, its key is rolled back with it.
    """
    request_hash = sha256(msgspec.json.encode(command, order="deterministic")).digest()
    key, workspace_id = command.idempotency_key, caller.workspace_id
    body = msgspec.json.encode(answer)
    if await store.insert_first_answer(
        conn, workspace_id=workspace_id, key=key, request_hash=request_hash, body=body, now=now
    ):
        return answer
    first = await store.find_first_answer(conn, workspace_id=workspace_id, key=key)
    if first is None or first.request_hash != request_hash:
        raise IdempotencyMismatch
    return msgspec.json.decode(first.body, type=EntryAccepted)


def journey_uuid(text: str) -> UUID:
    """Read the id of a journey.

    Raises:
        JourneyNotFound: It is none: no journey has it.
    """
    try:
        return UUID(text)
    except ValueError:
        raise JourneyNotFound from None


def api_entry(graph: Graph) -> StartByApi:
    """Return the entry by which people are sent into a journey.

    Raises:
        EntryDeactivated: It lets nobody in.
        NoApiEntry: There is none.
        SeveralApiEntries: There are several.
    """
    entries = [point for point in graph.points if isinstance(point, StartByApi)]
    if not entries:
        raise NoApiEntry
    if len(entries) > 1:
        raise SeveralApiEntries
    if entries[0].is_deactivated:
        raise EntryDeactivated
    return entries[0]


def entry_attributes(entry: StartByApi, given: Mapping[str, str]) -> dict[str, str]:
    """Complete the values given with those that the entry point has for the rest.

    Raises:
        InvalidDocument: One that is required is missing.
        UnknownAttribute: The entry point does not name one.
    """
    known = {attribute.name for attribute in entry.attributes}
    if unknown := [name for name in given if name not in known]:
        problems = tuple(
            Problem(UnknownAttribute.code, _value_place(name), f"unknown attribute: {name}") for name in unknown
        )
        raise UnknownAttribute(problems[0].text, problems=problems)
    defaults = {each.name: each.default_value for each in entry.attributes if each.default_value is not None}
    values = defaults | dict(given)
    missing = [each.name for each in entry.attributes if each.required and each.name not in values]
    if missing:
        problems = tuple(
            Problem("entry.attribute_missing", _value_place(name), f"missing attribute: {name}") for name in missing
        )
        raise InvalidDocument(problems[0].text, problems=problems)
    return values


async def _check_filter(conn: Conn, caller: Caller, source: str) -> None:
    require_meaning(parsed(source), await load_scope(conn, caller.workspace_id), source)


async def _check_rate(conn: Conn, journey: StoredJourney, point_no: int, now: datetime) -> None:
    """Refuse a second request within a minute. The caller holds the journey's lock, so the requests take turns."""
    last = await store.last_entry_request_at(conn, journey_id=journey.journey_id, point_no=point_no)
    if last is not None and last > now - BETWEEN_REQUESTS:
        raise TooManyRequests(retry_after_s=ceil((last + BETWEEN_REQUESTS - now).total_seconds()))


async def _keep(conn: Conn, request: _Request, command: EnrollByApi, shard_count: int, now: datetime) -> None:
    """Make the request durable: its row, and what the inboxes of the people need to know."""
    people = _identities(request.workspace_id, command)
    await store.insert_entry_request(
        conn,
        request_uuid=request.request_uuid,
        workspace_id=request.workspace_id,
        journey_id=request.journey.journey_id,
        point_no=request.point_no,
        accepted=None if command.filter else len(people),
        now=now,
    )
    if command.filter:
        data = request.data() | {"filter": command.filter}
        await tell_shards(conn, request.journey, "select", data, shard_count=shard_count, now=now)
        return
    apps = await app_ids(conn, workspace_id=request.workspace_id)
    app_id = apps.get(request.entry.application_code or "", request.journey.app_id)
    words = (Word(kind="enroll", data=json_text(request.data())),)
    notices = [
        Notice(workspace_id=request.workspace_id, app_id=app_id, identities=(person,), words=words) for person in people
    ]
    await accept(conn, notices, shard_count=shard_count, now=now)


def _identities(workspace_id: int, command: EnrollByApi) -> list[Identity]:
    """List the people named, each once."""
    users = [user_identity(workspace_id, user_id) for user_id in command.users]
    devices = [device_identity(workspace_id, hwid) for hwid in command.hwids]
    visitors = [anonymous_identity(workspace_id, each) for each in command.anonymous_ids]
    return list(dict.fromkeys(users + devices + visitors))


async def get_entry_request(resources: Resources, caller: Caller, command: GetEntryRequest) -> EntryOutcome:
    """Tell what has become of a request so far.

    Raises:
        JourneyNotFound: The workspace has no such journey.
        NotFound: The journey had no such request.
    """
    shard_count = await resources.facts.shard_count()
    async with resources.pool.connection() as conn, conn.transaction():
        journey = await find(conn, caller, journey_uuid(command.journey))
        request = await store.find_entry_request(conn, request_uuid=command.request_uuid, journey_id=journey.journey_id)
        if request is None:
            raise NotFound
        # In this order: once no shard is left to be asked, what all of them said is there.
        shards, request_uuid = range(shard_count), command.request_uuid
        is_open = request.accepted is None and await store.is_being_selected(
            conn, shards=shards, request_uuid=request_uuid
        )
        outcomes = await store.entry_outcomes(conn, shards=shards, request_uuid=request_uuid)
    accepted = None if is_open else sum(outcomes.values()) if request.accepted is None else request.accepted
    entered = outcomes.pop(ENTERED, 0)
    return EntryOutcome(request_uuid=command.request_uuid, accepted=accepted, entered=entered, refused=outcomes)


async def drop_people(resources: Resources, caller: Caller, command: DropPeople) -> Done:
    """Take people out of journeys. Durable on return. Unknown users are in no journey.

    Raises:
        BadSelector: No users, or no journeys and not all of them.
        JourneyNotFound: One of the journeys is not the workspace's.
    """
    if not command.user_ids:
        raise BadSelector("user_ids must be provided")
    if not command.all_journeys and not command.journeys:
        raise BadSelector("journey_uuids must be provided if all_journeys is false")
    refuse(chain(people_problems(command.user_ids, "user_ids"), _journeys_problems(command)))
    wanted = [] if command.all_journeys else [journey_uuid(text) for text in dict.fromkeys(command.journeys)]
    shard_count, now = await resources.facts.shard_count(), resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        journey_ids = None if command.all_journeys else await _active_journeys(conn, caller, wanted)
        if journey_ids == []:
            return Done()
        users = [user_identity(caller.workspace_id, user_id) for user_id in command.user_ids]
        owners = await find_identities(conn, set(users), shard_count=shard_count)
        data = json_text({"journey_ids": journey_ids, "reason": DROP_REASON})
        rows = [
            InboxRow(
                shard=person.shard,
                kind="drop",
                workspace_id=caller.workspace_id,
                profile_id=person.profile_id,
                data=data,
                occurred_at=now,
            )
            for person in dict.fromkeys(owners[user] for user in users if user in owners)
        ]
        await append_inbox(conn, rows, now=now)
    return Done()


def _journeys_problems(command: DropPeople) -> Iterator[Problem]:
    # Every person's row in the inbox names all of them.
    if not command.all_journeys and len(command.journeys) > JOURNEYS_MAX:
        yield Problem(
            "journeys.too_many", "journey_uuids", f"at most {JOURNEYS_MAX} journeys are allowed in one request"
        )


async def _active_journeys(conn: Conn, caller: Caller, wanted: Sequence[UUID]) -> list[int]:
    found = await store.find_journeys_in_progress(conn, workspace_id=caller.workspace_id, journey_uuids=wanted)
    if len(found) < len(set(wanted)):
        raise JourneyNotFound
    return sorted(journey.journey_id for journey in found if journey.is_active)
