-- name: export_enrollments
-- The enrollments of a shard in journeys of a workspace, each with its person and where it is or how it ended.
select
    n.enrollment_id, j.journey_uuid::text as journey_uuid, j.title as journey_title, entry.point_uuid::text as entry_uuid,
    n.entered_at, coalesce(d.outcome::text, 'inside') as status, coalesce(d.reason, '') as reason,
    place.point_uuid::text as point_uuid, d.at as ended_at, p.user_id,
    (
        select jsonb_agg(jsonb_build_array(i.kind, i.value) order by i.kind, i.created_at, i.value)
        from identity as i
        where i.profile_id = n.profile_id
    ) as identities
from enrollment as n
join journey as j on j.journey_id = n.journey_id
join profile as p on p.shard = n.shard and p.profile_id = n.profile_id
left join departure as d on d.shard = n.shard and d.enrollment_id = n.enrollment_id
left join stay as s on s.shard = n.shard and s.enrollment_id = n.enrollment_id
left join point as entry on entry.journey_id = n.journey_id and entry.point_no = n.point_no
left join point as place on place.journey_id = n.journey_id and place.point_no = coalesce(s.point_no, d.point_no)
where n.shard = %(shard)s::smallint
  and j.workspace_id = %(workspace_id)s
  and j.app_id = any(%(app_ids)s::integer[])
  and n.entered_at >= %(since)s::timestamptz
  and n.entered_at < %(until)s::timestamptz;

-- name: export_events
-- The events of a shard that people of a workspace did, each with its person.
select
    e.event_id, e.name, e.occurred_at, e.received_at, a.application_code,
    coalesce(e.source_id, 'event:' || e.shard || ':' || e.event_id) as source_id, e.data::text as data, p.user_id,
    (
        select jsonb_agg(jsonb_build_array(i.kind, i.value) order by i.kind, i.created_at, i.value)
        from identity as i
        where i.profile_id = e.profile_id
    ) as identities
from event as e
join profile as p on p.shard = e.shard and p.profile_id = e.profile_id
left join app as a on a.app_id = e.app_id
where e.shard = %(shard)s::smallint
  and e.workspace_id = %(workspace_id)s
  and coalesce(e.app_id, 0) = any(%(app_ids)s::integer[])
  and e.occurred_at >= %(since)s::timestamptz
  and e.occurred_at < %(until)s::timestamptz;

-- name: export_people
-- The people of a shard and workspace who use all the apps named, with what names and reaches them.
select
    p.profile_id, p.attributes::text as attributes, p.time_zone, p.language, p.location, p.created_at, p.user_id,
    (
        select jsonb_agg(jsonb_build_array(i.kind, i.value) order by i.kind, i.created_at, i.value)
        from identity as i
        where i.profile_id = p.profile_id
    ) as identities,
    (
        select jsonb_agg(jsonb_strip_nulls(to_jsonb(device)) order by device.hwid)
        from (
            select distinct on (d.hwid)
                d.hwid, d.channel, d.platform, d.push_token, d.language, d.is_subscribed,
                nullif(d.details, '{}'::jsonb) as details
            from device as d
            where d.shard = p.shard and d.profile_id = p.profile_id and d.app_id = any(%(app_ids)s::integer[])
            order by d.hwid, d.updated_at desc
        ) as device
    ) as devices
from profile as p
where p.shard = %(shard)s::smallint
  and p.workspace_id = %(workspace_id)s
  and p.app_ids @> %(used)s::integer[]
  and p.created_at >= %(since)s::timestamptz
  and p.created_at < %(until)s::timestamptz;

-- name: freeze
-- See the database as it is now until the transaction ends, and change nothing.
set transaction isolation level repeatable read, read only;

-- name: limit_idling
-- End the transaction if nobody reads on for so long: what is deleted meanwhile cannot be cleared away.
set local idle_in_transaction_session_timeout = '5min';
