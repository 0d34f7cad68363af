-- journey 7, version 1, conversions; compiler 1
with
done as materialized (
    select 1 as goal_no, %(v1)s::text as goal, false as ends,
        e.profile_id, e.event_id, e.occurred_at, null::numeric as value
    from event as e
    where e.shard = %(shard)s::smallint
      and e.name = %(v2)s::text
      and e.event_id between %(first_event)s::bigint and %(last_event)s::bigint
      and e.received_at >= %(first_received)s::timestamptz
      and e.workspace_id = 1
      and %(v3)s::text in (page_path_v1((e.data ->> 'url')), split_part(page_path_v1((e.data ->> 'url')), '#', 1), split_part(split_part(page_path_v1((e.data ->> 'url')), '#', 1), '?', 1))
    union all
    select 2 as goal_no, %(v4)s::text as goal, false as ends,
        e.profile_id, e.event_id, e.occurred_at, null::numeric as value
    from event as e
    where e.shard = %(shard)s::smallint
      and e.name = %(v5)s::text
      and e.event_id between %(first_event)s::bigint and %(last_event)s::bigint
      and e.received_at >= %(first_received)s::timestamptz
      and e.workspace_id = 1
      and coalesce(jsonb_typeof(((e.data) -> %(v6)s::text)) = 'number' and ((e.data) -> %(v6)s::text) > %(v7)s::jsonb or jsonb_typeof(((e.data) -> %(v6)s::text)) = 'array' and exists (select 1 from elements_v1(((e.data) -> %(v6)s::text)) as element(value) where jsonb_typeof(element.value) = 'number' and element.value > %(v7)s::jsonb), false)
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
          and (d.occurred_at <= x.entered_at + make_interval(secs => 604800) or (d.goal_no in (1, 2) and (select true from stay as s where s.shard = %(shard)s::smallint and s.enrollment_id = x.enrollment_id)))
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
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, 7, c.point_no, c.metric, c.detail, %(hour)s::timestamptz, c.n
    from (
        select
            r.entry_no as point_no, case when r.is_control then 'control_goal' else 'goal' end as metric,
            r.goal as detail, count(*) as n
        from reached as r
        group by 1, 2, 3
    ) as c
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select count(*) as n from reached

-- v1 = "journey goal"
-- v2 = "page_view"
-- v3 = "/thanks"
-- v4 = "goal check edb80e0b-e4fb-5734-9f93-a516c7ddb1b8"
-- v5 = "bought"
-- v6 = "price"
-- v7 = "10"
