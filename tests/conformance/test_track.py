"""The tracking API: each call, each refusal, and what arrives."""

import asyncio
import gzip
import json
import random
from base64 import b64encode
from datetime import datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.api.track.problems import STATUSES
from sojourn.api.track.wire import BATCH_MAX, EVENT_MAX
from sojourn.engine.runner import Runner
from sojourn.service.doctor import examine
from sojourn.service.tokens import ensure_token
from tests.conformance.conftest import NOON, TOKEN, Site

KEY = "our-write-key"


def basic(key: str) -> str:
    return f"Basic {b64encode(f'{key}:'.encode()).decode()}"


@pytest.fixture
async def track(site: Site, http: httpx.AsyncClient) -> httpx.AsyncClient:
    """The site's HTTP side, with our write key."""
    async with site.pool.connection() as conn:
        await ensure_token(conn, 1, KEY, "write", "tests", NOON, app_id=1)
    http.headers["authorization"] = basic(KEY)
    return http


async def sent(client: httpx.AsyncClient, method: str, body: Any) -> None:
    response = await client.post(f"/v1/{method}", json=body)
    assert (response.status_code, response.json()) == (200, {"success": True})


async def refused(client: httpx.AsyncClient, method: str, body: Any, **more: Any) -> tuple[int, str, list[str]]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = await client.post(f"/v1/{method}", content=content, **more)
    answer = response.json()
    assert answer["success"] is False
    return response.status_code, answer["code"], [each["path"] for each in answer.get("errors", [])]


async def events(site: Site) -> list[tuple[str, Any]]:
    await site.drain()
    return [(name, data) for name, data in await site.rows("select name, data from event order by event_id")]


async def people(site: Site) -> list[tuple[Any, ...]]:
    await site.drain()
    return await site.rows("select user_id, attributes from profile order by profile_id")


async def test_what_people_did_becomes_events(track: httpx.AsyncClient, site: Site) -> None:
    await sent(track, "track", {"userId": "ada", "event": "Bought", "properties": {"sum": 9.5, "of": {"sku": ["a"]}}})
    await sent(track, "page", {"userId": "ada", "name": "Home", "category": "Docs", "properties": {"url": "/"}})
    await sent(track, "screen", {"anonymousId": "a1", "name": "Cart"})
    assert sorted(await events(site), key=lambda each: each[0]) == [
        ("Bought", {"sum": 9.5, "of": {"sku": ["a"]}}),
        ("page", {"url": "/", "name": "Home", "category": "Docs"}),
        ("screen", {"name": "Cart"}),
    ]
    assert await site.rows("select distinct app_id from event") == [(1,)]


async def test_identifying_sets_attributes_and_brings_an_address(track: httpx.AsyncClient, site: Site) -> None:
    traits = {"email": "Ada@Example.com", "plan": "pro", "address": {"city": "London"}, "old": None}
    await sent(track, "identify", {"userId": "ada", "anonymousId": "a1", "traits": traits})
    await sent(track, "identify", {"userId": "bob", "traits": {"email": "nonsense"}})
    assert sorted(await people(site)) == [
        ("ada", {"email": "Ada@Example.com", "plan": "pro", "address": {"city": "London"}}),
        ("bob", {"email": "nonsense"}),
    ]
    assert await site.rows("select hwid, channel::text from device") == [("ada@example.com", "email")]
    kinds = await site.rows("select kind::text, value from identity where value <> 'bob' order by 1")
    assert kinds == [("anonymous_id", "a1"), ("email", "ada@example.com"), ("user_id", "ada")]


async def test_a_visitor_who_identifies_stays_one_person(track: httpx.AsyncClient, site: Site) -> None:
    await sent(track, "track", {"anonymousId": "a1", "event": "Visited"})
    await sent(track, "identify", {"userId": "ada", "anonymousId": "a1"})
    await sent(track, "track", {"userId": "ada", "event": "Bought"})
    assert len(await people(site)) == 1
    assert [name for name, _ in await events(site)] == ["Visited", "Bought"]


async def test_a_group_is_an_attribute(track: httpx.AsyncClient, site: Site) -> None:
    await sent(track, "group", {"userId": "ada", "groupId": "acme", "traits": {"employees": 20}})
    assert await people(site) == [("ada", {"group_id": "acme", "group": {"employees": 20}})]


async def test_an_alias_joins_what_a_visitor_did(track: httpx.AsyncClient, site: Site) -> None:
    await sent(track, "track", {"anonymousId": "a1", "event": "Visited"})
    await sent(track, "alias", {"userId": "ada", "previousId": "a1"})
    assert [user for user, _ in await people(site)] == ["ada"]


async def test_an_alias_holds_for_a_user_id_that_comes_only_later(track: httpx.AsyncClient, site: Site) -> None:
    await sent(track, "alias", {"userId": "ada", "previousId": "old"})
    await sent(track, "track", {"userId": "old", "event": "Bought"})
    await sent(track, "track", {"userId": "ada", "event": "Visited"})
    assert [user for user, _ in await people(site)] == ["ada"]


async def test_surroundings_are_kept_with_the_person(track: httpx.AsyncClient, site: Site) -> None:
    context = {
        "ip": "8.8.8.8",
        "locale": "fr-FR",
        "timezone": "Europe/Paris",
        "location": {"city": "Paris", "country": "France", "latitude": 48.8, "longitude": 2.3, "speed": 0},
        "device": {"id": "d1", "type": "ios", "token": "push-1", "model": "iPhone15,2", "manufacturer": "Apple"},
        "os": {"name": "iOS", "version": "17.4"},
        "app": {"name": "Shop", "version": "3.2.1"},
        "library": {"name": "analytics.js", "version": "2"},
    }
    for _ in range(2):
        await sent(track, "track", {"userId": "ada", "event": "Visited", "context": context})
    ((facts,),) = await site.rows("select data from inbox where kind = 'attributes' and data ? 'location'")
    assert facts["location"] == {"city": "Paris", "country": "France", "latitude": 48.8, "longitude": 2.3}
    await site.drain()
    assert await site.rows("select language, time_zone from profile") == [("fr", "Europe/Paris")]
    said = {"app_version": "3.2.1", "manufacturer": "Apple", "model": "iPhone15,2", "os_version": "17.4"}
    assert await site.rows("select hwid, platform, push_token, details from device") == [("d1", "iOS", "push-1", said)]


async def test_surroundings_that_make_no_sense_are_passed_over(track: httpx.AsyncClient, site: Site) -> None:
    for context in (None, 5, {"locale": 5, "timezone": "Mars/Base", "location": {"latitude": 900, "city": []}}):
        await sent(track, "track", {"userId": "ada", "event": "Visited", "context": context, "integrations": {"A": 1}})
    assert len(await events(site)) == 3


async def test_a_batch_keeps_its_order(track: httpx.AsyncClient, site: Site) -> None:
    calls = [{"type": "track", "userId": "ada", "event": f"e{number}"} for number in range(20)]
    calls.insert(7, {"type": "identify", "userId": "ada", "traits": {"n": 1}})
    await sent(track, "batch", {"batch": calls})
    assert [name for name, _ in await events(site)] == [f"e{number}" for number in range(20)]


async def test_the_same_call_again_is_not_applied_again(track: httpx.AsyncClient, site: Site) -> None:
    call = {"type": "track", "userId": "ada", "event": "Bought", "messageId": "m1"}
    for _ in range(2):
        await sent(track, "batch", {"batch": [call, call]})
    await sent(track, "track", call)
    assert len(await events(site)) == 1


@pytest.mark.parametrize(
    ("timestamp", "sent_at", "happened"),
    [
        ("2026-03-01T11:00:00Z", None, "11:00"),
        ("2026-03-01T13:00:00Z", None, "12:00"),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:30:00Z", "11:30"),  # the client's clock is 90 minutes late
        ("2026-03-01T15:00:00.000Z", "2026-03-01T15:05:00Z", "11:55"),  # and here 3 hours ahead
        ("2026-03-01T10:00:00+02:00", "2026-03-01T10:00:00", "10:00"),
        ("2026-03-01T11:00:00Z", "2026-03-01T10:00:00Z", "12:00"),  # sent before it happened
        ("0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "12:00"),
    ],
)
async def test_the_time_of_an_event_is_by_our_clock(
    track: httpx.AsyncClient, site: Site, timestamp: str, sent_at: str | None, happened: str
) -> None:
    call = {"type": "track", "userId": "ada", "event": "Bought", "originalTimestamp": timestamp}
    await sent(track, "batch", {"batch": [call]} | ({} if sent_at is None else {"sentAt": sent_at}))
    await site.drain()
    ((occurred_at, received_at),) = await site.rows("select occurred_at, received_at from event")
    assert occurred_at == datetime.fromisoformat(f"2026-03-01T{happened}:00+00:00")
    assert received_at == NOON


async def test_the_write_key_may_stand_in_the_body(track: httpx.AsyncClient, site: Site) -> None:
    del track.headers["authorization"]
    await sent(track, "t", {"userId": "ada", "event": "Bought", "writeKey": KEY})
    await sent(track, "batch", {"batch": [{"type": "track", "userId": "ada", "event": "Bought"}], "writeKey": KEY})
    assert len(await events(site)) == 2
    assert await refused(track, "track", {"userId": "ada", "event": "Bought"}) == (401, "unauthenticated", [])


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", basic(""), basic("nobody"), basic(TOKEN), "Bearer x"])
async def test_who_has_no_write_key_is_refused(track: httpx.AsyncClient, header: str) -> None:
    status, _, _ = await refused(track, "track", {"userId": "a", "event": "b"}, headers={"authorization": header})
    assert status == 401


async def test_a_write_key_opens_nothing_else(track: httpx.AsyncClient) -> None:
    for kind in ("Api", "Token"):
        headers = {"authorization": f"{kind} {KEY}"}
        request = {"application": "AAAAA-AAAAA", "userId": "ada", "event": "Bought"}
        response = await track.post("/json/1.3/postEvent", json={"request": request}, headers=headers)
        assert response.json()["status_code"] == 403


async def test_bodies_may_be_gzip(track: httpx.AsyncClient, site: Site) -> None:
    body = gzip.compress(json.dumps({"userId": "ada", "event": "Bought"}).encode())
    headers = {"content-encoding": "gzip"}
    response = await track.post("/v1/track", content=body, headers=headers)
    assert response.status_code == 200
    assert len(await events(site)) == 1
    assert (await refused(track, "track", body[:-9], headers=headers))[:2] == (400, "request.malformed")
    assert (await refused(track, "track", b"{}", headers=headers))[:2] == (400, "request.malformed")
    bomb = gzip.compress(b" " * 100_000_000)
    assert (await refused(track, "batch", bomb, headers=headers))[:2] == (413, "request.too_large")
    assert (await refused(track, "track", body, headers={"content-encoding": "br"}))[0] == 400


async def test_sizes_are_limited(track: httpx.AsyncClient, site: Site) -> None:
    large = {"type": "track", "userId": "ada", "event": "Bought", "properties": {"x": "x" * EVENT_MAX}}
    small = {"type": "track", "userId": "ada", "event": "Bought", "properties": {"x": "x" * (EVENT_MAX - 200)}}
    await sent(track, "track", small)
    assert (await refused(track, "track", large))[0] == 413
    assert await refused(track, "batch", {"batch": [small, large]}) == (400, "request.malformed", ["batch[1]"])
    assert (await refused(track, "batch", {"batch": [small] * (BATCH_MAX // EVENT_MAX + 2)}))[0] == 413
    assert len(await events(site)) == 1


async def test_all_that_is_wrong_with_a_batch_is_said_and_nothing_of_it_stored(
    track: httpx.AsyncClient, site: Site
) -> None:
    good = {"type": "track", "userId": "ada", "event": "Bought"}
    shapes = [
        good,
        5,
        {"type": "dance", "userId": "ada"},
        {"type": "track", "userId": True, "event": 5, "timestamp": "yesterday"},
        {"userId": "ada"},
    ]
    assert await refused(track, "batch", {"batch": shapes}) == (
        400,
        "request.malformed",
        ["batch[1]", "batch[2].type", "batch[3].userId", "batch[3].event", "batch[3].timestamp", "batch[4].type"],
    )
    values = [
        good,
        {"type": "track", "event": "Bought"},
        {"type": "track", "userId": "ada"},
        {"type": "track", "userId": "a" * 256, "event": "Bought", "properties": {"": 1, "a": {"b": ["\0"]}}},
        {"type": "alias", "userId": "ada"},
        {"type": "group", "userId": "ada"},
        {"type": "identify", "userId": "ada", "traits": {"x" * 256: 1}},
    ]
    status, _, paths = await refused(track, "batch", {"batch": values})
    assert status == 400
    assert paths == [
        "batch[1].userId",
        "batch[2].event",
        "batch[3].userId",
        'batch[3].properties[""]',
        "batch[3].properties.a.b[0]",
        "batch[4].previousId",
        "batch[5].groupId",
        f'batch[6].traits["{"x" * 100}"]',
    ]
    assert await site.rows("select count(*) from inbox") == [(0,)]
    assert (await refused(track, "batch", {}))[2] == ["batch"]
    await sent(track, "batch", {"batch": []})


async def test_any_text_arrives_as_it_was_sent(track: httpx.AsyncClient, site: Site) -> None:
    texts = [
        "null",
        "NULL",
        "{}",
        'say "hi", \\ and {so,on}',
        "two\nlines\tand \x01",
        "\\u0000",
        "na\u00efve \U0001f600",
    ]
    for text in [*texts, *texts]:  # the second time everybody is known
        properties = {"x": text, text: {text: [text]}}
        call = {"type": "track", "userId": f"user {text}", "event": f"event {text}", "properties": properties}
        await sent(track, "batch", {"batch": [call]})
    expected = [(f"user {text}", f"event {text}", {"x": text, text: {text: [text]}}) for text in texts]
    await site.drain()
    found = await site.rows(
        "select p.user_id, e.name, e.data from event as e join profile as p using (shard, profile_id) order by event_id"
    )
    assert sorted(found, key=str) == sorted([*expected, *expected], key=str)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (rb'"\u0000"', ".x"),
        (rb'["\u0000"]', ".x[0]"),
        (rb'{"\u0000": 1}', ".x"),
        (b"1e400", ".x"),
        (b'[0, {"y/z": -1e999}]', '.x[1]["y/z"]'),
        (b"1" + b"0" * 309, ".x"),
        (b"[" * 401 + b"]" * 401, ".x" + "[0]" * 400),
    ],
)
async def test_a_value_that_cannot_be_kept_has_a_place(
    track: httpx.AsyncClient, site: Site, value: bytes, path: str
) -> None:
    body = b'{"batch": [{"type": "track", "userId": "ada", "event": "Bought", "properties": {"x": %b}}]}' % value
    assert await refused(track, "batch", body) == (400, "request.malformed", [f"batch[0].properties{path}"])
    assert await site.rows("select count(*) from inbox") == [(0,)]


async def test_a_number_that_no_decoder_takes_is_refused_with_its_call(track: httpx.AsyncClient) -> None:
    body = b'{"batch": [{"type": "track", "userId": "ada", "event": "Bought", "properties": {"x": %b}}]}' % (
        b"9" * 5000
    )
    assert await refused(track, "batch", body) == (400, "request.malformed", ["batch[0]"])


async def test_numbers_are_kept_as_they_are(track: httpx.AsyncClient, site: Site) -> None:
    numbers = [0.1, 1e15, 2**63, -(2**70), 10**308 + 1]
    await sent(track, "track", {"userId": "ada", "event": "Bought", "properties": {"x": numbers}})
    assert await events(site) == [("Bought", {"x": numbers})]


async def test_of_a_key_that_stands_twice_the_last_counts(track: httpx.AsyncClient, site: Site) -> None:
    body = b'{"userId": "ada", "event": "Bought", "properties": {"x": 1, "y": {"z": 1, "z": 2}, "x": 2}}'
    assert (await track.post("/v1/track", content=body)).status_code == 200
    assert await events(site) == [("Bought", {"x": 2, "y": {"z": 2}})]


INVALID = [
    b'{"batch": [{"type": "track", "userId": "ada", "event": "Bought", "properties": {"x": %b}}]}' % value
    for value in (rb'"\ud800"', b'"\xff"', b'"\x01"', b"01", b"1e", b"1e400", b"NaN", b"[" * 10_000 + b"]" * 10_000)
]
"""Batches with a value that is not JSON, or not any text, or nested too deeply."""


async def test_what_is_not_json_is_refused(track: httpx.AsyncClient) -> None:
    for body in (b"", b"{", b"[]", b"\xff", b"null", b'{"batch": [{]}', b'{"batch":' + b"[" * 100_000, *INVALID):
        status, code, _ = await refused(track, "batch", body)
        assert (status, code) == (400, "request.malformed"), body
    assert (await refused(track, "dance", {}))[:2] == (405, "method.unknown")
    assert (await track.get("/v1/track")).status_code == 405


async def test_browsers_may_post_from_anywhere(track: httpx.AsyncClient) -> None:
    response = await track.options("/v1/t", headers={"origin": "https://shop.example"})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, "*")
    response = await track.post("/v1/p", json={"anonymousId": "a"}, headers={"origin": "https://shop.example"})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, "*")


def test_every_code_has_a_status() -> None:
    assert set(STATUSES.values()) <= {400, 401, 404, 405, 413, 429, 500, 503}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["anonymousId", "context", "event", "groupId", "messageId", "name", "previousId", "properties", "sentAt",
     "timestamp", "traits", "type", "userId"]
)  # fmt: skip
calls = st.dictionaries(fields, json_values) | json_values


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(calls, max_size=4) | json_values, method=st.sampled_from(["batch", "identify", "track"]))
async def test_nothing_makes_it_fail(track: httpx.AsyncClient, batch: Any, method: str) -> None:
    response = await track.post(f"/v1/{method}", content=json.dumps({"batch": batch}).encode())
    assert response.status_code in {200, 400}
    one = batch[0] if isinstance(batch, list) and batch else batch
    response = await track.post("/v1/track", content=json.dumps(one).encode())
    assert response.status_code in {200, 400}


# Everybody at once ------------------------------------------------------------------------------------------------

CLIENTS = 8


def calls_about(person: int) -> list[dict[str, Any]]:
    """What every client says of a person, who goes by four names that nobody connected before."""
    user, visitor, old, phone = f"user{person}", f"visitor{person}", f"old{person}", f"phone{person}"
    said: list[dict[str, Any]] = [
        {"type": "identify", "userId": user, "anonymousId": visitor, "traits": {"plan": "pro"}},
        {"type": "track", "anonymousId": visitor, "event": "Visited"},
        {"type": "track", "userId": user, "event": "Bought"},
        {"type": "track", "userId": old, "event": "Called"},
        {"type": "alias", "previousId": old, "userId": user},
        {"type": "screen", "userId": user, "anonymousId": phone, "name": "Cart"},
        {"type": "identify", "userId": old, "traits": {"since": 2019}},
    ]
    return [call | {"messageId": f"{person}-{place}"} for place, call in enumerate(said)]


async def test_eight_clients_post_the_same_users_ids_and_merges_at_once(track: httpx.AsyncClient, site: Site) -> None:
    everything = [call for person in range(4) for call in calls_about(person)]
    done = asyncio.Event()
    engines = [Runner(site.url, lambda: site.now, name=f"engine-{number}") for number in range(2)]
    working = [asyncio.create_task(engine.run(done)) for engine in engines]

    async def post(client: int) -> None:
        chance = random.Random(client)
        order = chance.sample(everything, len(everything))
        while order:
            some = [order.pop() for _ in range(min(len(order), chance.choice((1, 1, 4))))]
            if len(some) > 1:
                await sent(track, "batch", {"batch": some})
            else:
                await sent(track, some[0]["type"], {key: value for key, value in some[0].items() if key != "type"})

    await asyncio.gather(*(post(client) for client in range(CLIENTS)))
    done.set()
    await asyncio.gather(*working)
    names = (
        "select p.user_id, p.attributes, array(select i.value from identity as i where i.profile_shard = p.shard"
        " and i.profile_id = p.profile_id order by 1), array(select e.name from event as e where e.shard = p.shard"
        " and e.profile_id = p.profile_id order by 1) from profile as p order by 1"
    )
    await site.drain()
    assert [row[1:] for row in await site.rows(names)] == [
        (
            {"plan": "pro", "since": 2019},
            [f"old{person}", f"old{person}", f"phone{person}", f"user{person}", f"visitor{person}"],
            ["Bought", "Called", "Visited", "screen"],
        )
        for person in range(4)
    ]
    assert await site.rows("select from inbox union all select from transfer") == []
    async with site.pool.connection() as conn:
        await conn.set_autocommit(True)
        findings = await examine(conn, site.now)
        await conn.set_autocommit(False)
    assert [finding for finding in findings if finding.severity == "error"] == []
