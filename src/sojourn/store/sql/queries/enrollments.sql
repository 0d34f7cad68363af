-- name: count_enrollments
-- How many people came into each of these journeys, without those who were erased.
select t.journey_id, sum(case t.metric when 'entered' then t.n else -t.n end)::bigint as n
from tally as t
join point as p on p.journey_id = t.journey_id and p.point_no = t.point_no
where t.shard = any(%(shards)s::smallint[])
  and t.journey_id = any(%(journey_ids)s::integer[])
  and (t.metric = 'erased' or t.metric = 'entered' and p.kind = any(%(entry_kinds)s::text[]))
group by t.journey_id;

-- name: count_inside
-- How many people are in a journey now.
select count(*)
from stay as s
where s.shard = any(%(shards)s::smallint[])
  and s.journey_id = %(journey_id)s;

-- name: count_departed
-- How many people left a journey in these ways.
select count(*)
from departure as d
where d.shard = any(%(shards)s::smallint[])
  and d.journey_id = %(journey_id)s
  and d.outcome::text = any(%(outcomes)s::text[]);

-- name: last_entered
-- The last hour in which somebody came into a journey.
select max(t.hour) as hour
from tally as t
join point as p on p.journey_id = t.journey_id and p.point_no = t.point_no
where t.shard = any(%(shards)s::smallint[])
  and t.journey_id = %(journey_id)s
  and t.metric = 'entered'
  and p.kind = any(%(entry_kinds)s::text[]);

-- name: enrollments_before
-- Below which number the enrollments of each shard lie that came about until an instant; found by halving, because within
-- a shard numbers rise with time. Those that merges brought along do not count: they are older than their numbers say.
with recursive halved(shard, low, high) as (
    select s.shard, 0::bigint, s.next_enrollment
    from shard as s
    where s.shard = any(%(shards)s::smallint[])
    union all
    select
        h.shard, case when found.is_later then h.low else middle.number end,
        case when found.is_later then middle.number else h.high end
    from halved as h
    cross join lateral (select (h.low + h.high) / 2 as number) as middle
    cross join lateral (
        select coalesce((
            select e.entered_at > %(until)s::timestamptz
            from enrollment as e
            where e.shard = h.shard and e.enrollment_id >= middle.number and e.origin_id is null
            order by e.enrollment_id
            limit 1
        ), true) as is_later
    ) as found
    where h.high - h.low > 1000
)
select h.shard, min(h.high) as before
from halved as h
group by h.shard;

-- Lists begin below a number, so that those of a journey of long ago do not walk over all that came later; and have, from
-- there on, what merges brought along.

-- name: newest_enrollments
-- Who came into a journey last, whatever became of them.
select found.shard, found.enrollment_id
from unnest(%(shards)s::smallint[], %(befores)s::bigint[]) as input(shard, before)
cross join lateral (
    (
        select e.shard, e.enrollment_id, e.entered_at
        from enrollment as e
        where e.shard = input.shard
          and e.journey_id = %(journey_id)s
          and e.enrollment_id < input.before
        order by e.enrollment_id desc
        limit %(last)s
    )
    union all
    (
        select e.shard, e.enrollment_id, e.entered_at
        from enrollment as e
        where e.shard = input.shard
          and e.journey_id = %(journey_id)s
          and e.enrollment_id >= input.before
          and e.origin_id is not null
        order by e.enrollment_id desc
        limit %(last)s
    )
) as found
order by found.entered_at desc, found.shard, found.enrollment_id desc
offset %(skipped)s
limit %(count)s;

-- name: newest_inside
-- Who came into a journey last, of those who are in it.
select found.shard, found.enrollment_id
from unnest(%(shards)s::smallint[], %(befores)s::bigint[]) as input(shard, before)
cross join lateral (
    (
        select s.shard, s.enrollment_id
        from stay as s
        where s.shard = input.shard
          and s.journey_id = %(journey_id)s
          and s.enrollment_id < input.before
        order by s.enrollment_id desc
        limit %(last)s
    )
    union all
    (
        select s.shard, s.enrollment_id
        from enrollment as e
        join stay as s on s.shard = input.shard and s.enrollment_id = e.enrollment_id
        where e.shard = input.shard
          and e.journey_id = %(journey_id)s
          and e.enrollment_id >= input.before
          and e.origin_id is not null
        order by e.enrollment_id desc
        limit %(last)s
    )
) as found
join enrollment as e on e.shard = found.shard and e.enrollment_id = found.enrollment_id
where e.shard = any(%(shards)s::smallint[])
order by e.entered_at desc, found.shard, found.enrollment_id desc
offset %(skipped)s
limit %(count)s;

-- name: newest_departed
-- Who came into a journey last, of those who left it in these ways.
select found.shard, found.enrollment_id
from unnest(%(shards)s::smallint[], %(befores)s::bigint[]) as input(shard, before)
cross join lateral (
    (
        select d.shard, d.enrollment_id
        from departure as d
        where d.shard = input.shard
          and d.journey_id = %(journey_id)s
          and d.enrollment_id < input.before
          and d.outcome::text = any(%(outcomes)s::text[])
        order by d.enrollment_id desc
        limit %(last)s
    )
    union all
    (
        select d.shard, d.enrollment_id
        from enrollment as e
        join departure as d on d.shard = input.shard and d.enrollment_id = e.enrollment_id
        where e.shard = input.shard
          and e.journey_id = %(journey_id)s
          and e.enrollment_id >= input.before
          and e.origin_id is not null
          and d.outcome::text = any(%(outcomes)s::text[])
        order by e.enrollment_id desc
        limit %(last)s
    )
) as found
join enrollment as e on e.shard = found.shard and e.enrollment_id = found.enrollment_id
where e.shard = any(%(shards)s::smallint[])
order by e.entered_at desc, found.shard, found.enrollment_id desc
offset %(skipped)s
limit %(count)s;

-- name: show_enrollments
-- These enrollments, in this order, with where they are and how they ended; each by the shard and number that it had first.
select
    coalesce(e.origin_shard, e.shard) as named_shard, coalesce(e.origin_id, e.enrollment_id) as named_id,
    e.shard, e.profile_id, p.user_id, v.value as anonymous_id, p.attributes, e.entered_at,
    s.point_no as at_point_no, d.outcome::text as outcome, d.reason, d.point_no as last_point_no, d.at as departed_at
from unnest(%(of_shards)s::smallint[], %(enrollment_ids)s::bigint[]) with ordinality
    as input(shard, enrollment_id, place)
join enrollment as e
    on e.shard = any(%(shards)s::smallint[]) and e.shard = input.shard and e.enrollment_id = input.enrollment_id
join profile as p
    on p.shard = any(%(shards)s::smallint[]) and p.shard = e.shard and p.profile_id = e.profile_id
left join stay as s
    on s.shard = any(%(shards)s::smallint[]) and s.shard = e.shard and s.enrollment_id = e.enrollment_id
left join departure as d
    on d.shard = any(%(shards)s::smallint[]) and d.shard = e.shard and d.enrollment_id = e.enrollment_id
left join lateral (
    select i.value
    from identity as i
    where i.shard = any(%(shards)s::smallint[])
      and i.profile_id = e.profile_id
      and i.kind = 'anonymous_id'
    order by i.created_at desc, i.value
    limit 1
) as v on true
order by input.place;

-- name: find_enrollment
-- Whose an enrollment of a journey is, while it lasts.
select s.profile_id
from stay as s
where s.shard = %(shard)s
  and s.enrollment_id = %(enrollment_id)s
  and s.journey_id = %(journey_id)s;

-- name: find_moved_enrollment
-- Where the enrollment is now that had this number in this shard before its person was merged.
select e.shard, e.enrollment_id
from enrollment as e
where e.shard = any(%(shards)s::smallint[])
  and e.origin_shard = %(shard)s::smallint
  and e.origin_id = %(enrollment_id)s::bigint;
