"""What the report says to do next."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stages.evaluation.advice import about_choice, about_mistakes, about_training, advice
from stages.evaluation.results import Evaluation, Predictions
from stages.evaluation.scores import score
from tests.evaluation.examples import classified, evaluation_of, two_classes

NONE = pd.DataFrame(columns=["first", "second", "p_holm"])
LABELS = np.array([0, 0, 1, 1])


def evaluation(name: str = "one", dogs: float = 0.9) -> Evaluation:
    return evaluation_of(name, two_classes(LABELS, np.array([0.1, 0.1, 0.9, dogs])))


def trained(accuracies: list[tuple[float, float]], val_losses: list[float]) -> Evaluation:
    history = pd.DataFrame(accuracies, columns=["accuracy", "val_accuracy"]).assign(val_loss=val_losses)
    return replace(evaluation(), history=history)


def test_mistakes_are_to_be_looked_at_where_there_are_some() -> None:
    assert about_mistakes(evaluation()) == []
    [step] = about_mistakes(evaluation(dogs=0.2))
    assert step.endswith("`plots/mistakes/one.png`: the most common, 1 of 1, is dogs misclassified as cats.")


@pytest.mark.parametrize(
    ("accuracies", "val_losses", "words"),
    [
        ([(0.8, 0.8), (0.95, 0.8)], [0.5, 0.6], "`one` overfits (accuracy 0.950 in training, 0.800 on validation)"),
        ([(0.8, 0.8), (0.85, 0.8)], [0.6, 0.5], "The validation loss of `one` was lowest in the last epoch"),
        ([(0.8, 0.8), (0.85, 0.8)], [0.5, 0.6], None),
        ([(0.8, 0.8)], [0.5], None),  # of one epoch nothing can be said
        ([(0.8, 0.7), (0.8, 0.7)], [0.5, 0.6], None),  # 0.1, not more, though 0.8 - 0.7 > 0.1 in floating point
    ],
)
def test_the_curves_say_what_to_try(
    accuracies: list[tuple[float, float]], val_losses: list[float], words: str | None
) -> None:
    steps = about_training(trained(accuracies, val_losses))
    assert [step.startswith(words or "") for step in steps] == ([True] if words else [])


def test_models_that_the_test_photos_do_not_tell_from_the_best_are_named() -> None:
    ranked = [evaluation("best"), evaluation("second"), evaluation("third")]
    pairs = [("best", "second", 0.2), ("best", "third", 0.001)]
    comparisons = pd.DataFrame(pairs, columns=["first", "second", "p_holm"])
    [step] = about_choice(ranked, comparisons)
    assert step.startswith("These 4 test photos are too few to prove `best` better than `second`: keep it")
    assert about_choice(ranked, comparisons.assign(p_holm=0.01)) == []


def test_a_model_no_better_than_guessing_is_advised_against_and_is_no_alternative() -> None:
    guesses = evaluation_of("guesses", two_classes(LABELS, np.array([0.9, 0.9, 0.9, 0.9])))
    comparisons = pd.DataFrame([("best", "guesses", 0.2)], columns=["first", "second", "p_holm"])
    [step] = about_choice([evaluation("best"), guesses], comparisons)
    assert step.startswith("Do not use `guesses`: ")
    swapped = comparisons.assign(first="guesses", second="best")
    [step] = about_choice([guesses, evaluation("best")], swapped)
    assert step.startswith("Do not use `guesses`: ")


@pytest.mark.parametrize("classes", [2, 5, 6, 14, 15, 17, 40])
def test_a_model_that_always_gives_one_class_is_no_better_than_guessing(classes: int) -> None:
    labels = np.repeat(np.arange(classes), 10)
    always = Predictions(labels, np.tile(np.eye(classes)[0], (len(labels), 1)))
    [step] = about_choice([with_predictions("dead", always, classes)], NONE)
    assert step.startswith("Do not use `dead`: ")
    once_right = Predictions(labels, always.logits.copy())
    once_right.logits[-1] = np.eye(classes)[-1]
    assert about_choice([with_predictions("better", once_right, classes)], NONE) == []


def test_recalls_that_sum_up_to_one_are_no_better_than_guessing() -> None:
    """Of 4 classes: the mean of 0.2, 0.4, 0.3 and 0.1 is more than a quarter by a rounding error."""
    assert np.array([0.2, 0.4, 0.3, 0.1]).mean() > 1 / 4
    confusion = np.full((4, 4), 0)
    confusion[range(4), range(4)] = 2, 4, 3, 1
    confusion[range(4), [1, 2, 3, 0]] = 8, 6, 7, 9
    [step] = about_choice([with_predictions("guesses", classified(confusion.tolist()), 4)], NONE)
    assert step.startswith("Do not use `guesses`: ")


def with_predictions(name: str, predictions: Predictions, classes: int) -> Evaluation:
    names = [f"class {number}" for number in range(classes)]
    scores = score(evaluation().history, predictions, predictions, names, baseline=0.5)
    return replace(evaluation(name), predictions=predictions, scores=scores)


def test_labels_come_first() -> None:
    steps = advice([evaluation(dogs=0.2)], pd.DataFrame(columns=["first", "second", "p_holm"]), ["vgg"])
    first = "Review the labels that look wrong, if `plots/label_issues/vgg.csv` lists any, and correct them"
    assert steps[0] == f"{first} in `corrections.csv`."
    assert len(steps) == 2
