"""Score every model on the test photos, and choose the best by validation accuracy; the only step that reads
the test list.

Reads the models, what they were trained on, their histories, the test list and its photos. Writes for each
model ``metrics/models/MODEL.json``, ``plots/confusion/MODEL.csv`` and ``plots/accuracy/MODEL.png``, and for
all of them ``metrics/best.json``, ``plots/curves.csv`` and ``plots/roc.csv``.
"""

import json
import logging
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.stats import binomtest
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score, roc_curve

from stages.common.backend import make_deterministic
from stages.common.command import UserError, run
from stages.common.models import load_model, predict_probabilities
from stages.common.output import write_csv, write_json
from stages.common.params import load_params
from stages.common.paths import (
    ACCURACY_PICTURES,
    BEST,
    CONFUSION,
    CURVES,
    HISTORY,
    MODELS,
    ROC,
    SCORES,
)
from stages.common.photos import class_names, load_photos, read_list
from stages.common.pictures import write_picture
from stages.common.rows import Budget

logger = logging.getLogger(__name__)


def main() -> None:
    params = load_params()
    check_leftovers(set(params.models))
    photos = read_list("test")
    classes = class_names(photos["label"])
    make_deterministic(params.train.seed, params.train.threads)
    pixels, labels = load_photos(photos, classes, params.train.image_size, Budget(params.train.memory_gib))

    scores, curves, roc = {}, [], []
    for name in params.models:
        model = load_model(MODELS / f"{name}.keras")
        history = pd.read_json(HISTORY / f"{name}.json")
        probabilities = predict_probabilities(model, pixels, params.train.batch_size)

        scores[name] = score(history, labels, probabilities, classes)
        scores[name]["environment"] = json.loads((MODELS / f"{name}.json").read_text(encoding="utf-8"))["environment"]
        if scores[name]["test"]["above_guessing"] <= 0:
            logger.warning("%s is no better on the test photos than always guessing the commonest class", name)
        predicted = np.take(classes, probabilities.argmax(axis=1))
        curves.append(curve_of(history).assign(model=name))
        roc.append(roc_of(labels, probabilities).assign(model=name))
        write_csv(pd.DataFrame({"actual": photos["label"], "predicted": predicted}), CONFUSION / f"{name}.csv")
        write_picture(draw_accuracy(name, history), ACCURACY_PICTURES / f"{name}.png")
        write_json(scores[name], SCORES / f"{name}.json")

    write_csv(pd.concat(curves), CURVES)
    write_csv(pd.concat(roc), ROC)
    best = best_model(scores)
    write_json({"model": best, **{part: scores[best][part] for part in ("train", "validation", "test")}}, BEST)
    logger.info("%s", leaderboard(scores, best))


def check_leftovers(names: set[str]) -> None:
    """Refuse models that ``params.yaml`` no longer has: they would count as this step's input in ``dvc.lock``."""
    files = [path for folder in (MODELS, HISTORY) for path in folder.glob("*")]
    found = sorted(path for path in files if path.name.split(".")[0] not in {"", *names})  # "" of unfinished ones
    if found:
        paths = " ".join(str(path) for path in found)
        raise UserError(f"expected only models of params.yaml ({', '.join(sorted(names))}): delete {paths}")


def score(history: pd.DataFrame, labels: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """Sum up how good a model is.

    Args:
        history: a row per epoch, as ``train`` wrote it.
        labels: of the test photos, int shaped (photos,).
        probabilities: float shaped (photos, classes), rows summing to one.

    Returns:
        ``train`` and ``validation``: accuracy and loss of the last epoch (in training with dropout and
        augmentation on, and averaged over the epoch, as Keras reports it). ``test``: accuracy, how far that is
        above always guessing the commonest class, its 95 % interval (Wilson, 1927), cross-entropy in nats, and
        the area under the ROC curve (for more than two classes the mean of each class against the rest).
        ``classes``: precision and recall of each; a list, so that DVC leaves it out of its tables, which stay
        one screen wide for any number of classes.
    """
    last = history.iloc[-1]
    correct = int((probabilities.argmax(axis=1) == labels).sum())
    interval = binomtest(correct, len(labels)).proportion_ci(0.95, method="wilson")
    positive = probabilities[:, 1] if len(classes) == 2 else probabilities
    precision, recall, _, _ = precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=range(len(classes)), zero_division=0
    )
    scores = {
        "train": {"accuracy": last["accuracy"], "loss": last["loss"]},
        "validation": {"accuracy": last["val_accuracy"], "loss": last["val_loss"]},
        "test": {
            "accuracy": correct / len(labels),
            "above_guessing": correct / len(labels) - np.bincount(labels).max() / len(labels),
            "accuracy_low": interval.low,
            "accuracy_high": interval.high,
            "loss": log_loss(labels, probabilities, labels=range(len(classes))),
            "roc_auc": roc_auc_score(labels, positive, multi_class="ovr"),
        },
    }
    per_class = [
        {"label": label, "precision": round(float(p), 6), "recall": round(float(r), 6)}
        for label, p, r in zip(classes, precision, recall, strict=True)
    ]
    rounded = {part: {key: round(float(value), 6) for key, value in of.items()} for part, of in scores.items()}
    return {**rounded, "classes": per_class}


def best_model(scores: dict[str, dict[str, Any]]) -> str:
    """Choose by validation accuracy, then by validation loss; the test photos have no say."""
    return min(scores, key=lambda name: (-scores[name]["validation"]["accuracy"], scores[name]["validation"]["loss"]))


def leaderboard(scores: dict[str, dict[str, Any]], best: str) -> str:
    """Lay the scores out as a table, best validation accuracy first."""
    rows = [
        {
            "model": name,
            "validation": f"{of['validation']['accuracy']:.3f}",
            "test": f"{of['test']['accuracy']:.3f}",
            "95 % interval": f"{of['test']['accuracy_low']:.3f} to {of['test']['accuracy_high']:.3f}",
            "ROC AUC": f"{of['test']['roc_auc']:.3f}",
            "": "<- best on validation" if name == best else "",
        }
        for name, of in sorted(scores.items(), key=lambda item: -item[1]["validation"]["accuracy"])
    ]
    return pd.DataFrame(rows).to_string(index=False)


def curve_of(history: pd.DataFrame) -> pd.DataFrame:
    """Turn a history into rows of ``epoch``, ``split`` ("training" or "validation"), ``accuracy``, ``loss``."""
    columns = ["epoch", "accuracy", "loss"]
    training = history[columns].assign(split="training")
    validation = history[["epoch", "val_accuracy", "val_loss"]].set_axis(columns, axis=1).assign(split="validation")
    return pd.concat([training, validation])


def roc_of(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Trace the ROC curve: of the second class, or for more than two the mean of each class against the rest.

    Returns:
        ``false_positive_rate`` in steps of 0.01 and ``true_positive_rate``.
    """
    num_classes = probabilities.shape[1]
    rates = np.linspace(0, 1, 101)
    curves = [
        np.interp(rates, *roc_curve(labels == number, probabilities[:, number])[:2])
        for number in range(1 if num_classes == 2 else 0, num_classes)
    ]
    points = pd.DataFrame({"false_positive_rate": rates, "true_positive_rate": np.mean(curves, axis=0)})
    return pd.concat([pd.DataFrame([[0.0, 0.0]], columns=points.columns), points]).round(6)


def draw_accuracy(name: str, history: pd.DataFrame) -> Figure:
    """Draw training and validation accuracy over the epochs."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(history["epoch"], history["accuracy"], "--", color="C0", label="training")
    axes.plot(history["epoch"], history["val_accuracy"], color="C3", label="validation")
    axes.set(title=f"{name}: accuracy", xlabel="epoch", ylabel="accuracy", ylim=(None, 1.01))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure


if __name__ == "__main__":
    run(main)
