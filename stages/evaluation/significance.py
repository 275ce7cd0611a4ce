"""Confidence intervals, and whether two models differ significantly on the photos that both were tested on."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import binomtest, ttest_ind_from_stats

SIGNIFICANCE_LEVEL = 0.05


def wilson_interval(proportion: float, photos: int) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a proportion of so many photos, both ends in 0..1 (Wilson, 1927)."""
    interval = binomtest(round(proportion * photos), photos).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def compare(correct: dict[str, np.ndarray]) -> pd.DataFrame:
    """Compare each pair of models by McNemar's exact test (McNemar, 1947).

    Only photos that exactly one of the two classifies correctly tell which is better. If both are equally good,
    each model is as likely as the other to be that one: b ~ Binomial(b + c, 1/2).

    Args:
        correct: for each model which test photos it classifies correctly, bool shaped (photos,).

    Returns:
        A row per pair: the models ``first`` and ``second``; ``b`` and ``c``, how many photos only the first and only
        the second classifies correctly; ``p``, two-sided; ``p_holm``, with Holm's correction for all pairs.
    """
    return mcnemar(correct, combinations(correct, 2))


def compare_with_best(best: str, correct: dict[str, np.ndarray]) -> pd.DataFrame:
    """Compare one model, which was not chosen on these photos, with each other, as ``compare`` compares all.

    Returns:
        A row per other model, as of ``compare``, with ``best`` always the first and Holm's correction for these pairs.
    """
    return mcnemar(correct, [(best, other) for other in correct if other != best])


def mcnemar(correct: dict[str, np.ndarray], pairs: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Test pairs of models, as ``compare`` says, with Holm's correction for these pairs."""
    rows = []
    for first, second in pairs:
        b = int((correct[first] & ~correct[second]).sum())
        c = int((correct[second] & ~correct[first]).sum())
        rows.append((first, second, b, c, binomtest(b, b + c).pvalue if b + c else 1.0))
    tested = pd.DataFrame(rows, columns=["first", "second", "b", "c", "p"])
    return tested.assign(p_holm=holm(tested["p"].to_numpy(float)))


def compare_seeds(accuracies: dict[str, list[float]], photos: int) -> pd.DataFrame:
    """Compare the mean accuracies of each pair of models over seeds by Welch's t-test (Welch, 1947).

    An accuracy on n photos is a multiple of 1/n, so seeds may agree by chance. No standard deviation counts as less
    than that of a uniform distribution as wide, 1 / (n·√12).

    Returns:
        A row per pair: the models ``better`` and ``other``, by their means; ``p_holm``, two-sided, with Holm's
        correction for all pairs.
    """
    moments = {
        name: (np.mean(values), max(np.std(values, ddof=1), 1 / photos / 12**0.5), len(values))
        for name, values in accuracies.items()
    }
    rows = []
    for pair in combinations(accuracies, 2):
        better, other = sorted(pair, key=lambda name: -moments[name][0])
        rows.append((better, other, ttest_ind_from_stats(*moments[better], *moments[other], equal_var=False).pvalue))
    pairs = pd.DataFrame(rows, columns=["better", "other", "p"])
    return pairs.assign(p_holm=holm(pairs.pop("p").to_numpy(float)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Correct p-values for multiple comparisons, so that the family-wise error rate keeps to the level (Holm, 1979)."""
    order = np.argsort(p_values)
    multiplied = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.maximum.accumulate(multiplied).clip(max=1)
    return corrected


def verdict(other: str, comparisons: pd.DataFrame) -> str:
    """Say in plain words whether the best model is significantly better than ``other``.

    Args:
        comparisons: as ``compare_with_best`` returns them.
    """
    [pair] = comparisons[comparisons["second"] == other].to_dict("records")
    if pair["p_holm"] >= SIGNIFICANCE_LEVEL:
        answer = "No, the difference is not significant."
    elif pair["b"] > pair["c"]:
        answer = "Yes, the difference is significant."
    else:
        answer = f"No, on the contrary: `{other}` is significantly better on the test photos."
    pairs = "1 pair" if len(comparisons) == 1 else f"{len(comparisons)} pairs"
    return (
        f"{answer} `{pair['first']}` alone is correct on {pair['b']} test photos, `{other}` alone on {pair['c']} "
        f"(McNemar's exact test, p = {pair['p_holm']:.2g} after Holm's correction for {pairs})."
    )
