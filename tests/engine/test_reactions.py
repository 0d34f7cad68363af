"""Opens and clicks, the whole way: from the journey to a mail server, from the link in the mail to the next point."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from litestar import Litestar

from sojourn.api.server import create_app
from sojourn.delivery.compose import Defaults
from sojourn.engine.runner import Runner
from sojourn.engine.tick import Budget
from sojourn.service.commands import (
    Caller,
    ChangeStatus,
    CreateJourney,
    EnrollByApi,
    GetStatistics,
    Journey,
    JourneyDraft,
    PostEvent,
    RegisterEmail,
    Subject,
    UpdateJourney,
)
from sojourn.service.service import Service
from sojourn.service.signing_keys import webhook_signing_key
from sojourn.service.tokens import ensure_token
from sojourn.service.tracking import MessageRef, Tracker, tracking_key
from sojourn.service.workspaces import ensure_app
from sojourn.store.connection import Pool
from sojourn.store.delivery import NextDue, hold_back_messages, look_for_messages
from sojourn.store.wakeups import make_worker_pool
from tests import lab as laboratory
from tests.conftest import SHARD_COUNT
from tests.engine.test_sender import Mailbox, Running, carriers_for, mail_server, sending
from tests.lab import SHOP, awaiting, graph, on_event, point_id

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BASE = "https://journeys.example"
TOKEN = "reactions-token"
HTML = (
    '<html><body><a href="https://shop.example/sale?a=1&amp;b=2#top">Sale</a> <a href="mailto:a@b.example">Write</a>'
    '<a href="https://shop.example/unsubscribe?who=1">No more</a></body></html>'
)
OPENED_OR_NOT = "api -> letter.1 -> exit reacted\nletter -> exit2 silent"


def letter(reaction: str = "OPENED", wait: int = 3600, **fields: Any) -> Any:
    split = {"reaction": reaction, "wait_seconds": wait}
    return letter_without_split(**({"split_by_reaction": split} | fields))


def letter_without_split(**fields: Any) -> Any:
    content = {"subject": "Hello", "html": HTML, "text": "https://shop.example/text"}
    return laboratory.point("send_email", **({"content": content} | fields))


@dataclass
class Stage:
    """Everything of an installation in one process, with a clock set by hand."""

    url: str
    pool: Pool
    service: Service
    app: Litestar
    tracker: Tracker
    caller: Caller = field(default_factory=lambda: Caller(workspace_id=1))
    now: datetime = MONDAY
    mailbox: Mailbox = field(default_factory=Mailbox)

    def __call__(self) -> datetime:
        return self.now

    async def tick(self, **after: float) -> None:
        """Let time pass and the engine do what is due."""
        self.now += timedelta(**after)
        await Runner(self.url, self).drain()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as conn:
            return await (await conn.execute(query.encode())).fetchall()

    async def start(self, drawn: str, **points: Any) -> Journey:
        draft = JourneyDraft(title="Letters", graph=graph(drawn, **points))
        journey = await self.service.run(self.caller, CreateJourney(draft=draft))
        return await self.change(journey, "start")

    async def change(self, journey: Journey, command: Any) -> Journey:
        return await self.service.run(self.caller, ChangeStatus(journey=journey.journey, command=command))

    async def person(self, name: str, zone: str | None = None) -> None:
        address = RegisterEmail(application_code=SHOP, email=f"{name}@a.example", user_id=name)
        await self.service.run(self.caller, address)
        await self.tick()
        if zone is not None:
            await self.rows(f"update profile set time_zone = '{zone}' where user_id = '{name}' returning 1")

    async def enroll(self, journey: Journey, *names: str) -> None:
        await self.service.run(self.caller, EnrollByApi(journey=str(journey.journey), users=names))
        await self.tick()

    async def does(self, name: str, event: str, **attributes: Any) -> None:
        said = PostEvent(application_code=SHOP, subject=Subject(user_id=name), name=event, attributes=attributes)
        await self.service.run(self.caller, said)
        await self.tick()

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[Running]:
        defaults = Defaults(from_email="shop@s.example", tracker=self.tracker)
        async with (
            mail_server(self.mailbox) as port,
            carriers_for(f"smtp://127.0.0.1:{port}") as carriers,
            sending(self.pool, carriers, clock=self, defaults=defaults) as running,
        ):
            yield running

    async def send(self, count: int = 1) -> None:
        """Send so many messages."""
        async with self.sending() as running:
            await running.heard.until("recorded", count)

    async def fetch(self, address: str) -> httpx.Response:
        """Follow an address in a mail, as far as us."""
        assert address.startswith(f"{BASE}/"), address
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.get(address)

    async def ends(self) -> dict[str, str]:
        """Return how everybody's journey ended."""
        rows = await self.rows(
            "select p.user_id, d.outcome || ' ' || d.reason from departure as d join enrollment as e"
            " using (shard, enrollment_id) join profile as p using (shard, profile_id)"
        )
        return dict(rows)

    async def tallies(self) -> dict[str, int]:
        rows = await self.rows("select metric, sum(n)::int from tally group by 1")
        return {metric: n for metric, n in rows if metric in {"sent", "opened", "clicked"}}

    async def seen_by_senders(self) -> list[NextDue]:
        async with self.pool.connection() as conn:
            lanes: dict[str, Any] = {"priorities": [0, 1], "channels": ["email", "email"]}
            return [row for shard in range(SHARD_COUNT) for row in await look_for_messages(conn, shard=shard, **lanes)]

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        return [(name, data) for name, data in await self.rows("select name, data from event order by event_id")]


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with make_worker_pool(database_url, application_name="reactions", max_size=8) as pool:
        async with pool.connection() as conn:
            app = await ensure_app(conn, "default", MONDAY, application_code=SHOP)
            await ensure_token(conn, app.workspace_id, TOKEN, "api", "tests", MONDAY)
            tracker = Tracker(BASE, tracking_key(await webhook_signing_key(conn, MONDAY)))
        made: Stage | None = None

        def clock() -> datetime:
            return made.now if made is not None else MONDAY

        async def ready() -> list[str]:
            return []

        service = Service(pool, clock)
        caller = Caller(workspace_id=app.workspace_id, name="tester")
        made = Stage(database_url, pool, service, create_app(service, ready=ready), tracker, caller)
        yield made
        await service.close()


def html_of(mail: Any) -> str:
    part = mail.get_body(("html",))
    return part.get_content()


def pixel_of(mail: Any) -> str:
    [address] = re.findall(r'<img src="([^"]+)"', html_of(mail))
    return unescape(address)


def links_of(mail: Any) -> list[str]:
    return [unescape(address) for address in re.findall(r'<a href="([^"]+)"', html_of(mail))]


async def sent_letter(stage: Stage, drawn: str = OPENED_OR_NOT, **points: Any) -> tuple[Journey, Any]:
    """Start a journey, enroll Ada, send her the letter."""
    await stage.person("ada")
    journey = await stage.start(drawn, **points)
    await stage.enroll(journey, "ada")
    await stage.send()
    return journey, stage.mailbox.arrived[-1]


# Splits ---------------------------------------------------------------------------------------------------------


async def test_who_opens_leaves_by_the_first_output(stage: Stage) -> None:
    journey, mail = await sent_letter(stage, letter=letter("OPENED"))
    await stage.tick(minutes=10)
    assert await stage.ends() == {}
    answer = await stage.fetch(pixel_of(mail))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"GIF89a")
    await stage.tick()
    assert await stage.ends() == {"ada": "completed reacted"}
    assert await stage.tallies() == {"sent": 1, "opened": 1}
    [(name, data)] = await stage.events()
    assert name == "message_opened"
    about = {"journey": str(journey.journey), "point": point_id("letter"), "channel": "email"}
    [(message_id,)] = await stage.rows("select message_id::text from message")
    assert data == about | {"message_id": message_id}


async def test_who_clicks_is_led_on_and_has_opened_too(stage: Stage) -> None:
    _, mail = await sent_letter(stage, letter=letter("CLICKED", utm={"source": "mail"}))
    sale, write, no_more = links_of(mail)
    assert write == "mailto:a@b.example"
    assert no_more == "https://shop.example/unsubscribe?who=1"
    assert mail.get_body(("plain",)).get_content().strip() == "https://shop.example/text?utm_source=mail"
    answer = await stage.fetch(sale)
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/sale?a=1&b=2&utm_source=mail#top"
    assert answer.headers["cache-control"] == "no-store"
    await stage.tick()
    assert await stage.ends() == {"ada": "completed reacted"}
    assert await stage.tallies() == {"sent": 1, "opened": 1, "clicked": 1}
    events = await stage.events()
    assert [name for name, _ in events] == ["message_opened", "message_clicked"]
    assert events[1][1]["url"] == "https://shop.example/sale?a=1&b=2&utm_source=mail#top"
    [(opened_at, clicked_at)] = await stage.rows("select opened_at, clicked_at from message")
    assert opened_at == clicked_at == stage.now


async def test_an_opening_is_no_click_and_the_end_of_the_wait_is_by_default(stage: Stage) -> None:
    _, mail = await sent_letter(stage, letter=letter("CLICKED", wait=3600))
    await stage.fetch(pixel_of(mail))
    await stage.tick(minutes=59)
    assert await stage.ends() == {}
    await stage.tick(minutes=1)
    assert await stage.ends() == {"ada": "completed silent"}
    await stage.fetch(links_of(mail)[0])
    await stage.tick()
    assert await stage.ends() == {"ada": "completed silent"}
    assert await stage.tallies() == {"sent": 1, "opened": 1, "clicked": 1}


async def test_each_reaction_counts_once_however_often_and_at_once_it_is_reported(stage: Stage) -> None:
    _, mail = await sent_letter(stage, letter=letter("OPENED"))
    addresses = [pixel_of(mail), links_of(mail)[0]] * 20
    answers = await asyncio.gather(*(stage.fetch(address) for address in addresses))
    assert {answer.status_code for answer in answers} == {200, 302}
    another = Service(stage.pool, stage)
    token = links_of(mail)[0].rpartition("/")[2]
    assert await asyncio.gather(another.reactions.click(token), stage.service.reactions.click(token))
    await another.close()
    await stage.tick()
    assert await stage.tallies() == {"sent": 1, "opened": 1, "clicked": 1}
    assert [name for name, _ in await stage.events()] == ["message_opened", "message_clicked"]
    assert await stage.ends() == {"ada": "completed reacted"}


async def test_two_processes_that_hear_of_a_click_at_once_count_it_once(stage: Stage) -> None:
    _, mail = await sent_letter(stage, letter=letter("CLICKED"))
    token = links_of(mail)[0].rpartition("/")[2]
    processes = [Service(stage.pool, stage) for _ in range(6)]
    await asyncio.gather(*(process.reactions.click(token) for process in processes))
    await stage.tick()
    assert await stage.tallies() == {"sent": 1, "opened": 1, "clicked": 1}
    assert len(await stage.events()) == 2


async def test_an_old_letter_says_nothing_about_the_new_one(stage: Stage) -> None:
    """In a circle, each letter waits for a reaction to itself."""
    drawn = "api -> letter.1 -> exit reacted\nletter -> wait 1h -> letter"
    _, first = await sent_letter(stage, drawn, letter=letter("OPENED", wait=60))
    await stage.tick(minutes=1)
    await stage.tick(hours=1)
    await stage.send()
    await stage.fetch(pixel_of(first))
    await stage.tick()
    assert await stage.ends() == {}
    await stage.fetch(pixel_of(stage.mailbox.arrived[-1]))
    await stage.tick()
    assert await stage.ends() == {"ada": "completed reacted"}


async def test_reactions_let_people_in_and_satisfy_waits(stage: Stage) -> None:
    await stage.start("clicker -> exit thanked", clicker=on_event("message_clicked"))
    await sent_letter(
        stage, "api -> letter -> hears.1 -> exit heard\nhears -> exit2 silence",
        letter=letter_without_split(), hears=awaiting("message_clicked"),
    )  # fmt: skip
    await stage.fetch(links_of(stage.mailbox.arrived[-1])[0])
    await stage.tick()
    assert set(await stage.rows("select reason from departure")) == {("heard",), ("thanked",)}


async def test_people_go_on_by_default_when_an_edit_ends_the_split(stage: Stage) -> None:
    journey, mail = await sent_letter(stage, letter=letter("OPENED"))
    draft = JourneyDraft(title="Letters", graph=graph("api -> letter -> exit2 silent", letter=letter_without_split()))
    await stage.service.run(stage.caller, UpdateJourney(journey=journey.journey, draft=draft))
    await stage.fetch(pixel_of(mail))
    await stage.tick()
    assert await stage.ends() == {"ada": "completed silent"}


async def test_statistics_show_reactions(stage: Stage) -> None:
    journey, mail = await sent_letter(stage, letter=letter("OPENED", campaign_code="SPRING"))
    await stage.fetch(links_of(mail)[0])
    transport = httpx.ASGITransport(stage.app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Authorization": f"Api {TOKEN}"}) as http:
        answer = await http.get(f"/api/journey/{journey.journey}/statistics/external")
    [point] = answer.json()["payload"]["points"]
    numbers = {name: point["pointStat"][name] for name in ("sent", "opened", "conversion", "clicked")}
    assert {name: float(n) for name, n in numbers.items()} == {"sent": 1, "opened": 1, "conversion": 100, "clicked": 1}


# Addresses ------------------------------------------------------------------------------------------------------


async def test_a_forged_address_leads_nowhere_and_counts_nothing(stage: Stage) -> None:
    _, mail = await sent_letter(stage, letter=letter("OPENED"))
    pixel, link = pixel_of(mail), links_of(mail)[0]
    thief = Tracker(BASE, tracking_key("a guess"))
    token = link.rpartition("/")[2]
    forged = [
        thief.click_url(MessageRef(0, 1), "https://evil.example"),
        f"{BASE}/t/c/{token[:-6]}AAAAAA",
        f"{BASE}/t/c/{pixel.rpartition('/')[2]}",
        f"{BASE}/t/c/%00",
        f"{BASE}/t/c/é",
        f"{BASE}/t/c/A",
    ]
    for address in forged:
        answer = await stage.fetch(address)
        assert (answer.status_code, answer.text) == (404, "This link does not work."), address
        assert "location" not in answer.headers
    for address in (thief.open_url(MessageRef(0, 1)), f"{BASE}/t/o/{token}", f"{BASE}/t/o/x"):
        answer = await stage.fetch(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    await stage.tick()
    assert await stage.tallies() == {"sent": 1}


async def test_a_message_that_is_gone_still_leads_on(stage: Stage) -> None:
    answer = await stage.fetch(stage.tracker.click_url(MessageRef(3, 10**12), "https://shop.example/ü?q=a b\r\nX: y"))
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://shop.example/%C3%BC?q=a%20b%0D%0AX:%20y"


async def test_a_link_leads_on_while_the_database_is_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    _, mail = await sent_letter(stage, letter=letter("OPENED"))
    await stage.fetch(f"{BASE}/t/o/x")  # the key is known from now on

    async def fails(*_: Any, **__: Any) -> None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr("sojourn.service.reactions.record_reactions", fails)
    assert (await stage.fetch(links_of(mail)[0])).status_code == 302
    assert (await stage.fetch(pixel_of(mail))).status_code == 200


# The best time --------------------------------------------------------------------------------------------------


async def opened_at(stage: Stage, name: str, *times: datetime) -> None:
    for time in times:
        stage.now = time
        await stage.does(name, "message_opened", channel="email")
    stage.now = MONDAY


def on(day: int, clock: str, *, month: int = 2) -> datetime:
    return datetime.fromisoformat(f"2026-{month:02}-{day:02}T{clock}+00:00")


async def test_a_message_goes_out_in_the_hour_in_which_its_person_opens_most(stage: Stage) -> None:
    zones = {
        "ada": "Europe/Berlin",
        "ben": "America/New_York",
        "cleo": "Asia/Kolkata",
        "dan": None,
        "eve": None,
    }
    stage.now = on(1, "00:00", month=1) - timedelta(days=30)
    for name, zone in zones.items():
        await stage.person(name, zone)
    # Before 90 days nothing counts: in those days Ada opened at ten in the morning.
    await opened_at(stage, "ada", *(on(1, "09:00", month=1) - timedelta(days=35, minutes=n) for n in range(3)))
    await opened_at(stage, "ada", on(1, "18:05"), on(2, "18:55"), on(3, "09:30"))
    # At 20:00 and at 08:00 of her clock equally often: the earlier hour.
    await opened_at(stage, "ben", on(5, "01:10"), on(6, "13:10"))
    # 12:00 in UTC is 17:30 in India, and so in the hour from 17:00.
    await opened_at(stage, "cleo", on(7, "12:00"))
    # An hour that has passed today.
    await opened_at(stage, "dan", on(8, "09:15"))
    journey = await stage.start("api -> letter -> exit", letter=letter_without_split(best_time=True))
    await stage.enroll(journey, *zones)
    rows = await stage.rows("select p.user_id, m.due_at from message as m join profile as p using (shard, profile_id)")
    assert dict(rows) == {
        "ada": on(2, "18:00", month=3),  # 19:00 in Berlin
        "ben": on(2, "13:00", month=3),  # 08:00 in New York
        "cleo": MONDAY,  # 17:30 in India is in the hour
        "dan": on(3, "09:00", month=3),
        "eve": MONDAY,
    }
    assert len(await stage.ends()) == 5  # nobody waited


async def test_the_wait_for_a_reaction_begins_when_the_message_goes_out(stage: Stage) -> None:
    await stage.person("ada", "Europe/Berlin")
    await opened_at(stage, "ada", on(1, "18:05"))
    journey = await stage.start(OPENED_OR_NOT, letter=letter("OPENED", wait=1800, best_time=True))
    await stage.enroll(journey, "ada")
    await stage.tick(hours=6)
    assert await stage.ends() == {}
    await stage.tick(minutes=30)
    assert await stage.ends() == {"ada": "completed silent"}


NIGHT = {"enabled": True, "from": "20:00", "to": "07:00", "fallback_timezone": "Europe/Berlin"}


async def test_a_message_waits_for_the_end_of_silent_hours_and_goes_out_then(stage: Stage) -> None:
    """By the person's own clock, and the wait for a reaction begins only then. Transactional journeys do not wait."""
    zones = {"ada": None, "ben": "America/New_York", "cleo": "Asia/Tokyo"}
    for name, zone in zones.items():
        await stage.person(name, zone)
    await opened_at(stage, "ben", on(7, "08:00"))  # at 03:00 of his clock: his best time is silent
    stage.now = MONDAY.replace(hour=19, minute=30)
    chosen = {"silent_hours": {"email": NIGHT | {"blocked_days": ["TUESDAY"]}}}
    points = {"letter": letter("OPENED", wait=1800, best_time=True)}
    journey = await stage.start(OPENED_OR_NOT, **points, settings=chosen)
    urgent = await stage.start(
        "api -> letter2 -> exit", letter2=letter_without_split(), settings=chosen | {"transactional": True}
    )
    await stage.enroll(journey, *zones)
    await stage.enroll(urgent, "ada")
    due = "select p.user_id, m.due_at from message as m join profile as p using (shard, profile_id) where priority = %d"
    dues = {"ada": on(4, "06:00", month=3), "ben": on(4, "12:00", month=3), "cleo": on(3, "22:00", month=3)}
    assert dict(await stage.rows(due % 1)) == dues
    assert await stage.rows(due % 0) == [("ada", stage.now)]
    async with stage.sending() as running:
        await running.heard.until("recorded")
        stage.now = dues["cleo"]
        running.sender.wake()
        await running.heard.until("recorded", 2)
    assert stage.mailbox.recipients == ["ada@a.example", "cleo@a.example"]
    await stage.tick(minutes=29)
    ended = await stage.rows("select 1 from departure where reason = 'silent'")
    assert ended == []
    await stage.tick(minutes=1)
    assert await stage.rows("select reason from departure where reason = 'silent'") == [("silent",)]


async def test_statistics_show_what_silent_hours_skipped(stage: Stage) -> None:
    await stage.person("ada")
    stage.now = MONDAY.replace(hour=19)
    journey = await stage.start(
        "api -> letter -> exit",
        letter=letter_without_split(),
        settings={"silent_hours": {"email": NIGHT | {"policy": "SKIP"}}},
    )
    await stage.enroll(journey, "ada")
    await stage.send()
    assert await stage.ends() == {"ada": "completed "}
    assert stage.mailbox.arrived == []
    found = await stage.service.run(stage.caller, GetStatistics(journey=str(journey.journey)))
    assert [each.messages for each in found.points if each.point == point_id("letter")] == [{"skipped": 1}]
    assert await stage.rows("select detail from tally where metric = 'skipped'") == [("silent hours",)]


# Held journeys --------------------------------------------------------------------------------------------------


async def test_messages_of_a_held_journey_wait_and_those_of_others_do_not(stage: Stage) -> None:
    await stage.person("ada")
    held = await stage.start("api -> letter -> exit", letter=letter_without_split())
    going = await stage.start("api -> letter2 -> exit", letter2=letter_without_split())
    await stage.enroll(held, "ada")
    await stage.change(held, "pause")
    await stage.enroll(going, "ada")
    async with stage.sending() as running:
        await running.heard.until("recorded")
        assert await stage.seen_by_senders() == [], "a held message is no reason to look again and again"
        found = await stage.rows("select status::text, is_held from message")
        assert sorted(found) == [("queued", True), ("sent", False)]
        assert running.heard.counts["claimed"] == 1
        await stage.change(held, "draft")
        running.advance(minutes=5)
        await running.heard.until("looked", running.heard.counts["looked"] + 8)
        assert running.heard.counts["claimed"] == 1
        await stage.change(held, "start")
        await stage.tick()
        await running.heard.until("recorded", 2)
    assert await stage.tallies() == {"sent": 2}


async def test_what_was_held_back_is_released_in_batches(stage: Stage) -> None:
    people = [f"p{number}" for number in range(12)]
    for name in people:
        await stage.person(name)
    journey = await stage.start("api -> letter -> exit", letter=letter_without_split())
    await stage.enroll(journey, *people)
    await stage.rows("update message set is_held = true returning 1")
    await stage.change(journey, "pause")
    await stage.change(journey, "start")
    await Runner(stage.url, stage, budget=Budget(people=1)).drain()
    assert await stage.rows("select count(*) from message where is_held") == [(0,)]
    assert await stage.rows("select count(*) from inbox") == [(0,)]


async def test_what_was_held_back_is_cancelled_with_its_journey(stage: Stage) -> None:
    await stage.person("ada")
    journey = await stage.start("api -> letter -> exit", letter=letter_without_split())
    await stage.enroll(journey, "ada")
    await stage.change(journey, "pause")
    async with stage.sending() as running:
        await running.heard.until("held")
        assert await stage.rows("select status::text, is_held from message") == [("queued", True)]
    await stage.change(journey, "finish")
    await stage.tick()
    assert await stage.rows("select status::text from message") == [("cancelled",)]


async def test_a_start_waits_for_a_sender_that_holds_messages_back(stage: Stage) -> None:
    """Or a message could be held back just after the start had released them all, and stay behind."""
    await stage.person("ada")
    journey = await stage.start("api -> letter -> exit", letter=letter_without_split())
    await stage.enroll(journey, "ada")
    await stage.change(journey, "pause")
    [(shard, journey_id)] = await stage.rows("select shard, journey_id from message")
    async with stage.pool.connection() as conn:
        lane: dict[str, Any] = {"priority": 1, "channel": "email", "now": stage.now, "batch": 10}
        async with conn.transaction():
            assert await hold_back_messages(conn, shard=shard, journey_id=journey_id, **lane) == 1
            starting = asyncio.create_task(stage.change(journey, "start"))
            done, _ = await asyncio.wait([starting], timeout=0.2)
            assert not done
    await starting
    await stage.tick()
    assert await stage.rows("select status::text, is_held from message") == [("queued", False)]
    async with stage.pool.connection() as conn:
        assert await hold_back_messages(conn, shard=shard, journey_id=journey_id, **lane) == 0, "it runs"
