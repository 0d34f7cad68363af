"""Segments over HTTP."""

from typing import Any

import httpx
import pytest

from tests.conformance.conftest import APP, DEVICE_TOKEN, THEIR_TOKEN, Site

PATH = "/api/v3/segments"
LONDON = 'T("City", EQ, "London")'


async def settle(http: httpx.AsyncClient, site: Site) -> None:
    for name, city in (("ada", "London"), ("bob", "Paris")):
        request = {"application": APP, "userId": name, "hwid": name, "tags": {"City": city}}
        response = await http.post("/json/1.3/setTags", json={"request": request})
        assert response.json()["status_code"] == 200
    await site.drain()


async def test_a_segment_lives_its_life(http: httpx.AsyncClient, site: Site) -> None:
    await settle(http, site)
    made = await http.post(PATH, json={"title": "Londoners", "source": LONDON})
    assert made.status_code == 200
    code = made.json()["code"]
    assert (await http.get(PATH)).json() == {"segments": [made.json()]}
    counted = await http.post(f"{PATH}/count", json={"code": code})
    assert counted.json() == {"count": 1}
    shown = (await http.post(f"{PATH}/preview", json={"code": code, "attributes": ["City"]})).json()
    assert [(each["user_id"], each["attributes"]) for each in shown["sample"]] == [("ada", {"City": "London"})]
    told = (await http.post(f"{PATH}/explain", json={"code": code, "user_id": "bob"})).json()
    assert (told["is_met"], told["text"], told["value"]) == (False, LONDON, "Paris")
    changed = await http.put(f"{PATH}/{code}", json={"title": "Parisians", "source": 'T("City", EQ, "Paris")'})
    assert changed.json() == (await http.get(f"{PATH}/{code}")).json()
    exported = await http.get(f"{PATH}/{code}/export", params={"format": "csv", "attribute": "City"})
    assert [line.split(",")[0] for line in exported.text.splitlines()] == ["user_id", "bob"]
    assert (await http.delete(f"{PATH}/{code}")).json() == {}
    for path in ("", "/export"):
        gone = await http.get(f"{PATH}/{code}{path}")
        assert (gone.status_code, gone.json()["code"]) == (404, 5)


async def test_a_segment_that_looks_back_further_than_events_are_kept_comes_with_a_warning(
    http: httpx.AsyncClient,
) -> None:
    source, text = 'Event("buy", days, 500)', f"it looks back 500 days, but events of {APP} are kept for 400"
    made = (await http.post(PATH, json={"title": "Old", "source": source})).json()
    assert made["warnings"] == [{"code": "retention.short", "message": text}]
    path = f"{PATH}/{made['code']}"
    changed = (await http.put(path, json={"title": "Old", "source": f"{source} * {LONDON}"})).json()
    assert changed["warnings"] == made["warnings"]
    nearer = (await http.put(path, json={"title": "Old", "source": 'Event("buy", days, 400)'})).json()
    assert "warnings" not in nearer
    request = {"name": "Older", "application": APP, "conditions": source}
    answer = (await http.post("/json/1.3/createFilter", json={"request": request})).json()
    assert answer["response"]["warnings"] == [text]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("", {"title": "x"}, "source"),
        ("/count", {}, "source"),
        ("/count", {"code": 3}, "code"),
        ("/preview", {"source": LONDON, "sample": 101}, "sample"),
        ("/preview", {"source": LONDON, "more": 1}, "more"),
        ("/explain", {"source": LONDON}, "user_id"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, path: str, body: dict[str, Any], field: str) -> None:
    response = await http.post(f"{PATH}{path}", json=body)
    assert (response.status_code, response.json()["code"]) == (400, 3)
    assert [each["field"] for each in response.json()["details"][0]["field_violations"]] == [field]


async def test_only_servers_of_the_workspace_ask(http: httpx.AsyncClient, site: Site) -> None:
    await settle(http, site)
    code = (await http.post(PATH, json={"title": "Londoners", "source": LONDON})).json()["code"]
    statuses = [
        (await http.get(f"{PATH}/{code}", headers={"authorization": header})).status_code
        for header in ("", f"Api {DEVICE_TOKEN}", f"Api {THEIR_TOKEN}")
    ]
    assert statuses == [401, 403, 404]
