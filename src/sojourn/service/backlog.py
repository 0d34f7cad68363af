"""Backlog: how much waits for the engines. Where they are behind or stopped, acceptance stops: disks end."""

import asyncio

import structlog

from sojourn.service.errors import Overloaded
from sojourn.store.connection import Pool
from sojourn.store.errors import Unavailable, availability
from sojourn.store.inbox import estimate_inbox

INBOX_MAX = 2_000_000
"""Rows that may wait for the engines: some minutes of their work, and some gigabytes."""

MEASURED_EVERY_S = 1.0
RETRY_AFTER_S = 5

log = structlog.get_logger()


class Backlog:
    """Knows about how many rows wait in the inbox, from a look at most once a second."""

    def __init__(self, pool: Pool, *, inbox_max: int = INBOX_MAX, every_s: float = MEASURED_EVERY_S) -> None:
        self._pool = pool
        self._inbox_max = inbox_max
        self._every_s = every_s
        self._is_full = False
        self._measured_at: float | None = None
        self._measuring: asyncio.Task[None] | None = None

    def admit(self) -> None:
        """Let something more be accepted. Costs nothing: what counts is the last look; a new one is begun if it is due.

        Raises:
            Overloaded: Too much waits.
        """
        now = asyncio.get_running_loop().time()
        if self._measuring is None and (self._measured_at is None or now - self._measured_at >= self._every_s):
            self._measuring = asyncio.create_task(self._look())
        if self._is_full:
            raise Overloaded("the engines are behind; try again later", retry_after_s=RETRY_AFTER_S)

    async def room(self) -> None:
        """Return when something more may be accepted: for what can wait."""
        await self.measure()
        while self._is_full:
            await asyncio.sleep(self._every_s)
            await self.measure()

    async def measure(self) -> None:
        """Look now."""
        with availability():
            async with self._pool.connection() as conn:
                waiting = await estimate_inbox(conn)
        is_full = waiting >= self._inbox_max
        if is_full != self._is_full:
            log.warning("inbox.full" if is_full else "inbox.eased", waiting=waiting, limit=self._inbox_max)
        self._is_full = is_full

    async def close(self) -> None:
        """Wait for a look under way."""
        if self._measuring is not None:
            await self._measuring

    async def _look(self) -> None:
        try:
            await self.measure()
        except Unavailable:
            pass  # whoever asks for the database next is told
        except Exception:
            log.exception("inbox.unmeasured")
        finally:
            self._measured_at = asyncio.get_running_loop().time()
            self._measuring = None
