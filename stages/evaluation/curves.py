"""Learning curves over the epochs, and the ROC curve."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import roc_curve

from stages.evaluation.results import Predictions
from stages.inference.confidence import log_odds


def kept_epoch(history: pd.DataFrame) -> pd.Series:
    """Find the epoch that became the model: the one that is marked, or else the last."""
    return history.iloc[int(history["kept"].notna().to_numpy().argmax()) if "kept" in history else -1]


def learning_curves(history: pd.DataFrame) -> pd.DataFrame:
    """Turn a history into rows of ``epoch``, ``accuracy``, ``loss`` and ``split`` ("training" or "validation").

    If an epoch was chosen, its row of validation has a 1 in a column ``kept``.
    """
    columns = ["epoch", "accuracy", "loss"]
    training = history[columns].assign(split="training")
    validation = history[["epoch", "val_accuracy", "val_loss"]].set_axis(columns, axis=1).assign(split="validation")
    if "kept" in history:
        validation["kept"] = history["kept"].astype(float)
    return pd.concat([training, validation])


def mean_roc_curve(predictions: Predictions) -> pd.DataFrame:
    """Compute the ROC curve in steps of 0.01: of the second of two classes, or the mean of each against the rest."""
    num_classes = predictions.logits.shape[1]
    ranked_by = log_odds(predictions.logits)
    rates = np.linspace(0, 1, 101)
    curves = [
        np.interp(rates, *roc_curve(predictions.labels == number, ranked_by[:, number])[:2])
        for number in range(1 if num_classes == 2 else 0, num_classes)
    ]
    points = pd.DataFrame({"false_positive_rate": rates, "true_positive_rate": np.mean(curves, axis=0)})
    return pd.concat([pd.DataFrame([[0.0, 0.0]], columns=points.columns), points]).round(6)


def draw_accuracy(name: str, history: pd.DataFrame) -> Figure:
    """Draw training and validation accuracy over the epochs."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(history["epoch"], history["accuracy"], "--", color="C0", label="training")
    axes.plot(history["epoch"], history["val_accuracy"], color="C3", label="validation")
    if "kept" in history:
        kept = kept_epoch(history)
        axes.plot(kept["epoch"], kept["val_accuracy"], "o", color="C3", label="the epoch kept")
    axes.set(title=f"{name}: accuracy", xlabel="epoch", ylabel="accuracy", ylim=(None, 1.01))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure
