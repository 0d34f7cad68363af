-- journey 7, version 1, in at point 1, due; compiler 1
with
candidate as materialized (
    select m.profile_id
    from audience_member as m
    where m.shard = %(shard)s::smallint and m.journey_id = 7 and m.point_no = 1 and m.check_at <= %(now)s::timestamptz
    order by m.check_at
    limit %(batch)s::bigint
),
seen as materialized (
    select
        c.profile_id, m.place, m.check_at as checked_at, coalesce(m.is_member, false) as was_member,
        p.profile_id is not null as is_known,
        p.profile_id is not null and coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false) as is_member,
        null::timestamptz as check_at
    from candidate as c
    left join lateral (
        select m.ctid as place, m.is_member, m.check_at from audience_member as m
        where m.shard = %(shard)s::smallint and m.journey_id = 7 and m.point_no = 1 and m.profile_id = c.profile_id offset 0
    ) as m on true
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = c.profile_id offset 0
    ) as p on true
),
forgotten as (
    delete from audience_member as m
    where m.shard = %(shard)s::smallint and m.ctid = any(array(
        select s.place from seen as s where s.place is not null and not s.is_member and s.check_at is null
    ))
),
kept as (
    insert into audience_member (shard, journey_id, point_no, profile_id, is_member, check_at)
    select %(shard)s::smallint, 7, 1, s.profile_id, s.is_member, s.check_at
    from seen as s
    where (s.is_member or s.check_at is not null)
      and (s.place is null or s.was_member <> s.is_member or s.checked_at is distinct from s.check_at)
    on conflict (shard, journey_id, point_no, profile_id) do update set
        is_member = excluded.is_member,
        check_at = excluded.check_at
),
rung as (
    insert into alarm (shard, journey_id, point_no, wake_at)
    select %(shard)s::smallint, 7, 1, min(s.check_at)
    from seen as s
    having min(s.check_at) is not null
    on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
    where excluded.wake_at < alarm.wake_at
),
arriving as materialized (
    select
        s.profile_id, '' as entry_key, 0::bigint as cause, %(now)s::timestamptz as since,
        null::jsonb as context, null::uuid as request_uuid, null::text as hwid
    from seen as s
    where s.is_member and not s.was_member
    order by s.profile_id
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
    select j.enrollment_id, j.profile_id, j.entry_key, j.since, j.cause as after_event, null::jsonb as context
    from judged as j
    where j.refusal is null
),
at_2_content as materialized (
    select i.enrollment_id, i.profile_id, i.entry_key, i.since, i.after_event, i.context, %(now)s::timestamptz + make_interval(secs => 3162240000) as wake_at
    from left_1_start_by_segment as i
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
    from left_1_start_by_segment
    union all
    select 1 as point_no, 'left' as metric, 'default' as detail, count(*) as n
    from left_1_start_by_segment
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
union all
select 'looked', null, count(*), max(seen.profile_id)
from seen

-- v1 = "vip"
-- v2 = "true"
