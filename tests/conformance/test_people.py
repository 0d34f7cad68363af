"""People over HTTP: who they are, their timeline, and why they are in a journey or not."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from sojourn.service.commands import Alias, Caller
from tests.conformance.conftest import APP, DEVICE_TOKEN, THEIR_APP, THEIR_TOKEN, TOKEN, Site

PEOPLE = "/api/v3/people"


async def ingest(http: httpx.AsyncClient, method: str, **request: Any) -> None:
    response = await http.post(f"/json/1.3/{method}", json={"request": {"application": APP} | request})
    assert response.json()["status_code"] == 200, response.text


async def tag(http: httpx.AsyncClient, user: str, **tags: Any) -> None:
    await ingest(http, "setTags", userId=user, hwid=user, tags=tags)


def point(title: str, kind: str, data: dict[str, Any], **outputs: str) -> dict[str, Any]:
    return {
        "uuid": title_uuid(title),
        "title": title,
        "point_type": f"POINT_TYPE_{kind.upper()}",
        "point_data": {"message_bus" if kind == "event" else kind: data},
        "outputs": {name: {"info": {"next_point_uuid": title_uuid(to)}} for name, to in outputs.items()},
    }


NAMES: dict[str, str] = {}


def title_uuid(title: str) -> str:
    return NAMES.setdefault(title, str(uuid4()))


async def start(http: httpx.AsyncClient, **params: Any) -> str:
    """Start a journey: buyers from London are thanked at once, others wait for a review."""
    counting = [{"tag": "buys", "operation": "INCREMENT", "value": 1}]
    twice_in_london = 'T("City", EQ, "London") * T("buys", GTE, 2)'
    reviewed = [{"operator": "OR", "events": [{"event_name": "review"}]}]
    waiting = {"period_seconds": 3600, "branches": reviewed}
    points = [
        point("bought", "event", {"event_name": "buy", "event_conditions": [BIG]}, default="count"),
        point("count", "update_profile", {"operations": counting}, default="london"),
        point("london", "boolean_splitter", {"filter": twice_in_london}, output1="thanks", default="review"),
        point("review", "wait_for_trigger", waiting, output1="end", default="end"),
        point("thanks", "exit", {"outcome": "thanked"}),
        point("end", "exit", {"outcome": ""}),
    ]  # fmt: skip
    body = {"title": "Buyers", "params": {"application_code": APP} | params, "points": points}
    made = await http.post("/api/v3/journeygateway", json=body)
    assert made.status_code == 200, made.text
    uuid = made.json()["info"]["uuid"]
    started = await http.post("/api/v3/journeygateway/start", json={"uuid": uuid})
    assert started.status_code == 200, started.text
    return uuid


BIG = {"attribute": "amount", "operator": "GTE", "values": [10]}


async def get(http: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await http.get(f"{PEOPLE}{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def live(http: httpx.AsyncClient, site: Site) -> str:
    """Let somebody with a past buy twice, coming from London in between."""
    await tag(http, "ada", City="Paris", buys=0)
    await site.drain()
    journey = await start(http)
    site.advance(minutes=1)
    for amount in (3, 30):
        await ingest(http, "postEvent", userId="ada", hwid="ada", event="buy", attributes={"amount": amount})
    await site.drain()
    site.advance(hours=2)
    await site.drain()
    site.advance(minutes=1)
    await tag(http, "ada", City="London")
    await site.drain()
    return journey


async def test_a_person_is_shown_with_when_attributes_changed(http: httpx.AsyncClient, site: Site) -> None:
    await live(http, site)
    shown = await get(http, "/ada")
    assert shown["attributes"] == {
        "City": {"value": "London", "changed_at": "2026-03-01T14:02:00Z"},
        "buys": {"value": 1, "changed_at": "2026-03-01T12:01:00Z"},
    }
    assert [(each["kind"], each["value"]) for each in shown["identities"]] == [("hwid", "ada"), ("user_id", "ada")]
    assert (shown["user_id"], shown["application_codes"], shown["is_waiting"]) == ("ada", [APP], False)
    assert (await get(http, "/ada", by="hwid"))["user_id"] == "ada"


async def test_a_timeline_tells_everything_newest_first(http: httpx.AsyncClient, site: Site) -> None:
    journey = await live(http, site)
    page = await get(http, "/ada/timeline")
    kinds = [item["kind"] for item in page["items"]]
    assert kinds == [
        "attributes", "departure", "passage", "passage", "enrollment", "event", "event", "attributes", "attributes",
    ]  # fmt: skip
    assert page["next_before"] is None
    changes = [item["changes"] for item in page["items"] if item["kind"] == "attributes"]
    assert changes == [
        {"City": {"from": "Paris", "to": "London"}},
        {"buys": {"from": 0, "to": 1}},
        {"City": {"from": None, "to": "Paris"}, "buys": {"from": None, "to": 0}},
    ]
    assert page["items"][1] | {"enrollment": 0} == {
        "at": "2026-03-01T14:01:00Z",
        "kind": "departure",
        "journey": {"uuid": journey, "title": "Buyers"},
        "point": {"uuid": title_uuid("end"), "title": "end", "kind": "exit"},
        "enrollment": 0,
        "outcome": "completed",
        "reason": "",
    }


async def test_a_passage_tells_the_values_that_its_decisions_saw(http: httpx.AsyncClient, site: Site) -> None:
    await live(http, site)
    page = await get(http, "/ada/timeline", kinds="passage")
    second, first = page["items"]
    assert [(each["point"]["title"], each.get("output")) for each in first["path"]] == [
        ("bought", "default"), ("count", "default"), ("london", "default"), ("review", None),
    ]  # fmt: skip
    assert [each["point"]["title"] for each in second["path"]] == ["review", "end"]
    assert first["path"][2]["decision"] == {
        "expression": 'T("City", EQ, "London") * T("buys", GTE, 2)',
        "conditions": [
            {"condition": 'T("City", EQ, "London")', "met": False, "value": "Paris"},
            {"condition": 'T("buys", GTE, 2)', "met": False, "value": 1},
        ],
        "implied_output": "default",
    }


async def test_a_passage_tells_what_its_conditions_and_goal_checks_saw(http: httpx.AsyncClient, site: Site) -> None:
    plans = [
        {"label": name, "rule_tree": json.dumps({"field": "plan", "operator": "eq", "value": name})}
        for name in ("free", "pro", "team")
    ]
    points = [
        point("came", "event", {"event_name": "come"}, default="rest"),
        point("rest", "wait", {"duration_seconds": 3600}, default="plan"),
        point("plan", "condition", {"branches": plans}, output1="end", output2="reached", output3="end", default="end"),
        point("reached", "goal_check", {"goal": {"event": {"event_name": "buy"}}}, output1="end", default="grown"),
        point("grown", "goal_check", {"goal": {"attribute_match": GROWN}}, output1="end", default="end"),
        point("end", "exit", {"outcome": ""}),
    ]
    body = {"title": "Plans", "params": {"application_code": APP}, "points": points}
    made = await http.post("/api/v3/journeygateway", json=body)
    assert made.status_code == 200, made.text
    await http.post("/api/v3/journeygateway/start", json={"uuid": made.json()["info"]["uuid"]})
    await tag(http, "ada", plan="pro", team=3)
    await site.drain()
    await ingest(http, "postEvent", userId="ada", hwid="ada", event="come", attributes={})
    await site.drain()
    site.advance(hours=2)
    await site.drain()
    passage, _ = (await get(http, "/ada/timeline", kinds="passage"))["items"]
    _, plan, reached, grown, _ = passage["path"]
    assert (plan["output"], reached["output"], grown["output"]) == ("output2", "default", "output1")
    assert plan["decision"] == {
        "branches": [
            {"output": f"output{number}", "label": name, "expression": f'T("plan", EQ, "{name}", exact)', "met": met,
             "conditions": [{"condition": f'T("plan", EQ, "{name}", exact)', "met": met, "value": "pro"}]}
            for number, name, met in ((1, "free", False), (2, "pro", True))
        ],
        "implied_output": "output2",
    }  # fmt: skip
    goal = f"goal check {title_uuid('reached')}"
    assert reached["decision"] == {"goals": [{"goal": goal, "reached_at": None}], "implied_output": "default"}
    assert grown["decision"]["conditions"] == [{"condition": 'T("team", GTE, 3)', "met": True, "value": 3}]
    assert (grown["decision"]["goals"][0]["reached_at"], grown["decision"]["implied_output"]) == (None, "output1")


GROWN = {"field": "team", "operator": "gte", "value": 3}


async def test_a_timeline_has_pages_and_periods(http: httpx.AsyncClient, site: Site) -> None:
    await live(http, site)
    whole = (await get(http, "/ada/timeline"))["items"]
    for limit in (1, 2, 4):
        found: list[Any] = []
        before = ""
        while before is not None:
            page = await get(http, "/ada/timeline", limit=limit, **({"before": before} if before else {}))
            found += page["items"]
            before = page["next_before"]
        assert found == whole
    late = await get(http, "/ada/timeline", **{"from": "2026-03-01T14:00:00Z", "kinds": "passage,attributes"})
    assert [item["kind"] for item in late["items"]] == ["attributes", "passage"]
    early = await get(http, "/ada/timeline", to="2026-03-01T12:01:00Z")
    assert [item["kind"] for item in early["items"]] == ["attributes"]


async def test_values_that_are_not_kept_any_more_are_not_told(http: httpx.AsyncClient, site: Site) -> None:
    await live(http, site)
    site.advance(days=401)
    page = await get(http, "/ada/timeline", kinds="passage")
    assert [item["values_known"] for item in page["items"]] == [False, False]
    assert "conditions" not in page["items"][1]["path"][2]["decision"]


async def test_why_somebody_is_inside(http: httpx.AsyncClient, site: Site) -> None:
    journey = await start(http)
    await ingest(http, "postEvent", userId="ada", hwid="ada", event="buy", attributes={"amount": 30})
    await site.drain()
    why = await get(http, f"/ada/journeys/{journey}/why")
    assert (why["is_inside"], why["status"], why["entered"]) == (True, "running", 1)
    [stay] = why["inside"]
    assert stay["point"]["title"] == "review"
    assert stay["until"] == "2026-03-01T13:00:00Z"
    assert stay["waiting_for"] == "an event: review; at the latest until 2026-03-01T13:00:00+00:00"
    assert why["reasons"][0]["code"] == "entry.already_inside"


async def test_why_somebody_is_not_inside(http: httpx.AsyncClient, site: Site) -> None:
    journey = await start(http, capping={"max_entries": 1})
    await tag(http, "ada", City="Paris")
    await site.drain()
    assert [reason["code"] for reason in (await why(http, "ada", journey))["reasons"]] == ["entry.no_event"]

    await ingest(http, "postEvent", userId="ada", hwid="ada", event="buy", attributes={"amount": 3})
    await site.drain()
    [reason] = (await why(http, "ada", journey))["reasons"]
    assert (reason["code"], reason["point"]["title"]) == ("entry.event_misfits", "bought")
    assert reason["conditions"] == [{"condition": 'T("amount", GTE, 10)', "met": False, "value": 3}]

    await ingest(http, "postEvent", userId="ada", hwid="ada", event="buy", attributes={"amount": 30})
    assert (await why(http, "ada", journey))["is_waiting"]
    await site.drain()
    site.advance(hours=2)
    await site.drain()
    told = await why(http, "ada", journey)
    assert [reason["code"] for reason in told["reasons"]][:2] == ["entry.capped", "entry.entered_before"]
    assert (told["left"]["outcome"], told["left"]["point"]["title"]) == ("completed", "end")

    await http.post("/api/v3/journeygateway/pause", json={"uuid": journey})
    assert (await why(http, "ada", journey))["reasons"][0]["code"] == "journey.not_running"


async def test_why_somebody_is_not_in_the_segment_of_an_entry(http: httpx.AsyncClient, site: Site) -> None:
    await tag(http, "ada", City="Paris")
    await site.drain()
    points = [
        point("everybody", "start_by_segment", {"filter": 'T("City", EQ, "London")'}, default="over"),
        point("over", "exit", {"outcome": ""}),
    ]
    body = {"title": "Londoners", "params": {"application_code": APP}, "points": points}
    journey = (await http.post("/api/v3/journeygateway", json=body)).json()["info"]["uuid"]
    await http.post("/api/v3/journeygateway/start", json={"uuid": journey})
    await site.drain()
    [reason] = (await why(http, "ada", journey))["reasons"]
    assert reason["code"] == "entry.not_in_segment"
    assert reason["conditions"] == [{"condition": 'T("City", EQ, "London")', "met": False, "value": "Paris"}]
    await tag(http, "ada", City="London")
    await site.drain()
    [reason] = (await why(http, "ada", journey))["reasons"]
    assert reason["code"] == "entry.in_segment"


async def why(http: httpx.AsyncClient, user: str, journey: str) -> Any:
    return await get(http, f"/{user}/journeys/{journey}/why")


async def test_people_are_found_by_what_they_go_by(http: httpx.AsyncClient, site: Site) -> None:
    for user in ("ada", "adam", "bob"):
        await tag(http, user, n=1)
    await ingest(http, "registerEmail", email="Bob@Example.com", userId="bob")
    await site.service.run(Caller(workspace_id=1), Alias(application_code=APP, previous_id="ada2", user_id="ada"))
    await site.drain()

    async def found(**query: Any) -> list[str]:
        return [each["user_id"] for each in (await get(http, "", **query))["items"]]

    assert await found() == ["ada", "adam", "bob"]
    assert await found(search="ad") == ["ada", "adam"]
    assert await found(search="ada2") == ["ada"]
    assert await found(email="bob@example.com") == ["bob"]
    assert await found(hwid="adam") == ["adam"]
    assert await found(anonymous_id="nobody") == []
    page = await get(http, "", limit=2)
    assert page["next_after"] == "adam"
    assert await found(after="adam") == ["bob"]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/nobody", 404, "user not found"),
        ("/ada?by=name", 400, "by: "),
        ("/ada/timeline?kinds=tweets", 400, "kinds: must be some of"),
        ("/ada/timeline?limit=0", 400, "limit: a limit is a number from 1 to 200"),
        ("/ada/timeline?before=yesterday", 400, "before: it is the `next_before` of the page before"),
        ("/ada/timeline?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 400, "to: a period ends after it begins"),
        ("/ada/timeline?from=soon&limit=x", 400, "from: "),
        ("/ada/timeline?when=now", 400, "when: unknown parameter"),
        ("/ada/journeys/one/why", 404, "journey not found"),
        ("?search=a&hwid=b", 400, "at most one of search"),
        ("?search=%00", 400, "search: "),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    http: httpx.AsyncClient, site: Site, path: str, status: int, message: str
) -> None:
    await tag(http, "ada", n=1)
    await site.drain()
    response = await http.get(f"{PEOPLE}{path}")
    assert (response.status_code, message in response.text) == (status, True), response.text


async def test_a_workspace_sees_its_own_people_only(http: httpx.AsyncClient, site: Site) -> None:
    journey = await live(http, site)
    theirs = {"Authorization": f"Api {THEIR_TOKEN}"}
    assert (await http.get(PEOPLE, headers=theirs)).json()["items"] == []
    for path in ("/ada", "/ada/timeline", f"/ada/journeys/{journey}/why"):
        assert (await http.get(f"{PEOPLE}{path}", headers=theirs)).status_code == 404
    for token, status in (("Token " + TOKEN, 401), (f"Api {DEVICE_TOKEN}", 403)):
        assert (await http.get(f"{PEOPLE}/ada", headers={"Authorization": token})).status_code == status


async def test_the_retention_of_an_app_is_set(http: httpx.AsyncClient, site: Site) -> None:
    path = f"/api/v3/apps/{APP}/retention"
    assert [app["event_retention_days"] for app in (await http.get("/api/v3/apps")).json()["items"]] == [400]
    for days in (30, None):
        response = await http.put(path, json={"event_retention_days": days})
        assert (response.status_code, response.json()["event_retention_days"]) == (200, days)
    assert (await http.put(path, json={"event_retention_days": 0})).status_code == 400
    assert (await http.put(path, json={"days": 3})).status_code == 400
    theirs = await http.put(f"/api/v3/apps/{THEIR_APP}/retention", json={"event_retention_days": 3})
    assert theirs.status_code == 400
    assert await site.rows("select event_retention_days from app order by app_id") == [(None,), (400,)]


async def test_why_and_the_explanation_of_a_segment_agree_on_every_condition(
    http: httpx.AsyncClient, site: Site
) -> None:
    await ingest(http, "registerDevice", userId="ada", hwid="h", device_type=1, app_version="2.1", language="fr")
    await tag(http, "ada", City="Paris", n=3)
    await ingest(http, "postEvent", userId="ada", hwid="h", event="buy", attributes={"sum": 5})
    await site.drain()
    inner = {"title": "Inner", "source": 'Event("buy", count, GTE, 2)', "code": "INNER-00000"}
    assert (await http.post("/api/v3/segments", json=inner)).status_code == 200
    source = (
        'T("City", EQ, "London") * (Event("buy", days, 7) + Segment("INNER-00000")) * Updated(daysago, lt, 1)'
        f' * Fact(["device", "app_version"], GTE, "2.0") * Fact("language", EQ, "fr") * A("{APP}") \\ T("n", GT, 2)'
        ' * Geo(48.8, 2.3, 100) * BTTS(9, 17) * T("none", SET)'
    )
    points = [
        point("all", "start_by_segment", {"filter": source}, default="end"),
        point("end", "exit", {"outcome": ""}),
    ]
    body = {"title": "All", "params": {"application_code": APP}, "points": points}
    journey = (await http.post("/api/v3/journeygateway", json=body)).json()["info"]["uuid"]
    started = await http.post("/api/v3/journeygateway/start", json={"uuid": journey})
    assert started.status_code == 200, started.text
    await site.drain()
    [reason] = (await why(http, "ada", journey))["reasons"]
    told = (await http.post("/api/v3/segments/explain", json={"source": source, "user_id": "ada"})).json()

    assert reason["code"] == ("entry.in_segment" if told["is_met"] else "entry.not_in_segment")
    shown = [(each["condition"], each["met"], each.get("value")) for each in reason["conditions"]]
    assert shown == [(leaf["text"], leaf["is_met"], leaf["value"]) for leaf in leaves(told)]
    assert {text: met for text, met, _ in shown}['Event("buy", count, GTE, 2)'] is False
    assert [each["segment"] for each in reason["conditions"] if "segment" in each] == ["INNER-00000"]
    assert sum(value is not None for _, _, value in shown) >= 6, "what was seen is shown of all kinds of conditions"


def leaves(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the conditions of an explanation, in reading order."""
    return [leaf for each in told["parts"] for leaf in leaves(each)] if told["parts"] else [told]
