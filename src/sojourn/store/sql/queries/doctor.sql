-- name: alarm_faults
-- Points whose alarm would ring too late for somebody who waits there, or not at all; point 0 is a journey's deadline.
select waiting.shard, waiting.journey_id, waiting.point_no, waiting.wake_at, a.wake_at as alarm_at
from (
    select s.shard, s.journey_id, s.point_no, min(s.wake_at) as wake_at
    from stay as s
    where s.shard = any(%(shards)s::smallint[])
    group by s.shard, s.journey_id, s.point_no
    union all
    select d.shard, d.journey_id, 0, min(d.due_at)
    from deadline as d
    where d.shard = any(%(shards)s::smallint[])
    group by d.shard, d.journey_id
) as waiting
left join alarm as a
    on a.shard = waiting.shard and a.journey_id = waiting.journey_id and a.point_no = waiting.point_no
where waiting.wake_at < 'infinity'
  and (a.wake_at is null or a.wake_at > waiting.wake_at)
order by waiting.journey_id, waiting.point_no, waiting.shard;

-- name: broken_enrollments
-- Enrollments that have both a stay and a departure, or neither, by journey.
select
    e.journey_id,
    count(*) filter (where s.enrollment_id is not null and d.enrollment_id is not null) as with_both,
    count(*) filter (where s.enrollment_id is null and d.enrollment_id is null) as with_neither
from enrollment as e
left join stay as s on s.shard = e.shard and s.enrollment_id = e.enrollment_id
left join departure as d on d.shard = e.shard and d.enrollment_id = e.enrollment_id
where e.shard = any(%(shards)s::smallint[])
group by e.journey_id
having count(*) <> count(s.enrollment_id) + count(d.enrollment_id)
    or bool_or(s.enrollment_id is not null and d.enrollment_id is not null)
order by e.journey_id;

-- name: conservation
-- How many came into each journey, by what is in the tables and by what was counted, and where they are. Whose person
-- was deleted is in no table any more; the counts keep them, and say so.
with entered as (
    select e.journey_id, count(*) as n
    from enrollment as e
    where e.shard = any(%(shards)s::smallint[])
    group by e.journey_id
),
inside as (
    select s.journey_id, count(*) as n
    from stay as s
    where s.shard = any(%(shards)s::smallint[])
    group by s.journey_id
),
departed as (
    select d.journey_id, count(*) as n
    from departure as d
    where d.shard = any(%(shards)s::smallint[])
    group by d.journey_id
),
counted as (
    select t.journey_id, sum(case t.metric when 'entered' then t.n else -t.n end)::bigint as n
    from tally as t
    join point as p on p.journey_id = t.journey_id and p.point_no = t.point_no
    where t.shard = any(%(shards)s::smallint[])
      and t.metric in ('entered', 'erased')
      and p.kind in ('element_click', 'message_bus', 'start_by_api', 'start_by_segment', 'url_match')
    group by t.journey_id
)
select
    j.journey_id, j.journey_uuid, coalesce(entered.n, 0) as entered, coalesce(inside.n, 0) as inside,
    coalesce(departed.n, 0) as departed, coalesce(counted.n, 0) as counted
from journey as j
left join entered on entered.journey_id = j.journey_id
left join inside on inside.journey_id = j.journey_id
left join departed on departed.journey_id = j.journey_id
left join counted on counted.journey_id = j.journey_id
order by j.journey_id;

-- name: inbox_delays
-- What has waited in the inbox of each shard since before an instant. A move waits while its journey is held.
select i.shard, count(*) as n, min(i.received_at) as since
from inbox as i
where i.shard = any(%(shards)s::smallint[])
  and i.received_at < %(before)s
  and i.kind <> 'move'
group by i.shard
order by i.shard;

-- name: invalid_indexes
-- Indexes that a failed build left behind.
select c.relname
from pg_index as i
join pg_class as c on c.oid = i.indexrelid
where not (i.indisvalid and i.indisready)
  and c.relnamespace = current_schema()::regnamespace
order by c.relname;

-- name: lost_stays
-- People on points that the present version does not have, or in a journey that has ended, where nothing in the inbox
-- is about to take them off.
select s.journey_id, s.point_no, count(*) as n
from stay as s
join journey as j on j.journey_id = s.journey_id
left join point as p on p.journey_id = s.journey_id and p.point_no = s.point_no
where s.shard = any(%(shards)s::smallint[])
  and (
      j.status in ('finished', 'archived')
      or not exists (
          select
          from journey_version as v, jsonb_array_elements(v.graph -> 'points') as drawn(point)
          where v.journey_id = j.journey_id
            and v.version_no = j.version_no
            and drawn.point ->> 'id' = p.point_uuid::text
      )
  )
  and not exists (
      select from inbox as i
      where i.shard = s.shard
        and i.profile_id is null
        and i.kind in ('move', 'stop')
        and (i.data ->> 'journey_id')::integer = s.journey_id
  )
group by s.journey_id, s.point_no
order by s.journey_id, s.point_no;

-- name: stuck_messages
-- Messages that a sender claimed, and whose claim ended before an instant without an outcome.
select m.shard, count(*) as n, min(m.claimed_until) as since
from message as m
where m.shard = any(%(shards)s::smallint[])
  and m.status = 'sending'
  and m.claimed_until < %(before)s
group by m.shard
order by m.shard;
