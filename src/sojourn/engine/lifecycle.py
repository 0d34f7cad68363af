"""Lifecycle of a journey as it reaches one shard: it begins or resumes, loses points, ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, assert_never

from sojourn.engine.audiences import begin_audiences
from sojourn.store.tick import Cursor

if TYPE_CHECKING:
    from sojourn.engine.catalog import Journey
    from sojourn.engine.tick import Advance
    from sojourn.store.tick import ShardWideRow, Tick

JUST_BEFORE = timedelta(microseconds=1)
OVERDUE = "overdue after a pause"
POINT_REMOVED = "point removed"
ENDED = frozenset({"finished", "archived"})


async def begin_journey(advance: Advance, journey: Journey, row: ShardWideRow) -> bool:
    """Let a journey begin or go on, and release a batch of its messages that were held back; tell whether all are."""
    is_first_look = "after_profile" not in row.data
    if is_first_look:
        await _begin(advance.tick, journey, row)
    released = await advance.tick.release_messages(journey.journey_id, advance.budget.people)
    if released:
        await advance.tick.notify_senders()
    if released < advance.budget.people:
        return True
    if is_first_look:
        await advance.tick.keep_progress(row.inbox_id, 0)
    return False


async def _begin(tick: Tick, journey: Journey, row: ShardWideRow) -> None:
    """Carry out the resume policy for who was held, and schedule or watch for the segment entries."""
    held_since = row.data.get("held_since")
    if held_since is not None:
        await _resume_people(tick, journey, datetime.fromisoformat(str(held_since)), row.received_at)
    for point_no, schedule in journey.schedules().items():
        cursor = await tick.read_cursor(journey.journey_id, point_no)
        if cursor is None:
            begins = journey.row.started_at
            assert begins is not None, "a journey with schedules was started"
            # An entry that an edit added runs from then on; one that runs once, at once.
            first = begins if schedule.repeat is None else max(begins, row.received_at)
            cursor = Cursor(first - JUST_BEFORE, None, 0)
        elif schedule.repeat is not None and "from" in row.data:
            # Runs that fell into a pause are left out; one that was under way goes on.
            cursor = Cursor(
                max(cursor.done_until, row.received_at - JUST_BEFORE), cursor.working_until, cursor.after_profile
            )
        await tick.write_cursor(journey.journey_id, point_no, cursor)
        next_look = tick.now if cursor.working_until is not None else schedule.next_look(cursor.done_until)
        await tick.set_alarm(journey.journey_id, point_no, next_look)
    await begin_audiences(tick, journey, row)


async def _resume_people(tick: Tick, journey: Journey, held_since: datetime, resumed_at: datetime) -> None:
    policy = journey.settings.resume_policy
    timed = journey.fixed_waits()
    match policy:
        case "RESUME_CONTINUE":
            return
        case "RESUME_SHIFT":
            await tick.shift_stays(journey.journey_id, resumed_at - held_since, timed=timed)
        case "RESUME_SPREAD":
            await tick.spread_overdue(journey.journey_id, timed=timed)
        case "RESUME_DROP_OVERDUE":
            await tick.end_stays(
                journey.journey_id, outcome="dropped", reason=OVERDUE, batch=2**31, until=resumed_at, timed=timed
            )
        case _:
            assert_never(policy)
    points = await tick.journey_points(journey.journey_id)
    await tick.reset_alarms([(journey.journey_id, point_no) for point_no in sorted(points)])


async def move_people(advance: Advance, journey: Journey, row: ShardWideRow) -> bool:
    """Take a batch of people off points that an edit removed; tell whether it was the last."""
    if journey.row.status in ENDED:
        return True
    if not journey.advances:
        # Held people stay where they are; the row waits until the journey runs again, or ends.
        return False
    moves = [(int(removed), None if target is None else int(target)) for removed, target in row.data["moves"]]
    left = advance.budget.people
    for target in sorted({target for _, target in moves if target is not None}):
        removed = [number for number, to in moves if to == target]
        if journey.point(target) is None:
            continue
        moved = await advance.walk(journey, journey.on_removed(target), {"moved": removed, "batch": left})
        left -= moved.taken
        if left <= 0:
            return False
    for removed, target in moves:
        if target is None or journey.point(target) is None:
            left -= await advance.tick.end_stays(
                journey.journey_id, outcome="dropped", reason=POINT_REMOVED, batch=left, point_no=removed
            )
            if left <= 0:
                return False
    await advance.tick.reset_alarms([(journey.journey_id, removed) for removed, _ in moves])
    return True


async def stop_journey(advance: Advance, journey: Journey, row: ShardWideRow) -> bool:
    """End a batch of the enrollments in a journey that has ended; tell whether it was the last."""
    reason = str(row.data.get("reason", "journey finished"))
    ended = await advance.tick.end_stays(
        journey.journey_id, outcome="stopped", reason=reason, batch=advance.budget.people
    )
    if ended >= advance.budget.people:
        return False
    if await advance.tick.forget_members(journey.journey_id, batch=advance.budget.people) >= advance.budget.people:
        return False
    await advance.tick.clear_journey(journey.journey_id, reason)
    return True
