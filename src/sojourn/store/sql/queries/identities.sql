-- name: devices_of
-- What is known of the devices of people, the latest word on each: applied, or waiting in the inbox. Gone ones are left
-- out. Arrays of (shard, profile, hwid) in.
with input as (
    select *
    from unnest(%(shards)s::smallint[], %(profile_ids)s::bigint[], %(hwids)s::text[]) as given(shard, profile_id, hwid)
),
known as (
    select
        input.shard, input.profile_id, input.hwid, d.app_id, 0::bigint as inbox_id,
        jsonb_strip_nulls(jsonb_build_object(
            'hwid', d.hwid, 'channel', d.channel, 'platform', d.platform, 'push_token', d.push_token,
            'language', d.language, 'is_subscribed', d.is_subscribed, 'details', nullif(d.details, '{}')
        )) as data
    from input
    join device as d on d.shard = input.shard and d.profile_id = input.profile_id and d.hwid = input.hwid
    union all
    select input.shard, input.profile_id, input.hwid, waiting.app_id, waiting.inbox_id, waiting.data
    from input
    join inbox as waiting
        on waiting.shard = input.shard
        and waiting.profile_id = input.profile_id
        and waiting.kind = 'device'
        and waiting.data ->> 'hwid' = input.hwid
    where waiting.app_id is not null
),
latest as (
    select distinct on (shard, profile_id, hwid, app_id) shard, profile_id, hwid, app_id, data
    from known
    order by shard, profile_id, hwid, app_id, inbox_id desc
)
select shard, profile_id, hwid, app_id, data::text as data
from latest
where not coalesce((data ->> 'gone')::boolean, false)
order by shard, profile_id, hwid, app_id;

-- name: find_identities
-- Whose the identities are. Arrays in, rows out; an identity that nobody has gives no row. `is_former`: its person has
-- become another since.
select
    i.workspace_id, i.kind::text as kind, i.value, i.profile_shard, i.profile_id,
    exists (
        select from former_profile as f where f.shard = i.profile_shard and f.profile_id = i.profile_id
    ) as is_former
from unnest(
    %(shards)s::smallint[], %(workspace_ids)s::integer[], %(kinds)s::text[], %(values)s::text[]
) as input(shard, workspace_id, kind, value)
join identity as i
    on i.shard = input.shard
    and i.workspace_id = input.workspace_id
    and i.kind = input.kind::identity_kind
    and i.value = input.value;

-- name: insert_identities
-- Claim identities for people. Arrays in, in the order of locking; the identities that nobody had before come out. One
-- whose person has been deleted is nobody's.
insert into identity (shard, workspace_id, kind, value, profile_shard, profile_id, created_at)
select
    input.shard, input.workspace_id, input.kind::identity_kind, input.value, input.profile_shard, input.profile_id,
    %(now)s::timestamptz
from unnest(
    %(shards)s::smallint[], %(workspace_ids)s::integer[], %(kinds)s::text[], %(values)s::text[],
    %(profile_shards)s::smallint[], %(profile_ids)s::bigint[]
) with ordinality as input(shard, workspace_id, kind, value, profile_shard, profile_id, place)
order by input.place
on conflict (shard, workspace_id, kind, value) do update set
    profile_shard = excluded.profile_shard,
    profile_id = excluded.profile_id,
    created_at = excluded.created_at
where exists (
    select from former_profile as f
    where f.shard = identity.profile_shard and f.profile_id = identity.profile_id and f.into_profile is null
)
returning workspace_id, kind::text as kind, value, profile_shard, profile_id;

-- name: lock_identities
-- Whose the identities are, and let nobody else say otherwise until the transaction ends. Arrays in, in the order of
-- locking. `is_former` as in `find_identities`.
select
    i.workspace_id, i.kind::text as kind, i.value, i.profile_shard, i.profile_id,
    exists (
        select from former_profile as f where f.shard = i.profile_shard and f.profile_id = i.profile_id
    ) as is_former
from unnest(
    %(shards)s::smallint[], %(workspace_ids)s::integer[], %(kinds)s::text[], %(values)s::text[]
) with ordinality as input(shard, workspace_id, kind, value, place)
join identity as i
    on i.shard = input.shard
    and i.workspace_id = input.workspace_id
    and i.kind = input.kind::identity_kind
    and i.value = input.value
order by input.place
for update of i;

-- name: move_identities
-- Give identities to other people. The caller holds their locks.
update identity as i
set profile_shard = input.profile_shard, profile_id = input.profile_id
from unnest(
    %(shards)s::smallint[], %(workspace_ids)s::integer[], %(kinds)s::text[], %(values)s::text[],
    %(profile_shards)s::smallint[], %(profile_ids)s::bigint[]
) as input(shard, workspace_id, kind, value, profile_shard, profile_id)
where i.shard = input.shard
  and i.workspace_id = input.workspace_id
  and i.kind = input.kind::identity_kind
  and i.value = input.value;

-- name: new_profile_ids
-- Reserve numbers for new people.
select nextval('profile_number') as profile_id
from generate_series(1, %(count)s::integer);

-- name: identities_of
-- What is written down as people's. Arrays in.
select i.workspace_id, i.kind::text as kind, i.value, input.shard, input.profile_id
from unnest(%(shards)s::smallint[], %(profile_ids)s::bigint[]) as input(shard, profile_id)
join identity as i on i.profile_shard = input.shard and i.profile_id = input.profile_id;
