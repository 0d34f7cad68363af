-- name: advance_import
-- Record how far an import has come, unless another process has moved it on since.
update import_run
set rows_done = %(rows_done)s, rows_refused = %(rows_refused)s
where workspace_id = %(workspace_id)s
  and import_id = %(import_id)s
  and rows_done = %(rows_before)s
  and finished_at is null;

-- name: find_import
-- How far an import has come.
select rows_done, rows_refused, finished_at
from import_run
where workspace_id = %(workspace_id)s and import_id = %(import_id)s;

-- name: finish_import
-- Record that an import came to the end of its file.
update import_run
set finished_at = %(now)s
where workspace_id = %(workspace_id)s and import_id = %(import_id)s;

-- name: insert_event_sources
-- Remember the ids that events came with. Those seen for the first time come out, by their place in the arrays.
with input as (
    select given.place, given.shard, given.source_id
    from unnest(%(places)s::integer[], %(shards)s::smallint[], %(source_ids)s::text[]) as given(place, shard, source_id)
),
fresh as (
    insert into event_source (shard, workspace_id, source_id, received_at)
    select input.shard, %(workspace_id)s, input.source_id, %(now)s
    from input
    order by input.shard, input.source_id
    on conflict (shard, workspace_id, source_id) do nothing
    returning shard, source_id
)
select distinct on (input.shard, input.source_id) input.place
from input
join fresh on fresh.shard = input.shard and fresh.source_id = input.source_id
order by input.shard, input.source_id, input.place;

-- name: insert_import
-- Begin an import, unless it was begun before.
insert into import_run (import_id, workspace_id, subject, started_at)
values (%(import_id)s, %(workspace_id)s, %(subject)s, %(now)s)
on conflict (workspace_id, import_id) do nothing;
