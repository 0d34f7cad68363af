"""Facts: what never changes once it is known, so that it is read once; or so seldom that it may be known late."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from sojourn.model.zones import zone_names
from sojourn.service.errors import AppNotFound
from sojourn.store import directory
from sojourn.store.connection import Pool
from sojourn.store.event_definitions import EventAcceptance, event_acceptance

EVENTS_KNOWN_FOR = timedelta(seconds=5)
"""After how long it is asked again which events an app takes."""


class Facts:
    """The number of shards, the apps, and the time zones that the server knows as well."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._shard_count = 0
        self._apps: dict[tuple[int, str], int] = {}
        self._zones: frozenset[str] = frozenset()
        self._events: dict[int, tuple[datetime, EventAcceptance]] = {}

    async def shard_count(self) -> int:
        """Return the number of shards."""
        if not self._shard_count:
            async with self._pool.connection() as conn:
                self._shard_count = await directory.shard_count(conn)
        return self._shard_count

    async def app_id(self, workspace_id: int, application_code: str) -> int:
        """Return the app of a workspace that has this code.

        Raises:
            AppNotFound: There is none, or it is another workspace's.
        """
        key = workspace_id, application_code
        if key not in self._apps:
            async with self._pool.connection() as conn:
                found = await directory.app_ids(conn, workspace_id=workspace_id)
            self._apps |= {(workspace_id, code): app_id for code, app_id in found.items()}
        if key not in self._apps:
            raise AppNotFound
        return self._apps[key]

    def forget_apps(self) -> None:
        """Look the apps up again: one was deleted."""
        self._apps.clear()

    async def zones(self) -> frozenset[str]:
        """Return the names of the time zones that both Python and the server know."""
        if not self._zones:
            async with self._pool.connection() as conn:
                self._zones = await directory.server_zones(conn) & zone_names()
        return self._zones

    async def takes_event(self, workspace_id: int, app_id: int, name: str, now: datetime) -> bool:
        """Tell whether an app takes events of a name. What an operator changed is known after `EVENTS_KNOWN_FOR`."""
        return not await self.untaken_events(workspace_id, app_id, {name}, now)

    async def untaken_events(
        self, workspace_id: int, app_id: int, names: AbstractSet[str], now: datetime
    ) -> AbstractSet[str]:
        """Return those of the names of which an app takes no events, as `takes_event` would tell one by one."""
        known = self._events.get(app_id)
        if known is None or not timedelta(0) <= now - known[0] < EVENTS_KNOWN_FOR:
            async with self._pool.connection() as conn:
                known = now, await event_acceptance(conn, workspace_id=workspace_id, app_id=app_id)
            self._events[app_id] = known
        return frozenset[str]() if known[1].accepts_undefined else names - known[1].names

    def forget_events(self) -> None:
        """Ask again which events the apps take."""
        self._events.clear()
