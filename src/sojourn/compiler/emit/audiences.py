"""Audiences: who has begun or ceased to match, spelt as SQL, and how that is kept for the next time."""

from textwrap import indent
from typing import assert_never

from sojourn.compiler.audience import Audience, next_turn
from sojourn.compiler.emit.given import NOW, PROFILE_COLUMNS, SHARD, lateral
from sojourn.compiler.emit.statement import COMPILER, Draft, Statement
from sojourn.compiler.plan import FromAudience, Header, Plan
from sojourn.compiler.segments import predicate


def look(plan: Plan, entry: FromAudience, draft: Draft) -> None:
    """Write the sets that hold people against the segment, and keep what was found: members, and when to look again."""
    place = f"{plan.header.journey_id:d}, {entry.point_no:d}"
    draft.add("candidate", _candidates(plan, entry))
    draft.add("seen", _seen(plan, entry, draft))
    draft.add(
        "forgotten",
        f"""
delete from audience_member as m
where m.shard = {SHARD} and m.ctid = any(array(
    select s.place from seen as s where s.place is not null and not s.is_member and s.check_at is null
))
""",
        materialized=False,
    )
    draft.add(
        "kept",
        f"""
insert into audience_member (shard, journey_id, point_no, profile_id, is_member, check_at)
select {SHARD}, {place}, s.profile_id, s.is_member, s.check_at
from seen as s
where (s.is_member or s.check_at is not null)
  and (s.place is null or s.was_member <> s.is_member or s.checked_at is distinct from s.check_at)
on conflict (shard, journey_id, point_no, profile_id) do update set
    is_member = excluded.is_member,
    check_at = excluded.check_at
""",
        materialized=False,
    )
    draft.add(
        "rung",
        f"""
insert into alarm (shard, journey_id, point_no, wake_at)
select {SHARD}, {place}, min(s.check_at)
from seen as s
having min(s.check_at) is not null
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
where excluded.wake_at < alarm.wake_at
""",
        materialized=False,
    )


def _candidates(plan: Plan, entry: FromAudience) -> str:
    """Return the people to look at. While everybody is being looked at, those who changed wait for their turn."""
    own = f"shard = {SHARD} and {{0}}.journey_id = {plan.header.journey_id:d} and {{0}}.point_no = {entry.point_no:d}"
    match entry.looked:
        case "changed":
            return f"""
select distinct c.profile_id
from unnest(%(people)s::bigint[]) as c(profile_id)
where c.profile_id <= (
    select coalesce(a.after_profile, {LAST_PROFILE}) from audience as a where a.{own.format("a")}
)
"""
        case "due":
            return f"""
select m.profile_id
from audience_member as m
where m.{own.format("m")} and m.check_at <= {NOW}
order by m.check_at
limit %(batch)s::bigint
"""
        case "pass":
            return f"""
select p.profile_id
from profile as p
where p.shard = {SHARD} and p.profile_id > %(after_profile)s::bigint and p.workspace_id = {plan.header.workspace_id:d}
order by p.profile_id
limit %(batch)s::bigint
"""
        case _:
            assert_never(entry.looked)


LAST_PROFILE = 2**63 - 1


def _seen(plan: Plan, entry: FromAudience, draft: Draft) -> str:
    scope, expression = plan.header.scope, entry.audience.expression
    is_member = predicate(expression, draft.parameters, scope)
    check_at = next_turn(expression, draft.parameters, scope) or "null::timestamptz"
    own = f"m.journey_id = {plan.header.journey_id:d} and m.point_no = {entry.point_no:d}"
    return f"""
select
    c.profile_id, m.place, m.check_at as checked_at, coalesce(m.is_member, false) as was_member,
    p.profile_id is not null as is_known,
    p.profile_id is not null and {is_member} as is_member,
    {check_at} as check_at
from candidate as c
left join lateral (
    select m.ctid as place, m.is_member, m.check_at from audience_member as m
    where m.shard = {SHARD} and {own} and m.profile_id = c.profile_id offset 0
) as m on true
{lateral("profile", "p", PROFILE_COLUMNS, "p.profile_id = c.profile_id")}
"""


def sift(header: Header, audience: Audience) -> Statement:
    """Return the statement that finds, among entries that watch one segment, those that have to look at `people`.

    It is one evaluation of the segment for all of them. The others would find everything as they know it.

    Parameters of run time: `shard`, `now`, `people`, and the entries as `journey_ids` and `point_nos`.
    """
    draft = Draft(f"-- who watches {audience.fingerprint} has to look; compiler {COMPILER:d}")
    is_member = predicate(audience.expression, draft.parameters, header.scope)
    check_at = next_turn(audience.expression, draft.parameters, header.scope) or "null::timestamptz"
    draft.add("candidate", "select distinct c.profile_id from unnest(%(people)s::bigint[]) as c(profile_id)")
    draft.add(
        "seen",
        f"""
select c.profile_id, p.profile_id is not null and {is_member} as is_member, {check_at} as check_at
from candidate as c
{lateral("profile", "p", PROFILE_COLUMNS, "p.profile_id = c.profile_id")}
""",
    )
    own = "m.journey_id = w.journey_id and m.point_no = w.point_no and m.profile_id = s.profile_id"
    known = indent(lateral("audience_member", "m", ("is_member", "check_at"), own), "    ").lstrip()
    return draft.finish(f"""
select w.journey_id, w.point_no
from unnest(%(journey_ids)s::integer[], %(point_nos)s::smallint[]) as w(journey_id, point_no)
where exists (
    select
    from seen as s
    {known}
    where coalesce(m.is_member, false) <> s.is_member or m.check_at is distinct from s.check_at
)
""")


def arriving_by_audience(entry: FromAudience) -> str:
    """Return the people whom what was found lets in. Who is no more known has left nothing."""
    clauses = ["s.was_member and not s.is_member and s.is_known"]
    if entry.audience.trigger != "LEAVING":
        clauses = ["s.is_member and not s.was_member"]
    if entry.looked == "pass":
        clauses.append("%(enrolls)s::boolean")
    return f"""
select
    s.profile_id, '' as entry_key, 0::bigint as cause, {NOW} as since,
    null::jsonb as context, null::uuid as request_uuid, null::text as hwid
from seen as s
where {" and ".join(clauses)}
order by s.profile_id
"""
