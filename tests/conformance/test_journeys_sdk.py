"""The SDK's endpoints: what pages tell is durable, what they are told is theirs."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace

from sojourn.model.agents import AGENT_MAX
from sojourn.model.public_ids import profile_uuid
from sojourn.service import commands as c
from sojourn.service import pages
from sojourn.service.errors import Overloaded
from sojourn.service.facts import Facts
from sojourn.service.pages import Pages
from sojourn.service.watched import KnownWatches, Watch
from sojourn.store import visitors
from tests.conformance.conftest import APP, TOKEN, Site
from tests.conformance.journeys_client import browser, ok, refusal, signed_in


@asynccontextmanager
async def on_page(site: Site) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A page of a site, and its key."""
    async with signed_in(site) as client:
        site_id = (await client.get("/api/sites")).json()["data"][0]["id"]
        key = ok(await client.post(f"/api/sites/{site_id}/keys", json={"name": "page"}), 201)["key"]
    async with browser(site) as page:
        yield page, key


async def shown_journey(site: Site, *, control: int = 0, **content: Any) -> tuple[str, str]:
    """Start a journey begun by hand that shows a modal. Return the ids of the journey and of the content point."""
    async with signed_in(site) as client:
        site_id = (await client.get("/api/sites")).json()["data"][0]["id"]
        body = {"name": "Hello", "siteId": site_id, "content": {"title": "Hello"}} | content
        modal = ok(await client.post("/api/content/modals", json=body), 201)["id"]
    begin, shown, end = (str(uuid4()) for _ in range(3))
    points = [
        {"uuid": begin, "title": "a", "point_type": "POINT_TYPE_START_BY_API", "point_data": {"start_by_api": {}},
         "outputs": {"default": {"info": {"next_point_uuid": shown}}}},
        {"uuid": shown, "title": "b", "point_type": "POINT_TYPE_CONTENT",
         "point_data": {"content": {"content_id": modal}}, "outputs": {"default": {"info": {"next_point_uuid": end}}}},
        {"uuid": end, "title": "c", "point_type": "POINT_TYPE_EXIT", "point_data": {"exit": {}}},
    ]  # fmt: skip
    async with browser(site, Authorization=f"Api {TOKEN}") as gateway:
        params = {"application_code": APP, "control_group_percent": control}
        document = {"title": "By hand", "params": params, "points": points}
        made = (await gateway.post("/api/v3/journeygateway", json=document)).json()["info"]["uuid"]
        started = await gateway.post("/api/v3/journeygateway/start", json={"uuid": made})
        assert started.status_code == 200, started.text
    await site.drain()
    return made, shown


async def test_a_visitor_starts_a_journey_sees_its_content_and_goes_on_when_done(site: Site) -> None:
    journey, point = await shown_journey(site)
    async with on_page(site) as (page, key):
        headers, who = {"x-api-key": key}, {"userId": "ada"}
        assert ok(await page.get("/api/sdk/journeys", params=who, headers=headers)) == []
        ok(await page.post(f"/api/sdk/journeys/{journey}/start", json=who, headers=headers), 202)
        await site.drain()
        answer = (await page.get("/api/sdk/journeys", params=who, headers=headers)).json()
        (item,), (enrollment,) = answer["data"], answer["meta"]["enrollments"]
        assert (item["journeyId"], item["nodeId"], item["content"]) == (journey, point, {"title": "Hello"})
        assert enrollment == {"id": item["enrollmentId"], "journeyId": journey, "status": "in_progress"}
        path = f"/api/sdk/journeys/{item['enrollmentId']}/nodes/{point}"
        for report in ({"result": "shown"}, {"result": "completed", "since": "2026-02-01T00:00:00Z"}):
            ok(await page.post(path, json=report, headers=headers))
        await site.drain()
        assert len(ok(await page.get("/api/sdk/journeys", params=who, headers=headers))) == 1, "of a former visit"
        done = {"result": "completed", "since": item["since"], "id": "r1"}
        for _ in range(2):
            ok(await page.post(path, json=done, headers=headers))
        await site.drain()
        answer = (await page.get("/api/sdk/journeys", params=who, headers=headers)).json()
        assert (answer["data"], answer["meta"]["enrollments"][0]["status"]) == ([], "completed")
        events = await site.rows("select name, count(*)::int from event group by name order by name")
        assert events == [("content_completed", 2), ("content_shown", 1)]
        refusal(await page.post(path.replace(point, journey), json=done, headers=headers), 404, "NOT_FOUND")
        refusal(await page.post(f"/api/sdk/journeys/{uuid4()}/start", json=who, headers=headers), 404, "NOT_FOUND")


async def test_who_is_in_the_control_group_got_nothing_and_completed_nothing(site: Site) -> None:
    journey, _ = await shown_journey(site, control=50)
    path = f"/api/journeys/{journey}"
    async with signed_in(site) as client, on_page(site) as (page, key):
        names = [f"user{number}" for number in range(20)]
        ok(await client.post(f"{path}/enrollments", json={"userIds": names}), 202)
        await site.drain()
        stopped = ok(await client.get(f"{path}/enrollments", params={"status": "stopped"}))
        assert 0 < len(stopped) < 20
        assert {(each["outcome"], each["inControlGroup"]) for each in stopped} == {("control group", True)}
        inside = ok(await client.get(f"{path}/enrollments", params={"status": "in_progress"}))
        assert {each["inControlGroup"] for each in inside} == {False}
        assert ok(await client.get(f"{path}/enrollments", params={"status": "completed"})) == []
        numbers = ok(await client.get(f"{path}/analytics"))
        assert numbers["departed"] == {"stopped": numbers["controlGroup"]} == {"stopped": len(stopped)}
        who = {"userId": stopped[0]["endUser"]["userId"], "apiKey": key}
        told = (await page.get("/api/sdk/journeys", params=who)).json()
        assert (told["data"], told["meta"]["enrollments"]) == ([], [])


async def test_a_visitor_who_becomes_a_user_goes_on_with_the_same_enrollment(site: Site) -> None:
    """What a page shows keeps its name through merges, so that it is not shown again and a report finds it."""
    journey, point = await shown_journey(site)
    async with on_page(site) as (page, key):
        headers = {"x-api-key": key}
        ok(await page.post(f"/api/sdk/journeys/{journey}/start", json={"anonymousId": "v"}, headers=headers), 202)
        await site.drain()
        before = ok(await page.get("/api/sdk/journeys", params={"anonymousId": "v"}, headers=headers))
        ok(await page.post("/api/sdk/identify", json={"userId": "u", "anonymousId": "v"}, headers=headers))
        await site.drain()
        assert ok(await page.get("/api/sdk/journeys", params={"userId": "u"}, headers=headers)) == before
        path = f"/api/sdk/journeys/{before[0]['enrollmentId']}/nodes/{point}"
        ok(await page.post(path, json={"result": "completed", "since": before[0]["since"]}, headers=headers))
        await site.drain()
        assert ok(await page.get("/api/sdk/journeys", params={"userId": "u"}, headers=headers)) == []
    async with signed_in(site) as client:
        (done,) = ok(await client.get(f"/api/journeys/{journey}/enrollments", params={"status": "completed"}))
        assert (done["id"], done["endUser"]["userId"]) == (before[0]["enrollmentId"], "u")


async def test_pages_are_told_when_people_move(site: Site) -> None:
    journey, point = await shown_journey(site)
    async with on_page(site) as (page, key):
        caller = await site.service.authenticate(key, "site")
        following = site.service.pages.follow(site.service.pages.open(caller, c.Visitor(user_id="ada")))
        assert await asyncio.wait_for(anext(following), 10) == c.Shown()
        ok(
            await page.post(f"/api/sdk/journeys/{journey}/start", json={"userId": "ada"}, headers={"x-api-key": key}),
            202,
        )
        await site.drain()
        news = await asyncio.wait_for(anext(following), 10)
        assert news is not None
        assert str(news.items[0].point) == point
        await following.aclose()


async def test_pages_are_told_when_an_operator_pauses_resumes_or_redraws(site: Site) -> None:
    journey, point = await shown_journey(site)
    async with on_page(site) as (page, key), browser(site, Authorization=f"Api {TOKEN}") as gateway:
        who = {"userId": "ada"}
        ok(await page.post(f"/api/sdk/journeys/{journey}/start", json=who, headers={"x-api-key": key}), 202)
        await site.drain()
        caller = await site.service.authenticate(key, "site")
        following = site.service.pages.follow(site.service.pages.open(caller, c.Visitor(user_id="ada")))

        async def seen() -> list[str]:
            async with asyncio.timeout(10):  # it is told at once, and not when everybody is looked for again
                news = await anext(following)
            assert news is not None
            return [each.document["title"] for each in news.items]

        assert await seen() == ["Hello"]
        for step, shown in (("pause", []), ("start", ["Hello"])):
            done = await gateway.post(f"/api/v3/journeygateway/{step}", json={"uuid": journey})
            assert done.status_code == 200, done.text
            assert await seen() == shown
        async with signed_in(site) as client:
            path = f"/api/journeys/{journey}"
            made = ok(await client.get(path))
            body = {"name": "Other", "siteId": made["siteId"], "content": {"title": "Bye"}}
            other = ok(await client.post("/api/content/modals", json=body), 201)["id"]
            nodes = [each | ({"contentId": other} if each["id"] == point else {}) for each in made["nodes"]]
            ok(await client.put(f"{path}/canvas", json={"nodes": nodes, "edges": made["edges"]}))
        assert await seen() == ["Bye"]
        await following.aclose()


async def test_a_page_brings_what_the_trigger_asks_for_and_only_people_of_the_audience(site: Site) -> None:
    async with on_page(site) as (page, key), signed_in(site) as client:
        rule = {"field": "plan", "operator": "eq", "value": "pro"}
        audience = ok(await client.post("/api/audiences", json={"name": "Pro", "ruleTree": rule}), 201)["id"]
        attributes = [{"name": "seats", "required": True}, {"name": "plan", "default_value": "trial"}]
        body = {
            "name": "Asked", "siteId": (await client.get("/api/sites")).json()["data"][0]["id"],
            "audienceId": audience, "settings": {"reentry": {"mode": "always"}},
            "nodes": [{"type": "START_BY_API", "config": {"attributes": attributes}}, {"type": "EXIT"}],
            "edges": [{"sourceNodeId": "0", "targetNodeId": "1"}],
        }  # fmt: skip
        journey = ok(await client.post("/api/journeys", json=body), 201)["id"]
        ok(await client.post(f"/api/journeys/{journey}/publish"))
        await site.drain()
        paths = {f"/api/sdk/journeys/{journey}/start": page, f"/api/journeys/{journey}/enrollments": client}
        for path, asking in paths.items():
            whom = {"userId": "ada"} if asking is page else {"userIds": ["bob"]}
            for data, wrong in (
                ({}, {"data.seats"}),
                ({"seats": 3, "a b": "x"}, {"data.seats"}),
                ({"seats": "3", "color": "red", "size": "s"}, {"data.color", "data.size"}),
                ({"seats": "\0"}, {"data.seats"}),
            ):
                bad = await asking.post(path, json=whom | {"data": data}, headers={"x-api-key": key})
                assert refusal(bad, 400, "VALIDATION_ERROR").keys() == wrong
        traits = {"userId": "ada", "traits": {"plan": "pro"}}
        ok(await page.post("/api/sdk/identify", json=traits, headers={"x-api-key": key}))
        for user in ("ada", "bob"):
            sent = {"userId": user, "data": {"seats": "3"}}
            ok(await page.post(f"/api/sdk/journeys/{journey}/start", json=sent, headers={"x-api-key": key}), 202)
        await site.drain()
        entries = (
            "select p.user_id, e.context -> 'entry' from enrollment as e join profile as p using (shard, profile_id)"
        )
        by_page = ("ada", {"seats": "3", "plan": "trial"})
        assert by_page in await site.rows(entries)
        assert {user for user, _ in await site.rows(entries)} == {"ada"}, "bob is not in the audience"
        before = len(await site.rows(entries))
        again = {"userId": "ada", "data": {"seats": "5"}, "id": "s1"}
        for _ in range(2):  # as it goes a page cannot learn whether it was heard, so the next one says it again
            ok(await page.post(f"/api/sdk/journeys/{journey}/start", json=again, headers={"x-api-key": key}), 202)
            await site.drain()
        assert len(await site.rows(entries)) == before + 1
        eve = {"userId": "eve", "traits": {"plan": "pro"}}
        ok(await page.post("/api/sdk/identify", json=eve, headers={"x-api-key": key}))
        same_id = again | {"userId": "eve"}
        ok(await page.post(f"/api/sdk/journeys/{journey}/start", json=same_id, headers={"x-api-key": key}), 202)
        await site.drain()
        assert ("eve", {"seats": "5", "plan": "trial"}) in await site.rows(entries), "ids are each visitor's own"
        asked = {"userIds": ["bob"], "data": {"seats": "4", "plan": "pro"}}
        ok(await client.post(f"/api/journeys/{journey}/enrollments", json=asked), 202)
        await site.drain()
        assert ("bob", {"seats": "4", "plan": "pro"}) in await site.rows(entries)


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
            assert ok(answer, 202) == {"accepted": 3, "correlationId": answer.headers["x-request-id"]}
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
        assert refusal(bad, 400, "VALIDATION_ERROR").keys() == {"events.0.name", "events.1.userId"}
        bad = await page.post("/api/sdk/events", json={"events": events[1:]}, headers=headers)
        assert refusal(bad, 400, "VALIDATION_ERROR").keys() == {"events.0.userId"}
        bad = await page.post("/api/sdk/identify", json={"userId": "u", "traits": {"a\0": 1}}, headers=headers)
        assert len(refusal(bad, 400, "VALIDATION_ERROR")) == 1
        refusal(await page.post("/api/sdk/events", json={"events": events}), 401, "UNAUTHORIZED")
        refusal(await page.get("/api/sdk/journeys", params={"apiKey": key}), 400, "VALIDATION_ERROR")


async def test_null_is_as_good_as_nothing(site: Site) -> None:
    async with on_page(site) as (page, key):
        headers, nobody = {"x-api-key": key}, dict.fromkeys(("role", "traits", "anonymousId", "id"))
        ok(await page.post("/api/sdk/identify", json=nobody | {"userId": "u"}, headers=headers))
        empty = dict.fromkeys(("name", "properties", "url", "userId", "anonymousId", "timestamp", "id"))
        events = [empty | {"type": "PAGE_VIEW", "userId": "u"}, empty | {"type": "CLICK", "anonymousId": "v"}]
        ok(await page.post("/api/sdk/events", json={"events": events}, headers=headers), 202)
        await site.drain()
        assert await site.rows("select name, data from event order by name") == [("click", {}), ("page_view", {})]
        bad = await page.post("/api/sdk/events", json={"events": [empty | {"type": "CUSTOM"}]}, headers=headers)
        assert refusal(bad, 400, "VALIDATION_ERROR").keys() == {"events.0.name", "events.0.userId"}


async def test_a_visitor_becomes_a_user(site: Site) -> None:
    async with on_page(site) as (page, key):
        headers = {"x-api-key": key}
        await page.post(
            "/api/sdk/events", json={"events": [{"type": "PAGE_VIEW", "anonymousId": "v"}]}, headers=headers
        )
        body = {"userId": "u", "anonymousId": "v", "role": "admin", "traits": {"plan": "pro"}}
        told = ok(await page.post("/api/sdk/identify", json=body, headers=headers))
        await site.drain()
        ((shard, profile_id),) = await site.rows("select shard, profile_id from profile")
        assert told == {"userId": "u", "id": str(profile_uuid(shard, profile_id))}
        assert await site.rows("select attributes from profile") == [({"plan": "pro", "role": "admin"},)]
        assert await site.rows("select count(distinct profile_id) from identity") == [(1,)]


async def test_a_visitors_browser_is_a_device_that_audiences_tell_by(site: Site) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    phone = "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"
    seen = {"type": "PAGE_VIEW", "url": "https://shop.example/"}
    async with on_page(site) as (page, key):
        for visitor, agent in (("a-1", firefox), ("a-2", phone), ("a-3", "curl/8.15")):
            headers = {"x-api-key": key, "user-agent": agent}
            for _ in range(2):
                events = {"events": [seen | {"anonymousId": visitor}] * 2}
                ok(await page.post("/api/sdk/events", json=events, headers=headers), 202)
        assert [tuple(row) for row in await site.rows("select data ->> 'hwid' from inbox where kind = 'device'")] == [
            ("a-1",), ("a-2",),
        ], "told once"  # fmt: skip
        await site.drain()
        headers = {"x-api-key": key, "user-agent": firefox}
        ok(await page.post("/api/sdk/identify", json={"userId": "ada", "anonymousId": "a-1"}, headers=headers))
        ok(await page.post("/api/sdk/identify", json={"userId": "bob"}, headers=headers))
        await site.drain()
    devices = "select hwid, platform, channel::text, details from device order by hwid"
    assert [tuple(row) for row in await site.rows(devices)] == [
        ("a-1", "Web", "in_app", {"browser": "Firefox", "os": "Linux", "type": "desktop"}),
        ("a-2", "Web", "in_app", {"browser": "Chrome", "os": "Android", "type": "mobile"}),
    ]
    async with signed_in(site) as client:
        for field, value, users in (("browser", "Firefox", ["ada"]), ("type", "mobile", [None]), ("os", "iOS", [])):
            rule = {"field": f"device.{field}", "operator": "eq", "value": value}
            found = ok(await client.post("/api/audiences/preview", json={"ruleTree": rule}))
            assert (found["count"], [each["userId"] for each in found["sample"]]) == (len(users), users)


async def test_config_names_the_site(site: Site) -> None:
    async with on_page(site) as (page, key):
        config = ok(await page.get("/api/sdk/config", params={"apiKey": key}))
        assert config["watch"] == {"urls": [], "selectors": [], "events": []}
        assert config["features"]["stream"] is True
        assert config.keys() >= {"tenantId", "name", "settings", "features", "defaultLocale"}


async def test_config_reads_each_version_of_a_journey_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    triggers = visitors.version_triggers

    async def counting(conn: Any, *, versions: Sequence[tuple[int, int]]) -> Any:
        read.extend(version_no for _, version_no in versions)
        return await triggers(conn, versions=versions)

    monkeypatch.setattr(visitors, "version_triggers", counting)

    async def watched() -> list[str]:
        return ok(await page.get("/api/sdk/config", params={"apiKey": key}))["watch"]["selectors"]

    def canvas(selector: str) -> dict[str, Any]:
        clicked = {"triggerType": "ELEMENT_CLICK", "triggerConfig": {"selector": selector}}
        nodes = [{"type": "TRIGGER", "config": clicked}, {"type": "EXIT"}]
        return {"nodes": nodes, "edges": [{"sourceNodeId": "0", "targetNodeId": "1"}]}

    async with on_page(site) as (page, key), signed_in(site) as client:
        site_id = (await client.get("/api/sites")).json()["data"][0]["id"]
        path = ""
        for selector in ("#a", "#b"):
            body = {"name": "Clicked", "siteId": site_id} | canvas(selector)
            path = f"/api/journeys/{ok(await client.post('/api/journeys', json=body), 201)['id']}"
            ok(await client.post(f"{path}/publish"))
        assert [await watched() for _ in range(3)] == [["#a", "#b"]] * 3
        assert read == [1, 1]
        ok(await client.put(f"{path}/canvas", json=canvas("#c")))
        assert [await watched() for _ in range(2)] == [["#a", "#c"]] * 2
        assert read == [1, 1, 2]
        ok(await client.post(f"{path}/pause"))
        assert await watched() == ["#a"]


def test_what_was_read_of_versions_takes_so_much_room_at_most() -> None:
    known = KnownWatches(known_max=4)
    watch = Watch(selectors=("#a",))
    for number in range(3):
        known.remember({(number, 1): watch})
    assert known.of([(0, 1), (1, 1), (2, 1)]) == {(1, 1): watch, (2, 1): watch}


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


async def test_who_goes_away_before_a_stream_begins_takes_nobodys_place(site: Site) -> None:
    async with on_page(site) as (_, key):
        caller, who = await site.service.authenticate(key, "site"), c.Visitor(anonymous_id="v")
        few = Pages(site.pool, lambda: site.now, Facts(site.pool), pages_max=5)
        for _ in range(10):
            few.open(caller, who)
        streams = [few.follow(few.open(caller, who)) for _ in range(4)]
        for stream in streams:
            assert await asyncio.wait_for(anext(stream), 10) == c.Shown()
        with pytest.raises(Overloaded):
            few.open(caller, who)  # the fifth place is for pages of other sites
        few.open(replace(caller, app_id=0), who)
        await streams[0].aclose()
        few.open(caller, who)
        await few.close()


async def test_a_stream_ends_after_a_while_so_that_a_revoked_key_does_not_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "HEARTBEAT_S", 0.01)
    async with on_page(site) as (_, key):
        caller = await site.service.authenticate(key, "site")
        following = site.service.pages.follow(site.service.pages.open(caller, c.Visitor(anonymous_id="v")))
        await asyncio.wait_for(anext(following), 10)
        site.advance(minutes=15)
        async with asyncio.timeout(10):
            assert {each async for each in following if each is not None} <= {c.Shown()}


async def test_of_a_browsers_long_name_no_more_is_kept_in_memory_than_is_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr("sojourn.api.journeys.sdk.device_of", read.append)
    async with on_page(site) as (page, key):
        for tail in "ab":
            headers = {"x-api-key": key, "user-agent": "Mozilla " * 1000 + tail}
            events = {"events": [{"type": "PAGE_VIEW", "url": "https://shop.example/", "anonymousId": "long"}]}
            ok(await page.post("/api/sdk/events", json=events, headers=headers), 202)
    assert [len(agent) for agent in read] == [AGENT_MAX]
