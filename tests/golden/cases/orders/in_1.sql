-- journey 7, version 1, in at point 1; compiler 1
with
arriving as materialized (
    select distinct on (e.profile_id, entry_key)
        e.profile_id, (e.data ->> %(v8)s::text) as entry_key, e.event_id as cause, e.received_at as since,
        jsonb_build_object('event', e.data) as context, null::uuid as request_uuid, e.hwid as hwid
    from event as e
    where e.shard = %(shard)s::smallint
      and e.name = %(v1)s::text
      and e.event_id between %(first_event)s::bigint and %(last_event)s::bigint
      and e.received_at >= %(first_received)s::timestamptz
      and e.workspace_id = 1
      and coalesce(jsonb_typeof(((e.data) -> %(v2)s::text)) = 'number' and ((e.data) -> %(v2)s::text) >= %(v3)s::jsonb or jsonb_typeof(((e.data) -> %(v2)s::text)) = 'array' and exists (select 1 from elements_v1(((e.data) -> %(v2)s::text)) as element(value) where jsonb_typeof(element.value) = 'number' and element.value >= %(v3)s::jsonb), false)
      and coalesce(lower(((e.data) ->> %(v4)s::text)) = any ((select array_agg(lower(given)) from unnest(%(v5)s::text[]) as given)::text[]) or jsonb_typeof(((e.data) -> %(v4)s::text)) = 'array' and exists (select 1 from elements_v1(((e.data) -> %(v4)s::text)) as element(value) where lower((element.value #>> '{}')) = any ((select array_agg(lower(given)) from unnest(%(v5)s::text[]) as given)::text[])), false)
      and e.occurred_at >= %(v6)s::timestamptz
      and e.occurred_at < %(v7)s::timestamptz
      and (e.data ->> %(v8)s::text) is not null
    order by e.profile_id, entry_key, e.event_id
),
judged as materialized (
        select
            a.enrollment_id, a.profile_id, a.entry_key, a.cause, a.since, a.context, a.request_uuid, a.hwid,
            case
                when a.refusal is null and (select count(*) from enrollment as n where n.shard = %(shard)s::smallint and n.journey_id = 7 and n.profile_id = a.profile_id and n.entered_at > %(now)s::timestamptz - make_interval(secs => 604800)) + row_number() over (partition by a.profile_id, a.refusal order by a.enrollment_id) - 1 >= 3 then 'capped'
                else a.refusal
            end as refusal
        from (
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
            when (select true from enrollment as n where n.shard = %(shard)s::smallint and n.journey_id = 7 and n.profile_id = a.profile_id and n.entry_key = a.entry_key limit 1) then 'entered before'
            end as refusal
        from arriving as a
    ) as a
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
entering as materialized (
    select j.enrollment_id, j.profile_id, j.entry_key, j.since, j.cause as after_event, null::jsonb as context, j.context as origin, coalesce(p.attributes, '{}'::jsonb) as attributes, false as has_changed, row_number() over (partition by j.profile_id order by j.enrollment_id) as turn
    from judged as j
    left join lateral (
        select p.attributes from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = j.profile_id offset 0
    ) as p on true
    where j.refusal is null
),
left_1_message_bus as materialized (
    select enrollment_id, profile_id, entry_key, since, after_event, context, origin, attributes, has_changed from entering where turn = 1
),
at_2_update_profile as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, i.origin, apply_operations_v1(i.attributes, jsonb_build_array(jsonb_build_object('op', 'increment', 'tag', %(v9)s::text, 'value', %(v10)s::jsonb), jsonb_build_object('op', 'set', 'tag', %(v11)s::text, 'value', (coalesce(i.context, i.origin) -> 'event' -> %(v8)s::text)))) as attributes, true as has_changed
    from left_1_message_bus as i
),
at_3_wait_for_trigger as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, i.origin, i.attributes, i.has_changed, %(now)s::timestamptz + make_interval(secs => 259200) as wake_at
    from at_2_update_profile as i
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
    from at_3_wait_for_trigger as i
    union all
    select i.enrollment_id, i.profile_id, i.since, i.after_event, i.entry_key, i.context, 1, %(now)s::timestamptz
    from entering as i
    where i.turn > 1
    ) as r
    returning point_no, wake_at
),
updated as materialized (
    select profile_id, enrollment_id, attributes from at_3_wait_for_trigger where has_changed
),
changed as (
    insert into profile (shard, profile_id, workspace_id, attributes, created_at, updated_at)
    select %(shard)s::smallint, c.profile_id, 1, c.attributes, %(now)s::timestamptz, %(now)s::timestamptz
    from updated as c
    on conflict (shard, profile_id) do update set attributes = excluded.attributes, updated_at = excluded.updated_at
    returning profile_id
),
remembered as (
    insert into profile_change (shard, profile_id, at, enrollment_id, changes)
    select %(shard)s::smallint, d.profile_id, %(now)s::timestamptz, d.enrollment_id, d.changes
    from (
    select c.profile_id, c.enrollment_id, e.changes
    from updated as c
    left join lateral (
        select p.attributes from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = c.profile_id offset 0
    ) as p on true
    cross join lateral (
        select jsonb_object_agg(
            tag.name, jsonb_build_object('from', p.attributes -> tag.name, 'to', c.attributes -> tag.name)
        ) as changes
        from jsonb_object_keys(coalesce(p.attributes, '{}'::jsonb) || c.attributes) as tag(name)
        where coalesce(p.attributes -> tag.name, 'null'::jsonb) <> coalesce(c.attributes -> tag.name, 'null'::jsonb)
    ) as e
    where p.attributes is distinct from c.attributes
    offset 0
    ) as d
    where d.changes is not null
    returning change_no
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select %(shard)s::smallint, enrollment_id, array[1, 2, 3]::smallint[], %(now)s::timestamptz from at_3_wait_for_trigger where (select count(*) from remembered) >= 0
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select 1 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from entering
    union all
    select 1 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from left_1_message_bus
    union all
    select 2 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_2_update_profile
    union all
    select 2 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from at_2_update_profile
    union all
    select 3 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from at_3_wait_for_trigger
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
union all
select 'changed', null, changed.profile_id, null
from changed
where %(watched)s::boolean

-- v1 = "ordered"
-- v2 = "total"
-- v3 = "20"
-- v4 = "channel"
-- v5 = ["web","app"]
-- v6 = "2026-01-01T00:00:00Z"
-- v7 = "2027-01-01T00:00:00Z"
-- v8 = "order_id"
-- v9 = "orders"
-- v10 = "1"
-- v11 = "last_order"
