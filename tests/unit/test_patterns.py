"""Patterns: what may be matched, and that nothing else reaches the database."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.model.patterns import MAX_LENGTH, PatternRefused, safe_pattern


@pytest.mark.parametrize(
    ("given", "rewritten"),
    [
        ("", ""),
        ("a|b", "a|b"),
        (r"\.", r"\."),
        (".+?x", ".+x"),
        (r"[\d\-_]", r"[0-9\-\_]"),
        (r"[^\s]", r"[^ \t\n\r\f\v]"),
        (r"\D{2,}", "[^0-9]{2,}"),
        ("(a(b)?)?", "(?:a(?:b)?)?"),
        ("a-b", r"a\-b"),
        ("é", "é"),
        ("\n", r"\n"),
    ],
)
def test_what_is_taken_is_rewritten(given: str, rewritten: str) -> None:
    assert safe_pattern(given) == rewritten


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("(a+)+", "a repetition inside a repetition"),
        ("((a*b){2}c)*", "a repetition inside a repetition"),
        (r"(a)\1", "at character 4 of the regular expression: of the escapes"),
        (r"\bword", "of the escapes with a letter or digit only"),
        ("(?=a)", "only `(?:…)` is taken"),
        ("(?i)a", "only `(?:…)` is taken"),
        ("***:a", "`*` has nothing to repeat"),
        ("a**", "a repetition is not repeated"),
        ("a{3,1}", "bounds rise"),
        ("a{1000}", "bounds rise and are at most 100"),
        ("a{", "bounds are"),
        ("(a", "a group is not closed"),
        ("a)", "`)` closes no group"),
        ("[a", "a set of characters is not closed"),
        ("[]", "a set of characters is empty"),
        ("[z-a]", "a range goes from"),
        ("[[:alpha:]]", "`[` inside a set"),
        ("^*", "an anchor is not repeated"),
        ("\\", "of the escapes"),
        ("(" * 11 + ")" * 11, "groups nest at most 10 deep"),
        ("(" + "a" * 60 + "){100}", "larger than 2,000 characters"),
        ("a" * (MAX_LENGTH + 1), "at most 200 characters"),
    ],
)
def test_what_is_not_taken_is_refused_in_place(given: str, told: str) -> None:
    with pytest.raises(PatternRefused) as refused:
        safe_pattern(given)
    assert told in refused.value.text


@given(st.text(r"ab\()[]{}|*+?^$.-1,:dwSn" + "é\n", max_size=30))
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        rewritten = safe_pattern(text)
    except PatternRefused:
        return
    re.compile(rewritten)
    assert len(rewritten) <= 25 * (len(text) + 1)
