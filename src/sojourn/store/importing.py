"""Importing: how far an import has come, and rows of people and history in bulk.

New people and history are written by COPY: nothing else has rows there to conflict with.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

Subject = Literal["people", "events"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come, in rows of its file. Refused rows are done, too."""

    rows_done: int
    rows_refused: int
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProfile:
    """A person whom nobody else knows yet. `attributes` and `location` are JSON texts."""

    shard: int
    profile_id: int
    user_id: str | None
    attributes: str
    time_zone: str | None
    language: str | None
    location: str | None = None
    first_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """A device or address of a new person. `details` is JSON text."""

    shard: int
    profile_id: int
    hwid: str
    channel: str
    platform: str
    push_token: str | None
    language: str | None
    is_subscribed: bool
    details: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    """Something a person did, which nothing reacts to any more. `data` is JSON text."""

    shard: int
    profile_id: int
    name: str
    data: str
    occurred_at: datetime
    source_id: str | None


async def begin_import(conn: Conn, *, workspace_id: int, import_id: str, subject: Subject, now: datetime) -> Progress:
    """Begin an import. Return how far it had come if it was begun before."""
    key = {"workspace_id": workspace_id, "import_id": import_id}
    await conn.execute(QUERIES["insert_import"], key | {"subject": subject, "now": now})
    row = await (await conn.execute(QUERIES["find_import"], key)).fetchone()
    assert row is not None, "the import was there, or has just been made"
    return Progress(*row)


async def advance_import(conn: Conn, *, workspace_id: int, import_id: str, rows_before: int, reached: Progress) -> bool:
    """Record how far an import has come. Return False if another process has moved it on."""
    cursor = await conn.execute(
        QUERIES["advance_import"],
        {
            "workspace_id": workspace_id,
            "import_id": import_id,
            "rows_before": rows_before,
            "rows_done": reached.rows_done,
            "rows_refused": reached.rows_refused,
        },
    )
    return cursor.rowcount == 1


async def finish_import(conn: Conn, *, workspace_id: int, import_id: str, now: datetime) -> None:
    """Record that an import came to the end of its file."""
    await conn.execute(QUERIES["finish_import"], {"workspace_id": workspace_id, "import_id": import_id, "now": now})


async def copy_people(
    conn: Conn,
    *,
    workspace_id: int,
    app_id: int,
    profiles: Sequence[NewProfile],
    devices: Sequence[NewDevice],
    now: datetime,
) -> None:
    """Write people who are new in this transaction."""
    app_ids = f"{{{app_id:d}}}"  # a literal: making an array of every row's list took a fifth of the time
    await _copy(
        conn,
        "copy profile (shard, profile_id, workspace_id, user_id, attributes, time_zone, language, location, app_ids,"
        " created_at, updated_at) from stdin",
        (
            (
                p.shard,
                p.profile_id,
                workspace_id,
                p.user_id,
                p.attributes,
                p.time_zone,
                p.language,
                p.location,
                app_ids,
                p.first_seen_at or now,
                now,
            )
            for p in profiles
        ),
    )
    await _copy(
        conn,
        "copy device (shard, profile_id, app_id, hwid, channel, platform, push_token, language, is_subscribed,"
        " details, created_at, updated_at) from stdin",
        (
            (
                d.shard,
                d.profile_id,
                app_id,
                d.hwid,
                d.channel,
                d.platform,
                d.push_token,
                d.language,
                d.is_subscribed,
                d.details,
                now,
                now,
            )
            for d in devices
        ),
    )


async def copy_history(
    conn: Conn, *, workspace_id: int, app_id: int, events: Sequence[PastEvent], now: datetime
) -> int:
    """Write events straight into the history, as received when they occurred. The caller holds the leases.

    Events whose `source_id` was seen before are left out. Return how many were written.
    """
    marked = [(place, event) for place, event in enumerate(events) if event.source_id is not None]
    left_out: set[int] = set()
    if marked:
        cursor = await conn.execute(
            QUERIES["insert_event_sources"],
            {
                "workspace_id": workspace_id,
                "places": [place for place, _ in marked],
                "shards": [event.shard for _, event in marked],
                "source_ids": [event.source_id for _, event in marked],
                "now": now,
            },
        )
        left_out = {place for place, _ in marked} - {place for (place,) in await cursor.fetchall()}
    written = [event for place, event in enumerate(events) if place not in left_out]
    await _copy(
        conn,
        "copy event (shard, profile_id, workspace_id, app_id, name, data, source_id, occurred_at, received_at)"
        " from stdin",
        (
            (e.shard, e.profile_id, workspace_id, app_id, e.name, e.data, e.source_id, e.occurred_at, e.occurred_at)
            for e in written
        ),
    )
    return len(written)


async def _copy(conn: Conn, statement: LiteralString, rows: Iterable[tuple[Any, ...]]) -> None:
    async with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            await copy.write_row(row)
