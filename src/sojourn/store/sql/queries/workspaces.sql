-- name: find_app
-- The app with a code, whosever it is.
select workspace_id, app_id, application_code, site_id
from app
where application_code = %(application_code)s
  and deleted_at is null;

-- name: first_app
-- The oldest app of a workspace.
select workspace_id, app_id, application_code, site_id
from app
where workspace_id = %(workspace_id)s
  and deleted_at is null
order by app_id
limit 1;

-- name: find_workspace
-- The workspace of a name, kept as it is until the transaction ends.
select workspace_id
from workspace
where name = %(name)s
for update;

-- name: insert_app
-- Make an app, unless its code is taken.
insert into app (workspace_id, application_code, site_id, title, created_at)
values (%(workspace_id)s, %(application_code)s, %(site_id)s, %(title)s, %(now)s)
on conflict (application_code) do nothing;

-- name: list_apps
-- The apps of a workspace, oldest first.
select a.application_code, a.site_id, a.title, a.event_retention_days, a.created_at
from app as a
where a.workspace_id = %(workspace_id)s and a.deleted_at is null
order by a.app_id;

-- name: set_event_retention
-- Say how long an app keeps events. Those that it kept so far are looked through again.
update app as a
set event_retention_days = %(days)s::integer, events_forgotten_until = null
where a.workspace_id = %(workspace_id)s and a.application_code = %(application_code)s and a.deleted_at is null
returning a.application_code, a.site_id, a.title, a.event_retention_days, a.created_at;

-- name: set_installation_retentions
-- Say how long passages, and changes of attributes, are kept.
update installation as i
set passage_retention_days = %(passages)s::integer, change_retention_days = %(changes)s::integer;
