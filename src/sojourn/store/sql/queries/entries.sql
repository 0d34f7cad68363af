-- name: entry_outcomes
-- What became of the people of a request, over all shards.
select t.outcome, sum(t.n)::bigint as n
from request_tally as t
where t.shard = any(%(shards)s::smallint[])
  and t.request_uuid = %(request_uuid)s
group by t.outcome
order by t.outcome;

-- name: entry_is_being_selected
-- Whether a shard has yet to say whom the filter of a request meets.
select exists (
    select from inbox as i
    where i.shard = any(%(shards)s::smallint[])
      and i.profile_id is null
      and i.kind = 'select'
      and i.data ->> 'request_uuid' = %(request_uuid)s::uuid::text
) as is_being_selected;

-- name: find_entry_request
-- A request to enroll people in a journey.
select accepted
from entry_request
where request_uuid = %(request_uuid)s
  and journey_id = %(journey_id)s;

-- name: find_first_answer
-- The answer that a request with an idempotency key got, and the hash of that request.
select request_hash, body
from idempotency_key
where workspace_id = %(workspace_id)s
  and key = %(key)s;

-- name: find_journeys_in_progress
-- Which of the journeys named are the workspace's, and whether people may be taken out of them. An array in.
select j.journey_uuid, j.journey_id, j.status in ('running', 'paused') as is_active
from journey as j
where j.workspace_id = %(workspace_id)s
  and j.journey_uuid = any(%(journey_uuids)s::uuid[]);

-- name: insert_entry_request
-- Keep a request to enroll people.
insert into entry_request (request_uuid, workspace_id, journey_id, point_no, accepted, received_at)
values (%(request_uuid)s, %(workspace_id)s, %(journey_id)s, %(point_no)s, %(accepted)s, %(now)s);

-- name: insert_first_answer
-- Keep the answer to a request with an idempotency key, unless the key was used. Waits for a transaction that is
-- using it.
insert into idempotency_key (workspace_id, key, request_hash, status, body, created_at)
values (%(workspace_id)s, %(key)s, %(request_hash)s, 200, %(body)s, %(now)s)
on conflict (workspace_id, key) do nothing;

-- name: last_entry_request_at
-- When a request for an entry point was last accepted; null if never.
select max(r.received_at) as received_at
from entry_request as r
where r.journey_id = %(journey_id)s
  and r.point_no = %(point_no)s;
