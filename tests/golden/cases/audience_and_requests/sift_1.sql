-- who watches 9a3047c5f013e459d80dad49c222de17 has to look; compiler 1
with
candidate as materialized (
    select distinct c.profile_id from unnest(%(people)s::bigint[]) as c(profile_id)
),
seen as materialized (
    select c.profile_id, p.profile_id is not null and coalesce((p.attributes -> %(v1)s::text) = %(v2)s::jsonb or jsonb_typeof((p.attributes -> %(v1)s::text)) = 'array' and exists (select 1 from elements_v1((p.attributes -> %(v1)s::text)) as element(value) where element.value = %(v2)s::jsonb), false) as is_member, null::timestamptz as check_at
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
