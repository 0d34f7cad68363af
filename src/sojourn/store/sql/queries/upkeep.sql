-- Upkeep: what somebody has to do now and then, whoever it is.

-- name: take_upkeep
-- Let one worker at a time do the upkeep; no row means that another is at it.
select i.installation_id
from installation as i
for update skip locked;

-- name: partitions
-- The partitions of a table that is divided by day: the first day of each and the first after it, null where it has no
-- such bound. Bounds read so where the session's zone is UTC, as it is everywhere.
select
    child.relname as name,
    (regexp_match(bounds.spelled, 'FROM \(''([0-9]{4}-[0-9]{2}-[0-9]{2})'))[1]::date as begins,
    (regexp_match(bounds.spelled, 'TO \(''([0-9]{4}-[0-9]{2}-[0-9]{2})'))[1]::date as ends,
    link.inhdetachpending as is_leaving
from pg_inherits as link
join pg_class as child on child.oid = link.inhrelid
cross join lateral (select pg_get_expr(child.relpartbound, child.oid) as spelled) as bounds
where link.inhparent = %(parent)s::regclass
order by 2 nulls first;

-- name: detached_partitions
-- Tables that were partitions on their way out: they carry the comment and belong to no table any more.
select c.relname as name
from pg_class as c
join unnest(%(parents)s::text[]) as parent(name) on starts_with(c.relname::text, parent.name || '_')
where c.relnamespace = current_schema()::regnamespace
  and c.relkind = 'r'
  and not c.relispartition
  and obj_description(c.oid, 'pg_class') = %(comment)s::text
order by 1;

-- name: read_retentions
-- How long each app keeps its events, and how far they have been looked through.
select a.app_id, a.event_retention_days as days, a.events_forgotten_until as forgotten_until
from app as a
order by a.app_id;

-- name: read_installation_retentions
-- How long passages and changes of attributes are kept.
select i.passage_retention_days, i.change_retention_days
from installation as i;

-- name: forget_events
-- Delete the events of an app received in a period, of a page of all events of a shard: the next ones by number.
with page as materialized (
    select e.event_id, e.app_id
    from event as e
    where e.shard = %(shard)s::smallint
      and e.event_id > %(after)s::bigint
      and e.received_at >= %(from_)s::timestamptz
      and e.received_at < %(to)s::timestamptz
    order by e.event_id
    limit %(batch)s::bigint
),
gone as (
    delete from event as e
    where e.shard = %(shard)s::smallint
      and e.event_id = any(array(select p.event_id from page as p where p.app_id = %(app_id)s::integer))
      and e.received_at >= %(from_)s::timestamptz
      and e.received_at < %(to)s::timestamptz
    returning e.event_id
)
select max(p.event_id) as last_event, (select count(*) from gone) as deleted
from page as p;

-- name: note_events_forgotten
-- Note how far the events of an app have been looked through.
update app as a
set events_forgotten_until = %(until)s::date
where a.app_id = %(app_id)s::integer;

-- name: forget_entry_requests
-- Forget requests to enroll that were received before an instant, some at a time.
delete from entry_request as r
where r.request_uuid = any(array(
    select x.request_uuid
    from entry_request as x
    where x.received_at < %(before)s::timestamptz
    limit %(batch)s::bigint
))
returning r.request_uuid;

-- name: forget_request_tallies
-- Forget what became of some requests.
delete from request_tally as t
where t.shard = any(%(shards)s::smallint[]) and t.request_uuid = any(%(requests)s::uuid[]);

-- name: forget_imports
-- Forget imports begun before an instant; their files would be imported again.
delete from import_run as r
where r.started_at < %(before)s::timestamptz;

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
