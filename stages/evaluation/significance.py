"""Whether two models differ by more than chance, as told by the photos that both were tested on."""

from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import binomtest

Comparison = dict[str, Any]

LEVEL = 0.05  # a difference that chance alone makes less often than this is called one


def wilson_interval(share: float, photos: int) -> tuple[float, float]:
    """Give the 95 % interval of a share of so many photos (Wilson, 1927), both ends in 0..1."""
    ends = binomtest(round(share * photos), photos).proportion_ci(0.95, method="wilson")
    return float(ends.low), float(ends.high)


def compare(labels: np.ndarray, predictions: dict[str, np.ndarray]) -> list[Comparison]:
    """Compare each pair of models by McNemar's exact test (McNemar, 1947).

    Photos that both get right, or both wrong, say nothing about which is better. Of the others, two equally
    good models would share the right ones as a fair coin does.

    Args:
        labels: int shaped (photos,).
        predictions: for each model int shaped (photos,).

    Returns:
        For each pair ``first`` and ``second``, ``b`` (photos that only the first gets right), ``c`` (that only
        the second does), ``p`` (two-sided) and ``p_holm`` (with Holm's correction for the number of pairs).
    """
    rows: list[Comparison] = []
    for first, second in combinations(predictions, 2):
        first_right, second_right = predictions[first] == labels, predictions[second] == labels
        b, c = int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum())
        p = float(binomtest(b, b + c).pvalue) if b + c else 1.0
        rows.append({"first": first, "second": second, "b": b, "c": c, "p": p})
    corrected = holm([row["p"] for row in rows])
    return [
        {**row, "p": float(f"{row['p']:.4g}"), "p_holm": float(f"{p:.4g}")}
        for row, p in zip(rows, corrected, strict=True)
    ]


def holm(p_values: list[float]) -> list[float]:
    """Correct p-values for how many there are, so that all at once are wrong no more often than one (Holm, 1979)."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def verdict(best: str, other: str, comparisons: list[Comparison]) -> str:
    """Say in plain words whether the test photos show that ``best`` is better than ``other``."""
    [pair] = [row for row in comparisons if {row["first"], row["second"]} == {best, other}]
    only_best, only_other = (pair["b"], pair["c"]) if pair["first"] == best else (pair["c"], pair["b"])
    if pair["p_holm"] >= LEVEL:
        answer = "No: the test photos do not tell them apart."
    elif only_best > only_other:
        answer = "Yes."
    else:
        answer = f"No, the other way round: on the test photos `{other}` is better."
    return (
        f"{answer} `{best}` alone is right on {only_best} test photos and `{other}` alone on {only_other}; two equally "
        f"good models would differ at least so much with p = {pair['p_holm']:.2g} (McNemar's exact test, Holm's "
        f"correction for {len(comparisons)} {'pair' if len(comparisons) == 1 else 'pairs'})."
    )
