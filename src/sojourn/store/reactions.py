"""Reactions: the first opening and the first click of messages. Decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from sojourn.store.connection import Conn
from sojourn.store.queries import QUERIES


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionRow:
    """What was new about a message.

    Attributes:
        is_opening: It had not been opened.
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
    is_opening: bool
    is_click: bool
    journey_uuid: str
    workspace_id: int
    app_id: int
    point_uuid: str
    is_latest: bool


async def record_reactions(
    conn: Conn, *, shard: int, have_clicked: Mapping[int, bool], now: datetime, hour: datetime
) -> list[ReactionRow]:
    """Note and count what is new about messages that were opened, or clicked as well. Return only that."""
    values = {
        "shard": shard,
        "message_ids": list(have_clicked.keys()),
        "have_clicked": list(have_clicked.values()),
        "now": now,
        "hour": hour,
    }
    async with conn.cursor(row_factory=class_row(ReactionRow)) as cursor:
        await cursor.execute(QUERIES["record_reactions"], values)
        return await cursor.fetchall()
