"""Statuses: journeys started, paused, finished, taken back to draft and archived.

Which command is allowed when, and what it means for the people inside, is the table in `model.lifecycle`; here it
takes effect.
"""

from datetime import datetime
from typing import assert_never

from sojourn.model.lifecycle import Transition, transition
from sojourn.service.commands import Caller, ChangeStatus, Journey
from sojourn.service.drafts import journey_reply, read_graph
from sojourn.service.errors import InvalidState
from sojourn.service.journeys import find, listen, lock, point_numbers, reactions_in, require_clean, tell_shards
from sojourn.service.resources import Resources
from sojourn.store import journeys as store
from sojourn.store.connection import Conn
from sojourn.store.delivery import notify_senders
from sojourn.store.journeys import StoredJourney


async def change_status(resources: Resources, caller: Caller, command: ChangeStatus) -> Journey:
    """Start, pause, finish, draft or archive a journey.

    Raises:
        InvalidDocument: It is to be started, and its graph has problems: all of them.
        InvalidState: Its status does not allow the command.
        JourneyNotFound: The workspace has no such journey.
    """
    shard_count, zones, now = await resources.facts.shard_count(), await resources.facts.zones(), resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        journey = await lock(conn, caller, command.journey)
        step = transition(command.command, journey.status)
        if step is None:
            raise InvalidState(command=command.command, status=journey.status)
        if step.to == "running":
            await require_clean(conn, journey.workspace_id, read_graph(journey), zones)
        await _keep_status(conn, journey, step, now)
        await _tell_inside(conn, journey, step, shard_count, now)
        await store.mark_changed(conn, journey_id=journey.journey_id)
        return journey_reply(await find(conn, caller, command.journey))


async def _keep_status(conn: Conn, journey: StoredJourney, step: Transition, now: datetime) -> None:
    await store.set_status(
        conn,
        journey_id=journey.journey_id,
        status=step.to,
        first_started_at=now if step.to == "running" and not journey.first_started_at else journey.first_started_at,
        started_at=_started_at(journey, step, now),
        stop_reason=_stop_reason(journey, step),
        now=now,
    )


def _started_at(journey: StoredJourney, step: Transition, now: datetime) -> datetime | None:
    match step.inside:
        case "resumed":
            # A pause does not make a new start: what was to happen once at the start does not happen again.
            return journey.started_at or now
        case "held" | "unchanged":
            return journey.started_at
        case "stopped":
            return None
        case _:
            assert_never(step.inside)


def _stop_reason(journey: StoredJourney, step: Transition) -> str:
    match step.to:
        case "finished" | "archived":
            return journey.stop_reason or f"journey {step.to}"
        case _:
            return ""


async def _tell_inside(conn: Conn, journey: StoredJourney, step: Transition, shard_count: int, now: datetime) -> None:
    """Let the engines know what becomes of the people inside, and which events still count."""
    match step.inside:
        case "resumed":
            held_since = await store.forget_held_since(conn, journey_id=journey.journey_id)
            data = {"journey_id": journey.journey_id, "held_since": held_since, "from": journey.status}
            await tell_shards(conn, journey, "begin", data, shard_count=shard_count, now=now)
            await notify_senders(conn, shards=range(shard_count))
        case "held":
            await store.keep_held_since(conn, journey_id=journey.journey_id, now=now)
        case "stopped" if journey.started_at is not None:
            await store.forget_held_since(conn, journey_id=journey.journey_id)
            data = {"journey_id": journey.journey_id, "reason": f"journey {step.to}"}
            await tell_shards(conn, journey, "stop", data, shard_count=shard_count, now=now)
        case _:
            pass
    numbers = await point_numbers(conn, journey.journey_id)
    is_heard = step.inside in {"resumed", "held", "stopped"}
    reactions = reactions_in(step.to) if is_heard else reactions_in("archived")
    await listen(conn, journey, read_graph(journey), numbers, reactions)
