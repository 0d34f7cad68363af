"""What the sender asks of the database: typed calls, arrays in, rows out. Decides nothing."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from sojourn.model.problems import SojournError
from sojourn.store.connection import Conn, Pool
from sojourn.store.queries import QUERIES

Channel = Literal["email", "webhook"]
"""The channels that have a provider."""

Status = Literal["failed", "queued", "sent", "skipped"]


class OutcomeUnwritable(SojournError):
    """An outcome holds a value that the database refuses."""

    code = "delivery.outcome_unwritable"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDue:
    """When a lane has its next message; without a lane, when the first lease ends.

    Attributes:
        held_journey: The journey of that message, where it is held.
    """

    priority: int | None
    channel: Channel | None
    at: datetime
    held_journey: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedMessage:
    """A message leased to this sender, with what is known about its person.

    Attributes:
        origin_shard: With `origin_id` what the world knows the message by, also after its person was merged.
        attempt: The number of this attempt, from 1.
        context: `{"entry": {…}, "event": {…}}`.
        attributes: None for a person who is gone.
    """

    shard: int
    message_id: int
    origin_shard: int
    origin_id: int
    enrollment_id: int
    profile_id: int
    journey_id: int
    version_no: int
    point_no: int
    priority: int
    attempt: int
    created_at: datetime
    context: dict[str, dict[str, Any]] | None
    attributes: dict[str, Any] | None
    user_id: str | None
    time_zone: str | None
    language: str | None
    address: str | None
    is_subscribed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyVersionRow:
    """A stored graph, as JSON text, and the uuids of its journey's points by number."""

    journey_id: int
    version_no: int
    journey_uuid: UUID
    workspace_id: int
    app_id: int
    application_code: str
    graph: str
    point_uuids: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetRow:
    """The content of a preset, as it was stored."""

    workspace_id: int
    code: str
    content: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettingRow:
    """Which provider delivers a channel of an app, and with which settings."""

    app_id: int
    provider: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """How many outcomes counted, how many enrollments were told, and whether the engine was woken for them."""

    recorded: int
    told: int
    woken: int


@dataclass(frozen=True, slots=True)
class PaceRow:
    """How far a point with a send rate has come; see the table `pace`."""

    journey_id: int
    point_no: int
    tokens: float
    filled_at: datetime
    promised_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recent:
    message_id: int
    n: int


async def look_for_messages(
    conn: Conn, *, shard: int, priorities: Sequence[int], channels: Sequence[Channel]
) -> list[NextDue]:
    """Return when each lane of a shard has its next message. The lanes come as two arrays of one length."""
    async with conn.cursor(row_factory=class_row(NextDue)) as cursor:
        await cursor.execute(
            QUERIES["look_for_messages"],
            {"shard": shard, "priorities": list(priorities), "channels": list(channels)},
        )
        return await cursor.fetchall()


async def claim_messages(
    conn: Conn, *, shard: int, priority: int, channel: Channel, now: datetime, claimed_until: datetime, batch: int
) -> list[ClaimedMessage]:
    """Lease up to `batch` due messages of a lane until `claimed_until`, the earliest first."""
    async with conn.cursor(row_factory=class_row(ClaimedMessage)) as cursor:
        await cursor.execute(
            QUERIES["claim_messages"],
            {
                "shard": shard,
                "priority": priority,
                "channel": channel,
                "now": now,
                "claimed_until": claimed_until,
                "batch": batch,
            },
        )
        return await cursor.fetchall()


async def hold_back_messages(
    conn: Conn, *, shard: int, journey_id: int, priority: int, channel: Channel, now: datetime, batch: int
) -> int:
    """Take the messages of a held journey among the next `batch` of a lane out of the queue. Return how many."""
    values = {
        "shard": shard,
        "journey_id": journey_id,
        "priority": priority,
        "channel": channel,
        "now": now,
        "batch": batch,
    }
    return (await conn.execute(QUERIES["hold_back_messages"], values)).rowcount


async def renew_claims(conn: Conn, *, shard: int, message_ids: Sequence[int], claimed_until: datetime) -> int:
    """Extend leases. Return how many still were leases."""
    cursor = await conn.execute(
        QUERIES["renew_claims"], {"shard": shard, "message_ids": list(message_ids), "claimed_until": claimed_until}
    )
    return cursor.rowcount


async def release_expired_claims(conn: Conn, *, shard: int, now: datetime, held_ids: Sequence[int], batch: int) -> int:
    """Queue again what another sender left. Return how many."""
    cursor = await conn.execute(
        QUERIES["release_expired_claims"], {"shard": shard, "now": now, "held_ids": list(held_ids), "batch": batch}
    )
    return cursor.rowcount


async def count_recent_messages(
    conn: Conn,
    *,
    shard: int,
    channel: Channel,
    message_ids: Sequence[int],
    profile_ids: Sequence[int],
    journey_ids: Sequence[int],
    sinces: Sequence[datetime],
) -> dict[int, int]:
    """Return by message how many of its kind its person got since the instant given; those without any are left out."""
    async with conn.cursor(row_factory=class_row(_Recent)) as cursor:
        await cursor.execute(
            QUERIES["count_recent_messages"],
            {
                "shard": shard,
                "channel": channel,
                "message_ids": list(message_ids),
                "profile_ids": list(profile_ids),
                "journey_ids": list(journey_ids),
                "sinces": list(sinces),
            },
        )
        return {row.message_id: row.n for row in await cursor.fetchall()}


async def record_outcomes(
    conn: Conn,
    *,
    shard: int,
    now: datetime,
    hour: datetime,
    message_ids: Sequence[int],
    attempts: Sequence[int],
    statuses: Sequence[Status],
    due_ats: Sequence[datetime | None],
    are_spent: Sequence[bool],
    addresses: Sequence[str | None],
    provider_refs: Sequence[str | None],
    details: Sequence[str | None],
    metrics: Sequence[str],
    reasons: Sequence[str],
    outputs: Sequence[int | None],
    entries: Sequence[str | None],
) -> Recorded:
    """Write outcomes, tallies and the inbox rows of enrollments that wait. All arrays have one length.

    Args:
        conn: What is written is written by one statement.
        shard: Of all the messages.
        now: The instant of the outcomes.
        hour: That instant's hour, for the tallies.
        message_ids: Which.
        attempts: The attempt that each outcome belongs to.
        statuses: What each is now.
        due_ats: When to try again, for those queued again.
        are_spent: Whether an attempt was made.
        addresses: Where each went.
        provider_refs: The provider's own ids.
        details: Words for the operator.
        metrics: What to count each as; empty for not at all.
        reasons: The detail of the tally.
        outputs: The output of the webhook that each enrollment leaves by; None where nobody waits.
        entries: JSON objects of values learnt from the answer.

    Raises:
        OutcomeUnwritable: A value is refused; nothing was written.
    """
    values = {
        "shard": shard, "now": now, "hour": hour, "message_ids": list(message_ids), "attempts": list(attempts),
        "statuses": list(statuses), "due_ats": list(due_ats), "are_spent": list(are_spent),
        "addresses": list(addresses), "provider_refs": list(provider_refs), "details": list(details),
        "metrics": list(metrics), "reasons": list(reasons), "outputs": list(outputs), "entries": list(entries),
    }  # fmt: skip
    try:
        async with conn.cursor(row_factory=class_row(Recorded)) as cursor:
            await cursor.execute(QUERIES["record_outcomes"], values)
            [recorded] = await cursor.fetchall()
    except psycopg.DataError as refusal:
        raise OutcomeUnwritable from refusal
    return recorded


async def lock_pace(conn: Conn, first: PaceRow) -> PaceRow:
    """Return how far a point has come, `first` if it begins; nobody else gets it before the transaction ends."""
    row = await (await conn.execute(QUERIES["lock_pace"], asdict(first))).fetchone()
    assert row is not None, "an upsert returns its row"
    return PaceRow(*row)


async def write_pace(conn: Conn, pace: PaceRow) -> None:
    """Note how far a point has come."""
    await conn.execute(QUERIES["write_pace"], asdict(pace))


async def notify_senders(conn: Conn, *, shards: Sequence[int]) -> None:
    """Have senders look at shards, once the transaction commits."""
    await conn.execute(QUERIES["notify_senders_of"], {"shards": list(shards)})


async def read_journey_versions(
    conn: Conn, *, journey_ids: Sequence[int], version_nos: Sequence[int]
) -> list[JourneyVersionRow]:
    """Return the graphs of (journey, version) pairs, given as two arrays."""
    async with conn.cursor(row_factory=class_row(JourneyVersionRow)) as cursor:
        await cursor.execute(
            QUERIES["read_journey_versions"], {"journey_ids": list(journey_ids), "version_nos": list(version_nos)}
        )
        return await cursor.fetchall()


async def read_presets(conn: Conn, *, workspace_ids: Sequence[int], codes: Sequence[str]) -> list[PresetRow]:
    """Return the presets of (workspace, code) pairs, given as two arrays."""
    async with conn.cursor(row_factory=class_row(PresetRow)) as cursor:
        await cursor.execute(QUERIES["read_presets"], {"workspace_ids": list(workspace_ids), "codes": list(codes)})
        return await cursor.fetchall()


async def read_channel_settings(conn: Conn, *, app_ids: Sequence[int], channel: Channel) -> list[ChannelSettingRow]:
    """Return how these apps deliver a channel; apps without a setting are left out."""
    async with conn.cursor(row_factory=class_row(ChannelSettingRow)) as cursor:
        await cursor.execute(QUERIES["read_channel_settings"], {"app_ids": list(app_ids), "channel": channel})
        return await cursor.fetchall()


async def read_delivery_shards(conn: Conn) -> list[int]:
    """Return the shards of the installation."""
    cursor = await conn.execute(QUERIES["read_delivery_shards"])
    return [row[0] for row in await cursor.fetchall()]


@asynccontextmanager
async def wakes(pool: Pool) -> AsyncGenerator[AsyncGenerator[int]]:
    """Listen for queued messages on a connection of the pool; yields the shards, as they are notified.

    What was notified before the listening began is not heard.
    """
    async with pool.connection() as conn:
        was_autocommit = conn.autocommit
        await conn.set_autocommit(True)
        await conn.execute(QUERIES["listen_for_messages"])
        try:
            yield (int(note.payload) async for note in conn.notifies() if note.payload.isdigit())
        finally:
            # A pooled connection goes back as it came; a broken one is thrown away by the pool.
            if not conn.closed:
                await conn.execute(QUERIES["stop_listening"])
                await conn.set_autocommit(was_autocommit)
