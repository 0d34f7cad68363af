"""People deleted over HTTP."""

from typing import Any

import httpx
import pytest

from tests.conformance.conftest import APP, DEVICE_TOKEN, THEIR_TOKEN, Site

PATH = "/api/v3/people"


async def settle(http: httpx.AsyncClient, site: Site) -> None:
    for method, fields in (
        ("registerDevice", {"hwid": "h2", "device_type": 3, "push_token": "t2", "userId": "bob 1"}),
        ("registerEmail", {"email": "bob@example.com", "userId": "bob 1"}),
        ("postEvent", {"event": "bought", "userId": "ada", "hwid": "h1"}),
    ):
        response = await http.post(f"/json/1.3/{method}", json={"request": {"application": APP} | fields})
        assert response.json()["status_code"] == 200
    await site.drain()


@pytest.mark.parametrize(
    ("path", "query"),
    [("/bob%201", {}), ("", {"user_id": "bob 1"}), ("", {"hwid": "h2"}), ("", {"email": "Bob@example.com"})],
)
async def test_a_person_is_deleted_by_any_name(
    http: httpx.AsyncClient, site: Site, path: str, query: dict[str, Any]
) -> None:
    await settle(http, site)
    response = await http.delete(f"{PATH}{path}", params=query)
    assert response.status_code == 200
    assert response.json() == {"removed": {"device": 2, "identity": 3, "profile": 1}}
    assert await site.rows("select user_id from profile") == [("ada",)]
    again = await http.delete(f"{PATH}{path}", params=query)
    assert (again.status_code, again.json()["code"]) == (404, 5)


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("", {}, "subject"),
        ("", {"user_id": "ada", "hwid": "h1"}, "subject"),
        ("/ada", {"hwid": "h1"}, "query"),
        ("", {"who": "ada"}, "who"),
        ("", {"profile": "one"}, "profile"),
        ("", {"email": "ada"}, "email"),
    ],
)
async def test_who_is_meant_must_be_said_in_one_way(
    http: httpx.AsyncClient, site: Site, path: str, query: dict[str, Any], field: str
) -> None:
    await settle(http, site)
    response = await http.delete(f"{PATH}{path}", params=query)
    assert (response.status_code, response.json()["code"]) == (400, 3)
    assert [each["field"] for each in response.json()["details"][0]["field_violations"]] == [field]
    assert len(await site.rows("select from profile")) == 2


async def test_only_servers_of_the_workspace_delete(http: httpx.AsyncClient, site: Site) -> None:
    await settle(http, site)
    statuses = [
        (await http.delete(f"{PATH}/ada", headers={"authorization": header})).status_code
        for header in ("", f"Api {DEVICE_TOKEN}", f"Api {THEIR_TOKEN}")
    ]
    assert statuses == [401, 403, 404]
    assert len(await site.rows("select from profile")) == 2
