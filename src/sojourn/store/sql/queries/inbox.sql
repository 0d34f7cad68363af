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

-- name: append_letters
-- Append rows for people who go by one name or two, if it is settled who all of them are: each is known and present, two
-- names of a row are one person's, and no entry enrolls people whom the events name. Tells the shards, and returns one
-- row for each; none where somebody has to be decided about first, and then nothing is appended. The data is one JSON
-- array, as in `append_inbox`.
with person as materialized (
    select
        input.place, lead.profile_shard as shard, lead.profile_id,
        coalesce(
            (input.other_value is null or other.profile_id = lead.profile_id)
            and not exists (
                select from former_profile as f where f.shard = lead.profile_shard and f.profile_id = lead.profile_id
            ),
            false
        ) as is_settled
    from unnest(
        %(lead_shards)s::smallint[], %(workspace_ids)s::integer[], %(lead_kinds)s::text[], %(lead_values)s::text[],
        %(other_shards)s::smallint[], %(other_kinds)s::text[], %(other_values)s::text[]
    ) with ordinality as input(
        shard, workspace_id, kind, value, other_shard, other_kind, other_value, place
    )
    left join lateral (
        select i.profile_shard, i.profile_id
        from identity as i
        where i.shard = input.shard
          and i.workspace_id = input.workspace_id
          and i.kind = input.kind::identity_kind
          and i.value = input.value
        offset 0
    ) as lead on true
    left join lateral (
        select i.profile_id
        from identity as i
        where i.shard = input.other_shard
          and i.workspace_id = input.workspace_id
          and i.kind = input.other_kind::identity_kind
          and i.value = input.other_value
        offset 0
    ) as other on true
),
verdict as materialized (
    select
        bool_and(person.is_settled and person.profile_id is not null)
        and not exists (
            select
            from unnest(%(event_workspace_ids)s::integer[], %(event_names)s::text[]) as event(workspace_id, name)
            join listener as l on l.workspace_id = event.workspace_id and l.event_name = event.name
            where l.reaction = 'enroll_named'
        ) as is_settled
    from person
),
appended as (
    insert into inbox
        (shard, kind, workspace_id, app_id, profile_id, name, data, source_id, hwid, occurred_at, received_at)
    select
        person.shard, input.kind::inbox_kind, input.workspace_id, input.app_id, person.profile_id, input.name,
        input.data, input.source_id, input.hwid, coalesce(input.occurred_at, %(now)s::timestamptz), %(now)s::timestamptz
    from rows from (
        unnest(
            %(kinds)s::text[], %(workspace_ids)s::integer[], %(app_ids)s::integer[], %(names)s::text[],
            %(source_ids)s::text[], %(hwids)s::text[], %(occurred_at)s::timestamptz[]
        ),
        jsonb_array_elements(%(data)s::jsonb)
    ) with ordinality as input(kind, workspace_id, app_id, name, source_id, hwid, occurred_at, data, place)
    join person on person.place = input.place
    where (select verdict.is_settled from verdict)
    order by input.place
    returning shard
)
select pg_notify('sojourn_inbox', told.shard::text)
from (select distinct appended.shard from appended) as told;

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
