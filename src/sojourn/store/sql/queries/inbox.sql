-- name: append_inbox
-- Append rows to the inbox, numbered in the order of the arrays. The data is one JSON array: an array of many JSON texts
-- would have to be escaped text by text.
insert into inbox
    (shard, kind, workspace_id, app_id, profile_id, name, data, source_id, hwid, occurred_at, received_at)
select
    input.shard, input.kind::inbox_kind, input.workspace_id, input.app_id, input.profile_id, input.name,
    input.data, input.source_id, input.hwid, input.occurred_at, %(now)s::timestamptz
from rows from (
    unnest(
        %(shards)s::smallint[], %(kinds)s::text[], %(workspace_ids)s::integer[], %(app_ids)s::integer[],
        %(profile_ids)s::bigint[], %(names)s::text[], %(source_ids)s::text[], %(hwids)s::text[], %(occurred_at)s::timestamptz[]
    ),
    jsonb_array_elements(%(data)s::jsonb)
) with ordinality
    as input(shard, kind, workspace_id, app_id, profile_id, name, source_id, hwid, occurred_at, data, place)
order by input.place;

-- name: named_listeners
-- Entries that enroll the people whom an attribute of an event names. Arrays of (workspace, event name) in.
select l.workspace_id, l.event_name, l.app_id, l.journey_id, l.point_no, l.attribute_name
from unnest(%(workspace_ids)s::integer[], %(names)s::text[]) as input(workspace_id, name)
join listener as l on l.workspace_id = input.workspace_id and l.event_name = input.name
where l.reaction = 'enroll_named'
order by l.journey_id, l.point_no;

-- name: notify_shards
-- Tell whoever ticks these shards that there is something to do; heard when the transaction commits.
select pg_notify('sojourn_inbox', input.shard::text)
from unnest(%(shards)s::smallint[]) as input(shard);

-- name: estimate_inbox
-- About how many rows wait, from the first and the last of each shard: ids are counted over all shards, so a shard has
-- one in so many of those between.
select coalesce(sum(newest.inbox_id - oldest.inbox_id + 1), 0)::bigint / greatest((select count(*) from shard), 1) as n
from shard as s
cross join lateral (
    select i.inbox_id
    from inbox as i
    where i.shard = s.shard
    order by i.inbox_id
    limit 1
) as oldest
cross join lateral (
    select i.inbox_id
    from inbox as i
    where i.shard = s.shard
    order by i.inbox_id desc
    limit 1
) as newest;
