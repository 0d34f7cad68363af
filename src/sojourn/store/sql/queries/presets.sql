-- name: delete_preset
-- Delete stored message content.
delete from preset
where workspace_id = %(workspace_id)s and code = %(code)s;

-- name: find_preset
-- Stored message content, kept as it is until the transaction ends.
select p.code, a.application_code, p.title, p.channel::text as channel, p.content::text as content, p.created_at
from preset as p
join app as a on a.app_id = p.app_id
where p.workspace_id = %(workspace_id)s and p.code = %(code)s
for update of p;

-- name: insert_preset
-- Keep message content under a code.
insert into preset (workspace_id, app_id, code, title, channel, content, created_at)
values (
    %(workspace_id)s, %(app_id)s, %(code)s, %(title)s, %(channel)s::channel, %(content)s::jsonb, %(now)s
);

-- name: list_presets
-- The stored message contents of these apps, by title.
select p.code, a.application_code, p.title, p.channel::text as channel, p.content::text as content, p.created_at
from preset as p
join app as a on a.app_id = p.app_id
where p.workspace_id = %(workspace_id)s and p.app_id = any(%(app_ids)s::integer[])
order by p.title, p.code;

-- name: preset_users
-- The journeys that have not ended and whose shown version sends a preset, by title.
select j.title
from journey as j
join journey_version as v on v.journey_id = j.journey_id and v.version_no = j.version_no
where j.workspace_id = %(workspace_id)s
  and j.status in ('draft', 'running', 'paused')
  and exists (
      select
      from jsonb_array_elements(v.graph -> 'points') as point
      where point ->> 'preset_code' = %(code)s
  )
order by j.title
limit 5;
