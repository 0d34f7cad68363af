"""Retry: when to try again, and when to give up. Pure: chance and time are arguments."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = timedelta(hours=12)
"""The longest pause that a provider may ask for."""

MIN_DELAY = timedelta(seconds=1)

_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses that grow by a factor from `first` to `ceiling`, `max_attempts` tries in all."""

    first: timedelta
    factor: int
    ceiling: timedelta
    max_attempts: int

    def limit(self, attempt: int) -> timedelta:
        """Return the longest pause after attempt number `attempt`, from 1.

        >>> [str(PATIENT.limit(attempt)) for attempt in (1, 2, 5, 7)]
        ['0:01:00', '0:05:00', '10:25:00', '12:00:00']
        """
        return min(self.ceiling, self.first * self.factor ** min(attempt - 1, 20))


PATIENT = Backoff(first=timedelta(minutes=1), factor=5, ceiling=timedelta(hours=12), max_attempts=8)
"""For messages that nobody waits for: about a day."""

PROMPT = Backoff(first=timedelta(seconds=2), factor=2, ceiling=timedelta(minutes=1), max_attempts=8)
"""For webhooks that hold a person, whose own time limit ends the tries."""


def next_attempt_at(
    backoff: Backoff,
    *,
    attempt: int,
    now: datetime,
    chance: float,
    asked: timedelta | None = None,
    deadline: datetime | None = None,
) -> datetime | None:
    """Return when to try again after attempt number `attempt` failed at `now`; None when it was the last.

    The pause is drawn evenly from nothing to the backoff's limit ("full jitter"), so that what failed together does
    not come back together. It is never shorter than the provider asked for.

    Args:
        backoff: The pauses.
        attempt: The attempt that failed, from 1.
        now: When.
        chance: From 0 to 1, evenly distributed.
        asked: The pause that the provider asked for.
        deadline: No attempt starts at or after it.
    """
    if attempt >= backoff.max_attempts:
        return None
    pause = max(MIN_DELAY, backoff.limit(attempt) * chance, min(asked or MIN_DELAY, MAX_RETRY_AFTER))
    again = now + pause
    return None if deadline is not None and again >= deadline else again


def retry_after(value: str | None, received_at: datetime) -> timedelta | None:
    """Read a Retry-After header: seconds or an HTTP date, brought within bounds. None where it says nothing.

    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> str(retry_after("120", at)), str(retry_after("Thu, 01 Jan 2026 00:01:00 GMT", at)), retry_after("soon", at)
    ('0:02:00', '0:01:00', None)
    >>> str(retry_after("99999999", at)), str(retry_after("Thu, 01 Jan 1970 00:00:00 GMT", at))
    ('12:00:00', '0:00:00')
    """
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    pause = (at if at.tzinfo else at.replace(tzinfo=UTC)) - received_at
    return max(timedelta(), min(pause, MAX_RETRY_AFTER))
