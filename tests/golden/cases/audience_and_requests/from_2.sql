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
    returning s.enrollment_id, s.profile_id, coalesce(s.reached, 2::smallint) as output
),
at_3_goal_check as materialized (
    select i.enrollment_id, i.profile_id,
        case when (
            select true from conversion as k
            where k.shard = %(shard)s::smallint and k.enrollment_id = i.enrollment_id and k.goal = any(%(v1)s::text[]) limit 1
        ) or coalesce((p.attributes ->> %(v2)s::text) = %(v3)s::text or jsonb_typeof((p.attributes -> %(v2)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v2)s::text)) as element(value) where (element.value #>> '{}') = %(v3)s::text), false) then 1 else 0 end as output
    from (
        select enrollment_id, profile_id from left_2_content where output = 0
    ) as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_4_exit as materialized (
    select i.enrollment_id, i.profile_id, i.path || 4::smallint as path
    from (
        select enrollment_id, profile_id, array[2]::smallint[] as path from left_2_content where output = 1
        union all
        select enrollment_id, profile_id, array[2]::smallint[] as path from left_2_content where output = 2
        union all
        select enrollment_id, profile_id, array[2, 3]::smallint[] as path from at_3_goal_check where output = 0
        union all
        select enrollment_id, profile_id, array[2, 3]::smallint[] as path from at_3_goal_check where output = 1
    ) as i
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 4 as point_no, 'completed'::departure_outcome as outcome, %(v4)s::text as reason
    from at_4_exit as i
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, path, %(now)s::timestamptz from at_4_exit
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 2 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from left_2_content
    group by output
    union all
    select 3 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_3_goal_check
    union all
    select 3 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from at_3_goal_check
    group by output
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
select 'taken' as what, null::smallint as point_no, count(*) as n, null::bigint as last_profile
from left_2_content

-- v1 = ["journey goal"]
-- v2 = "plan"
-- v3 = "pro"
-- v4 = ""
