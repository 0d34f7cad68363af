"""The SDK's endpoints: what pages tell is durable, what they are told is theirs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from sojourn.service import commands as c
from tests.conformance.conftest import Site
from tests.conformance.journeys_client import browser, ok, refusal, signed_in


@asynccontextmanager
async def on_page(site: Site) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A page of a site, and its key."""
    async with signed_in(site) as client:
        site_id = (await client.get("/api/sites")).json()["data"][0]["id"]
        key = ok(await client.post(f"/api/sites/{site_id}/keys", json={"name": "page"}), 201)["key"]
    async with browser(site) as page:
        yield page, key


async def test_events_of_a_page_are_applied_once(site: Site) -> None:
    async with on_page(site) as (page, key):
        view = {
            "type": "PAGE_VIEW",
            "url": "https://s.example/a",
            "properties": {"title": "A"},
            "anonymousId": "v",
            "id": "1",
        }
        click = {"type": "CLICK", "properties": {"selector": "#b", "text": "B"}, "anonymousId": "v", "id": "2"}
        custom = {"type": "CUSTOM", "name": "bought", "userId": "u", "timestamp": "2026-03-01T11:00:00Z"}
        # As sendBeacon sends it: plain text, with the key inside.
        body = json.dumps({"_apiKey": key, "events": [view, click, custom]})
        asked = await page.options("/api/sdk/events", headers={"origin": "https://s.example"})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, "*")
        assert "x-api-key" in asked.headers["access-control-allow-headers"]
        for path in ("/api/sdk/events", "/api/v1/sdk/events"):
            answer = await page.post(path, content=body, headers={"content-type": "text/plain;charset=UTF-8"})
            assert ok(answer, 202).keys() == {"accepted", "correlationId"}
            assert answer.headers["access-control-allow-origin"] == "*"
        await site.drain()
        rows = await site.rows("select name, data from event order by name = 'bought', event_id")
        assert rows[:2] == [
            ("page_view", {"title": "A", "url": "https://s.example/a"}),
            ("click", {"selector": "#b", "text": "B"}),
        ]
        assert [name for name, _ in rows[2:]] == ["bought", "bought"], "without an id of its own it may come twice"


async def test_what_is_wrong_with_events_has_its_place(site: Site) -> None:
    async with on_page(site) as (page, key):
        headers = {"x-api-key": key}
        events = [{"type": "CUSTOM", "userId": "u"}, {"type": "PAGE_VIEW"}]
        bad = await page.post("/api/sdk/events", json={"events": events}, headers=headers)
        assert refusal(bad, 400, "VALIDATION_ERROR").keys() == {"events.0.name"}
        bad = await page.post("/api/sdk/events", json={"events": events[1:]}, headers=headers)
        assert refusal(bad, 400, "VALIDATION_ERROR").keys() == {"events.0.userId"}
        bad = await page.post("/api/sdk/identify", json={"userId": "u", "traits": {"a\0": 1}}, headers=headers)
        assert len(refusal(bad, 400, "VALIDATION_ERROR")) == 1
        refusal(await page.post("/api/sdk/events", json={"events": events}), 401, "UNAUTHORIZED")
        refusal(await page.get("/api/sdk/journeys", params={"apiKey": key}), 400, "VALIDATION_ERROR")


async def test_a_visitor_becomes_a_user(site: Site) -> None:
    async with on_page(site) as (page, key):
        headers = {"x-api-key": key}
        await page.post(
            "/api/sdk/events", json={"events": [{"type": "PAGE_VIEW", "anonymousId": "v"}]}, headers=headers
        )
        body = {"userId": "u", "anonymousId": "v", "role": "admin", "traits": {"plan": "pro"}}
        assert ok(await page.post("/api/sdk/identify", json=body, headers=headers))["userId"] == "u"
        await site.drain()
        assert await site.rows("select attributes from profile") == [({"plan": "pro", "role": "admin"},)]
        assert await site.rows("select count(distinct profile_id) from identity") == [(1,)]


async def test_config_names_the_site(site: Site) -> None:
    async with on_page(site) as (page, key):
        config = ok(await page.get("/api/sdk/config", params={"apiKey": key}))
        assert config["watch"] == {"urls": [], "selectors": [], "events": []}
        assert config["features"]["stream"] is True
        assert config.keys() >= {"tenantId", "name", "settings", "features", "defaultLocale"}


async def test_a_page_is_told_what_to_show_at_once_and_when_it_changes(site: Site) -> None:
    async with on_page(site) as (_, key):
        caller = await site.service.authenticate(key, "site")
        page = site.service.pages.open(caller, c.Visitor(anonymous_id="v"))
        following = site.service.pages.follow(page)
        assert await asyncio.wait_for(anext(following), 10) == c.Shown()
        await following.aclose()
        again = site.service.pages.follow(site.service.pages.open(caller, c.Visitor(anonymous_id="v")))
        assert await asyncio.wait_for(anext(again), 10) == c.Shown()
        await site.service.close()
        assert [each async for each in again] == [], "closing ends it"
