"""The report that a person pastes into a pull request."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from stages.evaluation.report import leaderboard, report
from stages.evaluation.results import Evaluation, Predictions
from stages.evaluation.scores import score_calibration
from stages.inference.calibration import Calibration
from stages.storage.photo_lists import DUPLICATE, NO_FILE, REMOVED, SAME_GROUP, TWO_LABELS
from tests.evaluation.examples import CLASSES, classified, evaluation_of, photos_of, two_classes

LABELS = np.array([0] * 12 + [1] * 8)


def rejected(**counts: int) -> pd.DataFrame:
    starts = {"conflicting": TWO_LABELS, "duplicates": DUPLICATE, "grouped": SAME_GROUP, "removed": REMOVED}
    reasons = {**starts, "unmatched": NO_FILE, "unusable": "no image"}
    return pd.DataFrame({"reason": [reasons[name] for name, count in counts.items() for _ in range(count)]}, dtype=str)


LISTS = {
    "train": pd.DataFrame({"path": "x", "label": ["cats"] * 6 + ["dogs"] * 3}),
    "validation": pd.DataFrame({"path": "v", "label": ["dogs"] * 5}),
    "test": pd.DataFrame({"path": [f"{index}.jpg" for index in range(20)], "label": np.take(CLASSES, LABELS)}),
    "rejected": rejected(unusable=1, unmatched=3, conflicting=4, duplicates=2, grouped=5),
    "copies": pd.DataFrame({"split": []}, dtype=str),
}


def wrong_on(*photos: int) -> Predictions:
    """Predictions that are correct but on these photos, of which the first is the most confident mistake."""
    of_true_class = np.full(20, 0.9)
    of_true_class[list(photos)] = [0.2 + 0.01 * index for index in range(len(photos))]
    return two_classes(LABELS, np.where(LABELS == 1, of_true_class, 1 - of_true_class))


def write(
    *ranked: Evaluation, issues: Sequence[str] = ("mobilenet_v2",), lists: Any = LISTS, rank_by: str = "accuracy"
) -> str:
    return report(lists, list(ranked), leaderboard(list(ranked), 0.6, rank_by), rank_by, issues)


def page(**models: Predictions) -> str:
    """Report on models, best first."""
    return write(*(evaluation_of(name, predictions) for name, predictions in models.items()))


def with_history(name: str, accuracies: list[tuple[float, float]], **columns: Any) -> Evaluation:
    history = pd.DataFrame(accuracies, columns=["accuracy", "val_accuracy"]).assign(**columns)
    return replace(evaluation_of(name, wrong_on()), history=history)


def section(text: str, name: str) -> str:
    return text.partition(f"## {name}\n\n")[2].partition("\n\n## ")[0].removesuffix("\n")


def advice(*ranked: Evaluation) -> str:
    return section(write(*ranked, issues=[]), "What to do next")


def data(**lists: pd.DataFrame) -> str:
    return section(write(evaluation_of("one", wrong_on()), lists={**LISTS, **lists}), "Data")


def test_the_page_begins_with_the_best_model_and_the_baseline() -> None:
    title, _, first, *_ = page(one=wrong_on(0), two=wrong_on()).splitlines()
    assert title == "# Report"
    assert first.startswith("`one`, the best on validation, has an accuracy of 0.950 on the 20 test photos (95 %")
    assert first.endswith(" 0.764 to 0.991). The accuracy of the majority-class baseline is 0.600.")
    by_recall = write(evaluation_of("one", wrong_on(0)), rank_by="balanced_accuracy")
    assert "`one`, the best on validation by balanced accuracy, has an accuracy of 0.950 on" in by_recall
    assert "is 0.600. On the same photos `one` has a balanced accuracy of 0.958.\n" in by_recall


def test_what_to_do_next_comes_first_and_begins_with_labels() -> None:
    text = page(one=wrong_on(0))
    assert text.index("## What to do next") < text.index("## Data")
    steps = section(text, "What to do next")
    assert re.match(r"1\. .*`plots/label_issues/mobilenet_v2\.csv`.*`corrections\.csv`\.\n2\. Look", steps)
    assert "`plots/mistakes/one.png`). Where" in steps
    twice = section(page(one=wrong_on(0, 1, 14)), "What to do next")
    assert "`plots/mistakes/one.png`): the most common, 2 of 3, is cats misclassified as dogs. Where" in twice
    assert "What to do next" not in write(evaluation_of("one", wrong_on()), issues=[])


@pytest.mark.parametrize(
    ("accuracies", "val_losses", "words"),
    [
        ([(0.8, 0.8), (0.95, 0.8)], [0.5, 0.6], "1. `one` overfits (accuracy 0.950 in training, 0.800 on validation)"),
        ([(0.8, 0.8), (0.85, 0.8)], [0.6, 0.5], "1. The validation loss of `one` was lowest in the last epoch"),
        ([(0.8, 0.8), (0.85, 0.8)], [0.5, 0.6], ""),
        ([(0.8, 0.8)], [0.5], ""),  # of one epoch nothing can be said
        ([(0.8, 0.7), (0.8, 0.7)], [0.5, 0.6], ""),  # 0.1, not more, though 0.8 - 0.7 > 0.1 in floating point
    ],
)
def test_the_curves_say_what_to_try(accuracies: list[tuple[float, float]], val_losses: list[float], words: str) -> None:
    text = advice(with_history("one", accuracies, val_loss=val_losses))
    assert text.startswith(words) if words else not text
    assert "on validation): try more photos." in advice(with_history("one", [(1.0, 0.8)], inverse_regularization=0.1))


@pytest.mark.parametrize(
    ("cats", "photos", "words"),
    [(4, 20, "1. Add photos of cats: fewer than 5 test"), (4, 8, "1. Add photos of every class: fewer"), (5, 20, "")],
)
def test_a_class_of_few_test_photos_is_named(cats: int, photos: int, words: str) -> None:
    labels = (np.arange(photos) >= cats).astype(int)
    text = advice(evaluation_of("one", two_classes(labels, np.where(labels == 1, 0.9, 0.1))))
    assert text.startswith(words) if words else not text


def test_a_model_that_validation_shows_to_be_worse_is_not_named() -> None:
    """Of 50 validation photos, 0.96 has the confidence interval 0.87 to 0.99."""
    lists = LISTS | {"validation": pd.DataFrame({"path": "v", "label": ["dogs"] * 50})}
    accuracies = {"best": 0.96, "near": 0.88, "far": 0.86}
    best, near, far = (evaluation_of(name, wrong_on(), accuracy) for name, accuracy in accuracies.items())
    assert "better than `near`: keep it" in write(best, near, far, issues=(), lists=lists)


def test_the_more_models_the_more_it_takes_to_prove_one_better() -> None:
    """One that is wrong on six more photos is proved worse, by p = 0.03, but not three, by Holm's correction."""
    best, linear = evaluation_of("best", wrong_on()), linear_on(*range(6))
    others = [evaluation_of(name, wrong_on(*range(6))) for name in ("one", "two", "three")]
    assert advice(best, others[0]) == ""
    assert "better than `one`, `two` or `three`: keep it" in advice(best, *others)
    assert "better on the test photos: none (" in write(best, linear)
    better = [replace(best, name=name) for name in ("one", "two", "three")]
    assert "better on the test photos: `one`, `two` and `three` (" in write(*better, linear)


def test_a_model_that_guesses_is_no_alternative() -> None:
    best, guessing = evaluation_of("best", wrong_on(*range(11))), evaluation_of("dead", wrong_on(*range(12)))
    for text in (advice(best, guessing), advice(guessing, best)):
        assert "Do not use `dead`: " in text
        assert "too few to prove" not in text


@pytest.mark.parametrize("classes", [2, 5, 6, 14, 15, 17, 40])
def test_always_one_class_is_no_better_than_guessing(classes: int) -> None:
    labels = np.repeat(np.arange(classes), 10)
    always = Predictions(labels, np.tile(np.eye(classes)[0], (len(labels), 1)))
    assert "Do not use `dead`: " in advice(evaluation_of("dead", always))
    once_right = Predictions(labels, always.logits.copy())
    once_right.logits[-1] = np.eye(classes)[-1]
    assert "Do not use" not in advice(evaluation_of("better", once_right))
    # Recalls whose mean is more than a quarter by a rounding error.
    assert np.array([0.2, 0.4, 0.3, 0.1]).mean() > 1 / 4
    confusion = [[2, 8, 0, 0], [0, 4, 6, 0], [0, 0, 3, 7], [9, 0, 0, 1]]
    assert "by balanced accuracy on the test photos." in advice(evaluation_of("guesses", classified(confusion)))


def test_one_test_photo_of_a_class_does_not_prove_guessing() -> None:
    few = advice(evaluation_of("one", classified([[10, 0], [1, 0]])))
    assert "Do not use `one`: no better than guessing, by balanced accuracy on the test photos, which are too" in few


def test_photos_are_counted_per_class_split_and_reason() -> None:
    text = data()
    assert "| class | train | validation | test |\n| --- | ---: | ---: | ---: |\n| cats | 6 | 0 | 12 |" in text
    assert "| dogs | 3 | 5 | 8 |\n| all | 9 | 5 | 20 |" in text
    assert "keep one photo of each duplicate cluster" in text
    left_out = text.rpartition("rejected.csv`): ")[2]
    expected = ["1 unusable file", "3 files without", "4 photos with", "2 duplicates", "5 photos of"]
    assert re.findall(r"\d+ \w+(?: \w+)?", left_out) == expected


def test_copies_and_removed_photos_are_counted_if_any() -> None:
    in_two_splits = pd.DataFrame({"split": [""]})
    for none in (pd.DataFrame({"split": []}, dtype=str), in_two_splits):
        assert not re.search(r"left out as copies|corrections\.csv", data(copies=none))
    copies = pd.DataFrame({"split": ["validation", "validation", "validation", "test"]})
    text = data(copies=copies, rejected=rejected(removed=2))
    assert "So 3 of validation (37.5 %) and 1 of test (4.8 %) were left out as copies.\n\n" in text
    assert text.endswith(" `corrections.csv` removed 2 more photos.")


def test_classes_of_unequal_size_are_pointed_out() -> None:
    assert "The largest class has 2 times as many training photos as the smallest" in data()
    assert "The largest class" not in data(train=LISTS["train"][1:])
    # 11 of 12 and 8 of 8 are correct; F1 of 22/23 and 16/17
    assert "- Balanced accuracy 0.958, macro F1 0.949.\n" in page(one=wrong_on(0))


def test_selected_epochs_are_reported() -> None:
    selected = with_history("selected", [(0.9, 0.8)] * 3, val_loss=0.2, epoch=[1, 2, 3], kept=[None, True, None])
    last = evaluation_of("last", wrong_on(0))
    assert " Epoch selected on validation: `selected` 2 of 3.\n" in write(selected, last)
    assert "Epoch selected" not in write(last)


def linear_on(*photos: int) -> Evaluation:
    model = evaluation_of("linear", wrong_on(*photos))
    return replace(model, history=model.history.assign(inverse_regularization=0.1))


def test_the_leaderboard_begins_with_majority_class_and_linear() -> None:
    best, last = (evaluation_of(name, wrong_on(0)) for name in ("best", "last"))
    table = leaderboard([best, linear_on(0), last], 0.6, "accuracy")
    assert table["model"].tolist() == ["(majority class)", "linear", "best", "last"]
    assert table.iloc[0].tolist()[1:4] == ["", "0.600", "0.387 to 0.781"]


def test_models_that_do_not_beat_linear_are_named() -> None:
    """Of 20 photos, models are correct on all, 15 and none; the linear classifier is on 12."""
    good, alike = evaluation_of("good", wrong_on()), evaluation_of("alike", wrong_on(*range(5)))
    bad, linear = evaluation_of("bad", wrong_on(*range(20))), linear_on(*range(8))
    text = write(good, alike, linear, bad)
    assert "The model to beat is `linear`," in text
    assert "better on the test photos: `alike` and `bad` (significantly worse) (McNemar" in text
    assert "correction for 3 pairs)." in text
    assert "better on the test photos: none (" in write(good, linear)
    assert "The model to beat" not in write(good, alike) + write(linear)


def test_the_best_model_is_compared_with_each() -> None:
    text = page(one=wrong_on(0), two=wrong_on(1), three=wrong_on(2))
    assert " for 2 pairs). Pairs without the best are in `metrics/best.json`.\n\n" in text
    assert ["| one | two |" in text, "| one | three |" in text, "| two | three |" in text] == [True, True, False]
    assert "metrics/best.json" not in page(one=wrong_on(0), two=wrong_on(1))
    assert "`one` is the only model." in page(one=wrong_on(0))


@pytest.mark.parametrize(
    ("best", "other", "verdict"),
    [
        (range(1), range(1, 12), "Yes, the difference is significant. `one` alone is correct on 11 test photos, "),
        (range(1), range(1, 3), "No, the difference is not significant. `one` alone is correct on 2 test photos, "),
        (range(9), range(9, 10), "No, on the contrary: `two` is significantly better on the test photos. `one` alone "),
    ],
)
def test_only_a_significant_difference_is_called_one(best: range, other: range, verdict: str) -> None:
    text = page(one=wrong_on(*best), two=wrong_on(*other))
    assert f"The second best on validation is `two`. Is `one` better? {verdict}" in text
    assert f"`two` alone on {len(best)} (McNemar's exact test, p = " in text
    assert f"| one | two | {len(other)} | {len(best)} | " in text
    assert "after Holm's correction for 1 pair)." in text


def test_a_p_value_just_below_the_level_is_significant() -> None:
    """With three pairs, 244 against 193 is p = 0.049999, which rounds to 0.05."""
    labels = np.arange(244 + 193) % 2
    best, other = (
        two_classes(labels, np.where(hit, labels * 0.8 + 0.1, 0.9 - labels * 0.8))
        for hit in (np.arange(437) < 244, np.arange(437) >= 244)
    )
    text = page(best=best, other=other, third=best, fourth=best)
    assert "Is `best` better? Yes, the difference is significant." in text
    assert "p = 0.05 after Holm's correction for 3 pairs)" in text
    assert "| best | other | 244 | 193 | 0.017 | 0.05 |" in text


def test_details_are_those_of_the_best_model() -> None:
    """Its mistakes, calibration, coverage, advice, limits and environment, none of which the other shares."""
    text = page(one=wrong_on(13, 0, 14), two=wrong_on(3, 15, 4, 16, 5))
    assert "- Lowest recall: dogs, 0.750 of 8 photos." in text
    assert "- Most common confusion: dogs misclassified as cats, 2 of 3 mistakes." in text
    assert "| 13.jpg | dogs | cats | 0.800 |\n| 0.jpg | cats | dogs | 0.790 |" in text
    assert not re.search(r"\| (3|15|4|16|5)\.jpg \|", text), "a mistake of the other"
    told = ("the mistakes of `one`", "\n\n`one` is well", "`one` is surest of, its accuracy is 1.000", "Python of one")
    assert all(words in text for words in told)
    # Of 3 mistakes, half of 0.640 to 0.948, and that times the square root of 2.
    assert "±0.154 (95 % confidence); on another 20 of the same kind it might differ from this by ±0.218.\n" in text
    assert text.endswith(" best model: Python of one; 2 threads.\n")
    assert "`one` makes no mistakes on the test photos." in page(one=wrong_on(), two=wrong_on(3))
    of_twelve = page(one=wrong_on(*range(12)))
    assert "- Most confident mistakes (10 of 12):" in of_twelve
    assert re.findall(r"\| (\d+)\.jpg \|", of_twelve) == [str(photo) for photo in range(10)]
    # Each of three classes has one photo of two right, and each mistake is another.
    text = page(one=classified([[1, 1, 0], [0, 1, 1], [1, 0, 1]]))
    assert "- Lowest recall: cats, 0.500 of 2 photos, and 2 more classes.\n- Most confident mistakes" in text


def test_each_score_has_its_own_column() -> None:
    """All of them differ, so that none can stand in another's place; the score that ranks models comes first."""
    model = evaluation_of("one", wrong_on(0))
    names = ["accuracy", "balanced_accuracy", "macro_f1", "accuracy_low", "accuracy_high", "roc_auc", "ece"]
    test = dict(zip(names, [0.61, 0.6, 0.62, 0.5, 0.71, 0.8, 0.1], strict=True))
    scores = {"test": test, "validation": {**model.scores["validation"], "macro_f1": 0.63}}
    table = leaderboard([replace(model, scores=scores)], 0.4, "macro_f1")
    assert list(table)[1:4] == ["validation macro F1", "test macro F1", "test accuracy"]
    assert table["test macro F1"][0] == "", "none of the baseline"
    assert table.iloc[1].tolist() == ["one", "0.630", "0.620", "0.610", "0.500 to 0.710", "0.800", "0.100"]


@pytest.mark.parametrize(
    ("correct", "verdict", "position"),  # Wilson's intervals of 75, 83, 94 and 99 of 100
    [
        (75, "overconfident", "above the 95 % confidence interval of its accuracy (0.657 to 0.825)"),
        (83, "well calibrated on average, as far as 100 photos can tell", "within the 95 % confidence interval of"),
        (94, "well calibrated on average, as far as 100 photos can tell", "within the 95 % confidence interval of"),
        (99, "underconfident", "below the 95 % confidence interval of its accuracy (0.946 to 0.998)"),
    ],
)
def test_confidence_outside_the_interval_is_reported(correct: int, verdict: str, position: str) -> None:
    labels = np.arange(100) % 2
    confidence = np.where(np.arange(100) < correct, 0.89, 0.11)  # in the true class: 0.89 in the predicted one
    text = page(cnn=two_classes(labels, np.where(labels == 1, confidence, 1 - confidence)))
    assert f"## Calibration\n\n`cnn` is {verdict}: its mean confidence of 0.890 is {position}" in text
    assert f"(ECE, 15 bins) is {abs(0.89 - correct / 100):.3f};" in text


# With Wilson's intervals.
ONE_OF_TWO = "0.500 (95 % confidence interval 0.095 to 0.905"
BOTH = "1.000 (95 % confidence interval 0.342 to 1.000"


@pytest.mark.parametrize(
    ("predictions", "share", "half", "of_all"),
    [
        # From the most confident on: correct, wrong, correct, correct.
        (two_classes(np.array([1, 1, 0, 1]), np.array([0.6, 0.95, 0.9, 0.8])), "50 %", ONE_OF_TWO, "0.750"),
        # The two most confident, of which one is wrong, are equal.
        (two_classes(np.array([1, 0, 1]), np.array([0.9, 0.9, 0.8])), "67 %", ONE_OF_TWO, "0.667"),
        # The confidence rounds to 1: the two with margins of 60 and 80 are correct, of those with 40 one.
        (Predictions(np.array([0, 0, 1, 1]), np.array([[0, 40], [40, 0], [0, 60], [0, 80]])), "50 %", BOTH, "0.750"),
    ],
)
def test_accuracy_on_the_surest_photos(predictions: Predictions, share: str, half: str, of_all: str) -> None:
    text = page(one=predictions)
    assert f"On the {share} of the test photos that `one` is surest of, its accuracy is {half})" in text
    assert f" {of_all} (see `plots/coverage.png`)" in text


def with_confidence(name: str, predictions: Predictions, **scores: float | None) -> Evaluation:
    model = evaluation_of(name, predictions)
    return replace(model, scores={**model.scores, "confidence": scores})


def test_settings_of_confidence_come_with_their_scores() -> None:
    assert "temperature" not in page(one=wrong_on(0))
    scaled = with_confidence("one", wrong_on(0), temperature=1.25, ece_before=0.2, loss_before=0.5)
    after, text = scaled.scores["test"], write(scaled, replace(scaled, name="two"))
    assert "| model | temperature | ECE before | ECE after | loss before | loss after |\n" in text
    assert f"|\n| one | 1.250 | 0.200 | {after['ece']:.3f} | 0.500 | {after['loss']:.3f} |\n| two" in text
    text = write(evaluation_of("one", wrong_on(0)), with_confidence("two", wrong_on(1), unlike=0.05))
    assert "of the validation photos): 0.050 for `two`.\n" in text


def test_thresholds_come_with_the_accuracy_on_what_is_sure() -> None:
    models = []
    for name, predictions, threshold in (("one", wrong_on(0), logit(0.85)), ("two", wrong_on(1), math.inf)):
        calibration = Calibration(log_odds_threshold=threshold)
        scores = score_calibration(calibration, photos_of(predictions), predictions, None)
        models.append(with_confidence(name, predictions, **scores))
    text = write(*models)
    assert "| one | 0.850 | 0.950 | 1.000 | 0.832 to 1.000 |\n| two | none | 0.000 | none | none |\n\n" in text


def over_seeds(name: str, predictions: Predictions, *accuracies: float) -> Evaluation:
    """A model that was also trained from other seeds, with these accuracies."""
    model = evaluation_of(name, predictions)
    test = model.scores["test"]
    return replace(model, repeats=[{**model.scores, "test": {**test, "accuracy": each}} for each in accuracies])


def test_several_seeds_give_mean_and_standard_deviation() -> None:
    models = [over_seeds("one", wrong_on(0), 0.94, 0.93), over_seeds("two", wrong_on(*range(9)), 0.57, 0.59)]
    accuracies = leaderboard(models, 0.6, "accuracy")["test accuracy"].tolist()
    assert accuracies == ["0.600", "0.950 (0.940 ± 0.010)", "0.550 (0.570 ± 0.020)"]
    of_one, text = page(one=wrong_on(0)), write(*models)
    assert "In parentheses: mean ± standard deviation over 3 seeds.\n" in text
    assert ("In parentheses" in of_one, "one seed" in of_one, "one seed" in text) == (False, True, False)


def test_data_of_many_classes_are_the_largest_and_smallest() -> None:
    """Class 0 has one training photo, class 1 two, and so on; all are counted."""
    train = pd.DataFrame({"path": "x", "label": [f"class {index:02}" for index in range(40) for _ in range(index + 1)]})
    text = data(train=train, validation=train, test=train)
    extremes = [f"{index:02}" for index in (*range(39, 24, -1), *range(14, -1, -1))]
    assert re.findall(r"\| class (\d+) \|", text) == extremes
    assert "| all | 820 | 820 | 820 |\n\nOf 40 classes, these are the 15 with the most" in text
    assert "`plots/label_counts.csv`" in text
    train = train[train["label"] < "class 30"]
    few = data(train=train, validation=train, test=train[:0])
    assert re.findall(r"\| class (\d+) \|", few) == [f"{index:02}" for index in range(30)]
    assert "classes, these are" not in few


@pytest.mark.parametrize("classes", [30, 31])
def test_a_part_of_the_confusion_matrix_is_called_a_part(classes: int) -> None:
    labels = np.arange(classes)
    predictions = Predictions(labels, np.roll(np.eye(classes), 1, axis=1))
    text = write(evaluation_of("one", predictions, confusion=np.eye(classes, dtype=int).tolist()))
    assert ("30 most confused of 31 classes; `plots/confusion/one.csv`" in text) == (classes == 31)


def test_a_report_of_many_models_has_the_best_ones() -> None:
    models = [evaluation_of(f"m{index}", wrong_on(index % 20)) for index in range(60)]
    text, of_few = write(*models), write(*models[:24])
    assert "Of 60 models, only the 24 best on validation" in text
    assert "models, only the" not in of_few
    assert text.count("\n| m0 | m") == 23
    assert "| m24 |" not in text
    assert "for 59 pairs" in text
    assert " or 35 more: keep it" in text
    assert len(text) < 1.1 * len(of_few)
