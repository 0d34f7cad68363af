"""Engine workers are killed in the middle of merges, across shards. Everybody becomes one person, with all they had."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from sojourn.engine.runner import Runner
from sojourn.model.graph import Edge, Graph, Settings
from sojourn.model.identities import Identity, anonymous_identity, user_identity
from sojourn.model.points import EmailContent, Exit, MessageBus, SendEmail, Wait
from sojourn.service.commands import Caller, ChangeStatus, CreateJourney, JourneyDraft
from sojourn.service.doctor import examine
from sojourn.service.notices import Notice, Word, json_text
from sojourn.service.service import Service
from sojourn.service.workspaces import App, ensure_app
from sojourn.store.connection import connect, make_pool
from tests.chaos.crowd import APP, MORNING
from tests.chaos.processes import Onlooker, until
from tests.chaos.workers import Workers

PAIRS = 600
"""A visitor and a user each, who turn out to be one."""

SAID_AT_ONCE = 100
"""Pairs of whom it is said in one transaction; so each makes some merges in each shard."""

KILLED_AT_LEAST = 4
PAUSE_SECONDS = 0.03
"""At most so long after rows began to move a worker is killed: a merge of this test takes about as long."""

REST = timedelta(hours=1)
IN, MAIL, WAIT, OUT = (str(UUID(int=number)) for number in range(1, 5))
POINTS = (
    MessageBus(id=IN, event_name="came"),
    SendEmail(id=MAIL, content=EmailContent(subject="Hello", text="Hello")),
    Wait(id=WAIT, duration_seconds=int(REST.total_seconds())),
    Exit(id=OUT),
)
GRAPH = Graph(
    points=POINTS,
    edges=tuple(Edge(from_=one.id, output="default", to=other.id) for one, other in pairwise(POINTS)),
    settings=Settings(application_code=APP),
)
IS_MERGING = (
    "exists (select from pg_locks as l join pg_stat_activity as a using (pid) where a.application_name = any(%s)"
    " and l.relation = 'former_profile'::regclass and l.mode = 'RowExclusiveLock')"
)
"""Some of what somebody had has gone, and not all of it: of what engines do, only merges write to that table."""

WHO_HAS_WHAT = """
    select p.user_id, p.attributes,
        array(select i.kind || ':' || i.value from identity as i
            where i.profile_shard = p.shard and i.profile_id = p.profile_id order by 1),
        array(select e.name || '/' || e.source_id from event as e
            where e.shard = p.shard and e.profile_id = p.profile_id order by 1),
        array(select coalesce(d.outcome::text || ' ' || coalesce(d.reason, ''), 'inside') from enrollment as e
            left join departure as d using (shard, enrollment_id)
            where e.shard = p.shard and e.profile_id = p.profile_id order by 1),
        (select count(*) from message as m where m.shard = p.shard and m.profile_id = p.profile_id)
    from profile as p
"""


class Talk:
    """What is said of the pairs."""

    def __init__(self, app: App) -> None:
        self._app = app

    def visits(self, number: int) -> list[Notice]:
        """Two visit who are not known to be one. Of a third of them both come in, else one of the two."""
        user, visitor = self._names(number)
        return [
            self._notice(user, city="Rome", did=("came" if number % 3 < 2 else "saw", f"u{number}")),
            self._notice(visitor, city="Oslo", cart=number, did=("came" if number % 3 != 1 else "saw", f"v{number}")),
            self._notice(visitor, did=("saw", f"both{number}")),
            self._notice(user, did=("saw", f"both{number}")),
        ]

    def merges(self, number: int) -> list[Notice]:
        """The visitor says who they are; both names go on doing things before and after."""
        user, visitor = self._names(number)
        return [
            self._notice(visitor, did=("saw", f"before{number}")),
            self._notice(user, visitor, signed=True),
            self._notice(visitor, did=("paid", f"after{number}")),
            self._notice(user, did=("paid", f"user{number}")),
        ]

    def _names(self, number: int) -> tuple[Identity, Identity]:
        workspace_id = self._app.workspace_id
        return user_identity(workspace_id, f"{number}"), anonymous_identity(workspace_id, f"v{number}")

    def _notice(self, *identities: Identity, did: tuple[str, str] | None = None, **attributes: object) -> Notice:
        operations = [{"op": "set", "tag": tag, "value": value} for tag, value in attributes.items()]
        words = [Word(kind="attributes", data=json_text({"operations": operations}))] if operations else []
        if did is not None:
            words.append(Word(kind="event", name=did[0], data="{}", source_id=did[1]))
        return Notice(
            workspace_id=self._app.workspace_id, app_id=self._app.app_id, identities=identities, words=tuple(words)
        )


async def test_killed_engines_leave_nobody_half_merged(database_url: str, chance: random.Random) -> None:
    async with make_pool(database_url, application_name="stage", max_size=4) as pool:
        async with pool.connection() as conn:
            app = await ensure_app(conn, "default", MORNING, application_code=APP)
        service, talk = Service(pool, lambda: MORNING), Talk(app)
        await set_stage(service, app, talk)
        await Runner(database_url, lambda: MORNING).drain()
        async with Onlooker(database_url) as onlooker, Workers(database_url, MORNING) as workers:
            killed = 0
            for numbers in parts(chance.sample(range(PAIRS), PAIRS), SAID_AT_ONCE):
                feeding = asyncio.create_task(say_twice_at_once(service, talk, numbers, chance))
                killed += await strike(onlooker, workers, chance, feeding)
                await feeding
            assert killed >= KILLED_AT_LEAST, "workers were killed while they merged people"
            await until(lambda: is_at_rest(onlooker, workers), "the workers had nothing left to do")
        people = await check(database_url, inside=True)
        await say_twice_at_once(service, talk, range(PAIRS), chance)
        await Runner(database_url, lambda: MORNING).drain()
        assert await check(database_url, inside=True) == people, "what is said again changes nothing"
        await service.close()
    await Runner(database_url, lambda: MORNING + REST).drain()
    await check(database_url, inside=False)


async def set_stage(service: Service, app: App, talk: Talk) -> None:
    caller = Caller(workspace_id=app.workspace_id)
    journey = await service.run(caller, CreateJourney(draft=JourneyDraft(title="Welcome", graph=GRAPH)))
    await service.run(caller, ChangeStatus(journey=journey.journey, command="start"))
    for some in parts(range(PAIRS), 500):
        await service.acceptance.accept_many([notice for number in some for notice in talk.visits(number)])


async def say_twice_at_once(service: Service, talk: Talk, numbers: Sequence[int], chance: random.Random) -> None:
    """Two clients say the same of the same people at once, each in an order of its own."""

    async def client(order: Sequence[int]) -> None:
        for some in parts(order, 50):
            await service.acceptance.accept_many([notice for number in some for notice in talk.merges(number)])

    await asyncio.gather(*(client(chance.sample(numbers, len(numbers))) for _ in range(2)))


def parts(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


async def strike(onlooker: Onlooker, workers: Workers, chance: random.Random, feeding: asyncio.Task[None]) -> bool:
    """Kill a worker in the middle of a merge, and start another. Return False where there was none left to be seen."""
    merging: list[str] = []

    async def is_time() -> bool:
        merging[:] = [name for name in workers.names if await onlooker.is_true(IS_MERGING, [name])]
        return bool(merging) or (feeding.done() and await is_at_rest(onlooker, workers))

    await until(is_time, "somebody was merged")
    await asyncio.sleep(chance.uniform(0, PAUSE_SECONDS))
    victim = chance.choice(merging or workers.names)
    was_merging = await onlooker.is_true(IS_MERGING, [victim])
    await workers.kill(victim)
    await workers.start()
    return was_merging


async def is_at_rest(onlooker: Onlooker, workers: Workers) -> bool:
    workers.check()
    has_merges = await onlooker.is_true("exists (select from transfer)")
    return not has_merges and not await onlooker.has_work(MORNING)


async def check(url: str, *, inside: bool) -> list[tuple[Any, ...]]:
    """Check that each pair is one person with all that the two had; return the people."""
    async with await connect(url, application_name="check", autocommit=True) as conn:
        found = await (await conn.execute(WHO_HAS_WHAT)).fetchall()
        wanted = {str(number): person(number, inside=inside) for number in range(PAIRS)}
        wrong = [(row, wanted.get(row[0])) for row in found if wanted.get(row[0]) != row[1:]]
        assert not wrong, f"{len(wrong)} are not what they should be, such as {wrong[0]}"
        assert len(found) == PAIRS
        left = await (await conn.execute("select from inbox union all select from transfer")).fetchall()
        assert left == []
        assert [finding for finding in await examine(conn, MORNING) if finding.severity == "error"] == []
    return sorted(found)


def person(number: int, *, inside: bool) -> tuple[Any, ...]:
    """What a pair is in the end, beside its user id."""
    both = number % 3 == 0
    entries = ["inside" if inside else "completed "] + (["dropped merged"] if both else [])
    events = [
        f"{'came' if number % 3 < 2 else 'saw'}/u{number}", f"{'came' if number % 3 != 1 else 'saw'}/v{number}",
        f"saw/both{number}", f"saw/before{number}", f"paid/after{number}", f"paid/user{number}",
    ]  # fmt: skip
    return (
        {"cart": number, "city": "Rome", "signed": True},
        [f"anonymous_id:v{number}", f"user_id:{number}"],
        sorted(events),
        sorted(entries),
        1 + both,
    )
