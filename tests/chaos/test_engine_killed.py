"""Engine workers are killed again and again while 50,000 people move. Nobody is lost, nobody moves twice."""

import asyncio
import random

from tests.chaos.acts import Act
from tests.chaos.crowd import ACTS
from tests.chaos.processes import Onlooker, until
from tests.chaos.stage import check_acts, check_fates, check_laws, set_stage
from tests.chaos.workers import NAME, Workers

PEOPLE = 52_125
"""One in twenty-five never enters."""

KILLED_AT_LEAST = 20
KILLED_AT_THE_END = 3
PAUSE_SECONDS = 0.15
"""At most so long after its tick began a worker is killed: ticks of this test take about as long."""


async def test_killed_engines_lose_and_double_nobody(database_url: str, chance: random.Random) -> None:
    stage = await set_stage(database_url, PEOPLE)
    check_acts(stage)
    killed = 0
    async with Onlooker(database_url) as onlooker:
        for number, now in enumerate(ACTS):
            await stage.analyze()
            async with Workers(database_url, now) as workers:
                act = Act(stage, number, workers, onlooker)
                for batch in act.batches:
                    await stage.feed(batch)
                    await strike(act, workers, chance)
                    killed += 1
                for _ in range(0 if act.batches else KILLED_AT_THE_END):
                    await strike(act, workers, chance)
                    killed += 1
                await act.until_at_rest()
            await until(lambda: onlooker.is_gone(NAME), "nothing of the killed workers is left in the database")
    assert killed >= KILLED_AT_LEAST
    await check_laws(stage)
    await check_fates(stage)


async def strike(act: Act, workers: Workers, chance: random.Random) -> None:
    """Kill a worker in the middle of a tick, and start another."""
    victim = chance.choice(workers.names)
    await act.until_at_work(victim)
    await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
    await workers.kill(victim)
    await workers.start()
