"""Confidence intervals, and a test of whether models differ on the photos that they share."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

SIGNIFICANCE_LEVEL = 0.05


def wilson_interval(proportion: float, photos: int) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a proportion of ``photos`` photos (Wilson, 1927), both ends in 0..1."""
    interval = binomtest(round(proportion * photos), photos).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def compare(correct: dict[str, Any], best: str | None = None) -> pd.DataFrame:
    """Compare each pair of models by McNemar's exact test (McNemar, 1947).

    Only photos that exactly one of the two classifies correctly show which is better. If both are equally good,
    each model is as likely as the other to be that one: b ~ Binomial(b + c, 1/2).

    ``correct`` is for each model which test photos it classifies correctly, bool, shaped (photos,). With ``best``, a
    model that was not selected on these photos, only its pairs are compared. Returns a row per pair: the models
    ``first`` and ``second``; ``b`` and ``c``, how many photos only the first and only the second classifies correctly;
    ``p``, two-sided; ``p_holm``, with Holm's correction for these pairs.
    """
    pairs = [(best, other) for other in correct if other != best] if best else combinations(correct, 2)
    rows = []
    for first, second in pairs:
        b = int((correct[first] & ~correct[second]).sum())
        c = int((correct[second] & ~correct[first]).sum())
        rows.append((first, second, b, c, binomtest(b, b + c).pvalue if b + c else 1.0))
    table = pd.DataFrame(rows, columns=["first", "second", "b", "c", "p"])
    return table.assign(p_holm=holm(table["p"].to_numpy(float)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Correct p-values for multiple comparisons, so that the family-wise error rate keeps to the level (Holm, 1979)."""
    order = np.argsort(p_values)
    multiplied = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.maximum.accumulate(multiplied).clip(max=1)
    return corrected
