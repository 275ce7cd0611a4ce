"""What to do next, as far as the scores tell."""

from collections.abc import Iterable

import pandas as pd

from stages.common.paths import LABEL_ISSUES
from stages.evaluation.curves import kept_epoch
from stages.evaluation.markdown import escape
from stages.evaluation.mistakes import most_confused
from stages.evaluation.results import Evaluation
from stages.evaluation.scores import DIGITS
from stages.evaluation.significance import SIGNIFICANCE_LEVEL

OVERFITTING = 0.1  # of accuracy, by which training is above validation


def advice(ranked: list[Evaluation], comparisons: pd.DataFrame, label_issues: Iterable[str]) -> list[str]:
    """List what is worth doing, the first first: labels, mistakes, then the training, then the choice of a model.

    Args:
        ranked: the best first.
        comparisons: as ``compare_with_best`` returns them.
        label_issues: the names of the lists of labels that look wrong.
    """
    best = ranked[0]
    lists = [(LABEL_ISSUES / f"{name}.csv").as_posix() for name in label_issues]
    listed = [
        f"Review the labels that look wrong, if `{path}` lists any, and correct them in `corrections.csv`."
        for path in lists
    ]
    return [*listed, *about_mistakes(best), *about_training(best), *about_choice(ranked, comparisons)]


def about_mistakes(best: Evaluation) -> list[str]:
    if best.mistakes.empty:
        return []
    label, predicted, count = most_confused(best.mistakes)
    return [
        f"Look at the mistakes of `{best.name}`, `plots/mistakes/{best.name}.png`: the most common, {count} of "
        f"{len(best.mistakes)}, is {escape(label)} misclassified as {escape(predicted)}."
    ]


def about_training(best: Evaluation) -> list[str]:
    """Say whether the best model overfits, or else whether its training ended too early."""
    kept = kept_epoch(best.history)
    training, validation = kept["accuracy"], kept["val_accuracy"]
    if round(training - validation, DIGITS) > OVERFITTING:
        return [
            f"`{best.name}` overfits (accuracy {training:.3f} in training, {validation:.3f} on validation): try more "
            "photos, flips and rotations, more dropout."
        ]
    if len(best.history) > 1 and best.history["val_loss"].argmin() == len(best.history) - 1:
        return [f"The validation loss of `{best.name}` was lowest in the last epoch: try more epochs."]
    return []


def about_choice(ranked: list[Evaluation], comparisons: pd.DataFrame) -> list[str]:
    """Name the models that are no better than guessing, and those that the best is not proved to be better than."""
    useless = {
        model.name
        for model in ranked
        if round(model.scores["test"]["balanced_accuracy"] - 1 / len(model.scores["classes"]), DIGITS) <= 0
    }
    undecided = set(comparisons["second"][comparisons["p_holm"] >= SIGNIFICANCE_LEVEL])
    photos = len(ranked[0].predictions.labels)
    steps = []
    if useless:
        names = ", ".join(f"`{model.name}`" for model in ranked if model.name in useless)
        steps.append(f"Do not use {names}: by the balanced accuracy on the test photos no better than guessing.")
    alike = [f"`{model.name}`" for model in ranked[1:] if model.name in undecided - useless]
    if alike and ranked[0].name not in useless:
        steps.append(
            f"These {photos} test photos are too few to prove `{ranked[0].name}` better than {', '.join(alike)}: keep "
            "it, as the best on validation, or test on more photos."
        )
    return steps
