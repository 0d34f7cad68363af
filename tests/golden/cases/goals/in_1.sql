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
        when mod(('x' || left(md5(a.profile_id::text || ':control:7'), 8))::bit(32)::bigint, 10000) < 1000 and (
            select true from enrollment as n
            where n.shard = %(shard)s::smallint and n.journey_id = 7 and n.profile_id = a.profile_id and n.entry_key = a.entry_key and n.entered_at > %(now)s::timestamptz - make_interval(secs => 172800) limit 1
        ) then 'already inside'
        end as refusal,
        mod(('x' || left(md5(a.profile_id::text || ':control:7'), 8))::bit(32)::bigint, 10000) < 1000 as is_control
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
    select j.enrollment_id, j.profile_id, null::jsonb as context
    from judged as j
    where j.refusal is null and not j.is_control
),
at_2_random_splitter as materialized (
    select i.enrollment_id, i.profile_id, i.context,
        case when 5000 > d.drawn then 1 when 10000 > d.drawn then 2 end as output
    from left_1_start_by_api as i
    cross join lateral (select mod(('x' || left(md5(i.enrollment_id::text || %(v1)s::text), 8))::bit(32)::bigint, 10000) as drawn) as d
),
at_3_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context
    from (
        select enrollment_id, profile_id, context from at_2_random_splitter where output = 1
    ) as i
),
at_5_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context
    from (
        select enrollment_id, profile_id, context from at_2_random_splitter where output = 2
    ) as i
),
at_4_exit as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.path || 4::smallint as path
    from (
        select enrollment_id, profile_id, context, array[1, 2, 3]::smallint[] as path from at_3_send_email
        union all
        select enrollment_id, profile_id, context, array[1, 2, 5]::smallint[] as path from at_5_send_email
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
    select i.enrollment_id, 1 as point_no, 'control'::departure_outcome as outcome, 'control group' as reason
    from judged as i
    where refusal is null and is_control
    union all
    select i.enrollment_id, 4 as point_no, 'completed'::departure_outcome as outcome, %(v2)s::text as reason
    from at_4_exit as i
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, path, %(now)s::timestamptz from at_4_exit
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
    from judged where refusal is null
    union all
    select 1 as point_no, 'control' as metric, '' as detail, count(*) as n
    from judged where refusal is null and is_control
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
select 'taken' as what, null::smallint as point_no, count(*) as n, max(profile_id) as last_profile
from judged

-- v1 = ":af117f88-c0f0-57b3-91b1-38da667ecabe"
-- v2 = ""
