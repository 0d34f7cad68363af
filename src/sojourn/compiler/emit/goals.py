"""Goals: which enrollments an event of this tick is a conversion of, spelt as SQL. One statement per journey.

It goes out from the events, so it costs nothing where nobody did what a journey is for. It looks at enrollments and not
at stays: who has left the journey can still convert until the window closes.
"""

from collections.abc import Sequence

from sojourn.compiler.emit.conditions import conditions
from sojourn.compiler.emit.given import NOW, PROFILE_COLUMNS, SHARD
from sojourn.compiler.emit.pages import page_clause
from sojourn.compiler.emit.statement import COMPILER, Draft, Statement
from sojourn.compiler.goals import Target
from sojourn.compiler.plan import Header
from sojourn.compiler.segments import predicate


def convert(header: Header, goals: Sequence[Target], window_seconds: int, *, people: bool = False) -> Statement:
    """Return the statement that counts this tick's events as conversions, and ends the enrollments that they end.

    With `people`, the one that counts that people changed so that they match a goal.

    Parameters of run time: `shard`, `now`, `hour`; `first_event`, `last_event` and `first_received` of this tick, or
    `people`. Its only row is the number of conversions (n).
    """
    title = f"-- journey {header.journey_id:d}, version {header.version_no:d}, conversions; compiler {COMPILER:d}"
    draft = Draft(title)
    spell = _matching if people else _done
    done = [spell(header, number, goal, draft) for number, goal in enumerate(goals, 1)]
    draft.add("done", "\nunion all\n".join(done))
    draft.add("reached", _reached(header, goals, window_seconds))
    _conversions(header, draft)
    if any(goal.ends_journey for goal in goals):
        _ends(header, draft)
    _counts(header, draft, ends=any(goal.ends_journey for goal in goals))
    return draft.finish("select count(*) as n from reached")


def _matching(header: Header, number: int, goal: Target, draft: Draft) -> str:
    """Return who of those who changed matches a goal about attributes now."""
    assert goal.expression is not None, "a goal without an event describes people"
    name = draft.parameters.add(goal.name, "text")
    met = predicate(goal.expression, draft.parameters, header.scope)
    return (
        f"select {number:d} as goal_no, {name} as goal, {'true' if goal.ends_journey else 'false'} as ends,\n"
        f"    p.profile_id, 0::bigint as event_id, {NOW} as occurred_at, null::numeric as value\n"
        "from unnest(%(people)s::bigint[]) as changed(profile_id)\ncross join lateral (\n"
        f"    select {', '.join(f'x.{column}' for column in PROFILE_COLUMNS)} from profile as x\n"
        f"    where x.shard = {SHARD} and x.profile_id = changed.profile_id offset 0\n) as p\nwhere {met}"
    )


def _done(header: Header, number: int, goal: Target, draft: Draft) -> str:
    """Return who did what one goal asks for. `ends` tells that the goal ends the journey."""
    assert goal.event_name is not None, "only what people do is an event"
    name = draft.parameters.add(goal.name, "text")
    value = "null::numeric"
    if goal.value_attribute:
        value = f"amount_v1(e.data -> {draft.parameters.add(goal.value_attribute, 'text')})"
    clauses = [
        f"e.shard = {SHARD}",
        f"e.name = {draft.parameters.add(goal.event_name, 'text')}",
        "e.event_id between %(first_event)s::bigint and %(last_event)s::bigint",
        "e.received_at >= %(first_received)s::timestamptz",
        f"e.workspace_id = {header.workspace_id:d}",
        *conditions(goal.event_conditions, "e.data", header.scope, draft),
    ]
    if goal.page is not None:
        clauses.append(page_clause(goal.page, "e.data", draft))
    where = "\n  and ".join(clauses)
    return (
        f"select {number:d} as goal_no, {name} as goal, {'true' if goal.ends_journey else 'false'} as ends,\n"
        f"    e.profile_id, e.event_id, e.occurred_at, {value} as value\nfrom event as e\nwhere {where}"
    )


def _reached(header: Header, goals: Sequence[Target], window_seconds: int) -> str:
    """Return the first event per goal and enrollment, of those that have not reached the goal before.

    Clocks of others tell whole seconds at best, so an event of the second of the entry counts as after it.
    """
    in_time = f"d.occurred_at <= x.entered_at + make_interval(secs => {window_seconds:d})"
    lasting = [number for number, goal in enumerate(goals, 1) if goal.lasts]
    if lasting:
        inside = f"(select true from stay as s where s.shard = {SHARD} and s.enrollment_id = x.enrollment_id)"
        in_time = f"({in_time} or (d.goal_no in ({', '.join(map(str, lasting))}) and {inside}))"
    return f"""
select distinct on (n.enrollment_id, d.goal_no)
    n.enrollment_id, n.point_no as entry_no, d.goal_no, d.goal, d.ends, d.event_id, d.occurred_at, d.value,
    coalesce((
        select x.outcome = 'control'
        from departure as x
        where x.shard = {SHARD} and x.enrollment_id = n.enrollment_id
    ), false) as is_control
from done as d
cross join lateral (
    select x.enrollment_id, x.point_no
    from enrollment as x
    where x.shard = {SHARD} and x.journey_id = {header.journey_id:d} and x.profile_id = d.profile_id
      and d.occurred_at >= date_trunc('second', x.entered_at)
      and {in_time}
    offset 0
) as n
where (
    select true
    from conversion as x
    where x.shard = {SHARD} and x.enrollment_id = n.enrollment_id and x.goal = d.goal
) is null
order by n.enrollment_id, d.goal_no, d.event_id
"""


def _conversions(header: Header, draft: Draft) -> None:
    draft.add(
        "converted",
        f"""
insert into conversion (shard, enrollment_id, journey_id, goal, is_control, at, value)
select {SHARD}, r.enrollment_id, {header.journey_id:d}, r.goal, r.is_control, r.occurred_at, r.value
from reached as r
""",
        materialized=False,
    )


def _ends(header: Header, draft: Draft) -> None:
    """Take out who reached a goal that ends the journey, and cancel what was about to be sent to them."""
    draft.add(
        "leaving",
        f"""
select distinct on (r.enrollment_id) s.place, r.enrollment_id, s.point_no, r.goal
from reached as r
cross join lateral (
    select x.ctid as place, x.point_no
    from stay as x
    where x.shard = {SHARD} and x.enrollment_id = r.enrollment_id
    offset 0
) as s
where r.ends
order by r.enrollment_id, r.event_id, r.goal_no
""",
    )
    draft.add(
        "gone",
        f"""
delete from stay as s
where s.shard = {SHARD} and s.ctid = any(array(select l.place from leaving as l))
""",
        materialized=False,
    )
    draft.add(
        "cancelled",
        f"""
update message as m
set status = 'cancelled', done_at = {NOW}, detail = 'goal reached'
where m.shard = {SHARD} and m.status = 'queued'
  and m.enrollment_id = any(array(select l.enrollment_id from leaving as l))
""",
        materialized=False,
    )
    draft.add(
        "departed",
        f"""
insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
select {SHARD}, l.enrollment_id, {header.journey_id:d}, l.point_no, 'goal', l.goal, {NOW}
from leaving as l
""",
        materialized=False,
    )


def _counts(header: Header, draft: Draft, *, ends: bool) -> None:
    """Count conversions at the entry that the person came in by, and departures where they stood."""
    union = """
    select
        r.entry_no as point_no, case when r.is_control then 'control_goal' else 'goal' end as metric,
        r.goal as detail, count(*) as n
    from reached as r
    group by 1, 2, 3
"""
    if ends:
        union += """
    union all
    select l.point_no, 'goal_exit', l.goal, count(*)
    from leaving as l
    group by 1, 3
"""
    draft.add(
        "counted",
        f"""
insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
select {SHARD}, {header.journey_id:d}, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
from (
{union}
) as c
on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
""",
        materialized=False,
    )
