"""Rule trees and JSON segments: what is read, and every problem with its place."""

import doctest
from typing import Any

import pytest

import sojourn.astjson.reader
import sojourn.ruletree.fields
import sojourn.ruletree.meaning
import sojourn.ruletree.parser
import sojourn.ruletree.printer
from sojourn import astjson, ruletree, seglang
from sojourn.model.segments import Not

EVERYBODY = {"logicalOperator": "AND", "rules": []}
TREES = [
    (EVERYBODY, "And()"),
    ({"logicalOperator": "OR", "rules": []}, "And()"),
    ({"field": "plan", "operator": "eq", "value": "pro"}, 'T("plan", EQ, "pro", exact)'),
    ({"field": "traits.address.city", "operator": "exists"}, 'T(["address", "city"], SET)'),
    ({"field": "userId", "operator": "starts_with", "value": "a"}, 'Fact("user_id", STARTS_WITH, "a", exact)'),
    ({"field": "role", "operator": "in", "value": ["admin"]}, 'Fact("role", IN, "admin", exact)'),
    ({"field": "traits.role", "operator": "regex", "value": "^a"}, 'T("role", REGEX, "^a", exact)'),
    ({"field": "device.os", "operator": "contains", "value": "mac"}, 'Fact(["device", "os"], CONTAINS, "mac")'),
    ({"field": "location.city", "operator": "not_exists", "value": ""}, 'Fact(["location", "city"], NOTSET)'),
    ({"field": "events.order.paid.count", "operator": "gte", "value": 3}, 'Event("order.paid", count, GTE, 3)'),
    ({"field": "events.order.count", "operator": "not_in", "value": [0, 1]}, 'Event("order", count, NOTIN, [0, 1])'),
    ({"field": "age", "operator": "gt", "value": 18}, 'T("age", GT, 18)'),
    ({"field": "version", "operator": "gt", "value": "1.10"}, 'T("version", GT, "1.10")'),
    ({"field": "day", "operator": "eq", "value": "2026-01-31"}, 'T("day", REGEX, "^2026-01-31$", exact)'),
    (
        {"field": "seen", "operator": "gte", "value": "7 days ago"},
        r'T("seen", GTE, "7 days ago") \ (T("seen", GTE, 0) + T("seen", LT, 0))',
    ),
    (
        {"field": "plan", "operator": "neq", "value": "pro"},
        r'T("plan", NOTSET) + T("plan", STARTS_WITH, "", exact) \ T("plan", EQ, "pro", exact)',
    ),
    (
        {"logicalOperator": "OR", "rules": [{"field": "a", "operator": "exists"}, EVERYBODY]},
        'T("a", SET) + And()',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "text"), TREES)
def test_rule_tree_is_read(tree: dict[str, Any], text: str) -> None:
    segment = ruletree.parse(tree)
    assert seglang.render(segment) == text
    assert ruletree.parse(ruletree.render(segment)) == segment


OPERATORS = (
    "eq, neq, gt, lt, gte, lte, contains, not_contains, in, not_in, exists, not_exists, regex, starts_with, ends_with"
)

REFUSED = [
    (None, [("", "a group or a rule is an object")]),
    ([], [("", "a group or a rule is an object")]),
    (
        {},
        [
            ("field", "`field` is a text of at most 3,000 characters without NUL"),
            ("operator", f"`operator` is {OPERATORS}"),
        ],
    ),
    (
        {"logicalOperator": "and", "rules": {}, "name": 1},
        [
            ("", "`name` is not known; a group has logicalOperator, rules"),
            ("logicalOperator", "`logicalOperator` is AND or OR"),
            ("rules", "`rules` is a list of groups and rules"),
        ],
    ),
    (
        {
            "logicalOperator": "AND",
            "rules": [
                {"field": "a", "operator": "gt", "value": "soon"},
                {"logicalOperator": "OR", "rules": [{"field": "device.age", "operator": "eq", "value": None}]},
                {"field": "events.order.sum", "operator": "eq", "value": [1]},
                {"field": "events.order.count", "operator": "exists", "value": 1},
                {"field": "a", "operator": "in", "value": ["x", None, {}, float("nan")]},
                {"field": "a", "operator": "in", "value": []},
                {"field": "a..b", "operator": "contains", "value": 5},
                {"field": "a", "operator": "regex", "value": "(a+)+"},
                {"field": "a", "operator": "exists", "value": 0},
                {"field": "a", "operator": "eq"},
            ],
        },
        [
            (
                "rules.0.value",
                (
                    "`gt` takes a number, a version such as `1.10`, or a date: "
                    "`YYYY-MM-DD`, `YYYY-MM-DDTHH:MM:SSZ` or `N days ago`"
                ),
            ),
            ("rules.1.rules.0.field", "of a device there are browser, os, type"),
            (
                "rules.1.rules.0.value",
                "`value` is a text, a number or a boolean; `exists` and `not_exists` ask whether there is one",
            ),
            ("rules.2.field", "past events are `events.<name>.count`; a name has 1 to 255 characters"),
            ("rules.2.value", "`value` is a text, a number or a boolean; of `in` and `not_in`, a list of these"),
            ("rules.3.operator", "a count takes eq, neq, in, not_in, gt, gte, lt, lte"),
            (
                "rules.4.value.1",
                "`value` is a text, a number or a boolean; `exists` and `not_exists` ask whether there is one",
            ),
            ("rules.4.value.2", "`value` is a text, a number or a boolean; of `in` and `not_in`, a list of these"),
            ("rules.4.value.3", "a number is finite"),
            ("rules.5.value", "`in` takes a list of 1 to 1,000 values"),
            ("rules.6.field", "a path has 1 to 10 names of 1 to 255 characters, with dots between them"),
            ("rules.6.value", "`contains` takes a text"),
            (
                "rules.7.value",
                "at character 6 of the regular expression: a repetition inside a repetition is not taken",
            ),
            ("rules.8.value", "`exists` takes no value"),
            (
                "rules.9.value",
                "`value` is a text, a number or a boolean; `exists` and `not_exists` ask whether there is one",
            ),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "problems"), REFUSED)
def test_rule_tree_has_all_its_problems(document: object, problems: list[tuple[str, str]]) -> None:
    with pytest.raises(ruletree.RuleTreeRefused) as refused:
        ruletree.parse(document)
    assert [(problem.where, problem.text) for problem in refused.value.problems] == problems


def test_negations_count_as_what_they_stand_for() -> None:
    rule = {"field": "a", "operator": "neq", "value": 1}
    ruletree.parse({"logicalOperator": "AND", "rules": [rule] * 200})
    with pytest.raises(ruletree.RuleTreeRefused) as refused:
        ruletree.parse({"logicalOperator": "AND", "rules": [rule] * 500})
    assert [problem.code for problem in refused.value.problems] == ["segment.too_large"]


@pytest.mark.parametrize(
    "text",
    [
        'A("X")', 'AT("X", "a", EQ, 5)', 'T("a", EQ, "London")', 'T("a", NOTEQ, 5)', 'Not(T("a", SET))', "Or()",
        'T("a.b", SET)', 'T("a", BETWEEN, [1, 2])', 'Segment("VIP")', 'Fact("language", SET)',
        'T("a", GT, "2026-01-01")',
        'Event("order", days, 7, count, GT, 1)', 'Event("order")', 'T("a", REGEX, "x2026-01-01x")',
        'T("a", SET) * Geo(1, 2, 3)', 'T("a", CONTAINS, "x", exact)',
    ],
)  # fmt: skip
def test_what_a_rule_tree_cannot_say_is_refused(text: str) -> None:
    with pytest.raises(ruletree.RuleTreeUnsayable):
        ruletree.render(seglang.parse(text))


def test_no_depth_is_too_much_to_refuse() -> None:
    segment = seglang.parse('T("a", SET)')
    for _ in range(90):
        segment = Not(of=segment)
    with pytest.raises(ruletree.RuleTreeUnsayable):
        ruletree.render(segment)


def test_json_has_all_its_problems() -> None:
    document = {
        "kind": "all",
        "of": [
            {"kind": "geo", "latitude": "x", "longitude": 999},
            {"kind": "event", "name": "", "count": {"operator": "XX"}, "where": [{"path": []}], "foo": 1},
            {"kind": "nothing"},
            {"kind": "not"},
            {"kind": "any", "of": 5},
            {"kind": "attribute", "path": ["a", 5], "operator": "EQ", "values": [None]},
            {"kind": "attribute", "path": ["a"], "operator": "EQ", "values": [1] * 1001},
        ],
    }
    with pytest.raises(astjson.JsonSegmentRefused) as refused:
        astjson.parse(document)
    assert [f"{problem.where}: {problem.text[:40]}" for problem in refused.value.problems] == [
        "of/0/latitude: a number belongs here, not a text",
        "of/0/longitude: the number is at most 180",
        "of/0: `radius_km` is missing",
        "of/1: `foo` is not known; there are app, count",
        "of/1/name: the text has at least 1 character",
        "of/1/count/operator: an operator is one of EQ, NOTEQ, IN, NOT",
        "of/1/where/0/path: the list has at least 1 item",
        "of/2/kind: `kind` is one of all, any, not, applicat",
        "of/3/of: a condition is an object",
        "of/4/of: `of` is a list of conditions",
        "of/5/values/0: a boolean or a whole number or a number ",
        "of/5/path/1: a text belongs here, not a whole number",
        "of/6/values: a text has at most 20,000 characters, a ",
    ]


@pytest.mark.parametrize(
    "module",
    [
        sojourn.astjson.reader,
        sojourn.ruletree.fields,
        sojourn.ruletree.meaning,
        sojourn.ruletree.parser,
        sojourn.ruletree.printer,
    ],
)
def test_examples_in_docstrings(module: Any) -> None:
    assert doctest.testmod(module).failed == 0
