-- name: read_attributes
-- The attributes of one person.
select p.attributes
from profile as p
where p.shard = %(shard)s::smallint and p.profile_id = %(profile_id)s::bigint;
