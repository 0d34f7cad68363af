"""Runner: ticks shards for as long as there is something to do, and sleeps until there is again.

What wakes it: a notification of whoever appended to the inbox, or the next alarm. Several runners may work on one
database; the leases divide the shards among them.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from sojourn.engine.catalog import Catalog
from sojourn.engine.tick import Advance, Budget
from sojourn.engine.transfers import Outcome, Transfers
from sojourn.engine.upkeep import INTERVAL, clean, keep_up
from sojourn.store.connection import Conn, connect
from sojourn.store.errors import CONFLICTS
from sojourn.store.tick import FAILURES, next_alarm, shards_with_transfers, shards_with_work
from sojourn.store.upkeep import measure_tables, outgrown_tables
from sojourn.store.wakeups import CONNECTION_LOST, Wakeups, connect_worker

log = structlog.get_logger("engine")

HEARTBEAT = timedelta(seconds=60)
"""At the latest after this a runner looks by itself, should a notification ever be lost with its connection."""

MEASURE_EVERY = 1_000
"""After so many rows it is worth a look whether tables have outgrown what the planner knows of them."""

TIME_OUT = timedelta(seconds=30)
"""How long a journey is left alone whose statement failed."""


@dataclass(slots=True)
class Passed:
    """What one pass over the shards did."""

    ticks: int = 0
    moved: int = 0
    busy: int = 0


class Runner:
    """An engine worker.

    Args:
        database_url: Where people live.
        clock: Returns the present instant, with its zone.
        name: What the worker is called in logs and in the server's views.
        budget: How much one tick takes on.
    """

    def __init__(
        self, database_url: str, clock: Callable[[], datetime], *, name: str = "engine", budget: Budget | None = None
    ) -> None:
        self._url = database_url
        self._clock = clock
        self._name = name
        self._budget = budget or Budget()
        self._catalog = Catalog()
        self._next_upkeep: datetime | None = None
        self._cleaning: asyncio.Task[None] | None = None
        self._unmeasured = 0
        self._failing: dict[int, datetime] = {}
        self._resting: dict[int, datetime] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. Reconnects when the database went away."""
        try:
            while not stop.is_set():
                try:
                    await self._work(stop)
                except CONNECTION_LOST as exc:
                    log.warning("engine.connection_lost", error=str(exc))
                    self._catalog = Catalog()
                    await _rest(stop, 0.5 + random.random())  # noqa: S311 - not a secret
        finally:
            await self._stop_cleaning()

    async def drain(self) -> int:
        """Tick until nothing is due at the present instant of the clock; return how many people moved."""
        moved = 0
        async with await connect_worker(self._url, name=self._name) as conn:
            while True:
                passed = await self._pass(conn)
                moved += passed.moved
                if not passed.ticks:
                    return moved

    async def _work(self, stop: asyncio.Event) -> None:
        async with (
            await connect_worker(self._url, name=self._name) as conn,
            Wakeups(self._url, "sojourn_inbox", application_name=f"{self._name}-wakeups") as wakeups,
        ):
            while not stop.is_set():
                wakeups.clear()
                await self._keep_up(conn)
                passed = await self._pass(conn)
                if passed.ticks == 0:
                    await wakeups.wait(stop, await self._patience(conn, contended=passed.busy > 0))

    async def _keep_up(self, conn: Conn) -> None:
        now = self._clock()
        if self._next_upkeep is None or now >= self._next_upkeep:
            is_ours = await keep_up(conn, now)
            self._next_upkeep = now + INTERVAL
            if is_ours and (self._cleaning is None or self._cleaning.done()):
                self._cleaning = asyncio.create_task(self._clean(now))

    async def _clean(self, now: datetime) -> None:
        """Forget what is too old, beside the ticks: it can take long, and waits for readers."""
        try:
            async with await connect(self._url, application_name=f"{self._name}-upkeep", autocommit=True) as conn:
                await clean(conn, now)
        except (*CONNECTION_LOST, *FAILURES) as exc:
            log.warning("upkeep.failed", error=str(exc))

    async def _stop_cleaning(self) -> None:
        if self._cleaning is not None:
            self._cleaning.cancel()
            await asyncio.gather(self._cleaning, return_exceptions=True)

    async def _patience(self, conn: Conn, *, contended: bool) -> timedelta:
        """Return how long to sleep if nobody calls: until the next alarm."""
        if contended:
            # Another worker has these shards; should it die, their work must not wait for the heartbeat.
            return timedelta(milliseconds=50)
        wake_at = await next_alarm(conn, held=self._catalog.held())
        wake_at = wake_at or self._clock() + HEARTBEAT
        now = self._clock()
        again = [*self._failing.values(), *self._resting.values(), wake_at, now + HEARTBEAT]
        # What is overdue in a shard that rests must not make this loop spin.
        least = timedelta(seconds=1) if self._resting else timedelta(0)
        return max(least, min(again) - now)

    async def _pass(self, conn: Conn) -> Passed:
        """Tick every shard that has something to do, once."""
        passed = Passed()
        await self._catalog.catch_up(conn)
        self._forgive()
        shards = await shards_with_work(conn, now=self._clock(), held=self._catalog.held())
        random.shuffle(shards)
        for shard in shards:
            if shard in self._resting:
                continue
            moved = await self._tick(conn, shard)
            if moved is None:
                passed.busy += 1
            else:
                passed.ticks += 1
                passed.moved += moved
        await self._transfer(conn, passed)
        return passed

    async def _transfer(self, conn: Conn, passed: Passed) -> None:
        """Move what the ticks found is to go from one person to another."""
        async with conn.transaction():
            shards = await shards_with_transfers(conn, now=self._clock())
        random.shuffle(shards)
        for shard in shards:
            if shard not in self._resting:
                outcome = await self._transfer_from(conn, shard)
                passed.ticks += outcome.n > 0
                passed.busy += outcome.is_contended

    async def _transfer_from(self, conn: Conn, shard: int) -> Outcome:
        try:
            async with conn.transaction():
                return await Transfers(conn, self._catalog, shard=shard, now=self._clock()).run()
        except CONFLICTS:
            log.info("engine.transfer_conflict", shard=shard)
            return Outcome(is_contended=True)
        except FAILURES as exc:
            self._resting[shard] = self._clock() + TIME_OUT
            log.error("engine.transfer_failed", shard=shard, error=str(exc))  # noqa: TRY400 - the words are enough
            return Outcome()

    async def _measure(self, conn: Conn) -> None:
        """Let the database measure tables that have outgrown what it knows, so that plans are made anew for their size.

        Autovacuum does so, too, but a minute later, and after a crash not at all; until then, to look somebody up could
        be to look through the shard. It goes by the size of the files, so it is right after a crash and at midnight,
        when a new day begins with an empty partition.
        """
        if self._unmeasured >= MEASURE_EVERY:
            self._unmeasured = 0
            await measure_tables(conn, await outgrown_tables(conn))

    async def _tick(self, conn: Conn, shard: int) -> int | None:
        """Tick one shard; return how many people moved, or None where somebody else is at it."""
        advance = Advance(conn, self._catalog, shard=shard, now=self._clock(), budget=self._budget)
        try:
            async with conn.transaction():
                progress = await advance.run()
        except CONFLICTS:
            # The shard changed under our snapshot: another tick was quicker, or a sender claimed what we cancel.
            log.info("engine.tick_conflict", shard=shard)
            return None
        except FAILURES as exc:
            self._isolate(advance, exc)
            return 0
        if progress is None:
            return None
        log.debug("engine.ticked", shard=shard, moved=progress.moved, statements=progress.statements)
        self._unmeasured += progress.moved + progress.applied
        await self._measure(conn)
        return progress.moved

    def _isolate(self, advance: Advance, failure: BaseException) -> None:
        """Leave whoever's statement failed alone for a while, so that nobody else waits behind it.

        The tick has been undone. Without a journey to blame it is the whole shard that rests.
        """
        until = self._clock() + TIME_OUT
        journey = advance.at_work
        if journey is None:
            self._resting[advance.tick.shard] = until
            log.error("engine.shard_failed", shard=advance.tick.shard, error=str(failure))
        else:
            journey.is_failing = True
            self._failing[journey.journey_id] = until
            log.error("engine.journey_failed", journey=journey.row.journey_uuid, error=str(failure))

    def _forgive(self) -> None:
        """Try again what failed long enough ago."""
        now = self._clock()
        for number in [number for number, until in self._failing.items() if until <= now]:
            del self._failing[number]
            self._catalog.journeys[number].is_failing = False
        self._resting = {shard: until for shard, until in self._resting.items() if until > now}


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    """Return after some seconds, or as soon as `stop` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
