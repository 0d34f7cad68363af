"""Inbound webhooks: set up, tried out, posted to, by those who may."""

import hmac
import json
from base64 import b64encode
from hashlib import sha1, sha256
from typing import Any

import httpx
import pytest

from tests.conformance.conftest import APP, NOON, THEIR_TOKEN, Site

SHOP: dict[str, Any] = {
    "application": APP,
    "title": "Shop",
    "identifier_kind": "email",
    "identifier_path": "customer.email",
    "event_name_path": "topic",
    "event_names": {"orders/create": "Ordered", "orders/paid": "Paid"},
    "attributes": {"sum": "total", "first": "lines[0].sku", "lines": "lines"},
    "profile_attributes": {"City": 'customer["home town"]'},
    "event_id_path": "id",
    "time_path": "at",
}
ORDER: dict[str, Any] = {
    "id": 17,
    "topic": "orders/create",
    "at": "2026-03-01T11:30:00Z",
    "total": 9.5,
    "customer": {"email": "Ada@Example.com", "home town": "London"},
    "lines": [{"sku": "a"}, {"sku": "b"}],
}
SECRET = "a shared secret"


async def create(http: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    response = await http.post("/api/v3/webhooks", json=SHOP | more)
    assert response.status_code == 200, response.text
    return response.json()


async def post(http: httpx.AsyncClient, hook: dict[str, Any], payload: Any, **more: Any) -> tuple[int, Any]:
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    response = await http.post(hook["path"], content=content, **more)
    return response.status_code, response.json()


async def test_a_payload_becomes_an_event_once(http: httpx.AsyncClient, site: Site) -> None:
    hook = await create(http)
    for _ in range(2):
        assert await post(http, hook, ORDER) == (202, {"accepted": 1})
    assert await post(http, hook, ORDER | {"topic": "carts/update"}) == (202, {"accepted": 0})
    await site.drain()
    ((name, data, at),) = await site.rows("select name, data, occurred_at from event")
    assert (name, data) == ("Ordered", {"sum": 9.5, "first": "a", "lines": [{"sku": "a"}, {"sku": "b"}]})
    assert at.isoformat() == "2026-03-01T11:30:00+00:00"
    assert await site.rows("select attributes from profile") == [({"City": "London"},)]
    assert await site.rows("select kind::text, value from identity") == [("email", "ada@example.com")]


async def test_a_payload_may_hold_several(http: httpx.AsyncClient, site: Site) -> None:
    hook = await create(http, items_path="data.events", time_path="")
    several = {"data": {"events": [ORDER | {"id": number} for number in range(5)] + [{"topic": "other"}]}}
    assert await post(http, hook, several) == (202, {"accepted": 5})
    several["data"]["events"][3]["customer"] = {"email": "nobody"}
    status, answer = await post(http, hook, several)
    assert (status, [each["path"] for each in answer["errors"]]) == (400, ["data.events[3].customer.email"])
    await site.drain()
    assert await site.rows("select count(*) from event") == [(5,)]


async def test_what_is_wrong_with_a_payload_is_said_with_its_place(http: httpx.AsyncClient, site: Site) -> None:
    hook = await create(http, event_names={}, identifier_kind="user_id")
    status, answer = await post(http, hook, {"at": "yesterday", "customer": {"email": []}})
    assert status == 400
    assert [each["path"] for each in answer["errors"]] == ["topic", "customer.email", "at"]
    for body in (b"", b"{", b"\xff", b"[" * 100_000):
        assert (await post(http, hook, body))[0] == 400
    assert (await post(http, hook, b" " * 1_000_001))[0] == 413
    assert (await post(http, {"path": "/hooks/nobody"}, ORDER))[0] == 404
    assert (await post(http, {"path": "/hooks/%00"}, ORDER))[0] == 404
    assert await site.rows("select count(*) from inbox") == [(0,)]


@pytest.mark.parametrize("unit", [1, 1000])
async def test_times_may_be_numbers(http: httpx.AsyncClient, site: Site, unit: int) -> None:
    hook = await create(http)
    assert (await post(http, hook, ORDER | {"at": int(NOON.timestamp() - 60) * unit}))[0] == 202
    await site.drain()
    ((at,),) = await site.rows("select occurred_at from event")
    assert at.isoformat() == "2026-03-01T11:59:00+00:00"


def signed(body: bytes, digest: Any, *, is_base64: bool = False, key: str = SECRET) -> str:
    made = hmac.new(key.encode(), body, digest)
    return b64encode(made.digest()).decode() if is_base64 else made.hexdigest()


BODY = json.dumps(ORDER).encode()
STAMP = int(NOON.timestamp())
GITHUB = {"scheme": "hmac", "name": "X-Hub-Signature-256", "prefix": "sha256="}
OLD = {"scheme": "hmac", "name": "X-Hub-Signature", "prefix": "sha1=", "algorithm": "sha1"}
SHOPIFY = {"scheme": "hmac", "name": "X-Shopify-Hmac-Sha256", "encoding": "base64"}
STRIPE = {"scheme": "hmac_timestamped", "name": "Stripe-Signature", "tolerance_seconds": 60}
SENDERS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "header": ({"scheme": "header", "name": "X-Token"}, {"headers": {"x-token": SECRET}}, True),
    "wrong header": ({"scheme": "header", "name": "X-Token"}, {"headers": {"x-token": "something else"}}, False),
    "no header": ({"scheme": "header", "name": "X-Token"}, {}, False),
    "query": ({"scheme": "query", "name": "key"}, {"params": {"key": SECRET}}, True),
    "wrong query": ({"scheme": "query", "name": "key"}, {"params": {"key": ""}}, False),
    "github": (GITHUB, {"headers": {"X-Hub-Signature-256": f"sha256={signed(BODY, sha256)}"}}, True),
    "github, no prefix": (GITHUB, {"headers": {"X-Hub-Signature-256": signed(BODY, sha256)}}, False),
    "github, other body": (GITHUB, {"headers": {"X-Hub-Signature-256": f"sha256={signed(b'x', sha256)}"}}, False),
    "sha1": (OLD, {"headers": {"X-Hub-Signature": f"sha1={signed(BODY, sha1)}"}}, True),
    "shopify": (SHOPIFY, {"headers": {"X-Shopify-Hmac-Sha256": signed(BODY, sha256, is_base64=True)}}, True),
    "stripe": (
        STRIPE,
        {"headers": {"Stripe-Signature": f"t={STAMP},v0=a,v1=b,v1={signed(b'%d.' % STAMP + BODY, sha256)}"}},
        True,
    ),
    "stripe, late": (
        STRIPE,
        {"headers": {"Stripe-Signature": f"t={STAMP - 61},v1={signed(b'%d.' % (STAMP - 61) + BODY, sha256)}"}},
        False,
    ),
    "stripe, another time": (
        STRIPE,
        {"headers": {"Stripe-Signature": f"t={STAMP},v1={signed(b'%d.' % (STAMP - 1) + BODY, sha256)}"}},
        False,
    ),
    "stripe, nonsense": (STRIPE, {"headers": {"Stripe-Signature": "v1=,t=x"}}, False),
}


@pytest.mark.parametrize("sender", SENDERS)
async def test_only_who_knows_the_secret_may_post(http: httpx.AsyncClient, site: Site, sender: str) -> None:
    verification, request, may_post = SENDERS[sender]
    hook = await create(http, verification=verification, secret=SECRET)
    del http.headers["authorization"]
    status, answer = await post(http, hook, BODY, **request)
    assert status == (202 if may_post else 401), answer
    assert await site.rows("select count(*) > 0 from inbox") == [(may_post,)]


async def test_a_secret_is_shown_once_at_most(http: httpx.AsyncClient) -> None:
    hook = await create(http, verification=GITHUB)
    assert len(hook["secret"]) > 30
    given = await create(http, verification=GITHUB, secret=SECRET)
    listed = (await http.get("/api/v3/webhooks")).text
    for text in (json.dumps(given), listed, (await http.get(f"/api/v3/webhooks/{hook['id']}")).text):
        assert hook["secret"] not in text
        assert SECRET not in text
    header = {"X-Hub-Signature-256": f"sha256={signed(BODY, sha256, key=hook['secret'])}"}
    updated = await http.put(f"/api/v3/webhooks/{hook['id']}", json=SHOP | {"verification": GITHUB, "title": "New"})
    assert (updated.json()["title"], "secret" in updated.json()) == ("New", False)
    assert (await post(http, hook, BODY, headers=header))[0] == 202


async def test_webhooks_are_listed_changed_and_deleted(http: httpx.AsyncClient) -> None:
    hook = await create(http)
    assert [each["id"] for each in (await http.get("/api/v3/webhooks")).json()["webhooks"]] == [hook["id"]]
    path = f"/api/v3/webhooks/{hook['id']}"
    theirs = {"authorization": f"Api {THEIR_TOKEN}"}
    for verb in ("GET", "DELETE", "PUT"):
        response = await http.request(verb, path, json=SHOP, headers=theirs)
        assert response.status_code == 404, verb
    assert (await http.put(path, json=SHOP | {"event_names": {"orders/create": "Bought"}})).status_code == 200
    preview = (await http.post(f"{path}/test", json={"payload": ORDER})).json()
    assert preview["passed_over"] == 0
    assert preview["events"] == [
        {
            "identifier": "Ada@Example.com",
            "name": "Bought",
            "attributes": {"sum": 9.5, "first": "a", "lines": [{"sku": "a"}, {"sku": "b"}]},
            "profile_attributes": {"City": "London"},
            "event_id": "17",
            "occurred_at": "2026-03-01T11:30:00Z",
        }
    ]
    assert (await http.delete(path)).status_code == 200
    assert (await http.get(path)).status_code == 404
    assert (await post(http, hook, ORDER))[0] == 404


async def test_all_that_is_wrong_with_a_definition_is_said(http: httpx.AsyncClient) -> None:
    response = await http.post("/api/v3/webhooks", json={"application": APP, "title": 5, "identifier_kind": "cat"})
    fields = [each["field"] for each in response.json()["details"][0]["field_violations"]]
    assert (response.status_code, fields) == (400, ["title", "identifier_path", "identifier_kind"])
    wrong = {
        "identifier_path": "a..b",
        "event_name_path": "",
        "attributes": {"a": "["},
        "verification": {"scheme": "hmac", "name": "", "tolerance_seconds": 0},
        "secret": "short",
    }
    response = await http.post("/api/v3/webhooks", json=SHOP | wrong)
    fields = [each["field"] for each in response.json()["details"][0]["field_violations"]]
    assert fields == [
        "identifier_path",
        "event_name",
        "event_name_path",
        "attributes.a",
        "verification.name",
        "verification.tolerance_seconds",
        "secret",
    ]
    assert (await http.post("/api/v3/webhooks", json=SHOP, headers={"authorization": "Api x"})).status_code == 401
