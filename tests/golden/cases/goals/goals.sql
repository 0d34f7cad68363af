-- journey 7, version 1, conversions; compiler 1
with
done as materialized (
    select 1 as goal_no, %(v1)s::text as goal, true as ends,
        e.profile_id, e.event_id, e.occurred_at, amount_v1(e.data -> %(v2)s::text) as value
    from event as e
    where e.shard = %(shard)s::smallint
      and e.name = %(v3)s::text
      and e.event_id between %(first_event)s::bigint and %(last_event)s::bigint
      and e.received_at >= %(first_received)s::timestamptz
      and e.workspace_id = 1
      and coalesce(jsonb_typeof(((e.data) -> %(v2)s::text)) = 'number' and ((e.data) -> %(v2)s::text) >= %(v4)s::jsonb or jsonb_typeof(((e.data) -> %(v2)s::text)) = 'array' and exists (select 1 from elements_v1(((e.data) -> %(v2)s::text)) as element(value) where jsonb_typeof(element.value) = 'number' and element.value >= %(v4)s::jsonb), false)
    union all
    select 2 as goal_no, %(v5)s::text as goal, false as ends,
        e.profile_id, e.event_id, e.occurred_at, null::numeric as value
    from event as e
    where e.shard = %(shard)s::smallint
      and e.name = %(v6)s::text
      and e.event_id between %(first_event)s::bigint and %(last_event)s::bigint
      and e.received_at >= %(first_received)s::timestamptz
      and e.workspace_id = 1
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
          and d.occurred_at <= x.entered_at + make_interval(secs => 172800)
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

-- v1 = "sale"
-- v2 = "price"
-- v3 = "bought"
-- v4 = "10"
-- v5 = "visit"
-- v6 = "visited"
