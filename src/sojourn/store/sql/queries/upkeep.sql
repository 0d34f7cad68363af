-- Upkeep: what somebody has to do now and then, whoever it is.

-- name: take_upkeep
-- Let one worker at a time do the upkeep; no row means that another is at it.
select i.installation_id
from installation as i
for update skip locked;

-- name: partition_names
-- The partitions of a table that is divided by day.
select child.relname as name
from pg_inherits as link
join pg_class as child on child.oid = link.inhrelid
where link.inhparent = %(parent)s::regclass;

-- name: forget_event_sources
-- Forget the ids of events received so long ago that nobody sends them again.
delete from event_source as e
where e.shard = %(shard)s::smallint and e.received_at < %(before)s::timestamptz;

-- name: forget_idempotency_keys
-- Forget first answers that nobody asks for again.
delete from idempotency_key as k
where k.created_at < %(before)s::timestamptz;

-- name: outgrown_tables
-- Tables, and partitions of those given, whose files are several times what they were when last measured.
select c.oid::regclass::text as name
from pg_class as c
where c.relkind = 'r'
  and c.oid in (
      select tree.relid
      from unnest(%(names)s::regclass[]) as given(oid)
      cross join lateral pg_partition_tree(given.oid) as tree
      union all
      select given.oid from unnest(%(names)s::regclass[]) as given(oid)
  )
  and pg_relation_size(c.oid) / current_setting('block_size')::bigint > 4 + 3 * greatest(c.relpages, 0)
order by 1;
