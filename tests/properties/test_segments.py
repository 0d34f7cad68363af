"""Segments: the SQL and a slow evaluator agree about generated people; text and syntax tree lead to one another."""

import contextlib
import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from sojourn.compiler.comparisons import ONE_VALUE, ORDERED, TEXTUAL
from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segments import SegmentScope, check_segment, predicate
from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Comparison,
    Event,
    EventAttribute,
    Expression,
    Fact,
    Geo,
    Not,
    Operator,
    Reference,
    Static,
    Updated,
)
from sojourn.seglang import SeglangError, parse, render
from tests.segment_evaluator import Device, Person, evaluate, instant_of

SHARD = 3
OPERATORS: tuple[Operator, ...] = tuple(operator for operator in get_args(Operator) if operator != "REGEX")
NOW = datetime(2026, 3, 30, 1, 30, tzinfo=UTC)  # the day after clocks went forward in Europe

WORDS = [
    "London",
    "LONDON",
    "lon",
    "é",
    "É",
    "",
    " ",
    "5",
    "1.0",
    "-3",
    "true",
    "FALSE",
    "null",
    "[1, 2]",
    '{"a": 1}',
    "%s",
    "'",
]
DATES = [
    "2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30", "2026-02-30", "2026-03-27 00:00",
    "2026-03-27T23:59:59.9999999Z", "2026-03-28 00:30:00+01:00", "2026-03-27T12:00-0530",
    "2026-03-27T12:00:00.25", "2026-03-27 24:00", "1774569600", "now", "today", "infinity", "epoch",
    "2026-03-27 12", "2026-3-27", "20260327", "2026-03-27 12:00 PM", "2026-03-27Z", "3 days ago", "0 days ago",
    "1 DAY AGO", "3000-01-01", "0999-12-31", "2026-03-27\n", "2026-03-27 12:00:60", "2026-03-27 12:00+15",
]  # fmt: skip
NUMBERS = [0, 1, 5, -3, 2.5, 18, 1e300, -1e-300, 10**30, 99_999_999, 100_000_000, 1774569600, 1774569600.5, 1774655999,
           1774656000000, 32_503_679_999, 32_503_680_000]  # fmt: skip

texts = st.sampled_from(WORDS + DATES) | st.text("aAbBéÉ日%'\"\\ 0", max_size=4)
numbers = st.sampled_from(NUMBERS) | st.integers(-20, 20)
scalars = texts | numbers | st.booleans()
documents = st.recursive(
    st.none() | scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "0"]), inner),
    max_leaves=4,
)
NAMES = ["City", "city", "a", "0", "it's %(v1)s", '"']
names = st.sampled_from(NAMES)
paths = st.lists(names, min_size=1, max_size=2).map(tuple)

APP_IDS = {"AAAAA-AAAAA": 7, "BBBBB-BBBBB": 8}
PLATFORMS = ["iOS", "IOS", "Android", "Email"]

people = st.builds(
    Person,
    attributes=st.dictionaries(names, documents, max_size=4),
    app_ids=st.lists(st.sampled_from([7, 8, 9]), unique=True),
    devices=st.lists(
        st.builds(
            Device,
            app_id=st.sampled_from([7, 8]),
            platform=st.sampled_from(PLATFORMS),
            push_token=st.none() | st.just("t"),
        ),
        max_size=3,
    ),
)


@st.composite
def attributes(draw: st.DrawFn) -> Attribute:
    operator = draw(st.sampled_from(OPERATORS))
    values = scalars
    if operator in ORDERED:
        values = draw(st.sampled_from([numbers, st.sampled_from(DATES)]))
    elif operator in TEXTUAL:
        values = texts
    counts = {"SET": (0, 0), "NOTSET": (0, 0), "BETWEEN": (2, 2)} | dict.fromkeys(ONE_VALUE, (1, 1))
    low, high = counts.get(operator, (1, 3))
    wanted = Attribute(
        path=draw(paths),
        app=draw(st.none() | st.sampled_from(sorted(APP_IDS))),
        operator=operator,
        values=tuple(draw(st.lists(values, min_size=low, max_size=high))),
        fold_case=draw(st.booleans()),
    )
    assume(not check_segment(wanted, SegmentScope(APP_IDS, 1, {})))
    return wanted


applications = st.builds(
    Application,
    app=st.sampled_from(sorted(APP_IDS)),
    platforms=st.lists(st.sampled_from(PLATFORMS), max_size=2).map(tuple),
    with_tokens=st.booleans(),
)


def set_operations(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, max_size=3).map(tuple)
    return st.builds(All, of=several) | st.builds(AnyOf, of=several) | st.builds(Not, of=inner)


STORED = st.fixed_dictionaries({"vip": attributes(), "ours": applications})
conditions = (
    attributes() | attributes() | applications | st.sampled_from(["vip", "ours"]).map(lambda code: Reference(code=code))
)
segments = st.recursive(conditions, set_operations, max_leaves=5)


@pytest.fixture(scope="module")
def conn(shared_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(shared_database_url) as conn:
        # Neither the session's zone nor its way of writing dates may matter.
        conn.execute("set timezone to 'America/New_York'")
        conn.execute("set datestyle to 'ISO, DMY'")
        conn.commit()
        yield conn
        conn.rollback()


def settle(conn: psycopg.Connection, crowd: list[Person]) -> None:
    """Write people, numbered from 0."""
    cursor = conn.cursor()
    cursor.executemany(
        """
        insert into profile (shard, profile_id, workspace_id, attributes, app_ids, created_at, updated_at)
        values (%s, %s, 1, %s::jsonb, %s::integer[], %s, %s)
        """,
        [
            (SHARD, number, json.dumps(person.attributes), person.app_ids, NOW, NOW)
            for number, person in enumerate(crowd)
        ],
    )
    cursor.executemany(
        """
        insert into device (shard, profile_id, app_id, hwid, channel, platform, push_token, created_at, updated_at)
        values (%s, %s, %s, %s, 'push', %s, %s, %s, %s)
        """,
        [
            (SHARD, number, device.app_id, str(place), device.platform, device.push_token, NOW, NOW)
            for number, person in enumerate(crowd)
            for place, device in enumerate(person.devices)
        ],
    )


def selected(conn: psycopg.Connection, segment: Expression, scope: SegmentScope) -> list[bool | None]:
    parameters = Parameters()
    clause = predicate(segment, parameters, scope)
    rows = conn.execute(
        f"select {clause} from profile as p where p.shard = %(shard)s order by p.profile_id",
        {**parameters.values, "shard": SHARD, "now": NOW},
    )
    return [row[0] for row in rows]


@contextlib.contextmanager
def rolled_back(conn: psycopg.Connection) -> Iterator[None]:
    with conn.transaction(force_rollback=True):
        yield


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(crowd=st.lists(people, min_size=1, max_size=6), segment=segments, stored=STORED)
def test_sql_selects_whom_the_evaluator_selects(
    conn: psycopg.Connection, crowd: list[Person], segment: Expression, stored: dict[str, Expression]
) -> None:
    scope = SegmentScope(APP_IDS, 1, stored)
    with rolled_back(conn):
        settle(conn, crowd)
        assert selected(conn, segment, scope) == [evaluate(segment, person, NOW, scope) for person in crowd]


STORED_VALUES = [
    *WORDS,
    *DATES,
    *NUMBERS,
    True,
    False,
    None,
    [],
    {},
    [1],
    [[1]],
    {"a": 1},
    ["London", 5],
    ["2026-03-27"],
]


def comparisons(operator: Operator) -> Iterator[Attribute]:
    """Yield the operator with each value that it takes."""
    if operator in ("SET", "NOTSET"):
        given = [()]
    elif operator == "BETWEEN":
        given = [*itertools.product(DATES, [*DATES[:3], "1 DAY AGO"]), *itertools.product(NUMBERS, NUMBERS)]
    else:
        given = [(value,) for value in [*WORDS, *DATES, *NUMBERS, True, False]]
    for values, fold_case in itertools.product(given, (True, False)):
        wanted = Attribute(path=("x",), operator=operator, values=values, fold_case=fold_case)
        if not check_segment(wanted, SegmentScope({}, 1, {})):
            yield wanted


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_value_against_every_stored_value(conn: psycopg.Connection, operator: Operator) -> None:
    scope = SegmentScope({}, 1, {})
    crowd = [Person({"x": value}) for value in STORED_VALUES] + [Person()]
    with rolled_back(conn):
        settle(conn, crowd)
        for wanted in comparisons(operator):
            assert selected(conn, wanted, scope) == [evaluate(wanted, person, NOW, scope) for person in crowd], wanted


@settings(max_examples=200, deadline=None)
@given(
    text=st.from_regex(
        r"[12]\d{3}-[01]\d-[0-3]\d([ T][0-2]\d:[0-6]\d(:[0-6]\d(\.\d{1,10})?)?(Z|[+-]\d\d(:?\d\d)?)?)?", fullmatch=True
    )
)
@example(text="2026-12-31T23:59:59.9999995+14:59")
def test_database_and_model_read_the_same_dates(conn: psycopg.Connection, text: str) -> None:
    row = conn.execute("select instant_v1(to_jsonb(%s::text))", (text,)).fetchone()
    assert row is not None
    assert row[0] == instant_of(text)


# Text and syntax tree ---------------------------------------------------------------------------------------

any_name = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
any_value = (
    any_name
    | st.just("")
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
)
fields = {
    "operator": st.sampled_from(get_args(Operator)),
    "values": st.lists(any_value, max_size=3).map(tuple),
    "fold_case": st.booleans(),
}
any_path = st.lists(any_name, min_size=1, max_size=3).map(tuple)
any_leaf = st.one_of(
    st.builds(
        Application, app=any_name, platforms=st.lists(any_name, max_size=2).map(tuple), with_tokens=st.booleans()
    ),
    st.builds(Attribute, path=any_path, app=st.none() | any_name, **fields),
    st.builds(Fact, path=any_path, **fields),
    st.builds(
        Event,
        name=any_name,
        app=st.none() | any_name,
        count=st.none() | st.builds(Comparison, **fields),
        days=st.none() | st.integers(1, 3660),
        where=st.lists(st.builds(EventAttribute, path=any_path, **fields), max_size=2).map(tuple),
    ),
    st.builds(Geo, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), radius_km=st.floats(0, 20_100)),
    st.builds(Updated, **fields),
    st.builds(Reference, code=any_name),
    st.builds(Static, code=any_name),
    st.builds(BestTime, from_hour=st.integers(0, 23), to_hour=st.integers(0, 24)),
)
any_segment = st.recursive(any_leaf, set_operations, max_leaves=8)


@settings(max_examples=500, deadline=None)
@given(segment=any_segment)
def test_what_is_printed_reads_as_it_was(segment: Expression) -> None:
    text = render(segment)
    assert parse(text) == segment
    assert render(parse(text)) == text


@settings(max_examples=200, deadline=None)
@given(segment=any_segment)
def test_stored_documents_read_as_they_were(segment: Expression) -> None:
    small = msgspec.json.decode(msgspec.json.encode(segment), type=Expression)
    assert render(small) == render(parse(render(segment)))


@settings(max_examples=200, deadline=None)
@given(segment=any_segment)
def test_check_answers_whatever_the_segment(segment: Expression) -> None:
    check_segment(segment, SegmentScope({}, 1, {}))


TOKENS = [
    "A", "T", "AT", "Event", "And", "Not", "attr", "Segment", "(", ")", "[", "]", ",", ".", "*", "+", "\\",
    "EQ", "BETWEEN", "daysago", "exact", "true", "with_tokens", "count", "days", '"x"', "'y'", '"\\u00e9"', '"',
    "'", "5", "-2.5", "1e9", ".tags", ".eq", ".and", ".or", ".not", ".count", ".where", ".during", ".event",
    "\n", " ", "\0", "é", "#", "\ud800",
]  # fmt: skip


@settings(max_examples=1000, deadline=timedelta(seconds=2))
@given(
    text=st.text(max_size=40)
    | st.lists(st.sampled_from(TOKENS), max_size=30).map(" ".join)
    | st.lists(st.sampled_from(TOKENS), max_size=30).map("".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SeglangError):
        assert parse(render(parse(text))) == parse(text)


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "Not(",
        "A(",
        'T("a", SET).and(',
        '"',
        "'",
        "\\",
        "[",
        '"\\',
        "1",
        ".5",
        "a.",
        'T("a",SET)+',
        "((((*",
        "\\\\'",
        " ",
        "e",
    ],
)
def test_long_texts_take_little_time(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    started = time.perf_counter()
    with contextlib.suppress(SeglangError):
        parse(text)
    assert time.perf_counter() - started < 5
