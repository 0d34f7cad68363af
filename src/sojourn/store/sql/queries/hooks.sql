-- name: delete_hook
-- Delete an inbound webhook of a workspace.
delete from inbound_webhook
where workspace_id = %(workspace_id)s and public_id = %(public_id)s;

-- name: find_hook
-- An inbound webhook by its id.
select
    w.webhook_id, w.workspace_id, w.app_id, a.application_code, w.public_id, w.title, w.rule::text as rule,
    w.verification::text as verification, w.secret, w.created_at, w.updated_at
from inbound_webhook as w
join app as a on a.app_id = w.app_id
where w.public_id = %(public_id)s;

-- name: insert_hook
-- Keep an inbound webhook.
insert into inbound_webhook (
    workspace_id, app_id, public_id, title, rule, verification, secret, created_at, updated_at
)
values (
    %(workspace_id)s, %(app_id)s, %(public_id)s, %(title)s, %(rule)s::jsonb, %(verification)s::jsonb, %(secret)s, %(now)s,
    %(now)s
);

-- name: list_hooks
-- The inbound webhooks of a workspace, oldest first.
select
    w.webhook_id, w.workspace_id, w.app_id, a.application_code, w.public_id, w.title, w.rule::text as rule,
    w.verification::text as verification, w.secret, w.created_at, w.updated_at
from inbound_webhook as w
join app as a on a.app_id = w.app_id
where w.workspace_id = %(workspace_id)s
order by w.webhook_id;

-- name: update_hook
-- Replace an inbound webhook of a workspace.
update inbound_webhook
set app_id = %(app_id)s, title = %(title)s, rule = %(rule)s::jsonb, verification = %(verification)s::jsonb,
    secret = %(secret)s, updated_at = %(now)s
where workspace_id = %(workspace_id)s and public_id = %(public_id)s;
