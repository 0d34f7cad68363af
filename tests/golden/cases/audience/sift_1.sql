-- who watches 870aacd2ccd9937901623d9f562b3b29 has to look; compiler 1
with
candidate as materialized (
    select distinct c.profile_id from unnest(%(people)s::bigint[]) as c(profile_id)
),
seen as materialized (
    select c.profile_id, p.profile_id is not null and ((p.app_ids @> array[1]) and ((coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false) or coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false)) and coalesce(instant_v1((p.attributes -> %(v3)s::text)) >= (select days_ago_v1(%(now)s::timestamptz, %(v4)s::integer)) or jsonb_typeof((p.attributes -> %(v3)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v3)s::text)) as element(value) where instant_v1(element.value) >= (select days_ago_v1(%(now)s::timestamptz, %(v4)s::integer))), false))) as is_member, case when not ((p.app_ids @> array[1])) then null else case when not ((coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false) or coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false))) then null else next_turn_v1((p.attributes -> %(v3)s::text), %(v6)s::integer[], %(now)s::timestamptz) end end as check_at
    from candidate as c
    left join lateral (
        select p.profile_id, p.attributes, p.app_ids, p.created_at, p.language, p.location, p.time_zone, p.updated_at, p.user_id from profile as p
        where p.shard = %(shard)s::smallint and p.profile_id = c.profile_id offset 0
    ) as p on true
)
select w.journey_id, w.point_no
from unnest(%(journey_ids)s::integer[], %(point_nos)s::smallint[]) as w(journey_id, point_no)
where exists (
    select
    from seen as s
    left join lateral (
        select m.is_member, m.check_at from audience_member as m
        where m.shard = %(shard)s::smallint and m.journey_id = w.journey_id and m.point_no = w.point_no and m.profile_id = s.profile_id offset 0
    ) as m on true
    where coalesce(m.is_member, false) <> s.is_member or m.check_at is distinct from s.check_at
)

-- v1 = "vip"
-- v2 = "true"
-- v3 = "visit"
-- v4 = 3
-- v5 = 2
-- v6 = [4]
