"""Recorder: writes results in bulk. While one batch is being written the next one gathers."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import structlog

from sojourn.delivery.settle import Result
from sojourn.store.connection import Conn, Pool
from sojourn.store.delivery import OutcomeUnwritable, record_outcomes

_PAUSE_SECONDS = 1.0
"""After the database failed. The results are kept meanwhile, and their leases renewed."""

_log = structlog.get_logger()


class Recorder:
    """Takes results, and says when they are written.

    Args:
        pool: Of the database.
        clock: The rim's.
        on_recorded: Called with what was written.
    """

    def __init__(
        self, pool: Pool, clock: Callable[[], datetime], on_recorded: Callable[[int, list[Result]], None]
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._on_recorded = on_recorded
        self._gathered: defaultdict[int, list[Result]] = defaultdict(list)
        self._arrived = asyncio.Event()

    def add(self, results: Iterable[Result]) -> None:
        """Take results to be written soon."""
        for result in results:
            self._gathered[result.shard].append(result)
            self._arrived.set()

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            batches, self._gathered = self._gathered, defaultdict(list)
            for shard, results in sorted(batches.items()):
                await self._write(shard, results)

    async def _write(self, shard: int, results: list[Result]) -> None:
        try:
            await self._record_or_split(shard, results)
        except Exception:  # noqa: BLE001 - results must not be lost, whatever happens
            _log.exception("delivery.record_failed", shard=shard, results=len(results))
            await asyncio.sleep(_PAUSE_SECONDS)
            self.add(results)
        else:
            self._on_recorded(shard, results)

    async def _record_or_split(self, shard: int, results: list[Result]) -> None:
        """Write a batch; where the database refuses a value in it, each alone, and the guilty one without its texts."""
        try:
            await self._record(shard, results)
        except OutcomeUnwritable:
            for result in results:
                try:
                    await self._record(shard, [result])
                except OutcomeUnwritable:
                    _log.exception("delivery.outcome_unwritable", shard=shard, message=result.message_id)
                    await self._record(shard, [result.bare()])

    async def _record(self, shard: int, results: list[Result]) -> None:
        async with self._pool.connection() as conn:
            await _record_batch(conn, shard, results, self._clock())


async def _record_batch(conn: Conn, shard: int, results: list[Result], now: datetime) -> None:
    # Rows are updated in one order by everybody.
    ordered = sorted(results, key=lambda result: result.message_id)
    await record_outcomes(
        conn,
        shard=shard,
        now=now,
        hour=now.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
        message_ids=[result.message_id for result in ordered],
        attempts=[result.attempt for result in ordered],
        statuses=[result.status for result in ordered],
        due_ats=[result.due_at for result in ordered],
        are_spent=[result.is_spent for result in ordered],
        addresses=[result.address for result in ordered],
        provider_refs=[result.provider_ref for result in ordered],
        details=[result.detail for result in ordered],
        metrics=[result.metric for result in ordered],
        reasons=[result.reason for result in ordered],
        outputs=[result.output for result in ordered],
        entries=[result.entry for result in ordered],
    )
