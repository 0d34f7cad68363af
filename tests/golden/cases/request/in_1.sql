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
        when (select count(*) from enrollment as n where n.shard = %(shard)s::smallint and n.journey_id = 7 and n.profile_id = a.profile_id) >= 1 then 'capped'
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
at_2_random_splitter as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context,
        case when 3333 > d.drawn then 1 when 6666 > d.drawn then 2 when 10000 > d.drawn then 3 end as output
    from left_1_start_by_api as i
    cross join lateral (select mod(('x' || left(md5(i.profile_id::text || %(v1)s::text), 8))::bit(32)::bigint, 10000) as drawn) as d
),
at_3_webhook as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, %(now)s::timestamptz + make_interval(secs => 86400) as wake_at
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from at_2_random_splitter where output = 1
        union all
        select enrollment_id, profile_id, entry_key, since, after_event, context from at_2_random_splitter where output = 2
    ) as i
),
at_6_webhook as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context
    from (
        select enrollment_id, profile_id, entry_key, since, after_event, context from at_2_random_splitter where output = 3
    ) as i
),
at_5_exit as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context
    from at_6_webhook as i
),
message_3 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 3,
        'webhook', 0, %(now)s::timestamptz, %(now)s::timestamptz, i.context
    from at_3_webhook as i
),
message_6 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 6,
        'webhook', 0, %(now)s::timestamptz, %(now)s::timestamptz, i.context
    from at_6_webhook as i
),
placed as (
    insert into stay (
        shard, journey_id, enrollment_id, profile_id, since, after_event, entry_key, context, point_no, wake_at
    )
    select
        %(shard)s::smallint, 7, r.enrollment_id, r.profile_id, r.since, r.after_event, r.entry_key, r.context,
        r.point_no, r.wake_at
    from (
    select i.enrollment_id, i.profile_id, i.since, i.after_event, i.entry_key, i.context, 3 as point_no, i.wake_at
    from at_3_webhook as i
    ) as r
    returning point_no, wake_at
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 5 as point_no, 'completed'::departure_outcome as outcome, %(v2)s::text as reason
    from at_5_exit as i
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[1, 2, 3]::smallint[], %(now)s::timestamptz from at_3_webhook
    union all
    select %(shard)s::smallint, enrollment_id, array[1, 2, 6, 5]::smallint[], %(now)s::timestamptz from at_5_exit
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
    from at_2_random_splitter
    union all
    select 2 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from at_2_random_splitter
    group by output
    union all
    select 3 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_3_webhook
    union all
    select 6 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_6_webhook
    union all
    select 6 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_6_webhook
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
select 'taken' as what, null::smallint as point_no, count(*) as n, max(profile_id) as last_profile
from judged
union all
select 'placed', placed.point_no, count(*), null
from placed
group by placed.point_no

-- v1 = ":af117f88-c0f0-57b3-91b1-38da667ecabe"
-- v2 = "fine"
