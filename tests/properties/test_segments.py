"""Segments: the SQL and a slow evaluator agree about generated people; text and syntax tree lead to one another."""

import contextlib
import itertools
import json
import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import get_args

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sojourn.compiler.audience import resolved
from sojourn.compiler.comparisons import ONE_VALUE, ORDERED, TEXTUAL
from sojourn.compiler.lookup import Lookup
from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segment_check import walk
from sojourn.compiler.segments import SegmentScope, check_segment, predicate
from sojourn.compiler.sweeps import TABLES, Part, Sweep, condition, undecided
from sojourn.model.segments import (
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Comparison,
    Event,
    EventAttribute,
    EventSum,
    Expression,
    Fact,
    Geo,
    Not,
    Operator,
    Reference,
    Static,
    Updated,
)
from sojourn.seglang import SeglangError, located, parse, render
from tests.segment_evaluator import Device, Happening, Person, distance_km, evaluate, instant_of

SHARD = 3
OPERATORS: tuple[Operator, ...] = get_args(Operator)
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

VERSIONS = [
    "1.9",
    "1.10",
    "1.10.0",
    "1.9.9.9.9.9",
    "01.010",
    "0.0",
    "2",
    "1.x",
    "1.",
    ".1",
    "1.1.1.1.1.1.1",
    "1.9999999999",
    "1.9-beta",
]
PATTERNS = [
    "^L", "don$", ".", "^$", "", "[a-z]+", r"^\d+(\.\d+)?$", "(é|B)b?", r"\W", r"[^\w]$", "a{2,3}", r"\{",
    r"[\]\-\^a]", "^[A-C]", "O", r"(?:19|20)\d{2}-", r"\s", "|x", "(a|)b", r"\n", "%", "$",
]  # fmt: skip

texts = st.sampled_from(WORDS + DATES + VERSIONS) | st.text("aAbBéÉ日%'\"\\ 0", max_size=4)
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
PLATFORMS = ["iOS", "IOS", "Android", "Email", "Chrome"]

instants = st.builds(
    lambda days, minutes: NOW - timedelta(days=days, minutes=minutes),
    st.sampled_from([0, 1, 2, 3, 7, 30, 89, 90, 91]),
    st.integers(0, 1440),
)
EVENT_NAMES = ["order", "message_opened", "Order"]
event_data = st.fixed_dictionaries({}, optional={"price": numbers | documents, "a": documents})
happenings = st.builds(
    lambda occurred, late, **fields: Happening(occurred_at=occurred, received_at=occurred + late, **fields),
    instants,
    st.sampled_from([timedelta(0), timedelta(hours=30)]),
    name=st.sampled_from(["order", "order", *EVENT_NAMES]),
    data=event_data,
    app_id=st.none() | st.sampled_from([7, 8]),
)
devices = st.builds(
    Device,
    app_id=st.sampled_from([7, 8]),
    platform=st.sampled_from(PLATFORMS),
    push_token=st.none() | st.just("t"),
    channel=st.sampled_from(["push", "email", "sms", "whatsapp"]),
    hwid=st.sampled_from(["a@example.com", "A@example.com", "+44"]),
    is_subscribed=st.booleans(),
    language=st.none() | st.sampled_from(["en", "EN-gb"]),
    details=st.dictionaries(st.sampled_from(["os", "type", "browser", "model"]), documents, max_size=2),
)
COORDINATES = [0, 51.5, -0.12, 90, -90, 180, 91, -180.5, 1e300, "51.5", None, True]
locations = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "latitude": st.sampled_from(COORDINATES),
        "longitude": st.sampled_from(COORDINATES),
        "country": st.sampled_from(["GB", "gb", 5, None]),
    },
)
ZONES = [None, "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]
people = st.builds(
    Person,
    attributes=st.dictionaries(names | st.just("role"), documents, max_size=4),
    app_ids=st.lists(st.sampled_from([7, 8, 9]), unique=True),
    devices=st.lists(devices, max_size=3, unique_by=lambda device: (device.app_id, device.hwid)),
    events=st.lists(happenings, max_size=5),
    lists=st.lists(st.sampled_from([1, 2]), unique=True),
    user_id=st.none() | st.sampled_from(["ann", "ANN", "5"]),
    language=st.none() | st.sampled_from(["en", "de"]),
    time_zone=st.sampled_from(ZONES),
    location=locations,
    created_at=instants,
    updated_at=instants,
)

COUNTS = {"SET": (0, 0), "NOTSET": (0, 0), "BETWEEN": (2, 2)} | dict.fromkeys(ONE_VALUE, (1, 1))


@st.composite
def comparisons_of(draw: st.DrawFn, values: st.SearchStrategy, operators: tuple[Operator, ...]) -> dict:
    operator = draw(st.sampled_from(operators))
    low, high = COUNTS.get(operator, (1, 3))
    return {
        "operator": operator,
        "values": tuple(draw(st.lists(values, min_size=low, max_size=high))),
        "fold_case": draw(st.booleans()),
    }


@st.composite
def comparisons_of_values(draw: st.DrawFn) -> dict:
    operator = draw(st.sampled_from(OPERATORS))
    values = scalars
    if operator in ORDERED:
        values = draw(st.sampled_from([numbers, st.sampled_from(DATES), st.sampled_from(VERSIONS)]))
    elif operator == "REGEX":
        values = st.sampled_from(PATTERNS)
    elif operator in TEXTUAL:
        values = texts
    return draw(comparisons_of(values, (operator,)))


SCOPE = SegmentScope(APP_IDS, 1, {}, {"GOLD": 1, "BLUE": 2})
some_app = st.none() | st.sampled_from(sorted(APP_IDS))


def sound(conditions: st.SearchStrategy) -> st.SearchStrategy:
    """Return conditions without problems."""
    return conditions.filter(lambda condition: not check_segment(condition, SCOPE))


def built(kind: type, fields: st.SearchStrategy, **more: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(lambda wanted, given: kind(**wanted, **given), fields, st.fixed_dictionaries(more))


def attributes() -> st.SearchStrategy[Attribute]:
    return sound(built(Attribute, comparisons_of_values(), path=paths, app=some_app))


AMOUNTS = tuple(operator for operator in OPERATORS if operator not in (*TEXTUAL, "SET", "NOTSET"))
TIMELY = tuple(operator for operator in OPERATORS if operator not in TEXTUAL)
amounts = comparisons_of(st.integers(-2, 6) | st.sampled_from([2.5, 1e300]), AMOUNTS)
times = comparisons_of(
    st.sampled_from(
        [
            "2026-03-27", "0 days ago", "1 day ago", "3 days ago", "30 days ago", "2026-03-29T12:00:00Z",
            1774656000,
        ]
    ),
    TIMELY,
)  # fmt: skip
event_paths = st.sampled_from([("price",), ("a",), ("a", "0")])
events = sound(
    st.builds(
        Event,
        name=st.sampled_from(["order", "order", *EVENT_NAMES]),
        app=st.none() | some_app,
        count=st.none() | built(Comparison, amounts),
        days=st.none() | st.sampled_from([1, 3, 30]),
        first=st.none() | built(Comparison, times),
        last=st.none() | built(Comparison, times),
        sum=st.none() | built(EventSum, amounts, path=event_paths),
        when=st.none() | built(Comparison, times),
        where=st.just(())
        | st.lists(built(EventAttribute, comparisons_of_values(), path=event_paths), max_size=2).map(tuple),
    )
)
FACTS_OF_VALUES = [
    ("user_id",), ("language",), ("time_zone",), ("role",), ("channel",), ("email",), ("phone",), ("platform",),
    ("device", "os"), ("device", "type"), ("device", "browser"), ("device", "model"), ("device", "language"),
    ("device", "channel"), ("device", "platform"), ("location", "country"), ("location", "latitude"),
]  # fmt: skip
fact_values = st.sampled_from(
    ["ann", "5", "en", "GB", "ios", "mobile", "Chrome", "push", "email", "a@example.com", "+44", "Europe/Berlin"]
)
facts = sound(
    built(Fact, comparisons_of_values(), path=st.sampled_from(FACTS_OF_VALUES))
    | built(Fact, comparisons_of(fact_values, ("EQ", "NOTEQ", "IN", "CONTAINS")), path=st.sampled_from(FACTS_OF_VALUES))
    | built(Fact, times, path=st.sampled_from([("created_at",), ("updated_at",)]))
)
around = st.builds(
    Geo,
    latitude=st.sampled_from([51.5, 0, 90]),
    longitude=st.sampled_from([-0.12, 0, 180]),
    radius_km=st.sampled_from([1, 100, 5_000, 12_000, 20_100]),
)


def is_far_from_every_edge(wanted: Geo) -> bool:
    """Tell whether no place lies so near to the circle that the last digit of a sine would count."""
    places = [{"latitude": one, "longitude": other} for one in COORDINATES for other in COORDINATES]
    away = [distance_km(place, wanted.latitude, wanted.longitude) for place in places]
    return all(each is None or abs(each - wanted.radius_km) > 1e-6 for each in away)


others = (
    events
    | facts
    | around.filter(is_far_from_every_edge)
    | sound(built(Updated, times))
    | st.sampled_from([Static(code="GOLD"), Static(code="BLUE")])
    | sound(st.builds(BestTime, from_hour=st.integers(0, 23), to_hour=st.integers(0, 24)))
)

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
    attributes()
    | others
    | others
    | applications
    | st.sampled_from(["vip", "ours"]).map(lambda code: Reference(code=code))
)
segments = st.recursive(conditions, set_operations, max_leaves=5)


def settle(conn: psycopg.Connection, crowd: list[Person]) -> None:
    """Write people, numbered from 0."""
    cursor = conn.cursor()
    cursor.executemany(
        """
        insert into profile (
            shard, profile_id, workspace_id, attributes, app_ids, created_at, updated_at, user_id, language, time_zone,
            location
        )
        values (%s, %s, 1, %s::jsonb, %s::integer[], %s, %s, %s, %s, %s, %s::jsonb)
        """,
        [
            (
                SHARD, number, json.dumps(person.attributes), person.app_ids, person.created_at, person.updated_at,
                person.user_id, person.language, person.time_zone,
                None if person.location is None else json.dumps(person.location),
            )
            for number, person in enumerate(crowd)
        ],
    )  # fmt: skip
    cursor.executemany(
        """
        insert into device (
            shard, profile_id, app_id, hwid, channel, platform, push_token, is_subscribed, language, details,
            created_at, updated_at
        )
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)
        """,
        [
            (
                SHARD, number, device.app_id, device.hwid, device.channel, device.platform,
                device.push_token, device.is_subscribed, device.language, json.dumps(device.details), NOW, NOW,
            )
            for number, person in enumerate(crowd)
            for place, device in enumerate(person.devices)
        ],
    )  # fmt: skip
    cursor.executemany(
        """
        insert into event (shard, profile_id, workspace_id, app_id, name, data, occurred_at, received_at)
        values (%s, %s, 1, %s, %s, %s::jsonb, %s, %s)
        """,
        [
            (SHARD, number, each.app_id, each.name, json.dumps(each.data), each.occurred_at, each.received_at)
            for number, person in enumerate(crowd)
            for each in person.events
        ],
    )
    cursor.executemany(
        "insert into static_member (shard, profile_id, segment_id, added_at) values (%s, %s, %s, %s)",
        [(SHARD, number, each, NOW) for number, person in enumerate(crowd) for each in person.lists],
    )


def selected(
    conn: psycopg.Connection, segment: Expression, scope: SegmentScope, lookup: Lookup = "each"
) -> list[bool | None]:
    parameters = Parameters()
    clause = predicate(segment, parameters, scope, lookup=lookup)
    rows = conn.execute(
        f"select {clause} from profile as p where p.shard = %(shard)s order by p.profile_id",
        {**parameters.values, "shard": SHARD, "shards": [SHARD], "now": NOW},
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
    scope = SegmentScope(APP_IDS, 1, stored, SCOPE.lists)
    wanted = [evaluate(segment, person, NOW, scope) for person in crowd]
    with rolled_back(conn):
        settle(conn, crowd)
        for lookup in get_args(Lookup):
            assert selected(conn, segment, scope, lookup) == wanted, lookup
        for undecided_people in (0, math.inf):
            assert swept(conn, segment, scope, undecided_people) == wanted, undecided_people
        assert_the_rest_is_decided(conn, segment, scope, wanted)


def swept(
    conn: psycopg.Connection, segment: Expression, scope: SegmentScope, undecided_people: float
) -> list[bool | None]:
    """Ask as a sweep over everybody does."""
    parameters = Parameters()
    parts = {table: [Part(100)] for table in TABLES}
    way = Sweep(parts, undecided_people, NOW).lookup_across
    clause = condition(resolved(segment, scope), parameters, scope, way)
    values = {**parameters.values, "shards": [SHARD], "now": NOW}
    found = conn.execute(f"select p.profile_id from profile as p where {clause}", values).fetchall()
    people = conn.execute("select profile_id from profile order by 1").fetchall()
    return [number in set(found) for number in people]


def assert_the_rest_is_decided(
    conn: psycopg.Connection, segment: Expression, scope: SegmentScope, wanted: list[bool]
) -> None:
    """Whoever the row decides is in the segment, or not, whatever there is in other tables."""
    whole = resolved(segment, scope)
    left = selected(conn, undecided(whole), scope)
    with rolled_back(conn):
        conn.execute("delete from event; delete from device; delete from static_member")
        without = selected(conn, whole, scope)
    for is_left, one, other in zip(left, wanted, without, strict=True):
        assert is_left or one == other


KINDS = {
    "attribute": attributes(),
    "best time": sound(st.builds(BestTime, from_hour=st.integers(0, 23), to_hour=st.integers(0, 24))),
    "event": events,
    "fact": facts,
    "place": around.filter(is_far_from_every_edge),
    "updated": sound(built(Updated, times)),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_sql_and_evaluator_agree_on_one_condition(conn: psycopg.Connection, kind: str, data: st.DataObject) -> None:
    """Alone, and several against one crowd, so that each part of a condition is what decides somewhere."""
    crowd = data.draw(st.lists(people, min_size=4, max_size=8))
    with rolled_back(conn):
        settle(conn, crowd)
        for wanted in data.draw(st.lists(KINDS[kind], min_size=6, max_size=10)):
            expected = [evaluate(wanted, person, NOW, SCOPE) for person in crowd]
            for lookup in get_args(Lookup):
                assert selected(conn, wanted, SCOPE, lookup) == expected, (lookup, render(wanted))


STORED_VALUES = [
    *WORDS,
    *DATES,
    *NUMBERS,
    *VERSIONS,
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
        given += itertools.product(VERSIONS[:4], VERSIONS)
    elif operator == "REGEX":
        given = [(pattern,) for pattern in PATTERNS]
    else:
        given = [(value,) for value in [*WORDS, *DATES, *NUMBERS, *VERSIONS, True, False]]
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


PRICES = [
    [],
    [0],
    [1],
    [1, 2],
    [3, -1, 1],
    [2.5, 2.5],
    ["5"],
    [True, None, 6],
    [1e300],
    [4, "x"],
    [-2],
    [1, 1, 1, 1, 1, 1],
]
"""What the orders of each buyer cost."""

DATED = ["2026-03-27", "0 days ago", "1 day ago", "3 days ago", "2026-03-29T12:00:00Z"]


def buyers() -> list[Person]:
    """Return people whose orders lie hours, or whole days, apart, each of a pair on another side of midnight."""
    hours = [0, 1, 2, 13.5, 25, 26, 50, 73, 74, 97, 98, 24 * 31]
    return [
        Person({"vip": bool(place % 2)}, events=[ordered(first + 24 * n, price) for n, price in enumerate(prices)])
        for place, (prices, first) in enumerate(zip(PRICES, hours, strict=True))
    ]


def ordered(hours_ago: float, price: object) -> Happening:
    at = NOW - timedelta(hours=hours_ago)
    return Happening("order", at, {"price": price}, received_at=at)


def given_amounts(operator: Operator) -> list[tuple[float, ...]]:
    amounts = [-2, -1, 0, 1, 3, 5, 6, 1e300]
    return list(itertools.combinations(amounts, 2)) if operator == "BETWEEN" else [(each,) for each in amounts]


def totals() -> Iterator[Event]:
    """Yield each total that events may be asked for, with each operator, one at a time."""
    for operator in AMOUNTS:
        for values in given_amounts(operator):
            yield Event(name="order", count=Comparison(operator=operator, values=values))
            yield Event(name="order", sum=EventSum(path=("price",), operator=operator, values=values))
    for operator in TIMELY:
        counts = {"BETWEEN": itertools.product(DATED, DATED), "SET": [()], "NOTSET": [()]}
        for values in counts.get(operator, [(each,) for each in DATED]):
            wanted = Comparison(operator=operator, values=tuple(values))
            yield from (Event(name="order", **{of: wanted}) for of in ("first", "last", "when"))


def test_every_total_of_events_against_every_buyer(conn: psycopg.Connection) -> None:
    crowd = buyers()
    with rolled_back(conn):
        settle(conn, crowd)
        for wanted in totals():
            expected = [evaluate(wanted, person, NOW, SCOPE) for person in crowd]
            for lookup in get_args(Lookup):
                assert selected(conn, wanted, SCOPE, lookup) == expected, (lookup, render(wanted))


def of_devices() -> Iterator[Fact]:
    """Yield what may be asked of devices, with each operator."""
    for name, operator in itertools.product(("os", "type", "browser", "model"), OPERATORS):
        given = [("ios",), ("mobile",), ("Chrome",), ("o",)]
        if operator in ORDERED:
            given = [(5, 6)] if operator == "BETWEEN" else [(5,), ("1.2",)]
        elif operator in ("SET", "NOTSET"):
            given = [()]
        yield from (Fact(path=("device", name), operator=operator, values=values) for values in given)


def test_every_fact_against_every_device(conn: psycopg.Connection) -> None:
    told = [{}, {"os": None, "type": None, "browser": None}, {"os": "iOS", "model": "o"}, {"os": 5, "type": ["mobile"]}]
    kinds = enumerate(itertools.product(PLATFORMS, told))
    devices = [Device(7, platform, hwid=str(number), details=said) for number, (platform, said) in kinds]
    crowd = [Person(devices=[each]) for each in devices] + [Person(), Person(devices=[devices[2], devices[-1]])]
    with rolled_back(conn):
        settle(conn, crowd)
        for wanted in of_devices():
            expected = [evaluate(wanted, person, NOW, SCOPE) for person in crowd]
            for lookup in get_args(Lookup):
                assert selected(conn, wanted, SCOPE, lookup) == expected, (lookup, render(wanted))


def test_every_circle_against_every_place(conn: psycopg.Connection) -> None:
    places = [{"latitude": one, "longitude": other} for one, other in itertools.product(COORDINATES, COORDINATES)]
    crowd = [Person(location=place) for place in (*places, {"latitude": 51.5}, {}, None)]
    centres = itertools.product([51.5, 0, 90], [-0.12, 0, 180])
    circles = [
        Geo(latitude=latitude, longitude=longitude, radius_km=radius)
        for (latitude, longitude), radius in itertools.product(centres, [1, 100, 4_000, 5_000, 7_000, 12_000, 20_100])
    ]
    with rolled_back(conn):
        settle(conn, crowd)
        for wanted in filter(is_far_from_every_edge, circles):
            assert selected(conn, wanted, SCOPE) == [evaluate(wanted, person, NOW, SCOPE) for person in crowd], wanted


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
        first=st.none() | st.builds(Comparison, **fields),
        last=st.none() | st.builds(Comparison, **fields),
        sum=st.none() | st.builds(EventSum, path=any_path, **fields),
        when=st.none() | st.builds(Comparison, **fields),
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
    places = located(
        text, segment, (where for where, _, node in walk(segment) if not isinstance(node, All | AnyOf | Not))
    )
    assert len(places) == len(set(places)), "each condition starts somewhere else"


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
    "\n", " ", "\0", "é", "#", "\ud800", "sum", "first", "last", "when", ".sum", ".first", ".last", ".when",
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
def test_the_work_for_a_text_grows_no_faster_than_the_text(piece: str) -> None:
    half, whole = (_calls_to_parse((piece * 20_000)[:length]) for length in (5_000, 10_000))
    assert whole < 2.5 * half + 2_000


def _calls_to_parse(text: str) -> int:
    """Count the functions that are called, which no other load on the machine changes."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        with contextlib.suppress(SeglangError):
            parse(text)
    finally:
        sys.setprofile(None)
    return calls
