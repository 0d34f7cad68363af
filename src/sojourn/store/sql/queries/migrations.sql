-- name: applied_migrations
-- Names of the migrations that this database has had.
select name
from schema_migration
order by name;

-- name: has_migrations
-- Whether this database has had its first migration.
select to_regclass('schema_migration') is not null as has_migrations;

-- name: insert_migration
-- Record that a migration was applied.
insert into schema_migration (name, applied_at)
values (%(name)s, %(now)s);

-- name: lock_migrations
-- Let one migrating process at a time through, until its transaction ends. An advisory lock, because on an empty
-- database there is no table to lock; the number is ours alone, it spells "sojourn".
select pg_advisory_xact_lock(32492125248909934);
