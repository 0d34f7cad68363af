-- People who are no more: merged into others, or deleted. Whoever still speaks of them means whom they became.

-- name: find_heirs
-- Whom people became; no row for those who are still themselves, and a row without an heir for the deleted.
select f.shard, f.profile_id, f.into_shard, f.into_profile
from unnest(%(shards)s::smallint[], %(profile_ids)s::bigint[]) as input(shard, profile_id)
join former_profile as f on f.shard = input.shard and f.profile_id = input.profile_id;

-- name: find_predecessors
-- The people given, and those who became them, each with whom they became of the people given.
with recursive before(shard, profile_id, into_shard, into_profile) as (
    select input.shard, input.profile_id, input.shard, input.profile_id
    from unnest(%(shards)s::smallint[], %(profile_ids)s::bigint[]) as input(shard, profile_id)
    union
    select f.shard, f.profile_id, b.into_shard, b.into_profile
    from before as b
    join former_profile as f on f.into_shard = b.shard and f.into_profile = b.profile_id
)
select b.shard, b.profile_id, b.into_shard, b.into_profile
from before as b;

-- name: forward_inbox
-- Send on what waits in a shard for people who are no more: to the inbox of whom they became; what was for the deleted
-- goes nowhere. Only transactions that resolved an identity before its person was merged or deleted leave such rows. What is
-- said about an enrollment names it by its number, which is another by now.
with ahead as materialized (
    select i.inbox_id, i.profile_id
    from inbox as i
    where i.shard = %(shard)s::smallint and i.profile_id is not null
    order by i.inbox_id
    limit %(batch)s::bigint
),
late as materialized (
    select a.inbox_id, f.into_shard, f.into_profile
    from ahead as a
    cross join lateral (
        select x.into_shard, x.into_profile
        from former_profile as x
        where x.shard = %(shard)s::smallint and x.profile_id = a.profile_id and x.moved_at is not null
        offset 0
    ) as f
),
gone as (
    delete from inbox as i
    where i.shard = %(shard)s::smallint and i.inbox_id = any(array(select l.inbox_id from late as l))
    returning i.inbox_id, i.kind, i.workspace_id, i.app_id, i.name, i.data, i.source_id, i.hwid, i.occurred_at, i.received_at
),
sent as (
    insert into inbox (
        shard, kind, workspace_id, app_id, profile_id, name, data, source_id, hwid, occurred_at, received_at
    )
    select
        l.into_shard, g.kind, g.workspace_id, g.app_id, l.into_profile, g.name,
        case when n.enrollment_id is null then g.data else g.data || jsonb_build_object('enrollment_id', n.enrollment_id) end,
        g.source_id, g.hwid, g.occurred_at, g.received_at
    from gone as g
    join late as l on l.inbox_id = g.inbox_id
    cross join lateral (
        select case when g.kind in ('drop', 'outcome') then (g.data ->> 'enrollment_id')::bigint end as number
        offset 0
    ) as said
    left join lateral (
        select x.enrollment_id
        from enrollment as x
        where x.shard = l.into_shard and x.origin_shard = %(shard)s::smallint and x.origin_id = said.number
        offset 0
    ) as n on true
    where l.into_shard is not null
    order by g.inbox_id
    returning shard
)
select distinct s.shard
from sent as s;

-- name: insert_former
-- Note whom people become. Whoever does so holds the locks of all that they go by, so nobody else does.
insert into former_profile (shard, profile_id, into_shard, into_profile, since)
select input.shard, input.profile_id, input.into_shard, input.into_profile, %(now)s::timestamptz
from unnest(
    %(shards)s::smallint[], %(profile_ids)s::bigint[], %(into_shards)s::smallint[], %(into_profiles)s::bigint[]
) as input(shard, profile_id, into_shard, into_profile)
order by input.shard, input.profile_id;
