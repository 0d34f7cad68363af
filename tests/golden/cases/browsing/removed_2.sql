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
    returning s.enrollment_id, s.profile_id, s.entry_key, %(now)s::timestamptz as since, s.after_event, s.context, array[s.point_no] as path, s.point_no as removed_no
),
at_2_content as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, i.path || 2::smallint as path, %(now)s::timestamptz + make_interval(secs => 86400) as wake_at
    from left_removed_points as i
),
placed as (
    insert into stay (
        shard, journey_id, enrollment_id, profile_id, since, after_event, entry_key, context, point_no, wake_at
    )
    select
        %(shard)s::smallint, 7, r.enrollment_id, r.profile_id, r.since, r.after_event, r.entry_key, r.context,
        r.point_no, r.wake_at
    from (
    select i.enrollment_id, i.profile_id, i.since, i.after_event, i.entry_key, i.context, 2 as point_no, i.wake_at
    from at_2_content as i
    ) as r
    returning point_no, wake_at
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, path, %(now)s::timestamptz from at_2_content
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
    from at_2_content
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
from left_removed_points
union all
select 'placed', placed.point_no, count(*), null
from placed
group by placed.point_no

