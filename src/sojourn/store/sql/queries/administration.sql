-- name: find_secret
-- A value that outlives a restart.
select value
from secret
where name = %(name)s;

-- name: has_api_token
-- Whether anybody can call: a workspace has an API token in force.
select exists (
    select from token
    where workspace_id = %(workspace_id)s and kind = 'api' and revoked_at is null
);

-- name: insert_secret
-- Keep a generated value, unless there is one already.
insert into secret (name, value, created_at)
values (%(name)s, %(value)s, %(now)s)
on conflict (name) do nothing;

-- name: list_tokens
-- The tokens of a workspace, newest first.
select token_id, kind, title, created_at, revoked_at
from token
where workspace_id = %(workspace_id)s
order by token_id desc;

-- name: replace_secret
-- Keep a given value in place of whatever was there.
insert into secret (name, value, created_at)
values (%(name)s, %(value)s, %(now)s)
on conflict (name) do update set value = excluded.value, created_at = excluded.created_at
where secret.value <> excluded.value;

-- name: revoke_token_by_id
-- Revoke a token of a workspace that is in force.
update token
set revoked_at = %(now)s
where workspace_id = %(workspace_id)s and token_id = %(token_id)s and revoked_at is null;

-- name: revoke_tokens_titled
-- Revoke all tokens of a workspace that go by a title.
update token
set revoked_at = %(now)s
where workspace_id = %(workspace_id)s and title = %(title)s and revoked_at is null;
