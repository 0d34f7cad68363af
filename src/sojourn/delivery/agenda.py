"""Agenda: which shard is to be looked at when. Knows instants only; who waits brings the clock."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import datetime


class Agenda:
    """The next look at each shard: at an instant, or as soon as it is woken."""

    def __init__(self) -> None:
        self._at: dict[int, datetime] = {}
        self._woken: set[int] = set()
        self._changed = asyncio.Event()

    def wake(self, shards: Iterable[int]) -> None:
        """Have shards looked at now."""
        self._woken.update(shards)
        self._changed.set()

    def plan(self, shard: int, at: datetime) -> None:
        """Have a shard looked at by `at`; an earlier plan stands."""
        planned = self._at.get(shard)
        if planned is None or at < planned:
            self._at[shard] = at
            self._changed.set()

    def take_due(self, now: datetime) -> list[int]:
        """Take what is to be looked at now, in order."""
        due = self._woken | {shard for shard, at in self._at.items() if at <= now}
        self._woken.clear()
        self._changed.clear()
        for shard in due:
            self._at.pop(shard, None)
        return sorted(due)

    async def wait(self, clock: Callable[[], datetime]) -> None:
        """Wait until something is due, or until the plans change."""
        first = min(self._at.values(), default=None)
        seconds = None if first is None else max(0.0, (first - clock()).total_seconds())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
