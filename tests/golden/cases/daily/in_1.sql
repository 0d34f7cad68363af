-- journey 7, version 1, in at point 1; compiler 1
with
arriving as materialized (
    select
        p.profile_id, '' as entry_key, 0::bigint as cause, %(now)s::timestamptz as since,
        null::jsonb as context, null::uuid as request_uuid, null::text as hwid
    from profile as p
    where p.shard = %(shard)s::smallint
      and p.profile_id > %(after_profile)s::bigint
      and p.workspace_id = 1
      and p.app_ids @> array[1]
      and coalesce(p.time_zone, %(v1)s::text) = any(%(zones)s::text[])
      and (coalesce((p.attributes -> %(v2)s::text) = %(v3)s::jsonb or jsonb_typeof((p.attributes -> %(v2)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v2)s::text)) as element(value) where element.value = %(v3)s::jsonb), false) and (p.app_ids @> array[1]))
    order by p.profile_id
    limit %(batch)s::bigint
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
left_1_start_by_segment as materialized (
    select j.enrollment_id, j.profile_id, null::jsonb as context, coalesce(p.attributes, '{}'::jsonb) as attributes, false as has_changed
    from judged as j
    left join lateral (
        select p.attributes from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = j.profile_id offset 0
    ) as p on true
    where j.refusal is null
),
at_2_update_profile as materialized (
    select i.enrollment_id, i.profile_id, i.context, apply_operations_v1(i.attributes, %(v4)s::jsonb) as attributes, true as has_changed
    from left_1_start_by_segment as i
),
at_3_boolean_splitter as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.attributes, i.has_changed,
        case when coalesce((i.attributes -> %(v5)s::text) = %(v3)s::jsonb or jsonb_typeof((i.attributes -> %(v5)s::text)) = 'array' and exists (select 1 from elements_v1((i.attributes -> %(v5)s::text)) as element(value) where element.value = %(v3)s::jsonb), false) then 1 else 0 end as output
    from at_2_update_profile as i
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = i.profile_id offset 0
    ) as p on true
),
at_4_send_email as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.attributes, i.has_changed
    from (
        select enrollment_id, profile_id, context, attributes, has_changed from at_3_boolean_splitter where output = 0
    ) as i
),
at_5_exit as materialized (
    select i.enrollment_id, i.profile_id, i.context, i.attributes, i.has_changed, i.path || 5::smallint as path
    from (
        select enrollment_id, profile_id, context, attributes, has_changed, array[1, 2, 3]::smallint[] as path from at_3_boolean_splitter where output = 1
        union all
        select enrollment_id, profile_id, context, attributes, has_changed, array[1, 2, 3, 4]::smallint[] as path from at_4_send_email
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
    select i.enrollment_id, 5 as point_no, 'completed'::departure_outcome as outcome, %(v6)s::text as reason
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
    select 1 as point_no, 'entered' as metric, '' as detail, count(*) as n
    from left_1_start_by_segment
    union all
    select 1 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from left_1_start_by_segment
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
select 'taken' as what, null::smallint as point_no, count(*) as n, max(profile_id) as last_profile
from judged
union all
select 'changed', null, changed.profile_id, null
from changed
where %(watched)s::boolean

-- v1 = "Europe/Berlin"
-- v2 = "vip"
-- v3 = "true"
-- v4 = "[{\"op\":\"increment\",\"tag\":\"mails\",\"value\":1},{\"op\":\"append\",\"tag\":\"topics\",\"value\":[\"news\"]},{\"op\":\"remove\",\"tag\":\"topics\",\"value\":\"sale\"}]"
-- v5 = "tired"
-- v6 = ""
