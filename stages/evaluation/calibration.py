"""Whether a model is right as often as it says: its probabilities held against what came true."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.common.figures import COLOURS
from stages.evaluation.significance import wilson_interval

BINS = 15  # as many as in the paper


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Sort the photos into bins of equal width by the probability of the class that the model gives.

    Args:
        labels: int shaped (photos,).
        probabilities: float shaped (photos, classes), rows summing to one.

    Returns:
        A row for each bin that holds photos, its number (from 0) as the index: how many ``photos``, their mean
        ``confidence`` and the ``accuracy`` on them.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = (np.ceil(confidence * BINS) - 1).clip(0, BINS - 1).astype(int)  # a bin includes its upper end
    photos = pd.DataFrame({"confidence": confidence, "accuracy": right.astype(float)})
    return photos.groupby(bins).mean().assign(photos=np.bincount(bins)[np.unique(bins)])


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Work out the expected calibration error (Guo et al., 2017, "On calibration of modern neural networks").

    It is by how much confidence and accuracy differ in a bin, in the mean over all photos: 0..1, the lower the
    better. Of few photos it is too high, as each bin's accuracy strays by chance.
    """
    bins = reliability(labels, probabilities)
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["photos"]))


def describe_calibration(labels: np.ndarray, probabilities: np.ndarray) -> str:
    """Say how far the probabilities can be believed."""
    confidence = probabilities.max(axis=1).mean()
    accuracy = (probabilities.argmax(axis=1) == labels).mean()
    error = calibration_error(labels, probabilities)
    return (
        f"it is {confidence:.3f} sure of its answers in the mean, and right on {accuracy:.3f}, so "
        f"{'too sure' if confidence > accuracy else 'not too sure'} of itself. Its probabilities are off by "
        f"{error:.3f} (expected calibration error, {BINS} bins; with few photos chance alone makes some)."
    )


def draw_calibration(labels: np.ndarray, probabilities: dict[str, np.ndarray]) -> Figure:
    """Draw a reliability diagram for each model, and below it how many photos each bin holds."""
    columns = min(2, len(probabilities))
    rows = -(-len(probabilities) // columns)
    figure, grid = plt.subplots(
        2 * rows,
        columns,
        figsize=(4.5 * columns, 4 * rows + 0.4),
        height_ratios=[5, 2] * rows,
        squeeze=False,
        sharex=True,
        layout="constrained",
    )
    figure.suptitle("Calibration on the test photos")
    for axes in grid.flat:
        axes.set_visible(False)
    for number, (name, of) in enumerate(probabilities.items()):
        row, column = divmod(number, columns)
        upper, lower = grid[2 * row : 2 * row + 2, column]
        draw_reliability(upper, lower, reliability(labels, of), COLOURS[number % len(COLOURS)])
        upper.set_title(f"{name}: calibration error {calibration_error(labels, of):.3f}")
    return figure


def draw_reliability(upper: Axes, lower: Axes, bins: pd.DataFrame, colour: str) -> None:
    """Draw each bin's accuracy (with its 95 % interval) over its confidence, and its photos as a bar."""
    upper.set_visible(True)
    lower.set_visible(True)
    upper.plot([0, 1], [0, 1], ":", color="black", label="as sure as right")
    ends = [wilson_interval(row["accuracy"], row["photos"]) for row in bins.to_dict("records")]
    upper.vlines(bins["confidence"], *zip(*ends, strict=True), color=colour, alpha=0.5, label="95 % interval")
    upper.plot(bins["confidence"], bins["accuracy"], "o", color=colour, label="photos of a bin")
    upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(-0.04, 1.04))
    upper.grid(alpha=0.3)
    upper.legend(loc="upper left")
    bars = lower.bar((bins.index + 0.5) / BINS, bins["photos"], width=0.9 / BINS, color=colour)
    lower.bar_label(bars, fontsize="x-small")
    lower.margins(y=0.3)
    lower.set(ylabel="photos", xlabel="probability of the class given")
    lower.tick_params(labelbottom=True)
