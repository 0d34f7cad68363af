-- name: find_app
-- The app with a code, whosever it is.
select workspace_id, app_id, application_code, site_id
from app
where application_code = %(application_code)s;

-- name: first_app
-- The oldest app of a workspace.
select workspace_id, app_id, application_code, site_id
from app
where workspace_id = %(workspace_id)s
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
