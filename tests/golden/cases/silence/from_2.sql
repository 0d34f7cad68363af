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
    returning s.enrollment_id, s.profile_id, s.entry_key, case when s.reached is null then s.wake_at else s.since end as since, s.after_event, s.context, coalesce(s.reached, 0::smallint) as output
),
at_3_boolean_splitter as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context,
        case when coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false) then 1 else 0 end as output
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from left_2_send_email where output = 0
    ) as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_4_webhook_wanted as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, %(v3)s::text as zone, %(now)s::timestamptz as wanted_at
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from at_3_boolean_splitter where output = 1
    ) as i
),
at_4_webhook_silence as materialized (
    select w.zone, w.wanted_at, after_silence_v1(w.wanted_at, w.zone, %(v4)s::time, %(v5)s::time, array[]::smallint[]) as due_at
    from (select distinct zone, wanted_at from at_4_webhook_wanted) as w
),
at_4_webhook as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, c.due_at, c.due_at + make_interval(secs => 86400) as wake_at
    from at_4_webhook_wanted as i
    full join at_4_webhook_silence as c on c.zone = i.zone and c.wanted_at = i.wanted_at
),
at_6_exit as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from left_2_send_email where output = 1
    ) as i
),
at_7_send_email_wanted as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, coalesce(p.time_zone, %(v6)s::text) as zone, %(now)s::timestamptz as wanted_at
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from at_3_boolean_splitter where output = 0
    ) as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_7_send_email_silence as materialized (
    select w.zone, w.wanted_at, after_silence_v1(w.wanted_at, w.zone, %(v7)s::time, %(v8)s::time, array[6, 7]::smallint[]) as due_at
    from (select distinct zone, wanted_at from at_7_send_email_wanted) as w
),
at_7_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, c.due_at
    from at_7_send_email_wanted as i
    full join at_7_send_email_silence as c on c.zone = i.zone and c.wanted_at = i.wanted_at
),
at_5_exit as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context
    from at_7_send_email as i
),
message_4 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 4,
        'webhook', 1, i.due_at, %(now)s::timestamptz, i.context
    from at_4_webhook as i
),
message_7 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 7,
        'email', 1, i.due_at, %(now)s::timestamptz, i.context
    from at_7_send_email as i
),
placed as (
    insert into stay (
        shard, journey_id, enrollment_id, profile_id, since, after_event, entry_key, context, point_no, wake_at
    )
    select
        %(shard)s::smallint, 7, r.enrollment_id, r.profile_id, r.since, r.after_event, r.entry_key, r.context,
        r.point_no, r.wake_at
    from (
    select i.enrollment_id, i.profile_id, i.since, i.after_event, i.entry_key, i.context, 4 as point_no, i.wake_at
    from at_4_webhook as i
    ) as r
    returning point_no, wake_at
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 6 as point_no, 'completed'::departure_outcome as outcome, %(v9)s::text as reason
    from at_6_exit as i
    union all
    select i.enrollment_id, 5 as point_no, 'completed'::departure_outcome as outcome, %(v10)s::text as reason
    from at_5_exit as i
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[2, 3, 4]::smallint[], %(now)s::timestamptz from at_4_webhook
    union all
    select %(shard)s::smallint, enrollment_id, array[2, 6]::smallint[], %(now)s::timestamptz from at_6_exit
    union all
    select %(shard)s::smallint, enrollment_id, array[2, 3, 7, 5]::smallint[], %(now)s::timestamptz from at_5_exit
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
    from at_3_boolean_splitter
    union all
    select 3 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from at_3_boolean_splitter
    group by output
    union all
    select 4 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_4_webhook
    union all
    select 6 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_6_exit
    union all
    select 6 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_6_exit
    union all
    select 7 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_7_send_email
    union all
    select 7 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_7_send_email
    union all
    select 5 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_5_exit
    union all
    select 5 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_5_exit
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
from left_2_send_email
union all
select 'placed', placed.point_no, count(*), null
from placed
group by placed.point_no

-- v1 = "vip"
-- v2 = "true"
-- v3 = "America/New_York"
-- v4 = "18:00"
-- v5 = "08:30"
-- v6 = "Europe/Berlin"
-- v7 = "22:00"
-- v8 = "07:00"
-- v9 = "reacted"
-- v10 = ""
