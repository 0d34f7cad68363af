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
    returning s.enrollment_id, s.profile_id, s.context, array[s.point_no] as path, s.point_no as removed_no
),
left_removed_points as materialized (
    select l.enrollment_id, l.profile_id, l.context, l.path, l.removed_no, coalesce(p.attributes, '{}'::jsonb) as attributes, false as has_changed
    from leaving as l
    left join lateral (
        select p.attributes from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = l.profile_id offset 0
    ) as p on true
),
at_2_update_profile as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.path || 2::smallint as path, apply_operations_v1(i.attributes, %(v1)s::jsonb) as attributes, true as has_changed
    from left_removed_points as i
),
at_3_boolean_splitter as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.attributes, i.has_changed, i.path || 3::smallint as path,
        case when coalesce((i.attributes -> %(v2)s::text) = %(v3)s::jsonb or jsonb_typeof((i.attributes -> %(v2)s::text)) = 'array' and exists (select 1 from elements_v1((i.attributes -> %(v2)s::text)) as element(value) where element.value = %(v3)s::jsonb), false) then 1 else 0 end as output
    from at_2_update_profile as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_4_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.attributes, i.has_changed, i.path || 4::smallint as path
    from (
        select enrollment_id, profile_id, context, attributes, has_changed, path as path from at_3_boolean_splitter where output = 0
    ) as i
),
at_5_exit as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.attributes, i.has_changed, i.path || 5::smallint as path
    from (
        select enrollment_id, profile_id, context, attributes, has_changed, path as path from at_3_boolean_splitter where output = 1
        union all
        select enrollment_id, profile_id, context, attributes, has_changed, path as path from at_4_send_email
    ) as i
),
message_4 as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at, context
    )
    select
        %(shard)s::smallint, i.enrollment_id, i.profile_id, 7, 1, 4,
        'email', 1, %(now)s::timestamptz, %(now)s::timestamptz, i.context
    from at_4_send_email as i
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, r.enrollment_id, 7, r.point_no, r.outcome, r.reason, %(now)s::timestamptz
    from (
    select i.enrollment_id, 5 as point_no, 'completed'::departure_outcome as outcome, %(v4)s::text as reason
    from at_5_exit as i
    ) as r
),
updated as materialized (
    select profile_id, enrollment_id, attributes from at_5_exit where has_changed
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
    select %(shard)s::smallint, enrollment_id, path, %(now)s::timestamptz from at_5_exit where (select count(*) from remembered) >= 0
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
    from at_3_boolean_splitter
    union all
    select 3 as point_no, 'left' as metric, case output when 0 then 'default' else 'output' || output end as detail, count(*) as n
    from at_3_boolean_splitter
    group by output
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
from left_removed_points
union all
select 'changed', null, changed.profile_id, null
from changed
where %(watched)s::boolean

-- v1 = "[{\"op\":\"increment\",\"tag\":\"mails\",\"value\":1},{\"op\":\"append\",\"tag\":\"topics\",\"value\":[\"news\"]},{\"op\":\"remove\",\"tag\":\"topics\",\"value\":\"sale\"}]"
-- v2 = "tired"
-- v3 = "true"
-- v4 = ""
