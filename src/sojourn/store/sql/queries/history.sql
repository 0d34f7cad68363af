-- The past of one person: who they are, what changed, what they did, where they went, what they were sent.
-- Lists are pages, newest first: rows before (before_at, before_no), at least as young as from_, younger than to.

-- name: person_profile
-- What is known of a person.
select
    p.user_id, p.attributes, p.time_zone, p.language, p.location,
    array(select a.application_code from app as a where a.app_id = any(p.app_ids) order by a.app_id) as apps,
    p.created_at, p.updated_at
from profile as p
where p.shard = %(shard)s::smallint and p.profile_id = %(profile_id)s::bigint
  and p.workspace_id = %(workspace_id)s::integer;

-- name: person_identities
-- What a person goes by.
select i.kind::text as kind, i.value, i.created_at
from identity as i
where i.profile_id = %(profile_id)s::bigint and i.profile_shard = %(shard)s::smallint
  and i.workspace_id = %(workspace_id)s::integer
order by i.kind, i.created_at, i.value;

-- name: person_devices
-- How a person can be reached.
select
    a.application_code, d.hwid, d.channel::text as channel, d.platform, d.push_token is not null as has_token, d.language,
    d.is_subscribed, d.details, d.created_at, d.updated_at
from device as d
join app as a on a.app_id = d.app_id
where d.shard = %(shard)s::smallint and d.profile_id = %(profile_id)s::bigint
order by d.created_at, d.hwid;

-- name: attributes_changed_at
-- When each attribute of a person last changed, as far as that is kept.
select tag.name, max(c.at) as at
from profile_change as c
cross join lateral jsonb_object_keys(c.changes) as tag(name)
where c.shard = %(shard)s::smallint and c.profile_id = %(profile_id)s::bigint
group by tag.name;

-- name: search_people
-- People of a workspace whose user id begins with a text, by user id, behind the one given. Of several such ids of one
-- person the first counts.
select i.value, i.profile_shard, i.profile_id
from identity as i
where i.workspace_id = %(workspace_id)s::integer
  and i.kind = 'user_id'
  and i.value collate "C" > %(after)s::text
  and i.value collate "C" >= %(first)s::text
  and starts_with(i.value, %(first)s::text)
  and not exists (
      select from identity as x
      where x.profile_id = i.profile_id
        and x.kind = 'user_id'
        and starts_with(x.value, %(first)s::text)
        and x.value collate "C" < i.value collate "C"
  )
order by i.value collate "C"
limit %(count)s::bigint;

-- name: history_attributes
-- Changes of attributes.
select c.at, c.change_no as no, c.enrollment_id, j.journey_uuid, j.title, c.changes
from profile_change as c
left join enrollment as n on n.shard = %(shard)s::smallint and n.enrollment_id = c.enrollment_id
left join journey as j on j.journey_id = n.journey_id
where c.shard = %(shard)s::smallint and c.profile_id = %(profile_id)s::bigint
  and c.at >= %(from_)s::timestamptz and c.at < %(to)s::timestamptz
  and (c.at, c.change_no) < (%(before_at)s::timestamptz, %(before_no)s::bigint)
order by c.at desc, c.change_no desc
limit %(count)s::bigint;

-- name: history_events
-- What a person did, by when we got it.
select e.received_at as at, e.event_id as no, e.name, e.data, e.occurred_at, a.application_code
from event as e
left join app as a on a.app_id = e.app_id
where e.shard = %(shard)s::smallint and e.profile_id = %(profile_id)s::bigint
  and e.received_at >= %(from_)s::timestamptz and e.received_at < %(to)s::timestamptz
  and (e.received_at, e.event_id) < (%(before_at)s::timestamptz, %(before_no)s::bigint)
order by e.received_at desc, e.event_id desc
limit %(count)s::bigint;

-- name: history_enrollments
-- Where a person came in.
select n.entered_at as at, n.enrollment_id as no, j.journey_id, n.point_no, n.entry_key, n.context
from journey as j
cross join lateral (
    select x.entered_at, x.enrollment_id, x.point_no, x.entry_key, x.context
    from enrollment as x
    where x.shard = %(shard)s::smallint and x.journey_id = j.journey_id and x.profile_id = %(profile_id)s::bigint
) as n
where j.workspace_id = %(workspace_id)s::integer
  and n.entered_at >= %(from_)s::timestamptz and n.entered_at < %(to)s::timestamptz
  and (n.entered_at, n.enrollment_id) < (%(before_at)s::timestamptz, %(before_no)s::bigint)
order by n.entered_at desc, n.enrollment_id desc
limit %(count)s::bigint;

-- name: history_passages
-- Where a person went; `before_no` is the number of the passage before it at the same instant, if any.
select
    w.at, w.passage_no as no, j.journey_id, w.path, n.enrollment_id, n.context,
    (
        select max(x.passage_no)
        from passage as x
        where x.shard = %(shard)s::smallint and x.enrollment_id = n.enrollment_id and x.at = w.at
          and x.passage_no < w.passage_no
    ) as before_no
from journey as j
cross join lateral (
    select x.enrollment_id, x.context
    from enrollment as x
    where x.shard = %(shard)s::smallint and x.journey_id = j.journey_id and x.profile_id = %(profile_id)s::bigint
) as n
cross join lateral (
    select x.at, x.passage_no, x.path
    from passage as x
    where x.shard = %(shard)s::smallint and x.enrollment_id = n.enrollment_id
      and x.at >= %(from_)s::timestamptz and x.at < %(to)s::timestamptz
      and (x.at, x.passage_no) < (%(before_at)s::timestamptz, %(before_no)s::bigint)
    order by x.at desc, x.passage_no desc
    limit %(count)s::bigint
) as w
where j.workspace_id = %(workspace_id)s::integer
order by w.at desc, w.passage_no desc
limit %(count)s::bigint;

-- name: history_messages
-- What a person was to be sent, and what became of it.
select
    m.created_at as at, m.message_id as no, j.journey_id, m.point_no, m.enrollment_id, m.channel::text as channel,
    m.status::text as status, m.address, m.detail, m.due_at, m.done_at, m.opened_at, m.clicked_at
from journey as j
cross join lateral (
    select x.enrollment_id
    from enrollment as x
    where x.shard = %(shard)s::smallint and x.journey_id = j.journey_id and x.profile_id = %(profile_id)s::bigint
) as n
cross join lateral (
    select
        x.created_at, x.message_id, x.point_no, x.enrollment_id, x.channel, x.status, x.address, x.detail, x.due_at,
        x.done_at, x.opened_at, x.clicked_at
    from message as x
    where x.shard = %(shard)s::smallint and x.enrollment_id = n.enrollment_id
) as m
where j.workspace_id = %(workspace_id)s::integer
  and m.created_at >= %(from_)s::timestamptz and m.created_at < %(to)s::timestamptz
  and (m.created_at, m.message_id) < (%(before_at)s::timestamptz, %(before_no)s::bigint)
order by m.created_at desc, m.message_id desc
limit %(count)s::bigint;

-- name: history_departures
-- Where a person left.
select d.at, d.enrollment_id as no, j.journey_id, d.point_no, d.outcome::text as outcome, d.reason
from journey as j
cross join lateral (
    select x.enrollment_id
    from enrollment as x
    where x.shard = %(shard)s::smallint and x.journey_id = j.journey_id and x.profile_id = %(profile_id)s::bigint
) as n
cross join lateral (
    select x.at, x.enrollment_id, x.point_no, x.outcome, x.reason
    from departure as x
    where x.shard = %(shard)s::smallint and x.enrollment_id = n.enrollment_id
) as d
where j.workspace_id = %(workspace_id)s::integer
  and d.at >= %(from_)s::timestamptz and d.at < %(to)s::timestamptz
  and (d.at, d.enrollment_id) < (%(before_at)s::timestamptz, %(before_no)s::bigint)
order by d.at desc, d.enrollment_id desc
limit %(count)s::bigint;

-- name: changes_since
-- All changes of a person at an instant and after it, newest first: what takes them back to how they were then.
select c.at, c.change_no, c.enrollment_id, c.changes
from profile_change as c
where c.shard = %(shard)s::smallint and c.profile_id = %(profile_id)s::bigint and c.at >= %(since)s::timestamptz
order by c.at desc, c.change_no desc
limit %(count)s::bigint;

-- name: graphs_at
-- The graph of journeys that was in force at instants. Arrays in, rows out, by their places.
select input.place, j.journey_id, j.journey_uuid, j.title, v.version_no, v.graph::text as graph
from unnest(%(journey_ids)s::integer[], %(instants)s::timestamptz[]) with ordinality as input(journey_id, at, place)
join journey as j on j.journey_id = input.journey_id
cross join lateral (
    select x.version_no, x.graph
    from journey_version as x
    where x.journey_id = input.journey_id
    order by x.created_at <= input.at desc, case when x.created_at <= input.at then x.version_no else -x.version_no end desc
    limit 1
) as v;

-- name: point_names
-- The points that journeys ever had.
select p.journey_id, p.point_no, p.point_uuid::text as point_uuid, p.kind
from point as p
where p.journey_id = any(%(journey_ids)s::integer[]);

-- name: operated
-- Attributes after operations.
select apply_operations_v1(%(attributes)s::jsonb, %(operations)s::jsonb) as attributes;

-- name: goals_reached
-- Which goals an enrollment reached up to an instant, by when it happened.
select c.goal, c.at
from conversion as c
where c.shard = %(shard)s::smallint and c.enrollment_id = %(enrollment_id)s::bigint and c.at <= %(until)s::timestamptz;

-- name: stays_in
-- Where a person is in a journey now.
select s.enrollment_id, s.point_no, s.reached, s.since, s.wake_at, s.entry_key
from stay as s
where s.shard = %(shard)s::smallint and s.journey_id = %(journey_id)s::integer and s.profile_id = %(profile_id)s::bigint
order by s.enrollment_id;

-- name: enrollments_in
-- How often a person came into a journey, in all and since an instant, and when last.
select
    count(*) as n, count(*) filter (where n.entered_at > %(since)s::timestamptz) as lately, max(n.entered_at) as last_at
from enrollment as n
where n.shard = %(shard)s::smallint and n.journey_id = %(journey_id)s::integer and n.profile_id = %(profile_id)s::bigint;

-- name: last_departure_from
-- How a person left a journey the last time.
select d.at, d.point_no, d.outcome::text as outcome, d.reason
from enrollment as n
join departure as d on d.shard = %(shard)s::smallint and d.enrollment_id = n.enrollment_id
where n.shard = %(shard)s::smallint and n.journey_id = %(journey_id)s::integer and n.profile_id = %(profile_id)s::bigint
order by d.at desc, d.enrollment_id desc
limit 1;

-- name: latest_events
-- The last events of a name that a person did.
select e.event_id, e.data, e.occurred_at, e.received_at, e.app_id
from event as e
where e.shard = %(shard)s::smallint and e.profile_id = %(profile_id)s::bigint and e.name = %(name)s::text
order by e.received_at desc, e.event_id desc
limit %(count)s::bigint;

-- name: waiting_for_person
-- What was accepted about a person and waits for the next tick.
select count(*) as n
from inbox as i
where i.shard = %(shard)s::smallint and i.profile_id = %(profile_id)s::bigint;

-- name: next_run
-- When an entry runs next.
select a.wake_at
from alarm as a
where a.shard = %(shard)s::smallint and a.journey_id = %(journey_id)s::integer and a.point_no = %(point_no)s::smallint;
