"""Arrivals that are worked off in batches: segment entries by their schedule, and selections asked for by API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from sojourn.compiler.segments import check_segment
from sojourn.model.calendar import EntrySchedule
from sojourn.model.points import StartByApi
from sojourn.seglang import parse
from sojourn.store.tick import Cursor

if TYPE_CHECKING:
    from datetime import datetime

    from sojourn.engine.catalog import Journey
    from sojourn.engine.tick import Advance
    from sojourn.store.tick import ShardWideRow

ENTRY_REMOVED = "entry removed"
FILTER_MEANINGLESS = "filter without meaning"
NOT_RUNNING = "journey not running"
"""Why a request let nobody in."""


def refusal_of(journey: Journey) -> str:
    """Say why nobody can come in at an entry that requests name."""
    return ENTRY_REMOVED if journey.admits else NOT_RUNNING


async def select_people(advance: Advance, journey: Journey, row: ShardWideRow) -> bool:
    """Let in a batch of the people whom a request selects; tell whether it was the last."""
    point_no = int(row.data["point_no"])
    if not journey.admits or not isinstance(journey.point(point_no), StartByApi):
        await advance.tick.refuse_selection(str(row.data["request_uuid"]), refusal_of(journey))
        return True
    wanted = parse(str(row.data["filter"]))
    if check_segment(wanted, journey.scope):  # it had a meaning when it was accepted: a segment has been deleted since
        await advance.tick.refuse_selection(str(row.data["request_uuid"]), FILTER_MEANINGLESS)
        return True
    given: dict[str, object] = {
        "after_profile": int(row.data.get("after_profile", 0)),
        "batch": advance.budget.people,
        "entry": msgspec.json.encode(row.data.get("entry", {})).decode(),
        "received_at": row.received_at,
        "request_uuid": str(row.data["request_uuid"]),
    }
    moved = await advance.admit(journey, point_no, journey.on_selection(point_no, wanted), given)
    if moved.taken < advance.budget.people or moved.last_profile is None:
        return True
    await advance.tick.keep_progress(row.inbox_id, moved.last_profile)
    return False


async def run_schedule(advance: Advance, journey: Journey, point_no: int) -> None:
    """Let in a batch of the people of a segment entry, if a run is due, and set the alarm for the next look."""
    schedule = journey.schedules()[point_no]
    cursor = await advance.tick.read_cursor(journey.journey_id, point_no)
    if cursor is None or not journey.admits:
        # Where nobody is let in now, the run is due when the journey admits again.
        await advance.tick.set_alarm(journey.journey_id, point_no, None)
        return
    until = cursor.working_until or advance.now
    cursor = await _run(advance, journey, point_no, schedule, cursor, until)
    await advance.tick.write_cursor(journey.journey_id, point_no, cursor)
    more = cursor.working_until is not None
    next_look = advance.now if more else schedule.next_look(cursor.done_until)
    await advance.tick.set_alarm(journey.journey_id, point_no, next_look)


async def _run(
    advance: Advance, journey: Journey, point_no: int, schedule: EntrySchedule, cursor: Cursor, until: datetime
) -> Cursor:
    done = Cursor(until, None, 0)
    zones = await _due_zones(advance, journey, schedule, cursor.done_until, until)
    if not zones:
        return done
    given: dict[str, object] = {"after_profile": cursor.after_profile, "batch": advance.budget.people}
    if schedule.by_zone:
        given["zones"] = zones
    moved = await advance.admit(journey, point_no, journey.on_entry(point_no), given)
    if moved.taken < advance.budget.people or moved.last_profile is None:
        return done
    return Cursor(cursor.done_until, until, moved.last_profile)


async def _due_zones(
    advance: Advance, journey: Journey, schedule: EntrySchedule, after: datetime, until: datetime
) -> list[str]:
    """Return the zones with a run in (after, until]."""
    if schedule.by_zone:
        repeat = schedule.repeat
        assert repeat is not None, "only a repeat goes by zones"
        zones = {*await advance.tick.known_zones(journey.row.workspace_id), repeat.fallback_timezone}
    else:
        zones = {schedule.zone()}
    return sorted(zone for zone in zones if any(True for _ in schedule.runs(zone, after, until)))
