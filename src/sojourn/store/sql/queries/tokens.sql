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
