-- journey 7, version 1, from point 5 (wait); compiler 1
with
due as materialized (
    select s.ctid as place, s.profile_id, s.enrollment_id
    from stay as s
    where s.shard = %(shard)s::smallint and s.journey_id = 7 and s.point_no = 5 and s.wake_at <= %(now)s::timestamptz
    order by s.wake_at
    limit %(batch)s::bigint
),
left_5_wait as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select due.place from due))
    returning s.enrollment_id, s.profile_id, s.entry_key, s.wake_at as since, s.after_event, s.context
),
at_6_wait as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, date_attribute_v1(%(now)s::timestamptz, (p.attributes -> %(v1)s::text), coalesce(p.time_zone, 'UTC'), null::time, 0, 'NEXT_YEAR') as wake_at
    from left_5_wait as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
placed as (
    insert into stay (
        shard, journey_id, enrollment_id, profile_id, since, after_event, entry_key, context, point_no, wake_at
    )
    select
        %(shard)s::smallint, 7, r.enrollment_id, r.profile_id, r.since, r.after_event, r.entry_key, r.context,
        r.point_no, r.wake_at
    from (
    select i.enrollment_id, i.profile_id, i.since, i.after_event, i.entry_key, i.context, 6 as point_no, i.wake_at
    from at_6_wait as i
    where i.wake_at > '-infinity'
    ) as r
    returning point_no, wake_at
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 6 as point_no, 'dropped'::departure_outcome as outcome, case when i.wake_at is null then 'no date' else 'date passed' end as reason
    from at_6_wait as i
    where i.wake_at is null or i.wake_at = '-infinity'
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[5, 6]::smallint[], %(now)s::timestamptz from at_6_wait
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 5 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from left_5_wait
    union all
    select 6 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_6_wait
    union all
    select 6 as point_no, 'dropped' as metric, case when i.wake_at is null then 'no date' else 'date passed' end as detail, count(*) as n
    from at_6_wait as i
    where i.wake_at is null or i.wake_at = '-infinity'
    group by 3
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
from left_5_wait
union all
select 'placed', placed.point_no, count(*), null
from placed
group by placed.point_no

-- v1 = "birthday"
