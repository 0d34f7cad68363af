-- journey 7, version 1, from point 2 (send_email); compiler 1
with
due as materialized (
    select s.ctid as place, s.profile_id, s.enrollment_id
    from stay as s
    where s.shard = %(shard)s::smallint and s.journey_id = 7 and s.point_no = 2 and s.wake_at <= %(now)s::timestamptz
    order by s.wake_at
    limit %(batch)s::bigint
),
left_2_send_email as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select due.place from due))
    returning s.enrollment_id, s.profile_id, s.context, coalesce(s.reached, 0::smallint) as output
),
at_3_exit as materialized (
    select i.enrollment_id, i.profile_id, i.context
    from (
        select enrollment_id, profile_id, context from left_2_send_email where output = 1
    ) as i
),
at_4_send_email_zone as materialized (
    select i.enrollment_id, i.profile_id, i.context, coalesce(p.time_zone, 'UTC') as zone
    from (
        select enrollment_id, profile_id, context from left_2_send_email where output = 0
    ) as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_4_send_email_opened as materialized (
    select e.profile_id, e.occurred_at
    from event as e
    where e.shard = %(shard)s::smallint
      and e.profile_id = any(array(select distinct z.profile_id from at_4_send_email_zone as z))
      and e.name = 'message_opened'
      and e.received_at > %(now)s::timestamptz - make_interval(hours => 2160)
      and e.received_at <= %(now)s::timestamptz
      and e.occurred_at > %(now)s::timestamptz - make_interval(hours => 2160)
),
at_4_send_email_habit as materialized (
    select distinct on (h.profile_id) h.profile_id, h.zone, h.hour
    from (
        select
            z.profile_id, z.zone, extract(hour from o.occurred_at at time zone z.zone)::integer as hour,
            count(o.occurred_at) as n
        from (select distinct profile_id, zone from at_4_send_email_zone) as z
        full join at_4_send_email_opened as o on o.profile_id = z.profile_id
        group by 1, 2, 3
    ) as h
    order by h.profile_id, h.n desc, h.hour
),
at_4_send_email_clock as materialized (
    select
        h.zone, h.hour,
        case
            when h.hour = extract(hour from %(now)s::timestamptz at time zone h.zone) then %(now)s::timestamptz
            else next_clock_time_v1(%(now)s::timestamptz, h.zone, make_time(h.hour, 0, 0), null)
        end as due_at
    from (select distinct zone, hour from at_4_send_email_habit where hour is not null) as h
),
at_4_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context, coalesce(c.due_at, %(now)s::timestamptz) as due_at
    from at_4_send_email_zone as i
    full join at_4_send_email_habit as h on h.profile_id = i.profile_id
    full join at_4_send_email_clock as c on c.zone = h.zone and c.hour = h.hour
),
at_5_exit as materialized (
    select i.enrollment_id, i.profile_id, i.context
    from at_4_send_email as i
),
message_4 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 4,
        'email', 1, i.due_at, %(now)s::timestamptz, i.context
    from at_4_send_email as i
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 3 as point_no, 'completed'::departure_outcome as outcome, %(v1)s::text as reason
    from at_3_exit as i
    union all
    select i.enrollment_id, 5 as point_no, 'completed'::departure_outcome as outcome, %(v2)s::text as reason
    from at_5_exit as i
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[2, 3]::smallint[], %(now)s::timestamptz from at_3_exit
    union all
    select %(shard)s::smallint, enrollment_id, array[2, 4, 5]::smallint[], %(now)s::timestamptz from at_5_exit
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 2 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from left_2_send_email
    group by output
    union all
    select 3 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_3_exit
    union all
    select 3 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_3_exit
    union all
    select 4 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_4_send_email
    union all
    select 4 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_4_send_email
    union all
    select 5 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_5_exit
    union all
    select 5 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_5_exit
    ) as c
    where c.n > 0
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select 'taken' as what, null::smallint as point_no, count(*) as n, null::bigint as last_profile
from left_2_send_email

-- v1 = "seen"
-- v2 = ""
