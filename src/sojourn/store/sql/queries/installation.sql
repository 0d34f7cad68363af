-- name: insert_installation
-- Make the installation's one row; the first call decides the number of shards.
insert into installation (shard_count, created_at)
values (%(shard_count)s, %(now)s)
on conflict (installation_id) do nothing;

-- name: insert_shards
-- Make the rows whose locks are the leases of the ticks, as many as the installation has shards.
insert into shard (shard)
select numbers.shard::smallint
from installation as i, generate_series(0, i.shard_count - 1) as numbers(shard)
on conflict (shard) do nothing;

-- name: insert_workspace
-- Make a workspace unless its name is taken.
insert into workspace (tenant_id, name, created_at)
values (%(tenant_id)s, %(name)s, %(now)s)
on conflict (name) do nothing;

-- name: shard_count
-- The number of shards, fixed when the installation was made.
select shard_count
from installation;
