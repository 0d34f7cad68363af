"""Doctor: finds what must never be. Changes nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sojourn.service.reach import TOO_SHORT, too_far
from sojourn.store import doctor as store
from sojourn.store.connection import Conn
from sojourn.store.definitions import read_changed_journeys, read_scopes
from sojourn.store.directory import shard_count
from sojourn.store.partitions import DAILY, Daily, day_of, leftovers, partitions, uncovered
from sojourn.store.reports import take_snapshot
from sojourn.store.upkeep import days_kept

INBOX_PATIENCE = timedelta(minutes=5)
"""How long an accepted row may wait for its tick."""

SENDING_PATIENCE = timedelta(minutes=5)
"""How long a message may stay claimed after its claim ended."""

DAYS_AHEAD_LEAST = 2
"""Days to come that have their partitions in a database that an engine works on."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        code: Stable and documented, such as `journey.conservation`.
        severity: `error`: a promise is broken. `warning`: something is late or in the way.
        where: What it is about, such as `journeys/7/points/3`.
        text: What is the case.
    """

    code: str
    severity: Severity
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined: all shards, at one moment."""

    conn: Conn
    shards: range
    now: datetime


async def examine(conn: Conn, now: datetime) -> tuple[Finding, ...]:
    """Return everything that is wrong with an installation; nothing, for a healthy one.

    All checks see the same moment. `conn` is in no transaction.
    """
    async with conn.transaction():
        await take_snapshot(conn)
        patient = Patient(conn, range(await shard_count(conn)), now)
        return tuple([finding for check in CHECKS for finding in await check(patient)])


async def _conservation(patient: Patient) -> list[Finding]:
    """For every journey: entered = inside + departed, in the tables and in the counts."""
    findings: list[Finding] = []
    for each in await store.conservation(patient.conn, shards=patient.shards):
        where = f"journeys/{each.journey_id}"
        if each.entered != each.inside + each.departed:
            text = f"{each.entered} entered, but {each.inside} are inside and {each.departed} departed"
            findings.append(Finding("journey.conservation", "error", where, text))
        if each.entered != each.counted:
            text = f"{each.entered} entered, but {each.counted} were counted"
            findings.append(Finding("journey.count", "error", where, text))
    return findings


async def _broken_enrollments(patient: Patient) -> list[Finding]:
    """Every enrollment has a stay or a departure, and not both."""
    found = await store.broken_enrollments(patient.conn, shards=patient.shards)
    return [
        Finding(
            "enrollment.broken",
            "error",
            f"journeys/{each.journey_id}",
            f"{each.with_both} enrollments have both a stay and a departure, {each.with_neither} have neither",
        )
        for each in found
    ]


async def _lost_stays(patient: Patient) -> list[Finding]:
    """Nobody stands on a point that is gone, or in a journey that has ended."""
    return [
        Finding(
            "stay.lost", "error", f"journeys/{each.journey_id}/points/{each.point_no}", f"{each.n} people cannot go on"
        )
        for each in await store.lost_stays(patient.conn, shards=patient.shards)
    ]


async def _alarms(patient: Patient) -> list[Finding]:
    """Alarms ring in time."""
    return [
        Finding(
            "alarm.late",
            "error",
            f"shards/{each.shard}/journeys/{each.journey_id}/points/{each.point_no}",
            f"somebody waits until {each.wake_at.isoformat()}, "
            + (f"but the alarm rings at {each.alarm_at.isoformat()}" if each.alarm_at else "but there is no alarm"),
        )
        for each in await store.alarm_faults(patient.conn, shards=patient.shards)
    ]


async def _indexes(patient: Patient) -> list[Finding]:
    """Indexes are whole."""
    return [
        Finding(
            "index.invalid", "warning", f"indexes/{name}", "the index is invalid; it costs writes and serves no reads"
        )
        for name in await store.invalid_indexes(patient.conn)
    ]


async def _partitions(patient: Patient) -> list[Finding]:
    """Rows of the histories have a partition to go to for two days to come, and partitions that leave are gone soon."""
    findings: list[Finding] = []
    for table in DAILY:
        findings += await _partitions_of(patient, table)
    return [
        *findings,
        *(
            Finding("partition.leftover", "warning", f"tables/{name}", "it has been detached, and not been dropped")
            for name in await leftovers(patient.conn)
        ),
    ]


async def _partitions_of(patient: Patient, table: Daily) -> list[Finding]:
    parts = await partitions(patient.conn, table)
    where = f"tables/{table}"
    findings: list[Finding] = []
    today = day_of(patient.now)
    if uncovered(parts, [today]):
        findings.append(Finding("partition.missing", "error", where, f"there is no partition for today, {today}"))
    ahead = uncovered(parts, [today + timedelta(days=days) for days in range(1, DAYS_AHEAD_LEAST + 1)])
    if ahead:
        text = f"there is no partition for {', '.join(str(day) for day in ahead)}"
        findings.append(Finding("partition.missing", "warning", where, text))
    if not any(part.begins is None and not part.is_leaving for part in parts):
        text = "there is no partition for what is older than the first day"
        findings.append(Finding("partition.missing", "warning", where, text))
    findings += [
        Finding("partition.leaving", "warning", f"tables/{part.name}", "it has begun to leave, and waits for readers")
        for part in parts
        if part.is_leaving
    ]
    return findings


async def _retentions(patient: Patient) -> list[Finding]:
    """Journeys that people are in look back no further than events are kept."""
    retentions = await days_kept(patient.conn)
    scopes = await read_scopes(patient.conn)
    return [
        Finding(
            TOO_SHORT,
            "warning",
            f"journeys/{journey.journey_id}/points/{journey.numbers[each.point_id]}",
            each.text,
        )
        for journey in await read_changed_journeys(patient.conn, -1)
        if journey.status in {"running", "paused"}
        for each in too_far(journey.graph, scopes[journey.workspace_id], retentions)
    ]


async def _inbox(patient: Patient) -> list[Finding]:
    """What was accepted is applied soon."""
    before = patient.now - INBOX_PATIENCE
    return [
        Finding("inbox.late", "warning", f"shards/{each.shard}", f"{each.n} rows wait, since {each.since.isoformat()}")
        for each in await store.inbox_delays(patient.conn, shards=patient.shards, before=before)
    ]


async def _messages(patient: Patient) -> list[Finding]:
    """No message is forgotten by a sender that is gone."""
    before = patient.now - SENDING_PATIENCE
    return [
        Finding(
            "message.stuck", "warning", f"shards/{each.shard}", f"{each.n} messages, since {each.since.isoformat()}"
        )
        for each in await store.stuck_messages(patient.conn, shards=patient.shards, before=before)
    ]


CHECKS: tuple[Callable[[Patient], Awaitable[list[Finding]]], ...] = (
    _conservation,
    _broken_enrollments,
    _lost_stays,
    _alarms,
    _indexes,
    _partitions,
    _retentions,
    _inbox,
    _messages,
)
