-- Contests between the branches of random splitters.

-- name: splitting_journeys
-- The running journeys with random splitters; with which of them have a winner.
select
    j.journey_id, j.journey_uuid::text as journey_uuid, j.version_no, v.graph::text as graph,
    (select jsonb_object_agg(p.point_uuid::text, p.point_no)::text from point as p where p.journey_id = j.journey_id) as numbers,
    (select array_agg(w.point_no) from splitter_winner as w where w.journey_id = j.journey_id) as decided
from journey as j
join journey_version as v on v.journey_id = j.journey_id and v.version_no = j.version_no
where j.status = 'running'
  and exists (select from point as p where p.journey_id = j.journey_id and p.kind = 'random_splitter')
order by j.journey_id;

-- name: lock_contest
-- Let one transaction decide about a journey as long as it runs as it did, and nobody else changes it. The journey is
-- locked first, as by everybody who changes it.
select j.journey_id
from journey as j
where j.journey_id = %(journey_id)s::integer
  and j.version_no = %(version_no)s::integer
  and j.status = 'running'
for update skip locked;

-- name: draw_samples
-- How many drew each output of a splitter, and how many of those reached a goal afterwards.
select d.output, count(*) as people, count(c.enrollment_id) as conversions
from draw as d
left join lateral (
    select x.enrollment_id
    from conversion as x
    where x.shard = d.shard and x.enrollment_id = d.enrollment_id and x.goal = %(goal)s::text
      and x.at >= date_trunc('second', d.at)
    offset 0
) as c on true
where d.shard = any(%(shards)s::smallint[])
  and d.journey_id = %(journey_id)s::integer
  and d.point_no = %(point_no)s::smallint
group by d.output
order by d.output;

-- name: keep_winner
-- Keep who won at a splitter.
insert into splitter_winner (journey_id, point_no, output, decided_at, numbers)
values (
    %(journey_id)s::integer, %(point_no)s::smallint, %(output)s::smallint, %(decided_at)s::timestamptz, %(numbers)s::jsonb
)
on conflict (journey_id, point_no) do update set
    output = excluded.output,
    decided_at = excluded.decided_at,
    numbers = excluded.numbers;

-- name: forget_winner
-- Let people draw again at a splitter.
delete from splitter_winner as w
where w.journey_id = %(journey_id)s::integer and w.point_no = %(point_no)s::smallint;

-- name: kept_winners
-- The winners of a journey.
select w.point_no, w.output, w.decided_at, w.numbers::text as numbers
from splitter_winner as w
where w.journey_id = %(journey_id)s::integer;

-- name: forget_goals
-- Let the journeys that ended before an instant count no more: the window of everybody who came in has closed.
delete from listener as l
using journey as j
where j.journey_id = l.journey_id
  and j.status = 'finished'
  and j.updated_at < %(before)s::timestamptz
  and l.reaction = 'convert';
