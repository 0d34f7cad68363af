-- name: insert_segment
-- Keep a named segment.
insert into segment
    (segment_uuid, workspace_id, app_id, code, title, description, source, rule_tree, expression, is_list, created_at,
     updated_at)
values (
    %(segment_uuid)s, %(workspace_id)s, %(app_id)s, %(code)s, %(title)s, %(description)s, %(source)s,
    %(rule_tree)s::jsonb, %(expression)s::jsonb, %(is_list)s, %(now)s, %(now)s
);

-- name: list_segments
-- The segments of a workspace that belong to these apps or to none, by title.
select s.code, s.title, s.source, a.application_code, s.expression::text as expression, s.segment_id,
    s.is_list, s.created_at, s.updated_at, s.segment_uuid, s.description, s.rule_tree::text as rule_tree
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

-- name: lock_segments
-- Let nobody else change what the segments of a workspace mean until the transaction ends.
select w.workspace_id
from workspace as w
where w.workspace_id = %(workspace_id)s
for no key update;

-- name: find_segment
-- A segment of a workspace.
select s.code, s.title, s.source, a.application_code, s.expression::text as expression, s.segment_id,
    s.is_list, s.created_at, s.updated_at, s.segment_uuid, s.description, s.rule_tree::text as rule_tree
from segment as s
left join app as a on a.app_id = s.app_id
where s.workspace_id = %(workspace_id)s and s.code = %(code)s;

-- name: audience_code
-- The code of the segment that a uuid names.
select code
from segment
where workspace_id = %(workspace_id)s and segment_uuid = %(segment_uuid)s;

-- name: list_audiences
-- Some of the segments of a workspace, newest first, and how many there are in all.
select s.code, s.title, s.source, a.application_code, s.expression::text as expression, s.segment_id,
    s.is_list, s.created_at, s.updated_at, s.segment_uuid, s.description, s.rule_tree::text as rule_tree,
    count(*) over () as total
from segment as s
left join app as a on a.app_id = s.app_id
where s.workspace_id = %(workspace_id)s
  and s.title ilike %(title_pattern)s
order by s.created_at desc, s.segment_id desc
offset %(skipped)s
limit %(count)s;

-- name: update_segment
-- Give a segment another title and meaning.
update segment
set title = %(title)s,
    description = %(description)s,
    source = %(source)s,
    rule_tree = %(rule_tree)s::jsonb,
    expression = %(expression)s::jsonb,
    updated_at = %(now)s
where segment_id = %(segment_id)s;

-- name: delete_segment
-- Delete a segment.
delete from segment
where segment_id = %(segment_id)s;

-- name: lock_journeys
-- Let nobody else change the journeys of a workspace until the transaction ends.
select j.journey_id
from journey as j
where j.workspace_id = %(workspace_id)s
order by j.journey_id
for no key update;

-- name: next_epoch
-- Begin the next epoch. Whoever changes a definition meanwhile waits, and gets a later one.
update installation
set epoch = epoch + 1
returning epoch;

-- name: segment_readers
-- The journeys of a workspace that may have to do with its segments: all but the archived.
select j.journey_id, j.title, j.status::text as status, j.advances, v.graph::text as graph
from journey as j
join journey_version as v on v.journey_id = j.journey_id and v.version_no = j.version_no
where j.workspace_id = %(workspace_id)s and j.status <> 'archived'
order by j.journey_id;

-- name: mark_in_epoch
-- Let engines read journeys again.
update journey as j
set changed_epoch = %(epoch)s
where j.journey_id = any(%(journey_ids)s::integer[]);

-- name: limit_statements
-- How long a statement may take until the transaction ends.
select set_config('statement_timeout', %(milliseconds)s::text, true);

-- name: raise_memory
-- Let a set of millions of people be kept in memory until the transaction ends: a set that is not is gone through per person.
set local work_mem = '256MB';

-- name: work_alone
-- Let a statement have one process until the transaction ends: each of several would make a set of people anew.
set local max_parallel_workers_per_gather = 0;

-- name: count_people
-- How many people of a workspace there are in some shards; a condition follows.
select count(*)
from profile as p
where p.shard = any(%(shards)s::smallint[])
  and p.workspace_id = %(workspace_id)s;

-- name: sample_people
-- People of a workspace in some shards; a condition follows.
select p.shard, p.profile_id, p.user_id, p.attributes
from profile as p
where p.shard = any(%(shards)s::smallint[])
  and p.workspace_id = %(workspace_id)s;

-- name: estimate_people
-- About how many people of a workspace there are in some shards, by a few hundred pages, and rather too many than none;
-- a condition follows. `share` is in percent.
select (1 + count(*)) * 100 / %(share)s::double precision
from profile as p tablesample system (%(share)s::double precision) repeatable (0)
where p.shard = any(%(shards)s::smallint[])
  and p.workspace_id = %(workspace_id)s;

-- name: profile_pages
-- How many pages `profile` takes on disk.
select pg_relation_size('profile') / current_setting('block_size')::bigint;

-- name: table_sizes
-- The tables given, or their partitions: about how many rows each has, and the first day that is not in it any more, if
-- it has such a bound.
select
    given.name,
    case when c.reltuples < 0 then pg_relation_size(c.oid) / 100.0 else c.reltuples end::double precision as row_count,
    (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([0-9]{4}-[0-9]{2}-[0-9]{2})'))[1]::date as ends
from unnest(%(names)s::text[]) as given(name)
cross join lateral pg_partition_tree(given.name::regclass) as tree
join pg_class as c on c.oid = tree.relid
where tree.isleaf;
