-- name: insert_account
-- Make an account.
insert into account (account_uuid, workspace_id, email, name, role, password_hash, created_at, updated_at)
values (
    %(account)s, %(workspace_id)s, %(email)s, %(name)s, %(role)s, %(password_hash)s, %(now)s::timestamptz,
    %(now)s::timestamptz
);

-- name: find_account
-- An account of a workspace.
select a.account_id, a.account_uuid, a.workspace_id, w.tenant_id, a.email, a.name, a.role, a.is_disabled, a.created_at,
    a.updated_at, a.signed_in_at
from account as a
join workspace as w on w.workspace_id = a.workspace_id
where a.workspace_id = %(workspace_id)s
  and a.account_uuid = %(account)s;

-- name: lock_owners
-- The owners of a workspace who may sign in, kept as they are until the transaction ends.
select account_uuid
from account
where workspace_id = %(workspace_id)s
  and role = 'owner'
  and not is_disabled
order by account_id
for update;

-- name: find_account_by_email
-- An account, whosever it is, and the hash of its password.
select a.account_id, a.account_uuid, a.workspace_id, w.tenant_id, a.email, a.name, a.role, a.is_disabled, a.created_at,
    a.updated_at, a.signed_in_at, a.password_hash
from account as a
join workspace as w on w.workspace_id = a.workspace_id
where a.email = %(email)s;

-- name: has_account
-- Whether anybody of a workspace has an account.
select exists (
    select from account
    where workspace_id = %(workspace_id)s
);

-- name: count_accounts
-- How many accounts a workspace has.
select count(*)
from account
where workspace_id = %(workspace_id)s;

-- name: list_accounts
-- A part of the accounts of a workspace, newest first.
select a.account_id, a.account_uuid, a.workspace_id, w.tenant_id, a.email, a.name, a.role, a.is_disabled, a.created_at,
    a.updated_at, a.signed_in_at
from account as a
join workspace as w on w.workspace_id = a.workspace_id
where a.workspace_id = %(workspace_id)s
order by a.account_id desc
limit %(limit)s
offset %(offset)s;

-- name: update_account
-- Change what an account is.
update account
set name = %(name)s, role = %(role)s, is_disabled = %(is_disabled)s, updated_at = %(now)s
where account_id = %(account_id)s;

-- name: replace_password
-- Change the password of an account.
update account
set password_hash = %(password_hash)s, updated_at = %(now)s
where account_id = %(account_id)s;

-- name: delete_account
-- Delete an account, and its sessions with it.
delete from account
where account_id = %(account_id)s;

-- name: note_sign_in
-- Note when somebody signed in.
update account
set signed_in_at = %(now)s
where account_id = %(account_id)s;

-- name: tenant_workspace
-- The workspace of a tenant.
select workspace_id
from workspace
where tenant_id = %(tenant_id)s;

-- name: is_account_disabled
-- Whether an account of a workspace may not sign in.
select is_disabled
from account
where workspace_id = %(workspace_id)s
  and account_uuid = %(account)s;

-- name: workspace_tenant
-- The name of a workspace on the wire.
select tenant_id
from workspace
where workspace_id = %(workspace_id)s;
