"""Which classes a model takes for which."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import confusion_matrix

from stages.evaluation.results import Predictions

LONGEST = 24  # letters of a class that are shown


def draw_confusion(name: str, predictions: Predictions, classes: list[str]) -> Figure:
    """Draw how many test photos of each class a model takes for which class, with the same axes as DVC's plots page."""
    counts = confusion_matrix(predictions.labels, predictions.predicted, labels=range(len(classes))).T
    titles = [title if len(title) <= LONGEST else f"{title[: LONGEST - 1]}…" for title in classes]
    size = 2.5 + max(2.0, 0.25 * len(classes))  # inches
    figure, axes = plt.subplots(figsize=(size + 1, size), layout="constrained")
    colours = axes.imshow(counts, cmap="Blues", vmin=0)
    fontsize = "medium" if len(classes) < 10 else "x-small"
    axes.set_xticks(range(len(classes)), titles, fontsize=fontsize, rotation=90 if len(classes) > 4 else 0)
    axes.set_yticks(range(len(classes)), titles, fontsize=fontsize)
    axes.set(title=f"{name}: test photos", xlabel="actual class", ylabel="predicted class")
    for row, column in np.argwhere(counts):
        colour = "white" if counts[row, column] > counts.max() / 2 else "black"
        axes.text(column, row, counts[row, column], color=colour, ha="center", va="center", fontsize=fontsize)
    figure.colorbar(colours, shrink=0.6, label="photos", ticks=MaxNLocator(5, integer=True))
    return figure
