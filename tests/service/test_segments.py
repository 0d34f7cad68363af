"""Segments: named, listed, and used by journeys."""

from typing import Any

import pytest

from sojourn.model.points import Exit, StartBySegment
from sojourn.service.codes import is_code
from sojourn.service.commands import CreateSegment, ListSegments, Segment
from sojourn.service.errors import AlreadyExists, AppNotFound, InvalidDocument, InvalidFilter
from tests.service.conftest import NOON, OUR_APP, THEIR_APP, Bench, chain, point_id

LONDON = 'T("City", EQ, "London")'


async def create(bench: Bench, title: str = "Londoners", source: str = LONDON, **more: Any) -> Segment:
    return await bench.service.run(bench.us, CreateSegment(title=title, source=source, **more))


async def titles(bench: Bench, caller: Any = None, **more: Any) -> list[str]:
    found = await bench.service.run(caller or bench.us, ListSegments(**more))
    return [segment.title for segment in found.items]


async def test_a_segment_gets_a_code(bench: Bench) -> None:
    segment = await create(bench)
    assert is_code(segment.code)
    assert (segment.title, segment.source, segment.application_code, segment.created_at) == (
        "Londoners",
        LONDON,
        None,
        NOON,
    )
    assert (await bench.service.run(bench.us, ListSegments())).items == (segment,)


async def test_titles_and_codes_are_taken_once_per_workspace(bench: Bench) -> None:
    await create(bench, code="LON00-00001")
    for again in ({"title": "Londoners"}, {"title": "Others", "code": "LON00-00001"}):
        with pytest.raises(AlreadyExists):
            await create(bench, **again)
    theirs = CreateSegment(title="Londoners", source=LONDON, code="LON00-00001")
    assert (await bench.service.run(bench.them, theirs)).title == "Londoners"


async def test_segments_are_listed_by_title_and_app(bench: Bench) -> None:
    await create(bench, "b", application_code=OUR_APP)
    await create(bench, "a")
    assert await titles(bench) == ["a", "b"]
    assert await titles(bench, application_code=OUR_APP) == ["a", "b"]
    assert await titles(bench, bench.them) == []
    for command in (
        ListSegments(application_code=THEIR_APP),
        CreateSegment(title="c", source=LONDON, application_code=THEIR_APP),
    ):
        with pytest.raises(AppNotFound):
            await bench.service.run(bench.us, command)


async def test_a_source_must_mean_something(bench: Bench) -> None:
    for source in ("", "nonsense", 'T("City"', 'AT("BBBBB-BBBBB", "City", EQ, "x")', 'Segment("NONE0-00000")'):
        with pytest.raises(InvalidFilter) as refusal:
            await create(bench, source=source)
        assert str(refusal.value).startswith("invalid filter: ")
    for fields in ({"title": ""}, {"title": "x" * 256}, {"code": "x" * 256}, {"source": "x" * 20_001}, {"title": "\0"}):
        with pytest.raises(InvalidDocument):
            await create(bench, **fields)
    assert await titles(bench) == []


async def test_journeys_use_segments_of_their_workspace(bench: Bench) -> None:
    await create(bench, code="LON00-00001")
    journey = await bench.create(chain(StartBySegment(id=point_id(), filter_code="LON00-00001"), Exit(id=point_id())))
    assert (await bench.change(journey, "start")).status == "running"
    missing = await bench.create(chain(StartBySegment(id=point_id(), filter_code="NONE0-00000"), Exit(id=point_id())))
    with pytest.raises(InvalidDocument) as refusal:
        await bench.change(missing, "start")
    assert [problem.code for problem in refusal.value.problems] == ["filter.unknown"]
