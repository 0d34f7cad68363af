-- The static statements of a tick. Everything here works on one shard, inside the transaction that holds its lease.

-- name: shards_with_work
-- Shards with something in the inbox or an alarm that has come. Alarms of held journeys do not ring, and people on
-- removed points of held journeys stay where they are.
select s.shard
from shard as s
where exists (
        select from inbox as i
        where i.shard = s.shard
          and not (i.kind = 'move' and (i.data ->> 'journey_id')::integer = any(%(held)s::integer[]))
    )
   or exists (
        select from alarm as a
        where a.shard = s.shard and a.wake_at <= %(now)s::timestamptz and a.journey_id <> all(%(held)s::integer[])
    )
order by s.shard;

-- name: shards_with_transfers
-- Shards from which something is to go to other people.
select s.shard
from shard as s
where exists (select from transfer as t where t.shard = s.shard and t.due_at <= %(now)s::timestamptz)
order by s.shard;

-- name: next_alarm
-- When the next alarm rings, or a transfer that had to wait is tried again, over all shards.
select min(earliest.wake_at) as wake_at
from shard as s
cross join lateral (
    (
        select a.wake_at
        from alarm as a
        where a.shard = s.shard and a.journey_id <> all(%(held)s::integer[])
        order by a.wake_at
        limit 1
    )
    union all
    (
        select t.due_at
        from transfer as t
        where t.shard = s.shard
        order by t.due_at
        limit 1
    )
) as earliest;

-- name: take_lease
-- Take the lease of a shard; no row means that another tick has it.
select s.next_enrollment
from shard as s
where s.shard = %(shard)s::smallint
for update skip locked;

-- name: close_tick
-- Note that the shard was worked on. Whoever took its snapshot before this cannot take the lease with it any more.
update shard as s
set ticked_at = %(now)s::timestamptz, next_enrollment = %(next_enrollment)s::bigint
where s.shard = %(shard)s::smallint;

-- name: notify_senders
-- Tell the senders that messages of the shard are due.
select pg_notify('sojourn_message', %(shard)s::smallint::text);

-- name: notify_pages
-- Tell those who serve pages that people of the shard may have moved within journeys that show something.
select pg_notify('sojourn_page', %(shard)s::smallint::text);

-- name: peek_inbox
-- What the next batch of the inbox holds, by kind, event and entry. A batch is either all drops or has none, so that
-- a drop takes effect after what came before it and before what came after it.
with ahead as materialized (
    select i.inbox_id, i.kind, i.workspace_id, i.name, i.data
    from inbox as i
    where i.shard = %(shard)s::smallint and i.profile_id is not null
    order by i.inbox_id
    limit %(batch)s::bigint
),
-- Materialized: a plan made while the inbox was empty would find the bounds again for every row.
bounds as materialized (
    select
        min(a.inbox_id) filter (where a.kind = 'drop') as first_drop,
        min(a.inbox_id) filter (where a.kind <> 'drop') as first_other
    from ahead as a
)
select
    a.kind::text as kind,
    a.workspace_id,
    a.name,
    case when a.kind in ('enroll', 'entry_event') then (a.data ->> 'journey_id')::integer end as journey_id,
    case when a.kind in ('enroll', 'entry_event') then (a.data ->> 'point_no')::integer end as point_no,
    max(a.inbox_id) as last_inbox,
    count(*) as n
from ahead as a
cross join bounds as b
where case
    when b.first_drop is null or b.first_other is null then true
    when b.first_drop < b.first_other then a.inbox_id < b.first_other
    else a.inbox_id < b.first_drop
end
group by 1, 2, 3, 4, 5
order by 1, 2, 3, 4, 5;

-- name: read_shard_wide
-- What concerns everybody in the shard, oldest first.
select i.inbox_id, i.kind::text as kind, i.workspace_id, i.data, i.received_at
from inbox as i
where i.shard = %(shard)s::smallint and i.profile_id is null
order by i.inbox_id
limit 50;

-- name: delete_shard_wide
-- Take a row that has been dealt with out of the inbox.
delete from inbox as i
where i.shard = %(shard)s::smallint and i.inbox_id = %(inbox_id)s::bigint;

-- name: keep_progress
-- Note how far a selection has come; the next tick goes on behind that profile.
update inbox as i
set data = i.data || jsonb_build_object('after_profile', %(after_profile)s::bigint)
where i.shard = %(shard)s::smallint and i.inbox_id = %(inbox_id)s::bigint;

-- name: queue_transfers
-- Note what the batch of the inbox says is to go to other people.
insert into transfer (shard, profile_id, hwid, workspace_id, into_shard, into_profile, due_at)
select distinct on (i.profile_id, hwid)
    %(shard)s::smallint, i.profile_id, coalesce(i.data ->> 'hwid', '') as hwid, i.workspace_id,
    (i.data ->> 'into_shard')::smallint, (i.data ->> 'into_profile')::bigint, %(now)s::timestamptz
from inbox as i
where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'transfer'
order by i.profile_id, hwid, i.inbox_id desc
on conflict (shard, profile_id, hwid) do update set
    into_shard = excluded.into_shard,
    into_profile = excluded.into_profile,
    due_at = excluded.due_at;

-- name: delete_batch
-- Take the batch out of the inbox.
delete from inbox as i
where i.shard = %(shard)s::smallint and i.profile_id is not null and i.inbox_id <= %(last_inbox)s::bigint;

-- name: apply_profiles
-- Create the people that the batch is the first to speak of, apply what it says about people, and keep which attributes
-- it changed.
with said as materialized (
    select i.inbox_id, i.profile_id, i.workspace_id, i.app_id, i.received_at, i.kind,
        case when i.kind in ('attributes', 'device') then i.data end as facts
    from inbox as i
    where i.shard = %(shard)s::smallint and i.profile_id is not null and i.inbox_id <= %(last_inbox)s::bigint
),
person as materialized (
    select
        s.profile_id,
        s.workspace_id,
        min(s.received_at) as first_at,
        array_agg(distinct s.app_id) filter (where s.app_id is not null) as app_ids,
        jsonb_path_query_array(
            jsonb_agg(s.facts -> 'operations' order by s.inbox_id)
                filter (where s.kind = 'attributes' and jsonb_typeof(s.facts -> 'operations') = 'array'),
            '$[*][*]'
        ) as operations,
        jsonb_agg(s.facts -> 'location' order by s.inbox_id)
            filter (where s.kind = 'attributes' and jsonb_typeof(s.facts -> 'location') = 'object') as places,
        (array_agg(s.facts ->> 'user_id' order by s.inbox_id desc) filter (where s.facts ->> 'user_id' is not null))[1] as user_id,
        (array_agg(s.facts ->> 'time_zone' order by s.inbox_id desc) filter (where s.facts ->> 'time_zone' is not null))[1] as time_zone,
        (array_agg(s.facts ->> 'language' order by s.inbox_id desc) filter (where s.facts ->> 'language' is not null))[1] as language
    from said as s
    group by s.profile_id, s.workspace_id
),
-- Who becomes another than they were, as they were and as they become: looked up once, for the profile and its history.
turned as materialized (
    select
        t.profile_id, t.workspace_id, t.first_at, t.operations, p.attributes as before,
        coalesce(t.user_id, p.user_id) as user_id,
        case
            when t.operations is null then coalesce(p.attributes, '{}'::jsonb)
            else apply_operations_v1(coalesce(p.attributes, '{}'::jsonb), t.operations)
        end as attributes,
        coalesce(t.time_zone, p.time_zone) as time_zone,
        coalesce(t.language, p.language) as language,
        case
            when t.app_ids is null or p.app_ids @> t.app_ids then coalesce(p.app_ids, '{}'::integer[])
            else array(select distinct unnest(coalesce(p.app_ids, '{}'::integer[]) || t.app_ids) order by 1)
        end as app_ids,
        case when t.places is null then p.location else merge_v1(p.location, t.places) end as location
    from person as t
    left join lateral (
        select x.profile_id, x.user_id, x.attributes, x.time_zone, x.language, x.app_ids, x.location
        from profile as x
        where x.shard = %(shard)s::smallint and x.profile_id = t.profile_id
        offset 0
    ) as p on true
    where p.profile_id is null
       or t.operations is not null
       or (t.places is not null and merge_v1(p.location, t.places) is distinct from p.location)
       or t.user_id is distinct from coalesce(p.user_id, t.user_id)
       or (t.user_id is not null and p.user_id is null)
       or (t.time_zone is not null and t.time_zone is distinct from p.time_zone)
       or (t.language is not null and t.language is distinct from p.language)
       or not p.app_ids @> coalesce(t.app_ids, '{}'::integer[])
),
applied as (
    insert into profile (
        shard, profile_id, workspace_id, user_id, attributes, time_zone, language, app_ids, location, created_at, updated_at
    )
    select
        %(shard)s::smallint, t.profile_id, t.workspace_id, t.user_id, t.attributes, t.time_zone, t.language, t.app_ids,
        t.location, t.first_at, %(now)s::timestamptz
    from turned as t
    on conflict (shard, profile_id) do update set
        user_id = excluded.user_id,
        attributes = excluded.attributes,
        time_zone = excluded.time_zone,
        language = excluded.language,
        app_ids = excluded.app_ids,
        location = excluded.location,
        updated_at = excluded.updated_at
)
insert into profile_change (shard, profile_id, at, changes)
select %(shard)s::smallint, c.profile_id, %(now)s::timestamptz, c.changes
from (
    select t.profile_id, d.changes
    from turned as t
    -- Only what the operations speak of can have changed.
    cross join lateral (
        select jsonb_object_agg(
            o.tag, jsonb_build_object('from', t.before -> o.tag, 'to', t.attributes -> o.tag)
        ) as changes
        from (select x.value ->> 'tag' as tag from jsonb_array_elements(t.operations) as x(value)) as o
        where coalesce(t.before -> o.tag, 'null'::jsonb) <> coalesce(t.attributes -> o.tag, 'null'::jsonb)
    ) as d
    where t.before is distinct from t.attributes
    offset 0
) as c
where c.changes is not null;

-- name: apply_devices
-- Add, change and remove devices and addresses; of several words about one device the last counts.
with word as materialized (
    select distinct on (i.profile_id, i.app_id, i.data ->> 'hwid')
        i.profile_id, i.app_id, i.data ->> 'hwid' as hwid, i.data, i.received_at,
        coalesce((i.data ->> 'gone')::boolean, false) as gone
    from inbox as i
    where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'device'
    order by i.profile_id, i.app_id, i.data ->> 'hwid', i.inbox_id desc
),
removed as (
    delete from device as d
    where d.shard = %(shard)s::smallint and d.ctid = any(array(
        select x.place
        from word as w
        cross join lateral (
            select y.ctid as place
            from device as y
            where y.shard = %(shard)s::smallint and y.profile_id = w.profile_id and y.hwid = w.hwid
              and (y.app_id = w.app_id or w.app_id is null)
            offset 0
        ) as x
        where w.gone
    ))
    returning d.hwid
)
insert into device (
    shard, profile_id, app_id, hwid, channel, platform, push_token, language, is_subscribed, details, created_at,
    updated_at
)
select
    %(shard)s::smallint, w.profile_id, w.app_id, w.hwid, (w.data ->> 'channel')::channel, w.data ->> 'platform',
    nullif(w.data ->> 'push_token', ''), w.data ->> 'language', coalesce((w.data ->> 'is_subscribed')::boolean, true),
    coalesce(w.data -> 'details', '{}'::jsonb), w.received_at, %(now)s::timestamptz
from word as w
where not w.gone and w.app_id is not null
on conflict (shard, profile_id, app_id, hwid) do update set
    channel = excluded.channel,
    platform = excluded.platform,
    -- A device that was unregistered has lost its token; one of which nothing was said keeps it.
    push_token = case when excluded.is_subscribed then coalesce(excluded.push_token, device.push_token) else excluded.push_token end,
    language = coalesce(excluded.language, device.language),
    is_subscribed = excluded.is_subscribed,
    details = device.details || excluded.details,
    updated_at = excluded.updated_at;

-- name: note_openings
-- Note when apps were last opened on devices: the event `application_open` names its device in `hwid`. A device that
-- nobody registered stays unknown.
with opening as materialized (
    select i.profile_id, i.app_id, i.data ->> 'hwid' as hwid, max(i.occurred_at) as opened_at
    from inbox as i
    where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'event'
      and i.name = 'application_open' and i.app_id is not null and i.data ->> 'hwid' is not null
    group by i.profile_id, i.app_id, i.data ->> 'hwid'
)
insert into device (shard, profile_id, app_id, hwid, channel, platform, opened_at, created_at, updated_at)
select
    %(shard)s::smallint, o.profile_id, o.app_id, o.hwid, x.channel, x.platform, o.opened_at, %(now)s::timestamptz,
    %(now)s::timestamptz
from opening as o
cross join lateral (
    select y.channel, y.platform
    from device as y
    where y.shard = %(shard)s::smallint and y.profile_id = o.profile_id and y.app_id = o.app_id and y.hwid = o.hwid
    offset 0
) as x
on conflict (shard, profile_id, app_id, hwid) do update set
    opened_at = greatest(device.opened_at, excluded.opened_at);

-- name: apply_lists
-- Put people on fixed lists and take them off; of several words about one list the last counts.
with word as materialized (
    select distinct on (i.profile_id, i.data ->> 'segment_id')
        i.profile_id, (i.data ->> 'segment_id')::integer as segment_id, (i.data ->> 'gone')::boolean as gone
    from inbox as i
    where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'list'
    order by i.profile_id, i.data ->> 'segment_id', i.inbox_id desc
),
removed as (
    delete from static_member as m
    where m.shard = %(shard)s::smallint and m.ctid = any(array(
        select x.place
        from word as w
        cross join lateral (
            select y.ctid as place
            from static_member as y
            where y.shard = %(shard)s::smallint and y.segment_id = w.segment_id and y.profile_id = w.profile_id
            offset 0
        ) as x
        where w.gone
    ))
)
insert into static_member (shard, profile_id, segment_id, added_at)
select %(shard)s::smallint, w.profile_id, w.segment_id, %(now)s::timestamptz
from word as w
join segment as s on s.segment_id = w.segment_id -- the list may have been deleted meanwhile
where not w.gone
on conflict (shard, segment_id, profile_id) do nothing;

-- name: record_events
-- Move the events of the batch to history, each once, in their order.
with arrived as materialized (
    select i.inbox_id, i.profile_id, i.workspace_id, i.app_id, i.name, i.data, i.source_id, i.hwid, i.occurred_at, i.received_at
    from inbox as i
    where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'event'
),
named as materialized (
    select distinct on (a.workspace_id, a.source_id) a.inbox_id, a.workspace_id, a.source_id, a.received_at
    from arrived as a
    where a.source_id is not null
    order by a.workspace_id, a.source_id, a.inbox_id
),
unseen as (
    insert into event_source (shard, workspace_id, source_id, received_at)
    select %(shard)s::smallint, n.workspace_id, n.source_id, n.received_at
    from named as n
    on conflict (shard, workspace_id, source_id) do nothing
    returning workspace_id, source_id
),
recorded as (
    insert into event (shard, profile_id, workspace_id, app_id, name, data, source_id, hwid, occurred_at, received_at)
    select
        %(shard)s::smallint, a.profile_id, a.workspace_id, a.app_id, a.name, a.data, a.source_id, a.hwid,
        least(a.occurred_at, a.received_at),
        a.received_at
    from arrived as a
    where a.source_id is null
       or (
            a.inbox_id in (select n.inbox_id from named as n)
            and (a.workspace_id, a.source_id) in (select u.workspace_id, u.source_id from unseen as u)
        )
    order by a.inbox_id
    returning event_id, received_at
)
select min(r.event_id) as first_event, max(r.event_id) as last_event, min(r.received_at) as first_received, count(*) as n
from recorded as r;

-- name: apply_outcomes
-- Let the people go on whose webhook has been answered, or whose content was reported on; what was saved of the answer
-- joins what they came with. Of several answers the first counts that is about where they are, and about this visit of
-- it if it says which: a late one about where they were before stands in nobody's way. One that was sent on because its
-- person was merged names an enrollment by the number of another shard, so the person has to be the same, too.
with answer as materialized (
    select
        i.inbox_id,
        i.profile_id,
        (i.data ->> 'enrollment_id')::bigint as enrollment_id,
        (i.data ->> 'journey_id')::integer as journey_id,
        (i.data ->> 'point_no')::smallint as point_no,
        (i.data ->> 'output')::smallint as output,
        (i.data ->> 'since')::timestamptz as since,
        coalesce(i.data -> 'entry', '{}'::jsonb) as entry,
        i.received_at
    from inbox as i
    where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'outcome'
),
waiting as materialized (
    select distinct on (a.enrollment_id)
        s.place, s.enrollment_id, s.journey_id, s.profile_id, s.point_no, a.output, s.after_event, s.entry_key, a.received_at,
        coalesce(s.context, n.context, '{}'::jsonb) as context, a.entry
    from answer as a
    cross join lateral (
        select x.ctid as place, x.enrollment_id, x.journey_id, x.profile_id, x.point_no, x.after_event, x.entry_key, x.context
        from stay as x
        where x.shard = %(shard)s::smallint and x.enrollment_id = a.enrollment_id
          and x.profile_id = a.profile_id and x.journey_id = a.journey_id and x.point_no = a.point_no
          and x.reached is null and (a.since is null or x.since = a.since)
        offset 0
    ) as s
    left join lateral (
        select x.context
        from enrollment as x
        where x.shard = %(shard)s::smallint and x.enrollment_id = a.enrollment_id
        offset 0
    ) as n on true
    order by a.enrollment_id, a.inbox_id
),
gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select w.place from waiting as w))
    returning s.ctid
),
placed as (
    insert into stay (
        shard, enrollment_id, journey_id, profile_id, point_no, reached, since, wake_at, after_event, entry_key, context
    )
    select
        %(shard)s::smallint, w.enrollment_id, w.journey_id, w.profile_id, w.point_no, w.output, w.received_at,
        %(now)s::timestamptz, w.after_event, w.entry_key,
        w.context || jsonb_build_object('entry', coalesce(w.context -> 'entry', '{}'::jsonb) || w.entry)
    from waiting as w
    where (select count(*) from gone) > 0
    returning journey_id, point_no, wake_at
)
insert into alarm (shard, journey_id, point_no, wake_at)
select %(shard)s::smallint, p.journey_id, p.point_no, min(p.wake_at)
from placed as p
group by p.journey_id, p.point_no
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
where excluded.wake_at < alarm.wake_at;

-- name: drop_people
-- End the enrollments of the people whom the batch drops, and cancel what was about to be sent to them.
with named as materialized (
    select distinct on (i.profile_id, i.data)
        i.profile_id,
        coalesce(i.data ->> 'reason', 'dropped by API') as reason,
        case
            when jsonb_typeof(i.data -> 'journey_ids') = 'array'
                then array(select element.value::integer from jsonb_array_elements_text(i.data -> 'journey_ids') as element(value))
            else array(select j.journey_id from journey as j where j.workspace_id = i.workspace_id)
        end as journey_ids,
        (i.data ->> 'enrollment_id')::bigint as enrollment_id
    from inbox as i
    where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'drop'
),
leaving as materialized (
    select distinct on (s.enrollment_id) s.place, s.enrollment_id, s.journey_id, s.point_no, n.reason
    from named as n
    cross join lateral (
        select x.ctid as place, x.enrollment_id, x.journey_id, x.point_no
        from stay as x
        where x.shard = %(shard)s::smallint and x.journey_id = any(n.journey_ids) and x.profile_id = n.profile_id
          and (n.enrollment_id is null or x.enrollment_id = n.enrollment_id)
        offset 0
    ) as s
    order by s.enrollment_id
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

-- name: end_stays
-- End stays of a journey in the shard, up to a number of them: all, those on the points given, or those overdue.
with leaving as materialized (
    select s.ctid as place, s.enrollment_id, s.point_no
    from stay as s
    where s.shard = %(shard)s::smallint and s.journey_id = %(journey_id)s::integer
      and s.point_no between %(first_point)s::smallint and %(last_point)s::smallint
      and s.wake_at <= %(until)s::timestamptz
      and (%(timed)s::smallint[] is null or s.reached is null or s.point_no = any(%(timed)s::smallint[]))
    limit %(batch)s::bigint
),
gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select l.place from leaving as l))
    returning s.enrollment_id
),
cancelled as (
    update message as m
    set status = 'cancelled', done_at = %(now)s::timestamptz, detail = %(reason)s::text
    where m.shard = %(shard)s::smallint and m.status = 'queued'
      and m.enrollment_id = any(array(select l.enrollment_id from leaving as l))
    returning m.message_id
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select
        %(shard)s::smallint, l.enrollment_id, %(journey_id)s::integer, l.point_no, %(outcome)s::departure_outcome,
        %(reason)s::text, %(now)s::timestamptz
    from leaving as l
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select
        %(shard)s::smallint, %(journey_id)s::integer, l.point_no,
        %(outcome)s::text, case when %(outcome)s::text = 'dropped' then %(reason)s::text else '' end,
        %(hour)s::timestamptz, count(*)
    from leaving as l
    group by l.point_no
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select count(*) as n
from leaving as l;

-- name: abandon_overdue
-- End the enrollments of a journey whose deadline has come before its goal was reached, up to a number of them. The
-- deadlines of the others, and of those who have left, go with them. Gives how many deadlines had come.
with due as materialized (
    select d.ctid as place, d.enrollment_id
    from deadline as d
    where d.shard = %(shard)s::smallint and d.journey_id = %(journey_id)s::integer and d.due_at <= %(now)s::timestamptz
    order by d.due_at
    limit %(batch)s::bigint
),
forgotten as (
    delete from deadline as d
    where d.shard = %(shard)s::smallint and d.ctid = any(array(select u.place from due as u))
),
leaving as materialized (
    select s.place, s.enrollment_id, s.point_no
    from due as u
    cross join lateral (
        select x.ctid as place, x.enrollment_id, x.point_no
        from stay as x
        where x.shard = %(shard)s::smallint
          and x.enrollment_id = u.enrollment_id
          and not exists (
            select
            from conversion as c
            where c.shard = %(shard)s::smallint and c.enrollment_id = u.enrollment_id and c.goal = %(goal)s::text
            offset 0
          )
        offset 0
    ) as s
),
gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint and s.ctid = any(array(select l.place from leaving as l))
),
cancelled as (
    update message as m
    set status = 'cancelled', done_at = %(now)s::timestamptz, detail = 'deadline passed'
    where m.shard = %(shard)s::smallint and m.status = 'queued'
      and m.enrollment_id = any(array(select l.enrollment_id from leaving as l))
),
departed as (
    insert into departure (shard, enrollment_id, journey_id, point_no, outcome, reason, at)
    select
        %(shard)s::smallint, l.enrollment_id, %(journey_id)s::integer, l.point_no, 'abandoned', 'deadline passed',
        %(now)s::timestamptz
    from leaving as l
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select
        %(shard)s::smallint, %(journey_id)s::integer, l.point_no, 'abandoned', '', %(hour)s::timestamptz, count(*)
    from leaving as l
    group by l.point_no
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
select count(*) as n
from due as u;

-- name: next_deadline
-- When the next deadline of a journey comes.
select d.due_at
from deadline as d
where d.shard = %(shard)s::smallint and d.journey_id = %(journey_id)s::integer
order by d.due_at
limit 1;

-- name: shift_deadlines
-- Give everybody in a journey the time back until their deadline during which it was held.
update deadline as d
set due_at = d.due_at + %(held)s::interval
where d.shard = %(shard)s::smallint and d.journey_id = %(journey_id)s::integer;

-- name: clear_journey_deadlines
-- Nobody is in a journey that has ended.
delete from deadline as d
where d.shard = %(shard)s::smallint and d.journey_id = %(journey_id)s::integer;

-- name: clear_journey_alarms
-- A journey that has ended wakes nobody.
delete from alarm as a
where a.shard = %(shard)s::smallint and a.journey_id = %(journey_id)s::integer;

-- name: clear_journey_cursors
-- A journey that has ended admits nobody.
delete from entry_cursor as c
where c.shard = %(shard)s::smallint and c.journey_id = %(journey_id)s::integer;

-- name: cancel_queued
-- Cancel what people who left already were still to be sent, when their journey ends.
update message as m
set status = 'cancelled', done_at = %(now)s::timestamptz, detail = %(reason)s::text
where m.shard = %(shard)s::smallint and m.status = 'queued' and m.journey_id = %(journey_id)s::integer;

-- name: release_messages
-- Put messages that were held back while their journey was held into the queue again, up to a number of them.
with held as materialized (
    select m.ctid as place
    from message as m
    where m.shard = %(shard)s::smallint and m.journey_id = %(journey_id)s::integer and m.status = 'queued' and m.is_held
    limit %(batch)s::bigint
)
update message as m
set is_held = false
where m.shard = %(shard)s::smallint and m.ctid = any(array(select h.place from held as h));

-- name: shift_stays
-- Give everybody in a journey the time back during which it was held.
update stay as s
set wake_at = s.wake_at + %(held)s::interval
where s.shard = %(shard)s::smallint and s.journey_id = %(journey_id)s::integer
  and (s.reached is null or s.point_no = any(%(timed)s::smallint[]));

-- name: spread_overdue
-- Let the people whose time passed while their journey was held go on over the hour that follows.
update stay as s
set wake_at = %(now)s::timestamptz + make_interval(secs => mod(s.enrollment_id, 3600)::double precision)
where s.shard = %(shard)s::smallint and s.journey_id = %(journey_id)s::integer
  and (s.reached is null or s.point_no = any(%(timed)s::smallint[]))
  and s.wake_at <= %(now)s::timestamptz;

-- name: due_alarms
-- The points where somebody is due, earliest first.
select a.journey_id, a.point_no, a.wake_at
from alarm as a
where a.shard = %(shard)s::smallint and a.wake_at <= %(now)s::timestamptz and a.journey_id <> all(%(held)s::integer[])
order by a.wake_at, a.journey_id, a.point_no
limit %(points)s::bigint;

-- name: reset_alarms
-- Set the alarms of the points given to the earliest wake_at there; without anybody there is no alarm.
with place as materialized (
    select p.journey_id, p.point_no, first.wake_at
    from unnest(%(journey_ids)s::integer[], %(point_nos)s::smallint[]) as p(journey_id, point_no)
    left join lateral (
        select s.wake_at
        from stay as s
        where s.shard = %(shard)s::smallint and s.journey_id = p.journey_id and s.point_no = p.point_no
        order by s.wake_at
        limit 1
    ) as first on true
),
silenced as (
    delete from alarm as a
    using place as p
    where a.shard = %(shard)s::smallint and a.journey_id = p.journey_id and a.point_no = p.point_no and p.wake_at is null
)
insert into alarm (shard, journey_id, point_no, wake_at)
select %(shard)s::smallint, p.journey_id, p.point_no, p.wake_at
from place as p
where p.wake_at is not null
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at;

-- name: set_alarm
-- Set the alarm of a scheduled entry.
insert into alarm (shard, journey_id, point_no, wake_at)
values (%(shard)s::smallint, %(journey_id)s::integer, %(point_no)s::smallint, %(wake_at)s::timestamptz)
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at;

-- name: clear_alarm
-- Silence the alarm of a scheduled entry that will not run again.
delete from alarm as a
where a.shard = %(shard)s::smallint and a.journey_id = %(journey_id)s::integer and a.point_no = %(point_no)s::smallint;

-- name: journey_points
-- The points of a journey where people are, with the earliest wake_at.
select s.point_no, min(s.wake_at) as wake_at
from stay as s
where s.shard = %(shard)s::smallint and s.journey_id = %(journey_id)s::integer
group by s.point_no;

-- name: read_cursor
-- How far a scheduled entry has come.
select c.done_until, c.working_until, c.after_profile
from entry_cursor as c
where c.shard = %(shard)s::smallint and c.journey_id = %(journey_id)s::integer and c.point_no = %(point_no)s::smallint;

-- name: write_cursor
-- Note how far a scheduled entry has come.
insert into entry_cursor (shard, journey_id, point_no, done_until, working_until, after_profile)
values (
    %(shard)s::smallint, %(journey_id)s::integer, %(point_no)s::smallint, %(done_until)s::timestamptz,
    %(working_until)s::timestamptz, %(after_profile)s::bigint
)
on conflict (shard, journey_id, point_no) do update set
    done_until = excluded.done_until,
    working_until = excluded.working_until,
    after_profile = excluded.after_profile;

-- name: read_changes
-- Whose data the batch changes, before it is applied: by attribute, by event, and by the other aspects asked for.
with said as materialized (
    select i.profile_id, i.workspace_id, i.app_id, i.kind, i.name, i.data
    from inbox as i
    where i.shard = %(shard)s::smallint and i.profile_id is not null and i.inbox_id <= %(last_inbox)s::bigint
),
person as materialized (
    select t.profile_id, t.workspace_id, t.app_ids, p.profile_id is null as is_new, coalesce(p.app_ids, '{}'::integer[]) as known_ids
    from (
        select s.profile_id, s.workspace_id, array_agg(distinct s.app_id) filter (where s.app_id is not null) as app_ids
        from said as s
        group by s.profile_id, s.workspace_id
    ) as t
    left join lateral (
        select x.profile_id, x.app_ids
        from profile as x
        where x.shard = %(shard)s::smallint and x.profile_id = t.profile_id
        offset 0
    ) as p on true
),
-- `jsonb_path_query` gives nothing where the operations are no list.
operated as (
    select s.workspace_id, s.profile_id, o.value ->> 'tag' as tag
    from said as s
    cross join lateral jsonb_path_query(s.data, '$.operations[*]') as o(value)
    where s.kind = 'attributes'
)
select o.workspace_id, 'tag' as aspect, o.tag as name, array_agg(distinct o.profile_id) as people
from operated as o
where o.tag = any(%(tags)s::text[])
group by o.workspace_id, o.tag
union all
select s.workspace_id, 'event', s.name, array_agg(distinct s.profile_id)
from said as s
where s.kind = 'event' and s.name = any(%(events)s::text[])
group by s.workspace_id, s.name
union all
select s.workspace_id, 'device', '', array_agg(distinct s.profile_id)
from said as s
where s.kind = 'device' and 'device' = any(%(aspects)s::text[])
group by s.workspace_id
union all
select s.workspace_id, 'fact', '', array_agg(distinct s.profile_id)
from said as s
where s.kind in ('attributes', 'device') and 'fact' = any(%(aspects)s::text[])
group by s.workspace_id
union all
select s.workspace_id, 'list', '', array_agg(distinct s.profile_id)
from said as s
where s.kind = 'list' and 'list' = any(%(aspects)s::text[])
group by s.workspace_id
union all
select p.workspace_id, 'app', '', array_agg(distinct p.profile_id)
from person as p
where not p.known_ids @> coalesce(p.app_ids, '{}'::integer[]) and 'app' = any(%(aspects)s::text[])
group by p.workspace_id
union all
select p.workspace_id, 'new', '', array_agg(distinct p.profile_id)
from person as p
where p.is_new and 'new' = any(%(aspects)s::text[])
group by p.workspace_id
union all
select p.workspace_id, 'any', '', array_agg(distinct p.profile_id)
from person as p
where 'any' = any(%(aspects)s::text[])
group by p.workspace_id;

-- name: mark_members
-- Have people looked at again now, in several audiences.
with marked as (
    insert into audience_member (shard, journey_id, point_no, profile_id, is_member, check_at)
    select %(shard)s::smallint, a.journey_id, a.point_no, p.profile_id, false, %(now)s::timestamptz
    from unnest(%(journey_ids)s::integer[], %(point_nos)s::smallint[]) as a(journey_id, point_no)
    cross join unnest(%(people)s::bigint[]) as p(profile_id)
    on conflict (shard, journey_id, point_no, profile_id) do update set
        check_at = least(audience_member.check_at, excluded.check_at)
)
insert into alarm (shard, journey_id, point_no, wake_at)
select %(shard)s::smallint, a.journey_id, a.point_no, %(now)s::timestamptz
from unnest(%(journey_ids)s::integer[], %(point_nos)s::smallint[]) as a(journey_id, point_no)
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at
where excluded.wake_at < alarm.wake_at;

-- name: read_audience
-- How far a live audience has come.
select a.watch, a.begins_at, a.after_profile, a.enrolls
from audience as a
where a.shard = %(shard)s::smallint and a.journey_id = %(journey_id)s::integer and a.point_no = %(point_no)s::smallint;

-- name: write_audience
-- Note how far a live audience has come.
insert into audience (shard, journey_id, point_no, watch, begins_at, after_profile, enrolls)
values (
    %(shard)s::smallint, %(journey_id)s::integer, %(point_no)s::smallint, %(watch)s::text, %(begins_at)s::timestamptz,
    %(after_profile)s::bigint, %(enrolls)s::boolean
)
on conflict (shard, journey_id, point_no) do update set
    watch = excluded.watch,
    begins_at = excluded.begins_at,
    after_profile = excluded.after_profile,
    enrolls = excluded.enrolls;

-- name: reset_audience_alarm
-- Wake a live audience when somebody is to be looked at next; without anybody there is no alarm.
with place as materialized (
    select case when a.after_profile is null then first.check_at else greatest(a.begins_at, %(now)s::timestamptz) end as wake_at
    from audience as a
    left join lateral (
        select m.check_at
        from audience_member as m
        where m.shard = %(shard)s::smallint and m.journey_id = %(journey_id)s::integer
          and m.point_no = %(point_no)s::smallint and m.check_at is not null
        order by m.check_at
        limit 1
    ) as first on true
    where a.shard = %(shard)s::smallint and a.journey_id = %(journey_id)s::integer and a.point_no = %(point_no)s::smallint
),
silenced as (
    delete from alarm as a
    where a.shard = %(shard)s::smallint and a.journey_id = %(journey_id)s::integer and a.point_no = %(point_no)s::smallint
      and (select p.wake_at from place as p) is null
)
insert into alarm (shard, journey_id, point_no, wake_at)
select %(shard)s::smallint, %(journey_id)s::integer, %(point_no)s::smallint, p.wake_at
from place as p
where p.wake_at is not null
on conflict (shard, journey_id, point_no) do update set wake_at = excluded.wake_at;

-- name: watched_points
-- The entries of a journey that have a live audience, by what it was found.
select a.point_no, a.watch
from audience as a
where a.shard = %(shard)s::smallint and a.journey_id = %(journey_id)s::integer;

-- name: forget_members
-- Forget who matched the entries of a journey between two points, up to a number of them.
with gone as (
    delete from audience_member as m
    where m.shard = %(shard)s::smallint and m.ctid = any(array(
        select x.ctid
        from audience_member as x
        where x.shard = %(shard)s::smallint and x.journey_id = %(journey_id)s::integer
          and x.point_no between %(first_point)s::smallint and %(last_point)s::smallint
        limit %(batch)s::bigint
    ))
    returning m.profile_id
)
select count(*) as n
from gone as g;

-- name: forget_audience
-- Watch the entries of a journey between two points no longer.
with silenced as (
    delete from alarm as a
    using audience as w
    where a.shard = %(shard)s::smallint and a.journey_id = w.journey_id and a.point_no = w.point_no
      and w.shard = %(shard)s::smallint and w.journey_id = %(journey_id)s::integer
      and w.point_no between %(first_point)s::smallint and %(last_point)s::smallint
)
delete from audience as w
where w.shard = %(shard)s::smallint and w.journey_id = %(journey_id)s::integer
  and w.point_no between %(first_point)s::smallint and %(last_point)s::smallint;

-- name: known_zones
-- The time zones of a workspace's people in the shard, found by skipping through the index.
with recursive zone(name) as (
    (
        select p.time_zone
        from profile as p
        where p.shard = %(shard)s::smallint and p.workspace_id = %(workspace_id)s::integer and p.time_zone is not null
        order by p.time_zone
        limit 1
    )
    union all
    select (
        select p.time_zone
        from profile as p
        where p.shard = %(shard)s::smallint and p.workspace_id = %(workspace_id)s::integer and p.time_zone > z.name
        order by p.time_zone
        limit 1
    )
    from zone as z
    where z.name is not null
)
select z.name
from zone as z
where z.name is not null;

-- name: refuse_enrolls
-- Answer the requests of the batch for an entry that admits nobody now.
insert into request_tally (shard, request_uuid, outcome, n)
select %(shard)s::smallint, (i.data ->> 'request_uuid')::uuid, %(refusal)s::text, count(*)
from inbox as i
where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'enroll'
  and (i.data ->> 'journey_id')::integer = %(journey_id)s::integer
  and (i.data ->> 'point_no')::integer = %(point_no)s::integer
group by i.data ->> 'request_uuid'
on conflict (shard, request_uuid, outcome) do update set n = request_tally.n + excluded.n;

-- name: refuse_selection
-- Note why a request met nobody in this shard: its filter was not evaluated, so the reason stands with nobody.
insert into request_tally (shard, request_uuid, outcome, n)
values (%(shard)s::smallint, %(request_uuid)s::uuid, %(refusal)s::text, 0)
on conflict (shard, request_uuid, outcome) do nothing;

-- name: count_repeated_enrolls
-- Answer the repetitions of one person in the requests of the batch for an entry; only the first of them arrives, those
-- of operators before those of pages.
with asked as materialized (
    select
        (i.data ->> 'request_uuid')::uuid as request_uuid,
        row_number() over (partition by i.profile_id order by i.data ? 'by_page', i.inbox_id) as turn
    from inbox as i
    where i.shard = %(shard)s::smallint and i.inbox_id <= %(last_inbox)s::bigint and i.kind = 'enroll'
      and (i.data ->> 'journey_id')::integer = %(journey_id)s::integer
      and (i.data ->> 'point_no')::integer = %(point_no)s::integer
)
insert into request_tally (shard, request_uuid, outcome, n)
select %(shard)s::smallint, a.request_uuid, 'named twice', count(*)
from asked as a
where a.turn > 1
group by a.request_uuid
on conflict (shard, request_uuid, outcome) do update set n = request_tally.n + excluded.n;

-- name: read_epoch
-- The number of the last change of a definition.
select i.epoch
from installation as i;

-- name: read_changed_journeys
-- The journeys whose definition or status changed after an epoch, with the graph that counts now.
select
    j.journey_id, j.journey_uuid::text as journey_uuid, j.workspace_id, j.status::text as status, j.advances, j.version_no,
    j.started_at, v.graph::text as graph,
    (select jsonb_object_agg(p.point_uuid::text, p.point_no)::text from point as p where p.journey_id = j.journey_id) as numbers,
    (
        select jsonb_object_agg(w.point_no, w.output)::text
        from splitter_winner as w
        where w.journey_id = j.journey_id
    ) as winners
from journey as j
join journey_version as v on v.journey_id = j.journey_id and v.version_no = j.version_no
where j.changed_epoch > %(epoch)s::bigint;

-- name: read_listeners
-- Which points react to which event.
select l.journey_id, l.point_no, l.workspace_id, l.event_name, l.reaction
from listener as l;

-- name: read_scopes
-- What segments may refer to, by workspace.
select
    w.workspace_id,
    (select jsonb_object_agg(a.application_code, a.app_id)::text from app as a where a.workspace_id = w.workspace_id) as app_ids,
    (select jsonb_object_agg(s.code, s.expression)::text from segment as s where s.workspace_id = w.workspace_id) as segments,
    (select jsonb_object_agg(s.code, s.segment_id)::text from segment as s where s.workspace_id = w.workspace_id and s.is_list) as lists
from workspace as w;

-- name: read_shards
-- All shards.
select s.shard
from shard as s
order by s.shard;
