"""Data in: the methods besides those that bring people and events: tags read, openings, messages, definitions."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from sojourn.api.ingest.methods import METHODS
from sojourn.api.ingest.problems import STATUSES
from sojourn.service.commands import Caller, ChangeStatus, CreateJourney, EnrollByApi, Journey, JourneyDraft
from sojourn.service.event_definitions import accept_undefined_events
from sojourn.service.signing_keys import webhook_signing_key
from sojourn.service.tracking import OPENS, MessageRef, Tracker, tracking_key
from tests import lab
from tests.conformance.conftest import APP, DEVICE_TOKEN, NOON, THEIR_APP, THEIR_TOKEN, TOKEN, Site
from tests.conformance.test_ingest import DEVICE, OPERATIONS, accepted, post, refused

OPEN = {"application": APP, "hwid": "hwid-1"}
EMAIL = {"subject": "Hello {{ profile.name }}", "html": "<p>Hello</p>"}
US = Caller(workspace_id=1)


async def values(site: Site, query: str) -> list[Any]:
    return [row[0] for row in await site.rows(query)]


# Tags -------------------------------------------------------------------------------------------------------


async def test_tags_are_read(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerDevice", DEVICE | {"userId": "ada", "tags": {"City": "Paris", "Likes": ["tea"]}})
    await site.drain()
    expected = {"result": {"City": "Paris", "Likes": ["tea"]}}
    assert await accepted(http, "getTags", {"application": APP, "hwid": "hwid-1"}) == expected
    assert await accepted(http, "getTags", {"application": APP, "userId": "ada"}) == expected


async def test_tags_of_somebody_no_tick_has_met_are_none(http: httpx.AsyncClient) -> None:
    await accepted(http, "registerDevice", DEVICE | {"tags": {"City": "Paris"}})
    assert await accepted(http, "getTags", {"application": APP, "hwid": "hwid-1"}) == {"result": {}}


async def test_tags_of_nobody_are_404(http: httpx.AsyncClient) -> None:
    await post(http, "registerDevice", {"application": THEIR_APP, "hwid": "h", "device_type": 3, "auth": THEIR_TOKEN})
    assert await refused(http, "getTags", {"application": APP, "hwid": "h"}) == (200, 404, "device not found")
    assert await refused(http, "getTags", {"application": APP, "userId": "ada"}) == (200, 404, "user not found")


# Email ------------------------------------------------------------------------------------------------------


async def test_an_address_gets_its_user(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerEmail", {"application": APP, "email": "Ada@Example.com", "tz_offset": 3600})
    request = {"application": APP, "email": "ada@example.com", "userId": "ada", "tz_offset": 7200}
    assert await accepted(http, "registerEmailUser", request) is None
    await site.drain()
    assert await site.rows("select user_id, time_zone from profile") == [("ada", "Etc/GMT-2")]
    assert await values(site, "select hwid from device") == ["ada@example.com"]


async def test_tags_are_set_by_address(http: httpx.AsyncClient, site: Site) -> None:
    who = {"application": APP, "email": "ada@example.com"}
    await accepted(http, "setEmailTags", who | {"tags": {"City": "Paris", "Likes": {"operation": 1, "value": ["tea"]}}})
    await accepted(http, "setEmailTags", who | {"userId": "ada", "hwid": "sent along", "tags": {"Age": 36}})
    await site.drain()
    assert await site.rows("select user_id, attributes from profile") == [
        ("ada", {"City": "Paris", "Likes": ["tea"], "Age": 36})
    ]


# Deletion ---------------------------------------------------------------------------------------------------


async def test_a_device_is_unregistered(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerDevice", DEVICE | {"push_token": "abc", "tags": {"City": "Paris"}})
    assert await accepted(http, "unregisterDevice", {"application": APP, "hwid": "hwid-1", "device_type": 3}) is None
    await site.drain()
    assert await site.rows("select push_token, is_subscribed from device") == [(None, False)]
    assert await values(site, "select attributes from profile") == [{"City": "Paris"}]


async def test_a_device_is_deleted(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerDevice", DEVICE | {"userId": "ada"})
    await site.drain()
    answer = await accepted(http, "deleteDevice", {"application": APP, "hwid": "hwid-1"})
    assert answer == {"removed": {"device": 1, "identity": 1}}
    assert await values(site, "select user_id from profile") == ["ada"]


async def test_an_address_is_deleted(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerEmail", {"application": APP, "email": "ada@example.com", "userId": "ada"})
    await site.drain()
    answer = await accepted(http, "deleteEmail", {"application": APP, "email": "Ada@example.com"})
    assert answer == {"removed": {"device": 1, "identity": 1}}
    assert await site.rows("select user_id from profile") == [("ada",)]
    assert await values(site, "select hwid from device") == []


async def test_a_user_is_deleted(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerDevice", DEVICE | {"userId": "ada"})
    await accepted(http, "postEvent", {"application": APP, "userId": "ada", "event": "x"})
    await site.drain()
    answer = await accepted(http, "deleteUser", {"application": APP, "userId": "ada"})
    assert {"device", "event", "identity", "profile"} <= answer["removed"].keys()
    assert await values(site, "select count(*) from profile") == [0]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("unregisterDevice", "device not found"),
        ("deleteDevice", "device not found"),
        ("deleteEmail", "device not found"),
        ("deleteUser", "user not found"),
    ],
)
async def test_what_is_not_there_cannot_be_deleted(http: httpx.AsyncClient, method: str, message: str) -> None:
    whole = {"application": APP, "hwid": "h", "email": "ada@example.com", "userId": "ada"}
    fields = METHODS[method].shape.__struct_fields__
    request = {name: value for name, value in whole.items() if name in fields}
    theirs = DEVICE | {"application": THEIR_APP, "hwid": "h", "userId": "ada", "auth": THEIR_TOKEN}
    await post(http, "registerDevice", theirs)
    assert await refused(http, method, request) == (200, 404, message)


# Openings ---------------------------------------------------------------------------------------------------


async def test_an_opening_is_noted_thrice(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "registerDevice", DEVICE)
    assert await accepted(http, "applicationOpen", OPEN | {"device_type": 3, "v": "6.7"}) is None
    await site.drain()
    assert await values(site, "select opened_at from device") == [NOON]
    assert await values(site, "select attributes from profile") == [{"Last Application Open": "2026-03-01T12:00:00Z"}]
    assert await site.rows("select name, data from event") == [("application_open", {"hwid": "hwid-1"})]

    site.advance(days=1)
    await accepted(http, "applicationOpen", OPEN)
    await site.drain()
    assert await values(site, "select opened_at from device") == [site.now]


async def test_an_opening_of_an_unknown_device_makes_no_device(http: httpx.AsyncClient, site: Site) -> None:
    await accepted(http, "applicationOpen", OPEN)
    await site.drain()
    assert await values(site, "select count(*) from device") == [0]
    assert await values(site, "select count(*) from profile") == [1]


async def test_segments_know_who_stayed_away(http: httpx.AsyncClient, site: Site) -> None:
    for hwid, days in (("early", 0), ("late", 5)):
        site.now = NOON.replace(day=1 + days)
        await accepted(http, "applicationOpen", OPEN | {"hwid": hwid})
    away = f'AT("{APP}", "Last Application Open", daysago, gt, 3)'
    await site.drain()
    graph = lab.graph("api -> exit", settings={"application_code": APP})
    journey = await running(site, graph)
    await site.service.run(US, EnrollByApi(journey=str(journey.journey), filter=away))
    await site.drain()
    hwids = "select i.value from enrollment as e join identity as i on i.profile_id = e.profile_id"
    assert await values(site, hwids) == ["early"]


# Messages ---------------------------------------------------------------------------------------------------


async def running(site: Site, graph: Any) -> Journey:
    journey = await site.service.run(US, CreateJourney(draft=JourneyDraft(title="Letters", graph=graph)))
    return await site.service.run(US, ChangeStatus(journey=journey.journey, command="start"))


async def a_message(site: Site) -> tuple[Journey, MessageRef]:
    graph = lab.graph("api -> email Hello -> exit", settings={"application_code": APP})
    journey = await running(site, graph)
    await site.service.run(US, EnrollByApi(journey=str(journey.journey), users=("ada",)))
    await site.drain()
    ((shard, message_id),) = await site.rows("select shard, message_id from message")
    return journey, MessageRef(shard, message_id)


async def hashes(site: Site) -> list[str]:
    """The two names of a message: what is in its mail, and what whoever carries it is told."""
    journey, message = await a_message(site)
    async with site.pool.connection() as conn:
        tracker = Tracker("", tracking_key(await webhook_signing_key(conn, NOON)))
    return [tracker.open_url(message).removeprefix(OPENS), f"{journey.journey}.{message.shard}.{message.message_id}"]


async def test_a_message_is_opened_once(http: httpx.AsyncClient, site: Site) -> None:
    for each in await hashes(site):
        assert await accepted(http, "pushStat", OPEN | {"hash": each}) is None
    await site.drain()
    assert await site.rows("select opened_at, delivered_at from message") == [(NOON, None)]
    assert await site.rows("select metric, n from tally where metric in ('opened', 'delivered')") == [("opened", 1)]
    assert await values(site, "select name from event") == ["message_opened"]


async def test_a_message_is_delivered_once(http: httpx.AsyncClient, site: Site) -> None:
    for each in await hashes(site):
        assert await accepted(http, "messageDeliveryEvent", OPEN | {"hash": each, "metaData": "x"}) is None
    await site.drain()
    assert await site.rows("select opened_at, delivered_at from message") == [(None, NOON)]
    assert await site.rows("select metric, n from tally where metric in ('opened', 'delivered')") == [("delivered", 1)]
    assert await values(site, "select name from event") == ["message_delivered"]


@pytest.mark.parametrize("method", ["pushStat", "messageDeliveryEvent"])
async def test_a_message_that_is_not_ours_is_404(http: httpx.AsyncClient, site: Site, method: str) -> None:
    known = (await hashes(site))[1]
    journey, shard, number = known.split(".")
    wrong = [
        "x",
        f"{journey}.{shard}.{int(number) + 1}",
        f"{journey}.99999.1",
        f"{journey}.1.9999999999999999999",
        f"{'0' * 8}{journey[8:]}.{shard}.{number}",
    ]
    for each in wrong:
        assert await refused(http, method, OPEN | {"hash": each}) == (200, 404, "message not found")
    theirs = {"application": THEIR_APP, "hwid": "h", "hash": known, "auth": THEIR_TOKEN}
    assert await refused(http, method, theirs) == (200, 404, "message not found")
    assert await values(site, "select count(*) from tally where metric in ('opened', 'delivered')") == [0]


# Events -----------------------------------------------------------------------------------------------------


async def test_an_event_is_defined(http: httpx.AsyncClient, site: Site) -> None:
    request = {
        "application": APP,
        "name": "BasketOpen",
        "description": "Open basket page",
        "eventAttributes": [{"type": 3, "name": "products"}, {"type": 6, "name": "total"}],
        "trackRevenue": False,
    }
    made = await accepted(http, "createEvent", request)
    assert made == {"event": 1}
    assert await site.rows("select name, attributes from event_definition") == [
        ("BasketOpen", [{"name": "products", "type": "list"}, {"name": "total", "type": "number"}])
    ]
    assert await refused(http, "createEvent", request) == (200, 210, "An event of this name exists.")


async def test_a_workspace_may_insist_on_defined_events(http: httpx.AsyncClient, site: Site) -> None:
    event = {"application": APP, "userId": "ada", "event": "BasketOpen"}
    await accepted(http, "postEvent", event)
    await accept_undefined_events(site.service.resources, 1, accept=False)
    text = "event: no event of this name is defined, and only defined ones are taken"
    assert await refused(http, "postEvent", event) == (200, 210, text)
    await accepted(http, "createEvent", {"application": APP, "name": "BasketOpen"})
    await accepted(http, "postEvent", event)


# Presets ----------------------------------------------------------------------------------------------------


async def test_presets_are_created_read_listed_and_deleted(http: httpx.AsyncClient) -> None:
    content = {
        "message": {"en": "Hello", "fr": "Bonjour"},
        "action": {"type": "url", "options": {"url": "https://a.b"}},
    }
    request = {"auth": TOKEN, "name": "Hello", "applicationCode": APP, "content": content, "campaignCode": "C"}
    made = await accepted(http, "createPreset", request)
    assert made == {
        "preset_code": made["preset_code"],
        "name": "Hello",
        "application": APP,
        "channel": "push",
        "content": content,
        "created_at": "2026-03-01T12:00:00Z",
    }
    key = {"preset_code": made["preset_code"]}
    assert await accepted(http, "getPreset", key) == made
    assert await accepted(http, "listPresets", {"application": APP}) == {"presets": [made]}
    assert await accepted(http, "deletePreset", key) is None
    assert await refused(http, "getPreset", key) == (200, 404, "preset not found")
    assert await refused(http, "deletePreset", key) == (200, 404, "preset not found")


async def test_a_preset_that_a_journey_sends_stays(http: httpx.AsyncClient, site: Site) -> None:
    preset = {"name": "Hello", "application": APP, "channel": "email", "content": EMAIL, "code": "HELLO"}
    await accepted(http, "createPreset", preset)
    assert await refused(http, "createPreset", preset) == (200, 210, "A preset of this code exists.")
    letter = lab.point("send_email", preset_code="HELLO")
    journey = await running(site, lab.graph("api -> letter -> exit", settings={"application_code": APP}, letter=letter))
    text = "the preset is sent by the journeys `Letters`"
    assert await refused(http, "deletePreset", {"preset_code": "HELLO"}) == (200, 210, text)
    await site.service.run(US, ChangeStatus(journey=journey.journey, command="finish"))
    await accepted(http, "deletePreset", {"preset_code": "HELLO"})


async def test_presets_of_others_are_not_seen(http: httpx.AsyncClient) -> None:
    preset = {"name": "Hello", "application": APP, "content": {"message": "Hello"}, "code": "HELLO"}
    await accepted(http, "createPreset", preset)
    for method in ("getPreset", "deletePreset"):
        request = {"auth": THEIR_TOKEN, "preset_code": "HELLO"}
        status, answer = await post(http, method, request, header="")
        assert (status, answer["status_code"]) == (200, 404)
    status, answer = await post(http, "listPresets", {"auth": THEIR_TOKEN}, header="")
    assert answer["response"] == {"presets": []}


# What is wrong ----------------------------------------------------------------------------------------------

PRESET = {"application": APP, "name": "x"}
EVENT = {"application": APP, "name": "x"}
TYPES = "must be one of 1 (integer), 2 (string), 3 (list), 4 (date), 5 (boolean), 6 (number)"


def nested(levels: int) -> Any:
    return {"x": nested(levels - 1)} if levels else {}


@pytest.mark.parametrize(
    ("method", "request_", "message"),
    [
        ("getTags", {"application": APP}, "hwid: a user id or a hwid is required"),
        ("getTags", {"hwid": 1}, "application: is required; hwid: must be a string"),
        ("registerUser", DEVICE | {"userId": "ada", "tz_offset": 99999},
         "timezone: an offset is -50400 to 50400 seconds"),
        ("registerEmail", {"application": APP, "email": "a@b.c", "timezone": 0, "tz_offset": 1},
         "tz_offset: differs from `timezone`"),
        ("registerEmailUser", {"application": APP}, "email: is required; userId: is required"),
        ("registerEmailUser", {"application": APP, "email": "a@b.c", "userId": ""}, "userId: must not be empty"),
        ("setEmailTags", {"application": APP, "email": "nobody", "tags": {"a": {}}},
         f"email: an email address has the form `name@example.com`; tags.a: {OPERATIONS}"),
        ("setEmailTags", {"application": APP, "email": "a@b.c"}, "tags: is required"),
        ("unregisterDevice", {"application": APP, "hwid": ""}, "hwid: a hwid is required"),
        ("unregisterDevice", {}, "application: is required; hwid: is required"),
        ("deleteDevice", {"application": "", "hwid": "h"}, "application: must not be empty"),
        ("deleteDevice", {"application": APP, "hwid": "x" * 256}, "hwid: an id has at most 255 characters"),
        ("deleteEmail", {"application": "", "email": "x"},
         "application: must not be empty; email: an email address has the form `name@example.com`"),
        ("deleteUser", {"userId": ""}, "userId: must not be empty"),
        ("deleteUser", {"userId": 7, "foo": 1}, "foo: unknown field; userId: must be a string"),
        ("applicationOpen", {"application": APP, "userId": "ada"}, "hwid: is required"),
        ("applicationOpen", OPEN | {"hwid": ""}, "hwid: a hwid is required"),
        ("applicationOpen", OPEN | {"foo": 1}, "foo: unknown field"),
        ("pushStat", OPEN, "hash: is required"),
        ("pushStat", OPEN | {"hash": ""}, "hash: must not be empty"),
        ("messageDeliveryEvent", OPEN | {"hash": 7}, "hash: must be a string"),
        ("createEvent", EVENT | {"eventAttributes": [{"name": "a", "type": 9}, {"type": 1}]},
         "eventAttributes[1].name: is required"),
        ("createEvent", EVENT | {"eventAttributes": [{"name": "a", "type": 9}]}, f"eventAttributes[0].type: {TYPES}"),
        ("createEvent", EVENT | {"name": "", "eventAttributes": [{"name": "a", "type": 1}, {"name": "a", "type": 2}]},
         "name: a name has 1 to 255 characters; eventAttributes[1].name: `a` is there twice"),
        ("createEvent", EVENT | {"description": "x" * 1001}, "description: a description has at most 1000 characters"),
        ("createPreset", {"name": "x", "content": {}}, "application: is required"),
        ("createPreset", PRESET | {"applicationCode": "other", "content": {}},
         "applicationCode: differs from `application`"),
        ("createPreset", PRESET | {"content": {}},
         "content.message: is required: a text, or an object with a text for each language"),
        ("createPreset", PRESET | {"content": {"message": {"en": 1}}},
         "content.message: is required: a text, or an object with a text for each language"),
        ("createPreset", PRESET | {"content": {"message": "\0"}},
         "content: text holds Unicode characters other than U+0000"),
        ("createPreset", PRESET | {"content": {"message": "x", "userData": nested(25)}},
         "content: content nests at most 20 levels"),
        ("createPreset", PRESET | {"content": {"message": "x" * 500_000}},
         "content: content has at most 500000 characters of JSON"),
        ("createPreset", PRESET | {"content": {}, "channel": "email"},
         "content: no email: Object missing required field `subject`"),
        ("createPreset", PRESET | {"content": {"subject": "x"}, "channel": "email"},
         "content: at least one of html and text is needed"),
        ("createPreset", PRESET | {"content": {}, "channel": "pigeon"},
         "channel: must be one of email, in_app, line, push, sms, whatsapp"),
        ("createPreset", PRESET | {"content": {"message": "x"}, "code": "x" * 256},
         "code: a code has at most 255 characters"),
        ("getPreset", {}, "preset_code: is required"),
        ("getPreset", {"preset_code": "\0"}, "code: text holds Unicode characters other than U+0000"),
        ("listPresets", {"application": 1}, "application: must be a string"),
        ("listPresets", {"hwid": "x"}, "hwid: unknown field"),
    ],
)  # fmt: skip
async def test_an_argument_error_names_every_place(
    http: httpx.AsyncClient, site: Site, method: str, request_: dict[str, Any], message: str
) -> None:
    assert await refused(http, method, request_) == (200, 210, message)
    assert await values(site, "select count(*) from inbox") == [0]


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"deleteFilter", "getPreset", "deletePreset", "deleteUser"}))
async def test_another_workspaces_application_is_404(http: httpx.AsyncClient, method: str) -> None:
    whole = DEVICE | {
        "event": "x", "name": "x", "conditions": 'T("a", SET)', "email": "a@b.c", "userId": "ada", "tags": {},
        "hash": "x", "content": {"message": "x"}, "application": THEIR_APP,
    }  # fmt: skip
    request = {name: value for name, value in whole.items() if name in METHODS[method].shape.__struct_fields__}
    assert await refused(http, method, request) == (200, 404, "application not found")


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_a_method_takes_the_tokens_it_says(http: httpx.AsyncClient, method: str) -> None:
    _, code, _ = await refused(http, method, {"foo": 1}, header=f"Token {DEVICE_TOKEN}")
    assert code == (210 if METHODS[method].needs == "device" else 403)
    _, code, _ = await refused(http, method, {"foo": 1}, header="")
    assert code == 403


# The reference page -----------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs/reference/ingest.md").read_text()
EXAMPLES = re.findall(r"<!-- example: (\w+) -->\n```json\n(.*?)```", PAGE, re.DOTALL)


async def test_the_examples_of_the_reference_are_accepted(http: httpx.AsyncClient, site: Site) -> None:
    for method, request in EXAMPLES:
        await accepted(http, method, json.loads(request))
        await site.drain()


def test_the_reference_lists_every_method_with_its_token_and_fields() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (device|API) \| (.*?) \|", PAGE, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(METHODS)
    assert {name: needs.lower() for name, needs, _ in rows} == {name: each.needs for name, each in METHODS.items()}
    for name, _, fields in rows:
        required = {f.encode_name for f in msgspec.structs.fields(METHODS[name].shape) if f.required}
        assert required <= set(re.findall(r"\*\*`(\w+)`\*\*", fields)), name
        assert set(re.findall(r"`(\w+)`", fields)) <= set(METHODS[name].shape.__struct_fields__), name


def test_the_reference_has_the_statuses() -> None:
    lines = ["| problem | HTTP | `status_code` |", "| --- | --- | --- |"]
    lines += [f"| `{code}` | {http} | {status} |" for code, (http, status) in sorted(STATUSES.items())]
    assert "\n".join(["<!-- generated: data-in errors -->", *lines, "<!-- end -->"]) in PAGE
