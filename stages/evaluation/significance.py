"""Confidence intervals, and whether two models differ significantly on the photos that both were tested on."""

from itertools import combinations
from typing import TypedDict

import numpy as np
from scipy.stats import binomtest

SIGNIFICANCE_LEVEL = 0.05


class Comparison(TypedDict):
    """McNemar's test of two models, as ``metrics/best.json`` holds it."""

    first: str
    second: str
    b: int  # photos that only the first model classifies correctly
    c: int  # photos that only the second model classifies correctly
    p: float  # two-sided
    p_holm: float  # with Holm's correction for the number of pairs


def wilson_interval(proportion: float, photos: int) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a proportion of so many photos, both ends in 0..1 (Wilson, 1927)."""
    interval = binomtest(round(proportion * photos), photos).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def compare(correct: dict[str, np.ndarray]) -> list[Comparison]:
    """Compare each pair of models by McNemar's exact test (McNemar, 1947).

    Only photos that exactly one of the two classifies correctly tell which is better. If both are equally good,
    each model is as likely as the other to be that one: b ~ Binomial(b + c, 1/2).

    Args:
        correct: for each model which test photos it classifies correctly, bool shaped (photos,).
    """
    pairs = list(combinations(correct, 2))
    only_first = [int((correct[first] & ~correct[second]).sum()) for first, second in pairs]
    only_second = [int((correct[second] & ~correct[first]).sum()) for first, second in pairs]
    counts = list(zip(only_first, only_second, strict=True))
    p_values = [float(binomtest(b, b + c).pvalue) if b + c else 1.0 for b, c in counts]
    return [
        {"first": first, "second": second, "b": b, "c": c, "p": float(f"{p:.4g}"), "p_holm": float(f"{corrected:.4g}")}
        for (first, second), (b, c), p, corrected in zip(pairs, counts, p_values, holm(p_values), strict=True)
    ]


def holm(p_values: list[float]) -> list[float]:
    """Correct p-values for multiple comparisons, so that the family-wise error rate keeps to the level (Holm, 1979)."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def verdict(best: str, other: str, comparisons: list[Comparison]) -> str:
    """Say in plain words whether ``best`` is significantly better than ``other``."""
    [pair] = [row for row in comparisons if {row["first"], row["second"]} == {best, other}]
    only_best, only_other = (pair["b"], pair["c"]) if pair["first"] == best else (pair["c"], pair["b"])
    if pair["p_holm"] >= SIGNIFICANCE_LEVEL:
        answer = "No, the difference is not significant."
    elif only_best > only_other:
        answer = "Yes, the difference is significant."
    else:
        answer = f"No, on the contrary: `{other}` is significantly better on the test photos."
    pairs = "1 pair" if len(comparisons) == 1 else f"{len(comparisons)} pairs"
    return (
        f"{answer} `{best}` alone is correct on {only_best} test photos, `{other}` alone on {only_other} (McNemar's "
        f"exact test, p = {pair['p_holm']:.2g} after Holm's correction for {pairs})."
    )
