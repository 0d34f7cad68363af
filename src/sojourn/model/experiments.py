"""Experiments: whether one share is above others by more than chance. Pure.

The test is that of two proportions with a pooled variance (z-test), two-sided; of several comparisons all have to hold
by Holm's procedure, which is never weaker than Bonferroni's correction.

A caution for whoever reads the numbers while they grow: looking again and again, as the engine does once an hour, finds
a difference by chance more often than the significance says. A large `min_sample` and a high significance keep that
small.
"""

from collections.abc import Mapping, Sequence
from math import erfc, sqrt

from msgspec import Struct


class Sample(Struct, frozen=True):
    """How many people there were, and how many of them converted."""

    people: int
    conversions: int

    @property
    def rate(self) -> float:
        """Return the share that converted; 0 of nobody."""
        return self.conversions / self.people if self.people else 0.0


class Verdict(Struct, frozen=True, kw_only=True):
    """Which branch won, and by which numbers.

    Attributes:
        output: The number of the winning output, from 1.
        samples: By output.
        p_values: Of the comparison with each other output.
    """

    output: int
    samples: Mapping[int, Sample]
    p_values: Mapping[int, float]


def z_score(one: Sample, other: Sample) -> float:
    """Return by how many standard errors the first share is above the second; 0 where nothing can be said.

    >>> round(z_score(Sample(605, 351), Sample(195, 41)), 2)
    8.99
    """
    if not (one.people and other.people):
        return 0.0
    pooled = (one.conversions + other.conversions) / (one.people + other.people)
    variance = pooled * (1 - pooled) * (1 / one.people + 1 / other.people)
    return (one.rate - other.rate) / sqrt(variance) if variance > 0 else 0.0


def p_value(one: Sample, other: Sample) -> float:
    """Return the probability of so large a difference, in either direction, where there is none."""
    return erfc(abs(z_score(one, other)) / sqrt(2))


def holds_for_all(p_values: Sequence[float], alpha: float) -> bool:
    """Tell whether every hypothesis is rejected by Holm's procedure at the level `alpha`.

    >>> holds_for_all([0.01, 0.04], 0.05), holds_for_all([0.03, 0.04], 0.05)
    (True, False)
    """
    count = len(p_values)
    return all(p <= alpha / (count - place) for place, p in enumerate(sorted(p_values)))


def judge(samples: Mapping[int, Sample], *, min_sample: int, significance: float) -> Verdict | None:
    """Return the branch that is above every other, or None while it is too soon to tell.

    `samples` are those of the branches that anybody can draw; with fewer than two there is nothing to compare.
    """
    if len(samples) < 2 or any(sample.people < min_sample for sample in samples.values()):
        return None
    best = max(sorted(samples), key=lambda output: samples[output].rate)
    others = {output: p_value(samples[best], sample) for output, sample in samples.items() if output != best}
    if any(samples[output].rate >= samples[best].rate for output in others):
        return None
    if not holds_for_all(list(others.values()), 1 - significance):
        return None
    return Verdict(output=best, samples=samples, p_values=others)
