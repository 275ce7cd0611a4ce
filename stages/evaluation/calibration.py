"""Calibration: whether a model is correct as often as its confidence, the probability of the predicted class, says."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.evaluation.figures import COLOURS
from stages.evaluation.results import Evaluation, Predictions
from stages.evaluation.significance import wilson_interval

BINS = 15  # as in Guo et al., 2017


def reliability(predictions: Predictions) -> pd.DataFrame:
    """Sort the photos into bins of equal width by confidence.

    Returns:
        A row for each bin that holds photos, its number (from 0) as the index: how many ``photos``, their mean
        ``confidence`` and the ``accuracy`` on them.
    """
    bins = (np.ceil(predictions.confidence * BINS) - 1).clip(0, BINS - 1).astype(int)  # a bin includes its upper end
    groups = pd.DataFrame({"confidence": predictions.confidence, "accuracy": predictions.correct}).groupby(bins)
    return groups.mean().assign(photos=groups.size())


def calibration_error(predictions: Predictions) -> float:
    """Compute the expected calibration error, ECE (Guo et al., 2017, "On calibration of modern neural networks").

    It is the mean over all photos of |accuracy - confidence| of their bin: 0..1, lower is better. On few photos it is
    biased upwards, as the accuracy of each bin is then noisy.
    """
    bins = reliability(predictions)
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["photos"]))


def describe_calibration(evaluation: Evaluation) -> str:
    """Say whether a model's mean confidence lies above, below or within its accuracy's 95 % confidence interval."""
    test = evaluation.scores["test"]
    low, high = test["accuracy_low"], test["accuracy_high"]
    confidence = evaluation.predictions.confidence.mean()
    if confidence > high:
        verdict, place = "overconfident", "above"
    elif confidence < low:
        verdict, place = "underconfident", "below"
    else:
        photos = len(evaluation.predictions.labels)
        verdict, place = f"well calibrated on average, as far as {photos} photos can tell", "within"
    return (
        f"`{evaluation.name}` is {verdict}: its mean confidence of {confidence:.3f} is {place} the 95 % confidence "
        f"interval of its accuracy ({low:.3f} to {high:.3f}). Its expected calibration error (ECE, {BINS} bins) is "
        f"{test['ece']:.3f}; on few photos, the ECE is biased upwards."
    )


def draw_calibration(evaluations: list[Evaluation]) -> Figure:
    """Draw a reliability diagram for each model, and below it how many photos each bin holds."""
    columns = min(2, len(evaluations))
    rows = -(-len(evaluations) // columns)
    figure = plt.figure(figsize=(4.5 * columns, 4 * rows + 0.4), layout="constrained")
    figure.suptitle("Calibration on the test photos")
    grid = figure.subplots(2 * rows, columns, height_ratios=[5, 2] * rows, squeeze=False, sharex=True)
    cells = zip(evaluations, cycle(COLOURS), grid[::2].flat, grid[1::2].flat, strict=False)
    for evaluation, colour, upper, lower in cells:
        draw_reliability(evaluation, colour, upper, lower)
    for axes in grid.flat:
        axes.set_visible(axes.has_data())  # an odd number of models leaves two empty
    return figure


def draw_reliability(evaluation: Evaluation, colour: str, upper: Axes, lower: Axes) -> None:
    """Draw each bin's accuracy (with its 95 % confidence interval) over its confidence, and its photos as a bar."""
    bins = reliability(evaluation.predictions)
    upper.plot([0, 1], [0, 1], ":", color="black", label="perfect calibration")
    intervals = map(wilson_interval, bins["accuracy"], bins["photos"])
    upper.vlines(bins["confidence"], *zip(*intervals, strict=True), color=colour, alpha=0.5, label="95 % CI")
    upper.plot(bins["confidence"], bins["accuracy"], "o", color=colour, label="photos of a bin", clip_on=False)
    title = f"{evaluation.name}: ECE {evaluation.scores['test']['ece']:.3f}"
    upper.set(title=title, ylabel="accuracy", xlim=(0, 1), ylim=(-0.04, 1.04))
    upper.grid(alpha=0.3)
    upper.legend(fontsize="small")
    bars = lower.bar((bins.index + 0.5) / BINS, bins["photos"], width=0.9 / BINS, color=colour)
    lower.bar_label(bars, fontsize="x-small")
    lower.margins(y=0.3)
    lower.set(ylabel="photos", xlabel="confidence")
    lower.tick_params(labelbottom=True)
