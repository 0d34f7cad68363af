-- journey 7, version 1, from removed points to point 2; compiler 1
with
due as materialized (
    select distinct on (d.profile_id) d.place from (
            select s.ctid as place, s.profile_id, s.enrollment_id
            from stay as s
            where s.shard = %(shard)s::smallint and s.journey_id = 7 and s.point_no = any(%(moved)s::smallint[])
            limit %(batch)s::bigint
        ) as d order by d.profile_id, d.enrollment_id
),
leaving as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select due.place from due))
    returning s.enrollment_id, s.profile_id, s.entry_key, %(now)s::timestamptz as since, s.after_event, s.context, array[s.point_no] as path, s.point_no as removed_no
),
left_removed_points as materialized (
    select l.enrollment_id, l.profile_id, l.entry_key, l.since, l.after_event, l.context, l.path, l.removed_no, n.context as origin, coalesce(p.attributes, '{}'::jsonb) as attributes, false as has_changed
    from leaving as l
    left join lateral (
        select n.context from enrollment as n
        where n.shard = %(shard)s::smallint and n.enrollment_id = l.enrollment_id offset 0
    ) as n on true
    left join lateral (
        select p.attributes from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = l.profile_id offset 0
    ) as p on true
),
at_2_update_profile as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, i.origin, i.path || 2::smallint as path, apply_operations_v1(i.attributes, jsonb_build_array(jsonb_build_object('op', 'increment', 'tag', %(v1)s::text, 'value', %(v2)s::jsonb), jsonb_build_object('op', 'set', 'tag', %(v3)s::text, 'value', (coalesce(i.context, i.origin) -> 'event' -> %(v4)s::text)))) as attributes, true as has_changed
    from left_removed_points as i
),
at_3_wait_for_trigger as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, i.origin, i.attributes, i.has_changed, i.path || 3::smallint as path, %(now)s::timestamptz + make_interval(secs => 259200) as wake_at
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
    select %(shard)s::smallint, enrollment_id, path, %(now)s::timestamptz from at_3_wait_for_trigger where (select count(*) from remembered) >= 0
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
    select removed_no as point_no, 'left' as metric, 'removed' as detail, count(*) as n
    from left_removed_points
    group by removed_no
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
select 'taken' as what, null::smallint as point_no, count(*) as n, null::bigint as last_profile
from left_removed_points
union all
select 'placed', placed.point_no, count(*), null
from placed
group by placed.point_no
union all
select 'changed', null, changed.profile_id, null
from changed
where %(watched)s::boolean

-- v1 = "orders"
-- v2 = "1"
-- v3 = "last_order"
-- v4 = "order_id"
