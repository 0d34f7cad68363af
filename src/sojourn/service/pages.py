"""Pages: who is on a page right now, and telling each page what to show when that changes.

One connection of the process listens to what ticks and operators say. A call names shards; for the people of those who
are on a page, one statement per shard and site reads what they are to see, and pages to which that is news are told.
Nobody asks for one page alone, and while nothing moves nobody asks at all. A page that does not take what it is told
gets only the newest later.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from sojourn.model.identities import Identity, Person
from sojourn.service import commands as c
from sojourn.service.errors import Overloaded
from sojourn.service.facts import Facts
from sojourn.service.values import refuse
from sojourn.service.visitors import ENDED_AGO, app_of, identity_of, shown, visitor_problems
from sojourn.store.connection import Conn, Pool
from sojourn.store.identities import find_identities
from sojourn.store.visitors import VisitorRow, visitors_journeys
from sojourn.store.wakeups import CONNECTION_LOST, Wakeups

CHANNEL = "sojourn_page"
PAGES_MAX = 5000
"""Pages that one process tells; further ones are refused and ask instead."""

SITE_SHARE = 0.8
"""Of these, what one site may have, whose key is public; the rest is for others."""

STREAM_FOR = timedelta(minutes=15)
"""After so long a page has to come again with a key, which may have been revoked."""

LOOK_AGAIN = timedelta(seconds=60)
"""At the latest after this everybody is looked for again: people may have been merged."""

HEARTBEAT_S = 20.0
"""After so long without news a page gets a sign of life, and the process notices pages that are gone."""

log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class Page:
    """Somebody on a page."""

    app_id: int
    identity: Identity
    person: Person | None = None
    shown: c.Shown | None = None
    has_news: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False

    def tell(self, now: c.Shown) -> None:
        """Note what the page shows from now on; if that is the same as before it is no news."""
        if self.shown != now:
            self.shown = now
            self.has_news.set()


class Pages:
    """Everybody on a page whose stream this process serves. `close` it before its pool."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime], facts: Facts, *, pages_max: int = PAGES_MAX) -> None:
        self._pool = pool
        self._clock = clock
        self._facts = facts
        self._pages_max = pages_max
        self._pages: set[Page] = set()
        self._newcomers: set[Page] = set()
        self._called = asyncio.Event()
        self._stop = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    def open(self, caller: c.Caller, visitor: c.Visitor) -> Page:
        """Return a page that may be followed. Only `follow` takes it in, which may never happen: browsers go away.

        Raises:
            InvalidDocument: It does not say who is on it.
            NotAllowed: The caller is no site.
            Overloaded: There are too many.
        """
        refuse(visitor_problems(visitor))
        page = Page(app_of(caller), identity_of(caller.workspace_id, visitor))
        of_site = sum(each.app_id == page.app_id for each in self._pages)
        is_full = len(self._pages) >= self._pages_max or of_site >= self._pages_max * SITE_SHARE
        if is_full or self._stop.is_set():
            raise Overloaded
        return page

    def _take_in(self, page: Page) -> None:
        page.is_over = self._stop.is_set()
        self._pages.add(page)
        self._newcomers.add(page)
        self._called.set()
        if not page.is_over and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell())

    async def follow(self, page: Page) -> AsyncGenerator[c.Shown | None]:
        """Yield what a page shows whenever that changes; None where nothing did for a while.

        It ends after `STREAM_FOR`, or when the process does.
        """
        ends_at = self._clock() + STREAM_FOR
        self._take_in(page)
        try:
            while not page.is_over and self._clock() < ends_at:
                try:
                    await asyncio.wait_for(page.has_news.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield None
                    continue
                page.has_news.clear()
                if page.shown is not None and not page.is_over:
                    yield page.shown
        finally:
            self._pages.discard(page)
            self._newcomers.discard(page)

    def end(self) -> None:
        """End all streams and begin none: the server stops, and waits for what is under way."""
        self._stop.set()
        self._called.set()
        for page in self._pages:
            page.is_over = True
            page.has_news.set()

    async def close(self) -> None:
        """End all streams, and stop listening."""
        self.end()
        if self._telling is not None:
            await self._telling

    # Telling ----------------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        while not self._stop.is_set():
            try:
                await self._listen()
            except CONNECTION_LOST as failure:
                log.warning("pages.connection_lost", error=str(failure))
            except Exception:
                log.exception("pages.failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 0.5 + random.random())  # noqa: S311 - not a secret

    async def _listen(self) -> None:
        """Look whenever somebody calls; first at everybody, since what was said before has not been heard."""
        async with Wakeups.beside(self._pool, CHANNEL, application_name="sojourn-pages", called=self._called) as calls:
            shards: frozenset[int] | None = None
            looked_at = self._clock()
            while not self._stop.is_set():
                if shards is None or self._clock() - looked_at >= LOOK_AGAIN:
                    await self._look(self._pages, shards=None)
                    looked_at = self._clock()
                else:
                    await self._look(self._pages, shards=shards)
                await calls.wait(self._stop, LOOK_AGAIN)
                shards = frozenset(map(int, calls.clear()))

    async def _look(self, pages: Iterable[Page], *, shards: frozenset[int] | None) -> None:
        """Tell those in some shards what is new, those that have just come, and those of whom nothing was known.

        `shards` None: everybody is looked for anew.
        """
        newcomers, self._newcomers = self._newcomers, set()
        unknown = [page for page in pages if shards is None or page.person is None]
        wanted = [page for page in pages if shards is None or page.person is None or page.person.shard in shards]
        wanted += [page for page in newcomers if page.person is not None]
        if not wanted:
            return
        async with self._pool.connection() as conn:
            if unknown:
                await self._recognise(conn, unknown)
            for (shard, app_id), some in _grouped(wanted).items():
                await self._look_at(conn, shard, app_id, some)
        for page in wanted:
            if page.person is None:
                page.tell(c.Shown())

    async def _recognise(self, conn: Conn, pages: list[Page]) -> None:
        shard_count = await self._facts.shard_count()
        owners = await find_identities(conn, {page.identity for page in pages}, shard_count=shard_count)
        for page in pages:
            page.person = owners.get(page.identity)

    async def _look_at(self, conn: Conn, shard: int, app_id: int, pages: list[Page]) -> None:
        people = sorted({page.person.profile_id for page in pages if page.person is not None})
        after = self._clock() - ENDED_AGO
        found: dict[int, list[VisitorRow]] = {number: [] for number in people}
        rows = await visitors_journeys(conn, shard=shard, app_id=app_id, profile_ids=people, ended_after=after)
        for row in rows:
            found[row.profile_id].append(row)
        for page in pages:
            assert page.person is not None, "pages are grouped by where their people are"
            page.tell(shown(found[page.person.profile_id]))


def _grouped(pages: Iterable[Page]) -> dict[tuple[int, int], list[Page]]:
    """Part pages by the shard of who is on them, and their site; those of nobody known are left out."""
    groups: dict[tuple[int, int], list[Page]] = {}
    for page in pages:
        if page.person is not None:
            groups.setdefault((page.person.shard, page.app_id), []).append(page)
    return groups
