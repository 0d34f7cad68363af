-- What the sender asks of the database. A lane is a priority and a channel; each lane has its own claims, so that a
-- blast on one delays nothing on another.

-- name: look_for_messages
-- When each lane of a shard has its next message, and which journey it is of if that is held. The row without a lane is
-- the end of the first lease to end.
select lane.priority, lane.channel::text as channel, head.due_at as at, head.held_journey
from unnest(%(priorities)s::smallint[], %(channels)s::channel[]) as lane (priority, channel)
cross join lateral (
    select
        m.due_at,
        (
            select j.journey_id
            from journey as j
            where j.journey_id = m.journey_id and j.status in ('draft', 'paused') and not j.advances
        ) as held_journey
    from message as m
    where m.shard = %(shard)s
      and m.status = 'queued'
      and not m.is_held
      and m.priority = lane.priority
      and m.channel = lane.channel
    order by m.due_at, m.message_id
    limit 1
) as head
union all
select null, null, lease.claimed_until, null
from (
    select min(m.claimed_until) as claimed_until
    from message as m
    where m.shard = %(shard)s and m.status = 'sending'
) as lease
where lease.claimed_until is not null;

-- name: claim_messages
-- Lease the due messages of a lane, with all that is needed to send them, but none of a held journey. `attempts` is the
-- number of this attempt; it also tells this claim from later ones of the same message. Of a person's addresses in the journey's app the
-- subscribed one that changed last is taken, and an unsubscribed one only where there is no other. The messages go
-- through an array, because a generic plan does not know the limit and might scan the whole table for a join.
with due as materialized (
    select m.message_id
    from message as m
    where m.shard = %(shard)s
      and m.status = 'queued'
      and not m.is_held
      and m.priority = %(priority)s
      and m.channel = %(channel)s::channel
      and m.due_at <= %(now)s
      and (
        select j.advances or j.status not in ('draft', 'paused')
        from journey as j
        where j.journey_id = m.journey_id
      )
    order by m.due_at, m.message_id
    limit %(batch)s
    for update skip locked
),
claimed as (
    update message as m
    set status = 'sending',
        claimed_until = %(claimed_until)s,
        attempts = m.attempts + 1
    where m.shard = %(shard)s and m.message_id = any(array(select due.message_id from due))
    returning m.message_id, m.enrollment_id, m.profile_id, m.journey_id, m.version_no, m.point_no, m.channel,
        m.attempts, m.due_at, m.created_at, m.context, m.origin_shard, m.origin_id
)
select %(shard)s::smallint as shard,
    c.message_id,
    coalesce(c.origin_shard, %(shard)s::smallint) as origin_shard,
    coalesce(c.origin_id, c.message_id) as origin_id,
    c.enrollment_id,
    c.profile_id,
    c.journey_id,
    c.version_no,
    c.point_no,
    %(priority)s::smallint as priority,
    c.attempts as attempt,
    c.created_at,
    coalesce(c.context, e.context) as context,
    p.attributes,
    p.user_id,
    p.time_zone,
    p.language,
    d.hwid as address,
    coalesce(d.is_subscribed, false) as is_subscribed
from claimed as c
join journey as j on j.journey_id = c.journey_id
left join profile as p on p.shard = %(shard)s and p.profile_id = c.profile_id
left join enrollment as e on e.shard = %(shard)s and e.enrollment_id = c.enrollment_id
left join lateral (
    select device.hwid, device.is_subscribed
    from device
    where device.shard = %(shard)s
      and device.profile_id = c.profile_id
      and device.app_id = j.app_id
      and device.channel = c.channel
    order by device.is_subscribed desc, device.updated_at desc, device.hwid
    limit 1
) as d on true
order by c.due_at, c.message_id;

-- name: hold_back_messages
-- Take the messages of a held journey that are next in a lane out of the queue, so that no claim has to pass them again.
-- The lock on the journey keeps it from being started meanwhile: who releases them, after a start, misses none.
with held as materialized (
    select j.journey_id
    from journey as j
    where j.journey_id = %(journey_id)s and j.status in ('draft', 'paused') and not j.advances
    for share
),
ahead as materialized (
    select m.message_id, m.journey_id
    from message as m
    where m.shard = %(shard)s
      and m.status = 'queued'
      and not m.is_held
      and m.priority = %(priority)s
      and m.channel = %(channel)s::channel
      and m.due_at <= %(now)s
    order by m.due_at, m.message_id
    limit %(batch)s
)
update message as m
set is_held = true
where m.shard = %(shard)s
  and m.message_id = any(array(select a.message_id from ahead as a join held as h on h.journey_id = a.journey_id))
  and m.status = 'queued';

-- name: renew_claims
-- Extend the leases of messages that are still being sent.
update message as m
set claimed_until = %(claimed_until)s
from unnest(%(message_ids)s::bigint[]) as held (message_id)
where m.shard = %(shard)s and m.message_id = held.message_id and m.status = 'sending';

-- name: release_expired_claims
-- Queue again what a sender claimed and then left; `held_ids` are those that the caller itself is sending.
with expired as materialized (
    select m.message_id
    from message as m
    where m.shard = %(shard)s
      and m.status = 'sending'
      and m.claimed_until <= %(now)s
      and m.message_id <> all(%(held_ids)s::bigint[])
    order by m.claimed_until, m.message_id
    limit %(batch)s
    for update skip locked
)
update message as m
set status = 'queued', claimed_until = null
where m.shard = %(shard)s and m.message_id = any(array(select expired.message_id from expired));

-- name: count_recent_messages
-- How many messages of a channel each of these people got, or is just getting, from the journey since the instant
-- given with the message. Of those just being sent only older ones count, or two would cap each other.
select input.message_id, count(*) as n
from unnest(
    %(message_ids)s::bigint[], %(profile_ids)s::bigint[], %(journey_ids)s::integer[], %(sinces)s::timestamptz[]
) as input (message_id, profile_id, journey_id, since)
join enrollment as e
    on e.shard = %(shard)s and e.journey_id = input.journey_id and e.profile_id = input.profile_id
join message as m
    on m.shard = %(shard)s and m.enrollment_id = e.enrollment_id
where m.channel = %(channel)s::channel
  and m.message_id <> input.message_id
  and (
    (m.status = 'sent' and m.done_at > input.since)
    or (m.status = 'sending' and m.message_id < input.message_id)
  )
group by input.message_id;

-- name: record_outcomes
-- Write what became of claimed messages, count it, tell the enrollments that wait for it, and wake the engine for those. An outcome counts only
-- while its claim is the latest, so a message is counted once however often it was tried. `is_spent` is false where no
-- attempt was made.
with input as materialized (
    select outcome.message_id, outcome.attempt, outcome.status, outcome.due_at, outcome.is_spent, outcome.address,
        outcome.provider_ref, outcome.detail, outcome.metric, outcome.reason, outcome.output, outcome.entry
    from unnest(
        %(message_ids)s::bigint[], %(attempts)s::smallint[], %(statuses)s::message_status[],
        %(due_ats)s::timestamptz[], %(are_spent)s::boolean[], %(addresses)s::text[], %(provider_refs)s::text[],
        %(details)s::text[], %(metrics)s::text[], %(reasons)s::text[], %(outputs)s::smallint[], %(entries)s::jsonb[]
    ) as outcome (
        message_id, attempt, status, due_at, is_spent, address, provider_ref, detail, metric, reason, output, entry
    )
),
done as (
    update message as m
    set status = input.status,
        attempts = m.attempts - (not input.is_spent)::integer,
        due_at = coalesce(input.due_at, m.due_at),
        claimed_until = null,
        done_at = case when input.status <> 'queued' then %(now)s::timestamptz end,
        address = input.address,
        provider_ref = input.provider_ref,
        detail = input.detail
    from input
    where m.shard = %(shard)s
      and m.message_id = input.message_id
      and m.status = 'sending'
      and m.attempts = input.attempt
    returning m.message_id, m.enrollment_id, m.profile_id, m.journey_id, m.point_no,
        input.metric, input.reason, input.output, input.entry
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select %(shard)s, done.journey_id, done.point_no, done.metric, done.reason, %(hour)s, count(*)
    from done
    where done.metric <> ''
    group by done.journey_id, done.point_no, done.metric, done.reason
    order by done.journey_id, done.point_no, done.metric, done.reason
    on conflict on constraint tally_pkey do update set n = tally.n + excluded.n
),
told as (
    insert into inbox (shard, kind, workspace_id, profile_id, data, occurred_at, received_at)
    select %(shard)s, 'outcome', j.workspace_id, done.profile_id,
        jsonb_build_object(
            'enrollment_id', done.enrollment_id,
            'journey_id', done.journey_id,
            'point_no', done.point_no,
            'output', done.output,
            'entry', coalesce(done.entry, '{}'::jsonb)
        ),
        %(now)s, %(now)s
    from done
    join journey as j on j.journey_id = done.journey_id
    where done.output is not null
    order by done.message_id
    returning inbox_id
),
woken as materialized (
    select pg_notify('sojourn_inbox', %(shard)s::text)
    from (select count(*) as n from told) as inbox
    where inbox.n > 0
)
select (select count(*) from done) as recorded, (select count(*) from told) as told, (select count(*) from woken) as woken;

-- name: lock_pace
-- Return how far a point with a send rate has come, and keep other senders from it until the transaction ends. The values
-- given are those of a point that begins.
insert into pace (journey_id, point_no, tokens, filled_at, promised_until)
values (%(journey_id)s, %(point_no)s, %(tokens)s, %(filled_at)s, %(promised_until)s)
on conflict (journey_id, point_no) do update set tokens = pace.tokens
returning journey_id, point_no, tokens, filled_at, promised_until;

-- name: write_pace
-- Note how far a point with a send rate has come.
update pace
set tokens = %(tokens)s, filled_at = %(filled_at)s, promised_until = %(promised_until)s
where journey_id = %(journey_id)s and point_no = %(point_no)s;

-- name: notify_senders_of
-- Tell the senders that messages of shards may be sent.
select pg_notify('sojourn_message', input.shard::text)
from unnest(%(shards)s::smallint[]) as input(shard);

-- name: read_journey_versions
-- The graphs that messages came from, with the numbers of their points.
select v.journey_id, v.version_no, j.journey_uuid, j.workspace_id, j.app_id, a.application_code,
    v.graph::text as graph,
    coalesce(
        (select jsonb_object_agg(p.point_no, p.point_uuid) from point as p where p.journey_id = v.journey_id), '{}'
    ) as point_uuids
from unnest(%(journey_ids)s::integer[], %(version_nos)s::integer[]) as wanted (journey_id, version_no)
join journey_version as v on v.journey_id = wanted.journey_id and v.version_no = wanted.version_no
join journey as j on j.journey_id = v.journey_id
join app as a on a.app_id = j.app_id;

-- name: read_presets
-- Message contents by code.
select p.workspace_id, p.code, p.content
from unnest(%(workspace_ids)s::integer[], %(codes)s::text[]) as wanted (workspace_id, code)
join preset as p on p.workspace_id = wanted.workspace_id and p.code = wanted.code;

-- name: read_channel_settings
-- How apps deliver a channel.
select s.app_id, s.provider, s.settings
from channel_setting as s
where s.app_id = any(%(app_ids)s::integer[]) and s.channel = %(channel)s::channel;

-- name: read_delivery_shards
-- The shards of the installation, in order.
select s.shard
from shard as s
order by s.shard;

-- name: listen_for_messages
-- Be told of shards that got messages.
listen sojourn_message;

-- name: stop_listening
-- Give the connection back as it was.
unlisten *;
