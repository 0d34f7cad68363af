"""Whoever accepts events, as a process: `acceptance_worker.py URL INSTANT WORKSPACE_ID`.

Reads the numbers of events from its input, a line each, posts them as clients would, many at once, and writes the
number of each event when it has been acknowledged.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import datetime

from sojourn.service.commands import Caller, PostEvent, Subject
from sojourn.service.service import Service
from sojourn.store.connection import make_pool

NAME = "acceptance"
APP = "AAAAA-AAAAA"
USERS = 500
CLIENTS = 100


def event(number: int) -> PostEvent:
    return PostEvent(
        application_code=APP,
        subject=Subject(user_id=f"user-{number % USERS}"),
        name="bought",
        attributes={"number": number},
        source_id=f"event-{number}",
    )


async def accept(url: str, instant: str, workspace_id: str) -> None:
    now = datetime.fromisoformat(instant)
    numbers = iter([int(line) for line in sys.stdin])
    async with make_pool(url, application_name=NAME, max_size=4) as pool:
        service, caller = Service(pool, lambda: now), Caller(workspace_id=int(workspace_id))
        await asyncio.gather(*(client(service, caller, numbers) for _ in range(CLIENTS)))


async def client(service: Service, caller: Caller, numbers: Iterator[int]) -> None:
    for number in numbers:
        await service.run(caller, event(number))
        os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    asyncio.run(accept(*sys.argv[1:]))
