"""Rule trees: the SQL and a slow evaluator agree about generated people; document and segment lead to one another."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sojourn import astjson, ruletree, seglang
from sojourn.compiler.segments import SegmentScope, check_segment
from sojourn.model.problems import Problem, SojournError
from sojourn.model.segments import Expression
from sojourn.ruletree.meaning import COUNTS, LISTS, NEGATIONS, ORDERS, RULE_OPERATORS, TEXTS
from tests.properties.test_segments import (
    DATES,
    NOW,
    NUMBERS,
    PATTERNS,
    VERSIONS,
    WORDS,
    any_segment,
    documents,
    people,
    rolled_back,
    selected,
    settle,
)
from tests.rule_evaluator import holds
from tests.segment_evaluator import Person, evaluate

SCOPE = SegmentScope({}, 1, {})
FIELDS = (
    "a", "traits.a", "City", "traits.a.0", "a.0", "role", "traits.role", "userId", "device.os", "device.type",
    "device.browser", "location.country", "location.latitude",
)  # fmt: skip
EVENTS = ["events.order.count", "events.Order.count", "events.message_opened.count", "events.never.seen.count"]
LIKELY = ["iOS", "ios", "mobile", "Chrome", "GB", "gb", "ann", "ANN", 51.5]

given_texts = st.sampled_from(WORDS + DATES + VERSIONS) | st.text("aAbBéÉ 0%'", max_size=3)
given_values = given_texts | st.sampled_from([*NUMBERS, *LIKELY]) | st.integers(-3, 20) | st.booleans()
amounts = st.integers(-1, 6) | st.sampled_from([2.5, 1e300])


def is_read(document: object) -> bool:
    try:
        ruletree.parse(document)
    except ruletree.RuleTreeRefused:
        return False
    return True


@st.composite
def rules(draw: st.DrawFn, fields: tuple[str, ...] = FIELDS) -> dict[str, Any]:
    operator = draw(st.sampled_from(RULE_OPERATORS))
    values: st.SearchStrategy[Any] = given_values
    if operator in ORDERS:
        values = st.sampled_from([*NUMBERS, *DATES, *VERSIONS])
    elif operator == "regex":
        values = st.sampled_from(PATTERNS)
    elif operator in TEXTS:
        values = given_texts
    elif operator in LISTS:
        values = st.lists(given_values, min_size=1, max_size=3)
    elif operator in ("exists", "not_exists"):
        values = st.none()
    return {"field": draw(st.sampled_from(fields)), "operator": operator, "value": draw(values)}


@st.composite
def counts(draw: st.DrawFn) -> dict[str, Any]:
    operator = draw(st.sampled_from(sorted(COUNTS)))
    value = draw(st.lists(amounts, min_size=1, max_size=3) if operator in LISTS else amounts)
    return {"field": draw(st.sampled_from(EVENTS)), "operator": operator, "value": value}


leaves = (rules() | counts()).filter(is_read)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda operator, parts: {"logicalOperator": operator, "rules": parts},
        st.sampled_from(["AND", "OR"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def conn(shared_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(shared_database_url) as conn:
        yield conn
        conn.rollback()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(crowd=st.lists(people, min_size=3, max_size=6), wanted=st.lists(trees, min_size=3, max_size=6))
def test_sql_and_evaluator_agree(conn: psycopg.Connection, crowd: list[Person], wanted: list[dict[str, Any]]) -> None:
    with rolled_back(conn):
        settle(conn, crowd)
        for tree in wanted:
            assert selected(conn, ruletree.parse(tree), SCOPE) == [holds(tree, person, NOW) for person in crowd], tree


STORED = [
    *WORDS, *DATES, *NUMBERS, *VERSIONS, True, False, None, [], {}, [1], [[1]], {"a": 1}, ["London", 5], ["2026-03-27"],
    ["2026-03-27", 1774569600], ["lon", "x"], [None], [True, "true"],
]  # fmt: skip
STORED_CROWD = [Person({"x": value}) for value in STORED] + [Person()]


def every_rule(operator: str) -> Iterator[dict[str, Any]]:
    values: list[Any] = [*WORDS, *DATES, *NUMBERS, *VERSIONS, *PATTERNS, True, False]
    given = [[value, other] for value in values[::3] for other in values[::7]] if operator in LISTS else [*values, None]
    for value in given:
        rule = {"field": "x", "operator": operator, "value": value}
        if is_read(rule):
            yield rule


@pytest.mark.parametrize("operator", RULE_OPERATORS)
def test_every_value_against_every_stored_value(operator: str) -> None:
    """By the evaluator of segments, which the SQL is measured against elsewhere."""
    for rule in every_rule(operator):
        segment = ruletree.parse(rule)
        for person in STORED_CROWD:
            assert evaluate(segment, person, NOW, SCOPE) == holds(rule, person, NOW), (rule, person.attributes)


@pytest.mark.parametrize("operator", sorted(NEGATIONS))
@pytest.mark.parametrize("value", ["pro", 5, True, "2026-03-27", 1774569600])
def test_negation_of_another_type_is_false_and_of_nothing_true(operator: str, value: Any) -> None:
    rule = {"field": "x", "operator": operator, "value": [value] if operator == "not_in" else value}
    if is_read(rule):
        segment = ruletree.parse(rule)
        assert evaluate(segment, Person(), NOW, SCOPE)
        assert not evaluate(segment, Person({"x": {"a": 1}}), NOW, SCOPE)


# Document and segment ---------------------------------------------------------------------------------------


@settings(max_examples=500, deadline=None)
@given(tree=trees)
def test_what_is_written_reads_as_it_was(tree: dict[str, Any]) -> None:
    segment = ruletree.parse(tree)
    assert not check_segment(segment, SCOPE)
    assert ruletree.parse(json.loads(json.dumps(ruletree.render(segment)))) == segment
    assert seglang.parse(seglang.render(segment)) == segment
    assert astjson.parse(astjson.render(segment)) == segment


@settings(max_examples=300, deadline=None)
@given(rule=(rules(("traits.a", "userId", "device.os")) | counts()).filter(is_read))
def test_rule_is_written_as_one_rule(rule: dict[str, Any]) -> None:
    assert "rules" not in ruletree.render(ruletree.parse(rule))


@settings(max_examples=500, deadline=None)
@given(segment=any_segment)
def test_segment_is_written_exactly_or_not_at_all(segment: Expression) -> None:
    with contextlib.suppress(ruletree.RuleTreeUnsayable):
        assert ruletree.parse(ruletree.render(segment)) == segment


@settings(max_examples=500, deadline=None)
@given(segment=any_segment)
def test_json_reads_as_it_was(segment: Expression) -> None:
    assert astjson.parse(json.loads(json.dumps(astjson.render(segment)))) == segment


# Anything at all --------------------------------------------------------------------------------------------

WORDS_OF_TREES = [
    "logicalOperator", "rules", "field", "operator", "value", "AND", "OR", "kind", "of", "path", "values", "operator",
    "all", "any", "not", "attribute", "event", "geo", "count", "where", "EQ", "SET", *RULE_OPERATORS, *FIELDS, *EVENTS,
    "traits.", "device.", "location.a.b", "events..count", "events.count", ".", "\ud800", "\0",
]  # fmt: skip
keys = st.sampled_from(WORDS_OF_TREES) | st.text(max_size=3)
anything = st.recursive(
    documents | keys | st.floats() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
        | st.fixed_dictionaries({"field": inner, "operator": st.sampled_from(RULE_OPERATORS), "value": inner})
        | st.fixed_dictionaries({"logicalOperator": keys, "rules": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"kind": keys, "of": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"kind": st.sampled_from(["attribute", "event", "geo"])}, optional={"path": inner})
    ),
    max_leaves=12,
)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=anything)
@example(document={"kind": "attribute", "path": "\ud800"})
@example(document={"kind": "event", "name": "a", "where": [{"\ud800": 1}]})
def test_any_document_is_read_or_refused(document: object) -> None:
    for spelling in (ruletree, astjson):
        try:
            segment = spelling.parse(document)
        except (ruletree.RuleTreeRefused, astjson.JsonSegmentRefused):
            pass
        else:
            assert spelling.parse(spelling.render(segment)) == segment
    if is_read(document):
        assert not check_segment(ruletree.parse(document), SCOPE)


def nested(levels: int, key: str, outer: dict[str, Any], inner: Any) -> Any:
    for _ in range(levels):
        inner = {**outer, key: [inner]}
    return inner


RULE = {"field": "x", "operator": "not_in", "value": ["2026-01-01", 5] * 500}
ATTRIBUTE = {"kind": "attribute", "path": ["x"], "operator": "EQ", "values": [1]}


LARGE = {
    "deep tree": (ruletree, lambda: nested(10_000, "rules", {"logicalOperator": "AND"}, RULE)),
    "lists": (ruletree, lambda: {"logicalOperator": "OR", "rules": [RULE] * 20_000}),
    "no rules": (ruletree, lambda: {"logicalOperator": "OR", "rules": [5] * 1_000_000}),
    "long field": (ruletree, lambda: {"field": "x." * 1_000_000, "operator": "eq", "value": 1}),
    "long pattern": (ruletree, lambda: {"field": "x", "operator": "regex", "value": "(" * 1_000_000}),
    "long list": (ruletree, lambda: {"field": "x", "operator": "in", "value": [1] * 1_000_000}),
    "deep segment": (astjson, lambda: nested(10_000, "of", {"kind": "all"}, ATTRIBUTE)),
    "conditions": (astjson, lambda: {"kind": "any", "of": [ATTRIBUTE] * 1_000_000}),
    "no conditions": (astjson, lambda: {"kind": "any", "of": [5] * 1_000_000}),
    "long path": (astjson, lambda: ATTRIBUTE | {"path": ["x"] * 1_000_000}),
    "values": (astjson, lambda: ATTRIBUTE | {"values": [1] * 1_000_000}),
    "long kind": (astjson, lambda: {"kind": "x" * 1_000_000}),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_documents_are_refused_after_little_work(name: str) -> None:
    spelling, document = LARGE[name]
    problems, calls = refused(spelling.parse, document())
    assert calls < 500_000
    assert 1 <= len(problems) <= 2_001
    assert all(len(problem.text) < 500 for problem in problems)


def refused(parse: Callable[[object], Expression], document: object) -> tuple[tuple[Problem, ...], int]:
    """Return the problems, and how many functions were called, which no other load on the machine changes."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        parse(document)
    except SojournError as refusal:
        return refusal.problems, calls
    finally:
        sys.setprofile(None)
    return (), calls
