-- journey 7, version 1, in at point 1; compiler 1
with
arriving as materialized (
    select distinct on (e.profile_id)
        e.profile_id, '' as entry_key, 0::bigint as cause, e.received_at as since,
        jsonb_build_object('entry', e.data -> 'entry') as context, (e.data ->> 'request_uuid')::uuid as request_uuid,
        e.hwid, e.data ? 'by_page' as by_page
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
        when (select true from enrollment as n where n.shard = %(shard)s::smallint and n.journey_id = 7 and n.profile_id = a.profile_id limit 1) then 'entered before'
        when a.by_page and not coalesce((select coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false) from profile as p where p.shard = %(shard)s::smallint and p.profile_id = a.profile_id offset 0), false) then 'not in audience'
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
at_2_content as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, %(now)s::timestamptz + make_interval(secs => 3162240000) as wake_at
    from left_1_start_by_api as i
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
    select %(shard)s::smallint, enrollment_id, array[1, 2]::smallint[], %(now)s::timestamptz from at_2_content
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
select 'taken' as what, null::smallint as point_no, count(*) as n, max(profile_id) as last_profile
from judged
union all
select 'placed', placed.point_no, count(*), null
from placed
group by placed.point_no

-- v1 = "vip"
-- v2 = "true"
