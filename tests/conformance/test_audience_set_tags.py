"""bulkSetTags: many people's tags in one durable request, and what became of each."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from sojourn.engine.upkeep import keep_up
from sojourn.store.wakeups import connect_worker
from tests.conformance.conftest import APP, DEVICE_TOKEN, THEIR_APP, THEIR_TOKEN, TOKEN, Site

VALUE = "a value is a string, number, boolean or null, or a list of these"
PATH = "/api/v2/audience/bulkSetTags"


async def set_tags(http: httpx.AsyncClient, *devices: dict[str, Any], **more: Any) -> httpx.Response:
    return await http.post(PATH, json={"application": APP, "devices": list(devices)} | more)


async def outcome(http: httpx.AsyncClient, request_id: str, detailed: str = "true") -> Any:
    response = await http.get(f"{PATH}/{request_id}", params={"detailed": detailed})
    assert response.status_code == 200
    return response.json()


async def test_tags_of_many_are_set(http: httpx.AsyncClient, site: Site) -> None:
    await http.post(
        "/json/1.3/registerDevice",
        json={"request": {"application": APP, "hwid": "h2", "device_type": 3, "push_token": "t2", "userId": "bob"}},
    )
    await site.drain()
    response = await set_tags(
        http,
        {"user_id": "ada", "list_operator": "append", "tags": {"City": "Paris", "Likes": ["tea"]}},
        {"hwid": "h1", "list_operator": "set", "tags": {"Age": 36}},
        {"push_token": "t2", "tags": {"City": "London", "Old": None}},
        create_missing_tags=True,
    )
    assert response.status_code == 200
    accepted = response.json()
    assert accepted == {"request_id": accepted["request_id"], "status": "Pending"}
    expected = {"request_id": accepted["request_id"], "succeeded": 3, "failed": 0}
    assert await outcome(http, accepted["request_id"], "false") == expected | {"status": "Pending"}

    await site.drain()

    assert await outcome(http, accepted["request_id"]) == expected | {
        "status": "Completed",
        "devices": [{"index": index, "status": "Success"} for index in range(3)],
    }
    found = await site.rows("select user_id, attributes from profile order by user_id nulls last")
    assert found == [("ada", {"City": "Paris", "Likes": ["tea"]}), ("bob", {"City": "London"}), (None, {"Age": 36})]


async def test_lists_are_changed_as_their_operator_says(http: httpx.AsyncClient, site: Site) -> None:
    for operator, likes in (("set", ["tea", "jam"]), ("append", ["pie"]), ("remove", ["jam"])):
        await set_tags(http, {"user_id": "ada", "list_operator": operator, "tags": {"Likes": likes}})
    await site.drain()
    assert await site.rows("select attributes from profile") == [({"Likes": ["tea", "pie"]},)]


async def test_what_is_wrong_with_one_keeps_nobody_else_out(http: httpx.AsyncClient, site: Site) -> None:
    response = await set_tags(
        http,
        {"tags": {"a": 1}},
        {"user_id": "ada", "tags": {"a": 1}},
        {"hwid": "x" * 256, "tags": {"": 1, "b": {"c": 1}}},
        {"push_token": "unknown", "tags": {}},
    )
    await site.drain()
    found = await outcome(http, response.json()["request_id"])
    assert (found["succeeded"], found["failed"]) == (1, 3)
    assert [each.get("reason") for each in found["devices"]] == [
        "hwid: a user id or a hwid is required",
        None,
        f'hwid: an id has at most 255 characters; tags[""]: a name has 1 to 255 characters; tags.b: {VALUE}',
        "push_token: no device of the app has this push token",
    ]
    assert await site.rows("select user_id, attributes from profile") == [("ada", {"a": 1})]


async def test_the_token_may_be_in_the_body(http: httpx.AsyncClient) -> None:
    del http.headers["authorization"]
    who = {"user_id": "ada", "tags": {}}
    assert (await set_tags(http, who, auth=TOKEN)).status_code == 200
    assert (await set_tags(http, who, auth=DEVICE_TOKEN)).status_code == 403
    for auth in ("", "wrong", 7, None):
        assert (await set_tags(http, who, auth=auth)).status_code == 401


async def test_requests_of_others_are_not_seen(http: httpx.AsyncClient) -> None:
    made = (await set_tags(http, {"user_id": "ada", "tags": {}})).json()
    theirs = {"Authorization": f"Api {THEIR_TOKEN}"}
    assert (await http.get(f"{PATH}/{made['request_id']}", headers=theirs)).status_code == 404
    for unknown in (uuid4(), "nonsense"):
        response = await http.get(f"{PATH}/{unknown}")
        assert (response.status_code, response.json()) == (404, {"code": 5, "message": "not found", "details": []})
    response = await set_tags(http, {"user_id": "ada", "tags": {}}, application=THEIR_APP)
    assert (response.status_code, response.json()["message"]) == (400, "application not found")


async def test_old_requests_are_forgotten(http: httpx.AsyncClient, site: Site) -> None:
    made = (await set_tags(http, {"user_id": "ada", "tags": {}})).json()
    site.advance(days=8)
    conn = await connect_worker(site.url, name="upkeep-test")
    await keep_up(conn, site.now)
    await conn.close()
    assert (await http.get(f"{PATH}/{made['request_id']}")).status_code == 404


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "application: is required; devices: is required"),
        ({"application": APP, "devices": []}, "devices: must have 1 to 10000 items"),
        ({"application": APP, "devices": [{}] * 10_001}, "devices: must have 1 to 10000 items"),
        ({"application": APP, "devices": {}}, "devices: must be a list"),
        (
            {"application": 1, "devices": [{"tags": [], "foo": 1}, {"hwid": 1, "tags": {}, "list_operator": "add"}]},
            (
                "application: must be a string; devices[0].foo: unknown field; devices[0].tags: must be an object; "
                "devices[1].hwid: must be a string; devices[1].list_operator: must be one of append, remove, set"
            ),
        ),
    ],
)
async def test_a_malformed_request_names_every_place(
    http: httpx.AsyncClient, site: Site, document: Any, message: str
) -> None:
    response = await http.post(PATH, json=document)
    assert (response.status_code, response.json()["code"], response.json()["message"]) == (400, 3, message)
    assert await site.rows("select count(*) from bulk_request") == [(0,)]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
async def test_a_malformed_body_is_400(http: httpx.AsyncClient, body: bytes) -> None:
    assert (await http.post(PATH, content=body)).status_code == 400


async def test_a_body_above_ten_megabytes_is_413(http: httpx.AsyncClient) -> None:
    response = await http.post(PATH, content=b" " * 10_000_001)
    assert (response.status_code, response.json()["message"]) == (413, "the request is larger than 10000000 bytes")
