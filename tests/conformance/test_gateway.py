"""The gateway contract: one list of scenarios through each transport, and what only one transport can be asked."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.service.commands import Caller, PostEvent, Subject
from tests.conformance.clients import Client, GrpcClient, Refused, RestClient
from tests.conformance.conftest import APP, DEVICE_TOKEN, THEIR_APP, THEIR_TOKEN, TOKEN, Site

Document = dict[str, Any]
NOWHERE = "11111111-2222-3333-4444-555555555555"
UNAVAILABLE = "the database does not answer; try again later"


@pytest.fixture(params=["rest", "grpc"])
async def client(request: pytest.FixtureRequest, site: Site) -> AsyncIterator[Client]:
    made: Client = RestClient(site.app, TOKEN) if request.param == "rest" else GrpcClient(site.grpc_port, TOKEN)
    async with made as opened:
        yield opened


# Documents ---------------------------------------------------------------------------------------------------


def leads(**outputs: str) -> Document:
    return {name: {"info": {"next_point_uuid": uuid}} for name, uuid in outputs.items()}


def chain(*points: Document, title: str = "Welcome series", **params: Any) -> Document:
    """Points, each one's default output wired to the next."""
    for one, other in pairwise(points):
        one["outputs"] = leads(default=other["uuid"])
    return {"title": title, "params": {"application_code": APP} | params, "points": list(points)}


def entry(*attributes: str, **data: Any) -> Document:
    given = {"attributes": [{"name": name} for name in attributes]} if attributes else {}
    return point("START_BY_API", start_by_api=given | data)


def point(kind: str, **data: Any) -> Document:
    return {"uuid": str(uuid4()), "title": kind.title(), "point_type": f"POINT_TYPE_{kind}", "point_data": data}


def rest(seconds: int = 3600) -> Document:
    return point("WAIT", wait={"duration_seconds": seconds})


def leave() -> Document:
    return point("EXIT", exit={})


def email() -> Document:
    return point(
        "SEND_EMAIL", send_email={"content": {"subject": "Hello", "text": "Welcome"}, "campaign_code": "AAAAA-00000"}
    )


def api_journey(*attributes: str, **data: Any) -> Document:
    return chain(entry(*attributes, **data), rest(), leave())


async def make(client: Client, document: Document) -> str:
    return (await client.call("Create", document))["info"]["uuid"]


async def running(client: Client, document: Document) -> str:
    uuid = await make(client, document)
    await client.call("Start", {"uuid": uuid})
    return uuid


async def refusal(call: Awaitable[Any]) -> Refused:
    with pytest.raises(Refused) as refused:
        await call
    return refused.value


# Scenarios ---------------------------------------------------------------------------------------------------


async def creates_and_gets(client: Client, site: Site) -> None:
    document = chain(entry("promo", is_deactivated=False), rest(86400), email(), leave())
    document["points"][1]["coordinates"] = {"x": 120.5, "y": -3.0}
    document["comments"] = [{"uuid": str(uuid4()), "text": "mind the gap", "coordinates": {"x": 1.0, "y": 2.0}}]
    created = await client.call("Create", document)
    info = created["info"]
    assert UUID(info["uuid"])
    assert info["title"] == "Welcome series"
    assert info["status"] == "STATUS_DRAFT"
    assert info["created_at"] == info["updated_at"] == "2026-03-01T12:00:00Z"
    assert info["is_first_activated"] is False
    assert info["params"]["application_code"] == APP
    assert info["pointCounts"] == {
        "POINT_TYPE_EXIT": 1,
        "POINT_TYPE_SEND_EMAIL": 1,
        "POINT_TYPE_START_BY_API": 1,
        "POINT_TYPE_WAIT": 1,
    }
    assert info["campaign_type"] == "ApiBased"
    assert info["version"] == 1
    assert_contains(created["points"], document["points"])
    assert_contains(created["comments"], document["comments"])
    assert await client.call("Get", {"uuid": info["uuid"]}) == created


def assert_contains(got: Any, given: Any) -> None:
    """Everything given is there; defaults may have joined it."""
    if isinstance(given, dict):
        for key, value in given.items():
            assert_contains(got[key], value)
    elif isinstance(given, list):
        assert len(got) == len(given)
        for one, other in zip(got, given, strict=True):
            assert_contains(one, other)
    else:
        assert got == given


async def what_was_got_can_be_put(client: Client, site: Site) -> None:
    got = await client.call("Create", api_journey("promo"))
    site.advance(seconds=5)
    put = await client.call(
        "Update",
        {
            "uuid": got["info"]["uuid"],
            "title": got["info"]["title"],
            "params": got["info"]["params"],
            "points": got["points"],
            "comments": got["comments"],
        },
    )
    assert put["info"]["version"] == 1
    assert put["info"].pop("updated_at") == "2026-03-01T12:00:05Z"
    got["info"].pop("updated_at")
    assert put == got


async def updates(client: Client, site: Site) -> None:
    uuid = await make(client, api_journey())
    document = chain(entry(), leave(), title="Shorter")
    updated = await client.call("Update", {"uuid": uuid} | document)
    assert updated["info"]["title"] == "Shorter"
    assert updated["info"]["version"] == 2
    assert [each["uuid"] for each in updated["points"]] == [each["uuid"] for each in document["points"]]


async def a_running_journey_goes_on_as_a_new_version(client: Client, site: Site) -> None:
    document = api_journey()
    uuid = await running(client, document)
    await client.call("StartExternal", {"id": uuid, "payload": {"users": ["ada"]}})
    await site.drain()
    broken = document | {"points": [*document["points"], leave()]}
    refused = await refusal(client.call("Update", {"uuid": uuid} | broken))
    assert (refused.code, refused.violations) == (3, {"points[3]": "no entry leads to this point"})
    longer = chain(*document["points"][:2], email(), document["points"][2])
    updated = await client.call("Update", {"uuid": uuid} | longer)
    assert (updated["info"]["status"], updated["info"]["version"]) == ("STATUS_RUNNING", 2)
    site.advance(hours=2)
    await site.drain()
    numbers = (await client.call("StatisticsPoints", {"id": uuid}))["payload"]
    assert numbers["departed"] == {"completed": 1}
    assert numbers["points"][2]["entered"] == 1


async def lists_newest_first(client: Client, site: Site) -> None:
    for title in ("one", "two", "three"):
        await client.call("Create", api_journey() | {"title": title})
        site.advance(seconds=1)
    listed = await client.call("List", {"page": 1, "page_size": 2})
    assert [each["info"]["title"] for each in listed["items"]] == ["three", "two"]
    assert (listed["page"], listed["page_size"], listed["total_count"]) == (1, 2, 3)
    found = await client.call("List", {"search": "tw", "status": "STATUS_DRAFT", "application_code": APP})
    assert [each["info"]["title"] for each in found["items"]] == ["two"]
    assert (await client.call("List", {"status": "STATUS_RUNNING"}))["items"] == []


async def pages_have_bounds(client: Client, site: Site) -> None:
    refused = await refusal(client.call("List", {"page": 0, "page_size": 101}))
    assert refused.code == 3
    assert refused.violations == {
        "page": "must be between 1 and 1000000",
        "page_size": "must be between 1 and 100",
    }


async def lists_in_the_older_shape(client: Client, site: Site) -> None:
    uuid = await make(client, api_journey())
    listed = await client.call("ListLegacy")
    assert listed == {
        "_metadata": {"page": 1, "page_count": 1, "total_count": 1},
        "payload": {
            "items": [
                {
                    "id": uuid,
                    "title": "Welcome series",
                    "status": "STATUS_DRAFT",
                    "createdAt": "2026-03-01T12:00:00Z",
                }
            ]
        },
    }
    assert (await client.call("ListLegacy", {"page": 9}))["payload"]["items"] == []


async def deletes_drafts(client: Client, site: Site) -> None:
    uuid = await make(client, api_journey())
    assert await client.call("Delete", {"uuid": uuid}) == {}
    assert (await refusal(client.call("Get", {"uuid": uuid}))).message == "journey not found"
    uuid = await running(client, api_journey())
    refused = await refusal(client.call("Delete", {"uuid": uuid}))
    assert (refused.code, refused.status) == (9, 400)
    assert refused.message == "cannot delete journey in STATUS_RUNNING"


async def goes_through_its_life(client: Client, site: Site) -> None:
    uuid = await make(client, api_journey())
    for method, status in (
        ("Start", "RUNNING"),
        ("Pause", "PAUSED"),
        ("Start", "RUNNING"),
        ("Pause", "PAUSED"),
        ("Draft", "DRAFT"),
        ("Archive", "ARCHIVED"),
        ("Draft", "DRAFT"),
        ("Start", "RUNNING"),
        ("Finish", "FINISHED"),
        ("Archive", "ARCHIVED"),
    ):
        changed = await client.call(method, {"uuid": uuid})
        assert changed["info"]["status"] == f"STATUS_{status}"
        assert changed["info"]["is_first_activated"] is True
        assert changed["points"]


async def names_the_state_that_forbids(client: Client, site: Site) -> None:
    uuid = await running(client, api_journey())
    await client.call("Finish", {"uuid": uuid})
    for method in ("Start", "Pause", "Finish", "Draft"):
        refused = await refusal(client.call(method, {"uuid": uuid}))
        assert (refused.code, refused.status) == (9, 400)
        assert refused.message == f"cannot {method.lower()} journey in STATUS_FINISHED"
    refused = await refusal(client.call("Update", {"uuid": uuid} | api_journey()))
    assert refused.message == "cannot update journey in STATUS_FINISHED"
    draft = await make(client, api_journey())
    refused = await refusal(client.call("Pause", {"uuid": draft}))
    assert refused.message == "cannot pause journey in STATUS_DRAFT"


async def starts_only_without_problems(client: Client, site: Site) -> None:
    start, wait, lonely = entry(), rest(), leave()
    wait["point_data"] = {"wait": {}}
    document = chain(start, wait)
    document["points"] += [lonely, point("BOOLEAN_SPLITTER", boolean_splitter={"filter": 'T("City", eq, '})]
    uuid = await make(client, document)
    refused = await refusal(client.call("Start", {"uuid": uuid}))
    assert (refused.code, refused.status) == (3, 400)
    filter_problem = refused.violations.pop("points[3].point_data.boolean_splitter.filter")
    assert filter_problem
    assert refused.violations == {
        "points[1].outputs": "output `default` leads nowhere",
        "points[1].point_data.wait": "exactly one of duration_seconds, time_of_day, until, weekday and date_attribute "
        "is needed",
        "points[2]": "no entry leads to this point",
        "points[3]": "no entry leads to this point",
        "points[3].outputs": "output `default` leads nowhere",
    }
    assert refused.message.endswith("more)")
    assert (await client.call("Get", {"uuid": uuid}))["info"]["status"] == "STATUS_DRAFT"
    verdict = await client.call("Validate", document)
    assert verdict["is_valid"] is False
    assert {each["field"]: each["description"] for each in verdict["problems"]} == refused.violations | {
        "points[3].point_data.boolean_splitter.filter": filter_problem
    }


async def validates(client: Client, site: Site) -> None:
    assert await client.call("Validate", api_journey()) == {"is_valid": True, "problems": [], "warnings": []}
    far = point("START_BY_SEGMENT", start_by_segment={"filter": 'Event("buy", days, 500)'})
    assert await client.call("Validate", chain(far, rest(), leave())) == {
        "is_valid": True,
        "problems": [],
        "warnings": [
            {
                "field": "points[0]",
                "code": "retention.short",
                "description": "it looks back 500 days, but events of the app are kept for 400",
            }
        ],
    }
    verdict = await client.call("Validate", {"points": [rest(0)]})
    assert {each["field"]: (each["code"], each["description"]) for each in verdict["problems"]} == {
        "title": ("field.required", "is required"),
        "params": ("field.required", "is required"),
        "points[0].point_data.wait.duration_seconds": ("field.range", "must be between 1 and 31622400"),
    }
    assert (await client.call("List"))["items"] == []


async def finds_all_problems_of_a_shape(client: Client, site: Site) -> None:
    bad = point("WAIT", wait={"time_of_day": {"time": "25:00"}, "weekday": {"days": [], "time": "09:00"}})
    bad["outputs"] = leads(default="nowhere")
    sleepy = point("SEND_PUSH", exit={})
    refused = await refusal(client.call("Create", {"params": {}, "points": [bad, sleepy]}))
    assert (refused.code, refused.status) == (3, 400)
    available = refused.violations.pop("points[1].point_type")
    assert available.startswith("POINT_TYPE_SEND_PUSH is not available; available: POINT_TYPE_START_BY_SEGMENT, ")
    assert refused.violations == {
        "title": "is required",
        "params.application_code": "is required",
        "points[0].point_data.wait.time_of_day.time": "must be a time of day such as 22:00",
        "points[0].point_data.wait.weekday.days": "is required",
        "points[0].outputs.default.info.next_point_uuid": "must be a uuid",
    }
    assert refused.message.endswith(" (and 5 more)")
    assert (await client.call("List"))["items"] == []


async def knows_its_applications(client: Client, site: Site) -> None:
    for code in ("ZZZZZ-ZZZZZ", THEIR_APP):
        refused = await refusal(client.call("Create", api_journey() | {"params": {"application_code": code}}))
        assert (refused.code, refused.status) == (3, 400)
        assert refused.message == "application not found"
        assert refused.violations == {"params.application_code": "application not found"}


async def says_that_there_is_no_such_journey(client: Client, site: Site) -> None:
    for uuid in (NOWHERE, "not-a-uuid"):
        for method in ("Get", "Start", "Pause", "Finish", "Draft", "Archive", "Delete"):
            refused = await refusal(client.call(method, {"uuid": uuid}))
            assert (refused.code, refused.status, refused.message) == (5, 404, "journey not found")
        refused = await refusal(client.call("Update", {"uuid": uuid} | api_journey()))
        assert (refused.code, refused.message) == (5, "journey not found")
    refused = await refusal(client.call("Start", {}))
    assert refused.violations == {"uuid": "is required"}


async def keeps_workspaces_apart(client: Client, site: Site) -> None:
    uuid = await running(client, api_journey())
    for method in ("Get", "Start", "Delete"):
        refused = await refusal(client.call(method, {"uuid": uuid}, token=THEIR_TOKEN))
        assert refused.message == "journey not found"
    for method, request in (
        ("StartExternal", {"id": uuid, "payload": {"users": ["ada"]}}),
        ("GetStartExternal", {"id": uuid, "request_uuid": NOWHERE}),
        ("StatisticsExternal", {"id": uuid}),
        ("StatisticsPoints", {"id": uuid}),
        ("DropUsersExternal", {"user_ids": ["ada"], "journey_uuids": [uuid]}),
    ):
        refused = await refusal(client.call(method, request, token=THEIR_TOKEN))
        assert (refused.status, refused.message) == (404, "journey not found")
    assert (await client.call("List", token=THEIR_TOKEN))["items"] == []
    assert (await client.call("ListLegacy", token=THEIR_TOKEN))["payload"]["items"] == []


async def wants_a_token(client: Client, site: Site) -> None:
    for method, request in (
        ("Get", {"uuid": NOWHERE}),
        ("Create", {}),
        ("StartExternal", {"id": NOWHERE}),
        ("ListLegacy", {}),
    ):
        refused = await refusal(client.call(method, request, token="wrong"))
        assert (refused.status, refused.message) == (401, "a valid token is required")
        refused = await refusal(client.call(method, request, token=DEVICE_TOKEN))
        assert (refused.status, refused.message) == (403, "the token does not allow this")


async def sends_people_in(client: Client, site: Site) -> None:
    document = api_journey("promo_code")
    uuid = await running(client, document)
    payload = {"users": ["ada", "grace", "ada"], "attribute_values": {"promo_code": "SUMMER25"}}
    accepted = await client.call("StartExternal", {"id": uuid, "payload": payload})
    assert accepted.keys() == {"request_uuid"}
    request = {"id": uuid, "request_uuid": str(UUID(accepted["request_uuid"]))}
    assert await client.call("GetStartExternal", request) == {
        "request_uuid": accepted["request_uuid"],
        "accepted": 2,
        "entered": 0,
        "refused": {},
    }
    await site.drain()
    assert (await client.call("GetStartExternal", request))["entered"] == 2
    numbers = (await client.call("StatisticsPoints", {"id": uuid}))["payload"]
    assert (numbers["uuid"], numbers["title"]) == (uuid, "Welcome series")
    assert (numbers["entered"], numbers["inside"], numbers["departed"]) == (2, 2, {})
    start, wait, _ = numbers["points"]
    assert [each["uuid"] for each in numbers["points"]] == [each["uuid"] for each in document["points"]]
    assert (start["point_type"], start["entered"], start["left"]) == ("POINT_TYPE_START_BY_API", 2, {"default": 2})
    assert (wait["entered"], wait["inside"]) == (2, 2)
    await client.call("DropUsersExternal", {"user_ids": ["ada", "nobody"], "journey_uuids": [uuid]})
    site.advance(hours=2)
    await site.drain()
    numbers = (await client.call("StatisticsPoints", {"id": uuid, "interval": "hour"}))["payload"]
    assert numbers["inside"] == 0
    assert numbers["departed"] == {"completed": 1, "dropped": 1}
    assert numbers["points"][1]["dropped"] == {"dropped by API": 1}
    assert numbers["points"][0]["series"] == [{"from": "2026-03-01T12:00:00Z", "entered": 2, "left": 2}]


async def says_no_to_the_letter(client: Client, site: Site) -> None:
    async def refused(uuid: str, payload: Document | None) -> tuple[int, str]:
        request = {"id": uuid} | ({} if payload is None else {"payload": payload})
        error = await refusal(client.call("StartExternal", request))
        return error.status, error.message

    users = {"users": ["ada"]}
    draft = await make(client, api_journey())
    nobody = await running(client, chain(point("EVENT", message_bus={"event_name": "x"}), leave()))
    several = chain(entry(), leave())
    several["points"].append(entry() | {"outputs": leads(default=several["points"][1]["uuid"])})
    crowd = await running(client, several)
    asleep = await running(client, api_journey(is_deactivated=True))
    awake = await running(client, api_journey("promo"))
    needy = await running(client, api_journey(attributes=[{"name": "a", "required": True}]))

    none_given = "one of users, hwids or filter must be provided"
    too_many = "only one of users, hwids or filter must be provided"
    assert await refused(awake, None) == (400, none_given)
    assert await refused(awake, {}) == (400, none_given)
    assert await refused(awake, {"users": [], "hwids": [], "filter": ""}) == (400, none_given)
    assert await refused(awake, users | {"hwids": ["h"]}) == (400, too_many)
    assert await refused(awake, users | {"filter": "x"}) == (400, too_many)
    assert await refused("not-a-uuid", {}) == (400, none_given)
    assert await refused("not-a-uuid", users) == (404, "journey not found")
    assert await refused(NOWHERE, users) == (404, "journey not found")
    assert await refused(draft, users) == (400, "Journey is not running")
    assert await refused(nobody, users) == (400, "zero api start points")
    assert await refused(crowd, users) == (400, "there is more then one api start point")
    assert await refused(asleep, users | {"attribute_values": {"x": "y"}}) == (400, "point is deactivated")
    assert await refused(awake, users | {"attribute_values": {"tier": "gold"}}) == (400, "unknown attribute: tier")
    assert await refused(needy, users) == (400, "missing attribute: a")
    status, message = await refused(awake, {"filter": 'T("City", eq, '})
    assert status == 400
    assert message.startswith("invalid filter: ")


async def lets_one_request_a_minute_through(client: Client, site: Site) -> None:
    uuid = await running(client, api_journey("promo"))
    request = {"id": uuid, "payload": {"users": ["ada"]}}
    await refusal(
        client.call("StartExternal", request | {"payload": {"users": ["ada"], "attribute_values": {"x": ""}}})
    )
    await client.call("StartExternal", request)
    refused = await refusal(client.call("StartExternal", request))
    calm = "Enhance your calm! only one request per minute is allowed"
    assert (refused.status in {400, 429}, refused.message) == (True, calm)
    assert refused.code is not None or refused.status == 400
    site.advance(seconds=59)
    assert (await refusal(client.call("StartExternal", request))).message == calm
    site.advance(seconds=2)
    await client.call("StartExternal", request)


async def gives_the_first_answer_again(client: Client, site: Site) -> None:
    uuid = await running(client, api_journey())
    request = {"id": uuid, "payload": {"users": ["ada"]}}
    first = await client.call("StartExternal", request, key="order-7")
    assert await client.call("StartExternal", request, key="order-7") == first
    other = {"id": uuid, "payload": {"users": ["grace"]}}
    refused = await refusal(client.call("StartExternal", other, key="order-7"))
    assert (refused.status, refused.message) == (400, "the idempotency key was used with another request")
    refused = await refusal(client.call("StartExternal", request, key="k" * 256))
    assert (refused.status, refused.message) == (400, "Idempotency-Key must have at most 255 characters")
    assert await site.rows("select count(*) from entry_request") == [(1,)]


async def takes_an_audience_by_filter(client: Client, site: Site) -> None:
    uuid = await running(client, api_journey())
    payload = {"filter": 'A("AAAAA-AAAAA").tags("City").eq("London")'}
    accepted = await client.call("StartExternal", {"id": uuid, "payload": payload})
    outcome = await client.call("GetStartExternal", {"id": uuid, "request_uuid": accepted["request_uuid"]})
    assert outcome == {"request_uuid": accepted["request_uuid"], "entered": 0, "refused": {}}
    for unknown in (NOWHERE, "x"):
        refused = await refusal(client.call("GetStartExternal", {"id": uuid, "request_uuid": unknown}))
        assert (refused.status, refused.message) == (404, "not found")


async def names_each_bad_id(client: Client, site: Site) -> None:
    uuid = await running(client, api_journey())
    refused = await refusal(client.call("StartExternal", {"id": uuid, "payload": {"users": ["ada", "", "x" * 2000]}}))
    assert refused.status == 400
    assert "payload.users[1]: " in refused.message
    assert "payload.users[2]: " in refused.message


async def counts_messages(client: Client, site: Site) -> None:
    uuid = await running(client, chain(entry(), email(), leave()))
    assert await client.call("StatisticsExternal", {"id": uuid}) == {
        "payload": {
            "title": "Welcome series",
            "points": [
                {
                    "pointTitle": "Send_Email",
                    "campaignCode": "AAAAA-00000",
                    "presetCode": "",
                    "pointStat": {
                        "sent": 0,
                        "opened": 0,
                        "conversion": 0,
                        "clicked": 0,
                        "unsubscribed": 0,
                        "softBounces": 0,
                        "hardBounces": 0,
                        "complaints": 0,
                    },
                }
            ],
        }
    }
    for method in ("StatisticsExternal", "StatisticsPoints"):
        for unknown in (NOWHERE, "x"):
            refused = await refusal(client.call(method, {"id": unknown}))
            assert (refused.status, refused.message) == (404, "journey not found")
    refused = await refusal(client.call("StatisticsPoints", {"id": uuid, "interval": "week"}))
    assert (refused.status, refused.message) == (400, "interval: must be one of hour, day")


async def counts_within_a_period(client: Client, site: Site) -> None:
    uuid = await running(client, api_journey())
    await client.call("StartExternal", {"id": uuid, "payload": {"users": ["ada"]}})
    await site.drain()
    for period, entered in (
        ({"from": "2026-03-01T12:00:00Z", "to": "2026-03-01T13:00:00Z"}, 1),
        ({"to": "2026-03-01T12:00:00Z"}, 0),
        ({"from": "2026-03-01T15:00:00+02:00"}, 0),
    ):
        numbers = await client.call("StatisticsPoints", {"id": uuid} | period)
        assert numbers["payload"]["entered"] == entered


async def measures_goals(client: Client, site: Site) -> None:
    goal = {"name": "sale", "event_name": "bought", "ends_journey": True, "value_attribute": "price"}
    condition = {"attribute": "price", "operator": "GTE", "values": [10]}
    params = {"conversion_goals": [goal | {"event_conditions": [condition]}], "conversion_window": {"seconds": 86400}}
    uuid = await running(client, chain(entry(), rest(), leave(), control_group_percent=50, **params))
    names = [f"user{number}" for number in range(40)]
    await client.call("StartExternal", {"id": uuid, "payload": {"users": names}})
    await site.drain()
    site.advance(minutes=5)
    for name, price in ((name, 5 if name == "user0" else 20) for name in names):
        await post_event(site, name, "bought", price=price)
    await site.drain()
    numbers = (await client.call("StatisticsPoints", {"id": uuid}))["payload"]
    watched = numbers["departed"]["control"]
    assert 0 < watched < 40
    (sale,) = numbers["goals"]
    assert (sale["treated"]["people"], sale["control"]["people"]) == (40 - watched, watched)
    converted = sale["treated"]["conversions"]
    assert converted + sale["control"]["conversions"] == 39
    assert sale["treated"]["value"] == 20 * converted
    assert sale["treated"]["rate"] == pytest.approx(100 * converted / (40 - watched))
    assert sale["uplift"] == pytest.approx(100 * (sale["treated"]["rate"] / sale["control"]["rate"] - 1))
    assert 0 < sale["p_value"] <= 1
    assert numbers["departed"] == {"control": watched, "goal": converted}
    head, pause, _ = numbers["points"]
    assert (head["goals"], head["control"], pause["goal_exits"]) == (converted, watched, converted)


async def refuses_goals_with_problems(client: Client, site: Site) -> None:
    goal = {"name": "sale", "event_name": "bought", "event_conditions": [{"attribute": "price", "operator": "GT"}]}
    splitter = splits(winner={"mode": "AUTOMATIC", "goal": "visit", "min_sample": 0, "significance": 0.2})
    verdict = await client.call("Validate", contest(splitter, conversion_goals=[goal, goal]))
    assert {(each["field"], each["code"]) for each in verdict["problems"]} == {
        ("params.conversion_goals", "goal.duplicate"),
        ("params.conversion_goals[0].event_conditions[0].values", "condition.values"),
        ("params.conversion_goals[1].event_conditions[0].values", "condition.values"),
        ("points[1].point_data.random_splitter.winner.goal", "winner.goal"),
        ("points[1].point_data.random_splitter.winner.min_sample", "winner.min_sample"),
        ("points[1].point_data.random_splitter.winner.significance", "winner.significance"),
    }
    refused = await refusal(
        client.call(
            "Create", chain(entry(), leave(), conversion_goals=[goal | {"event_conditions": [{"operator": "EQ"}]}])
        )
    )
    assert refused.status == 400
    assert all("params.conversion_goals[0].event_conditions[0]" in field for field in refused.violations)


async def names_a_winner(client: Client, site: Site) -> None:
    splitter = splits(winner={"mode": "MANUAL"})
    uuid = await running(client, contest(splitter))
    place = {"id": uuid, "point_uuid": splitter["uuid"]}
    await client.call("StartExternal", {"id": uuid, "payload": {"users": [f"early{n}" for n in range(20)]}})
    await site.drain()
    before = await contest_of(client, uuid)
    assert sum(branch["people"] for branch in before["branches"]) == 20
    assert "winner" not in before
    assert await client.call("ChooseWinner", place | {"output": "output2"}) == {"success": True}
    site.advance(minutes=5)
    await client.call("StartExternal", {"id": uuid, "payload": {"users": [f"late{n}" for n in range(20)]}})
    await site.drain()
    after = await contest_of(client, uuid)
    assert after == before | {"winner": "output2", "decided_at": "2026-03-01T12:00:00Z", "is_automatic": False}
    left = (await client.call("StatisticsPoints", {"id": uuid}))["payload"]["points"][1]["left"]
    assert left["output2"] == before["branches"][1]["people"] + 20
    assert await client.call("ChooseWinner", place) == {"success": True}
    assert await contest_of(client, uuid) == before
    for wrong, status, message in (
        ({"output": "output3"}, 400, "output: there is no output `output3`; the outputs are: output1, output2"),
        ({"point_uuid": NOWHERE}, 404, "point not found"),
        ({"point_uuid": "x"}, 404, "point not found"),
        ({"id": NOWHERE}, 404, "journey not found"),
    ):
        refused = await refusal(client.call("ChooseWinner", place | {"output": "output1"} | wrong))
        assert (refused.status, refused.message) == (status, message)
    plain = splits()
    other = await running(client, contest(plain))
    refused = await refusal(
        client.call("ChooseWinner", {"id": other, "point_uuid": plain["uuid"], "output": "output1"})
    )
    assert (refused.status, refused.message) == (
        400, "point: the splitter has no `winner`, so what people drew was not kept"
    )  # fmt: skip


def splits(**data: Any) -> Document:
    return point("RANDOM_SPLITTER", random_splitter={"branches": [{"percent": 50}, {"percent": 50}]} | data)


def contest(splitter: Document, **params: Any) -> Document:
    """Two waits behind a splitter."""
    one, other, end = rest(), rest(), leave()
    document = chain(entry(), splitter, one, end, **params)
    splitter["outputs"] = leads(output1=one["uuid"], output2=other["uuid"])
    other["outputs"] = leads(default=end["uuid"])
    document["points"].append(other)
    return document


async def contest_of(client: Client, uuid: str) -> Document:
    return (await client.call("StatisticsPoints", {"id": uuid}))["payload"]["points"][1]["contest"]


async def post_event(site: Site, user_id: str, name: str, **attributes: Any) -> None:
    async with site.pool.connection() as conn:
        (workspace_id,) = await (
            await conn.execute("select workspace_id from workspace where name = 'default'")
        ).fetchone()
    command = PostEvent(application_code=APP, subject=Subject(user_id=user_id), name=name, attributes=attributes)
    await site.service.run(Caller(workspace_id=workspace_id), command)


async def drops_people(client: Client, site: Site) -> None:
    uuid = await running(client, api_journey())
    assert await client.call("DropUsersExternal", {"user_ids": ["user1"], "all_journeys": True}) == {"success": True}
    request = {"user_ids": ["user1", "user2"], "journey_uuids": [uuid]}
    assert await client.call("DropUsersExternal", request) == {"success": True}
    for wrong, message in (
        ({}, "user_ids must be provided"),
        ({"all_journeys": True}, "user_ids must be provided"),
        ({"user_ids": ["a"]}, "journey_uuids must be provided if all_journeys is false"),
        ({"user_ids": ["a"], "journey_uuids": []}, "journey_uuids must be provided if all_journeys is false"),
    ):
        refused = await refusal(client.call("DropUsersExternal", wrong))
        assert (refused.status, refused.message) == (400, message)
    for unknown in (NOWHERE, "x"):
        refused = await refusal(client.call("DropUsersExternal", {"user_ids": ["a"], "journey_uuids": [unknown]}))
        assert (refused.status, refused.message) == (404, "journey not found")


SCENARIOS: tuple[Callable[[Client, Site], Awaitable[None]], ...] = (
    a_running_journey_goes_on_as_a_new_version,
    counts_messages,
    counts_within_a_period,
    measures_goals,
    names_a_winner,
    refuses_goals_with_problems,
    creates_and_gets,
    deletes_drafts,
    drops_people,
    finds_all_problems_of_a_shape,
    gives_the_first_answer_again,
    goes_through_its_life,
    keeps_workspaces_apart,
    knows_its_applications,
    lets_one_request_a_minute_through,
    lists_in_the_older_shape,
    lists_newest_first,
    names_each_bad_id,
    names_the_state_that_forbids,
    pages_have_bounds,
    says_no_to_the_letter,
    says_that_there_is_no_such_journey,
    sends_people_in,
    starts_only_without_problems,
    takes_an_audience_by_filter,
    updates,
    validates,
    wants_a_token,
    what_was_got_can_be_put,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_scenario(scenario: Callable[[Client, Site], Awaitable[None]], client: Client, site: Site) -> None:
    await scenario(client, site)


# REST alone --------------------------------------------------------------------------------------------------


async def test_unknown_fields_and_wrong_types_are_found_at_once(http: httpx.AsyncClient) -> None:
    wait = rest()
    wait["point_data"]["wait"] |= {"foo": 1}
    document = chain(entry(), wait, point("EXIT", exit=[])) | {"bar": 2}
    document["points"][0]["title"] = 7
    answer = (await http.post("/api/v3/journeygateway", json=document)).json()
    assert answer["code"] == 3
    assert answer["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    found = {each["field"]: (each["description"], each["reason"]) for each in answer["details"][0]["field_violations"]}
    assert found == {
        "points[0].title": ("must be a string", "FIELD_TYPE"),
        "points[1].point_data.wait.foo": ("unknown field", "FIELD_UNKNOWN"),
        "points[2].point_data.exit": ("must be an object", "FIELD_TYPE"),
        "bar": ("unknown field", "FIELD_UNKNOWN"),
    }
    assert answer["message"] == "points[0].title: must be a string (and 3 more)"


async def test_external_methods_tell_every_wrong_field_in_their_message(http: httpx.AsyncClient) -> None:
    body = {"payload": {"users": "ada", "foo": 1, "attribute_values": {"a": 1}}}
    response = await http.post(f"/api/journey/{NOWHERE}/start/external", json=body)
    assert response.status_code == 400
    assert response.json() == {
        "success": False,
        "message": "payload.users: must be a list; payload.foo: unknown field; "
        "payload.attribute_values.a: must be a string",
    }


async def test_camel_case_is_accepted(http: httpx.AsyncClient) -> None:
    document = api_journey()
    document["params"] = {"applicationCode": APP}
    document["points"][1]["pointData"] = {"wait": {"durationSeconds": 5}}
    del document["points"][1]["point_data"]
    answer = (await http.post("/api/v3/journeygateway", json=document)).json()
    assert answer["points"][1]["point_data"] == {"wait": {"duration_seconds": 5}}


async def test_the_path_names_the_journey(http: httpx.AsyncClient) -> None:
    uuid = (await http.post("/api/v3/journeygateway", json=api_journey())).json()["info"]["uuid"]
    path = f"/api/v3/journeygateway/{uuid}"
    assert (await http.put(path, json=api_journey() | {"uuid": uuid})).status_code == 200
    answer = (await http.put(path, json=api_journey() | {"uuid": NOWHERE})).json()
    assert answer["message"] == "uuid: differs from the one in the path"


async def test_a_parameter_given_twice_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/v3/journeygateway?page=1&status=STATUS_DRAFT&page=2")
    assert (answer.status_code, answer.json()["message"]) == (400, "page: given more than once")


async def test_unknown_query_parameters_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/v3/journeygateway", params={"page": "x", "sort": "title", "status": "RUNNING"})
    assert answer.status_code == 400
    found = {each["field"]: each["description"] for each in answer.json()["details"][0]["field_violations"]}
    assert found["page"] == "must be a whole number"
    assert found["sort"] == "unknown field"
    assert found["status"].startswith("must be one of STATUS_DRAFT, ")


@pytest.mark.parametrize("header", [None, "", "Api", "Api ", f"Bearer {TOKEN}", TOKEN, f"Token {TOKEN}", "Api x y"])
async def test_without_a_token_nothing_is_answered(site: Site, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url="http://site") as anybody:
        response = await anybody.post("/api/v3/journeygateway/start", content=b"{", headers=headers)
        assert response.status_code == 401
        assert response.json() == {"code": 16, "message": "a valid token is required", "details": []}
        response = await anybody.get(f"/api/journey/{NOWHERE}/statistics/external", headers=headers)
        assert response.status_code == 401
        assert response.json() == {"success": False, "message": "a valid token is required"}


async def test_a_body_above_ten_megabytes_is_too_large(http: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield b" " * 1_000_000

    for body in (b" " * 10_000_001, endless()):
        response = await http.post("/api/v3/journeygateway", content=body)
        assert response.status_code == 413
        assert response.json()["message"] == "the request is larger than 10000000 bytes"
    response = await http.post("/api/journey/drop-users/external", content=b" " * 10_000_001)
    assert response.status_code == 413
    assert response.json() == {"success": False, "message": "the request is larger than 10000000 bytes"}
    assert (await http.post("/api/journey/drop-users/external", content=b" " * 9_999_999)).status_code == 400


async def test_paths_and_verbs_that_do_not_exist(http: httpx.AsyncClient) -> None:
    for verb, path, status in (
        ("GET", "/", 404),
        ("GET", "/api/v3/nothing", 404),
        ("PATCH", "/api/v3/journeygateway", 405),
        ("GET", "/api/v3/journeygateway/a/b", 404),
    ):
        response = await http.request(verb, path)
        assert response.status_code == status
        assert response.json().keys() == {"code", "message", "details"}


async def test_every_answer_has_a_request_id(http: httpx.AsyncClient) -> None:
    response = await http.get("/healthz", headers={"X-Request-Id": "trace-7"})
    assert response.headers["x-request-id"] == "trace-7"
    response = await http.get("/nothing", headers={"X-Request-Id": "new\tline"})
    assert len(response.headers["x-request-id"]) == 32


async def test_health(http: httpx.AsyncClient, site: Site) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    assert (await http.get("/readyz")).json() == {"status": "ok"}
    site.missing = ["migration 0007"]
    unready = await http.get("/readyz")
    assert unready.status_code == 503
    assert unready.json() == {"status": "unready", "missing": ["migration 0007"]}
    await http.get(f"/api/v3/journeygateway/{NOWHERE}")
    metrics = (await http.get("/metrics")).text
    assert 'sojourn_requests_total{dialect="gateway",method="Get",outcome="journey.unknown"} 1.0' in metrics


async def test_who_is_too_early_hears_when_to_try_again(http: httpx.AsyncClient, site: Site) -> None:
    made = (await http.post("/api/v3/journeygateway", json=api_journey())).json()["info"]["uuid"]
    await http.post("/api/v3/journeygateway/start", json={"uuid": made})
    path, body = f"/api/journey/{made}/start/external", {"payload": {"users": ["ada"]}}
    assert (await http.post(path, json=body)).status_code == 200
    site.advance(seconds=20.5)
    early = await http.post(path, json=body)
    assert (early.status_code, early.headers["retry-after"]) == (400, "40")
    site.advance(seconds=39.5)
    assert (await http.post(path, json=body)).status_code == 200


async def test_a_database_that_does_not_answer_makes_no_internal_error(http: httpx.AsyncClient, site: Site) -> None:
    await http.get("/api/v3/journeygateway")  # so that the token is known
    await site.pool.close()
    for path, body in (
        ("/api/v3/journeygateway", {"code": 14, "message": UNAVAILABLE, "details": []}),
        ("/api/journey", {"success": False, "message": UNAVAILABLE}),
    ):
        answer = await http.get(path)
        assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (503, body, "1")
    event = {"request": {"application": APP, "userId": "ada", "event": "seen"}}
    answer = await http.post("/json/1.3/postEvent", json=event)
    assert answer.json() == {"status_code": 500, "status_message": UNAVAILABLE, "response": None}
    assert (answer.status_code, answer.headers["retry-after"]) == (500, "1")


JSON_POSTS = (
    "/api/v3/journeygateway",
    "/api/v3/journeygateway/validate",
    "/api/v3/journeygateway/start",
    f"/api/journey/{NOWHERE}/start/external",
    "/api/journey/drop-users/external",
)


BAD_BODIES = (
    b"{", b"[]", b"null", b"\xff\xfe", b'"\xed\xa0\x80"', b"[" * 200_000, b'{"title":' * 50_000, b'{"title": NaN}',
    b'{"title": 1e400}', b'{"title": ' + b"9" * 5000 + b"}", b'{"title": "\\u0000"}', b'{"title": "\\ud800"}',
    b"title=x", b"<xml/>", b'{"points": [[[[[[]]]]]]}', b'{"uuid": "\\u0000", "user_ids": ["\\u0000"]}',
    b'{"user_ids": ["' + b"x" * 100_000 + b'"], "all_journeys": true}', b'{"payload": {"users": ["\\u0000"]}}',
)  # fmt: skip


@pytest.mark.parametrize("path", JSON_POSTS)
async def test_a_bad_body_gets_a_4xx_and_the_server_lives(http: httpx.AsyncClient, path: str) -> None:
    for body in BAD_BODIES:
        for content_type in ("application/json", "text/plain", "multipart/form-data", "x"):
            response = await http.post(path, content=body, headers={"Content-Type": content_type})
            assert 400 <= response.status_code < 500 or (path.endswith("/validate") and response.status_code == 200)
            assert response.json(), body[:40]
    assert (await http.get("/healthz")).status_code == 200


names = st.sampled_from(
    ["title", "params", "points", "comments", "uuid", "payload", "users", "filter", "user_ids", "all_journeys", "wait",
     "application_code", "point_type", "point_data", "outputs", "default", "info", "next_point_uuid", "exit", "x"]
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.just(APP)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(), inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(names, values, max_size=5), path=st.sampled_from(JSON_POSTS))
async def test_no_body_upsets_the_server(http: httpx.AsyncClient, body: dict[str, Any], path: str) -> None:
    content = json.dumps(body, allow_nan=True)
    response = await http.post(path, content=content.encode(errors="surrogatepass"))
    assert response.status_code < 500


# gRPC alone --------------------------------------------------------------------------------------------------


async def test_grpc_tells_what_it_serves(site: Site) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{site.grpc_port}") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        ask = reflection_pb2.ServerReflectionRequest(list_services="")
        call = stub.ServerReflectionInfo(iter([ask]))
        answers = [answer async for answer in call]
        names = {service.name for service in answers[0].list_services_response.service}
        assert names >= {"sojourn.v3.JourneyGateway", "grpc.health.v1.Health"}
        health = health_pb2_grpc.HealthStub(channel)
        served = await health.Check(health_pb2.HealthCheckRequest(service="sojourn.v3.JourneyGateway"))
        assert served.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize(
    ("method", "data", "code", "words"),
    [
        ("Create", b"\xff\xff\xff", grpc.StatusCode.INVALID_ARGUMENT, "malformed message"),
        ("Get", b"\xfa\x3f\x01a", grpc.StatusCode.INVALID_ARGUMENT, '["#1023"]: unknown field'),
        ("Get", b"\x0a\x01\x00", grpc.StatusCode.INVALID_ARGUMENT, "uuid: must not contain the character U+0000"),
        ("Nothing", b"", grpc.StatusCode.UNIMPLEMENTED, "Method not found!"),
        ("Create", b"\x0a\x81\xad\xe2\x04" + b"x" * 10_000_001, grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max"),
    ],
)
async def test_grpc_survives_bad_messages(
    site: Site, method: str, data: bytes, code: grpc.StatusCode, words: str
) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{site.grpc_port}") as channel:
        rpc = channel.unary_unary(f"/sojourn.v3.JourneyGateway/{method}")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await rpc(data, metadata=[("authorization", f"Api {TOKEN}")])
        assert refused.value.code() == code
        assert words in (refused.value.details() or "")
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary("/sojourn.v3.JourneyGateway/Get")(b"")
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_a_refusal_with_very_many_problems_reaches_a_grpc_client(site: Site) -> None:
    async with GrpcClient(site.grpc_port, TOKEN) as client:
        payload = {"users": [f"{number}-" + "x" * 2000 for number in range(1_000)]}
        refused = await refusal(client.call("StartExternal", {"id": NOWHERE, "payload": payload}))
        assert refused.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert refused.message.startswith("payload.users[0]: an id has at most ")
        assert "bytes more]" in refused.message


# The reference page -------------------------------------------------------------------------------------------


def example(name: str) -> Any:
    page = (Path(__file__).parents[2] / "docs/reference/gateway.md").read_text()
    _, _, rest = page.partition(f"<!-- example: {name} -->\n```json\n")
    return json.loads(rest.partition("```")[0])


async def test_the_examples_of_the_reference_are_real(http: httpx.AsyncClient) -> None:
    made = (await http.post("/api/v3/journeygateway", json=example("create"))).json()
    uuid = made["info"]["uuid"]
    documented = example("create answer")
    documented["info"]["uuid"] = uuid
    assert made == documented
    assert (await http.post("/api/v3/journeygateway/start", json={"uuid": uuid})).status_code == 200
