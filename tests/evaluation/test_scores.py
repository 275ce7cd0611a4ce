"""Scores, mistakes, the ranking, the curves, and whether models differ, by hand and by other libraries."""

import math
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp, softmax
from sklearn.metrics import auc, log_loss, roc_auc_score

from stages.common.params import Evaluate
from stages.evaluation import scores
from stages.evaluation.results import Predictions
from stages.evaluation.scores import calibration_error, learning_curves, mean_roc_curve, reliability, roc_curves
from stages.evaluation.significance import compare, holm
from stages.inference.calibration import Calibration, log_odds
from stages.inference.prediction import Outputs
from stages.storage.arrays import ROWS
from tests.evaluation.examples import as_test_set, classified, evaluation_of, photos_of, probable, two_classes

HISTORY = pd.DataFrame(
    {"epoch": [1, 2], "accuracy": [0.5, 0.7], "loss": [0.8, 0.6], "val_accuracy": [0.4, 0.6], "val_loss": [0.9, 0.7]}
)
VALIDATION = classified([[5, 1], [3, 1]])
LABELS = np.array([0, 0, 0, 1, 1])
PREDICTIONS = two_classes(LABELS, np.array([0.1, 0.2, 0.6, 0.7, 0.8]))


def score(predictions: Predictions, history: pd.DataFrame = HISTORY, validation: Predictions = VALIDATION) -> Any:
    outputs, test = Outputs(predictions.logits), as_test_set(predictions)
    return scores.evaluate("one", history, validation, outputs, Calibration(), test).scores


def test_scores_are_those_worked_out_by_hand() -> None:
    exact = score(PREDICTIONS)
    assert exact["test"]["balanced_accuracy"] == pytest.approx(5 / 6, abs=1e-12), "models are ranked by it"
    result = scores.rounded(exact)
    assert result["train"] == {"accuracy": 0.7, "loss": 0.6}
    # Recall 5/6 and 1/4; F1 10/14 and 2/6
    assert result["validation"] == {"accuracy": 0.6, "loss": 0.7, "balanced_accuracy": 0.541667, "macro_f1": 0.52381}
    test = result["test"]
    assert test["accuracy"] == 0.8
    assert test["gain_over_baseline"] == pytest.approx(0.2)
    # Wilson: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), with z = 1.959964, n = 5, p = 0.8
    z = 1.959964
    middle, spread = 0.8 + z * z / 10, z * math.sqrt(0.16 / 5 + z * z / 100)
    assert test["accuracy_low"] == pytest.approx((middle - spread) / (1 + z * z / 5), abs=1e-6)
    assert test["accuracy_high"] == pytest.approx((middle + spread) / (1 + z * z / 5), abs=1e-6)
    assert test["loss"] == pytest.approx(-(math.log(0.9 * 0.8 * 0.4 * 0.7 * 0.8)) / 5, abs=1e-6)
    assert (test["balanced_accuracy"], test["macro_f1"]) == (0.833333, 0.8)  # recall 2/3 and 1, F1 4/5 and 4/5
    assert test["roc_auc"] == 1.0  # each dog scores above each cat
    assert result["classes"] == [
        {"label": "cats", "precision": 1.0, "recall": 0.666667},
        {"label": "dogs", "precision": 0.666667, "recall": 1.0},
    ]
    always_cats = score(two_classes(LABELS, np.full(5, 0.1)))
    assert always_cats["classes"][1] == {"label": "dogs", "precision": 0.0, "recall": 0.0}


def test_the_loss_of_a_very_confident_mistake_is_its_margin() -> None:
    """In float64 the probability of the true class of the first photo rounds to 0, of the others to 1."""
    predictions = Predictions(np.array([0, 1, 1]), np.array([[0.0, 50], [0, 60], [0, 700]]))
    test = score(predictions)["test"]
    assert test["loss"] == pytest.approx(50 / 3)
    assert test["roc_auc"] == 1.0  # each dog scores above the cat
    unscaled = predictions._replace(logits=2 * predictions.logits)
    scaled = scores.score_calibration(Calibration(temperature=2), photos_of(predictions), unscaled, None)
    assert scaled["loss_before"] == pytest.approx(100 / 3)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("scale", [1, 100])  # 100: softmax rounds the most probable class to 1
def test_loss_and_auc_are_those_of_other_libraries(classes: int, scale: int) -> None:
    """SciPy's loss and scikit-learn's area, which ranks by the log-odds of a class against the rest."""
    rng = np.random.default_rng(classes)
    labels = np.arange(300) % classes
    logits = scale * (rng.normal(size=(300, classes)) + np.eye(classes)[labels])
    predictions = Predictions(labels, logits)
    test = score(predictions)["test"]
    assert test["loss"] == pytest.approx(float((logsumexp(logits, axis=1) - logits[np.arange(300), labels]).mean()))
    rest = [logsumexp(np.delete(logits, number, axis=1), axis=1) for number in range(classes)]
    areas = [roc_auc_score(labels == number, logits[:, number] - rest[number]) for number in range(classes)]
    assert test["roc_auc"] == pytest.approx(np.mean(areas))
    curve = mean_roc_curve(roc_curves(predictions))
    area = np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"])
    assert area == pytest.approx(test["roc_auc"], abs=0.005)
    if scale == 1:  # and the same as of probabilities
        probabilities = softmax(logits, axis=1)
        assert test["loss"] == pytest.approx(log_loss(labels, probabilities))
        ranked_by = probabilities[:, 1] if classes == 2 else probabilities
        assert test["roc_auc"] == pytest.approx(roc_auc_score(labels, ranked_by, multi_class="ovr"))


def test_scores_of_many_photos_are_the_same_in_blocks() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(2 * ROWS + 1) % 5
    predictions = Predictions(labels, 9 * rng.normal(size=(len(labels), 5)))
    odds = log_odds(predictions.logits)
    photos = photos_of(predictions)
    np.testing.assert_array_equal(photos["log_odds"], odds.max(axis=1))
    np.testing.assert_array_equal(photos["confidence"], softmax(predictions.logits, axis=1).max(axis=1))
    areas = [auc(*curve) for curve in roc_curves(predictions)]
    assert areas == [roc_auc_score(labels == index, odds[:, index]) for index in range(5)]


@pytest.mark.parametrize(
    ("rank_by", "better", "worse"),  # scores and losses on validation
    [
        ("accuracy", (0.8, 0.5), (0.7, 0.4)),
        ("accuracy", (0.8, 0.4), (0.8, 0.5)),
        ("balanced_accuracy", (0.9000001, 0.5), (0.9, 0.4)),
        ("balanced_accuracy", (np.mean([0.3, 0.2, 0.1]), 0.4), (np.mean([0.1, 0.2, 0.3]), 0.5)),
    ],
    ids=["by accuracy", "in a tie by loss", "not rounded", "equal but for the order of their terms"],
)
def test_models_are_ranked_by_validation_alone(
    rank_by: str, better: tuple[float, float], worse: tuple[float, float]
) -> None:
    all_correct = two_classes(LABELS, np.array([0.1, 0.1, 0.1, 0.9, 0.9]))
    models = [evaluation_of("worse", all_correct), evaluation_of("better", PREDICTIONS)]
    for model, (score_on_validation, loss) in zip(models, (worse, better), strict=True):
        model.scores["validation"] |= {rank_by: score_on_validation, "loss": loss}
    assert [model.name for model in scores.ranking(models, rank_by)] == ["better", "worse"]


def test_each_score_of_rank_by_has_a_name() -> None:
    assert [*scores.SCORE_NAMES] == [*get_args(Evaluate.model_fields["rank_by"].annotation)]


def test_the_roc_curve_is_of_class_two_or_the_mean_over_three() -> None:
    # From the top: one dog is found, then the cat is mistaken for one, then the other dog is found.
    points = mean_roc_curve(roc_curves(two_classes(np.array([0, 1, 1]), np.array([0.5, 0.4, 0.9]))))
    assert points.iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert points.set_index("false_positive_rate")["true_positive_rate"][0.5] == 0.5
    # The first class is told apart from the rest without mistakes, the other two are taken for each other.
    probabilities = np.array([[0.9, 0.05, 0.05], [0.1, 0.2, 0.7], [0.1, 0.7, 0.2]])
    three = mean_roc_curve(roc_curves(probable(np.arange(3), probabilities))).set_index("false_positive_rate")
    assert three["true_positive_rate"][0.25] == pytest.approx(1 / 3, abs=1e-6)


SELECTED = pd.DataFrame([{**row, "kept": True} if row["epoch"] == 1 else row for row in HISTORY.to_dict("records")])


def test_a_selected_epoch_is_scored_and_marked_in_the_curves() -> None:
    result = score(PREDICTIONS, SELECTED)
    assert result["train"] == {"accuracy": 0.5, "loss": 0.8}
    assert (result["validation"]["accuracy"], result["validation"]["loss"]) == (0.4, 0.9)
    for history in (SELECTED, SELECTED[:1].infer_objects()):  # of a single epoch pandas reads a column of booleans
        marked = learning_curves(history).astype({"kept": str}).query("kept == '1.0'")
        assert marked[["epoch", "split", "accuracy"]].to_numpy().tolist() == [[1, "validation", 0.4]]


def test_curves_have_a_row_for_each_epoch_and_split() -> None:
    rows = learning_curves(HISTORY).to_dict("records")
    assert rows == [
        {"epoch": 1, "accuracy": 0.5, "loss": 0.8, "split": "training"},
        {"epoch": 2, "accuracy": 0.7, "loss": 0.6, "split": "training"},
        {"epoch": 1, "accuracy": 0.4, "loss": 0.9, "split": "validation"},
        {"epoch": 2, "accuracy": 0.6, "loss": 0.7, "split": "validation"},
    ]


def test_photos_are_binned_by_confidence() -> None:
    """0.62 and 0.65 share the tenth of 15 bins (9/15 = 0.6 to 10/15 = 0.667), 0.9 is in the fourteenth."""
    predictions = two_classes(np.array([0, 0, 0, 1]), np.array([0.38, 0.65, 0.1, 0.9]))
    photos = photos_of(predictions)
    bins = reliability(photos)
    assert bins.index.tolist() == [9, 13]
    assert bins["photos"].tolist() == [2, 2]
    assert bins["confidence"].tolist() == pytest.approx([0.635, 0.9])
    assert bins["accuracy"].tolist() == [0.5, 1.0]
    assert calibration_error(photos) == pytest.approx((2 * 0.135 + 2 * 0.1) / 4)
    assert calibration_error(photos.head(3)) == pytest.approx((2 * 0.135 + 0.1) / 3)
    upper_end = photos_of(two_classes(np.array([0]), np.array([0.4])))
    assert reliability(upper_end).index.tolist() == [8]
    for labels, error in (([0, 1], 0), ([1, 0], 1)):
        assert calibration_error(photos_of(Predictions(np.array(labels), 40 * np.eye(2)))) == error, "of confidence 1"


def test_abstention_has_no_ties_where_confidence_rounds_to_one() -> None:
    """The two with margins of 60, the threshold, and 80 are correct, of those with 40 one is."""
    predictions = Predictions(np.array([0, 0, 1, 1]), np.array([[0.0, 40], [40, 0], [0, 60], [0, 80]]))
    sure = scores.score_calibration(Calibration(log_odds_threshold=60), photos_of(predictions), predictions, None)
    assert (sure["coverage"], sure["sure_accuracy"]) == (0.5, 1)


def test_mistakes_are_sorted_by_confidence_then_path() -> None:
    probabilities = [[0.2, 0.1, 0.7], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.1, 0.6, 0.3]]
    mistakes = evaluation_of("one", probable(np.array([1, 0, 0, 1, 2]), np.array(probabilities))).mistakes
    columns = ["path", "label", "predicted", "confidence"]
    assert mistakes[columns].round(6).to_numpy().tolist() == [
        ["3.jpg", "dogs", "species 002", 0.8],
        ["0.jpg", "dogs", "species 002", 0.7],
        ["2.jpg", "cats", "dogs", 0.7],
        ["4.jpg", "species 002", "dogs", 0.6],
    ]
    # Margins of 20 (a confidence of 0.999999998), 40 and 50 (1 in float64); by path the order would be another.
    logits = np.array([[0.0, 20, 0], [0, 50, 0], [0, 40, 0], [0, 9, 0], [0, 0, 9]])
    predictions = Predictions(np.array([0, 0, 0, 1, 2]), logits)
    assert evaluation_of("one", predictions).mistakes["path"].tolist() == ["1.jpg", "2.jpg", "0.jpg"]


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
