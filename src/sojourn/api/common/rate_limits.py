"""Rate limits: how often somebody may ask within a minute, counted in the memory of one process."""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil

from sojourn.model.problems import SojournError

WINDOW = timedelta(minutes=1)
KEYS_MAX = 20_000
"""Callers that one limit keeps count of. Of more, those whose minute began first are forgotten."""


class TooOften(SojournError):
    """Too many requests; try again later."""

    code = "rate_limited"

    def __init__(self, limit: int, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"at most {limit} requests a minute are answered; try again in {retry_after_s} s")


class RateLimit:
    """Lets so many requests of each caller pass in a minute that begins with their first.

    Two numbers are kept for each caller, in the order in which their minutes began: what has ended is at the front.

    Args:
        limit: Requests a minute; 0: any number.
        clock: Says the instant.
        keys_max: Callers that are counted at most.
    """

    def __init__(self, limit: int, clock: Callable[[], datetime], *, keys_max: int = KEYS_MAX) -> None:
        self._limit = limit
        self._clock = clock
        self._keys_max = keys_max
        self._windows: dict[str | bytes, tuple[datetime, int]] = {}

    def count(self, key: str | bytes) -> None:
        """Count one request of a caller.

        Raises:
            TooOften: There were enough in this minute; says when it ends.
        """
        if not self._limit:
            return
        now = self._clock()
        began, asked = self._window(key, now)
        if not asked:
            self._make_room(now)
        self._windows[key] = began, asked + 1

    def check(self, key: str | bytes) -> None:
        """Make sure that one more request of a caller would pass, without counting one.

        Raises:
            TooOften: It would not.
        """
        if self._limit:
            self._window(key, self._clock())

    def _window(self, key: str | bytes, now: datetime) -> tuple[datetime, int]:
        """Return when a caller's minute began, and how many requests were counted in it: fewer than the limit."""
        began, asked = self._windows.get(key, (now, 0))
        if now - began >= WINDOW or now < began:
            del self._windows[key]
            began, asked = now, 0
        if asked >= self._limit:
            raise TooOften(self._limit, retry_after_s=max(1, ceil((began + WINDOW - now).total_seconds())))
        return began, asked

    def _make_room(self, now: datetime) -> None:
        while self._windows:
            first = next(iter(self._windows))
            if now - self._windows[first][0] < WINDOW and len(self._windows) < self._keys_max:
                return
            del self._windows[first]
