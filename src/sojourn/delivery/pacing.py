"""Pacing: spreading the messages of a point over time, by one rate for all senders. Time is an argument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sojourn.store.connection import Conn
from sojourn.store.delivery import PaceRow, lock_pace, write_pace

BURST_SECONDS = 0.25
"""Up to this much of what was not sent in time may be made up for at once."""

MAX_POSTPONEMENT = timedelta(hours=1)
"""A changed rate takes effect within this time."""


@dataclass(slots=True)
class Bucket:
    """The tokens of a point. A message that finds none is told when to come back.

    The promises are spread at the rate, so those who come back find tokens. Whoever does not, because others came
    first, is told another time: the rate is never exceeded.
    """

    tokens: float
    filled_at: datetime
    promised_until: datetime

    @classmethod
    def full(cls, rate_per_second: float, now: datetime) -> Self:
        """Return the bucket of a point that has sent nothing yet."""
        return cls(_most(rate_per_second), now, now)

    def postponed_until(self, rate_per_second: float, now: datetime) -> datetime | None:
        """Take a token, and return None; or return when to come back for one."""
        elapsed = max(0.0, (now - self.filled_at).total_seconds())
        self.tokens = min(_most(rate_per_second), self.tokens + elapsed * rate_per_second)
        self.filled_at = max(now, self.filled_at)
        if self.tokens >= 1:
            self.tokens -= 1
            return None
        latest = now + MAX_POSTPONEMENT
        self.promised_until = min(latest, max(self.promised_until, now) + timedelta(seconds=1 / rate_per_second))
        return self.promised_until


def _most(rate_per_second: float) -> float:
    return max(1.0, rate_per_second * BURST_SECONDS)


@dataclass(frozen=True, slots=True)
class Queue:
    """The messages of a point that want to go now, in order, and the point's rate."""

    rate_per_second: float
    message_ids: Sequence[int]


async def postpone_some(conn: Conn, queues: Mapping[tuple[int, int], Queue], now: datetime) -> dict[int, datetime]:
    """Take tokens for the messages of (journey, point)s. Return when those come back that found none.

    The row of a point is locked for as long as this takes, so all senders together keep its rate.
    """
    postponed: dict[int, datetime] = {}
    for (journey_id, point_no), queue in sorted(queues.items(), key=lambda item: item[0]):
        rate, first = queue.rate_per_second, Bucket.full(queue.rate_per_second, now)
        async with conn.transaction():
            row = PaceRow(journey_id, point_no, first.tokens, first.filled_at, first.promised_until)
            row = await lock_pace(conn, row)
            bucket = Bucket(row.tokens, row.filled_at, row.promised_until)
            untils = {message_id: bucket.postponed_until(rate, now) for message_id in queue.message_ids}
            await write_pace(
                conn, PaceRow(journey_id, point_no, bucket.tokens, bucket.filled_at, bucket.promised_until)
            )
        postponed |= {message_id: until for message_id, until in untils.items() if until is not None}
    return postponed
