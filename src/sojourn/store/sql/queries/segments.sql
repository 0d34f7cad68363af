-- name: insert_segment
-- Keep a named segment.
insert into segment (workspace_id, app_id, code, title, source, expression, is_list, created_at, updated_at)
values (
    %(workspace_id)s, %(app_id)s, %(code)s, %(title)s, %(source)s, %(expression)s::jsonb, %(is_list)s, %(now)s, %(now)s
);

-- name: list_segments
-- The segments of a workspace that belong to these apps or to none, by title.
select s.code, s.title, s.source, a.application_code, s.expression::text as expression, s.segment_id,
    s.is_list, s.created_at, s.updated_at
from segment as s
left join app as a on a.app_id = s.app_id
where s.workspace_id = %(workspace_id)s
  and (s.app_id is null or s.app_id = any(%(app_ids)s::integer[]))
order by s.title, s.code;

-- name: preset_codes
-- The codes of the stored message contents of a workspace.
select code
from preset
where workspace_id = %(workspace_id)s;
