"""Signing in to the journeys dialect: sessions and their tokens, attacks on these, and attempts to guess."""

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID, uuid4

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sojourn.api.journeys.door import COOKIE, DoorOptions
from sojourn.api.server import create_app
from sojourn.service import commands as c
from sojourn.service.errors import NotAuthenticated
from sojourn.service.key_sets import KeySet
from sojourn.service.service import Service
from sojourn.service.sessions import PER_ACCOUNT_AND_ADDRESS, SessionOptions
from sojourn.service.signing_keys import JWT_SECRET, signing_key
from tests.conformance.conftest import NOON, QUICK, TOKEN, UNLIMITED, Site
from tests.conformance.journeys_client import PASSWORD, browser, make_account, ok, refusal, signed_in

LOGIN, ME, REFRESH = "/api/auth/login", "/api/auth/me", "/api/auth/refresh"
ADA = {"email": "ada@example.com", "password": PASSWORD}


async def test_who_signs_in_is_recognised_until_they_sign_out(site: Site) -> None:
    await make_account(site, "ada@example.com")
    async with browser(site) as client:
        response = await client.post(LOGIN, json=ADA | {"email": "Ada@Example.com"})
        data, cookie = ok(response), response.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Secure" not in cookie
        assert client.cookies[COOKIE] == data["token"]
        assert ok(await client.get(ME)) == data["user"]
        assert data["user"]["role"] == "OWNER"
        ok(await client.post("/api/auth/logout"))
        assert COOKIE not in client.cookies
        for headers in (bearer(data["token"]), {"cookie": f"{COOKIE}={data['token']}"}, {}):
            refusal(await client.get(ME, headers=headers), 401, "UNAUTHORIZED")
        for headers in ({"X-API-Key": TOKEN}, bearer(TOKEN), {"Authorization": f"Api {TOKEN}"}):
            refusal(await client.get(ME, headers=headers), 401, "UNAUTHORIZED")


async def test_a_cookie_is_for_pages_of_ours(site: Site) -> None:
    await make_account(site, "ada@example.com")
    options = DoorOptions(limits=UNLIMITED, public_url="https://journeys.example")
    app = create_app(site.service, ready=ready, door=options)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client:
        response = await client.post(LOGIN, json=ADA)
        assert "Secure" in response.headers["set-cookie"]
        cookie = {"cookie": f"{COOKIE}={ok(response)['token']}"}
        client.cookies.clear()
        body = {"name": "Shop"}
        strangers = (
            {"origin": "https://evil.example"},
            {"origin": "https://evil.example", "authorization": ""},
            {"origin": "null"},
            {"origin": "http://["},
            {"sec-fetch-site": "cross-site"},
        )
        for strange in strangers:
            refusal(await client.post("/api/sites", json=body, headers=cookie | strange), 403, "FORBIDDEN")
            ok(await client.get("/api/sites", headers=cookie | strange))
        for ours in ({"origin": "http://site"}, {"origin": "https://journeys.example"}, {}):
            ok(await client.post("/api/sites", json=body, headers=cookie | ours), 201)


async def test_refreshing_takes_the_old_token_out_of_force(site: Site) -> None:
    await make_account(site, "ada@example.com")
    async with browser(site) as client:
        old = ok(await client.post(LOGIN, json=ADA))["token"]
        new = ok(await client.post(REFRESH, headers=bearer(old)))["token"]
        client.cookies.clear()
        ok(await client.get(ME, headers=bearer(old)))  # what was under way
        refusal(await client.post(REFRESH, headers=bearer(old)), 401, "UNAUTHORIZED")
        site.advance(seconds=31)
        refusal(await client.get(ME, headers=bearer(old)), 401, "UNAUTHORIZED")
        ok(await client.get(ME, headers=bearer(new)))
        refusal(await client.post(REFRESH, headers=bearer(old)), 401, "UNAUTHORIZED")  # stolen: all of it ends
        refusal(await client.get(ME, headers=bearer(new)), 401, "UNAUTHORIZED")


async def test_a_token_lasts_half_a_day_and_a_session_a_month(site: Site) -> None:
    await make_account(site, "ada@example.com")
    async with browser(site) as client:
        token = ok(await client.post(LOGIN, json=ADA))["token"]
        for _ in range(59):
            site.advance(hours=11.9)
            token = ok(await client.post(REFRESH, headers=bearer(token)))["token"]
        site.advance(hours=11.9)
        ok(await client.get(ME, headers=bearer(token)))
        site.advance(hours=8)
        refusal(await client.get(ME, headers=bearer(token)), 401, "UNAUTHORIZED")
        token = ok(await client.post(LOGIN, json=ADA))["token"]
        site.advance(hours=12)
        refusal(await client.post(REFRESH, headers=bearer(token)), 401, "UNAUTHORIZED")


# Tokens that somebody made ----------------------------------------------------------------------------------


RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WEAK_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def as_jwk(key: rsa.RSAPrivateKey, **more: str) -> dict[str, Any]:
    return jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | more


def key_set() -> bytes:
    return msgspec.json.encode(
        {
            "keys": [
                as_jwk(RSA_KEY, kid="rsa", alg="RS256"),
                as_jwk(RSA_KEY, kid="sealing", use="enc"),
                as_jwk(WEAK_KEY, kid="weak"),
                jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True) | {"kid": "ec", "use": "sig"},
            ]
        }
    )


class Elsewhere:
    """A service that trusts the keys of somebody else, too."""

    def __init__(self, site: Site) -> None:
        self.asked = 0
        self.answer: bytes | OSError = key_set()
        keys = KeySet(self.fetch, lambda: site.now)
        options = SessionOptions(audience="sojourn", issuer="https://id.example", keys=keys)
        self.service = Service(site.pool, lambda: site.now, session_options=options, passwords=QUICK)

    async def fetch(self) -> bytes:
        self.asked += 1
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


def claims(tenant: UUID, **changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "sub": "ada",
        "tenantId": str(tenant),
        "role": "EDITOR",
        "iat": int(NOON.timestamp()),
        "exp": int(NOON.timestamp()) + 600,
        "aud": "sojourn",
        "iss": "https://id.example",
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


async def test_tokens_of_others_count_by_their_keys(site: Site) -> None:
    tenant = (await make_account(site, "ada@example.com")).tenant
    elsewhere = Elsewhere(site)
    for key, algorithm, kid in ((RSA_KEY, "RS256", "rsa"), (EC_KEY, "ES256", "ec")):
        token = jwt.encode(claims(tenant), key, algorithm, headers={"kid": kid})
        caller = await elsewhere.service.signed_in(token)
        assert (caller.rights, caller.name, caller.account) == ("editor", "ada", None)
        assert (await elsewhere.service.run(caller, c.GetSelf())).tenant == tenant
    assert elsewhere.asked == 1
    unlimited = jwt.encode(claims(tenant) | {"nbf": None}, RSA_KEY, "RS256", headers={"kid": "rsa"})
    assert (await elsewhere.service.signed_in(unlimited)).name == "ada"
    begun = await elsewhere.service.sign_in("ada@example.com", PASSWORD, address="-", agent="")
    assert (await elsewhere.service.signed_in(begun.token)).rights == "owner"
    # Keys that were good go on while the address does not answer, but not for ever.
    elsewhere.answer = OSError("no route")
    site.advance(hours=23)
    later = {"iat": int(site.now.timestamp()), "exp": int(site.now.timestamp()) + 7200}
    token = jwt.encode(claims(tenant, **later), RSA_KEY, "RS256", headers={"kid": "rsa"})
    await elsewhere.service.signed_in(token)
    site.advance(hours=1)
    await refused_by(elsewhere.service, token)


@pytest.mark.parametrize(
    ("changed", "header"),
    [
        ({"exp": int(NOON.timestamp())}, {}),
        ({"exp": None}, {}),
        ({"exp": 1e400}, {}),
        ({"exp": 10**30}, {}),
        ({"iat": None}, {}),
        ({"iat": int(NOON.timestamp()) + 61}, {}),
        ({"nbf": int(NOON.timestamp()) + 61}, {}),
        ({"sub": None}, {}),
        ({"role": "ROOT"}, {}),
        ({"role": "owner"}, {}),
        ({"role": None}, {}),
        ({"aud": "others"}, {}),
        ({"aud": None}, {}),
        ({"iss": "https://evil.example"}, {}),
        ({"tenantId": str(uuid4())}, {}),
        ({"tenantId": "1"}, {}),
        ({"tenantId": None}, {}),
        ({"sid": str(uuid4())}, {}),
        ({}, {"kid": "nobody"}),
        ({}, {"kid": "sealing"}),
        ({}, {"kid": "ec"}),
        ({}, {"kid": 7}),
        ({}, {"kid": None}),
        ({}, {"crit": ["b64"], "b64": False}),
    ],
)
async def test_tokens_that_say_something_else_do_not(
    elsewhere: tuple[Elsewhere, UUID], changed: dict[str, Any], header: dict[str, Any]
) -> None:
    service, tenant = elsewhere[0].service, elsewhere[1]
    wanted = {"kid": "rsa"} | header
    payload, key = claims(tenant, **changed), RSA_KEY
    token = sign(payload, {"alg": "RS256", **{name: value for name, value in wanted.items() if value is not None}}, key)
    await refused_by(service, token)


async def test_tampered_and_confused_tokens_do_not(elsewhere: tuple[Elsewhere, UUID], site: Site) -> None:
    service, tenant = elsewhere[0].service, elsewhere[1]
    payload = claims(tenant, role="OWNER")
    good = jwt.encode(payload, RSA_KEY, "RS256", headers={"kid": "rsa"})
    assert (await service.signed_in(good)).rights == "owner"
    head, body, signature = good.split(".")
    none = jwt.encode(payload, None, "none", headers={"kid": "rsa"})
    public = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    async with site.pool.connection() as conn:
        secret = await signing_key(conn, JWT_SECRET, NOON)
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for bad in (
        none,
        none.rstrip("."),
        none + signature,
        none.replace("bm9uZQ", "Tm9uZQ"),
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-8]}AAAAAAAA",
        f"{head}.{encoded(payload | {'sub': 'grace'})}.{signature}",
        hs256(head=encoded({"alg": "HS256", "kid": "rsa"}), body=body, key=public),
        jwt.encode(payload, secret, "HS512", headers={"kid": "rsa"}),
        jwt.encode(payload, "another secret, of some length, but not ours", "HS256"),
        jwt.encode(payload, stranger, "RS256", headers={"kid": "rsa"}),
        sign(payload, {"alg": "RS256", "kid": "weak"}, WEAK_KEY),
        jwt.encode(payload, RSA_KEY, "PS256", headers={"kid": "rsa"}),
        jwt.encode(payload, EC_KEY, "ES256", headers={"kid": "rsa"}),
        jwt.encode(payload, stranger, "RS256", headers={"jwk": as_jwk(stranger), "kid": "rsa"}),
        "..", "a.b.c", "é.é.é", "x" * 9000,
    ):  # fmt: skip
        await refused_by(service, bad)
    minted = jwt.encode(claims(tenant, iss=None), secret, "HS256")
    assert (await service.signed_in(minted)).rights == "editor"  # whoever has our secret may
    await refused_by(service, jwt.encode(claims(tenant, sid=str(uuid4())), secret, "HS256"))


async def test_unknown_keys_make_us_ask_seldom(elsewhere: tuple[Elsewhere, UUID], site: Site) -> None:
    place, tenant = elsewhere
    asked = place.asked
    for number in range(20):
        await refused_by(place.service, jwt.encode(claims(tenant), RSA_KEY, "RS256", headers={"kid": f"k{number}"}))
    assert place.asked <= asked + 1


@pytest.fixture
async def elsewhere(site: Site) -> tuple[Elsewhere, UUID]:
    return Elsewhere(site), (await make_account(site, "ada@example.com")).tenant


def sign(payload: dict[str, Any], header: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    """Sign whatever it is."""
    signed = f"{encoded(header)}.{encoded(payload)}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(signed.encode(), key)
    return f"{signed}.{b64(signature)}"


def hs256(*, head: str, body: str, key: bytes) -> str:
    return f"{head}.{body}.{b64(hmac.digest(key, f'{head}.{body}'.encode(), 'sha256'))}"


def encoded(document: dict[str, Any]) -> str:
    return b64(json.dumps(document).encode())


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def refused_by(service: Service, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        await service.signed_in(token)


async def ready() -> tuple[str, ...]:
    return ()


# Guessing, and ending ---------------------------------------------------------------------------------------


async def test_nobody_guesses_for_long(site: Site) -> None:
    await make_account(site, "ada@example.com")
    async with browser(site) as client:
        for email in ("ada@example.com", "nobody@example.com", "\0"):
            wrong = {"email": email, "password": "wrong"}
            for _ in range(PER_ACCOUNT_AND_ADDRESS):
                assert refusal(await client.post(LOGIN, json=wrong), 401, "UNAUTHORIZED") == {}
            response = await client.post(LOGIN, json=wrong | {"password": PASSWORD})
            refusal(response, 429, "RATE_LIMITED")
            assert response.headers["retry-after"] == "900"
        site.advance(minutes=15)
        ok(await client.post(LOGIN, json=ADA))
        assert await site.rows("select count(*) from sign_in_attempt where began_at <= '2026-03-01 12:00+00'") == [(0,)]


async def test_who_is_disabled_or_gets_another_password_is_out_at_once(site: Site) -> None:
    async with signed_in(site) as owner:
        grace = await make_account(site, "grace@example.com", "editor")
        path, login = f"/api/accounts/{grace.account}", {"email": "grace@example.com", "password": PASSWORD}
        async with browser(site) as client:
            for change, undo in (({"disabled": True}, {"disabled": False}), ({"password": "another password"}, None)):
                token = ok(await client.post(LOGIN, json=login))["token"]
                client.cookies.clear()
                ok(await client.get(ME, headers=bearer(token)))
                ok(await owner.patch(path, json=change))
                refusal(await client.get(ME, headers=bearer(token)), 401, "UNAUTHORIZED")
                refusal(await client.post(LOGIN, json=login), 401, "UNAUTHORIZED")
                if undo:
                    ok(await owner.patch(path, json=undo))
                    refusal(await client.get(ME, headers=bearer(token)), 401, "UNAUTHORIZED")


async def test_a_session_that_another_process_ended_is_over_within_five_seconds(site: Site) -> None:
    async with signed_in(site) as owner:
        await make_account(site, "grace@example.com", "editor")
        elsewhere = Service(site.pool, lambda: site.now, passwords=QUICK)
        begun = await site.service.sign_in("grace@example.com", PASSWORD, address="a", agent="b")
        ends = (
            (await elsewhere.signed_in(begun.token)).session,
            (await site.service.signed_in(begun.token)).session,
        )
        assert ends[0] == ends[1] is not None
        async with browser(site, **bearer(begun.token)) as client:
            ok(await client.delete(f"/api/auth/sessions/{ends[0]}"))
            refusal(await client.get(ME), 401, "UNAUTHORIZED")  # here at once
        site.advance(seconds=5)
        with pytest.raises(NotAuthenticated):
            await elsewhere.signed_in(begun.token)
        ok(await owner.get(ME))
        await elsewhere.close()


async def test_one_changes_ones_password_and_sees_ones_sessions(site: Site) -> None:
    await make_account(site, "ada@example.com")
    async with browser(site) as here, browser(site, **{"User-Agent": "phone"}) as phone:
        ok(await here.post(LOGIN, json=ADA))
        ok(await phone.post(LOGIN, json=ADA))
        listed = ok(await here.get("/api/auth/sessions"))
        assert [(each["isCurrent"], each["userAgent"]) for each in listed if not each["isCurrent"]] == [
            (False, "phone")
        ]
        change = {"password": PASSWORD, "newPassword": "staple battery"}
        refusal(await here.put("/api/auth/password", json=change | {"password": "wrong"}), 403, "FORBIDDEN")
        ok(await here.put("/api/auth/password", json=change))
        ok(await here.get(ME))
        refusal(await phone.get(ME), 401, "UNAUTHORIZED")
        mine = ok(await here.get("/api/auth/sessions"))[0]["id"]
        ok(await here.delete(f"/api/auth/sessions/{mine}"))
        refusal(await here.get(ME), 401, "UNAUTHORIZED")


async def test_a_workspace_keeps_an_owner(site: Site) -> None:
    ada = await make_account(site, "ada@example.com")
    async with browser(site) as client:
        ok(await client.post(LOGIN, json=ADA))
        path = f"/api/accounts/{ada.account}"
        for response in (
            await client.patch(path, json={"role": "ADMIN"}),
            await client.patch(path, json={"disabled": True}),
            await client.delete(path),
        ):
            refusal(response, 409, "CONFLICT")
        refusal(await client.post("/api/accounts", json=ADA | {"role": "ADMIN"}), 409, "CONFLICT")
        for wrong in ({"email": "a\0@example.com"}, {"email": "ada"}, {"password": "a\0bcdefgh"}, {"name": "\n"}):
            body = ADA | {"email": "new@example.com", "role": "ADMIN"} | wrong
            assert (
                refusal(await client.post("/api/accounts", json=body), 400, "VALIDATION_ERROR").keys() == wrong.keys()
            )
        made = ok(await client.post("/api/accounts", json=ADA | {"email": "g@example.com", "role": "OWNER"}), 201)
        assert ok(await client.get(f"/api/accounts/{made['id']}")) == made
        ok(await client.delete(path))
        refusal(await client.get(ME), 401, "UNAUTHORIZED")
