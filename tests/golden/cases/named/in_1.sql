-- journey 7, version 1, in at point 1; compiler 1
with
arriving as materialized (
    select distinct on (e.profile_id, entry_key)
        e.profile_id, '' as entry_key, 0::bigint as cause, e.received_at as since,
        jsonb_build_object('event', e.data -> 'event') as context, null::uuid as request_uuid, null::text as hwid
    from inbox as e
    where e.shard = %(shard)s::smallint
      and e.name = %(v1)s::text
      and e.inbox_id <= %(last_inbox)s::bigint
      and e.kind = 'entry_event'
      and (e.data ->> 'journey_id')::integer = 7
      and (e.data ->> 'point_no')::integer = 1
      and coalesce(lower(((e.data -> 'event') ->> %(v2)s::text)) = lower(%(v3)s::text) or jsonb_typeof(((e.data -> 'event') -> %(v2)s::text)) = 'array' and exists (select 1 from elements_v1(((e.data -> 'event') -> %(v2)s::text)) as element(value) where lower((element.value #>> '{}')) = lower(%(v3)s::text)), false)
    order by e.profile_id, entry_key, e.inbox_id
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
left_1_message_bus as materialized (
    select j.enrollment_id, j.profile_id, null::jsonb as context
    from judged as j
    where j.refusal is null
),
at_2_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context
    from left_1_message_bus as i
),
at_3_exit as materialized (
    select i.enrollment_id, i.profile_id, i.context
    from at_2_send_email as i
),
message_2 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 2,
        'email', 1, %(now)s::timestamptz, %(now)s::timestamptz, i.context
    from at_2_send_email as i
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 3 as point_no, 'completed'::departure_outcome as outcome, %(v4)s::text as reason
    from at_3_exit as i
    ) as r
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[1, 2, 3]::smallint[], %(now)s::timestamptz from at_3_exit
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
    from at_2_send_email
    union all
    select 2 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_2_send_email
    union all
    select 3 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_3_exit
    union all
    select 3 as point_no, 'completed' as metric, '' as detail, count(*) as n
    from at_3_exit
    ) as c
    where c.n > 0
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select 'taken' as what, null::smallint as point_no, count(*) as n, max(profile_id) as last_profile
from judged

-- v1 = "invited"
-- v2 = "kind"
-- v3 = "party"
-- v4 = ""
