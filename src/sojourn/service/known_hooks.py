"""Known hooks: the definitions of inbound webhooks that were asked for a moment ago."""

from datetime import datetime, timedelta

from sojourn.service.values import text_problems
from sojourn.store.connection import Pool
from sojourn.store.hooks import StoredHook, find_hook

REMEMBERED_FOR = timedelta(seconds=5)
"""How long a changed definition may still be in force."""

REMEMBERED_MAX = 10_000


class KnownHooks:
    """Finds definitions, and remembers them for a few seconds."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, StoredHook]] = {}

    async def find(self, pool: Pool, public_id: str, now: datetime) -> StoredHook | None:
        """Return the definition of an id."""
        known = self._known.get(public_id)
        if known is not None and timedelta(0) <= now - known[0] < REMEMBERED_FOR:
            return known[1]
        if any(text_problems(public_id, "")):
            return None
        async with pool.connection() as conn:
            found = await find_hook(conn, public_id=public_id)
        self._known.pop(public_id, None)
        if found is not None:
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            self._known[public_id] = now, found
        return found

    def forget(self, public_id: str) -> None:
        """Look it up the next time."""
        self._known.pop(public_id, None)
