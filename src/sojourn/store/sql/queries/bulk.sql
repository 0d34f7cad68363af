-- name: bulk_is_waiting
-- Whether any row up to the watermarks of a request is still in the inbox of its shard.
select exists (
    select
    from unnest(%(shards)s::smallint[], %(inbox_ids)s::bigint[]) as watermark (shard, inbox_id)
    where exists (
        select
        from inbox as i
        where i.shard = watermark.shard and i.inbox_id <= watermark.inbox_id
    )
) as is_waiting;

-- name: find_bulk_request
-- What is known of a request that named many people.
select items, refused, watermarks
from bulk_request
where workspace_id = %(workspace_id)s and request_uuid = %(request_uuid)s;

-- name: forget_bulk_requests
-- Forget requests that nobody asks about any more.
delete from bulk_request as b
where b.received_at < %(before)s::timestamptz;

-- name: hwids_of_push_tokens
-- The devices of an app that have these push tokens; of several with one token, the one changed last.
select distinct on (wanted.push_token) wanted.push_token, d.hwid
from unnest(%(push_tokens)s::text[]) as wanted (push_token)
cross join shard as s
join device as d on d.shard = s.shard and d.push_token = wanted.push_token
where d.app_id = %(app_id)s
order by wanted.push_token, d.updated_at desc, d.hwid;

-- name: insert_bulk_request
-- Keep a request with the last number in the inbox of each shard: whatever it said has numbers up to these.
insert into bulk_request (request_uuid, workspace_id, items, refused, watermarks, received_at)
select
    %(request_uuid)s, %(workspace_id)s, %(items)s, %(refused)s::jsonb,
    coalesce(jsonb_object_agg(s.shard, newest.inbox_id) filter (where newest.inbox_id is not null), '{}'::jsonb),
    %(now)s::timestamptz
from shard as s
left join lateral (
    select i.inbox_id
    from inbox as i
    where i.shard = s.shard
    order by i.inbox_id desc
    limit 1
) as newest on true;
