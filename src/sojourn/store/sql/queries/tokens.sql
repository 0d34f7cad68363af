-- name: find_token
-- What a token that was not revoked allows, and where.
select token_hash, workspace_id, kind, title, app_id
from token
where token_hash = %(token_hash)s
  and revoked_at is null;

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
