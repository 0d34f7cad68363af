"""Every route of the journeys dialect: who may call it, what its documentation promises, and how it refuses."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from sojourn.api.common.envelopes import ANSWERS
from sojourn.api.common.misfits import misfits
from sojourn.api.gateway.openapi import document as gateway_document
from sojourn.api.journeys.door import DoorOptions, RateLimits
from sojourn.api.journeys.openapi import answer_of, document
from sojourn.api.journeys.problems import KINDS
from sojourn.api.journeys.routes import ROUTES
from sojourn.api.journeys.routing import AnyRoute
from sojourn.api.server import create_app
from sojourn.service import commands as c
from sojourn.service.errors import NotAuthenticated
from sojourn.service.roles import LEAST, ROLES
from sojourn.store import tokens
from sojourn.store.tokens import StoredToken
from tests.conformance.conftest import APP, DEVICE_TOKEN, TOKEN, Site
from tests.conformance.journeys_client import browser, make_account, ok, refusal, signed_in

SESSION_ROUTES = [route for route in ROUTES if route.access == "session"]
KEY_ROUTES = [route for route in ROUTES if route.access == "key"]


def name_of(route: AnyRoute) -> str:
    return route.name


def some_path(route: AnyRoute) -> str:
    return re.sub(r"\{\w+\}", lambda _: str(uuid4()), route.path)


def some_body(route: AnyRoute) -> Any:
    return next((example.body for example in route.examples if example.body is not None), None)


async def send(client: httpx.AsyncClient, route: AnyRoute, path: str = "", **more: Any) -> httpx.Response:
    body = some_body(route)
    return await client.request(route.verb, path or some_path(route), **({"json": body} if body else {}), **more)


# Who may ----------------------------------------------------------------------------------------------------


def test_every_command_has_a_role() -> None:
    assert set(LEAST) == set(c.COMMANDS)


def test_every_problem_has_an_answer() -> None:
    assert set(ANSWERS) - set(KINDS) == set()


async def test_the_least_role_that_a_route_names_may_call_it_and_no_lesser_one(site: Site) -> None:
    for role in ROLES:
        async with signed_in(site, role) as client:
            for route in sorted(SESSION_ROUTES, key=lambda each: each.name == "logout"):
                response = await send(client, route)
                may = ROLES.index(role) <= ROLES.index(route.role)
                if may:
                    assert response.status_code not in {401, 403, 500}, (route.name, role, response.text)
                else:
                    assert response.json()["error"]["message"] == f"the role {route.role.upper()} is needed"
                    refusal(response, 403, "FORBIDDEN")


async def test_without_a_session_nothing_opens(site: Site) -> None:
    async with signed_in(site) as owner, browser(site) as client:
        made = ok(await owner.post("/api/sites", json={"name": "Shop"}), 201)
        key = ok(await owner.post(f"/api/sites/{made['id']}/keys", json={}), 201)["key"]
        for headers in ({}, {"X-API-Key": key}, *({"Authorization": f"Api {each}"} for each in (TOKEN, DEVICE_TOKEN))):
            for route in SESSION_ROUTES:
                refusal(await send(client, route, headers=headers), 401, "UNAUTHORIZED")
        bearer = {"Authorization": owner.headers["Authorization"]}
        for route in KEY_ROUTES:
            for headers in ({}, bearer, {"X-API-Key": TOKEN}, {"X-API-Key": "x" * 2000}):
                refusal(await send(client, route, headers=headers), 401, "UNAUTHORIZED")


async def test_what_is_anothers_is_not_there(site: Site) -> None:
    theirs = await make_account(site, "eve@example.com", workspace="other")
    async with signed_in(site) as us, signed_in(site, workspace="other") as them:
        place = ok(await them.get("/api/sites"))[0]["id"]
        key = ok(await them.post(f"/api/sites/{place}/keys", json={"name": "k"}), 201)["id"]
        session = ok(await them.get("/api/auth/sessions"))[0]["id"]
        foreign = {"/api/accounts/{id}": theirs.account, "/api/sites/{id}": place, "/api/auth/sessions/{id}": session}
        for route in SESSION_ROUTES:
            for prefix, value in foreign.items():
                if route.path.startswith(prefix):
                    path = route.path.replace("{id}", str(value)).replace("{keyId}", key)
                    refusal(await send(us, route, path), 404, "NOT_FOUND")
                    ours = route.path.replace("{id}", "1").replace("{keyId}", "nonsense")
                    refusal(await send(us, route, ours), 404, "NOT_FOUND")
        assert (await us.get("/api/sites")).json()["meta"]["total"] == 1
        assert "eve@example.com" not in (await us.get("/api/accounts")).text
        assert ok(await them.get("/api/auth/me"))["tenantId"] != ok(await us.get("/api/auth/me"))["tenantId"]


# Sites ------------------------------------------------------------------------------------------------------


async def test_a_site_is_an_app(site: Site, http: httpx.AsyncClient) -> None:
    async with signed_in(site) as client:
        body = {"name": "Shop", "allowedOrigins": ["https://A.example", "https://a.example"], "settings": {"a": [1]}}
        made = ok(await client.post("/api/sites", json=body), 201)
        assert ok(await client.get(f"/api/sites/{made['id']}")) == made
        assert (made["allowedOrigins"], made["settings"]) == (["https://a.example"], {"a": [1]})
        listed = (await client.get("/api/sites", params={"limit": "1", "page": "2"})).json()
        assert listed["meta"] == {"total": 2, "page": 2, "limit": 1, "totalPages": 2}
        assert listed["data"][0]["applicationCode"] == APP
        apps = (await http.get("/api/v3/apps")).json()["items"]
        assert [(each["application_code"], each["site_id"]) for each in apps][1] == (
            made["applicationCode"],
            made["id"],
        )
        changed = ok(await client.patch(f"/api/sites/{made['id']}", json={"defaultLocale": "pt-BR"}))
        assert changed == made | {"defaultLocale": "pt-BR", "updatedAt": changed["updatedAt"]}
        ok(await client.delete(f"/api/sites/{made['id']}"))
        refusal(await client.get(f"/api/sites/{made['id']}"), 404, "NOT_FOUND")
        assert len((await http.get("/api/v3/apps")).json()["items"]) == 1
        refusal(await client.delete(f"/api/sites/{listed['data'][0]['id']}"), 409, "CONFLICT")


async def test_keys_open_until_they_are_revoked_or_their_site_is_gone(site: Site) -> None:
    async with signed_in(site) as client:
        made = ok(await client.post("/api/sites", json={"name": "S", "allowedOrigins": ["http://localhost:3000"]}), 201)
        path = f"/api/sites/{made['id']}/keys"
        one, other = [ok(await client.post(path, json={"name": name}), 201) for name in ("one", "other")]
        listed = ok(await client.get(path))
        assert [each["name"] for each in listed] == ["other", "one"]
        assert one["key"] not in str(listed)
        assert one["key"].startswith(one["prefix"])
        assert (await site.service.authenticate(one["key"], "site")).origins == ("http://localhost:3000",)
        ok(await client.delete(f"{path}/{one['id']}"))
        refusal(await client.delete(f"{path}/{one['id']}"), 404, "NOT_FOUND")
        for key, opens in ((one, False), (other, True)):
            assert await opens_site(site, key["key"]) is opens
        ok(await client.delete(f"/api/sites/{made['id']}"))
        assert not await opens_site(site, other["key"])


async def opens_site(site: Site, key: str) -> bool:
    try:
        return (await site.service.authenticate(key, "site")).rights == "site"
    except NotAuthenticated:
        return False


# Refusals ---------------------------------------------------------------------------------------------------


async def test_all_that_is_wrong_is_told_at_once(site: Site) -> None:
    async with signed_in(site) as client:
        body = {"nam": 1, "name": 2, "allowedOrigins": ["https://a.example", 7], "settings": []}
        details = refusal(await client.post("/api/sites", json=body), 400, "VALIDATION_ERROR")
        assert details == {
            "nam": "unknown field",
            "name": "must be a string",
            "allowedOrigins.1": "must be a string",
            "settings": "must be an object",
        }
        origins = ["https://a.example/", "ftp://a", "a.example", "https://a:b"]
        body = {"name": "\u0000", "allowedOrigins": origins, "defaultLocale": "??", "settings": {"a": "\u0000"}}
        details = refusal(await client.post("/api/sites", json=body), 400, "VALIDATION_ERROR")
        assert details.keys() == {"name", "defaultLocale", "settings", *(f"allowedOrigins.{n}" for n in range(4))}
        for query, path in (({"page": "0"}, "page"), ({"limit": "101"}, "limit"), ({"limit": "ten"}, "limit")):
            assert refusal(await client.get("/api/sites", params=query), 400, "VALIDATION_ERROR").keys() == {path}
        assert "sort" in refusal(await client.get("/api/sites", params={"sort": "name"}), 400, "VALIDATION_ERROR")
        for content in ("{", "[]", '"x"', "\xff"):
            refusal(await client.post("/api/sites", content=content.encode("latin-1")), 400, "VALIDATION_ERROR")
        refusal(await client.post("/api/sites", content=b" " * 1_000_001), 413, "PAYLOAD_TOO_LARGE")


async def test_whatever_is_not_served_is_refused_in_the_shape_of_the_dialect(site: Site) -> None:
    async with browser(site) as client:
        for path in ("/api/sites/a/b/c", "/api/auth/nothing", "/api/content/flows/x/y", "/api/sdk/nothing"):
            refusal(await client.get(path), 404, "NOT_FOUND")
        refusal(await client.put("/api/sites"), 405, "METHOD_NOT_ALLOWED")
        assert (await client.get("/api/journey/nothing/at/all")).json().keys() == {"success", "message"}


# Limits -----------------------------------------------------------------------------------------------------


async def ready() -> tuple[str, ...]:
    return ()


async def test_requests_are_counted_by_address_and_minute(site: Site) -> None:
    app = create_app(site.service, ready=ready, door=DoorOptions(limits=RateLimits(per_address=5, auth=2, sdk=3)))

    def client(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://site")

    async with client("192.0.2.1") as one, client("192.0.2.2") as other, client("2001:db8::1") as six:
        for _ in range(2):
            refusal(await one.get("/api/auth/me"), 401, "UNAUTHORIZED")
        site.advance(seconds=20.5)
        response = await one.get("/api/auth/me")
        refusal(response, 429, "RATE_LIMITED")
        assert (response.headers["retry-after"], response.json()["error"]["category"]) == ("40", "LIMIT")
        for _ in range(3):
            refusal(await one.get("/api/sites"), 401, "UNAUTHORIZED")
        refusal(await one.get("/api/sites", headers={"X-Forwarded-For": "192.0.2.9"}), 429, "RATE_LIMITED")
        for each in (other, six):
            refusal(await each.get("/api/sites"), 401, "UNAUTHORIZED")
        site.advance(seconds=39.5)
        refusal(await one.get("/api/auth/me"), 401, "UNAUTHORIZED")
        async with signed_in(site) as owner:
            path = f"/api/sites/{ok(await owner.get('/api/sites'))[0]['id']}/keys"
            key, spare = [ok(await owner.post(path, json={}), 201)["key"] for _ in range(2)]
        for client_ in (one, other, six):
            ok(await client_.get("/api/sdk/config", headers={"X-API-Key": key}))
        response = await one.get("/api/v1/sdk/config", params={"apiKey": key})
        refusal(response, 429, "RATE_LIMITED")
        assert response.headers["access-control-allow-origin"] == "*"
        ok(await one.get("/api/sdk/config", params={"apiKey": key}, headers={"X-API-Key": spare}))  # the header first
        for number in range(5):
            refusal(await six.get("/api/sdk/config", headers={"X-API-Key": f"none{number}"}), 401, "UNAUTHORIZED")
        refusal(await six.get("/api/sdk/config", headers={"X-API-Key": "none"}), 429, "RATE_LIMITED")


async def test_wrong_keys_are_looked_up_seldom(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[bytes] = []
    find = tokens.find_token

    async def counting(conn: Any, *, token_hash: bytes) -> StoredToken | None:
        looked_up.append(token_hash)
        return await find(conn, token_hash=token_hash)

    monkeypatch.setattr(tokens, "find_token", counting)
    app = create_app(site.service, ready=ready, door=DoorOptions(limits=RateLimits(per_address=3, auth=0, sdk=0)))
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 1))

    def key(of: str) -> dict[str, str]:
        return {"X-API-Key": of}

    async with signed_in(site) as owner, httpx.AsyncClient(transport=transport, base_url="http://site") as page:
        path = f"/api/sites/{ok(await owner.get('/api/sites'))[0]['id']}"
        good, fresh = [ok(await owner.post(f"{path}/keys", json={}), 201)["key"] for _ in range(2)]
        ok(await page.get("/api/sdk/config", headers=key(good)))
        looked_up.clear()
        for _ in range(2):
            refusal(await page.get("/api/sdk/config", headers=key("none")), 401, "UNAUTHORIZED")
        assert len(looked_up) == 1, "what is none is remembered for a while"
        refusal(await page.get("/api/sdk/config", headers=key("nothing")), 401, "UNAUTHORIZED")
        looked_up.clear()
        for wrong in ("none", "nobody", fresh):
            refusal(await page.get("/api/sdk/config", headers=key(wrong)), 429, "RATE_LIMITED")
        assert looked_up == [], "enough were tried"
        ok(await owner.patch(path, json={"name": "Shop"}))  # a site is changed, so keys are looked up again
        ok(await page.get("/api/sdk/config", headers=key(good)))
        site.advance(seconds=6)
        ok(await page.get("/api/sdk/config", headers=key(good)))
        assert len(looked_up) == 2, "a page whose key was good is not kept out by its neighbours"
        site.advance(minutes=1)
        ok(await page.get("/api/sdk/config", headers=key(fresh)))


# Documentation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_the_examples_of_a_route_are_what_it_takes_and_gives(route: AnyRoute) -> None:
    assert route.examples or route.media != "application/json", "every route has an example"
    for example in route.examples:
        if example.body is not None:
            assert misfits(example.body, route.body, "") == []
        msgspec.convert(dict(example.query), route.query, strict=False)
        answer = answer_of(route, example)
        if route.media != "application/json":
            continue
        for data in answer["data"] if route.is_list else [answer["data"]]:
            read = msgspec.convert(data, route.reply)
            assert msgspec.json.decode(msgspec.json.encode(read)) == data


def test_names_and_paths_of_routes_are_their_own() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.verb, route.path) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("made", [document(ROUTES), gateway_document()], ids=["journeys", "gateway"])
def test_a_document_is_whole(made: dict[str, Any]) -> None:
    schemas = made["components"]["schemas"]
    named = {reference.rpartition("/")[2] for reference in references(made)}
    assert named <= set(schemas)
    assert set(schemas) <= named
    for path, operations in made["paths"].items():
        for operation in operations.values():
            given = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
            assert given == re.findall(r"\{(\w+)\}", path)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


async def test_the_documents_and_their_pages_are_served(site: Site) -> None:
    async with browser(site) as client:
        for path in ("/api/docs", "/api/docs/gateway"):
            response = await client.get(path)
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            assert "default-src 'none'" in response.headers["content-security-policy"]
            assert not re.findall(r"""(?:src|href)=["'](?!/api/docs|#)""", response.text)
            assert "<script" not in response.text
            made = (await client.get(f"{path}/openapi.json")).json()
            assert made["openapi"] == "3.1.0"
            names = {each["operationId"] for operations in made["paths"].values() for each in operations.values()}
            assert names <= set(re.findall(r'<article id="(\w+)"', response.text))


PAGE = Path(__file__).parents[2] / "docs/reference/journeys.md"


def error_table() -> str:
    rows = sorted({(kind.status, kind.code, kind.category) for kind in KINDS.values()})
    lines = [f"| {status} | `{code}` | `{category}` |" for status, code, category in rows]
    return "\n".join(["| status | `code` | `category` |", "| --- | --- | --- |", *lines])


def route_table() -> str:
    who = {"public": "anybody", "key": "API key"}
    lines = [
        f"| `{route.verb} {route.path}` | {who.get(route.access, route.role.upper())} | {route.summary} |"
        for route in ROUTES
    ]
    return "\n".join(["| route | who may call | |", "| --- | --- | --- |", *lines])


@pytest.mark.parametrize(("name", "table"), [("journeys errors", error_table()), ("journeys routes", route_table())])
def test_the_reference_lists_what_is_served(name: str, table: str) -> None:
    begin, end = f"<!-- generated: {name} -->\n", "\n<!-- end -->"
    page = PAGE.read_text()
    before, _, rest = page.partition(begin)
    told, _, after = rest.partition(end) if not rest.startswith("<!-- end -->") else ("", "", rest[12:])
    if os.environ.get("SOJOURN_ACCEPT"):
        PAGE.write_text(f"{before}{begin}{table}{end}{after}")
    else:
        assert told == table, "SOJOURN_ACCEPT=1 writes it"
