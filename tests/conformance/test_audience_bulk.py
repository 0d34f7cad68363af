"""Import and export over HTTP: streams, refused rows, going on, and the way there and back."""

import asyncio
import csv
import gzip
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sojourn.api.audience import bulk, uploads
from sojourn.service.commands import EnrollByApi
from sojourn.service.importing import files
from tests import lab
from tests.conformance.conftest import APP, DEVICE_TOKEN, NOON, THEIR_APP, THEIR_TOKEN, Site
from tests.conformance.test_ingest_methods import US, running

IMPORT, EXPORT = "/api/v2/audience/import", "/api/v2/audience/export"
CSV, JSONL = {"Content-Type": "text/csv"}, {"Content-Type": "application/x-ndjson"}
PEOPLE = {"subject": "people", "application": APP}
EVENTS = {"subject": "events", "application": APP}
THEIRS = {"Authorization": f"Api {THEIR_TOKEN}"}


async def take_in(http: httpx.AsyncClient, content: Any, params: Any = None, **headers: str) -> httpx.Response:
    return await http.post(IMPORT, params=PEOPLE if params is None else params, content=content, headers=CSV | headers)


async def give_out(http: httpx.AsyncClient, **params: Any) -> httpx.Response:
    headers = params.pop("headers", {})
    return await http.get(EXPORT, params=params, headers=headers)


def lines(response: httpx.Response) -> list[Any]:
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


async def in_pieces(text: str, size: int = 7) -> AsyncIterator[bytes]:
    content = text.encode()
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_ROWS", 2)


# Import -----------------------------------------------------------------------------------------------------


async def test_people_come_in_as_csv(http: httpx.AsyncClient, site: Site, small_chunks: None) -> None:
    text = "customer,email,City,Age\nada,ada@example.com,Paris,36\nbob,nobody,,\ncid,,London,x\ndan,,,41\n"
    params = [*PEOPLE.items(), ("map", "user_id=customer"), ("type", "Age=integer")]
    answer = (await take_in(http, in_pieces(text), params)).json()
    assert answer == {
        "import_id": answer["import_id"],
        "rows": 4,
        "rows_refused": 2,
        "was_done": False,
        "refused": [
            {"line": 3, "reasons": ["`nobody` is no email address; `name@example.com` is the form of one"]},
            {"line": 4, "reasons": ["`Age`: `x` is no integer"]},
        ],
    }
    found = await site.rows("select user_id, attributes from profile order by user_id")
    assert found == [("ada", {"City": "Paris", "Age": 36}), ("dan", {"Age": 41})]


async def test_events_come_in_as_json_lines(http: httpx.AsyncClient, site: Site) -> None:
    rows = [{"user_id": "ada", "name": "Purchase", "time": "2026-02-01T10:00:00Z", "sum": 9.5, "source_id": "1"}] * 2
    text = "".join(json.dumps(row) + "\n" for row in rows)
    answer = (await http.post(IMPORT, params=EVENTS, content=in_pieces(text), headers=JSONL)).json()
    assert (answer["rows"], answer["rows_refused"]) == (2, 0)
    await site.drain()
    assert await site.rows("select name, data, occurred_at::text from event") == [
        ("Purchase", {"sum": 9.5}, "2026-02-01 10:00:00+00")
    ]


async def test_packed_bodies_are_unpacked(http: httpx.AsyncClient, site: Site) -> None:
    packed = gzip.compress(b"user_id\nada\n") + gzip.compress(b"bob\n")
    answer = await take_in(http, packed, **{"Content-Encoding": "gzip"})
    assert answer.json()["rows"] == 2
    for broken in (packed[:-9], b"user_id\nada\n", b""):
        response = await take_in(http, broken, **{"Content-Encoding": "gzip"})
        assert response.status_code == 400, broken
    assert (await take_in(http, packed, **{"Content-Encoding": "br"})).status_code == 400


async def test_a_body_that_explodes_is_413(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b"user_id\n" + b"a" * 30_000_000)
    response = await take_in(http, bomb, **{"Content-Encoding": "gzip"})
    assert (response.status_code, response.json()["message"]) == (413, "the body becomes more than 200 times its size")
    monkeypatch.setattr(bulk, "IMPORT_MAX", 100)
    response = await take_in(http, in_pieces("user_id\n" + "ada\n" * 100))
    assert (response.status_code, response.json()["message"]) == (413, "the request is larger than 100 bytes")


async def test_an_import_that_broke_goes_on(http: httpx.AsyncClient, site: Site, small_chunks: None) -> None:
    text = "user_id,event\n" + "".join(f"u{number},x\n" for number in range(10))
    key = {"Idempotency-Key": "orders of May"}

    async def broken() -> AsyncIterator[bytes]:
        yield text[:60].encode()
        raise ConnectionError

    assert (await take_in(http, broken(), EVENTS, **key)).status_code == 500
    ((done,),) = await site.rows("select rows_done from import_run")
    assert 0 < done < 10
    for was_done in (False, True):
        answer = (await take_in(http, in_pieces(text), EVENTS, **key)).json()
        assert (answer["rows"], answer["was_done"]) == (10, was_done)
    await site.drain()
    assert await site.rows("select count(*) from event") == [(10,)]


async def test_without_a_key_every_import_is_its_own(http: httpx.AsyncClient, site: Site) -> None:
    answers = [(await take_in(http, "user_id,event\nada,x\n", EVENTS)).json() for _ in range(2)]
    assert answers[0]["import_id"] != answers[1]["import_id"]
    await site.drain()
    assert await site.rows("select count(*) from event") == [(2,)]


async def test_history_is_only_history(http: httpx.AsyncClient, site: Site) -> None:
    params = EVENTS | {"history": "true", "event": "Purchase"}
    await take_in(http, "user_id,date\nada,2026-02-01\n", params)
    assert await site.rows("select name from event") == [("Purchase",)]
    assert await site.rows("select count(*) from inbox where kind = 'event'") == [(0,)]


async def test_who_sends_nothing_is_not_waited_for(
    http: httpx.AsyncClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PATIENCE_SECONDS", 0.2)

    async def stalled() -> AsyncIterator[bytes]:
        yield b"user_id\nada\n"
        await asyncio.Event().wait()

    response = await asyncio.wait_for(take_in(http, stalled()), 30)
    assert (response.status_code, response.json()["message"]) == (400, "nothing came for 0 seconds")


async def test_so_many_imports_go_on_at_once(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Semaphore(0)
    end = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"user_id\n"
        begun.release()
        await end.wait()
        yield b"ada\n"

    waiting = [asyncio.create_task(take_in(http, slow())) for _ in range(bulk.AT_ONCE)]
    for _ in waiting:
        await begun.acquire()
    response = await take_in(http, "user_id\nada\n")
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    end.set()
    assert [each.status_code for each in await asyncio.gather(*waiting)] == [200] * bulk.AT_ONCE
    assert (await take_in(http, "user_id\nada\n")).status_code == 200


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "subject: must be one of people, events; application: is required"),
        (
            PEOPLE | {"map": "x", "type": "a=b", "foo": "1", "delimiter": "ab", "history": "maybe"},
            (
                "map: must be two words joined by `=`; type: `b` is no type; the types are boolean, date, integer, "
                "list, number, string; delimiter: must be one character; history: must be one of true, false; "
                "foo: unknown parameter"
            ),
        ),
        (PEOPLE | {"event": "x"}, "event: is for events"),
        (PEOPLE | {"map": "city=x"}, "`city` is nothing to map; people have"),
        (PEOPLE | {"map": "user_id=x"}, "the file has no column `x`: the columns are City"),
        (PEOPLE, "no column says who a row is about: the columns are City; map `user_id` to one of them"),
        (PEOPLE | {"application": THEIR_APP}, "application not found"),
    ],
)
async def test_a_malformed_import_names_every_place(
    http: httpx.AsyncClient, site: Site, params: dict[str, str], message: str
) -> None:
    response = await take_in(http, "City\nParis\n", params)
    assert response.status_code == 400
    assert response.json()["message"].startswith(message)
    assert await site.rows("select count(*) from import_run") == [(0,)]


async def test_tokens_and_types_are_checked_first(http: httpx.AsyncClient) -> None:
    for header, status in ((f"Api {DEVICE_TOKEN}", 403), ("Api wrong", 401), ("", 401)):
        assert (await take_in(http, "user_id\nada\n", Authorization=header)).status_code == status
        assert (await give_out(http, subject="people", headers={"Authorization": header})).status_code == status
    for type_ in ("application/pdf", ""):
        response = await take_in(http, "user_id\nada\n", **{"Content-Type": type_})
        assert response.status_code == 400
    response = await take_in(http, "user_id\nada\n", **{"Idempotency-Key": "x" * 256})
    assert response.status_code == 400


# Export -----------------------------------------------------------------------------------------------------

CROWD = [
    {
        "user_id": "ada",
        "email": ["ada@example.com", "countess@example.com"],
        "hwid": ["h-1", "+4930123456"],
        "time_zone": "Europe/London",
        "language": "en",
        "first_seen_at": "2026-02-01T10:00:00+00:00",
        "device_list": [
            {"hwid": "ada@example.com", "channel": "email", "platform": "Email", "is_subscribed": False},
            {"hwid": "h-1", "channel": "push", "platform": "iOS", "push_token": "t", "is_subscribed": True},
        ],
        "attributes": {"City": "London", "Likes": ["tea", "a,b"], "email": "an attribute", "Age": 36, "VIP": True},
    },
    {
        "hwid": "h-2",
        "first_seen_at": "2026-02-02T10:00:00+00:00",
        "device_list": [],
        "attributes": {},
    },
    {
        "anonymous_id": "visitor",
        "first_seen_at": "2026-02-03T10:00:00+00:00",
        "device_list": [],
        "attributes": {"Quote": 'she said "hi"\nand left'},
    },
]


def jsonl(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def ordered(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: row["first_seen_at"])


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
async def test_what_is_exported_can_be_imported(http: httpx.AsyncClient, site: Site, format_: str) -> None:
    await http.post(IMPORT, params=PEOPLE, content=jsonl(CROWD), headers=JSONL)
    assert ordered(lines(await give_out(http, subject="people"))) == CROWD

    exported = await give_out(http, subject="people", format=format_)
    answer = await http.post(
        IMPORT,
        params=PEOPLE | {"application": THEIR_APP},
        content=exported.content,
        headers=THEIRS | {"Content-Type": exported.headers["content-type"]},
    )
    assert (answer.json()["rows"], answer.json()["refused"]) == (3, [])
    assert ordered(lines(await give_out(http, subject="people", headers=THEIRS))) == CROWD


ODD = {
    "user_id": ['["odd"]'],  # alone, it would be read as a list
    "hwid": [" odd "],
    "first_seen_at": "2026-02-04T10:00:00+00:00",
    "device_list": [],
    "attributes": {
        "Address": {"city": "London", "lines": [{"no": 1}, ["a"]]},
        "Empty": "",
        "Long": 2**70,
        "a/b": "\r\n",
        **{f"of many {number}": True for number in range(300)},
    },
}


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
async def test_odd_names_and_values_come_back_as_they_were(http: httpx.AsyncClient, site: Site, format_: str) -> None:
    await http.post(IMPORT, params=PEOPLE, content=jsonl([ODD]), headers=JSONL)
    exported = await give_out(http, subject="people", format=format_)
    answer = await http.post(
        IMPORT,
        params=PEOPLE | {"application": THEIR_APP},
        content=exported.content,
        headers=THEIRS | {"Content-Type": exported.headers["content-type"]},
    )
    assert answer.json()["refused"] == []
    assert lines(await give_out(http, subject="people", headers=THEIRS)) == [ODD]


async def test_what_is_imported_again_through_the_inbox_is_the_same(http: httpx.AsyncClient, site: Site) -> None:
    for _ in range(2):
        answer = await http.post(IMPORT, params=PEOPLE, content=jsonl(CROWD), headers=JSONL)
        assert answer.json()["refused"] == []
        await site.drain()
    assert ordered(lines(await give_out(http, subject="people"))) == CROWD


async def test_events_are_exported_and_imported(http: httpx.AsyncClient, site: Site) -> None:
    text = jsonl(
        [
            {
                "user_id": "ada",
                "event": "Purchase",
                "occurred_at": "2026-02-01T10:00:00Z",
                "sum": 9.5,
                "items": [{"sku": "a"}, {"sku": ""}],
                "source_id": "1",
            },
            {"anonymous_id": "visitor", "event": "View", "occurred_at": "2026-02-02T10:00:00Z"},
        ]
    )
    await http.post(IMPORT, params=EVENTS | {"history": "true"}, content=text, headers=JSONL)
    found = sorted(lines(await give_out(http, subject="events")), key=lambda row: row["occurred_at"])
    assert found[0] == {
        "user_id": "ada",
        "event": "Purchase",
        "occurred_at": "2026-02-01T10:00:00+00:00",
        "received_at": "2026-02-01T10:00:00+00:00",
        "application": APP,
        "source_id": "1",
        "attributes": {"sum": 9.5, "items": [{"sku": "a"}, {"sku": ""}]},
    }
    assert found[1]["anonymous_id"] == "visitor"
    params = EVENTS | {"application": THEIR_APP, "history": "true"}
    for count in (2, 2):
        exported = (await give_out(http, subject="events", format="csv")).content
        answer = await http.post(IMPORT, params=params, content=exported, headers=THEIRS | CSV)
        assert answer.json()["refused"] == []
        theirs = lines(await give_out(http, subject="events", headers=THEIRS))
        assert len(theirs) == count
    assert {row["event"]: row["attributes"] for row in theirs} == {
        found[0]["event"]: found[0]["attributes"],
        "View": {},
    }


async def test_exports_are_cut_by_time_filter_and_app(http: httpx.AsyncClient, site: Site) -> None:
    await http.post(IMPORT, params=PEOPLE, content=jsonl(CROWD), headers=JSONL)
    events = jsonl([{"user_id": "ada", "event": f"e{day}", "date": f"2026-02-0{day}"} for day in range(1, 6)])
    await http.post(IMPORT, params=EVENTS | {"history": "true"}, content=events, headers=JSONL)

    cut = {"from": "2026-02-02", "to": "2026-02-04T00:00:00Z"}
    assert sorted(row["event"] for row in lines(await give_out(http, subject="events", **cut))) == ["e2", "e3"]
    londoners = 'T("City", eq, "London")'
    assert [row["user_id"] for row in lines(await give_out(http, subject="people", filter=londoners))] == ["ada"]
    assert lines(await give_out(http, subject="events", filter='T("City", eq, "Paris")')) == []
    assert len(lines(await give_out(http, subject="people", application=APP))) == 3
    assert lines(await give_out(http, subject="people", headers=THEIRS)) == []


async def test_attributes_may_have_columns_of_their_own(http: httpx.AsyncClient, site: Site) -> None:
    await http.post(IMPORT, params=PEOPLE, content=jsonl(CROWD), headers=JSONL)
    params = [("subject", "people"), ("format", "csv"), ("attribute", "City"), ("attribute", "Likes")]
    response = await http.get(EXPORT, params=params)
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert list(rows[0])[-2:] == ["City", "Likes"]
    assert {(row["user_id"], row["City"], row["Likes"]) for row in rows} == {
        ("ada", "London", '["tea","a,b"]'),
        ("", "", ""),
    }


async def test_enrollments_are_exported(http: httpx.AsyncClient, site: Site) -> None:
    journey = await running(site, lab.graph("api -> wait 1d -> exit", settings={"application_code": APP}))
    await site.service.run(US, EnrollByApi(journey=str(journey.journey), users=("ada",)))
    await site.drain()
    (inside,) = lines(await give_out(http, subject="enrollments"))
    assert inside == {
        "journey": str(journey.journey),
        "journey_title": "Letters",
        "user_id": "ada",
        "entry_point": lab.point_id("api"),
        "entered_at": NOON.isoformat(),
        "status": "inside",
        "reason": "",
        "point": inside["point"],
    }
    site.advance(days=2)
    await site.drain()
    (done,) = lines(await give_out(http, subject="enrollments"))
    assert (done["status"], done["ended_at"]) == ("completed", site.now.isoformat())


async def test_an_empty_export_has_its_header(http: httpx.AsyncClient) -> None:
    response = await give_out(http, subject="events", format="csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.text.startswith("user_id,email,hwid,anonymous_id,event,")
    assert (await give_out(http, subject="events")).text == ""


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "subject: must be one of people, events, enrollments"),
        (
            {"subject": "people", "format": "xml", "from": "soon", "foo": "1"},
            (
                "format: must be one of csv, jsonl; from: must be an instant, such as 2026-05-01T09:00:00Z; "
                "foo: unknown parameter"
            ),
        ),
        ({"subject": "people", "filter": "T("}, "invalid filter: "),
        ({"subject": "people", "filter": 'A("ZZZZZ-ZZZZZ")'}, "invalid filter: line 1, column 1: there is no app"),
        ({"subject": "people", "application": THEIR_APP}, "application not found"),
        ({"subject": "people", "from": "2026-02-02", "to": "2026-02-02"}, "to: must be after `from`"),
        ({"subject": "people", "attribute": "email"}, "attribute/0: there is another column `email`"),
        ({"subject": "enrollments", "attribute": "a"}, "attribute: enrollments have no attributes"),
    ],
)
async def test_a_malformed_export_names_every_place(
    http: httpx.AsyncClient, params: dict[str, str], message: str
) -> None:
    response = await give_out(http, **params)
    assert response.status_code == 400
    assert response.json()["message"].startswith(message)
