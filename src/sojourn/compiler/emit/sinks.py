"""Sinks: what a statement leaves behind. Stays, departures, messages, changed profiles, passages, counts, alarms."""

from collections.abc import Iterator

from sojourn.compiler.emit.columns import path, waits_turn
from sojourn.compiler.emit.given import NOW, SHARD, lateral
from sojourn.compiler.emit.sources import entry_set
from sojourn.compiler.emit.statement import Draft
from sojourn.compiler.plan import (
    Entry,
    FromAudience,
    FromEvents,
    FromRemoved,
    FromRequests,
    FromSegment,
    FromStay,
    Plan,
    Step,
)
from sojourn.model.points import (
    BooleanSplitter,
    Condition,
    DateAttribute,
    Exit,
    GoalCheck,
    RandomSplitter,
    SendEmail,
    Wait,
    Webhook,
    output_name,
    outputs,
)


def sinks(plan: Plan, draft: Draft) -> None:
    """Write everything that the walk leaves behind."""
    ends = _ends(plan)
    _draws(plan, draft)
    _messages(plan, draft)
    placed = _stays(plan, draft)
    _departures(plan, draft)
    if plan.carries_attributes:
        _changed_profiles(plan, ends, draft)
    _passages(plan, ends, draft)
    if isinstance(plan.source, Entry):
        _request_counts(plan, draft)
    _counts(plan, draft)
    if placed:
        _alarms(plan, draft)


def result(plan: Plan) -> str:
    """Return the rows that the tick reads: how many were taken up, and who was placed where until when.

    Also how many an audience looked at; and, if somebody watches attributes that the walk writes, whose it changed.
    """
    source = plan.source
    taken = "judged" if isinstance(source, Entry) else plan.start_name
    last = "max(profile_id)" if taken == "judged" else "null::bigint"
    rows = [f"select 'taken' as what, null::smallint as point_no, count(*) as n, {last} as last_profile\nfrom {taken}"]
    if any(step.holds for step in plan.steps) or waits_turn(plan):
        rows.append("select 'placed', placed.point_no, count(*), null\nfrom placed\ngroup by placed.point_no")
    if isinstance(source, FromAudience):
        rows.append("select 'looked', null, count(*), max(seen.profile_id)\nfrom seen")
    if plan.carries_attributes:
        rows.append("select 'changed', null, changed.profile_id, null\nfrom changed\nwhere %(watched)s::boolean")
    return "\nunion all\n".join(rows)


def _may_drop(step: Step) -> bool:
    """Tell whether some who come to a wait are dropped there: a date can be missing or past."""
    return isinstance(step.point, Wait) and isinstance(step.point.date_attribute, DateAttribute)


def _staying(step: Step) -> str:
    return f"from {step.name} as i" + ("\nwhere i.wake_at > '-infinity'" if _may_drop(step) else "")


def _dropped(step: Step) -> str:
    return f"from {step.name} as i\nwhere i.wake_at is null or i.wake_at = '-infinity'"


def _ends(plan: Plan) -> list[str]:
    """Name the sets in which a walk ends."""
    return [step.name for step in plan.steps if step.holds or isinstance(step.point, Exit)]


def _draws(plan: Plan, draft: Draft) -> None:
    """Keep what was drawn where a winner may be chosen; once that is done, nobody draws."""
    for step in plan.steps:
        if not isinstance(step.point, RandomSplitter) or step.point.winner is None or step.winner is not None:
            continue
        key = "profile_id" if step.point.sticky == "PROFILE" else "enrollment_id"
        draft.add(
            f"drawn_{step.point_no:d}",
            f"""
insert into draw (shard, journey_id, point_no, drawn_for, enrollment_id, output, at)
select {SHARD}, {plan.header.journey_id:d}, {step.point_no:d}, i.{key}, i.enrollment_id, i.output, {NOW}
from {step.name} as i
order by i.enrollment_id
on conflict (shard, journey_id, point_no, drawn_for) do nothing
""",
            materialized=False,
        )


def _messages(plan: Plan, draft: Draft) -> None:
    for step in plan.steps:
        if not isinstance(step.point, SendEmail | Webhook):
            continue
        channel = "email" if isinstance(step.point, SendEmail) else "webhook"
        due_at = "i.due_at" if step.picks_time else NOW
        draft.add(
            f"message_{step.point_no:d}",
            f"""
insert into message (
    shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
)
select
    {SHARD}, i.enrollment_id, i.profile_id, {plan.header.journey_id:d}, {plan.header.version_no:d}, {step.point_no:d},
    '{channel}', {plan.header.priority:d}, {due_at}, {NOW}, i.context
from {step.name} as i
""",
            materialized=False,
        )


def _stays(plan: Plan, draft: Draft) -> bool:
    """Write the new stays; tell whether there can be any."""
    own = "i.enrollment_id, i.profile_id, i.since, i.after_event, i.entry_key, i.context"
    parts = [
        f"select {own}, {step.point_no:d} as point_no, i.wake_at\n{_staying(step)}" for step in plan.steps if step.holds
    ]
    if waits_turn(plan):
        assert isinstance(plan.source, FromEvents), "only events bring several entries of one person"
        parts.append(f"select {own}, {plan.source.point_no:d}, {NOW}\nfrom entering as i\nwhere i.turn > 1")
    if not parts:
        return False
    union = "\nunion all\n".join(parts)
    draft.add(
        "placed",
        f"""
insert into stay (
    shard, journey_id, enrollment_id, profile_id, since, after_event, entry_key, context, point_no, wake_at
)
select
    {SHARD}, {plan.header.journey_id:d}, r.enrollment_id, r.profile_id, r.since, r.after_event, r.entry_key, r.context,
    r.point_no, r.wake_at
from (
{union}
) as r
returning point_no, wake_at
""",
        materialized=False,
    )
    return True


def _departures(plan: Plan, draft: Draft) -> None:
    parts: list[str] = []
    entry = plan.source
    if isinstance(entry, FromAudience | FromEvents | FromRequests | FromSegment) and entry.admission.control_percent:
        parts.append(
            f"select i.enrollment_id, {entry.point_no:d} as point_no, 'control'::departure_outcome as outcome, "
            f"'control group' as reason\nfrom judged as i\nwhere {IN_CONTROL}"
        )
    for step in plan.steps:
        if isinstance(step.point, Exit):
            reason = draft.parameters.add(step.point.outcome, "text")
            parts.append(
                f"select i.enrollment_id, {step.point_no:d} as point_no, 'completed'::departure_outcome as outcome, "
                f"{reason} as reason\nfrom {step.name} as i"
            )
        if _may_drop(step):
            parts.append(
                f"select i.enrollment_id, {step.point_no:d} as point_no, 'dropped'::departure_outcome as outcome, "
                f"{DROP_REASON} as reason\n{_dropped(step)}"
            )
    if not parts:
        return
    union = "\nunion all\n".join(parts)
    draft.add(
        "departed",
        f"""
insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
select {SHARD}, r.enrollment_id, {plan.header.journey_id:d}, r.point_no, r.outcome, r.reason, {NOW}
from (
{union}
) as r
""",
        materialized=False,
    )


IN_CONTROL = "refusal is null and is_control"
DROP_REASON = "case when i.wake_at is null then 'no date' else 'date passed' end"


def _changed_profiles(plan: Plan, ends: list[str], draft: Draft) -> None:
    """Write back changed attributes, and what they were before: as the statement's snapshot still has them.

    An upsert, since it always goes through the key, whatever the planner guesses.
    """
    union = "\nunion all\n".join(
        f"select profile_id, enrollment_id, attributes from {name} where has_changed" for name in ends
    )
    draft.add("updated", union)
    draft.add(
        "changed",
        f"""
insert into profile (shard, profile_id, workspace_id, attributes, created_at, updated_at)
select {SHARD}, c.profile_id, {plan.header.workspace_id:d}, c.attributes, {NOW}, {NOW}
from updated as c
on conflict (shard, profile_id) do update set attributes = excluded.attributes, updated_at = excluded.updated_at
returning profile_id
""",
        materialized=False,
    )
    kept = lateral("profile", "p", ("attributes",), "p.profile_id = c.profile_id")
    draft.add(
        "remembered",
        f"""
insert into profile_change (shard, profile_id, at, enrollment_id, changes)
select {SHARD}, d.profile_id, {NOW}, d.enrollment_id, d.changes
from (
select c.profile_id, c.enrollment_id, e.changes
from updated as c
{kept}
cross join lateral (
    select jsonb_object_agg(
        tag.name, jsonb_build_object('from', p.attributes -> tag.name, 'to', c.attributes -> tag.name)
    ) as changes
    from jsonb_object_keys(coalesce(p.attributes, '{{}}'::jsonb) || c.attributes) as tag(name)
    where coalesce(p.attributes -> tag.name, 'null'::jsonb) <> coalesce(c.attributes -> tag.name, 'null'::jsonb)
) as e
where p.attributes is distinct from c.attributes
offset 0
) as d
where d.changes is not null
returning change_no
""",
        materialized=False,
    )


def _passages(plan: Plan, ends: list[str], draft: Draft) -> None:
    # Whoever reads the past tells by the numbers which change belongs to which passage, so the changes go first.
    after = " where (select count(*) from remembered) >= 0" if plan.carries_attributes else ""
    union = "\nunion all\n".join(
        f"select {SHARD}, enrollment_id, {path(plan, name)}, {NOW} from {name}{after}" for name in ends
    )
    draft.add("passed", f"insert into passage (shard, enrollment_id, path, at)\n{union}", materialized=False)


def _request_counts(plan: Plan, draft: Draft) -> None:
    if isinstance(plan.source, FromAudience | FromEvents):
        return
    if isinstance(plan.source, FromSegment) and not plan.source.requested:
        return
    draft.add(
        "answered",
        f"""
insert into request_tally (shard, request_uuid, outcome, n)
select {SHARD}, j.request_uuid, coalesce(j.refusal, 'entered'), count(*)
from judged as j
group by j.request_uuid, coalesce(j.refusal, 'entered')
on conflict (shard, request_uuid, outcome) do update set n = request_tally.n + excluded.n
""",
        materialized=False,
    )


# Counts -----------------------------------------------------------------------------------------------------


def _counts(plan: Plan, draft: Draft) -> None:
    union = "\nunion all\n".join((*_source_counts(plan), *(row for step in plan.steps for row in _step_counts(step))))
    draft.add(
        "counted",
        f"""
insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
select {SHARD}, {plan.header.journey_id:d}, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
from (
{union}
) as c
where c.n > 0
on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
""",
        materialized=False,
    )


def _count(point_no: str, metric: str, detail: str, rest: str) -> str:
    return f"select {point_no} as point_no, '{metric}' as metric, {detail} as detail, count(*) as n\n{rest}"


def _source_counts(plan: Plan) -> Iterator[str]:
    match plan.source:
        case FromStay():
            number = f"{plan.source.point_no:d}"
            if plan.routes:
                yield _count(number, "left", _output_names(), f"from {plan.start_name}\ngroup by output")
            else:
                yield _count(number, "left", f"'{output_name(0)}'", f"from {plan.start_name}")
        case FromRemoved():
            yield _count("removed_no", "left", "'removed'", f"from {plan.start_name}\ngroup by removed_no")
        case FromAudience() | FromEvents() | FromRequests() | FromSegment():
            number = f"{plan.source.point_no:d}"
            if plan.source.admission.control_percent:
                yield _count(number, "entered", "''", "from judged where refusal is null")
                yield _count(number, "control", "''", f"from judged where {IN_CONTROL}")
            else:
                yield _count(number, "entered", "''", f"from {entry_set(plan)}")
            yield _count(number, "left", f"'{output_name(0)}'", f"from {plan.start_name}")


def _output_names() -> str:
    return "case output when 0 then 'default' else 'output' || output end"


def _step_counts(step: Step) -> Iterator[str]:
    number = f"{step.point_no:d}"
    yield _count(number, "entered", "''", f"from {step.name}")
    if isinstance(step.point, Exit):
        yield _count(number, "completed", "''", f"from {step.name}")
    elif isinstance(step.point, BooleanSplitter | RandomSplitter | Condition | GoalCheck):
        yield _count(number, "left", _output_names(), f"from {step.name}\ngroup by output")
    elif not step.holds:
        yield _count(number, "left", f"'{outputs(step.point)[-1]}'", f"from {step.name}")
    if _may_drop(step):
        yield _count(number, "dropped", DROP_REASON, f"{_dropped(step)}\ngroup by 3")


def _alarms(plan: Plan, draft: Draft) -> None:
    draft.add(
        "alarmed",
        f"""
insert into alarm (shard, journey_id, point_no, wake_at)
select {SHARD}, {plan.header.journey_id:d}, placed.point_no, min(placed.wake_at)
from placed
group by placed.point_no
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
where excluded.wake_at < alarm.wake_at
""",
        materialized=False,
    )
