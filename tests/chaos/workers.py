"""The engine workers of the crash tests: two at a time, for as long as an act lasts."""

from datetime import datetime
from itertools import count
from typing import Self

from tests.chaos.processes import Script

AT_ONCE = 2
MOVED_AT_ONCE = 1_000
APPLIED_AT_ONCE = 2_000
"""Little, so that there are many ticks to kill."""
NAME = "engine"
_numbers = count(1)


class Workers:
    """Two engine workers whose clocks stand still at an instant."""

    def __init__(self, url: str, now: datetime) -> None:
        self._url = url
        self._now = now
        self._scripts: dict[str, Script] = {}

    async def __aenter__(self) -> Self:
        for _ in range(AT_ONCE):
            await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        for script in self._scripts.values():
            await script.kill()

    @property
    def names(self) -> list[str]:
        """What they are called in the views of the database."""
        return list(self._scripts)

    async def start(self) -> None:
        name = f"{NAME}-{next(_numbers)}"
        script = Script("engine_worker.py", self._url, self._now.isoformat(), name, MOVED_AT_ONCE, APPLIED_AT_ONCE)
        await script.start()
        self._scripts[name] = script

    async def kill(self, name: str) -> None:
        self.check()
        await self._scripts.pop(name).kill()

    def check(self) -> None:
        """Fail if one ended by itself."""
        for script in self._scripts.values():
            script.check()
