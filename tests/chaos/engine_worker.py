"""An engine worker as a process: `engine_worker.py URL INSTANT NAME PEOPLE INBOX`. Its clock stands still."""

import asyncio
import sys
from datetime import datetime

from sojourn.engine.runner import Runner
from sojourn.engine.tick import Budget


async def work(url: str, instant: str, name: str, people: str, inbox: str) -> None:
    now = datetime.fromisoformat(instant)
    runner = Runner(url, lambda: now, name=name, budget=Budget(people=int(people), inbox=int(inbox)))
    await runner.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
