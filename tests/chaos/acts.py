"""An act of the crash tests: what happens while time stands still, with the workers that are there for it."""

import asyncio
from datetime import datetime

from tests.chaos.crowd import ACTS, rows_of_act
from tests.chaos.processes import Onlooker, until
from tests.chaos.stage import Stage
from tests.chaos.workers import Workers
from tests.walker import Row

BATCHES = 4
"""In which the rows of an act come."""


class Act:
    """The rows of one act, and whether they have had all their effects."""

    def __init__(self, stage: Stage, number: int, workers: Workers, onlooker: Onlooker) -> None:
        rows = rows_of_act(stage.people, number, stage.app_id)
        size = -(-len(rows) // BATCHES)
        self.batches: list[list[Row]] = [rows[start : start + size] for start in range(0, len(rows), size or 1)]
        self._now: datetime = ACTS[number]
        self._workers = workers
        self._onlooker = onlooker

    async def is_at_rest(self) -> bool:
        """Tell whether the workers have nothing left to do; fail if one of them ended by itself."""
        self._workers.check()
        return not await self._onlooker.has_work(self._now)

    async def until_at_rest(self) -> None:
        await until(self.is_at_rest, "the workers had nothing left to do")

    async def until_at_work(self, *names: str, feeding: asyncio.Task[None] | None = None) -> None:
        """Return when one of the workers named is in the middle of a tick, or there is nothing more to tick."""

        async def is_time() -> bool:
            if await self._onlooker.is_at_work(*names):
                return True
            return (feeding is None or feeding.done()) and await self.is_at_rest()

        await until(is_time, f"{names} had something to do")
