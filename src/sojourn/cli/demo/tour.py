"""Tour: two journeys from `examples/journeys`, made, started and watched through the public API."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from sojourn.cli.demo.gateway import Gateway
from sojourn.cli.screen import err, out, show_table
from sojourn.model.problems import SojournError

WELCOME = "welcome_series.json"
FOLLOW_UP = "order_follow_up.json"
ENROLLED_BY_API = 200
ORDERS = 100
RETURNING = 150
PATIENCE_S = 600.0
LOOK_EVERY_S = 0.5
MESSAGE_OUTCOMES = ("sent", "failed", "skipped", "cancelled")

Numbers = Mapping[str, Any]


class NotFinished(SojournError):
    """People did not arrive in time; the log says why."""

    code = "demo.not_finished"


class Tour:
    """Shows people moving. The customers are numbered from 00001.

    Args:
        people: How many customers there are.
    """

    def __init__(self, gateway: Gateway, application_code: str, folder: Path, *, people: int) -> None:
        self._gateway = gateway
        self._application_code = application_code
        self._folder = folder
        self._people = people

    async def run(self) -> None:
        """Run both journeys to their end, and print their numbers. What was done in an earlier run is not repeated."""
        welcome = await self._ensure_running(WELCOME)
        await self._watch(welcome, expected=self._people)
        follow_up = await self._ensure_running(FOLLOW_UP)
        api_people, buyers = self._customers(0, ENROLLED_BY_API), self._customers(ENROLLED_BY_API, ORDERS)
        expected = len(api_people) + len(buyers)
        if int((await self._gateway.statistics(follow_up))["entered"]) == 0:
            await self._bring_people(follow_up, api_people, buyers)
            await self._until(follow_up, lambda numbers: int(numbers["entered"]) >= expected)
            for customer in (api_people + buyers)[:RETURNING]:
                await self._gateway.post_event(customer, "shop_visit", {"page": "new releases"})
        await self._watch(follow_up, expected=expected)
        for uuid in (welcome, follow_up):
            show_numbers(await self._gateway.statistics(uuid))

    async def _ensure_running(self, name: str) -> str:
        """Make and start the journey of a file, unless that has been done. Return its id."""
        text = await asyncio.to_thread((self._folder / name).read_text, "utf-8")
        filled = Template(text).substitute(APPLICATION_CODE=self._application_code)
        document: dict[str, Any] = msgspec.json.decode(filled)
        journey = await self._gateway.find_journey(document["title"])
        if journey is None:
            journey = await self._gateway.create_journey(document)
            out.print(f"created [bold]{document['title']}[/bold] from examples/journeys/{name}")
        uuid = str(journey["info"]["uuid"])
        if journey["info"]["status"] == "STATUS_DRAFT":
            await self._gateway.start_journey(uuid)
            out.print(f"started [bold]{document['title']}[/bold]")
        return uuid

    def _customers(self, skip: int, count: int) -> list[str]:
        return [f"{number:05d}" for number in range(skip + 1, min(skip + count, self._people) + 1)]

    async def _bring_people(self, uuid: str, api_people: list[str], buyers: list[str]) -> None:
        await self._gateway.enroll(uuid, api_people, {"campaign": "autumn"})
        for number, customer in enumerate(buyers):
            await self._gateway.post_event(customer, "purchase", {"order_id": f"demo-{number}", "amount": 25 + number})
        out.print(f"enrolled {len(api_people)} people by API, posted {len(buyers)} purchases")

    async def _watch(self, uuid: str, *, expected: int) -> None:
        """Show a bar until everybody has gone through and every message has its outcome."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=err) as progress:
            task = progress.add_task("people at the end", total=expected)

            def look(numbers: Numbers) -> bool:
                departed = sum(int(n) for n in numbers["departed"].values())
                progress.update(task, description=str(numbers["title"]), completed=departed)
                return departed >= expected and messages_under_way(numbers) == 0

            await self._until(uuid, look)

    async def _until(self, uuid: str, is_done: Callable[[Numbers], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_done(await self._gateway.statistics(uuid)):
            if time.monotonic() > deadline:
                raise NotFinished
            await asyncio.sleep(LOOK_EVERY_S)


def messages_under_way(numbers: Numbers) -> int:
    """Count the messages of all points that have no outcome yet."""
    return sum(
        int(point["entered"]) - sum(int(point["messages"].get(outcome, 0)) for outcome in MESSAGE_OUTCOMES)
        for point in numbers["points"]
        if point["point_type"].startswith("POINT_TYPE_SEND")
    )


def show_numbers(numbers: Numbers) -> None:
    """Print the numbers of a journey, point by point."""
    out.print()
    show_table(
        ("point", "type", "entered", "inside", "left by", "messages"),
        [
            (
                point["title"],
                point["point_type"].removeprefix("POINT_TYPE_").lower(),
                int(point["entered"]),
                int(point["inside"]),
                _spelled(point["left"]),
                _spelled(point["messages"]),
            )
            for point in numbers["points"]
        ],
        title=str(numbers["title"]),
    )
    out.print(
        f"{int(numbers['entered']):,} entered = {int(numbers['inside']):,} inside + {_spelled(numbers['departed'])}"
    )


def _spelled(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {int(n):,}" for name, n in sorted(counts.items()))
