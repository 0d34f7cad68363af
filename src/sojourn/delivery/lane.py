"""Lane: the messages of one priority and channel that this sender holds, and the shards that have more.

A lane has room for a number of messages. They keep their place from the claim until their outcome is written, so a slow
provider or database slows the claims, and nothing piles up in memory.
"""

import asyncio
from collections import defaultdict, deque

from sojourn.store.delivery import Channel


class Lane:
    """Room for `capacity` messages of one priority and channel."""

    def __init__(self, priority: int, channel: Channel, capacity: int) -> None:
        self.priority = priority
        self.channel: Channel = channel
        self._capacity = capacity
        self._held: defaultdict[int, set[int]] = defaultdict(set)
        self._offered: deque[int] = deque()
        self._changed = asyncio.Event()

    @property
    def room(self) -> int:
        """How many messages may be claimed now."""
        return self._capacity - sum(len(ids) for ids in self._held.values())

    def held_ids(self, shard: int) -> list[int]:
        """Return the messages of a shard that this lane holds, in order."""
        return sorted(self._held[shard])

    def offer(self, shard: int) -> None:
        """Say that a shard has due messages."""
        if shard not in self._offered:
            self._offered.append(shard)
            self._changed.set()

    def hold(self, shard: int, message_id: int) -> None:
        """Keep a place for a claimed message."""
        self._held[shard].add(message_id)

    def let_go(self, shard: int, message_id: int) -> None:
        """Give a message's place to another."""
        self._held[shard].discard(message_id)
        self._changed.set()

    async def next_shard(self) -> int:
        """Wait for a due shard and for room, and take the shard. Shards take turns.

        A quarter of the lane must be free, so that claims stay few and large.
        """
        while not self._offered or self.room * 4 < self._capacity:
            self._changed.clear()
            await self._changed.wait()
        return self._offered.popleft()

    async def emptied(self) -> None:
        """Wait until no message is held."""
        while self.room < self._capacity:
            self._changed.clear()
            await self._changed.wait()
