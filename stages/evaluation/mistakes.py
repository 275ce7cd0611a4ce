"""Where a model fails: the photos that it misclassifies, the most confident mistakes first."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.evaluation.figures import caption, picture_grid
from stages.evaluation.results import Predictions
from stages.photos.decode import thumbnail

SHOWN = 12
COLUMNS = 4


def find_mistakes(photos: pd.DataFrame, predictions: Predictions, classes: list[str]) -> pd.DataFrame:
    """List the misclassified photos (``path``, true ``label``, ``predicted``, ``confidence``), most confident first."""
    predicted = np.take(classes, predictions.predicted)
    table = photos[["path", "label"]].assign(predicted=predicted, confidence=predictions.confidence.round(6))
    mistakes = table.assign(log_odds=predictions.log_odds)[~predictions.correct]
    most_confident_first = mistakes.sort_values(["log_odds", "path"], ascending=[False, True], ignore_index=True)
    return most_confident_first.drop(columns="log_odds")


def most_confused(mistakes: pd.DataFrame) -> tuple[str, str, int]:
    """Find the most common confusion: true class, predicted class and count. Of ties it is the first by name."""
    counts = mistakes.groupby(["label", "predicted"]).size()
    label, predicted = counts.index.to_list()[counts.argmax()]
    return label, predicted, int(counts.max())


def outcome(label: str, predicted: str, confidence: float) -> str:
    """Caption a photo with its true class, its predicted class and the confidence."""
    is_what = "classified correctly" if label == predicted else f"misclassified as {predicted}"
    return caption(f"{label} {is_what}", f"confidence {confidence:.3f}")


def draw_mistakes(name: str, mistakes: pd.DataFrame) -> Figure:
    """Draw the most confident mistakes, each with its true class, its predicted class and the confidence."""
    if mistakes.empty:
        figure = plt.figure(figsize=(8, 2.5))
        figure.suptitle(f"{name}: mistakes on the test photos")
        figure.text(0.5, 0.4, "none: every test photo is classified correctly", ha="center", fontsize="x-large")
        return figure
    shown = mistakes.head(SHOWN)
    rows = -(-len(shown) // COLUMNS)
    figure = plt.figure(figsize=(2.2 * COLUMNS, 2.6 * rows + 0.5), layout="constrained")
    if len(mistakes) > SHOWN:
        subject = f"the {SHOWN} most confident of {len(mistakes)} mistakes"
    else:
        subject = f"all {len(mistakes)} mistakes" if len(mistakes) > 1 else "the only mistake"
    figure.suptitle(f"{name}: {subject} on the test photos")
    grid = picture_grid(figure, rows, COLUMNS, anchor="N")
    for axes, mistake in zip(grid.flat, shown.to_dict("records"), strict=False):
        axes.imshow(thumbnail(mistake["path"]))
        axes.set_title(outcome(mistake["label"], mistake["predicted"], mistake["confidence"]), fontsize="medium")
    return figure
