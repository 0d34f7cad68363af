"""Fixed lists over HTTP."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from sojourn.api.audience.lists import list_routes
from sojourn.api.audience.segments import segments_routes
from sojourn.api.common.metrics import RequestMetrics
from tests.conformance.conftest import APP, DEVICE_TOKEN, THEIR_TOKEN, Site

PATH = "/api/v3/segments"
VIPS = f"{PATH}/vips"


async def settle(http: httpx.AsyncClient, site: Site) -> None:
    for name in ("ada", "bob", "cid"):
        request = {"application": APP, "userId": name, "hwid": f"h-{name}", "tags": {"City": "London"}}
        response = await http.post("/json/1.3/setTags", json={"request": request})
        assert response.json()["status_code"] == 200
    await site.drain()


async def make(http: httpx.AsyncClient) -> dict[str, Any]:
    made = await http.post(PATH, json={"kind": "list", "title": "Vips", "code": "vips", "application_code": APP})
    assert made.status_code == 200, made.text
    return made.json()


async def test_a_list_lives_its_life(http: httpx.AsyncClient, site: Site) -> None:
    await settle(http, site)
    made = await make(http)
    assert (made["kind"], made["source"], made["members"]) == ("list", 'Static("vips")', 0)

    added = await http.post(f"{VIPS}/members/add", json={"user_ids": ["ada", "zoe"], "hwids": ["h-bob"]})

    assert added.json() == {"accepted": 2, "unknown": 1, "unknown_names": {"user_ids": ["zoe"]}}
    await site.drain()
    page = (await http.get(f"{VIPS}/members", params={"limit": 1})).json()
    rest = (await http.get(f"{VIPS}/members", params={"after": page["next_after"]})).json()
    assert sorted(each["user_id"] for each in [*page["items"], *rest["items"]]) == ["ada", "bob"]
    assert rest["next_after"] is None
    removed = await http.post(f"{VIPS}/members/remove", json={"profiles": [page["items"][0]["profile"], 10**9]})
    assert removed.json() == {"accepted": 1, "unknown": 1, "unknown_names": {"profiles": [10**9]}}
    await site.drain()
    assert (await http.get(VIPS)).json()["members"] == 1
    exported = await http.get(f"{VIPS}/export", params={"format": "csv", "attribute": "City"})
    assert len(exported.text.splitlines()) == 2
    renamed = await http.put(VIPS, json={"title": "Stars"})
    assert (renamed.json()["title"], renamed.json()["members"]) == ("Stars", 1)
    assert (await http.get(PATH)).json()["segments"][0]["kind"] == "list"
    assert (await http.delete(VIPS)).json() == {}
    assert await site.rows("select from static_member") == []


async def test_a_file_replaces_the_people_of_a_list(http: httpx.AsyncClient, site: Site) -> None:
    await settle(http, site)
    await make(http)
    await http.post(f"{VIPS}/members/add", json={"user_ids": ["ada", "bob"]})
    body = gzip.compress(b'{"id": "bob"}\n{"id": "cid"}\n{"id": "zoe"}\nnonsense\n')
    headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}

    answer = await http.post(f"{VIPS}/members/import", params={"mode": "replace"}, content=body, headers=headers)

    assert answer.json() == {
        "rows": 4, "rows_accepted": 2, "rows_refused": 2, "rows_unknown": 1, "removed": 1,
        "refused": [
            {"line": 3, "reasons": ["nobody goes by these names"]},
            {"line": 4, "reasons": ["not JSON: invalid character (byte 4)"]},
        ],
    }  # fmt: skip
    await site.drain()
    found = (await http.get(f"{VIPS}/members")).json()["items"]
    assert sorted(each["user_id"] for each in found) == ["bob", "cid"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("", {"kind": "list", "title": "x", "source": 'T("a", SET)'}, "source"),
        ("", {"kind": "lists", "title": "x", "source": 'T("a", SET)'}, "kind"),
        ("/vips/members/add", {}, "members"),
        ("/vips/members/add", {"users": ["a"]}, "users"),
        ("/vips/members/add", {"user_ids": ["a", 3]}, "user_ids[1]"),
        ("/vips/members/remove", {"emails": ["x"]}, "emails/0"),
        ("/vips/members/import?mode=swap", {}, "mode"),
        ("/vips/members/import?map=user_id", {}, "map"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, path: str, body: dict[str, Any], field: str) -> None:
    response = await http.post(f"{PATH}{path}", json=body)
    assert (response.status_code, response.json()["code"]) == (400, 3)
    assert [each["field"] for each in response.json()["details"][0]["field_violations"]] == [field]


async def test_only_servers_of_the_workspace_change_a_list(http: httpx.AsyncClient, site: Site) -> None:
    await make(http)
    for method, path, content in (
        ("GET", "", None),
        ("POST", "/add", '{"user_ids": ["ada"]}'),
        ("POST", "/import", "user_id\n"),
    ):
        statuses = [
            (
                await http.request(
                    method,
                    f"{VIPS}/members{path}",
                    content=content,
                    headers={"authorization": header, "content-type": "text/csv"},
                )
            ).status_code
            for header in ("", f"Api {DEVICE_TOKEN}", f"Api {THEIR_TOKEN}")
        ]
        assert statuses == [401, 403, 404], path
    assert await site.rows("select from inbox") == []


PAGE = (Path(__file__).parents[2] / "docs/reference/segments.md").read_text()


async def test_the_reference_lists_every_method_and_its_examples_are_accepted(
    http: httpx.AsyncClient, site: Site
) -> None:
    metrics = RequestMetrics(CollectorRegistry())
    handlers = [*segments_routes(site.service, metrics), *list_routes(site.service, metrics)]
    served = {
        (str(method), path.replace(":str", ""))
        for handler in handlers
        for method in handler.http_methods
        for path in handler.paths
    }
    assert set(re.findall(r"^\| `([A-Z]+)` \| `(.*?)` \|", PAGE, re.MULTILINE)) == served
    examples = re.findall(r"<!-- example: (\w+) -->\n```json\n(.*?)```", PAGE, re.DOTALL)
    for name, example in examples:
        path = PATH if name == "create" else f"{PATH}/beta/members/{name}"
        assert (await http.post(path, json=json.loads(example))).status_code == 200, name
    assert [name for name, _ in examples] == ["create", "add"]
