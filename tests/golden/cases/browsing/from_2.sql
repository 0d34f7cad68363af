-- journey 7, version 1, from point 2 (content); compiler 1
with
due as materialized (
    select s.ctid as place, s.profile_id, s.enrollment_id
    from stay as s
    where s.shard = %(shard)s::smallint and s.journey_id = 7 and s.point_no = 2 and s.wake_at <= %(now)s::timestamptz
    order by s.wake_at
    limit %(batch)s::bigint
),
left_2_content as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select due.place from due))
    returning s.enrollment_id, s.profile_id, s.entry_key, case when s.reached is null then s.wake_at else s.since end as since, s.after_event, s.context, coalesce(s.reached, 0::smallint) as output
),
at_4_condition as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context,
        case
            when coalesce((p.attributes ->> %(v1)s::text) = %(v2)s::text or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where (element.value #>> '{}') = %(v2)s::text), false) then 1
            when (exists (select 1 from device as d where d.shard = %(shard)s::smallint and d.profile_id = p.profile_id and true and coalesce(coalesce((d.details ->> %(v3)s::text), platform_type_v1(d.platform)) = %(v4)s::text or jsonb_typeof(coalesce(nullif((d.details -> %(v3)s::text), 'null'::jsonb), to_jsonb(platform_type_v1(d.platform)))) = 'array' and exists (select 1 from elements_v1(coalesce(nullif((d.details -> %(v3)s::text), 'null'::jsonb), to_jsonb(platform_type_v1(d.platform)))) as element(value) where (element.value #>> '{}') = %(v4)s::text), false) offset 0) or (select (count(*) >= %(v6)s::bigint) from event as e where e.shard = %(shard)s::smallint and e.profile_id = p.profile_id and e.name = %(v5)s::text)) then 2
            else 0
        end as output
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from left_2_content where output = 0
    ) as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_5_wait as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, %(now)s::timestamptz + make_interval(secs => 3600) as wake_at
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from left_2_content where output = 1
    ) as i
),
at_7_goal_check as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context,
        case when (
            select true from conversion as k
            where k.shard = %(shard)s::smallint and k.enrollment_id = i.enrollment_id and k.goal = any(%(v7)s::text[]) limit 1
        ) then 1 else 0 end as output
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from at_4_condition where output = 1
    ) as i
),
at_8_goal_check as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context,
        case when (
            select true from conversion as k
            where k.shard = %(shard)s::smallint and k.enrollment_id = i.enrollment_id and k.goal = any(%(v8)s::text[]) limit 1
        ) then 1 else 0 end as output
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from at_4_condition where output = 0
    ) as i
),
at_6_exit as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, i.path || 6::smallint as path
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context, array[2, 4]::smallint[] as path from at_4_condition where output = 2
        union all
        select enrollment_id, profile_id, entry_key, since, after_event, context, array[2, 4, 7]::smallint[] as path from at_7_goal_check where output = 1
        union all
        select enrollment_id, profile_id, entry_key, since, after_event, context, array[2, 4, 8]::smallint[] as path from at_8_goal_check where output = 1
    ) as i
),
at_9_wait_for_trigger as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, i.path || 9::smallint as path, %(now)s::timestamptz + make_interval(secs => 3162240000) as wake_at
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context, array[2, 4, 7]::smallint[] as path from at_7_goal_check where output = 0
        union all
        select enrollment_id, profile_id, entry_key, since, after_event, context, array[2, 4, 8]::smallint[] as path from at_8_goal_check where output = 0
    ) as i
),
placed as (
    insert into stay (
        shard, journey_id, enrollment_id, profile_id, since, after_event, entry_key, context, point_no, wake_at
    )
    select
        %(shard)s::smallint, 7, r.enrollment_id, r.profile_id, r.since, r.after_event, r.entry_key, r.context,
        r.point_no, r.wake_at
    from (
    select i.enrollment_id, i.profile_id, i.since, i.after_event, i.entry_key, i.context, 5 as point_no, i.wake_at
    from at_5_wait as i
    union all
    select i.enrollment_id, i.profile_id, i.since, i.after_event, i.entry_key, i.context, 9 as point_no, i.wake_at
    from at_9_wait_for_trigger as i
    ) as r
    returning point_no, wake_at
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 6 as point_no, 'completed'::departure_outcome as outcome, %(v9)s::text as reason
    from at_6_exit as i
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[2, 5]::smallint[], %(now)s::timestamptz from at_5_wait
    union all
    select %(shard)s::smallint, enrollment_id, path, %(now)s::timestamptz from at_6_exit
    union all
    select %(shard)s::smallint, enrollment_id, path, %(now)s::timestamptz from at_9_wait_for_trigger
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 2 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from left_2_content
    group by output
    union all
    select 4 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_4_condition
    union all
    select 4 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from at_4_condition
    group by output
    union all
    select 5 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_5_wait
    union all
    select 7 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_7_goal_check
    union all
    select 7 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from at_7_goal_check
    group by output
    union all
    select 8 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_8_goal_check
    union all
    select 8 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from at_8_goal_check
    group by output
    union all
    select 6 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_6_exit
    union all
    select 6 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_6_exit
    union all
    select 9 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_9_wait_for_trigger
    ) as c
    where c.n > 0
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
),
alarmed as (
    insert into alarm (shard, journey_id, point_no, wake_at)
    select %(shard)s::smallint, 7, placed.point_no, min(placed.wake_at)
    from placed
    group by placed.point_no
    on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
    where excluded.wake_at < alarm.wake_at
)
select 'taken' as what, null::smallint as point_no, count(*) as n, null::bigint as last_profile
from left_2_content
union all
select 'placed', placed.point_no, count(*), null
from placed
group by placed.point_no

-- v1 = "plan"
-- v2 = "pro"
-- v3 = "type"
-- v4 = "mobile"
-- v5 = "visit"
-- v6 = 3
-- v7 = ["journey goal"]
-- v8 = ["goal check edb80e0b-e4fb-5734-9f93-a516c7ddb1b8"]
-- v9 = ""
