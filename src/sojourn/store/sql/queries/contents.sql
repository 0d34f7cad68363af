-- name: count_contents
-- How many contents of a kind a workspace has. Archived ones count only where they are asked for.
select count(*)
from content as c
where c.workspace_id = %(workspace_id)s
  and c.kind = %(kind)s
  and c.status = any(%(statuses)s::text[])
  and (%(app_ids)s::integer[] is null or c.app_id = any(%(app_ids)s::integer[]))
  and strpos(lower(c.name), lower(%(search)s)) > 0;

-- name: delete_content
-- Remove a content of a workspace.
delete from content
where workspace_id = %(workspace_id)s and kind = %(kind)s and content_uuid = %(content)s;

-- name: find_content
-- A content of a workspace.
select c.content_uuid, c.kind, c.name, a.site_id, c.document, c.status, c.created_at, c.updated_at
from content as c
join app as a on a.app_id = c.app_id
where c.workspace_id = %(workspace_id)s and c.kind = %(kind)s and c.content_uuid = %(content)s;

-- name: insert_content
-- Keep a content.
insert into content (
    content_uuid, workspace_id, app_id, kind, name, document, status, created_at, updated_at
)
values (
    %(content)s, %(workspace_id)s, %(app_id)s, %(kind)s, %(name)s, %(document)s::jsonb, %(status)s, %(now)s, %(now)s
);

-- name: list_contents
-- A part of the contents of a kind, newest first.
select c.content_uuid, c.kind, c.name, a.site_id, c.document, c.status, c.created_at, c.updated_at
from content as c
join app as a on a.app_id = c.app_id
where c.workspace_id = %(workspace_id)s
  and c.kind = %(kind)s
  and c.status = any(%(statuses)s::text[])
  and (%(app_ids)s::integer[] is null or c.app_id = any(%(app_ids)s::integer[]))
  and strpos(lower(c.name), lower(%(search)s)) > 0
order by c.content_id desc
limit %(limit)s
offset %(offset)s;

-- name: notify_pages_of
-- Tell those who serve pages that what is shown to people of the shards may have changed.
select pg_notify('sojourn_page', input.shard::text)
from unnest(%(shards)s::smallint[]) as input (shard);

-- name: update_content
-- Change a content of a workspace.
update content
set app_id = %(app_id)s, name = %(name)s, document = %(document)s::jsonb, status = %(status)s, updated_at = %(now)s
where workspace_id = %(workspace_id)s and kind = %(kind)s and content_uuid = %(content)s;
