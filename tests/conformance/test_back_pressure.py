"""Back-pressure: where the database or the engine stalls, clients are told to come back; what was accepted stays."""

import asyncio
from typing import Any

import httpx

from sojourn.service.tokens import ensure_token
from sojourn.store.inbox import estimate_inbox
from tests.conformance.conftest import APP, NOON, Site
from tests.conformance.test_track import basic

KEY = "our-write-key"


async def post(http: httpx.AsyncClient, number: int) -> httpx.Response:
    request = {"application": APP, "userId": f"user-{number}", "event": "Bought", "attributes": {"number": number}}
    return await http.post("/json/1.3/postEvent", json={"request": request})


async def track(http: httpx.AsyncClient, number: int) -> httpx.Response:
    call = {"userId": f"user-{number}", "event": "Bought", "properties": {"number": number}}
    return await http.post("/v1/track", json=call, headers={"authorization": basic(KEY)})


async def add_key(site: Site) -> None:
    async with site.pool.connection() as conn:
        await ensure_token(conn, 1, KEY, "write", "tests", NOON, app_id=1)


async def stored(site: Site) -> list[int]:
    rows = await site.rows("select (data ->> 'number')::int from inbox where name = 'Bought'")
    return sorted(number for (number,) in rows)


async def test_a_stalled_engine_stops_acceptance_and_loses_nothing(http: httpx.AsyncClient, site: Site) -> None:
    await add_key(site)
    backlog: Any = site.service.acceptance.backlog
    backlog._inbox_max, backlog._every_s = 40, 1e9
    await backlog.measure()
    for number in range(40):
        assert (await post(http, number)).status_code == 200
    await backlog.measure()

    assert (await backlog_of(site)) >= 40
    for refused in (await post(http, 99), await track(http, 99)):
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert await stored(site) == list(range(40))

    await site.drain()
    await backlog.measure()
    assert (await post(http, 99)).status_code == 200
    await site.drain()
    assert await site.rows("select count(*) from event") == [(41,)]


async def backlog_of(site: Site) -> int:
    async with site.pool.connection() as conn:
        return await estimate_inbox(conn)


async def test_the_backlog_is_about_what_waits(http: httpx.AsyncClient, site: Site) -> None:
    assert await backlog_of(site) == 0
    for number in range(100):
        await post(http, number)
    ((waiting,),) = await site.rows("select count(*) from inbox")
    assert waiting / 2 <= await backlog_of(site) <= waiting * 2
    await site.drain()
    assert await backlog_of(site) == 0


async def test_an_import_waits_for_the_engine(site: Site, http: httpx.AsyncClient) -> None:
    backlog: Any = site.service.acceptance.backlog
    backlog._inbox_max, backlog._every_s = 1, 0.01
    await post(http, 1)
    waiting = asyncio.create_task(backlog.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await site.drain()
    await asyncio.wait_for(waiting, 30)


async def test_a_stalled_database_stops_acceptance_and_loses_nothing(http: httpx.AsyncClient, site: Site) -> None:
    await add_key(site)
    assert (await post(http, 1000)).status_code == 200  # so that the tokens are known
    assert (await track(http, 1001)).status_code == 200
    acceptance: Any = site.service.acceptance
    acceptance._waiting_max = 10
    async with site.pool.connection() as stalling, stalling.transaction():
        await stalling.execute("lock table identity in access exclusive mode")
        asked = [asyncio.create_task(post(http, number) if number % 2 else track(http, number)) for number in range(40)]
        refused = [task for task in asked if (await asyncio.wait([task], timeout=0.5))[0]]
    answers = {number: await task for number, task in enumerate(asked)}

    accepted = [number for number, answer in answers.items() if answer.status_code == 200]
    assert 10 <= len(accepted) < 30
    for answer in answers.values():
        assert answer.status_code == 200 or (answer.status_code == 429 and answer.headers["retry-after"] == "1")
    assert len(refused) == 40 - len(accepted)
    assert await stored(site) == sorted([*accepted, 1000, 1001])
