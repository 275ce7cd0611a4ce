"""The page that a person pastes into a pull request."""

from typing import Any

import numpy as np
import pandas as pd

from stages.evaluation.mistakes import find_mistakes
from stages.evaluation.report import markdown_table, report
from stages.evaluation.scores import leaderboard, score
from stages.evaluation.significance import compare
from stages.photos.lists import DUPLICATE

CLASSES = ["cats", "dogs"]
TEST = pd.DataFrame({"path": [f"{number}.jpg" for number in range(20)], "label": ["cats"] * 12 + ["dogs"] * 8})
LISTS = {
    "train": pd.DataFrame({"path": ["x", "y", "z"], "label": ["cats", "cats", "dogs"]}),
    "validation": pd.DataFrame({"path": ["v"], "label": ["dogs"]}),
    "test": TEST,
    "rejected": pd.DataFrame({"path": ["1", "2", "3"], "reason": ["no picture", f"{DUPLICATE} x", f"{DUPLICATE} y"]}),
}
LABELS = TEST["label"].map(CLASSES.index).to_numpy()


def wrong_on(*photos: int) -> np.ndarray:
    """Probabilities that are right but for these photos, the first of them the surest."""
    sure = np.full(20, 0.9)
    sure[list(photos)] = [0.2 + 0.01 * place for place in range(len(photos))]
    other = 1 - sure
    return np.where(LABELS[:, None] == [0, 1], sure[:, None], other[:, None])


def page(**models: np.ndarray) -> str:
    """Report on models, of which an earlier one is better on validation."""
    scores: dict[str, dict[str, Any]] = {}
    for place, (name, probabilities) in enumerate(models.items()):
        history = pd.DataFrame([{"accuracy": 0.9, "loss": 0.1, "val_accuracy": 0.9 - place / 10, "val_loss": 0.2}])
        scored = score(history, LABELS, probabilities, CLASSES, guessing=0.6)
        scores[name] = {**scored, "environment": ["Python 3", "2 threads"]}
    comparisons = compare(LABELS, {name: of.argmax(axis=1) for name, of in models.items()})
    mistakes = find_mistakes(TEST, next(iter(models.values())), CLASSES)
    return report(LISTS, scores, leaderboard(scores, 0.6, len(TEST)), comparisons, mistakes, "it is as sure as right.")


def test_the_data_are_counted_per_class_and_split_and_what_was_left_out() -> None:
    text = page(one=wrong_on(0))
    assert "| class | train | validation | test |\n| --- | --- | --- | --- |\n| cats | 2 | 0 | 12 |" in text
    assert "| dogs | 1 | 1 | 8 |\n| all | 3 | 1 | 20 |" in text
    assert "Left out as of no use: 1, as duplicates: 2 " in text


def test_the_leaderboard_has_intervals_and_ends_with_guessing() -> None:
    lines = page(one=wrong_on(0), two=wrong_on(1, 2)).splitlines()
    [guessing] = [line for line in lines if "(guessing)" in line]
    assert guessing.startswith("| (guessing) |  | 0.600 | 0.387 to 0.781 |")
    assert lines[lines.index(guessing) - 2].startswith("| one | 0.900 | 0.950 | 0.764 to 0.991 |")


def test_a_difference_that_chance_hardly_makes_is_called_one() -> None:
    assert "Against the next on validation, `two`: Yes." in page(one=wrong_on(0), two=wrong_on(*range(1, 12)))


def test_a_difference_that_chance_makes_is_not_called_one() -> None:
    text = page(one=wrong_on(0), two=wrong_on(1, 2))
    assert "Against the next on validation, `two`: No: the test photos do not tell them apart." in text
    assert "| one | two | 2 | 1 | 1 | 1 |" in text


def test_only_one_model_is_compared_with_none() -> None:
    assert "`one` is the only model." in page(one=wrong_on(0))


def test_failures_name_the_worst_class_the_confused_pair_and_the_surest_mistakes() -> None:
    text = page(one=wrong_on(13, 0, 14))
    assert "- Worst class: dogs, of which `one` finds 0.750." in text
    assert "- Most confused: dogs taken for cats, 2 of 3 mistakes." in text
    first, second = "| 13.jpg | dogs | cats | 0.800 |", "| 0.jpg | cats | dogs | 0.790 |"
    assert f"{first}\n{second}" in text


def test_a_model_without_mistakes_is_said_to_have_none() -> None:
    assert "`one` makes no mistake on the test photos." in page(one=wrong_on())


def test_limits_and_the_environment_are_told() -> None:
    text = page(one=wrong_on(0))
    assert "- 20 photos tested" in text
    assert "- One seed" in text
    assert "- Calibration: it is as sure as right." in text
    assert text.endswith("- Python 3\n- 2 threads\n")


def test_names_cannot_break_a_table() -> None:
    assert markdown_table(pd.DataFrame({"path": ["a|b*.jpg"]})).endswith(r"| a\|b\*.jpg |")
