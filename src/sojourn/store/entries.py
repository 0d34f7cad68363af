"""Entries: requests to enroll people, what became of them, and the first answers to repeated ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What a request with an idempotency key was answered."""

    request_hash: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class NamedJourney:
    """A journey that a request named. `is_active`: it is running or paused."""

    journey_uuid: UUID
    journey_id: int
    is_active: bool


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """A request to enroll people. `accepted`: how many it named; None where a filter decides."""

    accepted: int | None


async def entry_outcomes(conn: Conn, *, shards: Sequence[int], request_uuid: UUID) -> dict[str, int]:
    """Return how many people of a request met which outcome."""
    cursor = await conn.execute(QUERIES["entry_outcomes"], {"shards": list(shards), "request_uuid": request_uuid})
    return dict[str, int](await cursor.fetchall())


async def is_being_selected(conn: Conn, *, shards: Sequence[int], request_uuid: UUID) -> bool:
    """Tell whether the filter of a request has yet to be evaluated somewhere."""
    values = {"shards": list(shards), "request_uuid": request_uuid}
    row = await (await conn.execute(QUERIES["entry_is_being_selected"], values)).fetchone()
    assert row is not None, "`exists` is one row"
    return row[0]


async def find_entry_request(conn: Conn, *, request_uuid: UUID, journey_id: int) -> EntryRequest | None:
    """Return a request to enroll people in a journey."""
    values = {"request_uuid": request_uuid, "journey_id": journey_id}
    row = await (await conn.execute(QUERIES["find_entry_request"], values)).fetchone()
    return None if row is None else EntryRequest(*row)


async def insert_entry_request(
    conn: Conn,
    *,
    request_uuid: UUID,
    workspace_id: int,
    journey_id: int,
    point_no: int,
    accepted: int | None,
    now: datetime,
) -> None:
    """Keep a request to enroll people."""
    values = {
        "request_uuid": request_uuid,
        "workspace_id": workspace_id,
        "journey_id": journey_id,
        "point_no": point_no,
        "accepted": accepted,
        "now": now,
    }
    await conn.execute(QUERIES["insert_entry_request"], values)


async def last_entry_request_at(conn: Conn, *, journey_id: int, point_no: int) -> datetime | None:
    """Return when a request for an entry point was last accepted, if ever."""
    values = {"journey_id": journey_id, "point_no": point_no}
    row = await (await conn.execute(QUERIES["last_entry_request_at"], values)).fetchone()
    assert row is not None, "a maximum is one row"
    return row[0]


async def find_first_answer(conn: Conn, *, workspace_id: int, key: str) -> FirstAnswer | None:
    """Return what the first request with an idempotency key was answered."""
    row = await (
        await conn.execute(QUERIES["find_first_answer"], {"workspace_id": workspace_id, "key": key})
    ).fetchone()
    return None if row is None else FirstAnswer(*row)


async def insert_first_answer(
    conn: Conn, *, workspace_id: int, key: str, request_hash: bytes, body: bytes, now: datetime
) -> bool:
    """Keep the answer to a request. Return whether it is the first with this key."""
    values = {"workspace_id": workspace_id, "key": key, "request_hash": request_hash, "body": body, "now": now}
    return (await conn.execute(QUERIES["insert_first_answer"], values)).rowcount == 1


async def find_journeys_in_progress(
    conn: Conn, *, workspace_id: int, journey_uuids: Collection[UUID]
) -> list[NamedJourney]:
    """Return those of the journeys that are the workspace's."""
    values = {"workspace_id": workspace_id, "journey_uuids": list(journey_uuids)}
    cursor = await conn.execute(QUERIES["find_journeys_in_progress"], values)
    return [NamedJourney(*row) for row in await cursor.fetchall()]
