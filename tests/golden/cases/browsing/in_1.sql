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
      and e.app_id = 1
      and page_path_v1((e.data ->> 'url')) ~ %(v2)s::text
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
        when (select true from enrollment as n where n.shard = %(shard)s::smallint and n.journey_id = 7 and n.profile_id = a.profile_id and n.entered_at > %(now)s::timestamptz - make_interval(secs => 86400) limit 1) then 'entered before'
        when not coalesce((select p.user_id is not null from profile as p where p.shard = %(shard)s::smallint and p.profile_id = a.profile_id offset 0), false) then 'anonymous'
        when not coalesce((select coalesce((p.attributes -> %(v3)s::text) = %(v4)s::jsonb or jsonb_typeof((p.attributes -> %(v3)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v3)s::text)) as element(value) where element.value = %(v4)s::jsonb), false) from profile as p where p.shard = %(shard)s::smallint and p.profile_id = a.profile_id offset 0), false) then 'not in audience'
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
limited as (
    insert into deadline (shard, enrollment_id, journey_id, due_at)
    select %(shard)s::smallint, j.enrollment_id, 7, %(now)s::timestamptz + make_interval(secs => 604800)
    from judged as j
    where j.refusal is null
    returning due_at
),
reminded as (
    insert into alarm (shard, journey_id, point_no, wake_at)
    select %(shard)s::smallint, 7, 0, min(l.due_at)
    from limited as l
    having count(*) > 0
    on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
    where excluded.wake_at < alarm.wake_at
),
left_1_url_match as materialized (
    select j.enrollment_id, j.profile_id, j.entry_key, j.since, j.cause as after_event, null::jsonb as context
    from judged as j
    where j.refusal is null
),
at_2_content as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, %(now)s::timestamptz + make_interval(secs => 86400) as wake_at
    from left_1_url_match as i
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
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 1 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from left_1_url_match
    union all
    select 1 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from left_1_url_match
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

-- v1 = "page_view"
-- v2 = "^\\/(?:pricing|plans)\\/?$"
-- v3 = "vip"
-- v4 = "true"
