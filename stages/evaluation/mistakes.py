"""Where a model fails: the photos that it gets wrong, the surest first."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.photos.decode import open_photo

SHOWN = 12
COLUMNS = 4


def find_mistakes(photos: pd.DataFrame, probabilities: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """List the photos that a model gets wrong, the most confident mistake first, equals by path.

    Args:
        photos: with ``path`` and ``label``.
        probabilities: float shaped (photos, classes), rows summing to one.

    Returns:
        ``path``, ``label``, ``predicted`` and the ``probability`` that the model gave to what it predicted.
    """
    predicted = np.take(classes, probabilities.argmax(axis=1))
    judged = photos[["path", "label"]].assign(predicted=predicted, probability=probabilities.max(axis=1).round(6))
    wrong = judged[judged["label"] != judged["predicted"]]
    return wrong.sort_values(["probability", "path"], ascending=[False, True], ignore_index=True)


def most_confused(mistakes: pd.DataFrame) -> tuple[str, str, int]:
    """Name the class most often taken for another, that other, and how often (the first by name of several)."""
    counts = mistakes.groupby(["label", "predicted"]).size()
    label, predicted = counts.index.to_list()[counts.argmax()]
    return label, predicted, int(counts.max())


def draw_mistakes(name: str, mistakes: pd.DataFrame) -> Figure:
    """Draw the most confident mistakes, each with its true class, the class it was given, and how surely."""
    if mistakes.empty:
        figure = plt.figure(figsize=(8, 2.5))
        figure.suptitle(f"{name}: mistakes on the test photos")
        figure.text(0.5, 0.4, "none: every test photo is right", ha="center", fontsize="x-large")
        return figure
    shown = mistakes.head(SHOWN)
    rows = -(-len(shown) // COLUMNS)
    figure, grid = plt.subplots(
        rows, COLUMNS, figsize=(2.2 * COLUMNS, 2.6 * rows + 0.5), squeeze=False, layout="constrained"
    )
    surest = "the" if len(shown) == len(mistakes) else f"the {len(shown)} most confident of"
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    figure.suptitle(f"{name}: {surest} {count} on the test photos, each with its probability")
    for axes in grid.flat:
        axes.set_axis_off()
        axes.set_anchor("N")
    for axes, mistake in zip(grid.flat, shown.to_dict("records"), strict=False):
        axes.imshow(open_photo(mistake["path"]))
        text = f"{mistake['label']}, taken for {mistake['predicted']} ({mistake['probability']:.3f})"
        axes.set_title(fill(text, 28), fontsize="medium")
    return figure
