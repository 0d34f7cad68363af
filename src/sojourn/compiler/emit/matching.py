"""Matching: which people at an event wait have seen the events that they wait for, spelt as SQL.

Two statements per wait. One goes out from the events of this tick and finds who waits for them. The other goes out from
the people who have just come and looks at what they did: within the look-back, and since the instant from which they
count as arrived, so that an event that came just before is not missed.
"""

from collections.abc import Iterator
from typing import Literal

from sojourn.compiler.emit.conditions import conditions
from sojourn.compiler.emit.given import NOW, SHARD
from sojourn.compiler.emit.statement import COMPILER, Draft, Statement, tidy
from sojourn.compiler.plan import Header
from sojourn.model.points import AwaitedEvent, TriggerBranch, WaitForTrigger

Mode = Literal["events", "arrivals"]
EVENTS_PER_BRANCH = 4


def match(header: Header, point_no: int, point: WaitForTrigger, mode: Mode) -> Statement:
    """Return the statement that marks the people at an event wait whose branch is satisfied.

    Parameters of run time: `shard`, `now`; for `events` also `first_event`, `last_event` and `first_received` of this
    tick.
    Its only row is the number of people marked to go on (n).
    """
    where = f"{mode} at point {point_no:d} (wait_for_trigger)"
    title = f"-- journey {header.journey_id:d}, version {header.version_no:d}, {where}; compiler {COMPILER:d}"
    draft = Draft(title)
    draft.add("seen", "\nunion all\n".join(_sightings(header, point_no, point, mode, draft)))
    draft.add(
        "first_seen",
        """
        select s.place, s.branch, s.bit, s.progress, min(s.event_id) as event_id
        from seen as s
        group by s.place, s.branch, s.bit, s.progress
        """,
    )
    draft.add("satisfied", _satisfied(point))
    draft.add(
        "verdict",
        """
        select distinct on (s.place) s.place, s.branch, s.event_id,
            bit_or(s.bits) over (partition by s.place) as bits
        from satisfied as s
        order by s.place, s.event_id nulls last, s.branch
        """,
    )
    draft.add("changed", _changed(point))
    gone = f"""
        delete from stay as s
        where s.shard = {SHARD} and s.ctid = any(array(select v.place from verdict as v))
        returning s.ctid
    """
    draft.add("gone", gone, materialized=False)
    draft.add("placed", _placed(header, point_no), materialized=False)
    draft.add("alarmed", _alarmed(header, point_no), materialized=False)
    return draft.finish("select count(*) as n from placed where reached is not null")


def _sightings(header: Header, point_no: int, point: WaitForTrigger, mode: Mode, draft: Draft) -> Iterator[str]:
    for number, branch in enumerate(point.branches, 1):
        for index, event in enumerate(branch.events):
            bit = 1 << ((number - 1) * EVENTS_PER_BRANCH + index)
            yield _sighting(header, point_no, point, branch, event, mode, draft, head=(number, bit))


def _sighting(
    header: Header,
    point_no: int,
    point: WaitForTrigger,
    branch: TriggerBranch,
    event: AwaitedEvent,
    mode: Mode,
    draft: Draft,
    *,
    head: tuple[int, int],
) -> str:
    """Return the rows of people who waited while an event of one kind happened."""
    inside = [f"s.shard = {SHARD}", f"s.journey_id = {header.journey_id:d}"]
    here = [f"s.point_no = {point_no:d}", "s.reached is null"]
    theirs = [f"e.shard = {SHARD}", f"e.name = {draft.parameters.add(event.event_name, 'text')}"]
    theirs += conditions(event.event_conditions, "e.data", header.scope, draft)
    both = ["e.received_at <= s.wake_at"]
    if branch.look_back_seconds:
        both += [
            f"e.received_at >= s.since - make_interval(secs => {branch.look_back_seconds:d})",
            "e.event_id <> s.after_event",
        ]
    else:
        both += ["e.received_at >= s.since", "e.event_id > s.after_event"]
    if event.match_entry_attribute is not None:
        both.append(_matches_entry(draft.parameters.add(event.match_entry_attribute, "text")))
    number, bit = head
    found = f"select s.place, {number:d} as branch, {bit:d} as bit, s.progress::integer as progress, e.event_id"
    if mode == "events":
        theirs += [
            "e.event_id between %(first_event)s::bigint and %(last_event)s::bigint",
            "e.received_at >= %(first_received)s::timestamptz",
        ]
        # The person is looked up in the journey, whatever the point: nobody may have been there when the plan was made.
        waiting = _lateral("s", f"{STAY}, s.point_no, s.reached", "stay", [*inside, "s.profile_id = e.profile_id"])
        return f"{found}\nfrom event as e\ncross join {waiting}\nwhere {_and([*theirs, *here, *both])}"
    # Who has just come sleeps until exactly one period from now: the index on wake_at finds them.
    here.append(f"s.wake_at = {NOW} + make_interval(secs => {point.held_seconds:d})")
    doing = _lateral("e", "e.event_id", "event", ["e.profile_id = s.profile_id", *theirs, *both])
    return f"{found}\nfrom (select {STAY} from stay as s where {_and([*inside, *here])}) as s\ncross join {doing}"


STAY = "s.ctid as place, s.profile_id, s.enrollment_id, s.since, s.wake_at, s.after_event, s.progress, s.context"


def _lateral(alias: str, fields: str, table: str, clauses: list[str]) -> str:
    """Return a subquery run once per row, by index; `offset 0` keeps the planner from scanning the shard instead."""
    return (
        f"lateral (\n    select {fields} from {table} as {alias}\n    where {_and(clauses)}\n    offset 0\n) as {alias}"
    )


def _matches_entry(key: str) -> str:
    """Return the clause that the event agrees with what the person came with."""
    enrollment = f"select n.context from enrollment as n where n.shard = {SHARD} and n.enrollment_id = s.enrollment_id"
    came_with = f"coalesce(s.context, ({enrollment}))"
    return (
        f"e.data ->> {key} = (\n"
        f"    select coalesce(c.came_with -> 'entry' ->> {key}, c.came_with -> 'event' ->> {key})\n"
        f"    from (select {came_with} as came_with) as c\n)"
    )


def _and(clauses: list[str]) -> str:
    return "\n  and ".join(clauses)


def _satisfied(point: WaitForTrigger) -> str:
    """Return, per person and branch, the event that satisfied it (null: not yet)."""
    cases: list[str] = []
    for number, branch in enumerate(point.branches, 1):
        if branch.operator == "AND":
            mask = ((1 << len(branch.events)) - 1) << ((number - 1) * EVENTS_PER_BRANCH)
            # What was seen in earlier ticks needs no event now; the last one still missing completes the branch.
            last = "max(f.event_id) filter (where f.progress & f.bit = 0)"
            cases.append(
                f"when {number:d} then case when (bit_or(f.bit) | f.progress) & {mask:d} = {mask:d} then {last} end"
            )
    event = f"case f.branch {' '.join(cases)} else min(f.event_id) end" if cases else "min(f.event_id)"
    return f"""
        select f.place, f.branch, bit_or(f.bit) as bits, {event} as event_id
        from first_seen as f
        group by f.place, f.branch, f.progress
    """


def _changed(point: WaitForTrigger) -> str:
    """Return the new stays: who is satisfied goes on now (or at the end of a fixed period), with the event."""
    done = "v.event_id is not null"
    moves = (
        "s.since, s.wake_at, s.after_event"
        if point.fixed_period
        else f"case when {done} then e.received_at else s.since end as since, "
        f"case when {done} then {NOW} else s.wake_at end as wake_at, coalesce(v.event_id, s.after_event) as after_event"
    )
    stay = _lateral("s", f"{STAY}, s.entry_key", "stay", [f"s.shard = {SHARD}", "s.ctid = v.place"])
    event = _lateral("e", "e.data, e.received_at", "event", [f"e.shard = {SHARD}", "e.event_id = v.event_id"])
    enrollment = _lateral(
        "n", "n.context", "enrollment", [f"n.shard = {SHARD}", "n.enrollment_id = s.enrollment_id", done]
    )
    return f"""
select
    s.enrollment_id, s.profile_id, s.entry_key, {moves},
    case when {done} then v.branch::smallint end as reached, (s.progress | v.bits)::smallint as progress,
    case when {done} then coalesce(s.context, n.context, '{{}}'::jsonb) || jsonb_build_object('event', e.data)
        else s.context end as context
from verdict as v
cross join {stay}
left join {event} on true
left join {enrollment} on true
"""


def _placed(header: Header, point_no: int) -> str:
    names = "enrollment_id, profile_id, entry_key, since, wake_at, after_event, reached, progress, context"
    return f"""
insert into stay (shard, journey_id, point_no, {names})
select {SHARD}, {header.journey_id:d}, {point_no:d}, {", ".join(f"c.{name}" for name in names.split(", "))}
from changed as c
where (select count(*) from gone) > 0 -- the old rows go first, or the new ones would collide with them
returning reached, wake_at
"""


def _alarmed(header: Header, point_no: int) -> str:
    return tidy(f"""
        insert into alarm (shard, journey_id, point_no, wake_at)
        select {SHARD}, {header.journey_id:d}, {point_no:d}, min(m.wake_at)
        from placed as m
        where m.reached is not null
        having count(*) > 0
        on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
        where excluded.wake_at < alarm.wake_at
    """)
