"""Fixed lists: made, filled by names and by files, watched, cleared away."""

import io
from typing import Any

import pytest
from msgspec.structs import replace

from sojourn.engine.runner import Runner
from sojourn.engine.upkeep import clean
from sojourn.service import lists
from sojourn.service.commands import (
    Alias,
    ChangeMembers,
    CountSegment,
    CreateList,
    CreateSegment,
    DeletePerson,
    DeleteSegment,
    GetSegment,
    ListMembers,
    ListSegments,
    PersonKey,
    RegisterEmail,
    Segment,
    UpdateSegment,
)
from sojourn.service.errors import AlreadyExists, InUse, InvalidDocument, InvalidFilter, SegmentNotFound
from sojourn.service.importing.files import SourceStream
from sojourn.service.importing.members import MembersPlan, MembersReport, Mode, import_members
from sojourn.service.importing.rejects import RejectList
from sojourn.store.connection import connect
from tests.service.conftest import OUR_APP, Bench, live_graph
from tests.service.test_acceptance import event

PEOPLE = ("ada", "bob", "cid", "dan")


async def drain(bench: Bench) -> None:
    await Runner(str(bench.pool.conninfo), bench.clock).drain()


async def populate(bench: Bench) -> None:
    for name in PEOPLE:
        await bench.service.run(bench.us, event(name))
    await bench.service.run(bench.us, RegisterEmail(application_code=OUR_APP, email="eve@e.ex", user_id=""))
    await drain(bench)


async def make(bench: Bench, code: str = "vips", **more: Any) -> Segment:
    return await bench.service.run(bench.us, CreateList(title=code.title(), code=code, **more))


async def change(bench: Bench, *user_ids: str, code: str = "vips", **more: Any) -> tuple[int, int]:
    command = ChangeMembers(code=code, user_ids=user_ids, **more)
    reply = await bench.service.run(bench.us, command)
    return reply.accepted, len(reply.unknown) + len(reply.unknown_profiles)


async def members(bench: Bench, code: str = "vips") -> list[str]:
    page = await bench.service.run(bench.us, ListMembers(code=code, limit=200))
    assert page.next_after is None
    return sorted(str(each.names["user_id"] or each.names["email"]) for each in page.items)


async def upload(bench: Bench, text: str, mode: Mode, **more: Any) -> tuple[MembersReport, list[Any]]:
    source, rejects = SourceStream(io.BytesIO(text.encode()), "csv"), RejectList(limit=10)
    plan = MembersPlan(code="vips", mode=mode, **more)
    report = await import_members(bench.service.resources, bench.us.workspace_id, plan, source, rejects=rejects)
    return report, rejects.rows


async def test_people_are_put_on_a_list_by_any_name_and_audiences_follow(bench: Bench) -> None:
    await populate(bench)
    made = await make(bench)
    assert (made.is_list, made.members, made.source) == (True, 0, 'Static("vips")')
    joins = await bench.running(live_graph('Segment("vips")', "JOINING"), "Joins")
    leaves = await bench.running(live_graph('Static("vips")', "LEAVING"), "Leaves")
    await drain(bench)
    [[eve]] = await bench.rows("select profile_id from identity where value = 'eve@e.ex'")

    reply = await bench.service.run(
        bench.us,
        ChangeMembers(code="vips", user_ids=("ada", "bob", "ada", "zoe"), emails=("EVE@e.ex",), profiles=(eve, 10**9)),
    )

    assert (reply.accepted, reply.unknown, reply.unknown_profiles) == (5, (PersonKey(value="zoe"),), (10**9,))
    assert len(await bench.inbox("list")) == 3  # each person once, durable before the answer
    bench.clock.advance(minutes=1)
    await drain(bench)
    assert await members(bench) == ["ada", "bob", "eve@e.ex"]
    assert len(await bench.entered(joins)) == 3
    assert await change(bench, "bob", "cid", gone=True) == (2, 0)
    bench.clock.advance(minutes=1)
    await drain(bench)
    assert await members(bench) == ["ada", "eve@e.ex"]
    assert (len(await bench.entered(joins)), len(await bench.entered(leaves))) == (3, 1)
    assert (await bench.service.run(bench.us, GetSegment(code="vips"))).members == 2
    counted = await bench.service.run(bench.us, CountSegment(source='Static("vips") * A("AAAAA-AAAAA")'))
    assert counted.count == 2


async def test_a_list_is_replaced_by_a_file_whatever_waits_in_the_inbox(bench: Bench) -> None:
    await populate(bench)
    await make(bench)
    await change(bench, "ada", "bob")
    await drain(bench)
    await change(bench, "ada", gone=True)  # not applied yet, like the next
    await change(bench, "dan")

    report, refused = await upload(bench, "user_id,note\nada,x\ncid,y\nzoe,\n,\n", "replace")

    assert (report.rows, report.rows_accepted, report.rows_unknown, report.removed) == (4, 2, 1, 2)
    assert refused == [(4, ("nobody goes by these names",)), (5, ("nothing says who the row is about",))]
    await drain(bench)
    assert await members(bench) == ["ada", "cid"]
    again, _ = await upload(bench, "user_id\nada\ncid\n", "replace")
    assert (again.rows_accepted, again.removed, await bench.inbox("list")) == (2, 0, [])


async def test_a_replacement_is_made_in_portions(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "BATCH", 1)
    await populate(bench)
    await make(bench)
    await change(bench, *PEOPLE)
    await drain(bench)
    report, _ = await upload(bench, "email\neve@e.ex\n", "replace")
    assert report.removed == 4
    await drain(bench)
    assert await members(bench) == ["eve@e.ex"]
    assert (await upload(bench, "user_id\n", "replace"))[0].removed == 1
    await drain(bench)
    assert await members(bench) == []


async def test_a_file_adds_and_removes(bench: Bench) -> None:
    await populate(bench)
    await make(bench)
    assert (await upload(bench, "who;email\nada;\nzoe;eve@e.ex\n", "add", columns={"user_id": "who"}))[1] == []
    await drain(bench)
    assert await members(bench) == ["ada", "eve@e.ex"]
    await upload(bench, "user_id\nada\nbob\n", "remove")
    await drain(bench)
    assert await members(bench) == ["eve@e.ex"]
    with pytest.raises(InvalidDocument, match="no column says who a row is about"):
        await upload(bench, "ada\nbob\n", "add")
    await bench.service.run(bench.us, DeleteSegment(code="vips"))
    with pytest.raises(SegmentNotFound):
        await upload(bench, "user_id\nada\n", "add")


async def test_members_are_shown_page_by_page(bench: Bench) -> None:
    await populate(bench)
    await make(bench)
    await change(bench, *PEOPLE, emails=("eve@e.ex",))
    await drain(bench)
    after, pages = "", list[list[int]]()
    while not pages or after:
        page = await bench.service.run(bench.us, ListMembers(code="vips", after=after, limit=2))
        pages.append([each.profile for each in page.items])
        after = page.next_after or ""
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({number for page in pages for number in page}) == 5
    for wrong in (ListMembers(code="vips", after="x"), ListMembers(code="vips", limit=0)):
        with pytest.raises(InvalidDocument):
            await bench.service.run(bench.us, wrong)


async def test_who_is_merged_or_deleted_is_on_the_list_as_whom_they_become(bench: Bench) -> None:
    await populate(bench)
    await make(bench)
    await change(bench, *PEOPLE)
    await drain(bench)
    await bench.service.run(bench.us, Alias(application_code=OUR_APP, previous_id="bob", user_id="ada"))
    report, _ = await upload(bench, "user_id\nada\ncid\n", "replace")  # before bob's rows have moved
    assert report.removed == 1
    await drain(bench)
    await bench.service.run(bench.us, DeletePerson(user_id="cid"))
    assert await members(bench) == ["['ada', 'bob']"]
    assert await bench.rows("select count(*) from static_member") == [(1,)]


async def test_a_list_that_is_used_stays_and_one_that_goes_takes_its_members_along(bench: Bench) -> None:
    await populate(bench)
    await make(bench)
    await make(bench, "others")
    await change(bench, *PEOPLE)
    await change(bench, "ada", code="others")
    await drain(bench)
    await bench.service.run(bench.us, CreateSegment(title="b", source='Static("vips")', code="b"))
    await bench.create(live_graph('Segment("vips")', "JOINING"), "Hello")
    with pytest.raises(InUse, match="the segment `b`, the journey `Hello`"):
        await bench.service.run(bench.us, DeleteSegment(code="vips"))
    await bench.execute("delete from journey")
    for code in ("b", "vips"):
        await bench.service.run(bench.us, DeleteSegment(code=code))
    assert await bench.rows("select count(*) from static_member") == [(1,)]
    assert await members(bench, "others") == ["ada"]
    with pytest.raises(SegmentNotFound):
        await change(bench, "ada")


async def test_what_is_left_of_a_deleted_list_is_cleared_away(bench: Bench, database_url: str) -> None:
    await populate(bench)
    for code in ("vips", "others"):
        await make(bench, code)
        await change(bench, *PEOPLE, code=code)
    await drain(bench)
    await bench.execute("delete from segment where code = 'vips'")
    async with await connect(database_url, application_name="test", autocommit=True) as conn:
        await clean(conn, bench.clock())
    assert await bench.rows("select count(*) from static_member") == [(4,)]


async def test_a_list_is_listed_and_renamed_but_has_no_filter(bench: Bench) -> None:
    made = await make(bench)
    renamed = await bench.service.run(bench.us, UpdateSegment(code="vips", title="Stars"))
    assert renamed == replace(made, title="Stars")
    assert [each.is_list for each in (await bench.service.run(bench.us, ListSegments())).items] == [True]
    with pytest.raises(InvalidFilter, match="a fixed list has no filter"):
        await bench.service.run(bench.us, UpdateSegment(code="vips", title="Stars", source='T("x", SET)'))
    with pytest.raises(AlreadyExists):
        await make(bench)
    await bench.service.run(bench.them, CreateList(title="Vips", code="vips"))  # in another workspace
    with pytest.raises(InvalidDocument):
        await bench.service.run(bench.us, CreateList(title=""))


@pytest.mark.parametrize(
    ("names", "where"),
    [
        ({}, "members"),
        ({"user_ids": ("a",) * 10_001}, "members"),
        ({"user_ids": ("ada", "")}, "user_ids/1"),
        ({"emails": ("ada",)}, "emails/0"),
        ({"phones": ("030",)}, "phones/0"),
        ({"profiles": (0,)}, "profiles/0"),
        ({"hwids": ("x" * 256,)}, "hwids/0"),
    ],
)
async def test_names_that_cannot_be_are_refused(bench: Bench, names: Any, where: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        await bench.service.run(bench.us, ChangeMembers(code="vips", **names))
    assert [problem.where for problem in refusal.value.problems] == [where]
