"""Enrollments: who is or was in a journey, and one of them ended."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from sojourn.model.graph import Graph
from sojourn.model.points import ENTRY_KINDS, Exit
from sojourn.model.public_ids import Place, enrollment_place, enrollment_uuid, profile_uuid
from sojourn.service.commands import (
    Caller,
    CountEnrollments,
    Done,
    Enrollment,
    EnrollmentCounts,
    EnrollmentList,
    EnrollmentStatus,
    ListEnrollments,
    StopEnrollment,
)
from sojourn.service.drafts import read_graph
from sojourn.service.errors import NotFound
from sojourn.service.journeys import find, point_numbers
from sojourn.service.notices import json_text
from sojourn.service.resources import Resources
from sojourn.store import enrollments as store
from sojourn.store.connection import Conn
from sojourn.store.enrollments import Part, ShownEnrollment
from sojourn.store.inbox import InboxRow, append_inbox
from sojourn.store.journeys import journey_ids

STOP_REASON = "stopped by hand"

T = TypeVar("T")

OUTCOMES: Mapping[EnrollmentStatus, tuple[str, ...] | None] = {
    "in_progress": (),
    "completed": ("completed",),
    "stopped": ("control", "dropped", "stopped"),
    "abandoned": ("abandoned",),
    "goal_reached": ("goal",),
}
"""Status to the outcomes that it stands for; that of who is inside has none.

The control group did not get the journey, so nobody in it completed one: they were taken out as soon as they came.
"""

STATUSES: Mapping[str, EnrollmentStatus] = {
    outcome: status for status, outcomes in OUTCOMES.items() for outcome in outcomes or ()
}


async def count_enrollments(resources: Resources, caller: Caller, command: CountEnrollments) -> EnrollmentCounts:
    """Count who came into some journeys."""
    shards = range(await resources.facts.shard_count())
    async with resources.pool.connection() as conn:
        ids = await journey_ids(conn, workspace_id=caller.workspace_id, journey_uuids=command.journeys)
        counts = await store.count_enrollments(
            conn, journey_ids=list(ids.values()), shards=shards, entry_kinds=ENTRY_KINDS
        )
    return EnrollmentCounts(counts={each: counts.get(ids[each], 0) if each in ids else 0 for each in command.journeys})


async def list_enrollments(resources: Resources, caller: Caller, command: ListEnrollments) -> EnrollmentList:
    """Show a part of the enrollments of a journey, who came last first. Raises as the command says."""
    shards = range(await resources.facts.shard_count())
    async with resources.pool.connection() as conn, conn.transaction():
        journey = await find(conn, caller, command.journey)
        part = Part(
            journey_id=journey.journey_id,
            shards=shards,
            outcomes=None if command.status is None else OUTCOMES[command.status],
            skipped=command.offset,
            count=command.limit,
            entry_kinds=ENTRY_KINDS,
            now=resources.clock(),
        )
        found = await store.list_enrollments(conn, part)
        if part.outcomes is None:
            counts = await store.count_enrollments(
                conn, journey_ids=[journey.journey_id], shards=shards, entry_kinds=ENTRY_KINDS
            )
            total = counts.get(journey.journey_id, 0)
        else:
            total = await store.count_some(conn, part)
        points = {number: point for point, number in (await point_numbers(conn, journey.journey_id)).items()}
    graph = read_graph(journey)
    return EnrollmentList(items=tuple(_view(command.journey, each, points, graph) for each in found), total=total)


def _view(journey: UUID, found: ShownEnrollment, points: Mapping[int, str], graph: Graph) -> Enrollment:
    point = points.get(found.at_point_no) if found.at_point_no is not None else None
    return Enrollment(
        enrollment=enrollment_uuid(*found.named),
        journey=journey,
        profile=profile_uuid(found.shard, found.profile_id),
        user_id=found.user_id,
        anonymous_id=found.anonymous_id,
        attributes=found.attributes,
        status="in_progress" if found.outcome is None else STATUSES[found.outcome],
        entered_at=found.entered_at,
        point=None if point is None else UUID(point),
        departed_at=found.departed_at,
        outcome=_outcome(found, points, graph),
        is_control=found.outcome == "control",
    )


def _outcome(found: ShownEnrollment, points: Mapping[int, str], graph: Graph) -> str:
    """Return what the exit says that a person left by, or why they were taken out."""
    if found.reason:
        return found.reason
    last = points.get(found.last_point_no) if found.last_point_no is not None else None
    exits = {point.id: point.outcome for point in graph.points if isinstance(point, Exit)}
    return exits.get(last or "", "") if found.outcome == "completed" else ""


async def stop_enrollment(resources: Resources, caller: Caller, command: StopEnrollment) -> Done:
    """Take a person out of a journey. Durable on return.

    Raises:
        JourneyNotFound: The workspace has no such journey.
        NotFound: The enrollment is none of the journey's, or has ended.
    """
    now = resources.clock()
    shards = range(await resources.facts.shard_count())
    async with resources.pool.connection() as conn, conn.transaction():
        journey = await find(conn, caller, command.journey)
        (shard, enrollment_id), profile_id = await find_named(
            conn,
            command.enrollment,
            lambda place: store.person_inside(conn, place, journey_id=journey.journey_id),
            shards=shards,
        )
        data = {"journey_ids": [journey.journey_id], "enrollment_id": enrollment_id, "reason": STOP_REASON}
        row = InboxRow(
            shard=shard,
            kind="drop",
            workspace_id=caller.workspace_id,
            profile_id=profile_id,
            data=json_text(data),
            occurred_at=now,
        )
        await append_inbox(conn, [row], now=now)
    return Done()


async def find_named(
    conn: Conn, name: UUID, look: Callable[[Place], Awaitable[T | None]], *, shards: Sequence[int]
) -> tuple[Place, T]:
    """Return where the enrollment is that a uuid names, and what `look` finds there.

    It looks where the enrollment came about, which is where nearly all are, and then where merges have moved it.

    Raises:
        NotFound: It finds nothing at either place.
    """
    place = enrollment_place(name)
    found = None if place is None else await look(place)
    if place is not None and found is None:
        place = await store.moved_enrollment(conn, place, shards=shards)
        found = None if place is None else await look(place)
    if place is None or found is None:
        raise NotFound
    return place, found
