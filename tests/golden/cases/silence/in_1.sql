-- journey 7, version 1, in at point 1; compiler 1
with
arriving as materialized (
    select distinct on (e.profile_id)
        e.profile_id, '' as entry_key, 0::bigint as cause, e.received_at as since,
        jsonb_build_object('entry', e.data -> 'entry') as context, (e.data ->> 'request_uuid')::uuid as request_uuid,
        e.hwid
    from inbox as e
    where e.shard = %(shard)s::smallint
      and e.inbox_id <= %(last_inbox)s::bigint
      and e.kind = 'enroll'
      and (e.data ->> 'journey_id')::integer = 7
      and (e.data ->> 'point_no')::integer = 1
    order by e.profile_id, e.data ? 'by_page', e.inbox_id
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
left_1_start_by_api as materialized (
    select j.enrollment_id, j.profile_id, j.entry_key, j.since, j.cause as after_event, null::jsonb as context
    from judged as j
    where j.refusal is null
),
at_2_send_email_zone as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, coalesce(p.time_zone, 'UTC') as zone
    from left_1_start_by_api as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_2_send_email_opened as materialized (
    select e.profile_id, e.occurred_at
    from event as e
    where e.shard = %(shard)s::smallint
      and e.profile_id = any(array(select distinct z.profile_id from at_2_send_email_zone as z))
      and e.name = 'message_opened'
      and e.received_at > %(now)s::timestamptz - make_interval(hours => 2160)
      and e.received_at <= %(now)s::timestamptz
      and e.occurred_at > %(now)s::timestamptz - make_interval(hours => 2160)
),
at_2_send_email_habit as materialized (
    select distinct on (h.profile_id) h.profile_id, h.zone, h.hour
    from (
        select
            z.profile_id, z.zone, extract(hour from o.occurred_at at time zone z.zone)::integer as hour,
            count(o.occurred_at) as n
        from (select distinct profile_id, zone from at_2_send_email_zone) as z
        full join at_2_send_email_opened as o on o.profile_id = z.profile_id
        group by 1, 2, 3
    ) as h
    order by h.profile_id, h.n desc, h.hour
),
at_2_send_email_clock as materialized (
    select
        h.zone, h.hour,
        case
            when h.hour = extract(hour from %(now)s::timestamptz at time zone h.zone) then %(now)s::timestamptz
            else next_clock_time_v1(%(now)s::timestamptz, h.zone, make_time(h.hour, 0, 0), null)
        end as due_at
    from (select distinct zone, hour from at_2_send_email_habit where hour is not null) as h
),
at_2_send_email_best as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, coalesce(c.due_at, %(now)s::timestamptz) as due_at
    from at_2_send_email_zone as i
    full join at_2_send_email_habit as h on h.profile_id = i.profile_id
    full join at_2_send_email_clock as c on c.zone = h.zone and c.hour = h.hour
),
at_2_send_email_wanted as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, coalesce(p.time_zone, %(v1)s::text) as zone, i.due_at as wanted_at
    from at_2_send_email_best as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_2_send_email_silence as materialized (
    select w.zone, w.wanted_at, after_silence_v1(w.wanted_at, w.zone, %(v2)s::time, %(v3)s::time, array[6, 7]::smallint[]) as due_at
    from (select distinct zone, wanted_at from at_2_send_email_wanted) as w
),
at_2_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, c.due_at, c.due_at + make_interval(secs => 3600) as wake_at
    from at_2_send_email_wanted as i
    full join at_2_send_email_silence as c on c.zone = i.zone and c.wanted_at = i.wanted_at
),
message_2 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 2,
        'email', 1, i.due_at, %(now)s::timestamptz, i.context
    from at_2_send_email as i
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
    from at_2_send_email as i
    ) as r
    returning point_no, wake_at
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[1, 2]::smallint[], %(now)s::timestamptz from at_2_send_email
),
answered as (
    insert into request_tally (shard, request_uuid, outcome, n)
    select %(shard)s::smallint, j.request_uuid, coalesce(j.refusal, 'entered'), count(*)
    from judged as j
    group by j.request_uuid, coalesce(j.refusal, 'entered')
    on conflict (shard, request_uuid, outcome) do update set n = request_tally.n + excluded.n
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 1 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from left_1_start_by_api
    union all
    select 1 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from left_1_start_by_api
    union all
    select 2 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_2_send_email
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

-- v1 = "Europe/Berlin"
-- v2 = "22:00"
-- v3 = "07:00"
