-- name: list_sites
-- A part of the sites of a workspace, newest first.
select a.app_id, a.site_id, a.application_code, a.title, a.allowed_origins, a.default_locale, a.settings, a.created_at,
    coalesce(a.updated_at, a.created_at)
from app as a
where a.workspace_id = %(workspace_id)s
  and a.deleted_at is null
order by a.app_id desc
limit %(limit)s
offset %(offset)s;

-- name: count_sites
-- How many sites a workspace has.
select count(*)
from app
where workspace_id = %(workspace_id)s
  and deleted_at is null;

-- name: find_site
-- A site of a workspace.
select a.app_id, a.site_id, a.application_code, a.title, a.allowed_origins, a.default_locale, a.settings, a.created_at,
    coalesce(a.updated_at, a.created_at)
from app as a
where a.workspace_id = %(workspace_id)s
  and a.site_id = %(site_id)s
  and a.deleted_at is null;

-- name: update_site
-- Change a site.
update app
set title = %(title)s, allowed_origins = %(allowed_origins)s::text[], default_locale = %(default_locale)s,
    settings = %(settings)s::jsonb, updated_at = %(now)s
where app_id = %(app_id)s;

-- name: site_journeys
-- How many journeys of a site have not been put away.
select count(*)
from journey
where app_id = %(app_id)s
  and status not in ('archived', 'finished');

-- name: lock_sites
-- The sites of a workspace, kept as they are until the transaction ends.
select site_id
from app
where workspace_id = %(workspace_id)s
  and deleted_at is null
order by app_id
for update;

-- name: delete_site
-- Hide a site.
update app
set deleted_at = %(now)s, updated_at = %(now)s
where app_id = %(app_id)s;

-- name: revoke_site_keys
-- Revoke everything that opens an app alone.
update token
set revoked_at = %(now)s
where app_id = %(app_id)s
  and revoked_at is null;

-- name: insert_site_key
-- Make a key of a site.
insert into token (workspace_id, kind, app_id, token_hash, title, public_id, hint, created_at)
values (
    %(workspace_id)s, 'site', %(app_id)s, %(token_hash)s, %(title)s, %(public_id)s, %(hint)s, %(now)s
);

-- name: list_site_keys
-- A part of the keys of a site that are in force, newest first.
select public_id, title, hint, created_at
from token
where app_id = %(app_id)s
  and kind = 'site'
  and revoked_at is null
order by token_id desc
limit %(limit)s
offset %(offset)s;

-- name: count_site_keys
-- How many keys of a site are in force.
select count(*)
from token
where app_id = %(app_id)s
  and kind = 'site'
  and revoked_at is null;

-- name: revoke_site_key
-- Revoke a key of a site. Returns its hash.
update token
set revoked_at = %(now)s
where app_id = %(app_id)s
  and kind = 'site'
  and public_id = %(public_id)s
  and revoked_at is null
returning token_hash;
