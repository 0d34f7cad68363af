"""Statuses: journeys started, paused, finished, taken back to draft, archived and restored.

Which command is allowed when, and what it means for the people inside, is the table in `model.lifecycle`; here it
takes effect.
"""

from datetime import datetime
from typing import assert_never

from sojourn.model.lifecycle import Transition, transition
from sojourn.service.commands import Caller, ChangeStatus, Journey
from sojourn.service.drafts import journey_reply, read_graph
from sojourn.service.errors import InvalidState
from sojourn.service.journeys import (
    find,
    listen,
    lock,
    point_numbers,
    reactions_in,
    require_clean,
    tell_pages,
    tell_shards,
)
from sojourn.service.resources import Resources
from sojourn.store import journeys as store
from sojourn.store.connection import Conn
from sojourn.store.delivery import notify_senders
from sojourn.store.journeys import StoredJourney

DEAF = reactions_in("archived")


async def change_status(resources: Resources, caller: Caller, command: ChangeStatus) -> Journey:
    """Carry out a command of the table on a journey.

    Raises:
        InvalidDocument: It is to be started, and its graph has problems: all of them.
        InvalidState: Its status does not allow the command.
        JourneyNotFound: The workspace has no such journey.
    """
    shard_count, zones, now = await resources.facts.shard_count(), await resources.facts.zones(), resources.clock()
    async with resources.pool.connection() as conn, conn.transaction():
        journey = await lock(conn, caller, command.journey)
        graph = read_graph(journey)
        step = transition(command.command, journey.status, holds=graph.settings.holds_on_pause)
        if step is None:
            raise InvalidState(command=command.command, status=journey.status)
        if step.to == "running":
            await require_clean(conn, journey.workspace_id, graph, zones)
        await _keep_status(conn, journey, step, now)
        await _tell_inside(conn, journey, step, shard_count, now)
        await tell_pages(conn, graph, shard_count=shard_count)
        numbers = await point_numbers(conn, journey.journey_id)
        is_heard = step.inside == "stopped" or _started_at(journey, step, now) is not None
        reactions = reactions_in(step.to, advances=_advances(journey, step)) if is_heard else DEAF
        await listen(conn, journey, graph, numbers, reactions)
        await store.mark_changed(conn, journey_id=journey.journey_id)
        return journey_reply(await find(conn, caller, command.journey))


async def _keep_status(conn: Conn, journey: StoredJourney, step: Transition, now: datetime) -> None:
    await store.set_status(
        conn,
        journey_id=journey.journey_id,
        status=step.to,
        first_started_at=now if step.to == "running" and not journey.first_started_at else journey.first_started_at,
        started_at=_started_at(journey, step, now),
        advances=_advances(journey, step),
        stop_reason=_stop_reason(journey, step),
        now=now,
    )


def _advances(journey: StoredJourney, step: Transition) -> bool:
    """Tell whether who is inside goes on although the journey does not run."""
    return step.inside == "closed" or (step.inside == "unchanged" and journey.advances)


def _started_at(journey: StoredJourney, step: Transition, now: datetime) -> datetime | None:
    match step.inside:
        case "resumed":
            # A pause does not make a new start: what was to happen once at the start does not happen again.
            return journey.started_at or now
        case "held" | "closed" | "unchanged":
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
    """Let the engines know what becomes of the people inside."""
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
