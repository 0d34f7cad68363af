"""Signing in to the journeys dialect: sessions, cookies, roles, sites and their keys."""

from sojourn.api.journeys.door import COOKIE
from tests.conformance.conftest import Site
from tests.conformance.journeys_client import PASSWORD, browser, make_account, ok, refusal, signed_in


async def test_who_signs_in_is_recognised_until_they_sign_out(site: Site) -> None:
    await make_account(site, "ada@example.com")
    async with browser(site) as client:
        response = await client.post("/api/auth/login", json={"email": "Ada@Example.com", "password": PASSWORD})
        data = ok(response)
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert client.cookies[COOKIE] == data["token"]
        assert ok(await client.get("/api/auth/me")) == data["user"]
        ok(await client.post("/api/auth/logout"))
        refusal(await client.get("/api/auth/me", headers={"cookie": f"{COOKIE}={data['token']}"}), 401, "UNAUTHORIZED")


async def test_sites_and_keys(site: Site) -> None:
    async with signed_in(site) as client:
        made = ok(await client.post("/api/sites", json={"name": "Shop", "allowedOrigins": ["https://a.example"]}), 201)
        assert ok(await client.get(f"/api/sites/{made['id']}")) == made
        key = ok(await client.post(f"/api/sites/{made['id']}/keys", json={"name": "k"}), 201)
        listed = (await client.get("/api/sites", params={"limit": "1"})).json()
        assert listed["meta"] == {"total": 2, "page": 1, "limit": 1, "totalPages": 2}
        caller = await site.service.authenticate(key["key"], "site")
        assert caller.origins == ("https://a.example",)
        ok(await client.delete(f"/api/sites/{made['id']}/keys/{key['id']}"))
        details = refusal(await client.post("/api/sites", json={"nam": 1, "name": 2}), 400, "VALIDATION_ERROR")
        assert details.keys() == {"nam", "name"}
