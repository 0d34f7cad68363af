-- name: app_ids
-- The apps of a workspace.
select application_code, app_id
from app
where workspace_id = %(workspace_id)s
  and deleted_at is null;

-- name: server_zones
-- Names of the time zones that the server knows.
select name
from pg_timezone_names;
