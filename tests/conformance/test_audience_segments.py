"""Segments over HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from sojourn.cli.main import app
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


SPELLINGS: list[Any] = [
    'T("City", EQ, "London", exact)',
    {"field": "City", "operator": "eq", "value": "London"},
    {"logicalOperator": "OR", "rules": [{"field": "traits.City", "operator": "in", "value": ["London", "Rome"]}]},
    {"kind": "attribute", "path": ["City"], "operator": "EQ", "values": ["London"]},
]
"""The same segment in the language, as rule trees, and as its syntax tree."""


@pytest.mark.parametrize("source", SPELLINGS)
async def test_a_segment_may_be_spelt_in_three_ways(http: httpx.AsyncClient, site: Site, source: Any) -> None:
    await settle(http, site)
    assert (await http.post(f"{PATH}/count", json={"source": source})).json() == {"count": 1}
    code = (await http.post(PATH, json={"title": "Londoners", "source": source})).json()["code"]
    shown = await http.post(f"{PATH}/preview", json={"code": code})
    assert [each["user_id"] for each in shown.json()["sample"]] == ["ada"]
    for user_id, is_met in (("ada", True), ("bob", False)):
        told = await http.post(f"{PATH}/explain", json={"source": source, "user_id": user_id})
        assert told.json()["is_met"] == is_met


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("", {"title": "x"}, "source"),
        ("/count", {"source": {"kind": "dance"}}, "source.kind"),
        ("/count", {"source": {"kind": "all", "of": [{"kind": "updated", "operator": 5}]}}, "source.of[0].operator"),
        (
            "/count",
            {"source": {"logicalOperator": "OR", "rules": [{"field": "a", "operator": "exists"}, 5]}},
            "source.rules[1]",
        ),
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


# Places -----------------------------------------------------------------------------------------------------

WHERE_PEOPLE_ARE = """\
user_id,location.country,location.city,location.latitude,location.longitude
ada,GB,London,51.5,-0.12
bob,FR,Paris,48.85,2.35
eve,GB,,,
joe,,,,
"""
PLACES: list[tuple[Any, set[str]]] = [
    ("Geo(51.5, -0.1, 25)", {"ada"}),
    ("Geo(51.5, -0.12, 400)", {"ada", "bob"}),
    ('Fact(["location", "country"], EQ, "gb")', {"ada", "eve"}),
    ('Fact(["location", "latitude"], GT, 50)', {"ada"}),
    ('Fact(["location", "city"], NOTSET)', {"eve", "joe"}),
    ({"field": "location.country", "operator": "eq", "value": "GB"}, {"ada", "eve"}),
    ({"field": "location.city", "operator": "not_exists"}, {"eve", "joe"}),
    ({"field": "location.longitude", "operator": "gt", "value": 0}, {"bob"}),
    ({"kind": "geo", "latitude": 48.9, "longitude": 2.3, "radius_km": 25}, {"bob"}),
    ({"kind": "fact", "path": ["location", "city"], "operator": "IN", "values": ["Paris", "Rome"]}, {"bob"}),
]
"""Segments about places, and who is in them."""


async def import_over_http(http: httpx.AsyncClient, site: Site, _folder: Path, text: str) -> None:
    params = {"subject": "people", "application": APP}
    answer = await http.post(
        "/api/v2/audience/import", params=params, content=text, headers={"Content-Type": "text/csv"}
    )
    assert answer.json()["refused"] == []


async def import_on_the_command_line(http: httpx.AsyncClient, site: Site, folder: Path, text: str) -> None:
    path = folder / f"{len(text)}.csv"
    path.write_text(text)
    arguments = ["people", "import", str(path), "--app", APP, "--database-url", site.url]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("bring", [import_over_http, import_on_the_command_line])
async def test_segments_find_people_where_imports_say_that_they_are(
    http: httpx.AsyncClient, site: Site, tmp_path: Path, bring: Any
) -> None:
    async def inside(source: Any) -> set[str]:
        answer = await http.post(f"{PATH}/preview", json={"source": source})
        return {each["user_id"] for each in answer.json()["sample"]}

    await bring(http, site, tmp_path, WHERE_PEOPLE_ARE)
    for source, expected in PLACES:
        assert await inside(source) == expected, source
    await bring(
        http, site, tmp_path, "user_id,location.city,location.latitude,location.longitude\nbob,Rome,41.9,12.5\n"
    )
    await site.drain()
    assert await inside("Geo(41.9, 12.5, 1)") == await inside('Fact(["location", "city"], EQ, "Rome")') == {"bob"}
    assert "bob" not in await inside("Geo(48.85, 2.35, 400)")
