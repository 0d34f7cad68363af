-- name: find_token
-- What a token that was not revoked allows, and where.
select t.token_hash, t.workspace_id, t.kind, t.title, t.app_id, coalesce(a.allowed_origins, '{}')
from token as t
left join app as a on a.app_id = t.app_id
where t.token_hash = %(token_hash)s
  and t.revoked_at is null
  and a.deleted_at is null;

-- name: insert_token
-- Make a token, unless it exists.
insert into token (workspace_id, kind, app_id, token_hash, title, created_at)
values (%(workspace_id)s, %(kind)s, %(app_id)s, %(token_hash)s, %(title)s, %(now)s)
on conflict (token_hash) do nothing;

-- name: revoke_token
-- Revoke a token of a workspace.
update token
set revoked_at = %(now)s
where workspace_id = %(workspace_id)s
  and token_hash = %(token_hash)s
  and revoked_at is null;

-- name: insert_write_key
-- Make a write key of an app. Its number comes out.
insert into token (workspace_id, kind, app_id, token_hash, title, created_at)
values (%(workspace_id)s, 'write', %(app_id)s, %(token_hash)s, %(title)s, %(now)s)
returning token_id;

-- name: list_write_keys
-- The write keys of an app that are in force, newest first.
select t.token_id, t.title, t.created_at
from token as t
where t.app_id = %(app_id)s and t.kind = 'write' and t.revoked_at is null
order by t.token_id desc;

-- name: revoke_write_key
-- Revoke a write key of an app.
update token
set revoked_at = %(now)s
where app_id = %(app_id)s and token_id = %(token_id)s and kind = 'write' and revoked_at is null;
