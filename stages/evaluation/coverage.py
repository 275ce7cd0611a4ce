"""Coverage: how accurate a model is on the photos it is surest of, and on those that it does not call unsure."""

import math
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from scipy.special import expit

from stages.evaluation.figures import COLOURS
from stages.evaluation.results import Evaluation, Predictions
from stages.evaluation.significance import wilson_interval
from stages.inference.confidence import accuracy_by_coverage

FEWEST = 10  # photos of which an accuracy is drawn


def score_unsure(least_log_odds: float, predictions: Predictions) -> dict[str, Any]:
    """Score a model on the photos that it does not call unsure.

    Args:
        least_log_odds: the threshold; infinite: of any confidence a photo is unsure.

    Returns:
        ``unsure_below``, the threshold as a probability (None: infinite), ``coverage``, the proportion of photos that
        are not unsure, and the accuracy on these, ``sure_accuracy``, with its 95 % confidence interval (without any
        such photo, None).
    """
    correct = predictions.correct[predictions.log_odds >= least_log_odds]
    accuracy = float(correct.mean()) if len(correct) else None
    low, high = (None, None) if accuracy is None else wilson_interval(accuracy, len(correct))
    return {
        "unsure_below": float(expit(least_log_odds)) if math.isfinite(least_log_odds) else None,
        "coverage": len(correct) / len(predictions.labels),
        "sure_accuracy": accuracy,
        "sure_accuracy_low": low,
        "sure_accuracy_high": high,
    }


def describe_coverage(evaluation: Evaluation) -> str:
    """Say how accurate a model is on the half of the test photos that it is surest of, or on more if some are equal."""
    curve = accuracy_by_coverage(evaluation.predictions.log_odds, evaluation.predictions.correct)
    half = curve[curve["coverage"] >= 0.5].iloc[0]
    return (
        f"On the {half['coverage']:.0%} of the test photos that `{evaluation.name}` is surest of, its accuracy is "
        f"{half['accuracy']:.3f}, on all {curve['accuracy'].iloc[-1]:.3f}: see `plots/coverage.png`."
    )


def draw_coverage(evaluations: list[Evaluation]) -> Figure:
    """Draw each model's accuracy on the photos it is surest of over their proportion of all."""
    figure, axes = plt.subplots(figsize=(8.5, 4.5), layout="constrained")
    for evaluation, colour in zip(evaluations, cycle(COLOURS), strict=False):
        correct = evaluation.predictions.correct
        curve = accuracy_by_coverage(evaluation.predictions.log_odds, correct)
        shown = curve[curve["coverage"] >= min(FEWEST / len(correct), 1)]
        [line] = axes.plot(shown["coverage"], shown["accuracy"], color=colour, label=evaluation.name, clip_on=False)
        line.set_marker("." if len(shown) == 1 else "")  # a line of one point would not be seen
        confidence = evaluation.scores.get("confidence", {})
        if confidence.get("sure_accuracy") is not None:
            sure = (confidence["coverage"], confidence["sure_accuracy"])
            axes.plot(*sure, "o", color=colour, label=f"{evaluation.name}: not unsure", clip_on=False)
    axes.set(title="Accuracy on the test photos that a model is surest of", xlim=(0, 1), ylim=(None, 1))
    axes.set(xlabel="coverage: proportion of the photos, the most confident first", ylabel="accuracy")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)  # most lines begin at 1, along the top
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
