-- Fixed lists: who is on them. Ticks alone write members, told by the inbox; only lists that are no more are cleared.

-- name: find_list
-- A fixed list of a workspace, which nobody deletes until the transaction ends.
select s.segment_id
from segment as s
where s.workspace_id = %(workspace_id)s::integer and s.code = %(code)s::text and s.is_list
for key share;

-- name: lock_list
-- A fixed list of a workspace, of which nobody else who replaces its members says anything until the transaction ends.
select s.segment_id
from segment as s
where s.workspace_id = %(workspace_id)s::integer and s.code = %(code)s::text and s.is_list
for no key update;

-- name: count_members
-- How many people are on a list.
select count(*)
from static_member as m
where m.shard = any(%(shards)s::smallint[]) and m.segment_id = %(segment_id)s::integer;

-- name: list_members
-- A page of the people on a list, by shard and number, with all that they go by.
select
    m.shard, m.profile_id, m.added_at, p.user_id,
    (
        select jsonb_agg(jsonb_build_array(i.kind, i.value) order by i.kind, i.created_at, i.value)
        from identity as i
        where i.profile_id = m.profile_id
    ) as identities
from (
    select page.shard, page.profile_id, page.added_at
    from unnest(%(shards)s::smallint[]) as s(shard)
    cross join lateral (
        select x.shard, x.profile_id, x.added_at
        from static_member as x
        where x.shard = s.shard
          and x.segment_id = %(segment_id)s::integer
          and x.profile_id > case when s.shard = %(after_shard)s::smallint then %(after_profile)s::bigint else 0 end
        order by x.profile_id
        limit %(count)s::bigint
    ) as page
    order by page.shard, page.profile_id
    limit %(count)s::bigint
) as m
left join profile as p on p.shard = m.shard and p.profile_id = m.profile_id
order by m.shard, m.profile_id;

-- name: not_on_list
-- Those of some people of a shard who are not on a list, once all that waits in the inbox has been applied.
with said as materialized (
    select distinct on (i.profile_id) i.profile_id, (i.data ->> 'gone')::boolean as gone
    from inbox as i
    where i.shard = %(shard)s::smallint
      and i.kind = 'list'
      and (i.data ->> 'segment_id')::integer = %(segment_id)s::integer
    order by i.profile_id, i.inbox_id desc
)
select k.profile_id
from unnest(%(profile_ids)s::bigint[]) as k(profile_id)
left join said as w on w.profile_id = k.profile_id
where coalesce(w.gone, not exists (
    select from static_member as m
    where m.shard = %(shard)s::smallint and m.segment_id = %(segment_id)s::integer and m.profile_id = k.profile_id
))
order by k.profile_id;

-- name: others_on_list
-- Some people of a shard who are on a list, once all that waits in the inbox has been applied, and are none of these.
with said as materialized (
    select distinct on (i.profile_id) i.profile_id, (i.data ->> 'gone')::boolean as gone
    from inbox as i
    where i.shard = %(shard)s::smallint
      and i.kind = 'list'
      and (i.data ->> 'segment_id')::integer = %(segment_id)s::integer
    order by i.profile_id, i.inbox_id desc
),
present as (
    select m.profile_id
    from static_member as m
    where m.shard = %(shard)s::smallint
      and m.segment_id = %(segment_id)s::integer
      and not exists (select from said as w where w.profile_id = m.profile_id and w.gone)
    union
    select w.profile_id
    from said as w
    where not w.gone
)
select p.profile_id
from present as p
where not exists (select from unnest(%(profile_ids)s::bigint[]) as k(profile_id) where k.profile_id = p.profile_id)
order by p.profile_id
limit %(batch)s::bigint;

-- name: dead_lists
-- The numbers of lists that are no more but have members in a shard. Jumps through the index from list to list.
with recursive listed as (
    select min(m.segment_id) as segment_id
    from static_member as m
    where m.shard = %(shard)s::smallint
    union all
    select (
        select min(m.segment_id)
        from static_member as m
        where m.shard = %(shard)s::smallint and m.segment_id > l.segment_id
    )
    from listed as l
    where l.segment_id is not null
)
select l.segment_id
from listed as l
where l.segment_id is not null
  and not exists (select from segment as s where s.segment_id = l.segment_id);

-- name: clear_list
-- Take some people of a shard off a list that is no more. The caller holds the shard's lease.
delete from static_member as m
where m.shard = %(shard)s::smallint and m.ctid = any(array(
    select x.ctid
    from static_member as x
    where x.shard = %(shard)s::smallint and x.segment_id = %(segment_id)s::integer
    limit %(batch)s::bigint
));
