"""Reactions: the first delivery, opening and click of messages. Decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What was reported of a message."""

    message_id: int
    was_delivered: bool
    was_opened: bool
    was_clicked: bool


@dataclass(frozen=True, slots=True)
class MessageOwner:
    """Whose a message is, and the journey that sent it."""

    workspace_id: int
    app_id: int
    journey_uuid: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRow:
    """What was new about a message.

    Attributes:
        is_delivery: Nobody had said that it came, and now somebody did.
        is_opening: It had not been opened, and now was.
        is_click: It had not been clicked, and now was.
        is_latest: Its point has sent nothing else to the enrollment since.
    """

    message_id: int
    enrollment_id: int
    profile_id: int
    journey_id: int
    version_no: int
    point_no: int
    channel: str
    is_delivery: bool
    is_opening: bool
    is_click: bool
    journey_uuid: str
    workspace_id: int
    app_id: int
    point_uuid: str
    is_latest: bool


async def find_message(conn: Conn, *, shard: int, message_id: int) -> MessageOwner | None:
    """Return whose a message is; None where there is none of this number."""
    row = await (await conn.execute(QUERIES["find_message"], {"shard": shard, "message_id": message_id})).fetchone()
    return None if row is None else MessageOwner(*row)


async def find_moved_messages(
    conn: Conn, *, shard: int, message_ids: Sequence[int], shard_count: int
) -> dict[int, tuple[int, int]]:
    """Return where messages are now whose people were merged: shard and number, by the number they had before."""
    given = {"shard": shard, "message_ids": list(message_ids), "shards": list(range(shard_count))}
    cursor = await conn.execute(QUERIES["find_moved_messages"], given)
    return {origin_id: (place, number) for origin_id, place, number in await cursor.fetchall()}


async def record_reactions(
    conn: Conn, *, shard: int, reported: Sequence[Reported], now: datetime, hour: datetime
) -> list[ReactionRow]:
    """Note and count what is new about messages. Return only that."""
    values = {
        "shard": shard,
        "message_ids": [each.message_id for each in reported],
        "delivered": [each.was_delivered for each in reported],
        "opened": [each.was_opened for each in reported],
        "clicked": [each.was_clicked for each in reported],
        "now": now,
        "hour": hour,
    }
    async with conn.cursor(row_factory=class_row(ReactionRow)) as cursor:
        await cursor.execute(QUERIES["record_reactions"], values)
        return await cursor.fetchall()
