"""Experiments: the tests of significance give the numbers that textbooks print."""

import pytest

from sojourn.model.experiments import Sample, holds_for_all, judge, p_value, z_score

ASPIRIN = Sample(11037, 104)
"""Heart attacks in the Physicians' Health Study (Agresti, Categorical Data Analysis, table 2.1)."""
PLACEBO = Sample(11034, 189)


@pytest.mark.parametrize(
    ("one", "other", "z"),
    [
        (PLACEBO, ASPIRIN, 5.00),  # Agresti: Pearson's chi-squared is 25.0, the square of z
        (Sample(605, 351), Sample(195, 41), 8.99),  # Penn State STAT 415, lesson 9.4: a tax on cigarettes
        (Sample(200, 48), Sample(150, 30), 0.89),  # pooled 78/350, worked out by hand
    ],
)
def test_the_score_is_that_of_the_textbook(one: Sample, other: Sample, z: float) -> None:
    assert z_score(one, other) == pytest.approx(z, abs=0.005)
    assert z_score(other, one) == -z_score(one, other)


@pytest.mark.parametrize(("z", "p"), [(1.0, 0.3173), (1.96, 0.0500), (2.5758, 0.0100)])
def test_the_probability_is_that_of_the_normal_table(z: float, p: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sojourn.model.experiments.z_score", lambda *_: z)
    assert p_value(PLACEBO, ASPIRIN) == pytest.approx(p, abs=0.00005)


def test_holm_takes_the_example_of_the_textbook_apart() -> None:
    # Four hypotheses with 0.01, 0.04, 0.03, 0.005 at 0.05: the two smallest are rejected, the others are not.
    assert not holds_for_all([0.01, 0.04, 0.03, 0.005], 0.05)
    assert holds_for_all([0.01, 0.005], 0.05)
    assert holds_for_all([0.0125, 0.016, 0.025, 0.05], 0.05)


def test_one_of_two_wins() -> None:
    verdict = judge({1: ASPIRIN, 2: PLACEBO}, min_sample=1000, significance=0.95)
    assert verdict is not None
    assert verdict.output == 2
    assert verdict.p_values[1] == pytest.approx(5.7e-7, rel=0.02)


@pytest.mark.parametrize(
    ("samples", "min_sample", "significance"),
    [
        ({1: ASPIRIN, 2: PLACEBO}, 11035, 0.95),  # a branch lacks people
        ({1: Sample(200, 48), 2: Sample(150, 30)}, 100, 0.95),  # may be chance
        ({1: Sample(1000, 100), 2: Sample(1000, 100)}, 1, 0.5),  # as good as each other
        ({1: Sample(1000, 0), 2: Sample(1000, 0)}, 1, 0.5),  # nobody converted
        ({1: Sample(1000, 1000), 2: Sample(1000, 1000)}, 1, 0.5),  # everybody did
        ({1: Sample(1000, 100)}, 1, 0.5),  # nothing to compare with
        ({1: Sample(1000, 50), 2: Sample(1000, 150), 3: Sample(1000, 140)}, 100, 0.95),  # better than one only
    ],
)
def test_nobody_wins_too_soon(samples: dict[int, Sample], min_sample: int, significance: float) -> None:
    assert judge(samples, min_sample=min_sample, significance=significance) is None


def test_the_level_is_shared_by_the_comparisons() -> None:
    """A difference that is enough between two is not where three are compared."""
    pair = {1: Sample(1000, 100), 2: Sample(1000, 130)}
    assert judge(pair, min_sample=100, significance=0.95) is not None
    assert judge(pair | {3: Sample(1000, 100)}, min_sample=100, significance=0.95) is None
