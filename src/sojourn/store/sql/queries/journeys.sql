-- name: count_journeys
-- How many journeys of a workspace a list has in all. The arrays name what is wanted; parameters as in list_journeys.
select count(*)
from journey as j
where j.workspace_id = %(workspace_id)s
  and j.app_id = any(%(app_ids)s::integer[])
  and j.status = any(%(statuses)s::journey_status[])
  and j.title ilike %(title_pattern)s;

-- name: delete_journey
-- Delete a journey, and with it its versions, points and requests.
delete from journey
where journey_id = %(journey_id)s;

-- name: delete_listeners
-- Make a journey deaf.
delete from listener
where journey_id = %(journey_id)s;

-- name: find_journey
-- A journey as it is now, with the graph of its version.
select
    j.journey_id, j.journey_uuid, j.workspace_id, j.app_id, j.title, j.description, j.status::text as status,
    j.version_no, v.graph::text as graph, j.layout::text as layout, j.comments::text as comments, j.category_uuid,
    j.advances, j.first_started_at, j.started_at, j.stop_reason, j.last_edited_by, j.created_at, j.updated_at,
    a.site_id, s.segment_uuid as audience
from journey as j
join journey_version as v on v.journey_id = j.journey_id and v.version_no = j.version_no
join app as a on a.app_id = j.app_id
left join segment as s
    on s.workspace_id = j.workspace_id and s.code = v.graph #>> '{settings,audience_code}'
where j.workspace_id = %(workspace_id)s
  and j.journey_uuid = %(journey_uuid)s;

-- name: forget_held_since
-- A journey is no longer held. Gives since when it was.
with before as (
    select j.held_since
    from journey as j
    where j.journey_id = %(journey_id)s
)
update journey as j
set held_since = null
where j.journey_id = %(journey_id)s
returning (select b.held_since from before as b) as held_since;

-- name: insert_journey
-- Make a journey without a version. Its number comes out.
insert into journey
    (journey_uuid, workspace_id, app_id, title, description, layout, comments, category_uuid, last_edited_by, created_at,
     updated_at)
values
    (%(journey_uuid)s, %(workspace_id)s, %(app_id)s, %(title)s, %(description)s, %(layout)s::jsonb, %(comments)s::jsonb,
     %(category_uuid)s, %(last_edited_by)s, %(now)s, %(now)s)
returning journey_id;

-- name: insert_listeners
-- Let points of a journey react to events.
insert into listener (journey_id, point_no, workspace_id, app_id, event_name, reaction, attribute_name)
select
    %(journey_id)s, input.point_no, %(workspace_id)s, input.app_id, input.event_name, input.reaction, input.attribute_name
from unnest(
    %(point_nos)s::smallint[], %(app_ids)s::integer[], %(event_names)s::text[], %(reactions)s::text[],
    %(attribute_names)s::text[]
) as input(point_no, app_id, event_name, reaction, attribute_name);

-- name: insert_points
-- Number new points.
insert into point (journey_id, point_no, point_uuid, kind)
select %(journey_id)s, input.point_no, input.point_uuid, input.kind
from unnest(%(point_nos)s::smallint[], %(point_uuids)s::uuid[], %(kinds)s::text[]) as input(point_no, point_uuid, kind);

-- name: insert_version
-- Keep a graph as a version of its journey.
insert into journey_version (journey_id, version_no, graph, created_at)
values (%(journey_id)s, %(version_no)s, %(graph)s::jsonb, %(now)s);

-- name: journey_ids
-- The numbers of those of the journeys named that are the workspace's.
select j.journey_uuid, j.journey_id
from journey as j
where j.workspace_id = %(workspace_id)s
  and j.journey_uuid = any(%(journey_uuids)s::uuid[]);

-- name: keep_held_since
-- Keep since when a journey has been held.
update journey as j
set held_since = coalesce(j.held_since, %(now)s)
where j.journey_id = %(journey_id)s;

-- name: list_journeys
-- One page of the journeys of a workspace, newest first. The arrays name what is wanted.
select
    j.journey_id, j.journey_uuid, j.workspace_id, j.app_id, j.title, j.description, j.status::text as status,
    j.version_no, v.graph::text as graph, j.layout::text as layout, j.comments::text as comments, j.category_uuid,
    j.advances, j.first_started_at, j.started_at, j.stop_reason, j.last_edited_by, j.created_at, j.updated_at,
    a.site_id, s.segment_uuid as audience
from journey as j
join journey_version as v on v.journey_id = j.journey_id and v.version_no = j.version_no
join app as a on a.app_id = j.app_id
left join segment as s
    on s.workspace_id = j.workspace_id and s.code = v.graph #>> '{settings,audience_code}'
where j.workspace_id = %(workspace_id)s
  and j.app_id = any(%(app_ids)s::integer[])
  and j.status = any(%(statuses)s::journey_status[])
  and j.title ilike %(title_pattern)s
order by j.created_at desc, j.journey_id desc
offset %(skipped)s
limit %(count)s;

-- name: lock_journey
-- Let nobody else change a journey, or accept people for it, until the transaction ends.
select journey_id
from journey
where workspace_id = %(workspace_id)s
  and journey_uuid = %(journey_uuid)s
for update;

-- name: mark_changed
-- Give a journey the next epoch, so that engines know that what they compiled of it is stale.
with bumped as (
    update installation
    set epoch = epoch + 1
    returning epoch
)
update journey as j
set changed_epoch = bumped.epoch
from bumped
where j.journey_id = %(journey_id)s;

-- name: notify_definitions
-- Tell the engines that definitions changed; heard when the transaction commits.
select pg_notify('sojourn_inbox', '*');

-- name: point_numbers
-- The number and kind of every point that a journey ever had.
select point_uuid::text as point_uuid, point_no, kind
from point
where journey_id = %(journey_id)s
order by point_no;

-- name: retire_points
-- Part numbers from the ids of their points, which go on under other numbers.
update point as p
set point_uuid = input.new_uuid
from unnest(%(point_uuids)s::uuid[], %(new_uuids)s::uuid[]) as input(point_uuid, new_uuid)
where p.journey_id = %(journey_id)s
  and p.point_uuid = input.point_uuid;

-- name: set_status
-- Change the status of a journey and what goes with it.
update journey
set status = %(status)s::journey_status,
    first_started_at = %(first_started_at)s,
    started_at = %(started_at)s,
    advances = %(advances)s,
    stop_reason = %(stop_reason)s,
    updated_at = %(now)s
where journey_id = %(journey_id)s;

-- name: update_journey
-- Replace what an operator writes about a journey; the version must exist.
update journey
set app_id = %(app_id)s,
    title = %(title)s,
    description = %(description)s,
    version_no = %(version_no)s,
    layout = %(layout)s::jsonb,
    comments = %(comments)s::jsonb,
    category_uuid = %(category_uuid)s,
    last_edited_by = %(last_edited_by)s,
    updated_at = %(now)s
where journey_id = %(journey_id)s;
