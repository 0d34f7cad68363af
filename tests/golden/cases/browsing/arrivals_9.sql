-- journey 7, version 1, arrivals at point 9 (wait_for_trigger); compiler 1
with
seen as materialized (
    select s.place, 1 as branch, 1 as bit, s.progress::integer as progress, e.event_id
    from (select s.ctid as place, s.profile_id, s.enrollment_id, s.since, s.wake_at, s.after_event, s.progress, s.context from stay as s where s.shard = %(shard)s::smallint
      and s.journey_id = 7
      and s.point_no = 9
      and s.reached is null
      and s.wake_at = %(now)s::timestamptz + make_interval(secs => 3162240000)) as s
    cross join lateral (
        select e.event_id from event as e
        where e.profile_id = s.profile_id
      and e.shard = %(shard)s::smallint
      and e.name = %(v1)s::text
      and e.received_at <= s.wake_at
      and e.received_at >= s.since
      and e.event_id > s.after_event
        offset 0
    ) as e
),
first_seen as materialized (
    select s.place, s.branch, s.bit, s.progress, min(s.event_id) as event_id
    from seen as s
    group by s.place, s.branch, s.bit, s.progress
),
satisfied as materialized (
    select f.place, f.branch, bit_or(f.bit) as bits, min(f.event_id) as event_id
    from first_seen as f
    group by f.place, f.branch, f.progress
),
verdict as materialized (
    select distinct on (s.place) s.place, s.branch, s.event_id,
        bit_or(s.bits) over (partition by s.place) as bits
    from satisfied as s
    order by s.place, s.event_id nulls last, s.branch
),
changed as materialized (
    select
        s.enrollment_id, s.profile_id, s.entry_key, case when v.event_id is not null then e.received_at else s.since end as since, case when v.event_id is not null then %(now)s::timestamptz else s.wake_at end as wake_at, coalesce(v.event_id, s.after_event) as after_event,
        case when v.event_id is not null then v.branch::smallint end as reached, (s.progress | v.bits)::smallint as progress,
        case when v.event_id is not null then coalesce(s.context, n.context, '{}'::jsonb) || jsonb_build_object('event', e.data)
            else s.context end as context
    from verdict as v
    cross join lateral (
        select s.ctid as place, s.profile_id, s.enrollment_id, s.since, s.wake_at, s.after_event, s.progress, s.context, s.entry_key from stay as s
        where s.shard = %(shard)s::smallint
      and s.ctid = v.place
        offset 0
    ) as s
    left join lateral (
        select e.data, e.received_at from event as e
        where e.shard = %(shard)s::smallint
      and e.event_id = v.event_id
        offset 0
    ) as e on true
    left join lateral (
        select n.context from enrollment as n
        where n.shard = %(shard)s::smallint
      and n.enrollment_id = s.enrollment_id
      and v.event_id is not null
        offset 0
    ) as n on true
),
gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select v.place from verdict as v))
    returning s.ctid
),
placed as (
    insert into stay (shard, journey_id, point_no, enrollment_id, profile_id, entry_key, since, wake_at, after_event, reached, progress, context)
    select %(shard)s::smallint, 7, 9, c.enrollment_id, c.profile_id, c.entry_key, c.since, c.wake_at, c.after_event, c.reached, c.progress, c.context
    from changed as c
    where (select count(*) from gone) > 0 -- the old rows go first, or the new ones would collide with them
    returning reached, wake_at
),
alarmed as (
    insert into alarm (shard, journey_id, point_no, wake_at)
    select %(shard)s::smallint, 7, 9, min(m.wake_at)
    from placed as m
    where m.reached is not null
    having count(*) > 0
    on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
    where excluded.wake_at < alarm.wake_at
)
select count(*) as n from placed where reached is not null

-- v1 = "visit"
