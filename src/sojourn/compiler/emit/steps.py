"""Steps: the set of people at each point, spelt as SQL."""

from typing import assert_never

import msgspec

from sojourn.compiler.behaviour import HABITS_SINCE
from sojourn.compiler.emit.columns import arrived, carried, inflow, kept
from sojourn.compiler.emit.given import NOW, PROFILE_COLUMNS, SHARD, lateral
from sojourn.compiler.emit.statement import Draft
from sojourn.compiler.plan import Plan, Step
from sojourn.compiler.segments import predicate
from sojourn.model.graph import SilentHours
from sojourn.model.points import (
    BooleanSplitter,
    Condition,
    Content,
    DateAttribute,
    ElementClick,
    Exit,
    GoalCheck,
    MessageBus,
    OnWeekday,
    ProfileOperation,
    RandomSplitter,
    SendEmail,
    StartByApi,
    StartBySegment,
    TimeOfDay,
    UpdateProfile,
    UrlMatch,
    Wait,
    WaitForTrigger,
    Webhook,
)
from sojourn.model.reactions import MESSAGE_OPENED
from sojourn.model.schedule import DEVICE, WEEKDAYS
from sojourn.model.segments import Expression

PROFILE = lateral("profile", "p", PROFILE_COLUMNS, "p.profile_id = i.profile_id")
WEBHOOK_PATIENCE_SECONDS = 86400
"""How long people stay at a webhook whose answer never comes: longer than any retry of the sender."""


def step(plan: Plan, each: Step, draft: Draft) -> None:  # noqa: C901, PLR0912 - one case per kind
    """Write the set of people at one point."""
    match each.point:
        case Wait():
            _wait(plan, each, each.point, draft)
        case WaitForTrigger():
            _hold_for(plan, each, each.point.held_seconds, draft)
        case Webhook():
            _webhook(plan, each, draft)
        case BooleanSplitter():
            _boolean_splitter(plan, each, draft)
        case RandomSplitter():
            _random_splitter(plan, each, each.point, draft)
        case UpdateProfile():
            _update_profile(plan, each, each.point, draft)
        case SendEmail():
            _send_email(plan, each, each.point, draft)
        case Exit():
            _pass(plan, each, draft)
        case Content():
            _hold_for(plan, each, each.point.held_seconds, draft)
        case Condition():
            _condition(plan, each, draft)
        case GoalCheck():
            _goal_check(plan, each, draft)
        case StartBySegment() | MessageBus() | StartByApi() | UrlMatch() | ElementClick():
            raise AssertionError("nothing leads into an entry")
        case _:
            assert_never(each.point)


def _add(
    plan: Plan, each: Step, draft: Draft, *, extra: str = "", joins: str = "", without: tuple[str, ...] = ()
) -> None:
    lines = [
        f"select {carried(plan, without=without)}{arrived(plan, each)}{extra}",
        f"from {inflow(plan, each)}",
    ]
    draft.add(each.name, "\n".join([*lines, joins]))


def _pass(plan: Plan, each: Step, draft: Draft) -> None:
    _add(plan, each, draft)


def _hold_for(plan: Plan, each: Step, seconds: int, draft: Draft) -> None:
    _add(plan, each, draft, extra=f", {NOW} + make_interval(secs => {seconds:d}) as wake_at")


# Waits ------------------------------------------------------------------------------------------------------


def _wait(plan: Plan, each: Step, point: Wait, draft: Draft) -> None:
    if point.duration_seconds is not None:
        _hold_for(plan, each, point.duration_seconds, draft)
    elif point.until is not None:
        at = draft.parameters.add(point.until.at, "timestamptz")
        _add(plan, each, draft, extra=f", greatest({at}, {NOW}) as wake_at")
    elif point.date_attribute is not None:
        _wait_for_date(plan, each, point.date_attribute, draft)
    else:
        clock = point.time_of_day or point.weekday
        assert clock is not None, "a checked wait has one mode"
        _wait_for_clock(plan, each, clock, draft)


def _wait_for_clock(plan: Plan, each: Step, clock: TimeOfDay | OnWeekday, draft: Draft) -> None:
    time = draft.parameters.add(clock.time, "time")
    arguments = f"{time}, {_iso_weekdays(clock)}::smallint[]"
    if clock.timezone != DEVICE:
        zone = draft.parameters.add(clock.timezone, "text")
        _add(plan, each, draft, extra=f", (select next_clock_time_v1({NOW}, {zone}, {arguments})) as wake_at")
        return
    # People share a handful of zones, so the clock is read once per zone and not once per person.
    zoned, clocks = f"{each.name}_zone", f"{each.name}_clock"
    draft.add(
        zoned,
        f"""
select {carried(plan)}{arrived(plan, each)}, coalesce(p.time_zone, 'UTC') as zone
from {inflow(plan, each)}
{PROFILE}
""",
    )
    draft.add(
        clocks,
        f"""
select z.zone, next_clock_time_v1({NOW}, z.zone, {arguments}) as wake_at
from (select distinct zone from {zoned}) as z
""",
    )
    draft.add(
        each.name,
        f"""
select {carried(plan)}{kept(plan, each.name)}, c.wake_at
from {zoned} as i
join {clocks} as c on c.zone = i.zone
""",
    )


def _iso_weekdays(clock: TimeOfDay | OnWeekday) -> str:
    if isinstance(clock, TimeOfDay):
        return "null"
    numbers = sorted({WEEKDAYS.index(day) + 1 for day in clock.days})
    return f"array[{', '.join(map(str, numbers))}]"


def _wait_for_date(plan: Plan, each: Step, date: DateAttribute, draft: Draft) -> None:
    value = _value_from(plan, date.source, date.name, draft)
    clock = draft.parameters.add(date.time_of_day, "time") if date.time_of_day is not None else "null::time"
    arguments = f"{NOW}, {value}, coalesce(p.time_zone, 'UTC'), {clock}, {date.offset_seconds:d}, '{date.past}'"
    _add(plan, each, draft, extra=f", date_attribute_v1({arguments}) as wake_at", joins=PROFILE)


def _value_from(plan: Plan, source: str, name: str, draft: Draft) -> str:
    """Return the JSON value of an attribute of the person, the event or the entry."""
    key = draft.parameters.add(name, "text")
    if source == "TAG":
        attributes = "i.attributes" if plan.carries_attributes else "p.attributes"
        return f"({attributes} -> {key})"
    return f"(coalesce(i.context, i.origin) -> '{source.lower()}' -> {key})"


# Messages ---------------------------------------------------------------------------------------------------


def _webhook(plan: Plan, each: Step, draft: Draft) -> None:
    if each.waits_out_silence:
        _after_silence(plan, each, draft, held_seconds=WEBHOOK_PATIENCE_SECONDS if each.holds else None)
    elif each.holds:
        _hold_for(plan, each, WEBHOOK_PATIENCE_SECONDS, draft)
    else:
        _pass(plan, each, draft)


def _send_email(plan: Plan, each: Step, point: SendEmail, draft: Draft) -> None:
    held_seconds = None if point.split_by_reaction is None else point.split_by_reaction.wait_seconds
    if point.best_time and each.waits_out_silence:
        best = f"{each.name}_best"
        _at_best_time(plan, each, draft, name=best, held_seconds=None)
        _after_silence(plan, each, draft, best=best, held_seconds=held_seconds)
    elif point.best_time:
        _at_best_time(plan, each, draft, name=each.name, held_seconds=held_seconds)
    elif each.waits_out_silence:
        _after_silence(plan, each, draft, held_seconds=held_seconds)
    elif point.split_by_reaction is not None:
        _hold_for(plan, each, point.split_by_reaction.wait_seconds, draft)
    else:
        _pass(plan, each, draft)


def _held_until(due_at: str, seconds: int | None) -> str:
    """Return the column that says how long people stay for a message; none where they go on."""
    return "" if seconds is None else f", {due_at} + make_interval(secs => {seconds:d}) as wake_at"


def _after_silence(plan: Plan, each: Step, draft: Draft, *, held_seconds: int | None, best: str | None = None) -> None:
    """Find when the silence ends, per zone and wanted instant, not per person.

    Args:
        plan: Of the step.
        each: The step.
        draft: Written to.
        held_seconds: For how long people stay after that; None: they go on.
        best: The set of these people that has found their best time; None: everybody wants to be told now.
    """
    hours = each.silence
    assert hours is not None, "there is a silence to wait out"
    wanted, ends = f"{each.name}_wanted", f"{each.name}_silence"
    if hours.timezone == DEVICE:
        zone, joins = f"coalesce(p.time_zone, {draft.parameters.add(hours.fallback_timezone, 'text')})", PROFILE
    else:
        zone, joins = draft.parameters.add(hours.timezone, "text"), ""
    comers, way, at = (inflow(plan, each), arrived(plan, each), NOW)
    if best is not None:
        comers, way, at = f"{best} as i", kept(plan, each.name), "i.due_at"
    draft.add(
        wanted,
        f"""
select {carried(plan)}{way}, {zone} as zone, {at} as wanted_at
from {comers}
{joins}
""",
    )
    starts, until = (draft.parameters.add(clock, "time") for clock in (hours.from_, hours.to))
    draft.add(
        ends,
        f"""
select w.zone, w.wanted_at, after_silence_v1(w.wanted_at, w.zone, {starts}, {until}, {_blocked(hours)}) as due_at
from (select distinct zone, wanted_at from {wanted}) as w
""",
    )
    # Each has its partner; a full join for the same reason as at the best time.
    draft.add(
        each.name,
        f"""
select {carried(plan)}{kept(plan, each.name)}, c.due_at{_held_until("c.due_at", held_seconds)}
from {wanted} as i
full join {ends} as c on c.zone = i.zone and c.wanted_at = i.wanted_at
""",
    )


def _blocked(hours: SilentHours) -> str:
    numbers = sorted({WEEKDAYS.index(day) + 1 for day in hours.blocked_days})
    return f"array[{', '.join(map(str, numbers))}]::smallint[]"


def _at_best_time(plan: Plan, each: Step, draft: Draft, *, name: str, held_seconds: int | None) -> None:
    """Find the hour of the day in which a person opens most, then the clock per zone and hour, not per person.

    What people opened is fetched for all at once: history lies in a table per day, and to ask ninety of them for each
    person took seven times as long. Every row of these joins has its partner or needs none; they are full joins because
    those are never nested loops, which the planner would choose, taking the sets for tiny.
    """
    zoned, opened, habits, clocks = (f"{each.name}_{name}" for name in ("zone", "opened", "habit", "clock"))
    draft.add(
        zoned,
        f"""
select {carried(plan)}{arrived(plan, each)}, coalesce(p.time_zone, 'UTC') as zone
from {inflow(plan, each)}
{PROFILE}
""",
    )
    draft.add(
        opened,
        f"""
select e.profile_id, e.occurred_at
from event as e
where e.shard = {SHARD}
  and e.profile_id = any(array(select distinct z.profile_id from {zoned} as z))
  and e.name = '{MESSAGE_OPENED}'
  and e.received_at > {HABITS_SINCE}
  and e.received_at <= {NOW}
  and e.occurred_at > {HABITS_SINCE}
""",
    )
    draft.add(
        habits,
        f"""
select distinct on (h.profile_id) h.profile_id, h.zone, h.hour
from (
    select
        z.profile_id, z.zone, extract(hour from o.occurred_at at time zone z.zone)::integer as hour,
        count(o.occurred_at) as n
    from (select distinct profile_id, zone from {zoned}) as z
    full join {opened} as o on o.profile_id = z.profile_id
    group by 1, 2, 3
) as h
order by h.profile_id, h.n desc, h.hour
""",
    )
    draft.add(
        clocks,
        f"""
select
    h.zone, h.hour,
    case
        when h.hour = extract(hour from {NOW} at time zone h.zone) then {NOW}
        else next_clock_time_v1({NOW}, h.zone, make_time(h.hour, 0, 0), null)
    end as due_at
from (select distinct zone, hour from {habits} where hour is not null) as h
""",
    )
    due_at = f"coalesce(c.due_at, {NOW})"
    draft.add(
        name,
        f"""
select {carried(plan)}{kept(plan, each.name)}, {due_at} as due_at{_held_until(due_at, held_seconds)}
from {zoned} as i
full join {habits} as h on h.profile_id = i.profile_id
full join {clocks} as c on c.zone = h.zone and c.hour = h.hour
""",
    )


# Splits -----------------------------------------------------------------------------------------------------


def _boolean_splitter(plan: Plan, each: Step, draft: Draft) -> None:
    assert each.expression is not None, "a boolean splitter has a condition"
    met = _met(plan, each.expression, draft)
    _add(plan, each, draft, extra=f",\n    case when {met} then 1 else 0 end as output", joins=PROFILE)


def _condition(plan: Plan, each: Step, draft: Draft) -> None:
    cases = [
        f"when {_met(plan, expression, draft)} then {number:d}" for number, expression in enumerate(each.expressions, 1)
    ]
    lines = "\n        ".join(cases)
    output = f"case\n        {lines}\n        else 0\n    end"
    _add(plan, each, draft, extra=f",\n    {output} as output", joins=PROFILE)


def _met(plan: Plan, expression: Expression, draft: Draft) -> str:
    attributes = "i.attributes" if plan.carries_attributes else None
    return predicate(expression, draft.parameters, plan.header.scope, attributes=attributes)


def _goal_check(plan: Plan, each: Step, draft: Draft) -> None:
    """Look for a conversion by its key; who has come in by this very statement has none."""
    goals = draft.parameters.add(list(each.goals), "text[]")
    reached = (
        f"(\n        select true from conversion as k\n        where k.shard = {SHARD}"
        f" and k.enrollment_id = i.enrollment_id and k.goal = any({goals}) limit 1\n    )"
    )
    met = f" or {_met(plan, each.expression, draft)}" if each.expression is not None else ""
    output = f"case when {reached}{met} then 1 else 0 end"
    _add(plan, each, draft, extra=f",\n    {output} as output", joins=PROFILE if met else "")


def _random_splitter(plan: Plan, each: Step, point: RandomSplitter, draft: Draft) -> None:
    """Draw by a hash of who is drawn for and where, so that the draw is the same whenever it is repeated."""
    key = "i.profile_id" if point.sticky == "PROFILE" else "i.enrollment_id"
    salt = draft.parameters.add(f":{point.id}", "text")
    drawn = f"mod(('x' || left(md5({key}::text || {salt}), 8))::bit(32)::bigint, 10000)"
    cases: list[str] = []
    upper = 0
    for number, branch in enumerate(point.branches, 1):
        upper += round(branch.percent * 100)
        if branch.percent:
            cases.append(f"when {upper:d} > d.drawn then {number:d}")
    lots = f"cross join lateral (select {drawn} as drawn) as d"
    output = f"case {' '.join(cases)} end"
    if each.winner is not None:
        # Who drew before there was a winner keeps what they drew, unless an edit took that branch away.
        at = f"k.journey_id = {plan.header.journey_id:d} and k.point_no = {each.point_no:d} and k.drawn_for = {key}"
        lots = lateral("draw", "k", ("output",), at)
        output = f"case when k.output <= {len(point.branches):d} then k.output else {each.winner:d} end"
    _add(plan, each, draft, extra=f",\n    {output} as output", joins=lots)


# Updates ----------------------------------------------------------------------------------------------------


def _update_profile(plan: Plan, each: Step, point: UpdateProfile, draft: Draft) -> None:
    if all(operation.from_ is None for operation in point.operations):
        document = [{"op": o.operation.lower(), "tag": o.tag, "value": o.value} for o in point.operations]
        operations = draft.parameters.add(msgspec.json.encode(document).decode(), "jsonb")
    else:
        operations = f"jsonb_build_array({', '.join(_operation(plan, o, draft) for o in point.operations)})"
    extra = f", apply_operations_v1(i.attributes, {operations}) as attributes, true as has_changed"
    _add(plan, each, draft, extra=extra, without=("attributes", "has_changed"))


def _operation(plan: Plan, operation: ProfileOperation, draft: Draft) -> str:
    tag = draft.parameters.add(operation.tag, "text")
    if operation.from_ is not None:
        value = _value_from(plan, operation.from_.source, operation.from_.name, draft)
    else:
        value = draft.parameters.add(msgspec.json.encode(operation.value).decode(), "jsonb")
    return f"jsonb_build_object('op', '{operation.operation.lower()}', 'tag', {tag}, 'value', {value})"
