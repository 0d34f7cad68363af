"""The sender is killed while it sends. Every message ends as sent or failed; a mail that came twice has its reason."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from itertools import pairwise
from typing import Any
from uuid import UUID

from aiosmtpd.smtp import SMTP

from sojourn.engine.runner import Runner
from sojourn.model.graph import Edge, Graph, Settings
from sojourn.model.points import EmailContent, Exit, SendEmail, StartBySegment
from sojourn.service.commands import Caller, ChangeStatus, CreateJourney, JourneyDraft
from sojourn.service.service import Service
from sojourn.service.workspaces import ensure_app
from sojourn.store.connection import connect, make_pool
from tests.chaos.processes import Onlooker, Script, until
from tests.chaos.sender_worker import CAPACITY, LEASE, NAME

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
APP = "AAAAA-AAAAA"
PEOPLE = 1_500
REFUSED_EVERY = 10
KILLED = 12
MAILS_IN_A_LIFE = 100

Key = tuple[int, int]
"""A message: shard and number."""


@dataclass
class Mailbox:
    """A mail server's handler: keeps the ids of what arrives, and calls somebody after so many mails."""

    arrived: Counter[str] = field(default_factory=Counter)
    left: int = -1
    strike: Callable[[], None] = lambda: None

    def strike_after(self, mails: int, strike: Callable[[], None]) -> None:
        self.left, self.strike = mails, strike

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("refused"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.arrived[message_from_bytes(envelope.content)["Message-ID"]] += 1
        self.left -= 1
        if self.left == 0:
            self.strike()  # the mail is ours now, and the sender will not hear of it
        return "250 2.0.0 Ok"


@asynccontextmanager
async def mail_server(mailbox: Mailbox) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    lines: list[SMTP] = []

    def answer() -> SMTP:
        lines.append(SMTP(mailbox, hostname="mail.test", loop=loop))
        return lines[-1]

    server = await loop.create_server(answer, "127.0.0.1", 0)
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for line in lines:
            if line.transport is not None:
                line.transport.close()
        await server.wait_closed()


async def test_a_killed_sender_loses_no_message_and_repeats_only_what_it_held(
    database_url: str, chance: random.Random
) -> None:
    await queue_messages(database_url)
    mailbox, held, now = Mailbox(), Counter[Key](), MORNING
    async with mail_server(mailbox) as address, Onlooker(database_url) as onlooker:
        for _ in range(KILLED):
            await live_and_die(database_url, now, address, mailbox, chance)
            await until(lambda: onlooker.is_gone(NAME), "nothing of the killed sender is left in the database")
            held.update(await held_messages(database_url))
            now += 2 * LEASE
        sender = Script("sender_worker.py", database_url, now.isoformat(), address)
        await sender.start()
        await until(
            lambda: onlooker.is_true("not exists (select from message where status in ('queued', 'sending'))"),
            "every message had its outcome",
        )
        await sender.kill()
    await check_books(database_url)
    await check_repeats(database_url, mailbox.arrived, held)


async def live_and_die(url: str, now: datetime, address: str, mailbox: Mailbox, chance: random.Random) -> None:
    """Let a sender send some mails, and kill it before it hears that the last of them arrived."""
    sender = Script("sender_worker.py", url, now.isoformat(), address)
    mailbox.strike_after(chance.randint(1, MAILS_IN_A_LIFE), sender.kill_now)
    await sender.start()
    async with asyncio.timeout(60):
        await sender.process.wait()
    assert mailbox.left <= 0, f"the sender ended before it was killed:\n{sender.words()}"
    await sender.kill()


async def queue_messages(url: str) -> None:
    """Let the people into a journey that writes to each of them at once."""
    points = (
        StartBySegment(id=str(UUID(int=1)), filter='T("member", EQ, "yes")'),
        SendEmail(id=str(UUID(int=2)), content=EmailContent(subject="Hello", text="Hello"), from_email="s@s.example"),
        Exit(id=str(UUID(int=3))),
    )
    edges = tuple(Edge(from_=one.id, output="default", to=other.id) for one, other in pairwise(points))
    graph = Graph(points=points, edges=edges, settings=Settings(application_code=APP))
    async with make_pool(url, application_name="stage", max_size=2) as pool:
        async with pool.connection() as conn:
            app = await ensure_app(conn, "default", MORNING, application_code=APP)
            await conn.execute(
                "insert into profile (shard, profile_id, workspace_id, attributes, app_ids, created_at, updated_at)"
                ' select n %% 8, n, %s, \'{"member": "yes"}\', array[%s], %s, %s from generate_series(1, %s) as n',
                (app.workspace_id, app.app_id, MORNING, MORNING, PEOPLE),
            )
            await conn.execute(
                "insert into device (shard, profile_id, app_id, hwid, channel, platform, created_at, updated_at)"
                " select n %% 8, n, %s, case when n %% %s = 0 then 'refused' else 'p' end || n || '@a.example',"
                " 'email', 'Email', %s, %s from generate_series(1, %s) as n",
                (app.app_id, REFUSED_EVERY, MORNING, MORNING, PEOPLE),
            )
        service, caller = Service(pool, lambda: MORNING), Caller(workspace_id=app.workspace_id)
        journey = await service.run(caller, CreateJourney(draft=JourneyDraft(title="Hello", graph=graph)))
        await service.run(caller, ChangeStatus(journey=journey.journey, command="start"))
    await Runner(url, lambda: MORNING).drain()


async def read(url: str, query: Any) -> list[tuple[Any, ...]]:
    async with await connect(url, application_name="check") as conn:
        return await (await conn.execute(query)).fetchall()


async def held_messages(url: str) -> list[Key]:
    """The messages that a sender had claimed when it was killed: at most as many as it may hold."""
    rows = await read(url, "select shard, message_id from message where status = 'sending'")
    assert len(rows) <= CAPACITY
    return [(shard, number) for shard, number in rows]


async def check_books(url: str) -> None:
    """Check that each message was sent or refused, and is counted once."""
    refused = PEOPLE // REFUSED_EVERY
    outcomes = {"sent": PEOPLE - refused, "failed": refused}
    assert dict(await read(url, "select status::text, count(*) from message group by 1")) == outcomes
    tallies = dict(await read(url, "select metric, sum(n)::int from tally where point_no = 2 group by 1"))
    assert {metric: n for metric, n in tallies.items() if metric not in {"entered", "left"}} == outcomes


async def check_repeats(url: str, arrived: Counter[str], held: Counter[Key]) -> None:
    """Check that a message was tried once, and once more for each time that its sender died over it."""
    [(journey,)] = await read(url, "select journey_uuid::text from journey")
    for shard, number, status, attempts in await read(
        url, "select shard, message_id, status::text, attempts from message"
    ):
        deaths = held[shard, number]
        mails = arrived.pop(f"<{journey}.{shard}.{number}@s.example>", 0)
        assert attempts == 1 + deaths, f"message {shard}.{number} was tried {attempts} times for {deaths} deaths"
        assert mails <= attempts if status == "sent" else mails == 0
        assert mails or status == "failed", f"message {shard}.{number} is said to be sent, and never arrived"
    assert not arrived, "nothing arrived but our messages"
    assert len(held) >= KILLED, "whoever was killed held messages"
