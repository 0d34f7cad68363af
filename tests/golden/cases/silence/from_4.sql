-- journey 7, version 1, from point 4 (webhook); compiler 1
with
due as materialized (
    select s.ctid as place, s.profile_id, s.enrollment_id
    from stay as s
    where s.shard = %(shard)s::smallint and s.journey_id = 7 and s.point_no = 4 and s.wake_at <= %(now)s::timestamptz
    order by s.wake_at
    limit %(batch)s::bigint
),
left_4_webhook as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select due.place from due))
    returning s.enrollment_id, s.profile_id, coalesce(s.reached, 1::smallint) as output
),
at_5_exit as materialized (
    select i.enrollment_id, i.profile_id
    from (
        select enrollment_id, profile_id from left_4_webhook where output = 0
    ) as i
),
at_8_exit as materialized (
    select i.enrollment_id, i.profile_id
    from (
        select enrollment_id, profile_id from left_4_webhook where output = 1
    ) as i
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 5 as point_no, 'completed'::departure_outcome as outcome, %(v1)s::text as reason
    from at_5_exit as i
    union all
    select i.enrollment_id, 8 as point_no, 'completed'::departure_outcome as outcome, %(v2)s::text as reason
    from at_8_exit as i
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[4, 5]::smallint[], %(now)s::timestamptz from at_5_exit
    union all
    select %(shard)s::smallint, enrollment_id, array[4, 8]::smallint[], %(now)s::timestamptz from at_8_exit
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 4 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from left_4_webhook
    group by output
    union all
    select 5 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_5_exit
    union all
    select 5 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_5_exit
    union all
    select 8 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_8_exit
    union all
    select 8 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_8_exit
    ) as c
    where c.n > 0
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select 'taken' as what, null::smallint as point_no, count(*) as n, null::bigint as last_profile
from left_4_webhook

-- v1 = ""
-- v2 = "failed"
