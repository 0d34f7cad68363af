"""Imports: every format, refused rows, and an interruption at any chunk without doubling."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sojourn.engine.catalog import Catalog
from sojourn.engine.runner import Runner
from sojourn.engine.tick import Advance, Budget
from sojourn.engine.transfers import Transfers
from sojourn.service.acceptance import Acceptance
from sojourn.service.errors import InvalidDocument
from sojourn.service.facts import Facts
from sojourn.service.importing import files
from sojourn.service.importing.plan import Plan
from sojourn.service.importing.run import ImportMoved, Report, import_file
from sojourn.service.reactions import Reactions
from sojourn.service.resources import Resources
from sojourn.service.workspaces import ensure_default
from sojourn.store.connection import connect, make_pool
from sojourn.store.deletion import Grave, erase_people

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CODE = "AAAAA-11111"
PEOPLE = Plan(subject="people", application_code=CODE)
HISTORY = Plan(subject="events", application_code=CODE, is_history=True)
EVENTS = Plan(subject="events", application_code=CODE)


class Importer:
    """Imports files into one database."""

    def __init__(self, resources: Resources, workspace_id: int, url: str, folder: Path) -> None:
        self._resources = resources
        self._workspace_id = workspace_id
        self._url = url
        self.folder = folder
        self.reports: list[Report] = []

    async def run(self, plan: Plan, path: Path, *, stop_after: int | None = None) -> Report:
        def on_progress(report: Report) -> None:
            self.reports.append(report)
            if stop_after is not None and report.rows_done >= stop_after:
                raise InterruptedError

        rejects = self.folder / "rejects.csv"
        return await import_file(
            self._resources, self._workspace_id, plan, path, rejects=rejects, on_progress=on_progress
        )

    async def drain(self) -> None:
        await Runner(self._url, lambda: NOW).drain()

    async def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        async with self._resources.pool.connection() as conn:
            return await (await conn.execute(query)).fetchall()

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def rejected(self) -> list[str]:
        return (self.folder / "rejects.csv").read_text().splitlines()


@pytest.fixture
async def importer(database_url: str, tmp_path: Path) -> AsyncIterator[Importer]:
    async with make_pool(database_url, application_name="test", max_size=4) as pool:
        async with pool.connection() as conn:
            app = await ensure_default(conn, NOW, application_code=CODE)
        facts = Facts(pool)
        acceptance = Acceptance(pool, lambda: NOW, facts)
        reactions = Reactions(pool, lambda: NOW)
        resources = Resources(pool=pool, clock=lambda: NOW, facts=facts, acceptance=acceptance, reactions=reactions)
        yield Importer(resources, app.workspace_id, database_url, tmp_path)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHUNK_ROWS", 10)


PROFILES: LiteralString = "select user_id, attributes, time_zone, language from profile order by user_id"
DEVICES: LiteralString = """
    select p.user_id, d.hwid, d.channel::text, d.platform
    from device as d join profile as p using (shard, profile_id) order by 1, 2
"""
HAPPENED: LiteralString = """
    select p.user_id, e.name, e.data, e.occurred_at
    from event as e join profile as p using (shard, profile_id) order by e.occurred_at, e.event_id
"""


async def test_people_from_csv(importer: Importer) -> None:
    path = importer.file(
        "people.csv", "Customer-ID;Email;City;score;tz\nada;Ada@Example.com;Paris;7;Europe/Paris\nbob;;;;\n"
    )
    plan = Plan(subject="people", application_code=CODE, types={"score": "integer"})

    report = await importer.run(plan, path)

    assert (report.rows_done, report.rows_refused) == (2, 0)
    assert await importer.rows(PROFILES) == [
        ("ada", {"City": "Paris", "score": 7}, "Europe/Paris", None),
        ("bob", {}, None, None),
    ]
    assert await importer.rows(DEVICES) == [("ada", "ada@example.com", "email", "Email")]
    assert not (importer.folder / "rejects.csv").exists()


def jsonl(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


ROWS = [
    {"user_id": f"u{number}", "vip": number % 2 == 0, "score": number / 2, "tags": ["a", "b"]} for number in range(30)
]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("name", ["people.jsonl", "people.jsonl.gz", "people.parquet", "people.csv.gz"])
async def test_people_in_every_format(importer: Importer, name: str) -> None:
    path = importer.folder / name
    plan = PEOPLE
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif name.endswith(".csv.gz"):
        lines = [f"{row['user_id']},{row['vip']},{row['score']},a|b" for row in ROWS]
        path.write_bytes(gzip.compress("\n".join(["user_id,vip,score,tags", *lines]).encode()))
        plan = Plan(
            subject="people",
            application_code=CODE,
            types={"vip": "boolean", "score": "number", "tags": "list"},
            list_separator="|",
        )
    else:
        content = jsonl(ROWS).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    report = await importer.run(plan, path)

    assert (report.rows_done, report.share) == (30, 1.0)
    assert importer.reports[-1].share == pytest.approx(1, abs=0.01)
    found = {user_id: attributes for user_id, attributes, *_ in await importer.rows(PROFILES)}
    assert found == {row["user_id"]: {key: row[key] for key in ("vip", "score", "tags")} for row in ROWS}


async def test_people_known_already_are_changed_by_the_tick(importer: Importer) -> None:
    await importer.run(PEOPLE, importer.file("one.csv", "id,email,city,kept\nada,ada@example.com,Paris,yes\n"))
    await importer.run(
        PEOPLE, importer.file("two.csv", "id,email,city\nada,other@example.com,Rome\neve,ada@example.com,Bonn\n")
    )

    assert (await importer.rows(PROFILES))[0][1] == {"city": "Paris", "kept": "yes"}
    await importer.drain()

    assert [row[:2] for row in await importer.rows(PROFILES)] == [
        ("ada", {"city": "Rome", "kept": "yes"}),
        ("eve", {"city": "Bonn"}),
    ]
    assert [row[:2] for row in await importer.rows(DEVICES)] == [
        ("ada", "other@example.com"),
        ("eve", "ada@example.com"),
    ]


async def test_an_import_says_where_people_were_and_what_their_devices_are(importer: Importer) -> None:
    """Of somebody new, and of somebody known: a later row replaces what it speaks of."""
    device = '"[{""hwid"":""h"",""channel"":""push"",""platform"":""iOS"",""details"":{""os_version"":""%d""}}]"'
    header = "user_id,location.city,Location.Country,location.latitude,location.longitude,device_list"
    known = "select location, details from profile join device using (shard, profile_id)"
    await importer.run(PEOPLE, importer.file("one.csv", f"{header}\nada,Rome,IT,41.9,12.5,{device % 16}\n"))
    rome = {"city": "Rome", "country": "IT", "latitude": 41.9, "longitude": 12.5}
    assert await importer.rows(known) == [(rome, {"os_version": "16"})]

    await importer.run(PEOPLE, importer.file("two.csv", f"{header}\nada,Ostia,,41.7,12.3,{device % 17}\n"))
    await importer.drain()
    ostia = rome | {"city": "Ostia", "latitude": 41.7, "longitude": 12.3}
    assert await importer.rows(known) == [(ostia, {"os_version": "17"})]


async def test_places_that_are_none_are_refused(importer: Importer) -> None:
    header = "user_id,location.city,location.latitude,location.longitude"
    rows = [f"a,{'x' * 256},,", "b,,91,0", "c,,north,0", "d,,1,", "e,,nan,1"]
    report = await importer.run(PEOPLE, importer.file("people.csv", "\n".join([header, *rows])))
    assert report.rows_refused == len(rows)
    assert [line.split(",")[1] for line in importer.rejected()[1:]] == [
        "location.city: at most 255 characters are allowed",
        "location.latitude: `91` is no number from -90 to 90",
        "location.latitude: `north` is no number from -90 to 90",
        "location: a latitude and a longitude come together",
        "location.latitude: `nan` is no number from -90 to 90",
    ]


async def test_rows_about_one_person_are_joined(importer: Importer) -> None:
    path = importer.file("people.csv", "id,email,city,size\nada,a@example.com,Paris,1\nada,b@example.com,Rome,\n")

    await importer.run(PEOPLE, path)

    assert (await importer.rows(PROFILES))[0][1] == {"city": "Rome", "size": "1"}
    assert len(await importer.rows(DEVICES)) == 2


async def test_refused_rows_are_listed_with_every_reason(importer: Importer) -> None:
    lines = [
        "id,email,score,joined,tz",
        "good,good@example.com,1,2026-01-31,UTC",
        ",,1,,",
        "bad,nowhere,many,2026-02-30,Mars/Olympus",
        "short,1",
        f"{'x' * 300},,,,",
    ]
    plan = Plan(subject="people", application_code=CODE, types={"score": "integer", "joined": "date"})
    path = importer.folder / "people.csv"
    path.write_bytes("\n".join(lines).encode() + b"\nlatin,,,,\xe9\n")

    report = await importer.run(plan, path)

    assert (report.rows_done, report.rows_refused) == (6, 5)
    assert [row[0] for row in await importer.rows(PROFILES)] == ["good"]
    header, *rejected = importer.rejected()
    assert header == "line,reason,row"
    assert [line.split(",")[0] for line in rejected] == ["3", "4", "5", "6", "7"]
    assert "nothing says who the row is about" in rejected[0]
    for reason in (
        "`nowhere` is no email address",
        "`many` is no integer",
        "`2026-02-30` is no date",
        "`Mars/Olympus`",
    ):
        assert reason in rejected[1]
    assert "2 cells instead of 5" in rejected[2]
    assert "at most 255 characters" in rejected[3]
    assert "Unicode" in rejected[4]


async def test_columns_that_the_first_lines_lack_are_found_in_later_ones(importer: Importer) -> None:
    first = "".join(f'{{"user_id": "u{number}"}}\n' for number in range(100))
    late = '{"anonymous_id": "v", "time_zone": "Europe/Paris", "location.city": "Paris", "size": 9007199254740993}\n'
    plan = Plan(subject="people", application_code=CODE, types={"size": "number"}, attributes=None)
    report = await importer.run(plan, importer.file("people.jsonl", f'{{"user_id": "u", "size": 1}}\n{first}{late}'))
    assert (report.rows_done, report.rows_refused) == (102, 0)
    found = await importer.rows("select attributes, time_zone, location from profile where user_id is null")
    assert found == [({"size": 9007199254740993}, "Europe/Paris", {"city": "Paris"})]


async def test_lines_that_are_no_json_are_refused(importer: Importer) -> None:
    path = importer.file(
        "people.jsonl", '{"user_id": "ada"}\n{"user_id": \n[1]\n\n{"user_id": {"nested": 7}}\n{"user_id": 8}\n'
    )

    report = await importer.run(PEOPLE, path)

    assert (report.rows_done, report.rows_refused) == (5, 3)
    assert [row[0] for row in await importer.rows(PROFILES)] == ["8", "ada"]
    assert [line.split(",")[0] for line in importer.rejected()] == ["line", "2", "3", "5"]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("stop_after", [10, 20, 40])
@pytest.mark.parametrize("plan", [EVENTS, HISTORY], ids=["inbox", "history"])
async def test_an_interrupted_import_goes_on_without_doubling(importer: Importer, plan: Plan, stop_after: int) -> None:
    rows = [
        {"user_id": f"u{n % 7}", "event": "purchase", "occurred_at": f"1997-01-{n % 28 + 1:02d}", "n": n}
        for n in range(45)
    ]
    rows[3]["occurred_at"] = rows[33]["occurred_at"] = "soon"
    path = importer.file("events.jsonl", jsonl(rows))

    with pytest.raises(InterruptedError):
        await importer.run(plan, path, stop_after=stop_after)
    importer.reports.clear()
    report = await importer.run(plan, path)
    again = await importer.run(plan, path)
    await importer.drain()

    assert importer.reports[0].rows_done == stop_after
    assert (report.rows_done, report.rows_refused, report.was_done) == (45, 2, False)
    assert (again.rows_done, again.rows_refused, again.was_done) == (45, 2, True)
    assert sorted(data["n"] for _, _, data, _ in await importer.rows(HAPPENED)) == [
        n for n in range(45) if n not in {3, 33}
    ]
    assert [line.split(",")[0] for line in importer.rejected()] == ["line", "4", "34"]


async def test_two_imports_of_one_file_at_once_do_not_double(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK_ROWS", 5)
    path = importer.file("events.csv", "user_id,n\n" + "".join(f"u{n},{n}\n" for n in range(20)))
    plan = Plan(subject="events", application_code=CODE, event="seen", is_history=True)

    results = await asyncio.gather(importer.run(plan, path), importer.run(plan, path), return_exceptions=True)

    assert any(isinstance(result, ImportMoved) for result in results)
    assert any(isinstance(result, Report) and result.rows_done == 20 for result in results)
    assert len(await importer.rows(HAPPENED)) == 20


async def test_history_wakes_nobody_and_keeps_its_time(importer: Importer) -> None:
    path = importer.file("events.csv", "user_id,date,amount\nada,19970102,11.77\nada,1997-01-03T10:00:00+02:00,5\n")
    plan = Plan(subject="events", application_code=CODE, event="purchase", is_history=True, types={"amount": "number"})

    await importer.run(plan, path)

    assert {kind for (kind,) in await importer.rows("select kind::text from inbox")} == {"look"}
    assert await importer.rows(HAPPENED) == [
        ("ada", "purchase", {"amount": 11.77}, datetime(1997, 1, 2, tzinfo=UTC)),
        ("ada", "purchase", {"amount": 5.0}, datetime(1997, 1, 3, 8, tzinfo=UTC)),
    ]


LOOKED = """
    select array_agg(distinct element.value::bigint order by element.value::bigint)
    from inbox, jsonb_array_elements_text(data -> 'people') as element(value) where kind = 'look'
"""


async def test_live_audiences_are_told_of_whom_an_import_writes(importer: Importer) -> None:
    await importer.run(PEOPLE, importer.file("people.csv", "user_id,City\nada,Berlin\nbob,Rome\n"))
    people = await importer.rows("select array_agg(profile_id order by profile_id) from profile")
    assert await importer.rows(LOOKED) == people
    await importer.drain()
    assert await importer.rows("select count(*) from inbox") == [(0,)]

    await importer.run(HISTORY, importer.file("events.csv", "user_id,event\nada,seen\nbob,seen\n"))
    assert await importer.rows(LOOKED) == people


NAMES = """
    select i.value, e.name from identity as i
    left join event as e on e.shard = i.profile_shard and e.profile_id = i.profile_id
    where exists (select from profile as p where p.shard = i.profile_shard and p.profile_id = i.profile_id) order by 1
"""


@pytest.mark.parametrize("fate", ["merged", "deleted"])
async def test_history_finds_whoever_was_merged_or_deleted_while_it_waited(
    importer: Importer, database_url: str, fate: str
) -> None:
    """The import has found a visitor and waits for the lease; before it gets it, the visitor is no more."""
    path = importer.file("events.csv", "anonymous_id,event\nvisitor,seen\n")
    await importer.run(PEOPLE, importer.file("people.csv", "user_id,anonymous_id\nada,\n,visitor\n"))
    await importer.drain()
    [(shard, profile_id)] = await importer.rows(
        "select profile_shard, profile_id from identity where value = 'visitor'"
    )
    async with await connect(database_url, application_name="engine") as conn:
        await conn.execute("select from shard where shard = %s for update", (shard,))
        importing = asyncio.create_task(importer.run(HISTORY, path))
        async with asyncio.timeout(30):
            while not await importer.rows("select from pg_locks where not granted"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # nothing signals that somebody waits
        if fate == "merged":
            await importer.run(PEOPLE, importer.file("same.csv", "user_id,anonymous_id\nada,visitor\n"))
            catalog = Catalog()
            await Advance(conn, catalog, shard=shard, now=NOW, budget=Budget()).run()
            assert (await Transfers(conn, catalog, shard=shard, now=NOW).run()).n == 1
        else:
            await erase_people(conn, Grave(shard, 1, [profile_id]), now=NOW)
        await conn.commit()
        assert (await importing).rows_done == 1
    await importer.drain()
    found = [("ada", "seen"), ("visitor", "seen")] if fate == "merged" else [("ada", None), ("visitor", "seen")]
    assert await importer.rows(NAMES) == found


async def test_history_with_ids_of_its_own_is_not_doubled_by_another_file(importer: Importer) -> None:
    await importer.run(HISTORY, importer.file("a.csv", "user_id,event,event_id\nada,seen,1\nada,seen,2\nada,seen,2\n"))
    await importer.run(HISTORY, importer.file("b.csv", "user_id,event,event_id\nada,seen,2\nada,seen,3\n"))

    assert len(await importer.rows(HAPPENED)) == 3


async def test_columns_are_mapped_by_hand(importer: Importer) -> None:
    path = importer.file("people.csv", "nr,Ort,secret\n1,Berlin,x\n")
    plan = Plan(subject="people", application_code=CODE, columns={"user_id": "nr"}, attributes={"City": "Ort"})

    await importer.run(plan, path)

    assert (await importer.rows(PROFILES))[0][:2] == ("1", {"City": "Berlin"})


@pytest.mark.parametrize(
    ("plan", "text", "complaint"),
    [
        (PEOPLE, "name,city\nada,Paris\n", "no column says who a row is about"),
        (PEOPLE, "id,city,city\n1,a,b\n", "2 columns are called `city`"),
        (PEOPLE, "", "no column says who a row is about"),
        (EVENTS, "user_id,n\nada,1\n", "no column holds the event's name"),
        (Plan(subject="people", application_code=CODE, columns={"user_id": "nr"}), "id\n1\n", "no column `nr`"),
        (Plan(subject="people", application_code=CODE, columns={"shoe": "id"}), "id\n1\n", "`shoe` is nothing to map"),
        (Plan(subject="people", application_code=CODE, types={"x": "date"}), "id\n1\n", "`x` has a type but"),
    ],
)
async def test_a_file_that_cannot_be_read_so(importer: Importer, plan: Plan, text: str, complaint: str) -> None:
    with pytest.raises(InvalidDocument, match=complaint):
        await importer.run(plan, importer.file("people.csv", text))
    assert await importer.rows("select count(*) from import_run") == [(0,)]


async def test_a_file_that_is_no_parquet(importer: Importer) -> None:
    with pytest.raises(InvalidDocument, match="is not Parquet"):
        await importer.run(PEOPLE, importer.file("people.parquet", "id\n1\n"))
