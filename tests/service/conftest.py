"""Fixtures of the service tests: a service on a database of its own, a clock that is set by hand, two workspaces."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from sojourn.model.graph import Edge, Graph, Settings
from sojourn.model.points import EntryAttribute, Exit, MessageBus, StartByApi, StartBySegment, Trigger, Wait
from sojourn.service.commands import Caller, ChangeStatus, CreateJourney, Journey, JourneyDraft
from sojourn.service.service import Service
from sojourn.service.workspaces import ensure_app
from sojourn.store.connection import Pool, make_pool

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OUR_APP = "AAAAA-AAAAA"
THEIR_APP = "BBBBB-BBBBB"


@dataclass
class Clock:
    """Shows what it was set to."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Bench:
    """A service, its pool and clock, and callers in two workspaces that each have an app."""

    service: Service
    pool: Pool
    clock: Clock
    us: Caller
    them: Caller

    async def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as conn:
            return await (await conn.execute(query, values)).fetchall()

    async def execute(self, query: str, **values: Any) -> None:
        async with self.pool.connection() as conn:
            await conn.execute(query, values)

    async def inbox(self, kind: str) -> list[dict[str, Any]]:
        """The inbox rows of a kind, in order."""
        names = ("shard", "profile_id", "name", "data", "app_id", "occurred_at", "received_at")
        rows = await self.rows(
            f"select {', '.join(names)} from inbox where kind = %(kind)s order by inbox_id", kind=kind
        )
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def create(self, graph: Graph, title: str = "Welcome") -> Journey:
        return await self.service.run(self.us, CreateJourney(draft=JourneyDraft(title=title, graph=graph)))

    async def running(self, graph: Graph, title: str = "Welcome") -> Journey:
        journey = await self.create(graph, title)
        return await self.change(journey, "start")

    async def change(self, journey: Journey, command: Any) -> Journey:
        return await self.service.run(self.us, ChangeStatus(journey=journey.journey, command=command))

    async def entered(self, journey: Journey) -> list[tuple[int, int]]:
        """Return who came into a journey: shards and profiles, in the order of their coming."""
        return await self.rows(
            "select e.shard, e.profile_id from enrollment as e join journey as j using (journey_id)"
            " where j.journey_uuid = %(journey)s order by e.entered_at, e.enrollment_id",
            journey=journey.journey,
        )


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with make_pool(database_url, application_name="service-test", max_size=6) as opened:
        yield opened


@pytest.fixture
async def bench(pool: Pool) -> AsyncIterator[Bench]:
    clock = Clock()
    async with pool.connection() as conn:
        ours = await ensure_app(conn, "default", NOON, application_code=OUR_APP)
        theirs = await ensure_app(conn, "other", NOON, application_code=THEIR_APP)
    service = Service(pool, clock)
    yield Bench(
        service=service,
        pool=pool,
        clock=clock,
        us=Caller(workspace_id=ours.workspace_id, name="tester"),
        them=Caller(workspace_id=theirs.workspace_id),
    )
    await service.close()


def point_id() -> str:
    return str(uuid4())


def settings(**values: Any) -> Settings:
    return Settings(**({"application_code": OUR_APP} | values))


def chain(*points: Any, **more: Any) -> Graph:
    """Points, each one's default output wired to the next."""
    edges = tuple(Edge(from_=one.id, output="default", to=other.id) for one, other in pairwise(points))
    return Graph(points=points, edges=edges, settings=settings(**more))


def api_graph(*attributes: EntryAttribute, is_deactivated: bool = False, **more: Any) -> Graph:
    """An API entry, an hour's wait, the exit."""
    entry = StartByApi(id=point_id(), title="in", attributes=attributes, is_deactivated=is_deactivated)
    return chain(entry, Wait(id=point_id(), title="rest", duration_seconds=3600), Exit(id=point_id()), **more)


def live_graph(filter_: str, trigger: Trigger) -> Graph:
    """Draw a journey that people come into as they begin, or cease, to match."""
    return chain(StartBySegment(id=point_id(), filter=filter_, trigger=trigger), Exit(id=point_id()))


def event_graph(event_name: str, **fields: Any) -> Graph:
    """An event entry and the exit."""
    return chain(MessageBus(id=point_id(), event_name=event_name, **fields), Exit(id=point_id()))
