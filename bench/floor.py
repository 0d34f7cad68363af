"""Floor: the least hand-written SQL that makes the durable changes of the welcome series' wait.

One statement per batch, in a transaction of its own: the people come off their point, the condition is looked up in
their profiles, and the same rows appear in message, passage, departure and tally. It knows nothing of journeys,
versions, inbox, leases or alarms; paths are constants and counts come from one aggregate. It is prepared, and the
planner is free.
"""

from collections.abc import Sequence
from datetime import datetime

import psycopg

BATCH = 50_000
"""People in one transaction, as many as in a tick of the engine."""

MOVE = """
with gone as (
    delete from stay as s
    where s.shard = %(shard)s::smallint
      and s.ctid = any(array(
          select d.ctid
          from stay as d
          where d.shard = %(shard)s::smallint and d.journey_id = 1 and d.point_no = 2
            and d.wake_at <= %(now)s::timestamptz
          order by d.wake_at
          limit %(batch)s::bigint
      ))
    returning s.enrollment_id, s.profile_id
),
parted as materialized (
    select g.enrollment_id, g.profile_id, p.attributes ->> 'tier' = 'gold' as is_gold
    from gone as g
    join profile as p on p.shard = %(shard)s::smallint and p.profile_id = g.profile_id
),
written as (
    insert into message (
        shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel, priority, due_at, created_at
    )
    select
        %(shard)s::smallint, p.enrollment_id, p.profile_id, 1, 1, 4, 'email', 1, %(now)s::timestamptz,
        %(now)s::timestamptz
    from parted as p
    where p.is_gold
),
passed as (
    insert into passage (shard, enrollment_id, path, at)
    select
        %(shard)s::smallint, p.enrollment_id, case when p.is_gold then '{2,3,4,5}' else '{2,3,5}' end::smallint[],
        %(now)s::timestamptz
    from parted as p
),
counted as (
    insert into tally (shard, journey_id, point_no, metric, detail, hour, n)
    select
        %(shard)s::smallint, 1, row.point_no, row.metric, row.detail,
        date_trunc('hour', %(now)s::timestamptz, 'UTC'), row.n
    from (select count(*) as everybody, count(*) filter (where is_gold) as gold from parted) as c
    cross join lateral (values
        (2::smallint, 'left', 'default', c.everybody),
        (3, 'entered', '', c.everybody),
        (3, 'left', 'default', c.everybody - c.gold),
        (3, 'left', 'output1', c.gold),
        (4, 'entered', '', c.gold),
        (4, 'left', 'default', c.gold),
        (5, 'entered', '', c.everybody),
        (5, 'completed', '', c.everybody)
    ) as row(point_no, metric, detail, n)
    where row.n > 0
    on conflict (shard, journey_id, point_no, metric, detail, hour) do update set n = tally.n + excluded.n
)
insert into departure (shard, enrollment_id, journey_id, point_no, outcome, at)
select %(shard)s::smallint, p.enrollment_id, 1, 5, 'completed', %(now)s::timestamptz
from parted as p
"""


def move_everybody(url: str, shards: Sequence[int], now: datetime) -> int:
    """Move whoever is due in the shards; return how many that were."""
    with psycopg.connect(url) as conn:
        return sum(_move_shard(conn, shard, now) for shard in shards)


def _move_shard(conn: psycopg.Connection, shard: int, now: datetime) -> int:
    moved, last = 0, BATCH
    while last == BATCH:
        with conn.transaction():
            last = conn.execute(MOVE, {"shard": shard, "now": now, "batch": BATCH}, prepare=True).rowcount
        moved += last
    return moved
