"""Calls of the upkeep: which tables have outgrown their plans, and what may be forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg import sql

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES

GROWING = (
    "conversion",
    "deadline",
    "departure",
    "device",
    "draw",
    "enrollment",
    "event",
    "inbox",
    "message",
    "passage",
    "profile",
    "profile_change",
    "stay",
)
"""Tables that a tick looks into or adds to."""


async def outgrown_tables(conn: Conn) -> list[str]:
    """Return the tables and partitions that have outgrown what the planner knows of them."""
    cursor = await conn.execute(QUERIES["outgrown_tables"], {"names": list(GROWING)}, prepare=True)
    return [row[0] for row in await cursor.fetchall()]


async def measure_tables(conn: Conn, names: Sequence[str]) -> None:
    """Let the database measure tables, except those being measured or vacuumed now; plans made before are made anew."""
    for name in names:
        await conn.execute(
            sql.SQL("analyze (skip_locked) {}").format(sql.Identifier(*name.replace('"', "").split(".")))
        )


async def take_upkeep(conn: Conn) -> bool:
    """Tell whether this transaction may do the upkeep; no other may until it ends."""
    return await (await conn.execute(QUERIES["take_upkeep"])).fetchone() is not None


@dataclass(frozen=True, slots=True)
class AppRetention:
    """How long an app keeps its events.

    Attributes:
        days: None: for ever.
        forgotten_until: Events before this day have been looked through.
    """

    app_id: int
    days: int | None
    forgotten_until: date | None


async def read_retentions(conn: Conn) -> list[AppRetention]:
    """Return how long each app keeps its events."""
    return [AppRetention(*row) for row in await (await conn.execute(QUERIES["read_retentions"])).fetchall()]


async def days_kept(conn: Conn) -> dict[int, int | None]:
    """Return for how many days each app keeps its events; None: for ever."""
    return {each.app_id: each.days for each in await read_retentions(conn)}


async def installation_retentions(conn: Conn) -> tuple[int | None, int | None]:
    """Return for how many days passages, and changes of attributes, are kept; None: for ever."""
    row = await (await conn.execute(QUERIES["read_installation_retentions"])).fetchone()
    assert row is not None, "an initialised database has its installation row"
    return row[0], row[1]


async def forget_events(
    conn: Conn, *, shard: int, app_id: int, from_: datetime, to: datetime, after: int, batch: int
) -> tuple[int | None, int]:
    """Delete an app's events of a period, as far as they are among the next `batch` of the shard behind number `after`.

    Return the number of the last one looked at (None: there were none left), and how many were deleted.
    """
    values = {"shard": shard, "app_id": app_id, "from_": from_, "to": to, "after": after, "batch": batch}
    row = await (await conn.execute(QUERIES["forget_events"], values)).fetchone()
    assert row is not None, "the query returns exactly one row"
    return row[0], row[1]


async def note_events_forgotten(conn: Conn, *, app_id: int, until: date | None) -> None:
    """Note that the events of an app before a day have been looked through; None: that there may be older ones."""
    await conn.execute(QUERIES["note_events_forgotten"], {"app_id": app_id, "until": until})


async def forget_entry_requests(conn: Conn, *, shards: Sequence[int], before: datetime, batch: int) -> int:
    """Forget up to `batch` requests to enroll from before an instant, and what became of them; return how many."""
    cursor = await conn.execute(QUERIES["forget_entry_requests"], {"before": before, "batch": batch})
    requests = [row[0] for row in await cursor.fetchall()]
    if requests:
        await conn.execute(QUERIES["forget_request_tallies"], {"shards": list(shards), "requests": requests})
    return len(requests)


async def forget_imports(conn: Conn, *, before: datetime) -> int:
    """Forget imports begun before an instant; return how many."""
    return (await conn.execute(QUERIES["forget_imports"], {"before": before})).rowcount


async def forget_event_sources(conn: Conn, *, shard: int, before: datetime) -> int:
    """Forget the source ids of events received before an instant; return how many."""
    return (await conn.execute(QUERIES["forget_event_sources"], {"shard": shard, "before": before})).rowcount


async def forget_idempotency_keys(conn: Conn, *, before: datetime) -> int:
    """Forget first answers given before an instant; return how many."""
    return (await conn.execute(QUERIES["forget_idempotency_keys"], {"before": before})).rowcount
