-- Deleting people and devices. Each statement works on one shard, whose lease the transaction holds; what it took away is
-- what it returns or counts.

-- name: lease_shards
-- Take the leases of shards in their order, waiting for ticks under way; no tick runs on them until the transaction ends.
select s.shard
from shard as s
where s.shard = any(%(shards)s::smallint[])
order by s.shard
for update;

-- name: touch_shard
-- Make ticks that took their snapshot before this transaction fail, as a tick does for other ticks.
update shard as s
set next_enrollment = s.next_enrollment
where s.shard = %(shard)s::smallint;

-- name: people_numbered
-- Where the people of these numbers live, if they are in the workspace.
select p.shard, p.profile_id
from profile as p
where p.shard = any(%(shards)s::smallint[])
  and p.profile_id = any(%(profile_ids)s::bigint[])
  and p.workspace_id = %(workspace_id)s::integer;

-- name: enrollments_of
-- The enrollments of people.
select e.enrollment_id
from enrollment as e
where e.shard = %(shard)s::smallint
  and e.journey_id = any(array(select j.journey_id from journey as j where j.workspace_id = %(workspace_id)s::integer))
  and e.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_stays
-- Take enrollments off their points. To the counts they left as dropped, so that these stay sums that fit.
with gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning s.journey_id, s.point_no
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s::smallint, g.journey_id, g.point_no, 'dropped', 'person deleted', %(hour)s::timestamptz, count(*)
    from gone as g
    group by g.journey_id, g.point_no
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select count(*) as n
from gone as g;

-- name: erase_passages
-- Delete the paths of enrollments.
delete from passage as p
where p.shard = %(shard)s::smallint and p.enrollment_id = any(%(enrollment_ids)s::bigint[]);

-- name: erase_departures
-- Delete the ends of enrollments.
delete from departure as d
where d.shard = %(shard)s::smallint and d.enrollment_id = any(%(enrollment_ids)s::bigint[]);

-- name: erase_conversions
-- Delete the goals that enrollments reached. What was counted of them stays.
delete from conversion as c
where c.shard = %(shard)s::smallint and c.enrollment_id = any(%(enrollment_ids)s::bigint[]);

-- name: erase_deadlines
-- Delete the deadlines of enrollments.
delete from deadline as d
where d.shard = %(shard)s::smallint and d.enrollment_id = any(%(enrollment_ids)s::bigint[]);

-- name: erase_draws
-- Delete what enrollments drew, for themselves or for their person.
delete from draw as d
using point as p, journey as j
where j.workspace_id = %(workspace_id)s::integer
  and p.journey_id = j.journey_id
  and p.kind = 'random_splitter'
  and d.shard = %(shard)s::smallint
  and d.journey_id = p.journey_id
  and d.point_no = p.point_no
  and d.drawn_for = any(%(enrollment_ids)s::bigint[] || %(profile_ids)s::bigint[])
  and d.enrollment_id = any(%(enrollment_ids)s::bigint[]);

-- name: erase_messages
-- Delete the messages of enrollments, also those that a sender has in hand: what becomes of them is of no interest.
delete from message as m
where m.shard = %(shard)s::smallint and m.enrollment_id = any(%(enrollment_ids)s::bigint[]);

-- name: erase_enrollments
-- Delete enrollments, and count at their entries that they are gone: they were counted as entered.
with gone as (
    delete from enrollment as e
    where e.shard = %(shard)s::smallint and e.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning e.journey_id, e.point_no
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, hour, n)
    select %(shard)s::smallint, g.journey_id, g.point_no, 'erased', %(hour)s::timestamptz, count(*)
    from gone as g
    group by g.journey_id, g.point_no
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select count(*) as n
from gone as g;

-- name: erase_event_sources
-- Forget the ids that the events of people came with.
delete from event_source as s
using event as e
where s.shard = %(shard)s::smallint
  and e.shard = %(shard)s::smallint
  and e.profile_id = any(%(profile_ids)s::bigint[])
  and s.workspace_id = e.workspace_id
  and s.source_id = e.source_id;

-- name: erase_events
-- Delete what people did.
delete from event as e
where e.shard = %(shard)s::smallint and e.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_profile_changes
-- Delete what people's attributes were.
delete from profile_change as c
where c.shard = %(shard)s::smallint and c.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_devices
-- Delete the devices and addresses of people.
delete from device as d
where d.shard = %(shard)s::smallint and d.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_static_members
-- Take people off the fixed lists.
delete from static_member as m
where m.shard = %(shard)s::smallint and m.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_inbox
-- Delete what waits to be applied to people.
delete from inbox as i
where i.shard = %(shard)s::smallint and i.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_transfers
-- Delete what was to go from people to others.
delete from transfer as t
where t.shard = %(shard)s::smallint and t.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_audience_members
-- Forget that people belonged to live audiences.
delete from audience_member as m
using audience as a
where m.shard = %(shard)s::smallint
  and a.shard = %(shard)s::smallint
  and m.journey_id = a.journey_id
  and m.point_no = a.point_no
  and m.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_profiles
-- Delete people.
delete from profile as p
where p.shard = %(shard)s::smallint and p.profile_id = any(%(profile_ids)s::bigint[]);

-- name: erase_identities
-- Delete all that people go by. Identities are kept by the shards of their own values.
delete from identity as i
where i.profile_id = any(%(profile_ids)s::bigint[]) and i.profile_shard = %(shard)s::smallint;

-- name: bury_people
-- Note that people are no more, so that nothing which still comes for them brings them back.
insert into former_profile (shard, profile_id, since, moved_at)
select %(shard)s::smallint, input.profile_id, %(now)s::timestamptz, %(now)s::timestamptz
from unnest(%(profile_ids)s::bigint[]) as input(profile_id)
on conflict (shard, profile_id) do update set
    into_shard = null,
    into_profile = null,
    moved_at = coalesce(former_profile.moved_at, excluded.moved_at);

-- name: erase_device
-- Delete one device or address of a person, in the apps given.
delete from device as d
where d.shard = %(shard)s::smallint and d.profile_id = %(profile_id)s::bigint and d.hwid = %(hwid)s::text
  and d.app_id = any(%(app_ids)s::integer[]);

-- name: erase_device_words
-- Delete what waits to be said about one device of a person, in the apps given.
delete from inbox as i
where i.shard = %(shard)s::smallint and i.profile_id = %(profile_id)s::bigint and i.kind = 'device'
  and i.data ->> 'hwid' = %(hwid)s::text
  and i.app_id = any(%(app_ids)s::integer[]);

-- name: erase_identity
-- Delete one thing that a person goes by.
delete from identity as i
where i.shard = %(shard)s::smallint
  and i.workspace_id = %(workspace_id)s::integer
  and i.kind = %(kind)s::identity_kind
  and i.value = %(value)s::text;
