-- journey 7, version 1, in at point 1, due; compiler 1
with
candidate as materialized (
    select m.profile_id
    from audience_member as m
    where m.shard = %(shard)s::smallint and m.journey_id = 7 and m.point_no = 1 and m.check_at <= %(now)s::timestamptz
    order by m.check_at
    limit %(batch)s::bigint
),
seen as materialized (
    select
        c.profile_id, m.place, m.check_at as checked_at, coalesce(m.is_member, false) as was_member,
        p.profile_id is not null as is_known,
        p.profile_id is not null and ((p.app_ids @> array[1]) and ((coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false) or coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false)) and coalesce(instant_v1((p.attributes -> %(v3)s::text)) >= (select days_ago_v1(%(now)s::timestamptz, %(v4)s::integer)) or jsonb_typeof((p.attributes -> %(v3)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v3)s::text)) as element(value) where instant_v1(element.value) >= (select days_ago_v1(%(now)s::timestamptz, %(v4)s::integer))), false))) as is_member,
        case when not ((p.app_ids @> array[1])) then null else case when not ((coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false) or coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false))) then null else next_turn_v1((p.attributes -> %(v3)s::text), %(v6)s::integer[], %(now)s::timestamptz) end end as check_at
    from candidate as c
    left join lateral (
        select m.ctid as place, m.is_member, m.check_at from audience_member as m
        where m.shard = %(shard)s::smallint and m.journey_id = 7 and m.point_no = 1 and m.profile_id = c.profile_id offset 0
    ) as m on true
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = c.profile_id offset 0
    ) as p on true
),
forgotten as (
    delete from audience_member as m
    where m.shard = %(shard)s::smallint and m.ctid = any(array(
        select s.place from seen as s where s.place is not null and not s.is_member and s.check_at is null
    ))
),
kept as (
    insert into audience_member (shard, journey_id, point_no, profile_id, is_member, check_at)
    select %(shard)s::smallint, 7, 1, s.profile_id, s.is_member, s.check_at
    from seen as s
    where (s.is_member or s.check_at is not null)
      and (s.place is null or s.was_member <> s.is_member or s.checked_at is distinct from s.check_at)
    on conflict (shard, journey_id, point_no, profile_id) do update set
        is_member = excluded.is_member,
        check_at = excluded.check_at
),
rung as (
    insert into alarm (shard, journey_id, point_no, wake_at)
    select %(shard)s::smallint, 7, 1, min(s.check_at)
    from seen as s
    having min(s.check_at) is not null
    on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
    where excluded.wake_at < alarm.wake_at
),
arriving as materialized (
    select
        s.profile_id, '' as entry_key, 0::bigint as cause, %(now)s::timestamptz as since,
        null::jsonb as context, null::uuid as request_uuid, null::text as hwid
    from seen as s
    where s.is_member and not s.was_member
    order by s.profile_id
),
judged as materialized (
    select
        %(next_enrollment)s::bigint - 1 + row_number() over () as enrollment_id,
        a.profile_id, a.entry_key, a.cause, a.since, a.context, a.request_uuid, a.hwid,
        case
        when (
            select true from stay as s
            where s.shard = %(shard)s::smallint and s.journey_id = 7
              and s.profile_id = a.profile_id and s.entry_key = a.entry_key
            limit 1
        ) then 'already inside'
        when (select true from enrollment as n where n.shard = %(shard)s::smallint and n.journey_id = 7 and n.profile_id = a.profile_id and n.entered_at = %(now)s::timestamptz limit 1) then 'entered before'
        end as refusal
    from arriving as a
),
admitted as (
    insert into enrollment (
        shard, enrollment_id, journey_id, profile_id, point_no, entry_key, entered_at, context, hwid
    )
    select
        %(shard)s::smallint, j.enrollment_id, 7, j.profile_id, 1, j.entry_key,
        %(now)s::timestamptz, j.context, j.hwid
    from judged as j
    where j.refusal is null
),
left_1_start_by_segment as materialized (
    select j.enrollment_id, j.profile_id, null::jsonb as context, coalesce(p.attributes, '{}'::jsonb) as attributes, false as has_changed
    from judged as j
    left join lateral (
        select p.attributes from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = j.profile_id offset 0
    ) as p on true
    where j.refusal is null
),
at_2_update_profile as materialized (
    select i.enrollment_id, i.profile_id, i.context, apply_operations_v1(i.attributes, %(v7)s::jsonb) as attributes, true as has_changed
    from left_1_start_by_segment as i
),
at_3_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.attributes, i.has_changed
    from at_2_update_profile as i
),
at_4_exit as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.attributes, i.has_changed
    from at_3_send_email as i
),
message_3 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 3,
        'email', 1, %(now)s::timestamptz, %(now)s::timestamptz, i.context
    from at_3_send_email as i
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 4 as point_no, 'completed'::departure_outcome as outcome, %(v8)s::text as reason
    from at_4_exit as i
    ) as r
),
updated as materialized (
    select profile_id, enrollment_id, attributes from at_4_exit where has_changed
),
changed as (
    insert into profile (shard, profile_id, workspace_id, attributes, created_at, updated_at)
    select %(shard)s::smallint, c.profile_id, 1, c.attributes, %(now)s::timestamptz, %(now)s::timestamptz
    from updated as c
    on conflict (shard, profile_id) do update set attributes = excluded.attributes, updated_at = excluded.updated_at
    returning profile_id
),
remembered as (
    insert into profile_change (shard, profile_id, at, enrollment_id, changes)
    select %(shard)s::smallint, d.profile_id, %(now)s::timestamptz, d.enrollment_id, d.changes
    from (
    select c.profile_id, c.enrollment_id, e.changes
    from updated as c
    left join lateral (
        select p.attributes from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = c.profile_id offset 0
    ) as p on true
    cross join lateral (
        select jsonb_object_agg(
            tag.name, jsonb_build_object('from', p.attributes -> tag.name, 'to', c.attributes -> tag.name)
        ) as changes
        from jsonb_object_keys(coalesce(p.attributes, '{}'::jsonb) || c.attributes) as tag(name)
        where coalesce(p.attributes -> tag.name, 'null'::jsonb) <> coalesce(c.attributes -> tag.name, 'null'::jsonb)
    ) as e
    where p.attributes is distinct from c.attributes
    offset 0
    ) as d
    where d.changes is not null
    returning change_no
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[1, 2, 3, 4]::smallint[], %(now)s::timestamptz from at_4_exit where (select count(*) from remembered) >= 0
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 1 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from left_1_start_by_segment
    union all
    select 1 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from left_1_start_by_segment
    union all
    select 2 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_2_update_profile
    union all
    select 2 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_2_update_profile
    union all
    select 3 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_3_send_email
    union all
    select 3 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_3_send_email
    union all
    select 4 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_4_exit
    union all
    select 4 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_4_exit
    ) as c
    where c.n > 0
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select 'taken' as what, null::smallint as point_no, count(*) as n, max(profile_id) as last_profile
from judged
union all
select 'looked', null, count(*), max(seen.profile_id)
from seen
union all
select 'changed', null, changed.profile_id, null
from changed
where %(watched)s::boolean

-- v1 = "vip"
-- v2 = "true"
-- v3 = "visit"
-- v4 = 3
-- v5 = 2
-- v6 = [4]
-- v7 = "[{\"op\":\"set\",\"tag\":\"told\",\"value\":true}]"
-- v8 = ""
