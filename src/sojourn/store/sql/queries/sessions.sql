-- name: insert_session
-- Begin a session.
insert into session (session_uuid, account_id, token_hash, refreshed_at, address, agent, created_at, expires_at)
values (
    %(session)s, %(account_id)s, %(token_hash)s, %(now)s::timestamptz, %(address)s, %(agent)s, %(now)s::timestamptz,
    %(expires_at)s
);

-- name: find_session
-- A session that was not revoked, and whose it is, unless they may not sign in any more.
select s.session_uuid, s.token_hash, s.former_hash, s.refreshed_at, s.expires_at, a.account_uuid, a.workspace_id,
    w.tenant_id, a.email, a.role
from session as s
join account as a on a.account_id = s.account_id
join workspace as w on w.workspace_id = a.workspace_id
where s.session_uuid = %(session)s
  and s.revoked_at is null
  and not a.is_disabled;

-- name: refresh_session
-- Put a new token in place of the one in force.
update session
set former_hash = token_hash, token_hash = %(new_hash)s, refreshed_at = %(now)s
where session_uuid = %(session)s
  and token_hash = %(token_hash)s
  and revoked_at is null;

-- name: revoke_session
-- End a session of a workspace.
update session as s
set revoked_at = %(now)s
from account as a
where a.account_id = s.account_id
  and a.workspace_id = %(workspace_id)s
  and s.session_uuid = %(session)s
  and s.revoked_at is null;

-- name: revoke_sessions
-- End all sessions of an account, except one.
update session
set revoked_at = %(now)s
where account_id = %(account_id)s
  and session_uuid is distinct from %(keep)s
  and revoked_at is null;

-- name: list_sessions
-- The sessions of an account that are in force, newest first.
select session_uuid, created_at, refreshed_at, expires_at, address, agent
from session
where account_id = %(account_id)s
  and revoked_at is null
  and expires_at > %(now)s
order by created_at desc, session_uuid
limit %(limit)s;

-- name: forget_sessions
-- Delete the sessions of an account that ended.
delete from session
where account_id = %(account_id)s
  and (expires_at < %(now)s or revoked_at < %(now)s);

-- name: count_attempts
-- Count an attempt to sign in for each subject, beginning anew where the last ones are long past. Sorted, because the
-- rows are locked in this order.
insert into sign_in_attempt as a (subject, began_at, attempts)
select input.subject, %(now)s, 1
from unnest(%(subjects)s::bytea[]) as input(subject)
order by input.subject
on conflict (subject) do update
set began_at = case when a.began_at <= %(since)s then excluded.began_at else a.began_at end,
    attempts = case when a.began_at <= %(since)s then 1 else a.attempts + 1 end
returning a.subject, a.began_at, a.attempts;

-- name: forget_attempts
-- Forget the attempts for subjects, and those that are long past.
delete from sign_in_attempt
where subject = any(%(subjects)s::bytea[])
   or began_at <= %(since)s;
