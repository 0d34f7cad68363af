-- journey 7, version 1, conversions; compiler 1
with
done as materialized (
    select 1 as goal_no, %(v1)s::text as goal, true as ends,
        p.profile_id, 0::bigint as event_id, %(now)s::timestamptz as occurred_at, null::numeric as value
    from unnest(%(people)s::bigint[]) as changed(profile_id)
    cross join lateral (
        select x.profile_id, x.attributes, x.app_ids, x.created_at, x.language, x.location, x.time_zone, x.updated_at, x.user_id from profile as x
        where x.shard = %(shard)s::smallint and x.profile_id = changed.profile_id offset 0
    ) as p
    where coalesce((p.attributes ->> %(v2)s::text) = %(v3)s::text or jsonb_typeof((p.attributes -> %(v2)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v2)s::text)) as element(value) where (element.value #>> '{}') = %(v3)s::text), false)
),
reached as materialized (
    select distinct on (n.enrollment_id, d.goal_no)
        n.enrollment_id, n.point_no as entry_no, d.goal_no, d.goal, d.ends, d.event_id, d.occurred_at, d.value,
        coalesce((
            select x.outcome = 'control'
            from departure as x
            where x.shard = %(shard)s::smallint and x.enrollment_id = n.enrollment_id
        ), false) as is_control
    from done as d
    cross join lateral (
        select x.enrollment_id, x.point_no
        from enrollment as x
        where x.shard = %(shard)s::smallint and x.journey_id = 7 and x.profile_id = d.profile_id
          and d.occurred_at >= date_trunc('second', x.entered_at)
          and (d.occurred_at <= x.entered_at + make_interval(secs => 604800) or (d.goal_no in (1) and (select true from stay as s where s.shard = %(shard)s::smallint and s.enrollment_id = x.enrollment_id)))
        offset 0
    ) as n
    where (
        select true
        from conversion as x
        where x.shard = %(shard)s::smallint and x.enrollment_id = n.enrollment_id and x.goal = d.goal
    ) is null
    order by n.enrollment_id, d.goal_no, d.event_id
),
converted as (
    insert into conversion (shard, enrollment_id, journey_id, goal, is_control, at, value)
    select %(shard)s::smallint, r.enrollment_id, 7, r.goal, r.is_control, r.occurred_at, r.value
    from reached as r
),
leaving as materialized (
    select distinct on (r.enrollment_id) s.place, r.enrollment_id, s.point_no, r.goal
    from reached as r
    cross join lateral (
        select x.ctid as place, x.point_no
        from stay as x
        where x.shard = %(shard)s::smallint and x.enrollment_id = r.enrollment_id
        offset 0
    ) as s
    where r.ends
    order by r.enrollment_id, r.event_id, r.goal_no
),
gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select l.place from leaving as l))
),
cancelled as (
    update message as m
    set status = 'cancelled', done_at = %(now)s::timestamptz, detail = 'goal reached'
    where m.shard = %(shard)s::smallint and m.status = 'queued'
      and m.enrollment_id = any(array(select l.enrollment_id from leaving as l))
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, l.enrollment_id, 7, l.point_no, 'goal', l.goal, %(now)s::timestamptz
    from leaving as l
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
        select
            r.entry_no as point_no, case when r.is_control then 'control_goal' else 'goal' end as metric,
            r.goal as detail, count(*) as n
        from reached as r
        group by 1, 2, 3
        union all
        select l.point_no, 'goal_exit', l.goal, count(*)
        from leaving as l
        group by 1, 3
    ) as c
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select count(*) as n from reached

-- v1 = "journey goal"
-- v2 = "plan"
-- v3 = "pro"
