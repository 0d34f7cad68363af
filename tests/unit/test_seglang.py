"""The segmentation language: what is read, printed and refused; and which segments are refused."""

import re

import msgspec
import pytest

from sojourn.compiler.parameters import Parameters
from sojourn.compiler.segments import SegmentRefused, SegmentScope, check_segment, predicate
from sojourn.model.segments import (
    EVERYBODY,
    All,
    AnyOf,
    Application,
    Attribute,
    BestTime,
    Comparison,
    Event,
    EventAttribute,
    Expression,
    Geo,
    Not,
    Reference,
    Static,
    Updated,
)
from sojourn.seglang import SeglangError, located, parse, render

APP = "XXXXX-XXXXX"
SCOPE = SegmentScope({APP: 7}, 1, {"VIP": Attribute(path=("tier",), operator="EQ", values=("gold",))})


def tag(name: str, operator: str = "SET", *values: object, app: str | None = None) -> Attribute:
    return msgspec.convert(
        {"kind": "attribute", "path": [name], "operator": operator, "values": values, "app": app}, Attribute
    )


A, B, C, D = (tag(name) for name in "abcd")


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ('A("X")', Application(app="X")),
        ('application("X", [ios, "Android"])', Application(app="X", platforms=("ios", "Android"))),
        ('App("X", [ios], [with_tokens])', Application(app="X", platforms=("ios",), with_tokens=True)),
        ('G("X", [], [WITH_TOKENS])', Application(app="X", with_tokens=True)),
        ('A("X").platforms("iOS").withTokens()', Application(app="X", platforms=("iOS",), with_tokens=True)),
        ('T("City", EQ, "London")', tag("City", "EQ", "London")),
        ("t('City', eq, 'London')", tag("City", "EQ", "London")),
        ('T("City").eq("London")', tag("City", "EQ", "London")),
        ('Tag("City", noteq, "it\\u0027s \\"x\\"\\n")', tag("City", "NOTEQ", 'it\'s "x"\n')),
        ('T("Age", BETWEEN, 18, 30)', tag("Age", "BETWEEN", 18, 30)),
        ('T("Age", between, [18, 30.5])', tag("Age", "BETWEEN", 18, 30.5)),
        ('T("x", IN, [-1, .5, 1e3, TRUE, "a"])', tag("x", "IN", -1, 0.5, 1000.0, True, "a")),
        ('T("x", ANY)', tag("x", "SET")),
        ('T("x", starts_with, "a")', tag("x", "STARTS_WITH", "a")),
        ('T(["a", "b"], EQ, 1, exact)', Attribute(path=("a", "b"), operator="EQ", values=(1,), fold_case=False)),
        ('AT("X", "City", EQ, "London")', tag("City", "EQ", "London", app="X")),
        ('Tag("X", "City", EQ, "London")', tag("City", "EQ", "London", app="X")),
        ('A("X").tags("City").eq("London")', tag("City", "EQ", "London", app="X")),
        ('AT("X", "Last", daysago, gt, 3)', tag("Last", "LT", "3 days ago", app="X")),
        ('A("X").tags("Last").daysAgo.lte(1)', tag("Last", "GTE", "1 days ago", app="X")),
        ('T("Last", daysago, BETWEEN, 1, 3)', tag("Last", "BETWEEN", "3 days ago", "1 days ago")),
        ('Segment("VIP")', Reference(code="VIP")),
        ('s("LIST")', Static(code="LIST")),
        ('Static("LIST")', Static(code="LIST")),
        ("Geo(51.5, -0.1, 10)", Geo(latitude=51.5, longitude=-0.1, radius_km=10)),
        ("BTTS(9, 12)", BestTime(from_hour=9, to_hour=12)),
        ("Updated(daysago, lt, 7)", Updated(operator="GT", values=("7 days ago",))),
        (
            'Event("buy", count, gte, 3, days, 30)',
            Event(name="buy", count=Comparison(operator="GTE", values=(3,)), days=30),
        ),
        (
            'Event("buy", attr("price"), gt, 10)',
            Event(name="buy", where=(EventAttribute(path=("price",), operator="GT", values=(10,)),)),
        ),
        (
            'A("X").event("buy").count.gte(3).during(30).where("price").gt(10)',
            Event(
                name="buy",
                app="X",
                count=Comparison(operator="GTE", values=(3,)),
                days=30,
                where=(EventAttribute(path=("price",), operator="GT", values=(10,)),),
            ),
        ),
    ],
)
def test_conditions_in_both_forms(text: str, segment: Expression) -> None:
    assert parse(text) == segment
    assert parse(render(segment)) == segment


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("a * b + c * d", AnyOf(of=(All(of=(A, B)), All(of=(C, D))))),
        ("a + b * c", AnyOf(of=(A, All(of=(B, C))))),
        ("(a + b) * c", All(of=(AnyOf(of=(A, B)), C))),
        (r"a \ b * c \ d", All(of=(A, Not(of=B), C, Not(of=D)))),
        (r"a \ (b + c)", All(of=(A, Not(of=AnyOf(of=(B, C)))))),
        ("a * (b * c)", All(of=(A, All(of=(B, C))))),
        ("((a))", A),
        ("a.and(b).and(c)", All(of=(A, B, C))),
        ("a.or(b).or(c)", AnyOf(of=(A, B, C))),
        ("a.and(b).or(c)", AnyOf(of=(All(of=(A, B)), C))),
        ("a.or(b).and(c)", All(of=(AnyOf(of=(A, B)), C))),
        ("a.not(b)", All(of=(A, Not(of=B)))),
        ("a.and(b + c)", All(of=(A, AnyOf(of=(B, C))))),
        ("And()", EVERYBODY),
        ("Or()", AnyOf()),
        ("NOT(a)", Not(of=A)),
        ("And(a, Or(b))", All(of=(A, AnyOf(of=(B,))))),
    ],
)
def test_set_operations(text: str, segment: Expression) -> None:
    spelt = re.sub(r"\b[abcd]\b", lambda name: f'T("{name[0]}", SET)', text)
    assert parse(spelt) == segment
    assert parse(render(segment)) == segment


@pytest.mark.parametrize(
    ("methodical", "functional"),
    [
        ('A("X").event("order").count.gte(3).during(30)', 'Event("order", app, "X", count, GTE, 3, days, 30)'),
        ('A("X").event("order").sum("price").gt(100)', 'Event("order", app, "X", sum, "price", GT, 100)'),
        ('A("X").event("order").sum(["a", "b"], gt, 1)', 'Event("order", app, "X", sum, ["a", "b"], GT, 1)'),
        ('A("X").event("order").first.lt("2026-01-01")', 'Event("order", app, "X", first, LT, "2026-01-01")'),
        ('A("X").event("order").last.daysago.lt(7)', 'Event("order", app, "X", last, GT, "7 days ago")'),
        (
            'A("X").event("order").when.between("2026-01-01", "2026-01-31").where("price").gt(5)',
            'Event("order", app, "X", when, BETWEEN, ["2026-01-01", "2026-01-31"], attr("price"), GT, 5)',
        ),
    ],
)
def test_events_in_both_forms(methodical: str, functional: str) -> None:
    assert parse(methodical) == parse(functional)
    assert render(parse(methodical)) == functional


def test_methods_after_a_condition_add_to_it() -> None:
    text = 'A("X").platforms("iOS").tags("City").eq("London").tags("Age").gt(18)'
    city, age = tag("City", "EQ", "London", app="X"), tag("Age", "GT", 18, app="X")
    assert parse(text) == All(of=(Application(app="X", platforms=("iOS",)), city, age))


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ("", 1, 1, "the text ends where `(` or a name is expected"),
        ('T("City", EQ, "London"', 1, 23, "the text ends where `)` or `,` is expected"),
        ('T("City" EQ)', 1, 10, "`EQ` stands where"),
        ('T("a", SET) +\n  & T("b", SET)', 2, 3, "`&` means nothing here"),
        ('T("a", EQ, "b)', 1, 12, "a text has no closing quote"),
        ('T("a", EQ, "\\q")', 1, 12, "`\\q` is no escape"),
        ('T("a", EQ, "\\u0000")', 1, 12, "NUL"),
        ('T("a", EQ, "\\ud83d")', 1, 12, "half of a surrogate pair"),
        ('T("a", LIKE, "b")', 1, 8, "`T` takes an operator (BETWEEN, "),
        ('T("a", EQ, b)', 1, 12, "`T` takes nothing more"),
        ('T("a")', 1, 1, "a tag needs an operator and its values"),
        ('T("a", EQ, 1e999)', 1, 12, "the number is too large"),
        ('T("a", daysago, CONTAINS, 3)', 1, 27, "`daysago` goes with EQ"),
        ('T("a", daysago, GT, 1.5)', 1, 21, "`daysago` counts whole days"),
        ('X("a")', 1, 1, "there is no `X`; conditions are A, T, AT,"),
        ('A("X").tag("a").like("b")', 1, 17, "`.like` is no operator"),
        ('A("X").city()', 1, 8, "there is no `.city`; methods are tags,"),
        ('A("X").eq("b")', 1, 8, "`.eq` follows `.tags(…)`"),
        ('T("a", SET).platforms("iOS")', 1, 1, "`.platforms` follows `A(…)`"),
        ('Event("a", count, GT, 1, count, LT, 5)', 1, 26, "`count` stands twice"),
        ('Event("a", app, "X", app, "Y")', 1, 22, "`app` stands twice"),
        ('Event("a").count.gt(1).count.lt(5)', 1, 1, "`count` stands twice"),
        ('Event("a", days, 3).during(4)', 1, 1, "`days` stands twice"),
        ('T("a", SET).during(3)', 1, 1, "`.count`, `.sum`, `.first`, `.last`, `.when`, `.during` and `.where` follow"),
        ('attr("a")', 1, 1, "`attr(…)` is no condition"),
        ('Event("a", often, 3)', 1, 12, "`Event` takes `count`, `sum`, `first`, `last`, `when`, `days`, `app` or"),
        ("Not(" * 101 + "And()" + ")" * 101, 1, 5, "conditions nest at most 100 levels"),
        ("x" * 20_001, 1, 1, "a segment has at most 20,000 characters"),
        ('A("")', 1, 1, "at least 1 character"),
        ('Event("a", sum, 5)', 1, 17, "`Event` takes a name in quotes here"),
        ('A("X").event("a").sum("b")', 1, 1, "`sum` needs an operator and its values"),
    ],
)
def test_refusals_name_the_place(text: str, line: int, column: int, told: str) -> None:
    with pytest.raises(SeglangError) as refused:
        parse(text)
    assert (refused.value.line, refused.value.column) == (line, column)
    assert told in refused.value.text
    assert refused.value.text.startswith(f"line {line}, column {column}: ")


def test_refusals_say_what_is_expected() -> None:
    with pytest.raises(SeglangError) as refused:
        parse('T("a", SET')
    assert refused.value.expected == ("`(`", "`)`", "`,`")


def test_escapes_may_pair_up() -> None:
    assert parse('T("a", EQ, "\\ud83d\\ude00")') == tag("a", "EQ", "\N{GRINNING FACE}")


def test_a_long_flat_segment_is_read() -> None:
    segment = parse(" + ".join(['T("a",SET)'] * 1_000))
    assert isinstance(segment, AnyOf)
    assert len(segment.of) == 1_000


# What the compiler makes of it ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("functional", "methodical"),
    [
        (f'AT("{APP}", "City", EQ, "London")', f'A("{APP}").tags("City").eq("London")'),
        (f'A("{APP}", ["iOS"], [with_tokens])', f'A("{APP}").platforms("iOS").withTokens()'),
        (
            f'AT("{APP}", "Age", BETWEEN, 18, 30) \\ T("City", NOTSET)',
            f'A("{APP}").tags("Age").between(18, 30).not(T("City").isNotSet)',
        ),
    ],
)
def test_both_forms_compile_to_the_same_sql(functional: str, methodical: str) -> None:
    first, second = Parameters(), Parameters()
    assert predicate(parse(functional), first, SCOPE) == predicate(parse(methodical), second, SCOPE)
    assert first.values == second.values


def test_attributes_and_profile_can_be_elsewhere() -> None:
    text = predicate(parse(f'AT("{APP}", "City", SET)'), Parameters(), SCOPE, profile="q", attributes="l.attributes")
    assert text == "((q.app_ids @> array[7]) and ((l.attributes ->> %(v1)s::text) is not null))"


def test_what_was_typed_is_never_in_the_text() -> None:
    parameters = Parameters()
    text = predicate(parse("""T("drop", IN, ["table'", "2026-01-01", 4242424242, "37 days ago"])"""), parameters, SCOPE)
    assert not [word for word in ("drop", "table", "2026", "4242", "37") if word in text]


def test_every_device_has_its_shard() -> None:
    text = predicate(parse(f'A("{APP}", [iOS])'), Parameters(), SCOPE)
    assert "from device as d where d.shard = %(shard)s::smallint" in text


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ('T("a", EQ, 1) * And()', []),
        ('A("NOPE")', [("segment.unknown_app", "")]),
        (
            'AT("NOPE", "a", GT, "x") + Segment("NOPE")',
            [("segment.unknown_app", "of/0"), ("segment.date", "of/0/values/0"), ("segment.unknown_segment", "of/1")],
        ),
        ('T("a", BETWEEN, 1)', [("segment.values", "")]),
        ('T("a", BETWEEN, 1, "2026-01-01")', [("segment.values", "")]),
        ('T("a", GT, 1, 2)', [("segment.values", "")]),
        ('T("a", GT, true)', [("segment.values", "values/0")]),
        ('T("a", EQ)', [("segment.values", "")]),
        ('T("a", SET, 1)', [("segment.values", "")]),
        ('T("a", CONTAINS, 5)', [("segment.values", "values/0")]),
        ('T("a", EQ, "2026-02-30")', [("segment.date", "values/0")]),
        ('T("a", GTE, "99999 days ago")', [("segment.date", "values/0")]),
        ('T("a", STARTS_WITH, "2026-02-30")', []),
        ('T("a", REGEX, ".*")', []),
        ('T("a", REGEX, "(a+)+")', [("segment.values", "values/0")]),
        ('T("a", GT, "1.10") * T("a", BETWEEN, "1.9", "2026-01-01")', [("segment.values", "of/1")]),
        ('Not(Event("x", app, "NOPE"))', [("segment.unknown_app", "of")]),
        (
            'Event("x", count, CONTAINS, "a", sum, "price", GT, "1.2", first, GT, 5, when, EQ, "soon", attr("a"), EQ)',
            [
                ("segment.values", "count"),
                ("segment.values", "sum"),
                ("segment.date", "first/values/0"),
                ("segment.date", "when/values/0"),
                ("segment.values", "where/0"),
            ],
        ),
        (
            (
                "Geo(1, 2, 3) * BTTS(1, 1) * Updated(GT, 5) * Static('x')"
                " * Fact('rolle', SET) * Fact(['device', 'os'], SET)"
            ),
            [
                ("segment.values", "of/1"),
                ("segment.date", "of/2/values/0"),
                ("segment.unknown_list", "of/3"),
                ("segment.unknown_fact", "of/4/path"),
            ],
        ),
    ],
)
def test_problems_all_at_once(text: str, problems: list[tuple[str, str]]) -> None:
    segment = parse(text)
    assert [(problem.code, problem.where) for problem in check_segment(segment, SCOPE)] == problems
    if problems:
        with pytest.raises(SegmentRefused):
            predicate(segment, Parameters(), SCOPE)


def named(**segments: str) -> SegmentScope:
    return SegmentScope({}, 1, {code: parse(text) for code, text in segments.items()})


def codes(text: str, scope: SegmentScope) -> list[tuple[str, str]]:
    return [(problem.code, problem.text) for problem in check_segment(parse(text), scope)]


def test_named_segments_take_the_place_of_their_names() -> None:
    scope = named(one='Segment("two") * T("a", SET)', two='T("b", SET)')
    text = predicate(parse('Segment("one")'), Parameters(), scope)
    assert text == predicate(parse('T("b", SET) * T("a", SET)'), Parameters(), scope)


@pytest.mark.parametrize("code", ["self", "one", "two", "leads"])
def test_cycles_are_found_from_everywhere(code: str) -> None:
    scope = named(self='Segment("self")', one='Segment("two")', two='Not(Segment("one"))', leads='Segment("one")')
    assert [problem for problem, _ in codes(f'Segment("{code}")', scope)] == ["segment.cycle"]


def test_problems_of_a_named_segment_stand_at_its_name() -> None:
    scope = named(one='Segment("two")', two='T("a", GT, "x")')
    (problem,) = check_segment(parse('And(Segment("one"))'), scope)
    assert (problem.code, problem.where) == ("segment.date", "of/0")
    assert problem.text.startswith(
        "in the segment `one`: in the segment `two`: GT takes a number, a version such as `1.10`, or a date"
    )


def test_names_cannot_make_a_segment_explode() -> None:
    doubling = {f"s{n}": f'Segment("s{n - 1}") + Segment("s{n - 1}")' for n in range(1, 60)}
    scope = named(s0='T("a", SET)', **doubling)
    assert [code for code, _ in codes('Segment("s59")', scope)] == ["segment.too_large"]


def test_names_cannot_make_a_segment_deep() -> None:
    scope = named(s0='T("a", SET)', **{f"s{n}": f'Not(Segment("s{n - 1}"))' for n in range(1, 3_000)})
    assert [code for code, _ in codes('Segment("s2999")', scope)] == ["segment.too_large"]
    assert codes('Segment("s40")', scope) == []
    predicate(parse('Segment("s40")'), Parameters(), scope)


def test_deep_trees_are_refused_not_followed() -> None:
    segment: Expression = A
    for _ in range(5_000):
        segment = Not(of=segment)
    assert [problem.code for problem in check_segment(segment, SCOPE)] == ["segment.too_large"]


@pytest.mark.parametrize("value", ["\0", "\ud800", float("nan"), float("inf"), 10**70])
def test_values_that_the_database_cannot_hold(value: str | float) -> None:
    segment = Attribute(path=("a",), operator="EQ", values=(value,))
    assert [problem.code for problem in check_segment(segment, SCOPE)] == ["segment.values"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('Event("x", days, 99999)', "a number of days is at most 3660"),
        ('T("", EQ, "a")', "a name has at least 1 character"),
        ('A("")', "the code of an app has at least 1 character"),
        (f'A("X", [{", ".join(["iOS"] * 51)}])', "there are at most 50 platforms"),
        ("Geo(100, 0, 1)", "a latitude is at most 90"),
        ('Event("x", attr(""), GT, 1)', "a name has at least 1 character"),
    ],
)
def test_a_broken_limit_is_told_in_words_of_the_language(text: str, told: str) -> None:
    with pytest.raises(SeglangError, match=rf"^line 1, column 1: {told}$"):
        parse(text)


def test_every_tag_is_explicit() -> None:
    tags = {node: msgspec.inspect.type_info(node).tag for node in Expression.__args__}
    assert all(tag == tag.lower() for tag in tags.values())
    assert not [node for node, tag in tags.items() if tag == node.__name__]


@pytest.mark.parametrize(
    ("text", "where", "place"),
    [
        ('T("a", EQ)', "", "line 1, column 1"),
        ('T("a", SET)\n * (T("b", SET) + T("c", GT, "x"))', "of/1/of/1/values/0", "line 2, column 19"),
        ('T("a", SET) \\ Segment("none")', "of/1/of", "line 1, column 15"),
        ('A("X").tags("a").eq(1).tags("b").gt("x")', "of/1/values/0", "line 1, column 24"),
        ('T("a", SET).or(T("b", SET)).or(Not(Event("e", count, GTE)))', "of/2/of/count", "line 1, column 36"),
        ("And() * Or()", "of/1", "line 1, column 1"),
    ],
)
def test_a_problem_of_meaning_has_a_place_in_the_text(text: str, where: str, place: str) -> None:
    assert located(text, parse(text), [where]) == [place]
