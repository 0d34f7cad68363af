"""Journeys of the journeys dialect: drawn, changed, published, lived through, and shown."""

from typing import Any

import httpx
import pytest

from sojourn.model.points import EventGoal, JourneyGoal
from sojourn.service.commands import Caller, EditJourney, GetJourney, PostEvent, Subject
from sojourn.service.service import Service
from tests.conformance.conftest import APP, TOKEN, Site
from tests.conformance.journeys_client import browser, ok, refusal, signed_in

TREE = {"field": "plan", "operator": "eq", "value": "pro"}
NODES = [
    {"type": "TRIGGER", "config": {"triggerType": "MANUAL"}, "position": {"x": 0, "y": 0}},
    {"type": "WAIT", "config": {"duration": 1, "unit": "minutes"}, "position": {"x": 200, "y": 0}},
    {"type": "EXIT", "config": {"outcome": "welcomed"}, "position": {"x": 400, "y": 0}},
]
EDGES = [
    {"sourceNodeId": "0", "targetNodeId": "1"},
    {"sourceNodeId": "1", "targetNodeId": "2", "label": "Later"},
]


async def site_of(client: httpx.AsyncClient) -> str:
    return (await client.get("/api/sites")).json()["data"][0]["id"]


async def draft(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    body = {"name": "Welcome", "siteId": await site_of(client), "nodes": NODES, "edges": EDGES} | changes
    return ok(await client.post("/api/journeys", json=body), 201)


async def test_a_journey_is_drawn_changed_and_cloned(site: Site) -> None:
    async with signed_in(site, "editor") as client:
        audience = ok(await client.post("/api/audiences", json={"name": "Pro", "ruleTree": TREE}), 201)
        made = await draft(client, settings={"onPause": "hold", "theme": "dark"}, audienceId=audience["id"])
        path = f"/api/journeys/{made['id']}"
        assert made["_count"] == {"nodes": 3, "edges": 2, "enrollments": 0}
        assert made["audience"] == audience
        assert made["settings"] == {"onPause": "hold", "theme": "dark"}
        assert ok(await client.get(path)) == made

        goal = {"type": "event", "config": {"eventName": "bought"}, "deadline": 7}
        changed = ok(await client.patch(path, json={"goalConfig": goal, "audienceId": None, "description": "Hello"}))
        assert (changed["goalConfig"], changed["audienceId"], changed["audience"]) == (goal, None, None)
        assert (changed["description"], changed["name"], changed["nodes"]) == ("Hello", "Welcome", made["nodes"])
        assert ok(await client.patch(path, json={"allowAnonymous": True}))["allowAnonymous"] is True
        assert ok(await client.patch(path, json={"allowAnonymous": None}))["allowAnonymous"] is False
        cleared = ok(await client.patch(path, json={"goalConfig": None, "description": None, "settings": None}))
        assert (cleared["goalConfig"], cleared["description"], cleared["settings"]) == (None, None, {})

        canvas = {"nodes": made["nodes"][:1], "edges": []}
        saved = ok(await client.put(f"{path}/canvas", json=canvas))
        assert (saved["nodes"], saved["edges"], saved["settings"]) == (made["nodes"][:1], [], {})

        whole = {"nodes": made["nodes"], "edges": made["edges"]}
        assert ok(await client.put(f"{path}/canvas", json=whole))["edges"] == made["edges"]
        copy = ok(await client.post(f"{path}/clone"), 201)
        assert copy["name"] == "Welcome (copy)"
        assert [each["config"] for each in copy["nodes"]] == [each["config"] for each in made["nodes"]]
        assert not {each["id"] for each in copy["nodes"]} & {each["id"] for each in made["nodes"]}
        assert [each.get("label") for each in copy["edges"]] == [None, "Later"]


async def test_journeys_are_listed_by_status_site_and_name(site: Site) -> None:
    async with signed_in(site, "editor") as client:
        one, two = await draft(client), await draft(client, name="Farewell")
        answer = (await client.get("/api/journeys", params={"limit": "1"})).json()
        assert [each["id"] for each in answer["data"]] == [two["id"]]
        assert answer["meta"] == {"total": 2, "page": 1, "limit": 1, "totalPages": 2}
        ok(await client.delete(f"/api/journeys/{two['id']}"))
        listed = ok(await client.get("/api/journeys", params={"siteId": one["siteId"]}))
        assert [each["id"] for each in listed] == [one["id"]]
        assert listed[0].keys() == one.keys() - {"nodes", "edges", "audience"}
        archived = ok(await client.get("/api/journeys", params={"status": "ARCHIVED", "search": "fare"}))
        assert [each["status"] for each in archived] == ["ARCHIVED"]
        assert ok(await client.get("/api/journeys", params={"siteId": one["id"]})) == []


async def test_what_is_wrong_with_a_draft_is_told_at_its_places(site: Site) -> None:
    async with signed_in(site, "editor") as client:
        body = {
            "name": "",
            "siteId": await site_of(client),
            "nodes": [{"type": "TRIGGER", "config": {"triggerType": "NOW"}}],
            "edges": [{"sourceNodeId": "0", "targetNodeId": "9"}],
        }
        wrong = body | {"siteId": 7, "settings": {"onPause": "x"}, "goalConfig": {"type": "event", "deadline": 0}}
        details = refusal(await client.post("/api/journeys", json=wrong), 400, "VALIDATION_ERROR")
        drawn = {"nodes.0.config.triggerType", "edges.0.targetNodeId"}
        said = {"settings.onPause", "goalConfig.deadline", "goalConfig.config.eventName"}
        assert details.keys() == {"name", "siteId"} | drawn | said
        details = refusal(await client.post("/api/journeys", json=body | {"name": "x"}), 400, "VALIDATION_ERROR")
        assert details.keys() == drawn
        details = refusal(
            await client.post(
                "/api/journeys", json={"name": "x", "siteId": body["siteId"], "goalConfig": {"type": "?"}}
            ),
            400,
            "VALIDATION_ERROR",
        )
        assert details.keys() == {"goalConfig.type"}
        hers = f"/api/journeys/{(await draft(client))['id']}"
        details = refusal(await client.patch(hers, json={"name": "", "goalConfig": {}}), 400, "VALIDATION_ERROR")
        assert details.keys() == {"name", "goalConfig.type"}
        unknown = "0b9e2c61-6a0e-4e0f-8f7e-1d1f0a5f8d11"
        refusal(await client.post("/api/journeys", json={"name": "x", "siteId": unknown}), 404, "NOT_FOUND")

        hole = await draft(client, edges=EDGES[:1])
        details = refusal(await client.post(f"/api/journeys/{hole['id']}/publish"), 400, "VALIDATION_ERROR")
        assert any(path.startswith("nodes.1") for path in details), details
        assert any(path.startswith("nodes.2") for path in details), details


async def test_what_keeps_a_draft_from_being_published_is_said_in_the_words_of_nodes(site: Site) -> None:
    matching = {"matchType": "regex", "pattern": "(a+)+"}
    nodes = [
        {"type": "TRIGGER", "config": {"triggerType": "URL_MATCH", "triggerConfig": matching}},
        {"type": "CONTENT"},
        {"type": "WAIT"},
        {"type": "CONDITION", "config": {"ruleTree": {"field": "plan", "operator": "like"}}},
        {"type": "WAIT_FOR_EVENT", "config": {"eventName": "order", "timeout": {"duration": 1, "unit": "days"}}},
        {"type": "WAIT", "config": {"time_of_day": {"time": "09:00", "timezone": "Nowhere"}}},
        {"type": "EXIT"},
    ]
    labels = {(3, 4): "true", (3, 6): "maybe"}
    ends = [(0, 1), (1, 2), (2, 3), (3, 4), (3, 6), (4, 5), (5, 6)]
    edges = [{"sourceNodeId": str(a), "targetNodeId": str(b), "label": labels.get((a, b))} for a, b in ends]
    async with signed_in(site, "editor") as client:
        made = await draft(
            client,
            nodes=nodes,
            edges=edges,
            settings={"reentry": {"mode": "cooldown"}},
            goalConfig={"type": "page_visit", "config": {"matchType": "regex", "pattern": "(b+)+"}},
        )
        answer = await client.post(f"/api/journeys/{made['id']}/publish")
        details = refusal(answer, 400, "VALIDATION_ERROR")
        assert details.keys() == {
            "nodes.0.config.triggerConfig.pattern",
            "nodes.1.contentId",
            "nodes.2.config",
            "nodes.3",
            "nodes.3.config.ruleTree.operator",
            "nodes.4",
            "nodes.5.config.time_of_day.timezone",
            "settings.reentry.cooldownHours",
            "goalConfig.config.pattern",
        }
        assert details["nodes.2.config"] == "either duration and unit or until is needed"
        assert details["nodes.4"] == "output `timeout` leads nowhere"
        told = [each["message"] for each in answer.json()["error"]["details"] if each["path"] == "nodes.3"]
        assert told == ["there is no output `maybe`; the outputs are: true, false", "output `false` leads nowhere"]


async def test_a_step_that_the_status_forbids_is_refused_in_the_words_of_its_route(site: Site) -> None:
    async with signed_in(site, "editor") as client:
        path = f"/api/journeys/{(await draft(client))['id']}"
        answer = await client.post(f"{path}/pause")
        refusal(answer, 409, "INVALID_STATE")
        assert answer.json()["error"]["message"] == "cannot pause journey in status DRAFT"
        ok(await client.delete(path))
        answer = await client.post(f"{path}/publish")
        assert answer.json()["error"]["message"] == "cannot publish journey in status ARCHIVED"


async def test_a_goal_named_while_its_numbers_are_counted_has_no_rate_yet(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Service.run

    async def racing(service: Service, caller: Caller, command: Any) -> Any:
        if isinstance(command, GetJourney):
            goal = JourneyGoal(event=EventGoal(event_name="bought"))
            await run(service, caller, EditJourney(journey=command.journey, goal=goal))
        return await run(service, caller, command)

    async with signed_in(site, "editor") as client:
        made = await draft(client)
        monkeypatch.setattr(Service, "run", racing)
        assert ok(await client.get(f"/api/journeys/{made['id']}/analytics"))["goalRate"] is None


async def test_edges_of_one_node_to_one_other_are_told_apart_in_analytics(site: Site) -> None:
    branches = [{"label": label, "ruleTree": TREE} for label in ("paid", "promised")]
    nodes = [NODES[0], {"type": "CONDITION", "config": {"branches": branches}}, {"type": "EXIT"}]
    ends = [(0, 1, None), (1, 2, "paid"), (1, 2, "promised"), (1, 2, None)]
    edges = [{"sourceNodeId": str(a), "targetNodeId": str(b), "label": label} for a, b, label in ends]
    async with signed_in(site, "editor") as client:
        path = f"/api/journeys/{(await draft(client, nodes=nodes, edges=edges))['id']}"
        numbers = ok(await client.get(f"{path}/analytics"))
        assert [each.get("label") for each in numbers["edges"]] == [None, "paid", "promised", None]


async def test_the_goal_rate_is_that_of_the_journeys_goal(site: Site) -> None:
    own = {"goalConfig": {"type": "event", "config": {"eventName": "looked"}}}
    nodes = [NODES[0], {"type": "GOAL_CHECK", "config": own}, NODES[1], {"type": "EXIT"}]
    edges = [
        {"sourceNodeId": str(a), "targetNodeId": str(b), "label": label}
        for a, b, label in ((0, 1, None), (1, 3, "success"), (1, 2, "fallback"), (2, 3, None))
    ]
    goal = {"type": "event", "config": {"eventName": "bought"}}
    async with signed_in(site, "editor") as client:
        made = await draft(client, nodes=nodes, edges=edges, goalConfig=goal, settings={"exitOnGoal": False})
        path = f"/api/journeys/{made['id']}"
        ok(await client.post(f"{path}/publish"))
        ok(await client.post(f"{path}/enrollments", json={"userIds": ["ada", "bob", "cid", "dan"]}), 202)
        await site.drain()
        assert ok(await client.get(f"{path}/analytics"))["goalRate"] == 0
        ((workspace,),) = await site.rows("select workspace_id from workspace where name = 'default'")
        for user, event in (("ada", "looked"), ("bob", "looked"), ("ada", "bought")):
            await site.service.run(
                Caller(workspace_id=workspace),
                PostEvent(application_code=APP, subject=Subject(user_id=user), name=event, attributes={}),
            )
        await site.drain()
        assert ok(await client.get(f"{path}/analytics"))["goalRate"] == 25
        ok(await client.patch(path, json={"goalConfig": None}))
        assert ok(await client.get(f"{path}/analytics"))["goalRate"] is None


async def test_people_are_enrolled_listed_counted_and_stopped(site: Site) -> None:
    async with signed_in(site, "editor") as client:
        made = await draft(client)
        path = f"/api/journeys/{made['id']}"
        refusal(await client.post(f"{path}/enrollments", json={"userIds": ["ada"]}), 409, "INVALID_STATE")
        assert ok(await client.post(f"{path}/publish"))["status"] == "PUBLISHED"
        refusal(await client.post(f"{path}/publish"), 409, "INVALID_STATE")
        refusal(await client.post(f"{path}/enrollments", json={}), 400, "VALIDATION_ERROR")
        for names in ("userIds", "anonymousIds"):
            answer = await client.post(f"{path}/enrollments", json={names: ["x", ""]})
            assert refusal(answer, 400, "VALIDATION_ERROR") == {f"{names}.1": "an id is not empty"}
        for names in (["ada", "bob"], ["cleo"]):
            ok(await client.post(f"{path}/enrollments", json={"userIds": names}), 202)
            await site.drain()

        listed = (await client.get(f"{path}/enrollments")).json()
        assert listed["meta"]["total"] == 3
        assert {each["endUser"]["userId"] for each in listed["data"]} == {"ada", "bob", "cleo"}
        first = listed["data"][0]
        assert (first["status"], first["journeyId"], first["completedAt"]) == ("in_progress", made["id"], None)
        assert (first["currentNodeId"], first["endUserId"]) == (made["nodes"][1]["id"], first["endUser"]["id"])

        ok(await client.delete(f"{path}/enrollments/{first['id']}"))
        await site.drain()
        refusal(await client.delete(f"{path}/enrollments/{first['id']}"), 404, "NOT_FOUND")
        (stopped,) = ok(await client.get(f"{path}/enrollments", params={"status": "stopped"}))
        assert (stopped["id"], stopped["outcome"]) == (first["id"], "stopped by hand")
        inside = (await client.get(f"{path}/enrollments", params={"status": "in_progress", "limit": "1"})).json()
        assert (len(inside["data"]), inside["meta"]["total"]) == (1, 2)

        site.advance(minutes=2)
        await site.drain()
        done = ok(await client.get(f"{path}/enrollments", params={"status": "completed"}))
        assert [each["outcome"] for each in done] == ["welcomed"] * 2
        numbers = ok(await client.get(f"{path}/analytics"))
        assert (numbers["entered"], numbers["waiting"]) == (3, 0)
        assert [each["passed"] for each in numbers["edges"]] == [3, 2]
        assert [each["entered"] for each in numbers["nodes"]] == [3, 3, 2]
        for period, entered in (
            ({"startDate": "2026-03-01", "endDate": "2026-03-01"}, 3),
            ({"startDate": "2026-03-02"}, 0),
            ({"endDate": "2026-02-28"}, 0),
            ({"startDate": "2026-03-01T12:00:00Z", "endDate": "2026-03-01T14:00:00+01:00"}, 3),
        ):
            assert ok(await client.get(f"{path}/analytics", params=period))["entered"] == entered
        for wrong in ("yesterday", "2026-02-30", "2026-03-01T12:00:00", "9999-12-31"):
            answer = await client.get(f"{path}/analytics", params={"endDate": wrong})
            assert refusal(answer, 400, "VALIDATION_ERROR").keys() == {"endDate"}
        (shown,) = ok(await client.get("/api/journeys", params={"status": "PUBLISHED"}))
        assert shown["_count"]["enrollments"] == 3


def by_api(**params: Any) -> dict[str, Any]:
    """A document of the gateway: people come in by API, and go."""
    first, last = (f"0b9e2c61-6a0e-4e0f-8f7e-1d1f0a5f8d1{number}" for number in (1, 2))
    entry = {"uuid": first, "point_type": "POINT_TYPE_START_BY_API", "point_data": {"start_by_api": {}}}
    wired = entry | {"outputs": {"default": {"info": {"next_point_uuid": last}}}}
    end = {"uuid": last, "point_type": "POINT_TYPE_EXIT", "point_data": {"exit": {}}}
    return {"title": "By API", "params": {"application_code": APP} | params, "points": [wired, end]}


async def test_settings_that_say_nothing_of_reentry_leave_it_to_the_entries_of_the_gateway(site: Site) -> None:
    async with signed_in(site, "editor") as client, browser(site, Authorization=f"Api {TOKEN}") as gateway:
        made = (await gateway.post("/api/v3/journeygateway", json=by_api())).json()
        path = f"/api/journeys/{made['info']['uuid']}"
        ok(await client.post(f"{path}/publish"))

        async def enrolled() -> int:
            ok(await client.post(f"{path}/enrollments", json={"userIds": ["ada"]}), 202)
            await site.drain()
            return ok(await client.get(path))["_count"]["enrollments"]

        async def params() -> dict[str, Any]:
            return (await gateway.get(f"/api/v3/journeygateway/{made['info']['uuid']}")).json()["info"]["params"]

        assert await enrolled() == 1
        for number, said in enumerate(({}, {"theme": "dark"}, {"onPause": "hold"}, None), start=2):
            assert ok(await client.patch(path, json={"settings": said}))["settings"] == (said or {})
            assert await enrolled() == number
            assert ("conduct" in await params()) == bool(said), "settings that say nothing are none"
        once = {"theme": "dark", "reentry": {"mode": "once"}}
        assert ok(await client.patch(path, json={"settings": once}))["settings"] == once
        assert await enrolled() == 5
        ok(await client.patch(path, json={"settings": {}}))
        assert await enrolled() == 5, "what was shown, and is left out, is not said any more: once, by default"


async def test_a_goal_that_says_nothing_is_shown_as_one(site: Site) -> None:
    async with signed_in(site, "editor") as client, browser(site, Authorization=f"Api {TOKEN}") as gateway:
        made = (await gateway.post("/api/v3/journeygateway", json=by_api(goal={"deadline_days": 7}))).json()
        path = f"/api/journeys/{made['info']['uuid']}"
        shown = ok(await client.get(path))
        assert shown["goalConfig"] == {"type": None, "config": {}, "deadline": 7}
        ok(await client.patch(path, json={"goalConfig": shown["goalConfig"]}))
        again = (await gateway.get(f"/api/v3/journeygateway/{made['info']['uuid']}")).json()
        assert again["info"]["params"] == made["info"]["params"]
        details = refusal(await client.post(f"{path}/publish"), 400, "VALIDATION_ERROR")
        assert details.keys() == {"goalConfig"}


async def test_a_journey_is_paused_unpublished_archived_and_restored(site: Site) -> None:
    async with signed_in(site, "editor") as client:
        path = f"/api/journeys/{(await draft(client))['id']}"
        ok(await client.post(f"{path}/publish"))
        ok(await client.post(f"{path}/enrollments", json={"userIds": ["ada"]}), 202)
        await site.drain()
        for step, status in (("pause", "PAUSED"), ("publish", "PUBLISHED"), ("unpublish", "DRAFT")):
            assert ok(await client.post(f"{path}/{step}"))["status"] == status
            await site.drain()
        (inside,) = ok(await client.get(f"{path}/enrollments"))
        assert inside["status"] == "in_progress"
        site.advance(minutes=2)
        await site.drain()
        (gone,) = ok(await client.get(f"{path}/enrollments"))
        assert gone["status"] == "completed"
        assert ok(await client.delete(path))["status"] == "ARCHIVED"
        refusal(await client.put(f"{path}/canvas", json={"nodes": []}), 409, "INVALID_STATE")
        assert ok(await client.post(f"{path}/restore"))["status"] == "DRAFT"


async def test_an_audience_is_made_previewed_changed_and_deleted(site: Site) -> None:
    async with signed_in(site, "admin") as client:
        made = ok(await client.post("/api/audiences", json={"name": "Pro", "ruleTree": TREE, "description": "p"}), 201)
        path = f"/api/audiences/{made['id']}"
        assert (made["ruleTree"], made["filter"]) == (TREE, 'T("plan", EQ, "pro", exact)')
        refusal(await client.post("/api/audiences", json={"name": "Pro", "ruleTree": TREE}), 409, "CONFLICT")
        assert ok(await client.post("/api/audiences/preview", json={"ruleTree": TREE})) == {"count": 0, "sample": []}
        plain = {"name": "Plain", "ruleTree": TREE, "description": None}
        assert ok(await client.post("/api/audiences", json=plain), 201)["description"] == ""
        details = refusal(
            await client.post("/api/audiences/preview", json={"ruleTree": {"field": "plan", "operator": "like"}}),
            400,
            "VALIDATION_ERROR",
        )
        assert details.keys() == {"ruleTree.operator"}
        changed = ok(await client.patch(path, json={"name": "Payers"}))
        assert (changed["name"], changed["ruleTree"], changed["description"]) == ("Payers", TREE, "p")
        assert ok(await client.get("/api/audiences", params={"search": "pay"})) == [changed]
        used = await draft(client, audienceId=made["id"])
        refusal(await client.delete(path), 409, "CONFLICT")
        ok(await client.delete(f"/api/journeys/{used['id']}"))
        ok(await client.delete(path))
        refusal(await client.get(path), 404, "NOT_FOUND")
