-- journey 7, version 1, in at point 1; compiler 1
with
arriving as materialized (
    select distinct on (e.profile_id, entry_key)
        e.profile_id, '' as entry_key, e.event_id as cause, e.received_at as since,
        jsonb_build_object('event', e.data) as context, null::uuid as request_uuid, e.hwid as hwid
    from event as e
    where e.shard = %(shard)s::smallint
      and e.name = %(v1)s::text
      and e.event_id between %(first_event)s::bigint and %(last_event)s::bigint
      and e.received_at >= %(first_received)s::timestamptz
      and e.workspace_id = 1
    order by e.profile_id, entry_key, e.event_id
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
        when (select true from enrollment as n where n.shard = %(shard)s::smallint and n.journey_id = 7 and n.profile_id = a.profile_id limit 1) then 'entered before'
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
left_1_message_bus as materialized (
    select j.enrollment_id, j.profile_id, j.entry_key, j.since, j.cause as after_event, null::jsonb as context
    from judged as j
    where j.refusal is null
),
at_2_wait_zone as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, coalesce(p.time_zone, 'UTC') as zone
    from left_1_message_bus as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_2_wait_clock as materialized (
    select z.zone, next_clock_time_v1(%(now)s::timestamptz, z.zone, %(v2)s::time, null::smallint[]) as wake_at
    from (select distinct zone from at_2_wait_zone) as z
),
at_2_wait as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, c.wake_at
    from at_2_wait_zone as i
    join at_2_wait_clock as c on c.zone = i.zone
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
    from at_2_wait as i
    ) as r
    returning point_no, wake_at
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[1, 2]::smallint[], %(now)s::timestamptz from at_2_wait
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 1 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from left_1_message_bus
    union all
    select 1 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from left_1_message_bus
    union all
    select 2 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_2_wait
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
select 'taken' as what, null::smallint as point_no, count(*) as n, max(profile_id) as last_profile
from judged
union all
select 'placed', placed.point_no, count(*), null
from placed
group by placed.point_no

-- v1 = "booked"
-- v2 = "09:00"
