-- name: conversion_sums
-- How many enrollments reached each goal of a journey within a period, and what that is worth.
select c.goal, c.is_control, count(*) as n, coalesce(sum(c.value), 0)::double precision as value
from conversion as c
where c.shard = any(%(shards)s::smallint[])
  and c.journey_id = %(journey_id)s
  and c.at >= %(from_)s
  and c.at < %(to)s
group by c.goal, c.is_control
order by c.goal, c.is_control;

-- name: inside_by_point
-- How many people are at each point of a journey now.
select s.point_no, count(*) as n
from stay as s
where s.shard = any(%(shards)s::smallint[])
  and s.journey_id = %(journey_id)s
group by s.point_no;

-- name: snapshot
-- Let all statements of the transaction see the same moment. The first of them.
set transaction isolation level repeatable read, read only;

-- name: tally_series
-- What was counted at the points of a journey within a period, by hour or day.
select t.point_no, t.metric, date_trunc(%(interval)s, t.hour) as start, sum(t.n)::bigint as n
from tally as t
where t.shard = any(%(shards)s::smallint[])
  and t.journey_id = %(journey_id)s
  and t.metric in ('entered', 'left')
  and t.hour >= %(from_)s
  and t.hour < %(to)s
group by t.point_no, t.metric, start
order by t.point_no, start;

-- name: tally_sums
-- What was counted at the points of a journey within a period.
select t.point_no, t.metric, t.detail, sum(t.n)::bigint as n
from tally as t
where t.shard = any(%(shards)s::smallint[])
  and t.journey_id = %(journey_id)s
  and t.hour >= %(from_)s
  and t.hour < %(to)s
group by t.point_no, t.metric, t.detail
order by t.point_no, t.metric, t.detail;
