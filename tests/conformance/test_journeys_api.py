"""The journeys contract, "Journeys API": every row and every example of it, asked of a whole server.

Texts of the contract stand here as it has them; its placeholders for ids are filled with real ones.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.conftest import Site
from tests.conformance.journeys_client import ok, refusal, signed_in

Document = dict[str, Any]

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
CARD = {"title": "Hello", "body": "There you are."}
JOURNEYS = "/api/journeys"


@dataclass
class Desk:
    """Somebody who edits journeys of a site, and a page of that site.

    Attributes:
        flow: A content to show.
        audience: Of all whose trait `plan` is `pro`.
    """

    server: Site
    client: httpx.AsyncClient
    site: str
    key: str
    flow: str
    audience: str

    async def create(self, *nodes: Document, edges: Any = None, **fields: Any) -> Document:
        """Make a journey; without edges, each node leads to the next."""
        wired = edges if edges is not None else [edge(n, n + 1) for n in range(len(nodes) - 1)]
        body = {"name": "A journey", "siteId": self.site, "nodes": list(nodes), "edges": wired} | fields
        return ok(await self.client.post(JOURNEYS, json=body), 201)

    async def published(self, *nodes: Document, **fields: Any) -> Document:
        made = await self.create(*nodes, **fields)
        published = await self.step(made["id"], "publish")
        await self.server.drain()
        return published

    async def step(self, journey: str, name: str) -> Document:
        return ok(await self.client.post(f"{JOURNEYS}/{journey}/{name}"))

    async def get(self, journey: str) -> Document:
        return ok(await self.client.get(f"{JOURNEYS}/{journey}"))

    async def enroll(self, journey: str, *users: str) -> None:
        ok(await self.client.post(f"{JOURNEYS}/{journey}/enrollments", json={"userIds": users}), 202)
        await self.server.drain()

    async def statuses(self, journey: str) -> dict[str, str]:
        """Return how each user fares, whether inside or not."""
        found = ok(await self.client.get(f"{JOURNEYS}/{journey}/enrollments", params={"limit": "100"}))
        return {each["endUser"]["userId"]: each["status"] for each in found}

    async def places(self, journey: str) -> dict[str, str]:
        """Return the type of the node where each user is."""
        types = {node["id"]: node["type"] for node in (await self.get(journey))["nodes"]}
        found = ok(await self.client.get(f"{JOURNEYS}/{journey}/enrollments"))
        return {each["endUser"]["userId"]: types[each["currentNodeId"]] for each in found if each["currentNodeId"]}

    async def identify(self, user: str, **traits: Any) -> None:
        body = {"userId": user, "traits": traits}
        ok(await self.client.post("/api/sdk/identify", json=body, headers={"X-API-Key": self.key}))
        await self.server.drain()

    async def does(self, user: str, kind: str, **event: Any) -> None:
        body = {"events": [{"type": kind, "userId": user} | event]}
        ok(await self.client.post("/api/sdk/events", json=body, headers={"X-API-Key": self.key}), 202)
        await self.server.drain()

    async def shown(self, user: str) -> list[Document]:
        query = {"userId": user}
        return ok(await self.client.get("/api/sdk/journeys", params=query, headers={"X-API-Key": self.key}))

    async def reports(self, item: Document, result: str) -> None:
        path = f"/api/sdk/journeys/{item['enrollmentId']}/nodes/{item['nodeId']}"
        ok(await self.client.post(path, json={"result": result}, headers={"X-API-Key": self.key}))
        await self.server.drain()


@asynccontextmanager
async def at_desk(server: Site) -> AsyncIterator[Desk]:
    """Sign in, with a site of its own, so that lists have nothing of another test."""
    async with signed_in(server) as client:
        site = ok(await client.post("/api/sites", json={"name": "Shop"}), 201)["id"]
        key = ok(await client.post(f"/api/sites/{site}/keys", json={"name": "page"}), 201)["key"]
        body = {"name": "Tour", "siteId": site, "content": {"steps": [CARD]}}
        flow = ok(await client.post("/api/content/flows", json=body), 201)["id"]
        tree = {"field": "traits.plan", "operator": "eq", "value": "pro"}
        audience = {"name": f"Pro {uuid4()}", "ruleTree": tree}
        made = ok(await client.post("/api/audiences", json=audience), 201)["id"]
        yield Desk(server, client, site, key, flow, made)


@pytest.fixture
async def desk(shared_site: Site) -> AsyncIterator[Desk]:
    async with at_desk(shared_site) as made:
        yield made


def node(kind: str, content: str | None = None, **config: Any) -> Document:
    given = {} if content is None else {"contentId": content}
    return {"type": kind, "config": config, "position": {"x": 0, "y": 0}} | given


def trigger(kind: str = "MANUAL", **config: Any) -> Document:
    return node("TRIGGER", triggerType=kind, triggerConfig=config)


def edge(source: int, target: int, label: str | None = None) -> Document:
    given = {} if label is None else {"label": label}
    return {"sourceNodeId": str(source), "targetNodeId": str(target)} | given


def wait(minutes: int = 10) -> Document:
    return node("WAIT", duration=minutes, unit="minutes")


def leave() -> Document:
    return node("EXIT")


def someone() -> str:
    return f"eu_{uuid4().hex}"


def filled(text: str, **ids: str) -> Any:
    """Read an example of the contract, with real ids for its placeholders."""
    for name, value in ids.items():
        text = text.replace(f'"{name}"', json.dumps(value))
    return json.loads(text)


# List Journeys ----------------------------------------------------------------------------------------------

LISTED = """{
"data": [
{
"id": "j_abc123",
"name": "New User Onboarding",
"description": "Guide new users through core features",
"status": "PUBLISHED",
"audienceId": "aud_xyz",
"siteId": "site_xyz",
"settings": {},
"goalConfig": null,
"createdAt": "2025-01-10T09:00:00Z",
"updatedAt": "2025-01-15T12:00:00Z",
"_count": { "nodes": 5, "edges": 4, "enrollments": 128 }
}
],
"meta": { "total": 8, "page": 1, "limit": 20, "totalPages": 1 }
}"""


async def test_a_list_has_the_documented_shape(desk: Desk) -> None:
    made = await desk.published(
        *(trigger("CUSTOM_EVENT", eventName="signed_up"), wait(), wait(), wait(), leave()),
        name="New User Onboarding",
        description="Guide new users through core features",
        audienceId=desk.audience,
    )
    for user in (someone(), someone()):
        await desk.identify(user, plan="pro")
        await desk.does(user, "CUSTOM", name="signed_up")
    answer = (await desk.client.get(JOURNEYS, params={"siteId": desk.site})).json()
    (listed,) = answer["data"]
    expected = filled(LISTED, j_abc123=made["id"], aud_xyz=desk.audience, site_xyz=desk.site)
    (documented,) = expected["data"]
    for instant in ("createdAt", "updatedAt"):
        assert INSTANT.fullmatch(listed[instant])
        documented[instant] = listed[instant]
    documented["_count"]["enrollments"] = 2
    assert listed == documented | {"allowAnonymous": False}
    assert answer["meta"] == expected["meta"] | {"total": 1}


async def test_the_parameters_of_a_list(desk: Desk) -> None:
    """Page, limit, status and siteId; newest first."""
    made = [(await desk.create(trigger(), leave(), name=f"Journey {n}"))["id"] for n in range(4)]
    await desk.step(made[1], "publish")
    await desk.step(made[2], "publish")
    await desk.step(made[2], "pause")
    ok(await desk.client.delete(f"{JOURNEYS}/{made[3]}"))

    async def listed(**query: str) -> tuple[list[str], Document]:
        answer = (await desk.client.get(JOURNEYS, params={"siteId": desk.site} | query)).json()
        return [each["id"] for each in answer["data"]], answer["meta"]

    assert await listed() == (made[2::-1], {"total": 3, "page": 1, "limit": 20, "totalPages": 1})
    assert await listed(page="2", limit="2") == (made[:1], {"total": 3, "page": 2, "limit": 2, "totalPages": 2})
    for status, place in (("DRAFT", 0), ("PUBLISHED", 1), ("PAUSED", 2), ("ARCHIVED", 3)):
        assert (await listed(status=status))[0] == [made[place]]
    assert (await listed(siteId=str(uuid4())))[0] == []
    for wrong in ({"page": "0"}, {"limit": "0"}, {"limit": "101"}, {"status": "RUNNING"}, {"siteId": "site_xyz"}):
        found = refusal(await desk.client.get(JOURNEYS, params=wrong), 400, "VALIDATION_ERROR")
        assert found.keys() == wrong.keys()


# Create Journey ---------------------------------------------------------------------------------------------

CREATED = """{
"name": "New User Onboarding",
"siteId": "site_xyz",
"description": "Guide new users through core features",
"audienceId": "aud_xyz",
"settings": {},
"goalConfig": {
"type": "flow_completed",
"config": { "flowId": "flow_abc" },
"deadline": 7
},
"nodes": [
{
"type": "TRIGGER",
"config": {
"triggerType": "URL_MATCH",
"triggerConfig": { "matchType": "contains", "pattern": "/dashboard" }
},
"position": { "x": 0, "y": 0 }
},
{
"type": "CONTENT",
"contentId": "flow_abc",
"config": { "contentType": "flow" },
"position": { "x": 200, "y": 0 }
}
],
"edges": [{ "sourceNodeId": "<node-1-id>", "targetNodeId": "<node-2-id>" }]
}"""


@pytest.mark.parametrize("by", ["place", "clientId", "id"])
async def test_what_is_created_is_a_draft_that_says_what_was_said(desk: Desk, by: str) -> None:
    ids = {"place": ("0", "1"), "clientId": ("first", "second"), "id": (str(uuid4()), str(uuid4()))}[by]
    placeholders = {"site_xyz": desk.site, "aud_xyz": desk.audience, "<node-1-id>": ids[0], "<node-2-id>": ids[1]}
    body = filled(CREATED, **placeholders)
    if by != "place":
        body["nodes"] = [each | {by: name} for each, name in zip(body["nodes"], ids, strict=True)]
    made = ok(await desk.client.post(JOURNEYS, json=body), 201)
    assert UUID(made["id"])
    assert made["status"] == "DRAFT"
    for name in ("name", "siteId", "description", "audienceId", "settings", "goalConfig"):
        assert made[name] == body[name]
    given = [{k: v for k, v in each.items() if k != "clientId"} for each in body["nodes"]]
    assert [each | {"id": node["id"]} for each, node in zip(given, made["nodes"], strict=True)] == made["nodes"]
    first, second = (str(UUID(each["id"])) for each in made["nodes"])
    assert by != "id" or (first, second) == ids
    assert made["edges"] == [{"sourceNodeId": first, "targetNodeId": second}]
    assert made["_count"] == {"nodes": 2, "edges": 1, "enrollments": 0}
    assert await desk.get(made["id"]) == made


FIELDS: Mapping[str, tuple[bool, Any, tuple[Any, ...]]] = {
    # field: whether it is required, what it is when left out, what it may not be
    "name": (True, None, ("", "x" * 256, None, 7)),
    "siteId": (True, None, ("site_xyz", None, 7)),
    "description": (False, None, (7, [])),
    "audienceId": (False, None, ("aud_xyz", 7)),
    "settings": (False, {}, (7, [], "x")),
    "goalConfig": (False, None, (7, {}, {"type": "luck"})),
    "allowAnonymous": (False, False, ("yes", 1)),
    "nodes": (False, [], (7, {}, [7])),
    "edges": (False, [], (7, {}, [{}])),
}


@pytest.mark.parametrize("field", FIELDS)
async def test_a_field_of_a_new_journey(desk: Desk, field: str) -> None:
    required, default, wrong = FIELDS[field]
    least = {"name": "x", "siteId": desk.site}
    without = await desk.client.post(JOURNEYS, json={name: value for name, value in least.items() if name != field})
    if required:
        assert refusal(without, 400, "VALIDATION_ERROR").keys() == {field}
    else:
        assert ok(without, 201)[field] == default
    for value in wrong:
        details = refusal(await desk.client.post(JOURNEYS, json=least | {field: value}), 400, "VALIDATION_ERROR")
        assert details
        assert all(path.split(".")[0] == field for path in details), details
    assert ok(await desk.client.post(JOURNEYS, json=least | {"name": "x" * 255}), 201)["name"] == "x" * 255


async def test_a_site_or_an_audience_that_is_not_there_is_refused(desk: Desk) -> None:
    least = {"name": "x", "siteId": desk.site}
    for field in ("siteId", "audienceId"):
        refusal(await desk.client.post(JOURNEYS, json=least | {field: str(uuid4())}), 404, "NOT_FOUND")


async def test_who_is_unknown_may_enroll_where_this_is_allowed(desk: Desk) -> None:
    view = {"matchType": "contains", "pattern": "/dashboard"}
    page = {"X-API-Key": desk.key}
    for allowed in (False, True):
        made = await desk.published(trigger("URL_MATCH", **view), wait(), leave(), allowAnonymous=allowed)
        assert made["allowAnonymous"] is allowed
        event = {"type": "PAGE_VIEW", "url": "https://shop.example/dashboard", "anonymousId": someone()}
        ok(await desk.client.post("/api/sdk/events", json={"events": [event]}, headers=page), 202)
        await desk.server.drain()
        found = ok(await desk.client.get(f"{JOURNEYS}/{made['id']}/enrollments"))
        assert [each["anonymousId"] for each in found] == ([event["anonymousId"]] if allowed else [])


# Node Types -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "config", "kept_away", "let_in"),
    [
        ("URL_MATCH", {"matchType": "contains", "pattern": "/dash"}, ("PAGE_VIEW", {"url": "https://s.example/"}),
         ("PAGE_VIEW", {"url": "https://s.example/dashboard"})),
        ("CUSTOM_EVENT", {"eventName": "ordered"}, ("CUSTOM", {"name": "looked"}), ("CUSTOM", {"name": "ordered"})),
        ("ELEMENT_CLICK", {"selector": "#buy"}, ("CLICK", {"properties": {"selector": "#sell"}}),
         ("CLICK", {"properties": {"selector": "#buy"}})),
    ],
)  # fmt: skip
async def test_a_trigger_lets_people_in(
    desk: Desk, kind: str, config: Document, kept_away: tuple[str, Document], let_in: tuple[str, Document]
) -> None:
    made = await desk.published(trigger(kind, **config), wait(), leave())
    assert made["nodes"][0]["config"] == {"triggerType": kind, "triggerConfig": config}
    user = someone()
    await desk.identify(user)
    for (event, more), inside in ((kept_away, {}), (let_in, {user: "WAIT"})):
        await desk.does(user, event, **more)
        assert await desk.places(made["id"]) == inside


async def test_a_manual_trigger_lets_in_who_is_sent(desk: Desk) -> None:
    made = await desk.published(trigger("MANUAL"), wait(), leave())
    assert made["nodes"][0]["config"] == {"triggerType": "MANUAL", "triggerConfig": {}}
    await desk.enroll(made["id"], user := someone())
    assert await desk.places(made["id"]) == {user: "WAIT"}


@pytest.mark.parametrize("result", ["completed", "dismissed"])
async def test_content_is_rendered_until_it_is_done(desk: Desk, result: str) -> None:
    made = await desk.published(trigger(), node("CONTENT", desk.flow, contentType="flow"), leave())
    assert (made["nodes"][1]["contentId"], made["nodes"][1]["config"]) == (desk.flow, {"contentType": "flow"})
    await desk.enroll(made["id"], user := someone())
    (item,) = await desk.shown(user)
    assert (item["contentId"], item["contentType"], item["content"]) == (desk.flow, "flow", {"steps": [CARD]})
    await desk.reports(item, "shown")
    assert await desk.places(made["id"]) == {user: "CONTENT"}
    await desk.reports(item, result)
    assert await desk.shown(user) == []
    assert await desk.statuses(made["id"]) == {user: "completed"}


async def test_a_wait_takes_as_long_as_it_says(desk: Desk) -> None:
    made = await desk.published(trigger(), node("WAIT", duration=5, unit="minutes"), leave())
    await desk.enroll(made["id"], user := someone())
    for minutes, status in ((4, "in_progress"), (2, "completed")):
        desk.server.advance(minutes=minutes)
        await desk.server.drain()
        assert await desk.statuses(made["id"]) == {user: status}


async def test_a_wait_for_an_event_ends_with_it(desk: Desk) -> None:
    made = await desk.published(trigger(), node("WAIT_FOR_EVENT", eventName="ordered"), leave())
    await desk.enroll(made["id"], one := someone(), other := someone())
    await desk.does(one, "CUSTOM", name="ordered")
    await desk.does(other, "CUSTOM", name="looked")
    assert await desk.statuses(made["id"]) == {one: "completed", other: "in_progress"}


async def test_a_condition_branches_on_traits(desk: Desk) -> None:
    tree = {"field": "traits.plan", "operator": "eq", "value": "pro"}
    made = await desk.published(
        *(trigger(), node("CONDITION", ruleTree=tree), wait(), leave()),
        edges=[edge(0, 1), edge(1, 2, "true"), edge(1, 3, "false"), edge(2, 3)],
    )
    pro, free = someone(), someone()
    await desk.identify(pro, plan="pro")
    await desk.identify(free, plan="free")
    await desk.enroll(made["id"], pro, free)
    assert await desk.statuses(made["id"]) == {pro: "in_progress", free: "completed"}
    assert await desk.places(made["id"]) == {pro: "WAIT"}


async def test_a_split_draws(desk: Desk) -> None:
    branches = [{"label": "a", "percentage": 100}, {"label": "b", "percentage": 0}]
    made = await desk.published(
        *(trigger(), node("SPLIT", branches=branches), wait(), leave()),
        edges=[edge(0, 1), edge(1, 2, "a"), edge(1, 3, "b"), edge(2, 3)],
    )
    await desk.enroll(made["id"], one := someone(), other := someone())
    assert await desk.places(made["id"]) == {one: "WAIT", other: "WAIT"}
    even = await desk.published(
        *(trigger(), node("SPLIT"), wait(), leave()),
        edges=[edge(0, 1), edge(1, 2, "a"), edge(1, 3, "b"), edge(2, 3)],
    )
    await desk.enroll(even["id"], *(someone() for _ in range(60)))
    found = list((await desk.statuses(even["id"])).values())
    assert 10 < found.count("in_progress") < 50
    assert found.count("completed") == 60 - found.count("in_progress")


async def test_a_goal_check_tells_whether_the_goal_is_met(desk: Desk) -> None:
    goal = {"type": "event", "config": {"eventName": "signup_completed"}}
    made = await desk.published(
        *(trigger(), wait(1), node("GOAL_CHECK"), wait(), leave()),
        edges=[edge(0, 1), edge(1, 2), edge(2, 4, "success"), edge(2, 3, "fallback"), edge(3, 4)],
        goalConfig=goal,
        settings={"exitOnGoal": False},
    )
    await desk.enroll(made["id"], met := someone(), missed := someone())
    await desk.does(met, "CUSTOM", name="signup_completed")
    desk.server.advance(minutes=2)
    await desk.server.drain()
    assert await desk.places(made["id"]) == {missed: "WAIT"}


async def test_an_exit_completes_the_enrollment(desk: Desk) -> None:
    made = await desk.published(trigger(), node("EXIT", outcome="welcomed"))
    await desk.enroll(made["id"], user := someone())
    (found,) = ok(await desk.client.get(f"{JOURNEYS}/{made['id']}/enrollments"))
    assert (found["status"], found["outcome"], found["currentNodeId"]) == ("completed", "welcomed", None)
    assert (found["endUser"]["userId"], INSTANT.fullmatch(found["completedAt"]) is None) == (user, False)


async def test_there_are_no_other_nodes_and_triggers(desk: Desk) -> None:
    body = {"name": "x", "siteId": desk.site}
    nodes = [trigger("LUCK"), node("JUMP")]
    details = refusal(await desk.client.post(JOURNEYS, json=body | {"nodes": nodes}), 400, "VALIDATION_ERROR")
    assert details.keys() == {"nodes.0.config.triggerType", "nodes.1.type"}
    kinds = "CUSTOM_EVENT, ELEMENT_CLICK, MANUAL, URL_MATCH"
    assert details["nodes.0.config.triggerType"] == f"must be one of {kinds}"


# Goal Config ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("event", {"eventName": "signup_completed"}),
        ("page_visit", {"matchType": "contains", "pattern": "/thanks"}),
        ("attribute_match", {"field": "traits.plan", "operator": "eq", "value": "pro"}),
        ("flow_completed", {"flowId": "flow_abc"}),
    ],
)
async def test_a_goal_is_reached(desk: Desk, kind: str, config: Document) -> None:
    config = json.loads(json.dumps(config).replace("flow_abc", desk.flow))
    goal = {"type": kind, "config": config}
    show = node("CONTENT", desk.flow, contentType="flow")
    made = await desk.published(trigger(), show, wait(), leave(), goalConfig=goal)
    assert made["goalConfig"] == goal
    await desk.enroll(made["id"], user := someone())
    match kind:
        case "event":
            await desk.does(user, "CUSTOM", name="signup_completed")
        case "page_visit":
            await desk.does(user, "PAGE_VIEW", url="https://shop.example/thanks")
        case "attribute_match":
            await desk.identify(user, plan="pro")
        case _:
            await desk.reports((await desk.shown(user))[0], "completed")
    assert await desk.statuses(made["id"]) == {user: "goal_reached"}


async def test_who_does_not_reach_the_goal_in_time_abandons_the_journey(desk: Desk) -> None:
    goal = {"type": "event", "config": {"eventName": "signup_completed"}, "deadline": 1}
    made = await desk.published(trigger(), node("WAIT_FOR_EVENT", eventName="never"), leave(), goalConfig=goal)
    assert made["goalConfig"] == goal
    await desk.enroll(made["id"], user := someone())
    for hours, status in ((23, "in_progress"), (2, "abandoned")):
        desk.server.advance(hours=hours)
        await desk.server.drain()
        async with signed_in(desk.server) as later:
            found = ok(await later.get(f"{JOURNEYS}/{made['id']}/enrollments"))
        assert [(each["endUser"]["userId"], each["status"]) for each in found] == [(user, status)]


async def test_a_goal_has_a_type_and_whole_days(desk: Desk) -> None:
    goal = {"type": "event", "config": {"eventName": "x"}}
    body = {"name": "x", "siteId": desk.site}
    for wrong, path in (
        ({"type": "luck"}, "goalConfig.type"),
        ({"deadline": 0.5}, "goalConfig.deadline"),
        ({"deadline": 0}, "goalConfig.deadline"),
        ({"config": {}}, "goalConfig.config.eventName"),
    ):
        refused = await desk.client.post(JOURNEYS, json=body | {"goalConfig": goal | wrong})
        assert refusal(refused, 400, "VALIDATION_ERROR").keys() == {path}


# Get and Update Journey ------------------------------------------------------------------------------------


async def test_a_journey_is_shown_with_nodes_edges_audience_and_counts(desk: Desk) -> None:
    made = await desk.create(trigger(), leave(), audienceId=desk.audience)
    found = await desk.get(made["id"])
    assert [each["type"] for each in found["nodes"]] == ["TRIGGER", "EXIT"]
    first, second = (each["id"] for each in found["nodes"])
    assert found["edges"] == [{"sourceNodeId": first, "targetNodeId": second}]
    assert found["_count"] == {"nodes": 2, "edges": 1, "enrollments": 0}
    assert found["audience"] == ok(await desk.client.get(f"/api/audiences/{desk.audience}"))
    for unknown in (uuid4(), "j_abc123"):
        refusal(await desk.client.get(f"{JOURNEYS}/{unknown}"), 404, "NOT_FOUND")


async def test_an_update_changes_only_what_is_given(desk: Desk) -> None:
    goal = {"type": "event", "config": {"eventName": "signup_completed"}, "deadline": 7}
    made = await desk.create(trigger(), leave(), description="A")
    other = ok(await desk.client.post("/api/sites", json={"name": "Other"}), 201)["id"]
    path, expected = f"{JOURNEYS}/{made['id']}", made
    for change in (
        {"name": "Another"},
        {"siteId": other},
        {"description": "B"},
        {"audienceId": desk.audience},
        {"settings": {"color": "red", "onPause": "hold"}},
        {"goalConfig": goal},
        {"allowAnonymous": True},
        {"description": None},
        {"goalConfig": None},
        {"audienceId": None},
    ):
        changed = ok(await desk.client.patch(path, json=change))
        expected |= change | {"updatedAt": changed["updatedAt"], "audience": changed["audience"]}
        assert changed == expected
        assert (changed["audience"] is None) == (changed["audienceId"] is None)
    for wrong in ({"nodes": []}, {"edges": []}, {"name": None}, {"name": ""}, {"status": "PUBLISHED"}):
        assert refusal(await desk.client.patch(path, json=wrong), 400, "VALIDATION_ERROR").keys() == wrong.keys()
    assert await desk.get(made["id"]) == expected


# Save Canvas ------------------------------------------------------------------------------------------------

CANVAS = """{
"nodes": [
{
"id": "<trigger-node-uuid>",
"type": "TRIGGER",
"config": {
"triggerType": "MANUAL",
"triggerConfig": {}
},
"position": { "x": 0, "y": 0 }
},
{
"id": "<content-node-uuid>",
"type": "CONTENT",
"contentId": "flow_abc",
"config": { "contentType": "flow" },
"position": { "x": 220, "y": 0 }
}
],
"edges": [
{
"sourceNodeId": "<trigger-node-uuid>",
"targetNodeId": "<content-node-uuid>",
"label": "Start"
}
]
}"""


async def test_a_canvas_is_replaced_as_a_whole(desk: Desk) -> None:
    made = await desk.create(trigger("CUSTOM_EVENT", eventName="x"), wait(), leave())
    path = f"{JOURNEYS}/{made['id']}/canvas"
    canvas = filled(CANVAS, **{"<trigger-node-uuid>": str(uuid4()), "<content-node-uuid>": str(uuid4())})
    saved = ok(await desk.client.put(path, json=canvas))
    assert {name: saved[name] for name in canvas} == canvas
    assert saved["_count"] == {"nodes": 2, "edges": 1, "enrollments": 0}
    assert {name: saved[name] for name in ("id", "name", "status", "siteId")} == {
        name: made[name] for name in ("id", "name", "status", "siteId")
    }
    broken = canvas | {"nodes": [canvas["nodes"][0], node("JUMP")]}
    details = refusal(await desk.client.put(path, json=broken), 400, "VALIDATION_ERROR")
    assert details.keys() == {"nodes.1.type"}
    assert await desk.get(made["id"]) == saved
    assert ok(await desk.client.put(path, json={"nodes": [], "edges": []}))["nodes"] == []


async def test_who_stands_on_a_node_that_is_kept_stays_there(desk: Desk) -> None:
    made = await desk.published(trigger(), wait(), leave())
    await desk.enroll(made["id"], user := someone())
    nodes = [{name: each[name] for name in ("id", "type", "config", "position")} for each in made["nodes"]]
    longer = [*nodes, wait() | {"clientId": "more"}]
    edges = [edge(0, 1), edge(1, 3), edge(3, 2)]
    saved = ok(await desk.client.put(f"{JOURNEYS}/{made['id']}/canvas", json={"nodes": longer, "edges": edges}))
    assert [each["id"] for each in saved["nodes"]][:3] == [each["id"] for each in nodes]
    assert await desk.places(made["id"]) == {user: "WAIT"}
    for status in ("in_progress", "completed"):
        desk.server.advance(minutes=11)
        await desk.server.drain()
        assert await desk.statuses(made["id"]) == {user: status}


# Lifecycle --------------------------------------------------------------------------------------------------


async def test_an_archived_journey_is_put_away_and_its_enrollments_stop(desk: Desk) -> None:
    made = await desk.published(trigger(), wait(), leave())
    await desk.enroll(made["id"], user := someone())
    assert ok(await desk.client.delete(f"{JOURNEYS}/{made['id']}"))["status"] == "ARCHIVED"
    await desk.server.drain()
    assert await desk.statuses(made["id"]) == {user: "stopped"}
    assert (await desk.get(made["id"]))["status"] == "ARCHIVED"
    assert (await desk.step(made["id"], "restore"))["status"] == "DRAFT"
    refusal(await desk.client.post(f"{JOURNEYS}/{made['id']}/restore"), 409, "INVALID_STATE")


async def test_publishing_enrolls_whom_the_audience_describes_now_and_later(desk: Desk) -> None:
    pro, free, later = someone(), someone(), someone()
    plan = {"value": uuid4().hex}
    tree = {"field": "traits.plan", "operator": "eq"} | plan
    ok(await desk.client.patch(f"/api/audiences/{desk.audience}", json={"ruleTree": tree}))
    await desk.identify(pro, plan=plan["value"])
    await desk.identify(free, plan="free")
    made = await desk.published(trigger(), wait(), leave(), audienceId=desk.audience)
    assert made["status"] == "PUBLISHED"
    assert (await desk.statuses(made["id"])).keys() == {pro}
    await desk.identify(later, plan=plan["value"])
    desk.server.advance(minutes=5)
    await desk.server.drain()
    assert (await desk.statuses(made["id"])).keys() == {pro, later}


@pytest.mark.parametrize(
    ("step", "status", "settings", "after"),
    [
        ("unpublish", "DRAFT", {}, "completed"),
        ("pause", "PAUSED", {}, "completed"),
        ("pause", "PAUSED", {"onPause": "hold"}, "in_progress"),
    ],
)
async def test_nobody_comes_in_but_who_is_inside_goes_on(
    desk: Desk, step: str, status: str, settings: Document, after: str
) -> None:
    made = await desk.published(trigger("CUSTOM_EVENT", eventName="x"), wait(), leave(), settings=settings)
    await desk.does(inside := someone(), "CUSTOM", name="x")
    assert (await desk.step(made["id"], step))["status"] == status
    await desk.does(someone(), "CUSTOM", name="x")
    desk.server.advance(minutes=11)
    await desk.server.drain()
    assert await desk.statuses(made["id"]) == {inside: after}
    assert (await desk.step(made["id"], "publish"))["status"] == "PUBLISHED"


async def test_each_step_is_possible_from_where_it_makes_sense(desk: Desk) -> None:
    made = await desk.create(trigger(), leave())
    path = f"{JOURNEYS}/{made['id']}"
    possible = {
        "DRAFT": {"publish"},
        "PUBLISHED": {"unpublish", "pause"},
        "PAUSED": {"publish", "unpublish"},
        "ARCHIVED": {"restore"},
    }
    for status, reach in (("DRAFT", None), ("PUBLISHED", "publish"), ("PAUSED", "pause"), ("ARCHIVED", None)):
        if reach:
            await desk.step(made["id"], reach)
        elif status == "ARCHIVED":
            ok(await desk.client.delete(path))
        for step in {"publish", "unpublish", "pause", "restore"} - possible[status]:
            refusal(await desk.client.post(f"{path}/{step}"), 409, "INVALID_STATE")
        assert (await desk.get(made["id"]))["status"] == status


async def test_publishing_tells_every_problem(desk: Desk) -> None:
    made = await desk.create(
        *(trigger(), node("CONTENT"), node("SPLIT", branches=[{"label": "a", "percentage": 30}] * 1
           + [{"label": "b", "percentage": 30}]), wait(), leave()),
        edges=[edge(0, 1), edge(1, 2), edge(2, 4, "a"), edge(2, 4, "c")],
    )  # fmt: skip
    details = refusal(await desk.client.post(f"{JOURNEYS}/{made['id']}/publish"), 400, "VALIDATION_ERROR")
    assert {path.split(".")[1] for path in details if path.startswith("nodes.")} >= {"1", "2", "3"}, details
    assert (await desk.get(made["id"]))["status"] == "DRAFT"
    empty = await desk.create()
    assert refusal(await desk.client.post(f"{JOURNEYS}/{empty['id']}/publish"), 400, "VALIDATION_ERROR")


# List Enrollments -------------------------------------------------------------------------------------------

ENROLLMENTS = """{
"data": [
{
"id": "enroll_abc",
"journeyId": "j_abc123",
"endUserId": "eu_456",
"status": "in_progress",
"enrolledAt": "2025-01-12T10:00:00Z",
"endUser": { "id": "eu_456", "traits": { "role": "admin" } }
}
],
"meta": { "total": 128, "page": 1, "limit": 20, "totalPages": 7 }
}"""


async def test_enrollments_have_the_documented_shape(desk: Desk) -> None:
    made = await desk.published(trigger(), wait(), leave())
    path = f"{JOURNEYS}/{made['id']}/enrollments"
    users = [someone() for _ in range(128)]
    await desk.identify(users[0], role="admin")
    for crowd in (users[:1], users[1:]):
        await desk.enroll(made["id"], *crowd)
        desk.server.advance(seconds=61)
    answer = (await desk.client.get(path)).json()
    assert (len(answer["data"]), answer["meta"]) == (20, json.loads(ENROLLMENTS)["meta"])
    answer = (await desk.client.get(path, params={"page": "128", "limit": "1"})).json()
    (found,) = answer["data"]
    (documented,) = filled(ENROLLMENTS, enroll_abc=found["id"], j_abc123=made["id"], eu_456=found["endUserId"])["data"]
    assert INSTANT.fullmatch(found["enrolledAt"])
    documented["enrolledAt"] = found["enrolledAt"]
    assert documented["endUser"].items() <= found.pop("endUser").items()
    del documented["endUser"]
    assert documented.items() <= found.items()
    assert found["currentNodeId"] == made["nodes"][1]["id"]
    assert (await desk.get(made["id"]))["_count"]["enrollments"] == 128
    assert (await desk.client.get(path, params={"status": "completed"})).json()["meta"]["total"] == 0
    assert refusal(await desk.client.get(path, params={"status": "lost"}), 400, "VALIDATION_ERROR").keys() == {"status"}


async def test_one_enrollment_is_stopped(desk: Desk) -> None:
    made = await desk.published(trigger(), wait(), leave())
    await desk.enroll(made["id"], one := someone(), other := someone())
    path = f"{JOURNEYS}/{made['id']}/enrollments"
    ids = {each["endUser"]["userId"]: each["id"] for each in ok(await desk.client.get(path))}
    ok(await desk.client.delete(f"{path}/{ids[one]}"))
    await desk.server.drain()
    assert await desk.statuses(made["id"]) == {one: "stopped", other: "in_progress"}
    for unknown in (uuid4(), "enroll_abc"):
        refusal(await desk.client.delete(f"{path}/{unknown}"), 404, "NOT_FOUND")


# Whatever somebody sends -----------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["x", "0", "1", "7", "event", "pro", "/dash", "(a+)+$", "[", "true", "success", "timeout", "minutes", "days",
     "AND", "OR", "eq", "in", "regex", "exists", "contains", "traits.plan", "events.x.count", "userId",
     "2026-05-01T09:00:00Z", "2026-05-01", "once", "hold", "", "\0", "💡" * 300]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 60), st.sampled_from([2**31, 2**63, 10**30, -1, 0.5, 1e300]), WORDS
)
NAMES = st.sampled_from(
    ["triggerType", "triggerConfig", "matchType", "pattern", "eventName", "conditions", "selector", "contentType",
     "timeout", "duration", "unit", "until", "branches", "label", "ruleTree", "logicalOperator", "rules", "field",
     "operator", "value", "values", "attribute", "percentage", "percent", "goalConfig", "type", "config", "deadline",
     "outcome", "flowId", "content", "weekday", "days", "time", "filter", "subject", "text", "onPause", "reentry",
     "mode", "cooldownHours", "x"]
)  # fmt: skip
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=15
)
RULES = st.recursive(
    st.fixed_dictionaries({"field": WORDS, "operator": WORDS, "value": LEAVES | st.lists(LEAVES, max_size=3)}),
    lambda inner: st.fixed_dictionaries({"logicalOperator": WORDS, "rules": st.lists(inner, max_size=3)}),
    max_leaves=5,
)


def span() -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries({"duration": st.integers(-1, 10**9), "unit": WORDS})


CONFIGS: Mapping[str, st.SearchStrategy[Document]] = {
    "TRIGGER": st.one_of(
        st.just({"triggerType": "MANUAL", "triggerConfig": {}}),
        st.fixed_dictionaries(
            {
                "triggerType": st.just("URL_MATCH"),
                "triggerConfig": st.fixed_dictionaries(
                    {"matchType": st.sampled_from(["exact", "contains", "regex"]), "pattern": WORDS}
                ),
            }
        ),
        st.fixed_dictionaries(
            {
                "triggerType": st.just("CUSTOM_EVENT"),
                "triggerConfig": st.fixed_dictionaries(
                    {"eventName": WORDS}, optional={"conditions": st.lists(ANYTHING, max_size=2)}
                ),
            }
        ),
        st.fixed_dictionaries(
            {"triggerType": st.just("ELEMENT_CLICK"), "triggerConfig": st.fixed_dictionaries({"selector": WORDS})}
        ),
    ),
    "CONTENT": st.fixed_dictionaries({"contentType": st.just("flow")}, optional={"timeout": span()}),
    "WAIT": st.one_of(span(), st.fixed_dictionaries({"until": WORDS})),
    "WAIT_FOR_EVENT": st.fixed_dictionaries({"eventName": WORDS}, optional={"timeout": span()}),
    "CONDITION": st.one_of(
        st.fixed_dictionaries({"ruleTree": RULES}),
        st.fixed_dictionaries(
            {"branches": st.lists(st.fixed_dictionaries({"label": WORDS, "ruleTree": RULES}), max_size=3)}
        ),
    ),
    "SPLIT": st.fixed_dictionaries(
        {"branches": st.lists(st.fixed_dictionaries({"label": WORDS, "percentage": LEAVES}), max_size=3)}
    ),
    "GOAL_CHECK": st.just({}) | st.fixed_dictionaries({"goalConfig": ANYTHING}),
    "EXIT": st.just({}) | st.fixed_dictionaries({"outcome": WORDS}),
    "SEND_EMAIL": st.dictionaries(NAMES, ANYTHING, max_size=3),
    "BOOLEAN_SPLITTER": st.fixed_dictionaries({"filter": WORDS}),
}
SOME_NODE = st.sampled_from(sorted(CONFIGS)).flatmap(
    lambda kind: st.fixed_dictionaries(
        {
            "type": st.just(kind),
            "config": st.one_of(*[CONFIGS[kind]] * 4, st.dictionaries(NAMES, ANYTHING, max_size=3)),
        },
        optional={"contentId": WORDS} if kind == "CONTENT" else {"title": WORDS},
    )
)
PLACES = st.sampled_from("0011223")
SOME_EDGE = st.fixed_dictionaries(
    {"sourceNodeId": PLACES, "targetNodeId": PLACES}, optional={"label": WORDS, "output": st.just("default")}
)
SOME_JOURNEY = st.fixed_dictionaries(
    {
        "name": WORDS.filter(bool),
        "nodes": st.lists(SOME_NODE, min_size=3, max_size=4),
        "edges": st.lists(SOME_EDGE, max_size=4),
    },
    optional={
        "allowAnonymous": st.booleans(),
        "settings": st.dictionaries(NAMES, ANYTHING, max_size=3),
        "description": WORDS,
        "goalConfig": st.fixed_dictionaries(
            {
                "type": st.sampled_from(["event", "page_visit", "attribute_match", "flow_completed"]),
                "config": st.dictionaries(NAMES, ANYTHING, max_size=3),
            },
            optional={"deadline": LEAVES},
        ),
    },
)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=SOME_JOURNEY, rule=RULES | ANYTHING)
async def test_no_journey_upsets_the_server(desk: Desk, body: Document, rule: Any) -> None:
    made = await desk.client.post(JOURNEYS, json=body | {"siteId": desk.site})
    asked = [made]
    if made.is_success:
        path = f"{JOURNEYS}/{made.json()['data']['id']}"
        kept = {name: made.json()["data"][name] for name in ("nodes", "edges")}
        again = await desk.client.put(f"{path}/canvas", json=kept)
        assert {name: ok(again)[name] for name in kept} == kept
        asked += [await desk.client.post(f"{path}/{step}") for step in ("publish", "clone")]
        asked += [await desk.client.get(f"{path}/{part}") for part in ("enrollments", "analytics")]
        await desk.server.drain()
        asked.append(await desk.client.delete(path))
    asked.append(await desk.client.post("/api/audiences/preview", json={"ruleTree": rule}))
    assert [each.text for each in asked if each.status_code >= 500] == []
