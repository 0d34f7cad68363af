-- journey 7, version 1, from removed points to point 2; compiler 1
with
due as materialized (
    select s.ctid as place, s.profile_id, s.enrollment_id
    from stay as s
    where s.shard = %(shard)s::smallint and s.journey_id = 7 and s.point_no = any(%(moved)s::smallint[])
    limit %(batch)s::bigint
),
left_removed_points as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select due.place from due))
    returning s.enrollment_id, s.profile_id, s.context, array[s.point_no] as path, s.point_no as removed_no
),
at_2_random_splitter as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.path || 2::smallint as path,
        case when 5000 > d.drawn then 1 when 10000 > d.drawn then 2 end as output
    from left_removed_points as i
    cross join lateral (select mod(('x' || left(md5(i.enrollment_id::text || %(v1)s::text), 8))::bit(32)::bigint, 10000) as drawn) as d
),
at_3_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.path || 3::smallint as path
    from (
        select enrollment_id, profile_id, context, path as path from at_2_random_splitter where output = 1
    ) as i
),
at_5_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.path || 5::smallint as path
    from (
        select enrollment_id, profile_id, context, path as path from at_2_random_splitter where output = 2
    ) as i
),
at_4_exit as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.path || 4::smallint as path
    from (
        select enrollment_id, profile_id, context, path as path from at_3_send_email
        union all
        select enrollment_id, profile_id, context, path as path from at_5_send_email
    ) as i
),
drawn_2 as (
    insert into draw (shard, journey_id, point_no, drawn_for, enrollment_id, output, at)
    select %(shard)s::smallint, 7, 2, i.enrollment_id, i.enrollment_id, i.output, %(now)s::timestamptz
    from at_2_random_splitter as i
    order by i.enrollment_id
    on conflict (shard, journey_id, point_no, drawn_for) do nothing
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
message_5 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 5,
        'email', 1, %(now)s::timestamptz, %(now)s::timestamptz, i.context
    from at_5_send_email as i
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 4 as point_no, 'completed'::departure_outcome as outcome, %(v2)s::text as reason
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
    select removed_no as point_no, 'left' as metric, 'removed' as detail, count(*) as n
    from left_removed_points
    group by removed_no
    union all
    select 2 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_2_random_splitter
    union all
    select 2 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from at_2_random_splitter
    group by output
    union all
    select 3 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_3_send_email
    union all
    select 3 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_3_send_email
    union all
    select 5 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_5_send_email
    union all
    select 5 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_5_send_email
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
from left_removed_points

-- v1 = ":af117f88-c0f0-57b3-91b1-38da667ecabe"
-- v2 = ""
