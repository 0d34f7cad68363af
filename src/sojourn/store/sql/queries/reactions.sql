-- name: find_message
-- Whose a message is: its workspace and app, and the journey that sent it.
select j.workspace_id, j.app_id, j.journey_uuid
from message as m
join journey as j on j.journey_id = m.journey_id
where m.shard = %(shard)s::smallint and m.message_id = %(message_id)s::bigint;

-- name: find_moved_messages
-- Where messages are now whose people were merged, by the shard and number that the world knows them by.
select m.origin_id, m.shard, m.message_id
from unnest(%(message_ids)s::bigint[]) as known (message_id)
join message as m
    on m.shard = any(%(shards)s::smallint[])
    and m.origin_shard = %(shard)s::smallint
    and m.origin_id = known.message_id;

-- name: record_reactions
-- Note the first delivery, opening and click of messages, and count them. Whoever reports a click reports an opening,
-- too. What was noted before changes nothing and is left out of the answer. `is_latest`: the point has sent nothing to
-- the enrollment since.
with input as materialized (
    select reaction.message_id, reaction.was_delivered, reaction.was_opened, reaction.was_clicked
    from unnest(
        %(message_ids)s::bigint[], %(delivered)s::boolean[], %(opened)s::boolean[], %(clicked)s::boolean[]
    ) as reaction (message_id, was_delivered, was_opened, was_clicked)
),
new as materialized (
    select m.message_id,
        input.was_delivered and m.delivered_at is null as is_delivery,
        input.was_opened and m.opened_at is null as is_opening,
        input.was_clicked and m.clicked_at is null as is_click
    from input
    join message as m on m.shard = %(shard)s::smallint and m.message_id = input.message_id
    where (input.was_delivered and m.delivered_at is null)
       or (input.was_opened and m.opened_at is null)
       or (input.was_clicked and m.clicked_at is null)
    order by m.message_id
    for update of m
),
noted as (
    update message as m
    set delivered_at = case when new.is_delivery then %(now)s::timestamptz else m.delivered_at end,
        opened_at = case when new.is_opening then %(now)s::timestamptz else m.opened_at end,
        clicked_at = case when new.is_click then %(now)s::timestamptz else m.clicked_at end
    from new
    where m.shard = %(shard)s::smallint and m.message_id = new.message_id
    returning m.message_id, m.enrollment_id, m.profile_id, m.journey_id, m.version_no, m.point_no, m.channel,
        new.is_delivery, new.is_opening, new.is_click
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, hour, n)
    select %(shard)s::smallint, noted.journey_id, noted.point_no, reaction.metric, %(hour)s::timestamptz, count(*)
    from noted
    cross join lateral (
        values ('delivered', noted.is_delivery), ('opened', noted.is_opening), ('clicked', noted.is_click)
    ) as reaction (metric, is_new)
    where reaction.is_new
    group by noted.journey_id, noted.point_no, reaction.metric
    order by noted.journey_id, noted.point_no, reaction.metric
    on conflict on constraint tally_pkey do update set n = tally.n + excluded.n
)
select noted.message_id, noted.enrollment_id, noted.profile_id, noted.journey_id, noted.version_no, noted.point_no,
    noted.channel::text as channel, noted.is_delivery, noted.is_opening, noted.is_click,
    j.journey_uuid::text as journey_uuid, j.workspace_id, j.app_id, p.point_uuid::text as point_uuid,
    not exists (
        select
        from message as later
        where later.shard = %(shard)s::smallint
          and later.enrollment_id = noted.enrollment_id
          and later.point_no = noted.point_no
          and later.message_id > noted.message_id
    ) as is_latest
from noted
join journey as j on j.journey_id = noted.journey_id
join point as p on p.journey_id = noted.journey_id and p.point_no = noted.point_no
order by noted.message_id;
