"""Whether models differ: McNemar's test and Holm's correction."""

import numpy as np
import pytest

from stages.evaluation.significance import compare, holm


def correct_on(*photos: int) -> np.ndarray:
    """A model that classifies these of 20 photos correctly."""
    return np.isin(np.arange(20), photos)


def test_only_photos_on_which_two_models_differ_count() -> None:
    # Both correct on 0..4, only the first on 5..12, only the second on 13, neither on 14..19.
    [pair] = compare({"a": correct_on(*range(13)), "b": correct_on(*range(5), 13)}).to_dict("records")
    assert (pair["first"], pair["second"], pair["b"], pair["c"]) == ("a", "b", 8, 1)
    # Of 9 coins 8 or more heads, or 8 or more tails: 2 · (9 + 1) / 2⁹
    assert pair["p"] == pytest.approx(20 / 512, rel=1e-9)
    assert pair["p_holm"] == pair["p"]
    [alike] = compare({"a": correct_on(1, 2), "b": correct_on(1, 2)}).to_dict("records")
    assert (alike["b"], alike["c"], alike["p"]) == (0, 0, 1)
    assert compare({"a": correct_on(1)}).to_dict("records") == []


def test_holms_correction_multiplies_the_smallest_most() -> None:
    # 0.01 · 4, 0.02 · 3, then 0.03 · 2 = 0.06 and 0.9 · 1; in the order given.
    assert holm(np.array([0.02, 0.9, 0.01, 0.03])) == pytest.approx([0.06, 0.9, 0.04, 0.06])
    # 0.04 · 1 is less than 0.03 · 2, so it takes that; nothing exceeds one.
    assert holm(np.array([0.03, 0.04])) == pytest.approx([0.06, 0.06])
    assert holm(np.array([0.7, 0.8])).tolist() == [1, 1]


def test_only_pairs_with_the_best_are_corrected_for() -> None:
    """9 against 1 is p = 22/1024 = 0.021: enough for one pair, not for three."""
    correct = {
        "best": correct_on(*range(9)),
        "other": correct_on(10),
        "third": correct_on(0, 1, 2, 3, 10),
        "fourth": correct_on(0, 1, 2, 3, 4, 10),
    }
    pairs = compare(correct, "best")
    assert pairs["second"].tolist() == ["other", "third", "fourth"]
    assert pairs["p_holm"][0] == pytest.approx(3 * 22 / 1024)
    for order in (("best", "other"), ("other", "best")):
        [pair] = compare({name: correct[name] for name in order}, "best").to_dict("records")
        assert (pair["first"], pair["second"], pair["b"], pair["c"]) == ("best", "other", 9, 1)
        assert pair["p_holm"] == pairs["p"][0]
