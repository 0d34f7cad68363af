"""Sources: the set of people that sets out, spelt as SQL. Each ends in a set named `plan.start_name`."""

from collections.abc import Iterator
from typing import assert_never

from sojourn.compiler.emit.audiences import arriving_by_audience, look
from sojourn.compiler.emit.columns import columns, waits_turn
from sojourn.compiler.emit.conditions import conditions
from sojourn.compiler.emit.given import NOW, SHARD, lateral
from sojourn.compiler.emit.pages import click_clause, page_clause
from sojourn.compiler.emit.statement import Draft
from sojourn.compiler.plan import (
    Admission,
    Entry,
    FromAudience,
    FromEvents,
    FromRemoved,
    FromRequests,
    FromSegment,
    FromStay,
    Plan,
)
from sojourn.compiler.segments import predicate


def source(plan: Plan, draft: Draft) -> None:
    """Write the sets up to the one that sets out."""
    match plan.source:
        case FromStay():
            _from_stay(plan, plan.source, draft)
        case FromRemoved():
            _from_removed(plan, draft)
        case FromEvents():
            draft.add("arriving", _arriving_by_event(plan, plan.source, draft))
            _admit(plan, plan.source, draft)
        case FromRequests():
            draft.add("arriving", _arriving_by_request(plan, plan.source))
            _admit(plan, plan.source, draft)
        case FromSegment():
            draft.add("arriving", _arriving_by_segment(plan, plan.source, draft))
            _admit(plan, plan.source, draft)
        case FromAudience():
            look(plan, plan.source, draft)
            draft.add("arriving", arriving_by_audience(plan.source))
            _admit(plan, plan.source, draft)
        case _:
            assert_never(plan.source)


# Stays ------------------------------------------------------------------------------------------------------


def _from_stay(plan: Plan, origin: FromStay, draft: Draft) -> None:
    draft.add("due", _due(plan, f"s.point_no = {origin.point_no:d} and s.wake_at <= {NOW}", "order by s.wake_at"))
    since = "case when s.reached is null then s.wake_at else s.since end" if origin.by_event else "s.wake_at"
    if origin.kind == "message_bus":
        since = "s.since"  # who only waited for a turn has not waited
    _leave(plan, draft, since, _output(plan, origin))


def _output(plan: Plan, origin: FromStay) -> str:
    if not plan.routes:
        return ""
    reached = f"coalesce(s.reached, {origin.fallback:d}::smallint)"
    if not origin.merged:
        return f", {reached} as output"
    cases = " ".join(f"when {output:d} then {instead:d}" for output, instead in sorted(origin.merged.items()))
    return f", (case s.reached {cases} else {reached} end)::smallint as output"


def _from_removed(plan: Plan, draft: Draft) -> None:
    draft.add("due", _due(plan, "s.point_no = any(%(moved)s::smallint[])", ""))
    _leave(plan, draft, NOW, ", array[s.point_no] as path, s.point_no as removed_no")


def _due(plan: Plan, where: str, order: str) -> str:
    inner = f"""
        select s.ctid as place, s.profile_id, s.enrollment_id
        from stay as s
        where s.shard = {SHARD} and s.journey_id = {plan.header.journey_id:d} and {where}
        {order}
        limit %(batch)s::bigint
    """
    if not plan.carries_attributes:
        return inner
    # One enrollment per person at a time: two of them must not change the same attributes at once.
    return f"select distinct on (d.profile_id) d.place from ({inner}) as d order by d.profile_id, d.enrollment_id"


def _leave(plan: Plan, draft: Draft, since: str, more: str) -> None:
    """Take the due people off their point, then fetch what the plan needs to know about them."""
    needs_more = plan.reads_context or plan.carries_attributes
    name = "leaving" if needs_more else plan.start_name
    own = {"since": f"{since} as since"}
    stored = [column for column in columns(plan) if column not in FETCHED]
    body = f"""
        delete from stay as s
        where s.shard = {SHARD} and s.ctid = any(array(select due.place from due))
        returning {", ".join(f"{own.get(name, f's.{name}')}" for name in stored)}{more}
    """
    draft.add(name, body, materialized=False)
    if needs_more:
        draft.add(plan.start_name, _enriched(plan, stored, more))


FETCHED = frozenset({"origin", "attributes", "has_changed"})
"""Columns that a stay does not have."""


def _enriched(plan: Plan, stored: list[str], more: str) -> str:
    passed_on = [column for column in ("path", "output", "removed_no") if f"as {column}" in more]
    extra, joins = "", ""
    if plan.reads_context:
        extra += ", n.context as origin"
        joins += "\n" + lateral("enrollment", "n", ("context",), "n.enrollment_id = l.enrollment_id")
    if plan.carries_attributes:
        extra += ", coalesce(p.attributes, '{}'::jsonb) as attributes, false as has_changed"
        joins += "\n" + lateral("profile", "p", ("attributes",), "p.profile_id = l.profile_id")
    fields = ", ".join(f"l.{column}" for column in [*stored, *passed_on])
    return f"select {fields}{extra}\nfrom leaving as l{joins}"


# Arrivals ---------------------------------------------------------------------------------------------------


def _arriving_by_event(plan: Plan, entry: FromEvents, draft: Draft) -> str:
    point = entry.point
    named = point.attribute_entry is not None and point.attribute_entry.enabled
    data = "e.data -> 'event'" if named else "e.data"
    clauses = [f"e.shard = {SHARD}", f"e.name = {draft.parameters.add(point.event_name, 'text')}"]
    if named:
        clauses += _own_rows(plan, entry, "entry_event")
    else:
        clauses += [
            "e.event_id between %(first_event)s::bigint and %(last_event)s::bigint",
            "e.received_at >= %(first_received)s::timestamptz",
            f"e.workspace_id = {plan.header.workspace_id:d}",
        ]
        if point.application_code is not None:
            clauses.append(f"e.app_id = {plan.header.app_ids[point.application_code]:d}")
    clauses += conditions(point.event_conditions, data, plan.header.scope, draft)
    if entry.page is not None:
        clauses.append(page_clause(entry.page, data, draft))
    if entry.selector is not None:
        clauses.append(click_clause(entry.selector, data, draft))
    period = point.active_period
    if period is not None and period.from_ is not None:
        clauses.append(f"e.occurred_at >= {draft.parameters.add(period.from_, 'timestamptz')}")
    if period is not None and period.to is not None:
        clauses.append(f"e.occurred_at < {draft.parameters.add(period.to, 'timestamptz')}")
    key = "''"
    if entry.admission.keyed and point.multi_entry is not None:
        name = draft.parameters.add(point.multi_entry.key_attribute, "text")
        key = f"({data} ->> {name})"
        clauses.append(f"{key} is not null")
    cause = "0::bigint" if named else "e.event_id"
    number = "e.inbox_id" if named else "e.event_id"
    hwid = "null::text" if named else "e.hwid"
    return f"""
select distinct on (e.profile_id, entry_key)
    e.profile_id, {key} as entry_key, {cause} as cause, e.received_at as since,
    jsonb_build_object('event', {data}) as context, null::uuid as request_uuid, {hwid} as hwid
from {"inbox" if named else "event"} as e
where {_all(clauses)}
order by e.profile_id, entry_key, {number}
"""


def _own_rows(plan: Plan, entry: Entry, kind: str) -> list[str]:
    """Return the clauses that pick the rows of this tick's inbox meant for an entry."""
    return [
        "e.inbox_id <= %(last_inbox)s::bigint",
        f"e.kind = '{kind}'",
        f"(e.data ->> 'journey_id')::integer = {plan.header.journey_id:d}",
        f"(e.data ->> 'point_no')::integer = {entry.point_no:d}",
    ]


def _all(clauses: list[str]) -> str:
    return "\n  and ".join(clauses)


def _arriving_by_request(plan: Plan, entry: FromRequests) -> str:
    clauses = [f"e.shard = {SHARD}", *_own_rows(plan, entry, "enroll")]
    by_page = ", e.data ? 'by_page' as by_page" if entry.admission.binds_pages_only else ""
    # Whom an operator names, too, is judged as theirs.
    return f"""
select distinct on (e.profile_id)
    e.profile_id, '' as entry_key, 0::bigint as cause, e.received_at as since,
    jsonb_build_object('entry', e.data -> 'entry') as context, (e.data ->> 'request_uuid')::uuid as request_uuid,
    e.hwid{by_page}
from inbox as e
where {_all(clauses)}
order by e.profile_id, e.data ? 'by_page', e.inbox_id
"""


def _arriving_by_segment(plan: Plan, entry: FromSegment, draft: Draft) -> str:
    clauses = [
        f"p.shard = {SHARD}",
        "p.profile_id > %(after_profile)s::bigint",
        f"p.workspace_id = {plan.header.workspace_id:d}",
    ]
    if entry.app_id is not None:
        clauses.append(f"p.app_ids @> array[{entry.app_id:d}]")
    if entry.by_zone:
        fallback = draft.parameters.add(entry.fallback_zone, "text")
        clauses.append(f"coalesce(p.time_zone, {fallback}) = any(%(zones)s::text[])")
    clauses.append(predicate(entry.expression, draft.parameters, plan.header.scope, lookup="shard"))
    context = "jsonb_build_object('entry', %(entry)s::jsonb)" if entry.requested else "null::jsonb"
    request = "%(request_uuid)s::uuid" if entry.requested else "null::uuid"
    since = "%(received_at)s::timestamptz" if entry.requested else NOW
    return f"""
select
    p.profile_id, '' as entry_key, 0::bigint as cause, {since} as since,
    {context} as context, {request} as request_uuid, null::text as hwid
from profile as p
where {_all(clauses)}
order by p.profile_id
limit %(batch)s::bigint
"""


# Admission --------------------------------------------------------------------------------------------------


def _admit(plan: Plan, entry: Entry, draft: Draft) -> None:
    """Decide who of the arriving comes in, and enroll them."""
    draft.add("judged", _judged(plan, entry.admission, draft))
    walks = "where j.refusal is null" + (" and not j.is_control" if entry.admission.control_percent else "")
    admitted = f"""
        insert into enrollment (
            shard, enrollment_id, journey_id, profile_id, point_no, entry_key, entered_at, context, hwid
        )
        select
            {SHARD}, j.enrollment_id, {plan.header.journey_id:d}, j.profile_id, {entry.point_no:d}, j.entry_key,
            {NOW}, j.context, j.hwid
        from judged as j
        where j.refusal is null
    """
    draft.add("admitted", admitted, materialized=False)
    if entry.admission.deadline_seconds:
        _set_deadlines(plan, entry.admission.deadline_seconds, walks, draft)
    extra, profiles = "", ""
    if plan.carries_attributes:
        profiles = "\n" + lateral("profile", "p", ("attributes",), "p.profile_id = j.profile_id")
    if waits_turn(plan):
        # Of several enrollments that one person begins here, only one may change attributes now; the others follow.
        extra += ", row_number() over (partition by j.profile_id order by j.enrollment_id) as turn"
    draft.add(
        entry_set(plan),
        f"""
select {", ".join(ENTERING.get(name, f"j.{name}") for name in columns(plan))}{extra}
from judged as j{profiles}
{walks}
""",
    )
    if waits_turn(plan):
        draft.add(plan.start_name, f"select {', '.join(columns(plan))} from entering where turn = 1")


def _set_deadlines(plan: Plan, seconds: int, walks: str, draft: Draft) -> None:
    """Note until when those who come in have to reach the goal, and have the journey woken then."""
    due_at = f"{NOW} + make_interval(secs => {seconds:d})"
    limited = f"""
        insert into deadline (shard, enrollment_id, journey_id, due_at)
        select {SHARD}, j.enrollment_id, {plan.header.journey_id:d}, {due_at}
        from judged as j
        {walks}
        returning due_at
    """
    draft.add("limited", limited, materialized=False)
    reminded = f"""
        insert into alarm (shard, journey_id, point_no, wake_at)
        select {SHARD}, {plan.header.journey_id:d}, 0, min(l.due_at)
        from limited as l
        having count(*) > 0
        on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
        where excluded.wake_at < alarm.wake_at
    """
    draft.add("reminded", reminded, materialized=False)


ENTERING = {
    "after_event": "j.cause as after_event",
    "attributes": "coalesce(p.attributes, '{}'::jsonb) as attributes",
    "context": "null::jsonb as context",
    "has_changed": "false as has_changed",
    "origin": "j.context as origin",
}
"""Columns of people who enter that are not called so in `judged`."""


def is_control(plan: Plan, admission: Admission, profile: str) -> str:
    """Return whether a person belongs to the control group of the journey: by a hash, so always or never."""
    key = f"md5({profile}::text || ':control:{plan.header.journey_id:d}')"
    return f"mod(('x' || left({key}, 8))::bit(32)::bigint, 10000) < {admission.control_percent * 100:d}"


def _outsiders(plan: Plan, admission: Admission, draft: Draft) -> Iterator[str]:
    """Yield the refusals of people whom the journey is not for."""
    person = f"from profile as p where p.shard = {SHARD} and p.profile_id = a.profile_id offset 0"
    if not admission.admits_anonymous:
        yield f"when not coalesce((select p.user_id is not null {person}), false) then 'anonymous'"
    if admission.audience is not None:
        met = predicate(admission.audience, draft.parameters, plan.header.scope)
        bound = "a.by_page and " if admission.binds_pages_only else ""
        yield f"when {bound}not coalesce((select {met} {person}), false) then 'not in audience'"


def _judged(plan: Plan, admission: Admission, draft: Draft) -> str:
    """Say who is refused, and why. Scalar subqueries, each one index probe, and not `exists`, which may be hashed."""
    same_key = " and n.entry_key = a.entry_key" if admission.keyed else ""
    own = f"n.shard = {SHARD} and n.journey_id = {plan.header.journey_id:d} and n.profile_id = a.profile_id"
    cases = [
        f"""when (
                select true from stay as s
                where s.shard = {SHARD} and s.journey_id = {plan.header.journey_id:d}
                  and s.profile_id = a.profile_id and s.entry_key = a.entry_key
                limit 1
            ) then 'already inside'"""
    ]
    control = ""
    if admission.control_percent:
        # They leave at once, and would otherwise come again when those they are compared with cannot.
        belongs = is_control(plan, admission, "a.profile_id")
        lately = f"n.entered_at > {NOW} - make_interval(secs => {admission.control_seconds:d})"
        cases.append(
            f"when {belongs} and (\n"
            "                select true from enrollment as n\n"
            f"                where {own} and n.entry_key = a.entry_key and {lately} limit 1\n"
            "            ) then 'already inside'"
        )
        control = f",\n            {belongs} as is_control"
    if not admission.reenters:
        cases.append(f"when (select true from enrollment as n where {own}{same_key} limit 1) then 'entered before'")
    elif admission.once_an_instant:
        just_now = f"{own} and n.entered_at = {NOW}"
        cases.append(f"when (select true from enrollment as n where {just_now} limit 1) then 'entered before'")
    if admission.cooldown_seconds:
        lately = f"{own}{same_key} and n.entered_at > {NOW} - make_interval(secs => {admission.cooldown_seconds:d})"
        cases.append(f"when (select true from enrollment as n where {lately} limit 1) then 'entered before'")
    cases += _outsiders(plan, admission, draft)
    number = ""
    if admission.capping is not None:
        period = admission.capping.period_seconds
        within = f" and n.entered_at > {NOW} - make_interval(secs => {period:d})" if period is not None else ""
        number = f"(select count(*) from enrollment as n where {own}{within})"
        if not admission.keyed:
            cases.append(f"when {number} >= {admission.capping.max_entries:d} then 'capped'")
    body = "\n            ".join(cases)
    judged = f"""
        select
            %(next_enrollment)s::bigint - 1 + row_number() over () as enrollment_id,
            {ARRIVED},
            case
            {body}
            end as refusal{control}
        from arriving as a
    """
    if admission.capping is None or not admission.keyed:
        return judged
    # Of the keys that one person brings at once, the first fill the cap and the rest are over it.
    before = f"{number} + row_number() over (partition by a.profile_id, a.refusal order by a.enrollment_id) - 1"
    return f"""
        select
            a.enrollment_id, {ARRIVED},
            case
                when a.refusal is null and {before} >= {admission.capping.max_entries:d} then 'capped'
                else a.refusal
            end as refusal{", a.is_control" if control else ""}
        from ({judged}) as a
    """


ARRIVED = "a.profile_id, a.entry_key, a.cause, a.since, a.context, a.request_uuid, a.hwid"


def entry_set(plan: Plan) -> str:
    """Name the set that holds everybody who came in by this statement to go on."""
    return "entering" if waits_turn(plan) else plan.start_name
