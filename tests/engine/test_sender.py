"""The sender on a real PostgreSQL, against a real mail server and a real HTTP server on loopback."""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID

import msgspec
import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult

from sojourn.delivery.address_guard import AddressGuard
from sojourn.delivery.carriers import Carriers, make_carriers
from sojourn.delivery.http_client import HttpClient
from sojourn.delivery.messages import Accepted, Email, Outcome, Refused
from sojourn.delivery.sender import Sender, SenderOptions
from sojourn.delivery.signing import app_key, is_authentic
from sojourn.delivery.smtp_pool import SmtpPool
from sojourn.model.graph import Edge, Graph, Settings, SilentHours
from sojourn.model.points import EmailContent, MessageCapping, SaveResponse, SendEmail, Utm, Webhook
from sojourn.store.connection import Conn, Pool, make_pool

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
SHARD = 3
SIGNING_KEY = "test signing key"
JOURNEY_UUID = "11111111-1111-4111-8111-111111111111"
POINT_ID = "22222222-2222-4222-8222-222222222222"
EXIT_ID = "33333333-3333-4333-8333-333333333333"
HELLO = EmailContent(subject="Hello {{ profile.name }}", text="{{ entry.coupon }} {{ event.price }} {{ nobody }}")


def send_email(**changes: Any) -> SendEmail:
    return SendEmail(id=POINT_ID, **({"content": HELLO, "from_email": "shop@s.example"} | changes))


def webhook(url: str, **changes: Any) -> Webhook:
    return Webhook(id=POINT_ID, url=url, **changes)


# What is in the database ----------------------------------------------------------------------------------------


@dataclass
class World:
    """Rows by hand: one journey with one point, and people with messages."""

    db: Conn
    workspace_id: int = 0
    app_id: int = 0
    enrollments: int = 0

    async def journey(
        self,
        point: SendEmail | Webhook,
        *,
        journey_id: int = 1,
        edges: tuple[Edge, ...] = (),
        silent_hours: dict[str, SilentHours] | None = None,
    ) -> None:
        chosen = Settings(application_code="AAAAA-11111", silent_hours=silent_hours or {})
        graph = Graph(points=(point,), edges=edges, settings=chosen)
        if not self.app_id:
            self.workspace_id = await self.value("select workspace_id from workspace where name = 'default'")
            self.app_id = await self.value(
                "insert into app (workspace_id, application_code, site_id, title, created_at)"
                " values (%s, 'AAAAA-11111', gen_random_uuid(), 'Shop', %s) returning app_id",
                self.workspace_id, NOON,
            )  # fmt: skip
        uuid = str(UUID(int=UUID(JOURNEY_UUID).int + journey_id - 1))
        await self.db.execute(
            "insert into journey (journey_id, journey_uuid, workspace_id, app_id, title, status, created_at,"
            " updated_at) values (%s, %s, %s, %s, 'Welcome', 'running', %s, %s)",
            (journey_id, uuid, self.workspace_id, self.app_id, NOON, NOON),
        )
        await self.db.execute(
            "insert into journey_version (journey_id, version_no, graph, created_at) values (%s, 1, %s::jsonb, %s)",
            (journey_id, msgspec.json.encode(graph).decode(), NOON),
        )
        await self.db.execute(
            "insert into point (journey_id, point_no, point_uuid, kind) values (%s, 5, %s, 'x')", (journey_id, POINT_ID)
        )
        await self.db.commit()

    async def person(
        self, profile_id: int, *, address: str | None = None, is_subscribed: bool = True, **facts: Any
    ) -> None:
        attributes = {"name": f"Person {profile_id}"} | facts
        await self.db.execute(
            "insert into profile (shard, profile_id, workspace_id, user_id, attributes, created_at, updated_at)"
            " values (%s, %s, %s, %s, %s::jsonb, %s, %s)",
            (SHARD, profile_id, self.workspace_id, f"u{profile_id}", json.dumps(attributes), NOON, NOON),
        )
        if address != "":
            await self.db.execute(
                "insert into device (shard, profile_id, app_id, hwid, channel, platform, is_subscribed, created_at,"
                " updated_at) values (%s, %s, %s, %s, 'email', 'Email', %s, %s, %s)",
                (SHARD, profile_id, self.app_id, address or f"p{profile_id}@a.example", is_subscribed, NOON, NOON),
            )

    async def message(
        self,
        profile_id: int,
        *,
        channel: str = "email",
        priority: int = 1,
        due_at: datetime = NOON,
        journey_id: int = 1,
    ) -> int:
        context = json.dumps({"entry": {"coupon": "X1"}, "event": {"price": 12.5}})
        self.enrollments += 1
        await self.db.execute(
            "insert into enrollment (shard, enrollment_id, journey_id, profile_id, point_no, entered_at, context)"
            " values (%s, %s, %s, %s, 1, %s, %s::jsonb)",
            (SHARD, self.enrollments, journey_id, profile_id, NOON, context),
        )
        return await self.value(
            "insert into message (shard, enrollment_id, profile_id, journey_id, version_no, point_no, channel,"
            " priority, due_at, created_at) values (%s, %s, %s, %s, 1, 5, %s, %s, %s, %s) returning message_id",
            SHARD, self.enrollments, profile_id, journey_id, channel, priority, due_at, NOON,
        )  # fmt: skip

    async def crowd(self, count: int, **message: Any) -> None:
        for number in range(1, count + 1):
            await self.person(number)
            await self.message(number, **message)
        await self.db.commit()

    async def value(self, query: Any, *values: object) -> Any:
        row = await (await self.db.execute(query, values)).fetchone()
        assert row is not None
        return row[0]

    async def rows(self, query: Any, *values: object) -> list[Any]:
        rows = await (await self.db.execute(query, values)).fetchall()
        await self.db.commit()
        return rows

    async def statuses(self) -> Counter[str]:
        return Counter(status for (status,) in await self.rows("select status::text from message"))

    async def tallies(self) -> dict[tuple[str, str], int]:
        rows = await self.rows("select metric, detail, sum(n)::int from tally where point_no = 5 group by 1, 2")
        return {(metric, detail): n for metric, detail, n in rows}

    async def inbox(self) -> list[dict[str, Any]]:
        return [data for (data,) in await self.rows("select data from inbox where kind = 'outcome' order by inbox_id")]


@pytest.fixture
async def world(db: Conn) -> World:
    return World(db)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with make_pool(database_url, application_name="sender", max_size=6) as pool:
        yield pool


# Who sends ------------------------------------------------------------------------------------------------------


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Heard:
    """Counts signals, and waits for them."""

    counts: Counter[str] = field(default_factory=Counter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, signal: str, count: int) -> None:
        self.counts[signal] += count
        self.changed.set()

    async def until(self, signal: str, count: int = 1) -> None:
        async with asyncio.timeout(30):
            while self.counts[signal] < count:
                self.changed.clear()
                await self.changed.wait()


@dataclass
class Running:
    sender: Sender
    heard: Heard
    clock: Clock

    def advance(self, **delta: float) -> None:
        self.clock.now += timedelta(**delta)
        self.sender.wake()


@asynccontextmanager
async def sending(
    pool: Pool,
    carriers: Carriers,
    *,
    clock: Clock | None = None,
    heard: Heard | None = None,
    chance: float = 0.5,
    **options: Any,
) -> AsyncIterator[Running]:
    clock, heard = clock or Clock(), heard or Heard()
    sender = Sender(pool, carriers, clock, options=SenderOptions(**options), chance=lambda: chance, signals=heard)
    task = asyncio.create_task(sender.run())
    try:
        yield Running(sender, heard, clock)
    finally:
        sender.stop()
        async with asyncio.timeout(30):
            await task


@asynccontextmanager
async def carriers_for(smtp_url: str | None = None, **pool_options: Any) -> AsyncIterator[Carriers]:
    guard = AddressGuard(allowed_networks=["127.0.0.0/8"])
    async with HttpClient(guard, lambda: NOON) as http:
        if smtp_url is None:
            yield make_carriers(smtp=None, http=http, signing_key=SIGNING_KEY)
        else:
            async with SmtpPool(smtp_url, timeout_seconds=5, **pool_options) as smtp:
                yield make_carriers(smtp=smtp, http=http, signing_key=SIGNING_KEY)


class Mailbox:
    """A mail server's handler: keeps what arrives, refuses what is named so."""

    def __init__(self) -> None:
        self.arrived: list[Any] = []
        self.recipients: list[str] = []
        self.sessions: set[int] = set()
        self.drops = 0
        self.is_held = asyncio.Event()
        self.is_held.set()
        self.secured = 0

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address.startswith("refused"):
            return "550 5.1.1 no such user"
        if address.startswith("later"):
            return "451 4.7.1 greylisted"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        await self.is_held.wait()
        if self.drops:
            self.drops -= 1
            server.transport.abort()
            return "250 never heard"
        self.sessions.add(id(session))
        self.secured += session.ssl is not None
        self.recipients += envelope.rcpt_tos
        self.arrived.append(message_from_bytes(envelope.content, policy=default))
        return f"250 2.0.0 Ok: queued as Q{len(self.arrived)}"


@asynccontextmanager
async def mail_server(mailbox: Any, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    lines: list[SMTP] = []

    def answer() -> SMTP:
        lines.append(SMTP(mailbox, hostname="mail.test", loop=loop, **options))
        return lines[-1]

    server = await loop.create_server(answer, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for line in lines:
            if line.transport is not None:
                line.transport.close()
        await server.wait_closed()


@asynccontextmanager
async def mailing(pool: Pool, mailbox: Any, *, connections: int = 10, **options: Any) -> AsyncIterator[Running]:
    """A mail server, and a sender that speaks to it."""
    async with (
        mail_server(mailbox) as port,
        carriers_for(f"smtp://127.0.0.1:{port}", connections=connections) as carriers,
        sending(pool, carriers, **options) as running,
    ):
        yield running


# Email ----------------------------------------------------------------------------------------------------------


async def test_a_crowd_gets_its_mail_once(world: World, pool: Pool) -> None:
    await world.journey(send_email(utm=Utm(source="mail"), bcc="boss@s.example", from_name="Shop"))
    await world.crowd(300)
    mailbox = Mailbox()
    async with mailing(pool, mailbox, capacity={"email": 100, "webhook": 10}) as running:
        await running.heard.until("recorded", 300)
    assert await world.statuses() == {"sent": 300}
    assert await world.tallies() == {("sent", ""): 300}
    assert len(mailbox.arrived) == 300
    assert len(mailbox.sessions) <= 12
    assert Counter(mailbox.recipients)["boss@s.example"] == 300
    mail = next(mail for mail in mailbox.arrived if mail["To"] == "p7@a.example")
    assert mail["Subject"] == "Hello Person 7"
    assert mail.get_content().strip() == "X1 12.5"
    assert len({mail["Message-ID"] for mail in mailbox.arrived}) == 300
    rows = await world.rows("select address, provider_ref, attempts, done_at, claimed_until from message limit 1")
    assert rows[0][0].endswith("@a.example")
    assert rows[0][1].startswith("Q")
    assert rows[0][2:] == (1, NOON, None)
    assert await world.inbox() == []


async def test_a_notification_wakes_an_idle_sender(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.person(1)
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("listening")
        await running.heard.until("looked", 8)
        await world.message(1)
        await world.db.execute("select pg_notify('sojourn_message', %s)", (str(SHARD),))
        await world.db.commit()
        await running.heard.until("recorded")
    assert await world.statuses() == {"sent": 1}


async def test_a_future_message_waits_for_its_time(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.person(1)
    await world.message(1, due_at=NOON + timedelta(hours=1))
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("looked", 8)
        assert running.heard.counts["claimed"] == 0
        running.advance(hours=1)
        await running.heard.until("recorded")
    assert await world.statuses() == {"sent": 1}


async def test_a_refused_address_fails_with_the_servers_words_and_a_greylisted_one_comes_back(
    world: World, pool: Pool
) -> None:
    await world.journey(send_email())
    await world.person(1, address="refused@a.example")
    await world.person(2, address="later@a.example")
    await world.person(3)
    for number in (1, 2, 3):
        await world.message(number)
    await world.db.commit()
    mailbox = Mailbox()
    async with mailing(pool, mailbox, chance=1.0) as running:
        await running.heard.until("recorded", 3)
        rows = await world.rows("select status::text, attempts, due_at, detail from message order by message_id")
        assert rows == [
            ("failed", 1, NOON, "550 5.1.1 no such user"),
            ("queued", 1, NOON + timedelta(minutes=1), "451 4.7.1 greylisted"),
            ("sent", 1, NOON, None),
        ]
        for attempt in range(2, 9):
            running.advance(hours=12)
            await running.heard.until("recorded", 2 + attempt)
    rows = await world.rows("select status::text, attempts, detail from message where profile_id = 2")
    assert rows == [("failed", 8, "gave up: 451 4.7.1 greylisted")]
    assert await world.tallies() == {
        ("failed", "refused"): 1, ("failed", "unreachable"): 1, ("retried", ""): 7, ("sent", ""): 1,
    }  # fmt: skip


async def test_a_dropped_connection_costs_another_attempt_and_the_id_stays(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(5)
    seen: list[Any] = []

    class Dropping(Mailbox):
        async def handle_DATA(self, server, session, envelope):  # noqa: N802
            seen.append(message_from_bytes(envelope.content, policy=default)["Message-ID"])
            return await super().handle_DATA(server, session, envelope)

    mailbox = Dropping()
    mailbox.drops = 2
    async with mailing(pool, mailbox) as running:
        await running.heard.until("recorded", 5)
        assert await world.statuses() == {"sent": 3, "queued": 2}
        running.advance(minutes=5)
        await running.heard.until("recorded", 7)
    assert await world.statuses() == {"sent": 5}
    assert sorted(Counter(seen).values()) == [1, 1, 1, 2, 2]


async def test_a_mail_server_that_is_away_is_tried_again(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(3)
    async with mail_server(Mailbox()) as free_port:
        pass
    async with carriers_for(f"smtp://127.0.0.1:{free_port}") as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded", 3)
    rows = await world.rows("select distinct status::text, attempts, detail from message")
    [(status, attempts, detail)] = rows
    assert (status, attempts) == ("queued", 1)
    assert detail.startswith("no connection to the mail server")


class Accounts:
    def __call__(self, server, session, envelope, mechanism, auth_data):
        return AuthResult(success=(auth_data.login, auth_data.password) == (b"ada", b"p@ss"), handled=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


# aiosmtpd does not see the TLS that is there from the first byte.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_mail_goes_over_tls_with_a_login(
    scheme: str, world: World, pool: Pool, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    await world.journey(send_email())
    await world.crowd(20)
    mailbox = Mailbox()
    tls: dict[str, Any] = (
        {"tls": server_tls, "auth_require_tls": False}
        if scheme == "smtps"
        else {"tls_context": server_tls, "require_starttls": True}
    )
    async with mail_server(mailbox, authenticator=Accounts(), auth_required=True, **tls) as port:
        url = f"{scheme}://ada:p%40ss@127.0.0.1:{port}"
        async with carriers_for(url, tls_context=client_tls) as carriers, sending(pool, carriers) as running:
            await running.heard.until("recorded", 20)
    assert await world.rows("select distinct status::text, detail from message") == [("sent", None)]
    assert len(mailbox.arrived) == 20
    if scheme == "smtp":
        assert mailbox.secured == 20


async def test_a_refused_login_is_no_fault_of_the_messages(
    world: World, pool: Pool, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    await world.journey(send_email())
    await world.crowd(2)
    async with mail_server(Mailbox(), authenticator=Accounts(), auth_required=True, tls_context=server_tls) as port:
        url = f"smtp://ada:wrong@127.0.0.1:{port}?tls=required"
        async with carriers_for(url, tls_context=client_tls) as carriers, sending(pool, carriers) as running:
            await running.heard.until("recorded", 2)
    [(status, detail)] = await world.rows("select distinct status::text, detail from message")
    assert status == "queued"
    assert detail.startswith("the mail server refused the connection: 535")


async def test_who_cannot_be_reached_is_skipped(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.journey(send_email(send_to_unsubscribed=True), journey_id=2)
    await world.person(1, address="")
    await world.person(2, is_subscribed=False)
    await world.person(3, address="no address at all")
    for number in (1, 2, 3):
        await world.message(number)
    await world.message(2, journey_id=2)
    await world.message(99)
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded", 5)
    assert await world.tallies() == {
        ("skipped", "no address"): 1, ("skipped", "unsubscribed"): 1, ("failed", "address"): 1, ("sent", ""): 1,
        ("skipped", "no profile"): 1,
    }  # fmt: skip


async def test_one_poisonous_message_does_not_stop_the_others(world: World, pool: Pool) -> None:
    content = EmailContent(subject="{{ 1 | divided_by: profile.n }}", html="<b>{{ profile.name }}</b>")
    await world.journey(send_email(content=content))
    for number in range(1, 11):
        await world.person(number, n=0 if number == 5 else 1)
        await world.message(number)
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded", 10)
    assert await world.tallies() == {("sent", ""): 9, ("failed", "template"): 1}
    [(detail,)] = await world.rows("select detail from message where status = 'failed'")
    assert detail == "line 1: divided_by: can't divide by 0"


async def test_a_provider_that_breaks_is_a_retry(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(2)

    class Broken:
        name = "broken"

        async def deliver(self, message: Email) -> Outcome:
            if message.to == "p1@a.example":
                raise ZeroDivisionError("bug")
            return Accepted(ref="nul \x00 and \ud800 inside")

    async with sending(pool, Carriers(email=(Broken(),), webhook=())) as running:
        await running.heard.until("recorded", 2)
    rows = await world.rows("select status::text, detail, provider_ref from message order by message_id")
    assert rows == [("queued", "ZeroDivisionError: bug", None), ("sent", None, "nul   and   inside")]


async def test_an_outcome_that_the_database_refuses_spoils_no_others(
    world: World, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.journey(send_email())
    await world.crowd(3)

    class Odd:
        name = "odd"

        async def deliver(self, message: Email) -> Outcome:
            return Refused(detail="nul \x00" if message.to == "p2@a.example" else "no")

    monkeypatch.setattr("sojourn.delivery.settle.clean", lambda text: text)
    async with sending(pool, Carriers(email=(Odd(),), webhook=())) as running:
        await running.heard.until("recorded", 3)
    assert await world.rows("select status::text, detail from message order by message_id") == [
        ("failed", "no"), ("failed", None), ("failed", "no"),
    ]  # fmt: skip
    assert await world.tallies() == {("failed", "refused"): 3}


async def test_presets_and_channel_settings_fill_in(world: World, pool: Pool) -> None:
    await world.journey(SendEmail(id=POINT_ID, preset_code="HELLO"))
    await world.journey(SendEmail(id=POINT_ID, preset_code="GONE"), journey_id=2)
    await world.person(1)
    await world.message(1)
    await world.message(1, journey_id=2)
    await world.db.execute(
        "insert into preset (workspace_id, app_id, code, title, channel, content, created_at)"
        " values (%s, %s, 'HELLO', 'Hello', 'email', %s::jsonb, %s)",
        (
            world.workspace_id,
            world.app_id,
            json.dumps({"subject": "Hi", "html": "<p>{{ profile.name }}</p>", "x": 1}),
            NOON,
        ),
    )
    await world.db.execute(
        "insert into channel_setting (app_id, channel, provider, settings, updated_at)"
        " values (%s, 'email', 'smtp', %s::jsonb, %s)",
        (world.app_id, json.dumps({"from_email": "news@s.example", "from_name": "News"}), NOON),
    )
    await world.db.commit()
    mailbox = Mailbox()
    async with mailing(pool, mailbox) as running:
        await running.heard.until("recorded", 2)
    [mail] = mailbox.arrived
    assert mail["From"] == "News <news@s.example>"
    assert mail.get_content_type() == "text/html"
    assert await world.tallies() == {("sent", ""): 1, ("failed", "content"): 1}


async def test_what_comes_into_silent_hours_waits_or_is_skipped(world: World, pool: Pool) -> None:
    """Messages that are due, as after a pause; urgent ones and those of people elsewhere go out."""
    night = SilentHours(enabled=True, from_="11:00", to="13:00", fallback_timezone="Europe/London")
    pace = send_email(send_rate_per_second=1)
    await world.journey(pace, silent_hours={"email": night})
    await world.journey(pace, journey_id=2, silent_hours={"email": msgspec.structs.replace(night, policy="SKIP")})
    for number, zone in ((1, None), (2, "Europe/Berlin")):
        await world.person(number)
        await world.rows("update profile set time_zone = %s where profile_id = %s returning 1", zone, number)
        for journey_id in (1, 2):
            await world.message(number, journey_id=journey_id)
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded", 4)
        found = "select journey_id, profile_id, status::text, detail, due_at, attempts from message order by 1, 2"
        one = NOON + timedelta(hours=1)
        assert await world.rows(found) == [
            (1, 1, "queued", None, one, 0),
            (1, 2, "sent", None, NOON, 1),
            (2, 1, "skipped", "the message came in silent hours", NOON, 1),
            (2, 2, "sent", None, NOON, 1),
        ]
        assert await world.tallies() == {("sent", ""): 2, ("skipped", "silent hours"): 1}
        running.advance(minutes=59, seconds=59)
        await running.heard.until("looked", running.heard.counts["looked"] + 8)
        assert running.heard.counts["claimed"] == 4
        running.advance(seconds=1)
        await running.heard.until("recorded", 5)
    assert await world.tallies() == {("sent", ""): 3, ("skipped", "silent hours"): 1}


async def test_capping_counts_what_a_person_got_from_the_journey(world: World, pool: Pool) -> None:
    capping = MessageCapping(mode="CUSTOM", max_messages=2, period_seconds=3600)
    await world.journey(send_email(capping=capping))
    for number in (1, 2):
        await world.person(number)
    for number in (1, 1, 1, 2):
        await world.message(number)
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded", 4)
        assert await world.tallies() == {("sent", ""): 3, ("skipped", "capped"): 1}
        running.clock.now += timedelta(hours=2)
        await world.message(1)
        await world.message(1, priority=0)
        await world.db.commit()
        running.sender.wake()
        await running.heard.until("recorded", 6)
    assert await world.statuses() == {"sent": 5, "skipped": 1}


async def test_a_point_keeps_its_pace(world: World, pool: Pool) -> None:
    await world.journey(send_email(send_rate_per_second=4))
    await world.crowd(10)
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded", 10)
        assert (await world.statuses())["sent"] == 1
        rows = await world.rows(
            "select attempts, due_at - %s from message where status = 'queued' order by due_at", NOON
        )
        assert rows == [(0, timedelta(seconds=number / 4)) for number in range(1, 10)]
        for number in range(1, 10):
            running.advance(seconds=0.25)
            await running.heard.until("recorded", 10 + number)
            assert (await world.statuses())["sent"] == 1 + number


async def test_two_senders_keep_the_pace_of_a_point_together(world: World, pool: Pool) -> None:
    await world.journey(send_email(send_rate_per_second=4))
    await world.crowd(10)
    capacity, heard = {"email": 2, "webhook": 1}, Heard()
    async with (
        carriers_for() as carriers,
        sending(pool, carriers, capacity=capacity, heard=heard),
        sending(pool, carriers, capacity=capacity, heard=heard),
    ):
        await heard.until("recorded", 10)
    assert await world.statuses() == {"sent": 1, "queued": 9}
    rows = await world.rows("select due_at - %s from message where status = 'queued' order by due_at", NOON)
    assert rows == [(timedelta(seconds=number / 4),) for number in range(1, 10)]


async def test_a_blast_does_not_delay_an_urgent_message(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(100)
    mailbox, urgent = Mailbox(), asyncio.Event()
    mailbox.is_held.clear()

    class Slow(Mailbox):
        async def handle_DATA(self, server, session, envelope):  # noqa: N802
            if "p1000@a.example" in envelope.rcpt_tos:
                urgent.set()
                return "250 OK"
            await urgent.wait()
            return await super().handle_DATA(server, session, envelope)

    mailbox = Slow()
    async with mailing(pool, mailbox, connections=3, capacity={"email": 20, "webhook": 10}) as running:
        await running.heard.until("claimed", 20)
        await world.person(1000)
        await world.message(1000, priority=0)
        await world.db.commit()
        running.sender.wake()
        await running.heard.until("recorded", 101)
    assert await world.statuses() == {"sent": 101}


async def test_a_lease_that_ran_out_is_taken_over_and_the_late_outcome_does_not_count(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(1)
    release, keys = asyncio.Event(), list[str]()

    class Stuck:
        name = "stuck"

        async def deliver(self, message: Email) -> Outcome:
            keys.append(message.key)
            await release.wait()
            return Accepted(ref="late")

    class Quick:
        name = "quick"

        async def deliver(self, message: Email) -> Outcome:
            keys.append(message.key)
            return Accepted(ref="quick")

    clock = Clock()
    full = {"email": 1, "webhook": 1}  # with one message it has no room for another, nor for the same again
    async with sending(pool, Carriers(email=(Stuck(),), webhook=()), clock=clock, capacity=full) as first:
        await first.heard.until("claimed")
        clock.now += timedelta(minutes=3)
        async with sending(pool, Carriers(email=(Quick(),), webhook=()), clock=clock) as second:
            await second.heard.until("released")
            await second.heard.until("recorded")
        release.set()
        await first.heard.until("recorded")
    assert keys[0] == keys[1]
    assert await world.rows("select status::text, attempts, provider_ref from message") == [("sent", 2, "quick")]
    assert await world.tallies() == {("sent", ""): 1}


async def test_a_sender_keeps_the_leases_of_what_it_is_sending(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(1)
    release = asyncio.Event()

    class Stuck:
        name = "stuck"

        async def deliver(self, message: Email) -> Outcome:
            await release.wait()
            return Accepted()

    async with sending(pool, Carriers(email=(Stuck(),), webhook=())) as running:
        await running.heard.until("claimed")
        looked = running.heard.counts["looked"]
        running.advance(minutes=3)
        await running.heard.until("looked", looked + 8)
        assert running.heard.counts["released"] == 0
        release.set()
        await running.heard.until("recorded")
    assert await world.rows("select status::text, attempts from message") == [("sent", 1)]


async def test_two_senders_share_the_work(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(200)
    mailbox = Mailbox()
    capacity, heard = {"email": 20, "webhook": 10}, Heard()
    async with (
        mailing(pool, mailbox, capacity=capacity, heard=heard),
        mailing(pool, mailbox, capacity=capacity, heard=heard),
    ):
        await heard.until("recorded", 200)
    assert len(mailbox.arrived) == 200
    assert await world.tallies() == {("sent", ""): 200}


async def test_a_stop_finishes_what_is_under_way_and_leaves_the_rest(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(50)
    started, release = asyncio.Event(), asyncio.Event()

    class Slow:
        name = "slow"

        async def deliver(self, message: Email) -> Outcome:
            started.set()
            await release.wait()
            return Accepted()

    async with sending(pool, Carriers(email=(Slow(),), webhook=()), capacity={"email": 10, "webhook": 10}) as running:
        await started.wait()
        running.sender.stop()
        release.set()
    rows = await world.rows("select status::text, attempts, count(*)::int from message group by 1, 2 order by 1, 2")
    assert {(status, attempts) for status, attempts, _ in rows} == {("queued", 0), ("sent", 1)}
    assert sum(n for status, _, n in rows if status == "sent") <= 10


async def test_a_restarted_database_is_survived(world: World, pool: Pool) -> None:
    await world.journey(send_email())
    await world.crowd(1)
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded")
        await running.heard.until("listening")
        await world.rows("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sender'")
        await world.message(1)
        await world.db.commit()
        await running.heard.until("recorded", 2)
        await running.heard.until("listening", 2)
    assert await world.statuses() == {"sent": 2}


# Webhooks -------------------------------------------------------------------------------------------------------


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A web server that answers by path and keeps what it got."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, Callable[[], bytes]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                path = first.split()[1]
                self.calls.append(Call(path, headers, body))
                answer = self.answers.get(path.partition("?")[0], lambda: reply(200, b"{}"))()
                if not answer:
                    await reader.read()
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def reply(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"] + [
        f"{name.replace('_', '-')}: {value}" for name, value in headers.items()
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    yield receiver, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_a_webhook_is_called_signed_and_rendered(
    world: World, pool: Pool, receiver: tuple[Receiver, str]
) -> None:
    server, url = receiver
    point = webhook(
        url + "/hook?n={{ profile.name | url_encode }}",
        headers={"X-Coupon": "{{ entry.coupon }}", "Authorization": "Bearer ümlaut"},
        body='{"name": {{ profile.name | json }}, "price": {{ event.price }}}',
    )
    await world.journey(point)
    await world.crowd(20, channel="webhook")
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded", 20)
    assert await world.statuses() == {"sent": 20}
    assert len(server.calls) == 20
    call = next(call for call in server.calls if call.path.endswith("Person+7"))
    assert json.loads(call.body) == {"name": "Person 7", "price": 12.5}
    assert call.headers["x-coupon"] == "X1"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["idempotency-key"] == call.headers["sojourn-message-id"]
    assert call.headers["idempotency-key"].startswith(f"{JOURNEY_UUID}.{SHARD}.")
    key = app_key(SIGNING_KEY, "AAAAA-11111")
    assert is_authentic(key, call.body, call.headers["sojourn-signature"], NOON)
    assert await world.inbox() == []


async def test_a_waiting_person_gets_the_answer(world: World, pool: Pool, receiver: tuple[Receiver, str]) -> None:
    server, url = receiver
    server.answers["/score"] = lambda: reply(200, b'{"data": {"scores": [7, 9]}, "tier": "gold", "bad": "a\\u0000"}')
    saves = (
        SaveResponse(path="data.scores.1", name="score"),
        SaveResponse(path="tier", name="tier"),
        SaveResponse(path="missing.path", name="missing"),
    )
    await world.journey(webhook(url + "/score", save_response=saves))
    await world.person(1)
    await world.message(1, channel="webhook")
    await world.db.execute("listen sojourn_inbox")
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded")
    notes = [note.payload async for note in world.db.notifies(timeout=10, stop_after=1)]
    assert notes == [str(SHARD)]
    [data] = await world.inbox()
    assert data == {
        "enrollment_id": 1, "journey_id": 1, "point_no": 5, "output": 0, "entry": {"score": 9, "tier": "gold"},
    }  # fmt: skip
    [(kind, profile_id, workspace_id)] = await world.rows("select kind::text, profile_id, workspace_id from inbox")
    assert (kind, profile_id, workspace_id) == ("outcome", 1, world.workspace_id)


async def test_a_failed_call_lets_waiting_people_out_by_the_first_output(
    world: World, pool: Pool, receiver: tuple[Receiver, str]
) -> None:
    server, url = receiver
    server.answers["/"] = lambda: reply(404, b"no such order")
    edge = Edge(from_=POINT_ID, output="output1", to=EXIT_ID)
    await world.journey(webhook(url + "/"), edges=(edge,))
    await world.person(1)
    await world.message(1, channel="webhook")
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded")
    [data] = await world.inbox()
    assert (data["output"], data["entry"]) == (1, {})
    assert await world.rows("select status::text, detail from message") == [("failed", "http 404: no such order")]


async def test_tries_for_a_waiting_person_end_with_the_points_time_limit(
    world: World, pool: Pool, receiver: tuple[Receiver, str]
) -> None:
    server, url = receiver
    server.answers["/"] = lambda: reply(503, retry_after="2")
    await world.journey(webhook(url + "/", wait_for_response=True, timeout_seconds=5))
    await world.person(1)
    await world.message(1, channel="webhook")
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers, chance=0.0) as running:
        await running.heard.until("recorded")
        assert await world.rows("select due_at from message") == [(NOON + timedelta(seconds=2),)]
        assert await world.inbox() == []
        for tries in (2, 3):
            running.advance(seconds=2)
            await running.heard.until("recorded", tries)
    assert [data["output"] for data in await world.inbox()] == [1]
    assert len(server.calls) == 3
    assert len({call.headers["idempotency-key"] for call in server.calls}) == 1
    assert await world.tallies() == {("retried", ""): 2, ("failed", "unreachable"): 1}


async def test_the_time_limit_of_a_call_counts_from_the_end_of_the_silence(
    world: World, pool: Pool, receiver: tuple[Receiver, str]
) -> None:
    """A try more that falls into silent hours is made: the person waits for the call that was begun."""
    server, url = receiver
    server.answers["/"] = lambda: reply(503, retry_after="2")
    siesta = SilentHours(enabled=True, from_="11:00", to="14:00", timezone="UTC")
    point = webhook(url + "/", wait_for_response=True, timeout_seconds=5)
    await world.journey(point, silent_hours={"webhook": siesta})
    await world.journey(point, journey_id=2, silent_hours={"webhook": msgspec.structs.replace(siesta, policy="SKIP")})
    await world.person(1)
    await world.message(1, channel="webhook", journey_id=2)
    await world.db.commit()
    two = NOON + timedelta(hours=2)
    async with carriers_for() as carriers, sending(pool, carriers, chance=0.0) as running:
        await running.heard.until("recorded")
        assert [data["output"] for data in await world.inbox()] == [1], "who would wait for a skipped call goes on"
        await world.message(1, channel="webhook", due_at=two)
        await world.db.commit()
        running.clock.now = two
        for tries in (2, 3, 4):
            running.advance(seconds=2 * (tries > 2))
            await running.heard.until("recorded", tries)
    assert [data["output"] for data in await world.inbox()] == [1, 1]
    assert len(server.calls) == 3
    # A call begun in time, of which the second try comes when the silence has begun.
    dusk = NOON - timedelta(hours=1, seconds=1)
    server.answers["/"] = lambda: reply(200) if len(server.calls) > 4 else reply(503, retry_after="2")
    await world.message(1, channel="webhook")
    await world.rows("update message set created_at = %s, due_at = %s where status = 'queued' returning 1", dusk, dusk)
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers, clock=Clock(dusk), chance=0.0) as running:
        await running.heard.until("recorded")
        running.advance(seconds=2)
        await running.heard.until("recorded", 2)
    assert [data["output"] for data in await world.inbox()] == [1, 1, 0]


@pytest.mark.parametrize(
    ("url", "reason", "detail"),
    [
        ("http://localhost.test.invalid/", "retried", "ConnectError: `localhost.test.invalid` cannot be resolved"),
        ("http://[::1]:9/", "refused", "the address of `::1` is not public"),
        ("http://169.254.169.254/latest", "refused", "the address of `169.254.169.254` is not public"),
        ("ftp://a.example/", "url", "the URL must begin with http:// or https:// and name a host"),
        ("{{ profile.name }}", "url", "the URL must begin with http:// or https:// and name a host"),
        ("http:///x", "url", "the URL must begin with http:// or https:// and name a host"),
    ],
)
async def test_urls_that_lead_nowhere(url: str, reason: str, detail: str, world: World, pool: Pool) -> None:
    await world.journey(webhook(url))
    await world.person(1)
    await world.message(1, channel="webhook")
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded")
    assert await world.rows("select detail from message") == [(detail,)]
    assert set(await world.tallies()) == {("retried", "") if reason == "retried" else ("failed", reason)}


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        (
            {"X-Name": "{{ profile.bad }}"},
            "the value of header `X-Name` holds a line break or another control character",
        ),
        ({"X Name": "a"}, "`X Name` is no name of a header"),
        ({"Host": "a"}, "header `Host` cannot be set"),
        ({"Sojourn-Signature": "a"}, "header `Sojourn-Signature` cannot be set"),
    ],
)
async def test_headers_that_cannot_be(
    headers: dict[str, str], detail: str, world: World, pool: Pool, receiver: tuple[Receiver, str]
) -> None:
    server, url = receiver
    await world.journey(webhook(url, headers=headers))
    await world.person(1, bad="a\r\nX-Evil: 1")
    await world.message(1, channel="webhook")
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded")
    assert await world.rows("select detail from message") == [(detail,)]
    assert server.calls == []


async def test_endless_and_slow_answers_are_cut(world: World, pool: Pool, receiver: tuple[Receiver, str]) -> None:
    server, url = receiver
    server.answers["/large"] = lambda: reply(200, b"x" * 3_000_000)
    server.answers["/silent"] = lambda: b""
    server.answers["/moved"] = lambda: reply(302, location="/elsewhere", set_cookie="a=1")
    await world.journey(webhook(url + "/large", wait_for_response=True))
    await world.journey(webhook(url + "/silent", timeout_seconds=1), journey_id=2)
    await world.journey(webhook(url + "/moved"), journey_id=3)
    await world.person(1)
    for journey_id in (1, 2, 3):
        await world.message(1, channel="webhook", journey_id=journey_id)
    await world.db.commit()
    async with carriers_for() as carriers, sending(pool, carriers) as running:
        await running.heard.until("recorded", 3)
    assert await world.rows("select status::text, detail from message order by journey_id") == [
        ("sent", None),
        ("queued", "no answer within 1 s"),
        ("failed", "http 302: redirects are not followed"),
    ]
    assert {call.path for call in server.calls} == {"/large", "/silent", "/moved"}
