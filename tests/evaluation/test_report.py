"""The page that a person pastes into a pull request."""

import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import logit

from stages.evaluation.confidence_sections import calibration_section, coverage_section
from stages.evaluation.coverage import score_unsure
from stages.evaluation.markdown import markdown_table
from stages.evaluation.report import (
    data_section,
    kept_epochs,
    report,
    seeds_section,
    unequal_classes,
)
from stages.evaluation.results import Predictions
from stages.evaluation.scores import leaderboard, ranking
from stages.evaluation.significance import compare_with_best
from stages.storage.photo_lists import DUPLICATE, NO_FILE, REMOVED, SAME_GROUP, TWO_LABELS
from tests.evaluation.examples import CLASSES, evaluation_of, two_classes

LABELS = np.array([0] * 12 + [1] * 8)
LISTS = {
    "train": pd.DataFrame({"path": "x", "label": ["cats"] * 6 + ["dogs"] * 3}),
    "validation": pd.DataFrame({"path": "v", "label": ["dogs"] * 5}),
    "test": pd.DataFrame({"path": [f"{number}.jpg" for number in range(20)], "label": np.take(CLASSES, LABELS)}),
    "rejected": pd.DataFrame(
        {
            "path": "1",
            "reason": [
                "no image",
                *[NO_FILE] * 3,
                *[TWO_LABELS] * 4,
                *[f"{DUPLICATE} x"] * 2,
                *[f"{SAME_GROUP} z"] * 5,
            ],
        }
    ),
}


def wrong_on(*photos: int) -> Predictions:
    """Predictions that are correct but on these photos, of which the first is the most confident mistake."""
    of_true_class = np.full(20, 0.9)
    of_true_class[list(photos)] = [0.2 + 0.01 * place for place in range(len(photos))]
    return two_classes(LABELS, np.where(LABELS == 1, of_true_class, 1 - of_true_class))


def page(**models: Predictions) -> str:
    """Report on models, of which each is better on validation than the next."""
    evaluations = [
        replace(
            evaluation_of(name, predictions, val_accuracy=0.9 - place / 10),
            environment=[f"Python of {name}", "2 threads"],
        )
        for place, (name, predictions) in enumerate(models.items())
    ]
    ranked = ranking(evaluations, "accuracy")
    comparisons = compare_with_best(ranked[0].name, {name: each.correct for name, each in models.items()})
    return report(LISTS, ranked, leaderboard(ranked, 0.6, "accuracy"), comparisons, "accuracy", ["mobilenet_v2"])


def test_the_page_begins_with_the_best_model_and_the_baseline() -> None:
    assert page(one=wrong_on(0), two=wrong_on()).startswith(
        "# Report\n\n`one`, the best on validation, has an accuracy of 0.950 on the 20 test photos (95 % confidence "
        "interval 0.764 to 0.991). The accuracy of the majority-class baseline is 0.600.\n\n"
    )


def test_photos_that_a_correction_removed_are_told_where_there_are_some() -> None:
    assert "corrections.csv" not in data_section(LISTS)
    removed = pd.DataFrame({"path": ["7", "8"], "reason": [REMOVED, REMOVED]})
    text = data_section({**LISTS, "rejected": pd.concat([LISTS["rejected"], removed])})
    assert ": 1 unusable files" in text
    assert text.endswith(" `corrections.csv` removed 2 more photos.")


def test_what_to_do_next_comes_before_all_tables() -> None:
    _, beginning = page(one=wrong_on(0)).partition("## Data")[0].split("## What to do next\n\n")
    first = "1. Review the labels that look wrong, if `plots/label_issues/mobilenet_v2.csv` lists any, and correct them"
    assert beginning.startswith(f"{first} in `corrections.csv`.\n2. Look")


def test_photos_are_counted_per_class_and_split_and_what_was_rejected_by_reason() -> None:
    text = page(one=wrong_on(0))
    assert "| class | train | validation | test |\n| --- | --- | --- | --- |\n| cats | 6 | 0 | 12 |" in text
    assert "| dogs | 3 | 5 | 8 |\n| all | 9 | 5 | 20 |" in text
    assert "As far as `split` looked for duplicates (`split.duplicate_distance`), the 20 test photos show" in text
    assert (
        "Left out (listed in `data/splits/rejected.csv`): 1 unusable files, 3 files without a label or labels without "
        "a file, 4 photos with more than one label, 2 duplicates, 5 photos of a group in another split." in text
    )


def test_copies_left_out_are_told_with_their_share() -> None:
    assert "left out as copies" not in data_section(LISTS)
    copies = pd.DataFrame({"path": ["7", "8", "9", "10"], "split": ["validation", "validation", "validation", "test"]})
    text = data_section({**LISTS, "copies": copies})
    assert "keep one. So 3 of validation (37.5%) and 1 of test (4.8%) were left out as copies.\n\n" in text


def test_classes_of_unequal_size_are_pointed_out() -> None:
    assert "The largest class has 2 times as many training photos as the smallest." in page(one=wrong_on(0))
    assert unequal_classes(pd.Series([3, 2])) == ""
    # 11 of 12 and 8 of 8 found; F1 of 22/23 and 16/17
    assert "- Balanced accuracy 0.958, macro F1 0.949.\n" in page(one=wrong_on(0))


def test_the_epochs_that_were_chosen_are_told() -> None:
    chosen, last = evaluation_of("chosen", wrong_on(0)), evaluation_of("last", wrong_on(0))
    chosen.history["epoch"], chosen.history["kept"] = 1, True
    assert kept_epochs([chosen, last]) == " The epoch kept is the best on validation: `chosen` 1 of 1."
    assert kept_epochs([last]) == ""


def test_the_leaderboard_has_confidence_intervals_and_ends_with_the_majority_class() -> None:
    lines = page(one=wrong_on(0), two=wrong_on(1, 2)).splitlines()
    [baseline] = [line for line in lines if "(majority class)" in line]
    assert baseline.startswith("| (majority class) |  | 0.600 | 0.387 to 0.781 |")
    assert lines[lines.index(baseline) - 2].startswith("| one | 0.900 | 0.950 | 0.764 to 0.991 |")


def test_the_best_model_is_compared_with_each_and_the_other_pairs_are_elsewhere() -> None:
    text = page(one=wrong_on(0), two=wrong_on(1), three=wrong_on(2))
    assert " for 2 pairs). Pairs without the best are in `metrics/best.json`.\n\n" in text
    assert ["| one | two |" in text, "| one | three |" in text, "| two | three |" in text] == [True, True, False]
    assert "metrics/best.json" not in page(one=wrong_on(0), two=wrong_on(1))


def test_a_significant_difference_is_called_one() -> None:
    text = page(one=wrong_on(0), two=wrong_on(*range(1, 12)))
    assert "The second best on validation is `two`. Is `one` better? Yes, the difference is significant." in text


def test_a_difference_that_may_be_chance_is_not_called_significant() -> None:
    text = page(one=wrong_on(0), two=wrong_on(1, 2))
    assert "The second best on validation is `two`. Is `one` better? No, the difference is not significant." in text
    assert "| one | two | 2 | 1 | 1 | 1 |" in text


def test_only_one_model_is_compared_with_none() -> None:
    assert "`one` is the only model." in page(one=wrong_on(0))


def test_failures_name_the_lowest_recall_the_most_common_confusion_and_the_most_confident_mistakes() -> None:
    text = page(one=wrong_on(13, 0, 14))
    assert "- Lowest recall: dogs, 0.750." in text
    assert "- Most common confusion: dogs misclassified as cats, 2 of 3 mistakes." in text
    assert "| 13.jpg | dogs | cats | 0.800 |\n| 0.jpg | cats | dogs | 0.790 |" in text


def test_what_is_told_of_one_model_is_told_of_the_best() -> None:
    """Its mistakes, its calibration, its coverage, its advice and its environment, none of which the other shares."""
    text = page(one=wrong_on(13, 0, 14), two=wrong_on(3, 15, 4, 16, 5))
    assert "- Lowest recall: dogs, 0.750." in text
    assert "- Most common confusion: dogs misclassified as cats, 2 of 3 mistakes." in text
    assert "| 13.jpg | dogs | cats | 0.800 |" in text
    assert not re.search(r"\| (3|15|4|16|5)\.jpg \|", text), "a mistake of the other"
    assert "Look at the mistakes of `one`" in text
    assert "## Calibration\n\n`one` is " in text
    assert "`one` is surest of, its accuracy is 1.000, on all 0.850" in text
    assert "machine like the one that trained the best model: Python of one; 2 threads." in text


def test_the_leaderboard_shows_each_score_under_its_title() -> None:
    """Every number of the row differs."""
    model = evaluation_of("one", wrong_on(13, 0, 14), val_accuracy=0.7, confusion=((9, 1), (4, 6)))
    scores = {
        "accuracy": 0.61,
        "macro_f1": 0.62,
        "accuracy_low": 0.5,
        "accuracy_high": 0.71,
        "roc_auc": 0.8,
        "ece": 0.1,
    }
    validation = {**model.scores["validation"], "macro_f1": 0.63}
    shown = leaderboard([replace(model, scores={"test": scores, "validation": validation})], 0.4, "macro_f1")
    assert shown.iloc[0].to_dict() == {
        "model": "one",
        "validation macro F1": "0.630",
        "test macro F1": "0.620",
        "test accuracy": "0.610",
        "95 % CI": "0.500 to 0.710",
        "ROC AUC": "0.800",
        "ECE": "0.100",
    }


def test_a_model_without_mistakes_is_said_to_have_none() -> None:
    assert "`one` makes no mistake on the test photos." in page(one=wrong_on())


def test_temperatures_come_with_the_calibration_error_before_and_after() -> None:
    assert "temperature" not in page(one=wrong_on(0))
    evaluation = evaluation_of("one", wrong_on(0))
    evaluation.scores["confidence"] = {"temperature": 1.25, "ece_before": 0.2, "loss_before": 0.5}
    test = evaluation.scores["test"]
    text = calibration_section([evaluation, evaluation_of("two", wrong_on(1))])
    assert text.startswith("`one` is ")
    assert text.endswith(
        "| model | temperature | ECE before | ECE after | loss before | loss after |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        f"| one | 1.250 | 0.200 | {test['ece']:.3f} | 0.500 | {test['loss']:.3f} |"
    )


def test_the_accuracy_on_the_surest_photos_is_told() -> None:
    assert (
        "## Coverage\n\nOn the 95% of the test photos that `one` is surest of, its accuracy is 1.000, on all 0.950: see"
        in (page(one=wrong_on(0)))
    )


def test_thresholds_come_with_the_accuracy_on_what_is_sure() -> None:
    sure, none = evaluation_of("one", wrong_on(0)), evaluation_of("two", wrong_on(1))
    sure.scores["confidence"] = score_unsure(logit(0.85), sure.predictions)
    none.scores["confidence"] = score_unsure(math.inf, none.predictions)
    assert coverage_section([sure, none]).endswith(
        "| one | 0.850 | 0.950 | 1.000 | 0.832 to 1.000 |\n| two | none | 0.000 | none | none to none |"
    )


def test_the_proportion_of_unlike_photos_is_told_of_models_that_can_tell() -> None:
    one, two = evaluation_of("one", wrong_on(0)), evaluation_of("two", wrong_on(1))
    two.scores["confidence"] = {"unlike": 0.05}
    assert coverage_section([one, two]).endswith("of the validation photos): 0.050 for `two`.")


def test_calibration_limits_and_the_environment_are_told() -> None:
    text = page(one=wrong_on(0))
    assert "## Calibration\n\n`one` is well calibrated on average, as far as 20 photos can tell:" in text
    # Half of 0.764 to 0.991, and that times the square root of 2.
    assert (
        "by about ±0.114 (95 % confidence); on another 20 of the same kind it might differ from this by ±0.161.\n"
        in text
    )
    assert "- Each model was trained from one seed." in text
    assert text.endswith(" best model: Python of one; 2 threads.\n")


def test_several_seeds_give_a_mean_and_a_standard_deviation_and_say_which_differences_are_larger() -> None:
    one, two = (evaluation_of(name, wrong_on(*range(wrong))) for name, wrong in (("one", 1), ("two", 9)))
    models = [
        replace(
            model,
            repeats=[{**model.scores, "test": {**model.scores["test"], "accuracy": accuracy}} for accuracy in others],
        )
        for model, others in ((one, (0.94, 0.93)), (two, (0.57, 0.59)))
    ]
    table = leaderboard(models, 0.6, "accuracy")
    assert table["test accuracy"].tolist() == ["0.950 (0.940 ± 0.010)", "0.550 (0.570 ± 0.020)", "0.600"]
    comparisons = compare_with_best("one", {model.name: model.predictions.correct for model in models})
    text = report(LISTS, models, table, comparisons, "accuracy", [])
    assert "over 3 seeds in parentheses. Differences of mean test accuracy that are larger than the seeds' own" in text
    assert "own: `one` over `two` (Welch's t-test, with Holm's correction for 1 pairs)." in text
    assert seeds_section(models[:1])[0].endswith("over 3 seeds in parentheses.")
    assert "one seed" not in text
    two_seeds = [replace(model, repeats=model.repeats[:1]) for model in models]
    assert "over 2 seeds in parentheses. These are too few" in seeds_section(two_seeds)[0]


def test_names_cannot_break_a_table() -> None:
    assert markdown_table(pd.DataFrame({"path": ["a|b*$5$.jpg"]})).endswith(r"| a\|b\*\$5\$.jpg |")
