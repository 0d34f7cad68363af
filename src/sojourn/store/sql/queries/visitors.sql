-- name: find_report
-- What a report of a page is about: a content point of a journey of the site, and the enrollment's person. `since` is
-- null where the enrollment is not there, or has been let go.
select n.profile_id, j.journey_id, j.journey_uuid, p.point_no, s.since, shown.content_id, shown.content_type
from enrollment as n
join journey as j on j.journey_id = n.journey_id and j.app_id = %(app_id)s
join point as p on p.journey_id = j.journey_id and p.point_uuid = %(point)s and p.kind = 'content'
join journey_version as v on v.journey_id = j.journey_id and v.version_no = j.version_no
left join lateral (
    select x.value ->> 'content_id' as content_id, x.value ->> 'content_type' as content_type
    from jsonb_array_elements(v.graph -> 'points') as x (value)
    where x.value ->> 'id' = p.point_uuid::text
) as shown on true
left join stay as s
    on s.shard = %(shard)s::smallint
    and s.enrollment_id = n.enrollment_id
    and s.point_no = p.point_no
    and s.reached is null
where n.shard = %(shard)s::smallint and n.enrollment_id = %(enrollment_id)s::bigint;

-- name: site_config
-- What pages need to know of their site, and which versions of journeys run there.
select
    w.tenant_id, a.site_id, a.title, a.settings, a.default_locale,
    coalesce(running.journey_ids, '{}'), coalesce(running.version_nos, '{}')
from app as a
join workspace as w on w.workspace_id = a.workspace_id
cross join lateral (
    select
        array_agg(j.journey_id order by j.journey_id) as journey_ids,
        array_agg(j.version_no order by j.journey_id) as version_nos
    from journey as j
    where j.app_id = a.app_id and j.status = 'running'
) as running
where a.app_id = %(app_id)s;

-- name: version_triggers
-- What pages are to tell of: the points of versions of journeys that wait for it, as they were written.
select v.journey_id, v.version_no, x.value::text as point
from unnest(%(journey_ids)s::integer[], %(version_nos)s::integer[]) as wanted (journey_id, version_no)
join journey_version as v on v.journey_id = wanted.journey_id and v.version_no = wanted.version_no
cross join lateral jsonb_array_elements(v.graph -> 'points') with ordinality as x (value, place)
where x.value ->> 'kind' in ('element_click', 'message_bus', 'url_match', 'wait_for_trigger')
order by v.journey_id, x.place;

-- name: visitors_journeys
-- Where visitors are in the journeys of a site that pages take part in, with what they are to see there; and which
-- ended a moment ago. Each is found by journey and person: there is one row for each, or few. Enrollments by the shard and
-- number that they had first. The control group got nothing, so pages are told nothing of it.
select
    visitor.profile_id, n.named_shard, n.named_id, j.journey_uuid, s.since, p.point_uuid, c.content_uuid, c.kind, c.document,
    d.outcome::text as outcome, d.reason
from unnest(%(profile_ids)s::bigint[]) as visitor (profile_id)
cross join journey as j
cross join lateral (
    select
        x.enrollment_id, coalesce(x.origin_shard, x.shard) as named_shard, coalesce(x.origin_id, x.enrollment_id) as named_id
    from enrollment as x
    where x.shard = %(shard)s::smallint and x.journey_id = j.journey_id and x.profile_id = visitor.profile_id
    order by x.enrollment_id desc
    limit 10
) as n
left join stay as s on s.shard = %(shard)s::smallint and s.enrollment_id = n.enrollment_id
left join departure as d on d.shard = %(shard)s::smallint and d.enrollment_id = n.enrollment_id
left join point as p
    on p.journey_id = j.journey_id
    and p.point_no = s.point_no
    and p.kind = 'content'
    and s.reached is null
    and (j.status = 'running' or j.advances)
left join journey_version as v on v.journey_id = j.journey_id and v.version_no = j.version_no and p.point_no is not null
left join lateral (
    select x.value ->> 'content_id' as content_id
    from jsonb_array_elements(v.graph -> 'points') as x (value)
    where x.value ->> 'id' = p.point_uuid::text
) as shown on true
left join content as c
    on c.content_uuid::text = shown.content_id
    and c.app_id = j.app_id
    and c.status = 'published'
where j.app_id = %(app_id)s
  and coalesce(j.first_started_at, j.started_at) is not null
  and exists (
    select
    from point as q
    where q.journey_id = j.journey_id and q.kind in ('content', 'element_click', 'url_match')
  )
  and (s.enrollment_id is not null or (d.at > %(ended_after)s and d.outcome <> 'control'))
order by visitor.profile_id, s.since, n.enrollment_id;
