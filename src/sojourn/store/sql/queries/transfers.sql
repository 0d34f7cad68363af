-- Transfers: what one person has goes to another. Rows are taken out of one shard and put into the other, by statements
-- that each work on one shard, in a transaction that holds the leases of both. Between the two the rows are JSON, so
-- that columns need no mention here unless they change on the way; numbers that are unique within a shard are new ones.

-- name: due_transfers
-- What is to go from people of a shard to others now. What came through a device goes before all the rest.
select t.profile_id, t.hwid, t.workspace_id, t.into_shard, t.into_profile
from transfer as t
where t.shard = %(shard)s::smallint and t.due_at <= %(now)s::timestamptz
order by t.due_at, t.profile_id, t.hwid desc
limit %(batch)s::bigint;

-- name: postpone_transfers
-- Try again later.
update transfer as t
set due_at = %(due_at)s::timestamptz
where t.shard = %(shard)s::smallint and t.profile_id = any(%(profile_ids)s::bigint[]);

-- name: finish_transfers
-- What was to go has gone.
delete from transfer as t
using unnest(%(profile_ids)s::bigint[], %(hwids)s::text[]) as done(profile_id, hwid)
where t.shard = %(shard)s::smallint and t.profile_id = done.profile_id and t.hwid = done.hwid;

-- name: close_transfers
-- Note the number of the shard's next arrival. Whoever took a snapshot before this cannot take the lease with it any more.
update shard as s
set next_enrollment = %(next_enrollment)s::bigint
where s.shard = %(shard)s::smallint;

-- name: enrollments_to_move
-- The enrollments of people: whether they are inside, and through which device they came.
select e.enrollment_id, e.profile_id, e.journey_id, e.entry_key, s.enrollment_id is not null as is_inside, e.hwid
from enrollment as e
left join lateral (
    select x.enrollment_id
    from stay as x
    where x.shard = %(shard)s::smallint and x.enrollment_id = e.enrollment_id
    offset 0
) as s on true
where e.shard = %(shard)s::smallint
  and e.journey_id = any(array(
      select j.journey_id from journey as j where j.workspace_id = any(%(workspace_ids)s::integer[])
  ))
  and e.profile_id = any(%(profile_ids)s::bigint[])
order by e.enrollment_id;

-- name: stays_of
-- Where people are inside: journeys and entry keys.
select s.profile_id, s.journey_id, s.entry_key
from stay as s
where s.shard = %(shard)s::smallint
  and s.journey_id = any(array(
      select j.journey_id from journey as j where j.workspace_id = any(%(workspace_ids)s::integer[])
  ))
  and s.profile_id = any(%(profile_ids)s::bigint[]);

-- name: claimed_enrollments
-- Those of the enrollments that have a message in the hands of a sender.
select distinct m.enrollment_id
from message as m
where m.shard = %(shard)s::smallint and m.enrollment_id = any(%(enrollment_ids)s::bigint[]) and m.status = 'sending';

-- name: drop_enrollments
-- End enrollments, each for the reason given with it, and cancel what was about to be sent to them.
with leaving as materialized (
    select s.place, s.enrollment_id, s.journey_id, s.point_no, given.reason
    from unnest(%(enrollment_ids)s::bigint[], %(reasons)s::text[]) as given(enrollment_id, reason)
    cross join lateral (
        select x.ctid as place, x.enrollment_id, x.journey_id, x.point_no
        from stay as x
        where x.shard = %(shard)s::smallint and x.enrollment_id = given.enrollment_id
        offset 0
    ) as s
),
gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select l.place from leaving as l))
    returning s.enrollment_id
),
cancelled as (
    update message as m
    set status = 'cancelled', done_at = %(now)s::timestamptz, detail = 'dropped'
    where m.shard = %(shard)s::smallint and m.status = 'queued'
      and m.enrollment_id = any(array(select l.enrollment_id from leaving as l))
    returning m.message_id
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select %(shard)s::smallint, l.enrollment_id, l.journey_id, l.point_no, 'dropped', l.reason, %(now)s::timestamptz
    from leaving as l
)
insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
select %(shard)s::smallint, l.journey_id, l.point_no, 'dropped', l.reason, %(hour)s::timestamptz, count(*)
from leaving as l
group by l.journey_id, l.point_no, l.reason
on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n;

-- Rows of a person ------------------------------------------------------------------------------------------

-- name: take_events
-- Take the first events of people out of the shard, with the ids they came with.
with first as materialized (
    select e.event_id, e.received_at, e.workspace_id, e.source_id
    from event as e
    where e.shard = %(shard)s::smallint and e.profile_id = any(%(profile_ids)s::bigint[])
    order by e.event_id
    limit %(batch)s::bigint
),
forgotten as (
    delete from event_source as x
    using first as s
    where x.shard = %(shard)s::smallint and x.workspace_id = s.workspace_id and x.source_id = s.source_id
),
gone as (
    delete from event as e
    using first as s
    where e.shard = %(shard)s::smallint and e.event_id = s.event_id and e.received_at = s.received_at
    returning e.event_id, e.profile_id, to_jsonb(e.*) as data
)
select g.event_id, g.profile_id, g.data::text as data
from gone as g
order by g.event_id;

-- name: put_events
-- Give events, in their order, to people of the shard. One that the shard has seen, by the id it came with, is left out.
-- Out come the new numbers, by the place of the event.
with given as materialized (
    select r.place, jsonb_populate_record(null::event, r.value) as e
    from jsonb_array_elements(%(rows)s::jsonb) with ordinality as r(value, place)
),
unseen as (
    insert into event_source (shard, workspace_id, source_id, received_at)
    select distinct on ((g.e).workspace_id, (g.e).source_id)
        %(shard)s::smallint, (g.e).workspace_id, (g.e).source_id, (g.e).received_at
    from given as g
    where (g.e).source_id is not null
    on conflict (shard, workspace_id, source_id) do nothing
    returning workspace_id, source_id
),
kept as materialized (
    select g.e, row_number() over (order by g.place) as turn, g.place
    from given as g
    where (g.e).source_id is null
       or ((g.e).workspace_id, (g.e).source_id) in (select u.workspace_id, u.source_id from unseen as u)
),
written as (
    insert into event overriding user value
    select x.*
    from kept as k
    join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id) on p.old_id = (k.e).profile_id
    cross join lateral jsonb_populate_record(
        k.e, jsonb_build_object('shard', %(shard)s::smallint, 'profile_id', p.new_id)
    ) as x
    order by k.turn
    returning event_id
)
select k.place, n.event_id
from kept as k
join (select w.event_id, row_number() over (order by w.event_id) as turn from written as w) as n on n.turn = k.turn
order by k.turn;

-- name: take_profile_changes
-- Take what the attributes of a person were out of the shard.
with gone as (
    delete from profile_change as c
    where c.shard = %(shard)s::smallint and c.profile_id = any(%(profile_ids)s::bigint[])
    returning to_jsonb(c.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_profile_changes
-- Give people of the shard a past. The enrollments whose walks it was have new numbers.
insert into profile_change
select x.*
from jsonb_array_elements(%(rows)s::jsonb) as r(value)
left join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
    on n.old_id = (r.value ->> 'enrollment_id')::bigint
join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
    on p.old_id = (r.value ->> 'profile_id')::bigint
cross join lateral jsonb_populate_record(null::profile_change, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'profile_id', p.new_id, 'enrollment_id', n.new_id
)) as x;

-- name: take_devices
-- Take the devices and addresses of people out of the shard.
with gone as (
    delete from device as d
    where d.shard = %(shard)s::smallint and d.profile_id = any(%(profile_ids)s::bigint[])
    returning to_jsonb(d.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_devices
-- Give people of the shard the devices that still are theirs. What is known of one that they have is newer.
insert into device
select x.*
from jsonb_array_elements(%(rows)s::jsonb) as r(value)
join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
    on p.old_id = (r.value ->> 'profile_id')::bigint
cross join lateral jsonb_populate_record(null::device, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'profile_id', p.new_id
)) as x
where exists (
    select from unnest(%(owners)s::bigint[], %(hwids)s::text[]) as own(profile_id, hwid)
    where own.profile_id = p.new_id and own.hwid = r.value ->> 'hwid'
)
on conflict (shard, profile_id, app_id, hwid) do nothing;

-- name: take_static_members
-- Take people of the shard off their fixed lists.
with gone as (
    delete from static_member as m
    where m.shard = %(shard)s::smallint and m.profile_id = any(%(profile_ids)s::bigint[])
    returning to_jsonb(m.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_static_members
-- Put people of the shard on fixed lists.
insert into static_member
select x.*
from jsonb_array_elements(%(rows)s::jsonb) as r(value)
join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
    on p.old_id = (r.value ->> 'profile_id')::bigint
cross join lateral jsonb_populate_record(null::static_member, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'profile_id', p.new_id
)) as x
on conflict (shard, segment_id, profile_id) do nothing;

-- name: take_profiles
-- Take people out of the shard.
with gone as (
    delete from profile as p
    where p.shard = %(shard)s::smallint and p.profile_id = any(%(profile_ids)s::bigint[])
    returning to_jsonb(p.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_profiles
-- Give what is known of people to others, of whom more is known; and keep which of their attributes that changed.
with given as materialized (
    select x as p
    from jsonb_array_elements(%(rows)s::jsonb) as r(value)
    join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
        on p.old_id = (r.value ->> 'profile_id')::bigint
    cross join lateral jsonb_populate_record(null::profile, r.value || jsonb_build_object(
        'shard', %(shard)s::smallint, 'profile_id', p.new_id, 'updated_at', %(now)s::timestamptz
    )) as x
),
after as (
    insert into profile
    select (g.p).*
    from given as g
    on conflict (shard, profile_id) do update set
        user_id = coalesce(profile.user_id, excluded.user_id),
        attributes = excluded.attributes || profile.attributes,
        time_zone = coalesce(profile.time_zone, excluded.time_zone),
        language = coalesce(profile.language, excluded.language),
        location = coalesce(profile.location, excluded.location),
        app_ids = array(select distinct unnest(profile.app_ids || excluded.app_ids) order by 1),
        created_at = least(profile.created_at, excluded.created_at),
        updated_at = excluded.updated_at
    returning profile_id, attributes
)
insert into profile_change (shard, profile_id, at, changes)
select %(shard)s::smallint, c.profile_id, %(now)s::timestamptz, c.changes
from (
    select a.profile_id, attribute_changes_v1(coalesce(p.attributes, '{}'::jsonb), a.attributes) as changes
    from after as a
    left join lateral (
        select x.attributes
        from profile as x
        where x.shard = %(shard)s::smallint and x.profile_id = a.profile_id
        offset 0
    ) as p on true
    offset 0
) as c
where c.changes is not null;

-- name: forget_former_members
-- People who are no more belong to no live audience.
delete from audience_member as m
where m.shard = %(shard)s::smallint and m.profile_id = any(%(profile_ids)s::bigint[])
  and m.journey_id = any(array(select a.journey_id from audience as a where a.shard = %(shard)s::smallint));

-- name: audiences_to_tell
-- The live audiences of workspaces that watch the shard.
select a.journey_id, a.point_no
from audience as a
join journey as j on j.journey_id = a.journey_id
where a.shard = %(shard)s::smallint and j.workspace_id = any(%(workspace_ids)s::integer[]);

-- name: give_identities
-- Have what people go by name others. The caller holds the locks.
update identity as i
set profile_shard = %(into_shard)s::smallint, profile_id = p.new_id
from unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
where i.profile_shard = %(shard)s::smallint and i.profile_id = p.old_id;

-- name: close_former
-- Note that all that people had has gone to whom they became.
update former_profile as f
set moved_at = %(now)s::timestamptz, into_shard = %(into_shard)s::smallint, into_profile = p.new_id
from unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
where f.shard = %(shard)s::smallint and f.profile_id = p.old_id;

-- name: take_words
-- Take what waits to be said about enrollments of people: outcomes, and that they end.
with gone as (
    delete from inbox as i
    where i.shard = %(shard)s::smallint and i.profile_id = any(%(profile_ids)s::bigint[]) and i.kind in ('drop', 'outcome')
      and (i.data ->> 'enrollment_id')::bigint = any(%(enrollment_ids)s::bigint[])
    returning i.inbox_id, to_jsonb(i.*) as data
)
select jsonb_agg(g.data order by g.inbox_id)::text as data
from gone as g;

-- name: put_words
-- Have what is said about enrollments wait for them by their new numbers.
insert into inbox overriding user value
select x.*
from jsonb_array_elements(%(rows)s::jsonb) with ordinality as r(value, place)
join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
    on n.old_id = (r.value -> 'data' ->> 'enrollment_id')::bigint
join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
    on p.old_id = (r.value ->> 'profile_id')::bigint
cross join lateral jsonb_populate_record(null::inbox, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'profile_id', p.new_id,
    'data', (r.value -> 'data') || jsonb_build_object('enrollment_id', n.new_id)
)) as x
order by r.place;

-- Rows of enrollments ---------------------------------------------------------------------------------------

-- name: take_enrollments
-- Take enrollments out of the shard.
with gone as (
    delete from enrollment as e
    where e.shard = %(shard)s::smallint and e.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning to_jsonb(e.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_enrollments
-- Enroll people of the shard as others were, by new numbers. Pages and programs know an enrollment by the first it had.
insert into enrollment
select x.*
from jsonb_array_elements(%(rows)s::jsonb) as r(value)
join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
    on n.old_id = (r.value ->> 'enrollment_id')::bigint
join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
    on p.old_id = (r.value ->> 'profile_id')::bigint
cross join lateral jsonb_populate_record(null::enrollment, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'profile_id', p.new_id, 'enrollment_id', n.new_id,
    'origin_shard', coalesce(nullif(r.value -> 'origin_shard', 'null'::jsonb), r.value -> 'shard'),
    'origin_id', coalesce(nullif(r.value -> 'origin_id', 'null'::jsonb), r.value -> 'enrollment_id')
)) as x;

-- name: take_stays
-- Take enrollments off their points.
with gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning to_jsonb(s.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_stays
-- Set enrollments, by new numbers, on the points where they were, and the alarms there. What is behind them has other
-- numbers, too: each of the events up to which they had come.
with placed as (
    insert into stay
    select x.*
    from jsonb_array_elements(%(rows)s::jsonb) as r(value)
    join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
        on n.old_id = (r.value ->> 'enrollment_id')::bigint
    join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
        on p.old_id = (r.value ->> 'profile_id')::bigint
    cross join lateral jsonb_populate_record(null::stay, r.value || jsonb_build_object(
        'shard', %(shard)s::smallint, 'profile_id', p.new_id, 'enrollment_id', n.new_id,
        'after_event', coalesce((
            select max(v.new_id)
            from unnest(%(event_profiles)s::bigint[], %(event_ids)s::bigint[], %(new_event_ids)s::bigint[])
                as v(profile_id, old_id, new_id)
            where v.profile_id = p.old_id and v.old_id <= (r.value ->> 'after_event')::bigint
        ), 0)
    )) as x
    returning journey_id, point_no, wake_at
)
insert into alarm (shard, journey_id, point_no, wake_at)
select %(shard)s::smallint, p.journey_id, p.point_no, min(p.wake_at)
from placed as p
group by p.journey_id, p.point_no
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
where excluded.wake_at < alarm.wake_at;

-- name: take_departures
-- Take the ends of enrollments out of the shard.
with gone as (
    delete from departure as d
    where d.shard = %(shard)s::smallint and d.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning to_jsonb(d.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_departures
-- End enrollments, by new numbers, as they ended.
insert into departure
select x.*
from jsonb_array_elements(%(rows)s::jsonb) as r(value)
join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
    on n.old_id = (r.value ->> 'enrollment_id')::bigint
cross join lateral jsonb_populate_record(null::departure, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'enrollment_id', n.new_id
)) as x;

-- name: take_conversions
-- Take the goals that enrollments reached out of the shard.
with gone as (
    delete from conversion as c
    where c.shard = %(shard)s::smallint and c.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning to_jsonb(c.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_conversions
-- Have enrollments, by new numbers, reach the goals that they reached.
insert into conversion
select x.*
from jsonb_array_elements(%(rows)s::jsonb) as r(value)
join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
    on n.old_id = (r.value ->> 'enrollment_id')::bigint
cross join lateral jsonb_populate_record(null::conversion, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'enrollment_id', n.new_id
)) as x;

-- name: take_deadlines
-- Take the deadlines of enrollments out of the shard.
with gone as (
    delete from deadline as d
    where d.shard = %(shard)s::smallint and d.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning to_jsonb(d.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_deadlines
-- Give enrollments, by new numbers, the deadlines that they had, and have their journeys woken then.
with placed as (
    insert into deadline
    select x.*
    from jsonb_array_elements(%(rows)s::jsonb) as r(value)
    join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
        on n.old_id = (r.value ->> 'enrollment_id')::bigint
    cross join lateral jsonb_populate_record(null::deadline, r.value || jsonb_build_object(
        'shard', %(shard)s::smallint, 'enrollment_id', n.new_id
    )) as x
    returning journey_id, due_at
)
insert into alarm (shard, journey_id, point_no, wake_at)
select %(shard)s::smallint, p.journey_id, 0, min(p.due_at)
from placed as p
group by p.journey_id
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
where excluded.wake_at < alarm.wake_at;

-- name: take_draws
-- Take what enrollments drew out of the shard. A draw is kept by the number of the enrollment, or of the person.
with gone as (
    delete from draw as d
    using point as p
    where d.shard = %(shard)s::smallint
      and p.kind = 'random_splitter'
      and d.journey_id = p.journey_id
      and d.point_no = p.point_no
      and d.drawn_for = any(%(enrollment_ids)s::bigint[] || %(profile_ids)s::bigint[])
      and d.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning to_jsonb(d.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_draws
-- Have enrollments, by new numbers, or their people, have drawn what they drew. What somebody drew before stays.
insert into draw
select x.*
from jsonb_array_elements(%(rows)s::jsonb) as r(value)
join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
    on n.old_id = (r.value ->> 'enrollment_id')::bigint
left join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
    on p.old_id = (r.value ->> 'drawn_for')::bigint and p.old_id <> n.old_id
cross join lateral jsonb_populate_record(null::draw, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'enrollment_id', n.new_id, 'drawn_for', coalesce(p.new_id, n.new_id)
)) as x
on conflict (shard, journey_id, point_no, drawn_for) do nothing;

-- name: take_passages
-- Take the paths of enrollments out of the shard.
with gone as (
    delete from passage as p
    where p.shard = %(shard)s::smallint and p.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning to_jsonb(p.*) as data
)
select jsonb_agg(g.data)::text as data
from gone as g;

-- name: put_passages
-- Give enrollments, by new numbers, the paths they took.
insert into passage
select x.*
from jsonb_array_elements(%(rows)s::jsonb) as r(value)
join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
    on n.old_id = (r.value ->> 'enrollment_id')::bigint
cross join lateral jsonb_populate_record(null::passage, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'enrollment_id', n.new_id
)) as x;

-- name: take_messages
-- Take the messages of enrollments out of the shard.
with gone as (
    delete from message as m
    where m.shard = %(shard)s::smallint and m.enrollment_id = any(%(enrollment_ids)s::bigint[])
    returning m.message_id, to_jsonb(m.*) as data
)
select jsonb_agg(g.data order by g.message_id)::text as data
from gone as g;

-- name: put_messages
-- Give enrollments, by new numbers, their messages, in their order. A provider, or a reader, may know a message by the
-- number that it had first, once somebody has tried to send it.
insert into message overriding user value
select x.*
from jsonb_array_elements(%(rows)s::jsonb) with ordinality as r(value, place)
join unnest(%(enrollment_ids)s::bigint[], %(new_ids)s::bigint[]) as n(old_id, new_id)
    on n.old_id = (r.value ->> 'enrollment_id')::bigint
join unnest(%(profile_ids)s::bigint[], %(new_profiles)s::bigint[]) as p(old_id, new_id)
    on p.old_id = (r.value ->> 'profile_id')::bigint
cross join lateral jsonb_populate_record(null::message, r.value || jsonb_build_object(
    'shard', %(shard)s::smallint, 'profile_id', p.new_id, 'enrollment_id', n.new_id,
    'origin_shard', coalesce(nullif(r.value -> 'origin_shard', 'null'::jsonb), r.value -> 'shard'),
    'origin_id', coalesce(nullif(r.value -> 'origin_id', 'null'::jsonb), r.value -> 'message_id')
)) as x
order by r.place;
