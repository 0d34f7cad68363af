"""Live audiences as an engine works them: who is looked at, when, and what an entry starts from.

A live audience is found by a pass, which looks at everybody once, batch by batch. From then on it looks at those who
change, in the tick that changes them, and at those for whom time may have changed something, when the alarm rings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sojourn.compiler.audience import Aspect, Dependency
from sojourn.compiler.listeners import JOURNEY_ITSELF
from sojourn.model.calendar import EntrySchedule
from sojourn.model.points import StartBySegment
from sojourn.store.tick import AudienceState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sojourn.compiler.audience import Audience
    from sojourn.engine.catalog import Journey
    from sojourn.engine.tick import Advance
    from sojourn.store.tick import Change, ShardWideRow, Tick

BEFORE_EVERYBODY = 0
"""The number behind which the first person comes."""

Place = tuple[int, int]
"""A journey and a point."""


# Beginning --------------------------------------------------------------------------------------------------


async def begin_audiences(tick: Tick, journey: Journey, row: ShardWideRow) -> None:
    """Start watching the live entries of a journey that starts, resumes or was edited; stop watching all others.

    What was said of people during a pause has been marked; during a draft it has not, so everybody is looked at again.
    """
    if journey.chart is None:
        return
    watched = await tick.watched_points(journey.journey_id)
    for point_no in sorted(watched.keys() - journey.audiences().keys()):
        await tick.forget_members(journey.journey_id, point_no=point_no)
        await tick.forget_audience(journey.journey_id, point_no=point_no)
    for point_no, audience in sorted(journey.audiences().items()):
        state = await tick.read_audience(journey.journey_id, point_no)
        begins_at = _begins_at(journey, point_no)
        new = _restarted(audience, state, begins_at, was_blind=row.data.get("from") == "draft")
        if state is not None and _trigger(state) != audience.trigger:
            await tick.forget_members(journey.journey_id, point_no=point_no)
        if new is not None:
            await tick.write_audience(journey.journey_id, point_no, new)
        await tick.reset_audience_alarm(journey.journey_id, point_no)


def _begins_at(journey: Journey, point_no: int) -> datetime:
    point, started_at = journey.point(point_no), journey.row.started_at
    assert started_at is not None, "a journey that begins was started"
    start_at = point.start_at if isinstance(point, StartBySegment) else None
    return EntrySchedule(None, start_at, started_at).begins


def _restarted(
    audience: Audience, state: AudienceState | None, begins_at: datetime, *, was_blind: bool
) -> AudienceState | None:
    """Return from where a pass begins, or None if what is known of the members is good.

    People found by a pass to have begun (or ceased) to match come in if they did so since they were last looked at. Of
    an entry that is new, or whose segment is, nobody was: then only those come in who do because they match.
    """
    watch = f"{audience.trigger}:{audience.fingerprint}"
    if state is None or state.watch != watch:
        return AudienceState(watch, begins_at, BEFORE_EVERYBODY, audience.trigger == "DYNAMIC")
    if was_blind:
        enrolls = state.after_profile is None or state.enrolls
        return AudienceState(watch, begins_at, BEFORE_EVERYBODY, enrolls)
    if state.after_profile == BEFORE_EVERYBODY and state.begins_at != begins_at:
        return AudienceState(watch, begins_at, BEFORE_EVERYBODY, state.enrolls)
    return None


def _trigger(state: AudienceState) -> str:
    return state.watch.partition(":")[0]


# Looking ----------------------------------------------------------------------------------------------------


async def look_again(advance: Advance, journey: Journey, point_no: int) -> None:
    """Look at a batch of everybody, or of those who are due, and set the alarm for the next look."""
    tick, journey_id = advance.tick, journey.journey_id
    state = await tick.read_audience(journey_id, point_no)
    if state is None or not journey.admits:
        await tick.set_alarm(journey_id, point_no, None)
        return
    if state.after_profile is None:
        await advance.admit(journey, point_no, journey.on_audience(point_no, "due"), {"batch": advance.budget.people})
    elif state.begins_at <= advance.now:
        await _look_at_more(advance, journey, point_no, state, state.after_profile)
    await tick.reset_audience_alarm(journey_id, point_no)


async def _look_at_more(
    advance: Advance, journey: Journey, point_no: int, state: AudienceState, after_profile: int
) -> None:
    batch = advance.budget.people
    given: dict[str, object] = {"after_profile": after_profile, "batch": batch, "enrolls": state.enrolls}
    moved = await advance.admit(journey, point_no, journey.on_audience(point_no, "pass"), given)
    further = moved.last_profile if moved.looked >= batch else None
    await advance.tick.write_audience(
        journey.journey_id, point_no, AudienceState(state.watch, state.begins_at, further, state.enrolls)
    )


# Changes ----------------------------------------------------------------------------------------------------


async def read_changes(advance: Advance, last_inbox: int) -> list[Change]:
    """Say, before a batch of the inbox is applied, whose data it changes that somebody watches."""
    watchers = advance.catalog.watchers
    if not watchers:
        return []
    return await advance.tick.read_changes(
        last_inbox, tags=watchers.tags, events=watchers.events, aspects=watchers.aspects
    )


async def look_at_changed(advance: Advance, changes: Sequence[Change]) -> None:
    """Let in whom the batch made begin or cease to match. Who cannot be let in now is looked at when that is over."""
    concerned: dict[Place, set[int]] = {}
    for change in changes:
        dependency = Dependency(cast("Aspect", change.aspect), change.name)
        for place in advance.catalog.watchers.reading(change.workspace_id, dependency):
            concerned.setdefault(place, set()).update(change.people)
    await _look_at_all(advance, concerned)


async def look_at_written(advance: Advance, row: ShardWideRow) -> None:
    """Let in whom data that was written past the inbox made begin or cease to match."""
    people = {int(number) for number in row.data["people"]}
    await _look_at_all(advance, dict.fromkeys(advance.catalog.watchers.of(row.workspace_id), people))


async def _look_at_all(advance: Advance, concerned: Mapping[Place, set[int]]) -> None:
    idle = await _idle(advance, concerned)
    for place in sorted(concerned.keys() - idle, key=advance.urgency):
        await _look_at(advance, place, sorted(concerned[place]))


async def _idle(advance: Advance, concerned: Mapping[Place, set[int]]) -> set[Place]:
    """Return the audiences that would find everything as they know it, asked once for all of the same segment.

    What a walk changes afterwards has its people looked at again, so this holds for as long as the looks take.
    """
    alike: dict[tuple[int, str], list[Place]] = {}
    for journey_id, point_no in sorted(concerned):
        journey = advance.catalog.journeys[journey_id]
        if point_no != JOURNEY_ITSELF and journey.admits:
            watched = journey.audiences()[point_no]
            alike.setdefault((journey.row.workspace_id, watched.fingerprint), []).append((journey_id, point_no))
    idle: set[Place] = set()
    for places in alike.values():
        if len(places) > 1:
            people = set[int]().union(*(concerned[place] for place in places))
            idle |= set(places) - await advance.sift(places, sorted(people))
    return idle


async def _look_at(advance: Advance, place: Place, people: list[int]) -> None:
    journey = advance.catalog.journeys[place[0]]
    if place[1] == JOURNEY_ITSELF:
        await advance.count_goals(journey, people)
    elif journey.admits:
        await advance.admit(journey, place[1], journey.on_audience(place[1], "changed"), {"people": people})
    else:
        await advance.tick.mark_members([place], people)


def watching(advance: Advance, journey: Journey, written: frozenset[str]) -> list[Place]:
    """Return the audiences and goals that read attributes which a walk of a journey writes."""
    dependencies = [Dependency("any"), *(Dependency("tag", name) for name in sorted(written))] if written else []
    return sorted({*advance.catalog.watchers.reading(journey.row.workspace_id, *dependencies)})
