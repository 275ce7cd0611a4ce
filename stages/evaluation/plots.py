"""Figures of accuracy, calibration, coverage, confusion and mistakes on the test photos."""

from functools import partial
from itertools import cycle, product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator
from sklearn.metrics import confusion_matrix

from stages.common.cli import plural
from stages.evaluation.figures import COLOURS, caption, draw_photos, shorten
from stages.evaluation.results import Evaluation
from stages.evaluation.scores import ECE_BINS, reliability, selected_epoch
from stages.evaluation.significance import wilson_interval
from stages.inference.calibration import accuracy_by_coverage

LINE_STYLES = ["-", "--", "-.", ":"]  # the next for each round of the colours
MAX_CLASS_LETTERS = 24
MAX_CONFUSED = 30  # classes of a confusion matrix, whose names and counts are readable; a text per cell takes memory
MAX_MISTAKES = 12
MAX_MODELS = 24  # in a figure, table or list: in a figure each has a colour and line style of its own
MIN_COVERED = 10  # photos of which an accuracy is drawn


def draw_accuracy(name: str, history: pd.DataFrame) -> Figure:
    """Draw training and validation accuracy over the epochs."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    is_point = len(history) == 1  # of a linear classifier
    marker = "o" if is_point else None
    plot = partial(axes.plot, clip_on=False)
    plot(history["epoch"], history["accuracy"], "--", color="C0", marker=marker, label="training")
    plot(history["epoch"], history["val_accuracy"], color="C3", marker=marker, label="validation")
    if "kept" in history:
        epoch = selected_epoch(history)
        plot(epoch["epoch"], epoch["val_accuracy"], "o", color="C3", label="selected epoch")
    if is_point:
        axes.margins(y=0.3)
    axes.set(title=f"{name}: accuracy", xlabel="epoch", ylabel="accuracy", ylim=(None, 1))
    axes.xaxis.set_major_locator(FixedLocator([1]) if is_point else MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3)  # a flat line may run anywhere inside
    return figure


def draw_calibration(evaluations: list[Evaluation], note: str = "") -> Figure:
    """Draw a reliability diagram for each model, and below it how many photos each bin holds."""
    columns = min(2, len(evaluations))
    rows = -(-len(evaluations) // columns)
    figure = plt.figure(figsize=(4.5 * columns, 4 * rows + 0.4), layout="constrained")
    figure.suptitle(f"Calibration on the test photos{note}")
    grid = figure.subplots(2 * rows, columns, height_ratios=[5, 2] * rows, squeeze=False, sharex=True)
    for cell in zip(evaluations, cycle(COLOURS), grid[::2].flat, grid[1::2].flat, strict=False):
        draw_reliability(*cell)
    for axes in grid.flat:
        axes.set_visible(axes.has_data())  # an odd number of models leaves two empty
    return figure


def draw_reliability(evaluation: Evaluation, colour: str, upper: Axes, lower: Axes) -> None:
    """Draw each bin's accuracy (with its 95 % confidence interval) over its confidence, and its photos as a bar."""
    bins = reliability(evaluation.photos)
    upper.plot([0, 1], [0, 1], ":", color="black", label="perfect calibration")
    intervals = map(wilson_interval, bins["accuracy"], bins["photos"])
    upper.vlines(bins["confidence"], *zip(*intervals, strict=True), color=colour, alpha=0.5, label="95 % CI")
    upper.plot(bins["confidence"], bins["accuracy"], "o", color=colour, label="accuracy of a bin", clip_on=False)
    title = f"{evaluation.name}: ECE {evaluation.scores['test']['ece']:.3f}"
    upper.set(title=title, ylabel="accuracy", xlim=(0, 1), ylim=(-0.04, 1.04))
    upper.grid(alpha=0.3)
    upper.legend(fontsize="small")
    bars = lower.bar((bins.index + 0.5) / ECE_BINS, bins["photos"], width=0.9 / ECE_BINS, color=colour)
    lower.bar_label(bars, fontsize="x-small")
    lower.margins(y=0.3)
    lower.set(ylabel="photos", xlabel="confidence")
    lower.tick_params(labelbottom=True)


def draw_coverage(evaluations: list[Evaluation], note: str = "") -> Figure:
    """Draw each model's accuracy on its most confident photos over their proportion of all."""
    entries = sum(1 + ("confidence" in evaluation.scores) for evaluation in evaluations)
    figure, axes = plt.subplots(figsize=(8.5, max(4.5, 0.5 + 0.22 * entries)), layout="constrained")
    for (style, colour), evaluation in zip(product(LINE_STYLES, COLOURS), evaluations, strict=False):
        photos = evaluation.photos
        curve = accuracy_by_coverage(photos["log_odds"].to_numpy(), photos["correct"].to_numpy())
        curve = curve[curve["coverage"] >= min(MIN_COVERED / len(photos), 1)]
        marker = "." if len(curve) == 1 else ""  # a line of one point is invisible
        plot = partial(axes.plot, color=colour, linestyle=style, clip_on=False)
        plot(curve["coverage"], curve["accuracy"], marker=marker, label=evaluation.name)
        confidence = evaluation.scores.get("confidence", {})
        if confidence.get("sure_accuracy") is not None:
            sure = (confidence["coverage"], confidence["sure_accuracy"])
            plot(*sure, "o", label=f"{evaluation.name}: not unsure")
    axes.set(title=f"Accuracy on the test photos that a model is surest of{note}", xlim=(0, 1), ylim=(None, 1))
    axes.set(xlabel="coverage: proportion of the photos, the most confident first", ylabel="accuracy")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)  # most lines begin at 1, along the top
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def draw_confusion(name: str, photos: pd.DataFrame, classes: list[str]) -> Figure:
    """Draw the confusion matrix, with the same axes as on DVC's plots page; of many classes the most confused."""
    shown = most_confused(photos, classes)
    counts = confusion_matrix(photos["label"], photos["predicted"], labels=shown)
    # Of the true class, so that rare ones have colours too.
    fractions = counts / photos["label"].value_counts()[shown].to_numpy()[:, np.newaxis]
    names = [shorten(label, MAX_CLASS_LETTERS) for label in shown]
    size = 2.5 + max(2.0, 0.25 * len(names))  # inches
    figure, axes = plt.subplots(figsize=(size + 1, size), layout="constrained")
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    fontsize = "medium" if len(names) < 10 else "x-small"
    axes.set_xticks(range(len(names)), names, fontsize=fontsize, rotation=90 if len(names) > 4 else 0)
    axes.set_yticks(range(len(names)), names, fontsize=fontsize)
    title = f"{name}: test photos"
    if len(shown) < len(classes):
        figure.set_figheight(size + 0.5)  # for the longer title
        title += (
            f" of the {len(shown)} most confused of {len(classes)} classes,\n"
            f"with {counts.sum() - counts.trace()} of {(~photos['correct']).sum()} mistakes "
            f"(all: plots/confusion/{name}.csv)"
        )
    axes.set(title=title, xlabel="predicted class", ylabel="true class")
    for row, column in np.argwhere(counts):
        colour = "white" if fractions[row, column] > 0.5 else "black"
        axes.text(column, row, counts[row, column], color=colour, ha="center", va="center", fontsize=fontsize)
    figure.colorbar(image, shrink=0.6, label="fraction of the true class")
    return figure


def most_confused(photos: pd.DataFrame, classes: list[str]) -> list[str]:
    """Return classes, sorted: all, or the ``MAX_CONFUSED`` of the most often confused pairs."""
    mistakes = photos.loc[~photos["correct"], ["label", "predicted"]]
    pairs = pd.DataFrame(np.sort(mistakes.to_numpy(str), axis=1)).groupby([0, 1]).size().reset_index(name="photos")
    # Of equal pairs, classes with more mistakes come first: with a test photo of each class, all pairs are equal.
    mistakes_of = mistakes.stack().value_counts()
    pairs["mistakes"] = pairs[0].map(mistakes_of) + pairs[1].map(mistakes_of)
    ordered = [*np.ravel(pairs.sort_values(["photos", "mistakes"], ascending=False, kind="stable")[[0, 1]]), *classes]
    return sorted(list(dict.fromkeys(ordered))[:MAX_CONFUSED])


def outcome(label: str, predicted: str, confidence: float) -> str:
    """Caption a photo with its true class, its predicted class and the confidence."""
    verdict = "classified correctly" if label == predicted else f"misclassified as {predicted}"
    return caption(f"{label} {verdict}", f"confidence {confidence:.3f}")


def draw_mistakes(name: str, mistakes: pd.DataFrame) -> Figure:
    """Draw the most confident mistakes, each with its true class, its predicted class and the confidence."""
    subject = plural(len(mistakes), "mistake") if len(mistakes) else "no mistakes"
    if len(mistakes) > MAX_MISTAKES:
        subject = f"the {MAX_MISTAKES} most confident of {subject}"
    shown = mistakes.head(MAX_MISTAKES)
    captions = map(outcome, shown["label"], shown["predicted"], shown["confidence"])
    return draw_photos(f"{name}: {subject} on the test photos", list(shown["path"]), captions, 4, row_height=2.6)
