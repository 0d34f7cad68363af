"""Every problem that keeps a graph from being started, each with a small graph that has it and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest

import sojourn.compiler.check
from sojourn.compiler.check import check
from sojourn.compiler.segments import SegmentScope
from sojourn.model.graph import Edge, Graph
from sojourn.model.points import EmailContent
from sojourn.model.problems import Problem
from sojourn.model.schedule import WEEKDAYS
from sojourn.seglang import parse
from tests.lab import (
    SHOP,
    awaited,
    awaiting,
    branch,
    email,
    graph,
    having,
    on_event,
    point,
    point_id,
    random_split,
    segment,
    update,
    wait,
    webhook,
)

SCOPE = SegmentScope(
    app_ids={SHOP: 1},
    workspace_id=1,
    segments={"GOOD": parse('T("a", SET)'), "BAD": parse('Segment("NONE")')},
)
PRESETS = ["WELCOME"]


def problems(of: Graph) -> list[Problem]:
    return check(of, SCOPE, PRESETS)


def found(of: Graph) -> list[tuple[str, str]]:
    """Return codes and places, with the names of points."""
    return [(problem.code, named(problem.where)) for problem in problems(of)]


def named(where: str) -> str:
    for name in ("api", "buy", "hears", "point", "random", "exit", "split", "email"):
        where = where.replace(point_id(name), name)
    return where


def through(place: Any) -> Graph:
    """Return a graph in which everybody passes a point."""
    return graph("api -> point -> exit", point=place)


def entered_by(entry: Any) -> Graph:
    return graph("point -> exit", point=entry)


def changed(of: Graph, *, edges: tuple[Edge, ...] = (), points: tuple[Any, ...] = ()) -> Graph:
    return Graph(points=of.points + points, edges=of.edges + edges, settings=of.settings)


def edge(source: str, to: str, output: str = "default") -> Edge:
    return Edge(from_=point_id(source), output=output, to=point_id(to))


def operation(**fields: Any) -> Any:
    return update({"tag": "x", "operation": "SET"} | fields)


PLAIN = graph("api -> exit")
LOOK_BACK = awaiting(branch("a", look_back="1d"))
HTML = EmailContent(subject="Hello", html=".")


def str_or_nothing(value: object) -> str:
    return value if isinstance(value, str) else ""


SHAPES: list[tuple[str, str, Graph]] = [
    ("point.duplicate", "points/exit", changed(PLAIN, points=(PLAIN.points[1],))),
    ("edge.from_unknown", "points/point", changed(PLAIN, edges=(edge("point", "exit"),))),
    ("edge.to_unknown", "points/api", changed(graph("api"), edges=(edge("api", "exit"),))),
    ("output.unknown", "points/api", changed(PLAIN, edges=(edge("api", "exit", "output1"),))),
    ("output.ambiguous", "points/api", changed(PLAIN, edges=(edge("api", "exit"),))),
    ("output.unwired", "points/api", graph("api")),
    ("entry.missing", "points", Graph(settings=PLAIN.settings)),
    ("entry.inflow", "points/point", graph("api -> point -> api", point=wait(duration_seconds=1))),
    ("point.unreachable", "points/email", changed(PLAIN, points=graph("email").points, edges=(edge("email", "exit"),))),
    ("cycle.unheld", "points/point", graph("api -> point -> point", point=email())),
]  # fmt: skip

SALE: dict[str, Any] = {"name": "sale", "event_name": "bought"}


def contested(**rule: Any) -> Graph:
    """Part people by chance until one branch has won by this rule."""
    winner = {"mode": "AUTOMATIC", "goal": "sale", "min_sample": 100} | rule
    return graph(
        "api -> random.1 -> exit\nrandom.2 -> exit",
        settings={"conversion_goals": [SALE]},
        random=random_split(50, 50, winner=winner),
    )


def silent(hours: dict[str, Any], channel: str = "email") -> Graph:
    """Return a journey with silent hours, and with the same for a channel where they are not enabled."""
    chosen = {channel: {"enabled": True} | hours, "webhook": {"enabled": False} | hours}
    return graph("api -> exit", settings={"silent_hours": chosen})


FIELDS: list[tuple[str, str, Graph]] = [
    ("app.unknown", "settings/application_code", graph("api -> exit", settings={"application_code": "NONE"})),
    ("app.unknown", "points/point/application_code", entered_by(segment('T("a", SET)', application_code="NONE"))),
    ("app.unknown", "points/point/application_code", entered_by(on_event("a", application_code="NONE"))),
    ("app.unknown", "points/point/application_code", entered_by(point("start_by_api", application_code="NONE"))),
    ("silence.window", "settings/silent_hours/email/to", silent({"from": "22:00", "to": "22:00:00"})),
    ("silence.days", "settings/silent_hours/push/blocked_days", silent({"blocked_days": WEEKDAYS}, channel="push")),
    ("zone.unknown", "settings/silent_hours/email/timezone", silent({"timezone": "Mars/Olympus"})),
    ("zone.unknown", "settings/silent_hours/email/fallback_timezone", silent({"fallback_timezone": "device"})),
    (
        "goal.duplicate",
        "settings/conversion_goals",
        graph("api -> exit", settings={"conversion_goals": [SALE, SALE]}),
    ),
    (
        "condition.values",
        "settings/conversion_goals/0/event_conditions/0/values",
        graph("api -> exit", settings={"conversion_goals": [SALE | {"event_conditions": [having("price", "GT")]}]}),
    ),
    ("filter.one_of", "points/point", entered_by(segment())),
    ("filter.one_of", "points/point", entered_by(segment('T("a", SET)', filter_code="GOOD"))),
    ("filter.unknown", "points/point/filter_code", entered_by(segment(filter_code="NONE"))),
    ("filter.unparsable", "points/point/filter", entered_by(segment("T("))),
    ("segment.unknown_segment", "points/point/filter", entered_by(segment('Segment("NONE")'))),
    ("segment.unknown_segment", "points/point/filter_code", entered_by(segment(filter_code="BAD"))),
    ("segment.unknown_app", "points/point/filter", entered_by(segment('A("NONE")'))),
    ("segment.date", "points/point/filter", entered_by(segment('T("a", GTE, "2026-02-30")'))),
    ("segment.values", "points/point/filter", entered_by(segment('T("a", BETWEEN, 1, "2026-02-03")'))),
    ("segment.unknown_list", "points/point/filter", entered_by(segment('Static("NOPE")'))),
    ("repeat.one_of", "points/point/repeat", entered_by(segment('T("a", SET)', repeat={}))),
    (
        "repeat.trigger",
        "points/point/repeat",
        entered_by(segment('T("a", SET)', trigger="JOINING", repeat={"dates": ["2026-05-01T09:00"]})),
    ),
    (
        "repeat.one_of",
        "points/point/repeat",
        entered_by(segment('T("a", SET)', repeat={"dates": ["2026-05-01T09:00"], "every": {"unit": "DAY"}})),
    ),
    (
        "repeat.day",
        "points/point/repeat/every/days",
        entered_by(segment('T("a", SET)', repeat={"every": {"unit": "WEEK", "days": ["31"]}})),
    ),
    ("date.unparsable", "points/point/repeat/dates/0", entered_by(segment('T("a", SET)', repeat={"dates": ["soon"]}))),
    (
        "date.offset",
        "points/point/repeat/dates/0",
        entered_by(segment('T("a", SET)', repeat={"dates": ["2026-05-01T09:00Z"]})),
    ),
    (
        "zone.unknown",
        "points/point/repeat/timezone",
        entered_by(segment('T("a", SET)', repeat={"every": {"unit": "DAY"}, "timezone": "Mars/Olympus"})),
    ),
    (
        "zone.unknown",
        "points/point/repeat/fallback_timezone",
        entered_by(segment('T("a", SET)', repeat={"every": {"unit": "DAY"}, "fallback_timezone": "device"})),
    ),
    (
        "attribute.duplicate",
        "points/point/attributes",
        entered_by(point("start_by_api", attributes=[{"name": "a"}, {"name": "a"}])),
    ),
    (
        "period.empty",
        "points/point/active_period",
        entered_by(on_event("a", active_period={"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"})),
    ),
    (
        "multi_entry.key",
        "points/point/multi_entry/key_attribute",
        entered_by(on_event("a", multi_entry={"enabled": True})),
    ),
    (
        "attribute_entry.name",
        "points/point/attribute_entry/attribute_name",
        entered_by(on_event("a", attribute_entry={"enabled": True})),
    ),
    (
        "condition.values",
        "points/point/event_conditions/0/values",
        entered_by(on_event("a", event_conditions=[having("n", "BETWEEN", 1)])),
    ),
    (
        "condition.values",
        "points/hears/branches/0/events/0/event_conditions/0/values",
        graph(
            """
            api -> hears.1 -> exit
            hears -> exit
            """,
            hears=awaiting(branch(awaited("a", having("n", "SET", 1)))),
        ),
    ),
    ("wait.one_of", "points/point", through(wait())),
    ("wait.one_of", "points/point", through(wait(duration_seconds=1, until={"at": "2026-05-01T00:00:00Z"}))),
    (
        "zone.unknown",
        "points/point/time_of_day/timezone",
        through(wait(time_of_day={"time": "09:00", "timezone": "Mars"})),
    ),
    (
        "zone.unknown",
        "points/point/weekday/timezone",
        through(wait(weekday={"days": ["MONDAY"], "time": "09:00", "timezone": "Mars"})),
    ),
    ("date.offset", "points/point/until/at", through(wait(until={"at": "2026-05-01T00:00:00"}))),
    (
        "random.sum",
        "points/random/branches",
        graph("api -> random.1 -> exit\nrandom.2 -> exit", random=random_split(50, 49)),
    ),
    (
        "random.precision",
        "points/random/branches/0/percent",
        graph("api -> random.1 -> exit\nrandom.2 -> exit\nrandom.3 -> exit", random=random_split(33.333, 33.33, 33.34)),
    ),
    ("winner.goal", "points/random/winner/goal", contested(goal="visit")),
    ("winner.min_sample", "points/random/winner/min_sample", contested(min_sample=0)),
    ("winner.significance", "points/random/winner/significance", contested(significance=1)),
    ("operation.value", "points/point/operations/0", through(operation())),
    ("operation.value", "points/point/operations/0", through(operation(operation="UNSET", value=1))),
    ("operation.number", "points/point/operations/0/value", through(operation(operation="INCREMENT", value="1"))),
    ("webhook.url", "points/point/url", through(webhook(url="ftp://example.com"))),
    ("webhook.header", "points/point/headers", through(webhook(headers={"a b": "c"}))),
    ("template.unparsable", "points/point/url", through(webhook(url="https://example.com/{% if %}"))),
    ("template.unparsable", "points/point/body", through(webhook(body="{% if %}"))),
    ("template.unparsable", "points/point/headers/a", through(webhook(headers={"a": "{% if %}"}))),
    ("content.one_of", "points/point", through(email(content=None))),
    ("content.one_of", "points/point", through(email(preset_code="WELCOME"))),
    ("preset.unknown", "points/point/preset_code", through(email(content=None, preset_code="NONE"))),
    ("content.empty", "points/point/content", through(email(content=EmailContent(subject="Hello")))),
    ("template.unparsable", "points/point/content/subject", through(email("{% if %}"))),
    ("address.malformed", "points/point/from_email", through(email(from_email="nobody"))),
    ("address.malformed", "points/point/reply_to", through(email(reply_to="nobody"))),
    ("address.malformed", "points/point/bcc", through(email(bcc="nobody"))),
    ("capping.custom", "points/point/capping", through(email(capping={"mode": "CUSTOM", "max_messages": 1}))),
    (
        "reaction.html",
        "points/email/split_by_reaction",
        graph(
            """
            api -> email.1 -> exit
            email -> exit
            """,
            email=email(split_by_reaction={"reaction": "OPENED", "wait_seconds": 60}),
        ),
    ),
]


PRO = '{"field": "plan", "operator": "eq", "value": "pro"}'


def parted_by(*trees: str, labels: str = "abc") -> Graph:
    """Part people by rule trees, which then all do the same."""
    branches = [{"label": label, "rule_tree": tree} for label, tree in zip(labels, trees, strict=False)]
    ways = "".join(f"point.{number} -> exit\n" for number, _ in enumerate(trees, 1))
    return graph(f"api -> point -> exit\n{ways}", point=point("condition", branches=branches))


def aiming_at(**goal: Any) -> Graph:
    return graph("api -> exit", settings={"goal": goal})


DIALECT: list[tuple[str, str, Graph]] = [
    ("page.pattern", "points/point/pattern", entered_by(point("url_match"))),
    ("page.pattern", "points/point/pattern", entered_by(point("url_match", match_type="REGEX", pattern="(a+)+"))),
    ("click.selector", "points/point/selector", entered_by(point("element_click"))),
    ("content.missing", "points/point/content_id", through(point("content"))),
    ("condition.branches", "points/point/branches", parted_by()),
    ("condition.label", "points/point/branches/1/label", parted_by(PRO, PRO, labels="aa")),
    ("condition.unparsable", "points/point/branches/0/rule_tree", parted_by("{")),
    ("segment.rule", "points/point/branches/0/rule_tree/operator", parted_by(PRO.replace("eq", "like"))),
    ("goal.missing", "points/point/goal", graph("api -> point -> exit\npoint.1 -> exit", point=point("goal_check"))),
    ("goal.one_of", "settings/goal", aiming_at()),
    ("goal.one_of", "settings/goal", aiming_at(flow_completed={"flow_id": "a"}, event={"event_name": "a"})),
    ("page.pattern", "settings/goal/page_visit/pattern", aiming_at(page_visit={"pattern": ""})),
    (
        "segment.rule",
        "settings/goal/attribute_match/operator",
        aiming_at(attribute_match={"field": "a", "operator": "like", "value": 1}),
    ),
    (
        "goal.duplicate",
        "settings/conversion_goals",
        graph(
            "api -> exit",
            settings={
                "goal": {"flow_completed": {"flow_id": "a"}},
                "conversion_goals": [SALE | {"name": "journey goal"}],
            },
        ),
    ),
    ("audience.unknown", "settings/audience_code", graph("api -> exit", settings={"audience_code": "NONE"})),
    (
        "reentry.cooldown",
        "settings/conduct/reentry/cooldown_hours",
        graph("api -> exit", settings={"conduct": {"reentry": {"mode": "COOLDOWN"}}}),
    ),
]


@pytest.mark.parametrize(("code", "where", "of"), SHAPES + FIELDS + DIALECT, ids=str_or_nothing)
def test_a_problem_is_found_alone(code: str, where: str, of: Graph) -> None:
    assert found(of) == [(code, where)]


def test_every_problem_has_a_graph() -> None:
    folder = Path(sojourn.compiler.check.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    codes = set(re.findall(r'Problem\(\s*"([a-z_.]+)"', source))
    assert codes <= {code for code, _, _ in SHAPES + FIELDS + DIALECT}


def test_all_problems_are_found_at_once() -> None:
    of = graph(
        "api -> wait -> email -> email", settings={"application_code": "NONE"}, wait=wait(), email=email("{% if %}")
    )
    codes = [problem.code for problem in problems(of)]
    assert sorted(codes) == ["app.unknown", "cycle.unheld", "template.unparsable", "wait.one_of"]


@pytest.mark.parametrize("of", [graph for _, _, graph in SHAPES + FIELDS + DIALECT], ids=lambda _: "")
def test_a_problem_states_a_rule_and_addresses_nobody(of: Graph) -> None:
    for problem in problems(of):
        assert not re.search(r"\b(you|your|please|invalid|sorry)\b", problem.text, re.IGNORECASE)
        assert not problem.text.endswith(".")


@pytest.mark.parametrize(
    "of",
    [
        PLAIN,
        graph("api -> point -> exit", point=webhook()),
        graph("api -> point -> point", point=wait(duration_seconds=1)),
        graph("api -> point -> point", point=wait(weekday={"days": ["MONDAY"], "time": "09:00", "timezone": "device"})),
        graph("api -> hears.1 -> exit\nhears -> hears", hears=awaiting("a")),
        graph("api -> hears.1 -> hears\nhears -> exit", hears=awaiting("a")),
        entered_by(segment(filter_code="GOOD")),
        through(email(content=None, preset_code="WELCOME")),
        through(email(content=HTML, best_time=True)),
        contested(),
        graph("api -> random.1 -> exit\nrandom.2 -> exit", random=random_split(50, 50, winner={"mode": "MANUAL"})),
        graph("api -> exit", settings={"control_group_percent": 10, "conversion_window": {"seconds": 60}}),
    ],
    ids=lambda _: "",
)
def test_a_good_graph_has_no_problems(of: Graph) -> None:
    assert found(of) == []


@pytest.mark.parametrize("fields", [{"until": {"at": "2026-05-01T00:00:00Z"}}, {"date_attribute": {"name": "day"}}])
def test_a_wait_that_can_be_over_on_arrival_holds_no_cycle(fields: dict[str, Any]) -> None:
    assert found(graph("api -> point -> point", point=wait(**fields))) == [("cycle.unheld", "points/point")]


def test_an_event_wait_that_looks_back_holds_no_cycle() -> None:
    of = graph("api -> hears.1 -> hears\nhears -> exit", hears=LOOK_BACK)
    assert found(of) == [("cycle.unheld", "points/hears")]


def test_presets_that_are_not_known_are_not_checked() -> None:
    of = through(email(content=None, preset_code="NONE"))
    assert check(of, SCOPE) == []
