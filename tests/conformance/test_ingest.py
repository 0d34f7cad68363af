"""Data in: each method, each refusal, and what arrives."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.api.ingest.methods import METHODS
from sojourn.api.ingest.problems import STATUSES
from sojourn.service.commands import Caller, CountSegment
from tests.conformance.conftest import APP, DEVICE_TOKEN, THEIR_APP, THEIR_TOKEN, TOKEN, Site

DEVICE = {"application": APP, "hwid": "hwid-1", "device_type": 3}


async def post(http: httpx.AsyncClient, method: str, request: Any, *, header: str = f"Api {TOKEN}") -> tuple[int, Any]:
    response = await http.post(f"/json/1.3/{method}", json={"request": request}, headers={"Authorization": header})
    answer = response.json()
    assert answer.keys() == {"status_code", "status_message", "response"}
    return response.status_code, answer


async def accepted(http: httpx.AsyncClient, method: str, request: Any) -> Any:
    status, answer = await post(http, method, request)
    assert (status, answer["status_code"], answer["status_message"]) == (200, 200, "OK")
    return answer["response"]


async def refused(http: httpx.AsyncClient, method: str, request: Any, **more: Any) -> tuple[int, int, str]:
    status, answer = await post(http, method, request, **more)
    assert answer["response"] is None
    return status, answer["status_code"], answer["status_message"]


async def attributes(site: Site) -> list[Any]:
    return [row[0] for row in await site.rows("select attributes from profile order by profile_id")]


async def test_a_device_is_registered(http: httpx.AsyncClient, site: Site) -> None:
    request = DEVICE | {
        "push_token": "abc",
        "language": "fr",
        "timezone": 3600,
        "userId": "ada",
        "tags": {"City": "Paris", "Age": {"operation": 0, "value": 36}},
        "v": "6.7.8",
        "device_model": "Pixel",
        "os_version": 17,
        "app_version": "2.10.1",
        "sdk_version": ["no", "text"],
    }
    assert await accepted(http, "registerDevice", request) is None
    await site.drain()
    assert await attributes(site) == [{"City": "Paris", "Age": 36}]
    assert await site.rows("select hwid, platform, push_token, language from device") == [
        ("hwid-1", "Android", "abc", "fr")
    ]
    said = {"model": "Pixel", "os_version": "17", "app_version": "2.10.1"}
    assert (await http.get("/api/v3/people/ada")).json()["devices"][0]["details"] == said
    source = 'Fact(["device", "app_version"], GTE, "2.9") * Fact(["device", "model"], EQ, "pixel")'
    assert (await site.service.run(Caller(workspace_id=1), CountSegment(source=source))).count == 1


async def test_a_device_that_changes_hands_still_says_what_it_is(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerDevice", DEVICE | {"userId": "ada", "app_version": "2.1", "os_version": "17"})
    await site.drain()
    await accepted(http, "registerUser", {"application": APP, "hwid": "hwid-1", "userId": "bob"})
    await site.drain()
    assert await site.rows("select details from device") == [({"app_version": "2.1", "os_version": "17"},)]


async def test_a_device_may_say_its_zone_by_name(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerDevice", DEVICE | {"timezone": "Europe/Paris"})
    await site.drain()
    assert await site.rows("select time_zone from profile") == [("Europe/Paris",)]


async def test_a_user_is_registered(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerDevice", DEVICE)
    assert await accepted(http, "registerUser", {"application": APP, "hwid": "hwid-1", "userId": "ada"}) is None
    await accepted(http, "setTags", {"application": APP, "userId": "ada", "tags": {"City": "Paris"}})
    await site.drain()
    kinds = await site.rows("select kind::text, value from identity order by 1, 2")
    assert ("user_id", "ada") in kinds


async def test_an_email_address_is_registered(http: httpx.AsyncClient, site: Site) -> None:
    request = {
        "application": APP,
        "email": "ada@example.com",
        "userId": "ada",
        "tags": {"City": "London"},
        "timezone": 0,
    }
    assert await accepted(http, "registerEmail", request) is None
    await site.drain()
    assert await attributes(site) == [{"City": "London"}]
    assert await site.rows("select channel::text from device") == [("email",)]


async def test_tags_are_changed(http: httpx.AsyncClient, site: Site) -> None:
    who = {"application": APP, "userId": "ada"}
    await accepted(http, "setTags", who | {"tags": {"City": "London", "Visits": 1, "Likes": ["tea"], "Old": True}})
    await accepted(
        http,
        "setTags",
        who
        | {
            "tags": {
                "City": {"operation": 0, "value": "Paris"},
                "Likes": {"operation": 1, "value": ["jam", "tea"]},
                "Visits": {"operation": 3, "value": 2},
                "Old": None,
            }
        },
    )
    await accepted(http, "setTags", who | {"tags": {"Likes": {"operation": 2, "value": ["tea"]}}})
    await site.drain()
    assert await attributes(site) == [{"City": "Paris", "Likes": ["jam"], "Visits": 3}]


async def test_an_event_is_posted(http: httpx.AsyncClient, site: Site) -> None:
    event = {"application": APP, "userId": "ada", "event": "Purchase", "attributes": {"sum": 9.5, "items": ["a"]}}
    assert await accepted(http, "postEvent", event | {"timestampUTC": 1772366340}) is None
    await site.drain()
    ((name, data, at),) = await site.rows("select name, data, occurred_at from event")
    assert (name, data) == ("Purchase", {"sum": 9.5, "items": ["a"]})
    assert at.isoformat() == "2026-03-01T11:59:00+00:00"


async def test_filters_are_created_and_listed(http: httpx.AsyncClient) -> None:
    conditions = 'T("City", eq, "London")'
    made = await accepted(
        http, "createFilter", {"auth": TOKEN, "name": "Londoners", "conditions": conditions, "application": APP}
    )
    assert made["code"]
    assert made == {
        "code": made["code"],
        "name": "Londoners",
        "conditions": conditions,
        "application": APP,
        "created_at": "2026-03-01T12:00:00Z",
    }
    assert await accepted(http, "listFilters", {"application": APP}) == {"filters": [made]}
    _, code, message = await refused(http, "createFilter", {"name": "x", "conditions": "T("})
    assert code == 210
    assert message.startswith("invalid filter: ")
    _, code, _ = await refused(http, "createFilter", {"name": "Londoners", "conditions": conditions})
    assert code == 210


async def test_filters_are_deleted_unless_something_names_them(http: httpx.AsyncClient) -> None:
    await accepted(http, "createFilter", {"name": "All", "code": "ALL", "conditions": 'T("City", SET)'})
    await accepted(http, "createFilter", {"name": "Some", "code": "SOME", "conditions": 'Segment("ALL")'})
    text = "the segment is used by the segment `SOME`"
    assert await refused(http, "deleteFilter", {"code": "ALL"}) == (200, 210, text)
    assert await accepted(http, "deleteFilter", {"code": "SOME"}) is None
    assert await accepted(http, "deleteFilter", {"code": "ALL"}) is None
    assert await refused(http, "deleteFilter", {"code": "ALL"}) == (200, 404, "segment not found")


SOMEBODY = {"application": APP, "hwid": "h"}
OPERATION = 'must be a value, or {"operation": …, "value": …} with the operation'
OPERATIONS = f"{OPERATION} 0 (set), 1 (append), 2 (remove), 3 (increment)"
ZONE = "a time zone is an IANA name, such as `Europe/Berlin`"
VALUE = "a value is a string, number, boolean or null, or a list of these"


def tags(**values: Any) -> dict[str, Any]:
    return SOMEBODY | {"tags": values}


def event(**values: Any) -> dict[str, Any]:
    return SOMEBODY | {"event": "x"} | values


@pytest.mark.parametrize(
    ("method", "request_", "message"),
    [
        ("registerDevice", {}, "application: is required; hwid: is required; device_type: is required"),
        ("registerDevice", DEVICE | {"device_type": "3"}, "device_type: must be a whole number"),
        ("registerDevice", DEVICE | {"timezone": []}, "timezone: must be a number of seconds or an IANA name"),
        ("registerDevice", DEVICE | {"timezone": "Paris"}, f"timezone: {ZONE}"),
        ("registerDevice", DEVICE | {"foo": 1}, "foo: unknown field"),
        ("registerDevice", DEVICE | {"tags": {"n": {"operation": 3, "value": 1}}}, f"tags.n: {OPERATION} 0"),
        ("registerUser", SOMEBODY, "userId: is required"),
        (
            "registerEmail",
            {"application": APP, "email": "nobody"},
            "email: an email address has the form `name@example.com`",
        ),
        ("setTags", {"application": APP, "tags": {}}, "hwid: a user id or a hwid is required"),
        ("setTags", SOMEBODY | {"tags": []}, "tags: must be an object"),
        ("setTags", tags(a={"operation": 3, "value": "x"}), "tags.a: an increment is a number"),
        ("setTags", tags(a="\0"), "tags.a: text holds Unicode characters other than U+0000"),
        (
            "setTags",
            tags(a={"b": 1}, c={"operation": 4, "value": 1}),
            f"tags.a: {OPERATIONS}; tags.c: {OPERATIONS}",
        ),
        ("setTags", tags(a=["b", "\0"]), "tags.a[1]: text holds Unicode characters other than U+0000"),
        ("postEvent", event(attributes={"a/0": {}}), f'attributes["a/0"]: {VALUE}'),
        ("postEvent", event(attributes={"a": [1, {}], "²": []}), f"attributes.a[1]: {VALUE}"),
        ("postEvent", event(event=""), "event: a name has 1 to 255 characters"),
        ("postEvent", event(attributes={"a": {}}), f"attributes.a: {VALUE}"),
        ("postEvent", event(timestampUTC=-1), "timestampUTC: must be between 0 and 253402300799"),
        ("createFilter", {"name": "x"}, "conditions: is required"),
        ("createFilter", {"name": "", "conditions": 'T("a", eq, 1)'}, "name: a name has 1 to 255 characters"),
        ("listFilters", {"application": 1}, "application: must be a string"),
    ],
)
async def test_an_argument_error_is_210_and_names_every_place(
    http: httpx.AsyncClient, site: Site, method: str, request_: dict[str, Any], message: str
) -> None:
    assert await refused(http, method, request_) == (200, 210, message)
    assert await site.rows("select count(*) from inbox") == [(0,)]


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("postEvent", event(**{f"x{n}": 1 for n in range(20_000)})),
        ("postEvent", event(attributes={f"x{n}": {} for n in range(20_000)})),
        ("setTags", tags(**{f"x{n}": {"x": 1} for n in range(20_000)})),
        ("setTags", tags(**{f"x{n}": "\0" for n in range(20_000)})),
        ("registerEmail", {"application": APP, "email": "a@b.c", "tags": {f"x{n}": "\0" for n in range(20_000)}}),
    ],
)
async def test_a_hostile_request_gets_a_short_answer(
    http: httpx.AsyncClient, method: str, fields: dict[str, Any]
) -> None:
    _, code, message = await refused(http, method, fields)
    assert code == 210
    assert len(message) < 50_000


async def test_an_unknown_application_is_404(http: httpx.AsyncClient) -> None:
    for code in ("ZZZZZ-ZZZZZ", THEIR_APP):
        assert await refused(http, "registerDevice", DEVICE | {"application": code}) == (
            200,
            404,
            "application not found",
        )


async def test_an_unknown_method_is_404(http: httpx.AsyncClient) -> None:
    status, code, message = await refused(http, "sendTelegram", {})
    assert (status, code) == (200, 404)
    assert message.startswith("unknown method; the methods are applicationOpen, ")


async def test_another_verb_is_refused_in_the_shape_of_data_in(http: httpx.AsyncClient) -> None:
    answer = await http.get("/json/1.3/postEvent")
    text = "the method is not allowed at this path"
    assert answer.json() == {"status_code": 404, "status_message": text, "response": None}


async def test_tokens_are_taken_from_the_body_and_from_both_headers(http: httpx.AsyncClient) -> None:
    for header, auth, code in (
        (f"Token {DEVICE_TOKEN}", None, 200),
        (f"Token {TOKEN}", None, 200),
        (f"Api {TOKEN}", None, 200),
        ("", TOKEN, 200),
        ("", DEVICE_TOKEN, 200),
        ("", None, 403),
        ("", "", 403),
        ("", 7, 403),
        (f"Bearer {TOKEN}", None, 403),
        ("Token wrong", None, 403),
        (f"Api {TOKEN}", "wrong", 403),
    ):
        request = DEVICE | ({} if auth is None else {"auth": auth})
        status, answer = await post(http, "registerDevice", request, header=header)
        assert (status, answer["status_code"]) == (200, code), (header, auth)


async def test_a_device_token_is_for_devices_only(http: httpx.AsyncClient) -> None:
    header = f"Token {DEVICE_TOKEN}"
    assert await refused(http, "listFilters", {}, header=header) == (200, 403, "the token does not allow this")


async def test_workspaces_do_not_see_each_other(http: httpx.AsyncClient) -> None:
    await accepted(http, "createFilter", {"name": "ours", "conditions": 'T("a", eq, "b")'})
    status, answer = await post(http, "listFilters", {"auth": THEIR_TOKEN}, header="")
    assert (status, answer["response"]) == (200, {"filters": []})
    assert (await refused(http, "registerDevice", DEVICE | {"auth": THEIR_TOKEN}))[1] == 404


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"request": 1}', b"{}", b'{"request": NaN}', b"a=b"]
)
async def test_a_malformed_body_is_400(http: httpx.AsyncClient, body: bytes) -> None:
    response = await http.post("/json/1.3/postEvent", content=body)
    assert response.status_code == 400
    assert response.json()["status_code"] == 400


async def test_a_body_above_one_megabyte_is_413(http: httpx.AsyncClient) -> None:
    response = await http.post("/json/1.3/postEvent", content=b" " * 1_000_001)
    assert response.status_code == 413
    assert response.json() == {
        "status_code": 413,
        "status_message": "the request is larger than 1000000 bytes",
        "response": None,
    }


fields = st.sampled_from(
    ["application", "hwid", "userId", "tags", "event", "attributes", "email", "device_type", "timezone", "timestampUTC",
     "name", "conditions", "operation", "value", "language", "push_token", "code", "x", "hash", "preset_code",
     "content", "channel", "eventAttributes", "type", "message", "description", "tz_offset", "applicationCode"]
)  # fmt: skip
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.just(APP)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields | st.text(), inner, max_size=4)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(sorted(METHODS)),
    request=st.dictionaries(fields, values, max_size=6),
    is_complete=st.booleans(),
)
async def test_no_request_upsets_the_server(
    http: httpx.AsyncClient, method: str, request: dict[str, Any], *, is_complete: bool
) -> None:
    known = DEVICE | {
        "event": "x", "name": "x", "conditions": "x", "email": "a@b.c", "userId": "ada", "tags": {}, "hash": "x",
        "preset_code": "x", "content": {"message": "x"},
    }  # fmt: skip
    shape = {name: value for name, value in known.items() if name in METHODS[method].shape.__struct_fields__}
    body = shape | request if is_complete else request
    response = await http.post(f"/json/1.3/{method}", json={"request": body})
    assert response.status_code in {200, 400}
    assert response.json()["status_code"] in {200, 210, 400, 404}


def test_every_status_is_one_of_the_documented_pairs() -> None:
    documented = {(200, 210), (200, 403), (200, 404), (400, 400), (413, 413), (429, 429), (500, 500)}
    assert set(STATUSES.values()) == documented
