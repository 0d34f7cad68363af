"""Templates: what they render to, what they may not do, and how their problems read."""

from datetime import UTC, datetime
from time import process_time

import pytest

from sojourn.templates import Scope, TemplateFailed, check_template, local_time, render

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
ADA = Scope(
    profile={
        "name": "Ada <b>",
        "First Name": "Ada",
        "age": 36,
        "born": "1815-12-10",
        "tags": ["a", "b"],
        "seen": "2026-03-14T12:00:00Z",
    },
    event={"price": 12.5, "at": 1_773_489_600},
    entry={"coupon": "X1"},
    now=local_time(NOON, "Asia/Tokyo"),
)


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("plain", "plain"),
        ("{{ profile.name }}", "Ada <b>"),
        ("{{ profile['First Name'] }}/{{ event.price }}/{{ entry.coupon }}", "Ada/12.5/X1"),
        ("[{{ profile.nothing }}{{ nobody.at.all }}]", "[]"),
        ("{{ profile.nothing | default: 'friend' }}", "friend"),
        ("{% if profile.nothing > 3 %}a{% else %}b{% endif %}", "b"),
        ("{{ entry.coupon | url_encode }}-{{ 'a b&c' | url_encode }}", "X1-a+b%26c"),
        ('{"n": {{ profile.name | json }}, "t": {{ profile.tags | json }}, "x": {{ profile.x | json }}}',
         '{"n": "Ada <b>", "t": ["a", "b"], "x": null}'),
        ("{{ 'now' | date: '%H:%M' }}", "21:00"),
        ("{{ now | date: '%H:%M', 'UTC' }} {{ 'today' | date: '%F' }}", "12:00 2026-03-14"),
        ("{{ today | date: '%F' }}", "2026-03-14"),
        ("{{ profile.seen | date: '%H:%M' }}", "21:00"),
        ("{{ profile.born | date: '%d.%m.%Y' }}", "10.12.1815"),
        ("{{ event.at | date: '%H:%M %s' }}", "21:00 1773489600"),
        ("{{ '10:30' | date: '%F %H:%M' }}", "2026-03-14 10:30"),
        ("{{ 'not a date' | date: '%F' }}", "not a date"),
        ("{{ profile.nothing | date: '%F' }}", ""),
        ("{% assign now = 5 %}{{ 'now' | date: '%H' }}", "21"),
    ],
)  # fmt: skip
def test_renders(template: str, result: str) -> None:
    assert check_template(template) is None
    assert render(template, ADA) == result


def test_html_escapes_values_and_leaves_markup() -> None:
    assert render("<p>{{ profile.name }}</p>", ADA, target="html") == "<p>Ada &lt;b&gt;</p>"
    assert render("<p>{{ profile.name | safe }}</p>", ADA, target="html") == "<p>Ada <b></p>"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("a\n{{ profile.name", "line 2: expected '}}', found end of file"),
        ("a\n\n{% nosuch %}", "line 3: unexpected tag 'nosuch'"),
        ("{% include 'x' %}", "line 1: unexpected tag 'include'"),
        ("{% render 'x' %}", "line 1: unexpected tag 'render'"),
        ("a\n{{ x | }}\nb", "line 2: expected word, found end of expression"),
        ("a\n{{ x | shout }}\n{{ x | yell }}", "line 2: unknown filter `shout`"),
        ("a\n{% if x %}\nb", "line 2: expected tag endif, found end of expression"),
        ("{{ a b }}", "line 1: expected end of expression, found word"),
    ],
)
def test_a_problem_names_its_line(template: str, problem: str) -> None:
    assert check_template(template) == problem


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..100000) %}{% endfor %}",
        "{% for i in (1..200) %}{% for j in (1..200) %}{% endfor %}{% endfor %}",
        "{% for i in (1..6000) %}{% endfor %}{% for i in (1..6000) %}{% endfor %}",
        "{% tablerow i in (1..100000) %}{% endtablerow %}",
        "{{ (1..1000000000) | join: ',' }}",
        "{% assign a = (1..1000000000) | reverse %}",
        "{% assign a = 'x' %}" + "{% assign a = a | append: a %}" * 40,
        "{% assign a = 'xxxxxxxxxx' %}" + "{% assign a = a | replace: 'x', a %}" * 6,
        "{{ 'x' " + "| base64_encode " * 80 + "}}",
        "{% assign a = 99999999 %}" + "{% assign a = a | times: a %}" * 30,
        "{{ 'now' | date: '%999999999d' }}",
        "{% assign a = '" + "x" * 400 + "' %}{% for i in (1..9999) %}{{ a }}{% endfor %}",
        "{{ 1 | divided_by: 0 }}",
        "{{ '1e99999' | round }}",
        "{% if profile.name > 3 %}{% endif %}",
        "{{ x",
        "{% if a %}" * 40 + "{% endif %}" * 40,
        "{{ x | nosuch }}",
    ],
    ids=lambda template: template[:40],
)
def test_what_costs_too_much_or_cannot_be_fails(template: str) -> None:
    with pytest.raises(TemplateFailed):
        render(template, ADA)


@pytest.mark.parametrize(
    "template",
    [
        "{{" * 500_000,
        "{%" * 500_000,
        "{" * 1_000_000,
        "{{" + " " * 900_000 + "}}",
        "{% else" + " " * 900_000 + "%}",
        "{% raw %}" * 100_000,
        "{% doc %}" * 100_000,
        "{% raw %}" + "{{" * 400_000 + "{% endraw %}{% nosuch %}",
        "{% comment %}{% (" + "{{" * 400_000 + "%}{% endcomment %}",
        "{% if " + "(" * 400_000 + "a" + ")" * 400_000 + " %}{% endif %}",
        "{{ a }}" * 100_000,
        "{{ x | nosuch }}" * 50_000,
    ],
    ids=lambda template: template[:12],
)
def test_no_template_keeps_the_server_busy(template: str) -> None:
    began = process_time()
    assert check_template(template) is not None
    assert process_time() - began < 3


def test_unread_text_may_be_long() -> None:
    template = "x{ y} z " * 100_000 + "{% raw %}" + "{{" * 10_000 + "{% endraw %}{{ profile.name }}"
    assert check_template(template) is None
    assert render(template, ADA).endswith("{{Ada <b>")


def test_an_unknown_zone_is_utc() -> None:
    assert local_time(NOON, "Mars/Olympus") == local_time(NOON, None) == NOON
    assert local_time(NOON, "Europe").utcoffset() == NOON.utcoffset()
