"""Pacing: spreading the messages of a point over time. Holds numbers only; time is an argument."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

BURST_SECONDS = 0.25
"""Up to this much of what was not sent in time may be made up for at once."""

MAX_POSTPONEMENT = timedelta(hours=1)
"""A changed rate takes effect within this time."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: datetime
    promised_until: datetime


class Pacer:
    """One token bucket per key. What finds no token is told when to come back.

    The promises are spread at the rate, so those who come back find tokens. Whoever does not, because others came
    first, is told another time: the rate is never exceeded.
    """

    def __init__(self) -> None:
        self._buckets: dict[Hashable, _Bucket] = {}

    def postponed_until(self, key: Hashable, rate_per_second: float, now: datetime) -> datetime | None:
        """Take a token of `key`, and return None; or return when to come back for one."""
        most = max(1.0, rate_per_second * BURST_SECONDS)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(most, now, now)
        elapsed = max(0.0, (now - bucket.filled_at).total_seconds())
        bucket.tokens = min(most, bucket.tokens + elapsed * rate_per_second)
        bucket.filled_at = max(now, bucket.filled_at)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        latest = now + MAX_POSTPONEMENT
        bucket.promised_until = min(latest, max(bucket.promised_until, now) + timedelta(seconds=1 / rate_per_second))
        return bucket.promised_until
