"""How good each model is, in numbers that stand beside each other."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score

from stages.evaluation.calibration import calibration_error
from stages.evaluation.significance import wilson_interval

Scores = dict[str, Any]


def score(
    history: pd.DataFrame, labels: np.ndarray, probabilities: np.ndarray, classes: list[str], guessing: float
) -> Scores:
    """Sum up how good a model is.

    Args:
        history: a row per epoch, as ``train`` wrote it.
        labels: of the test photos, int shaped (photos,).
        probabilities: float shaped (photos, classes), rows summing to one.
        guessing: the accuracy of always guessing the commonest class.

    Returns:
        ``train`` and ``validation``: accuracy and loss of the last epoch (in training with dropout and
        augmentation on, and averaged over the epoch, as Keras reports it). ``test``: accuracy, how far that is
        above ``guessing``, its 95 % interval (Wilson, 1927), cross-entropy in nats,
        the area under the ROC curve (for more than two classes the mean of each class against the rest), and
        the expected calibration error (``ece``). ``classes``: precision and recall of each; a list, so that DVC
        leaves it out of its tables, which stay one screen wide for any number of classes.
    """
    last = history.iloc[-1]
    predictions = probabilities.argmax(axis=1)
    accuracy = float((predictions == labels).mean())
    low, high = wilson_interval(accuracy, len(labels))
    positive = probabilities[:, 1] if len(classes) == 2 else probabilities
    precision, recall, _, _ = precision_recall_fscore_support(
        labels, predictions, labels=range(len(classes)), zero_division=0
    )
    scores = {
        "train": {"accuracy": last["accuracy"], "loss": last["loss"]},
        "validation": {"accuracy": last["val_accuracy"], "loss": last["val_loss"]},
        "test": {
            "accuracy": accuracy,
            "gain_over_baseline": accuracy - guessing,
            "accuracy_low": low,
            "accuracy_high": high,
            "loss": log_loss(labels, probabilities, labels=range(len(classes))),
            "roc_auc": roc_auc_score(labels, positive, multi_class="ovr"),
            "ece": calibration_error(labels, probabilities),
        },
    }
    per_class = [
        {"label": label, "precision": round(float(p), 6), "recall": round(float(r), 6)}
        for label, p, r in zip(classes, precision, recall, strict=True)
    ]
    rounded = {part: {key: round(float(value), 6) for key, value in of.items()} for part, of in scores.items()}
    return {**rounded, "classes": per_class}


def ranking(scores: dict[str, Scores]) -> list[str]:
    """Order the models by validation accuracy, then by validation loss; the test photos have no say."""

    def place(name: str) -> tuple[float, float]:
        validation = scores[name]["validation"]
        return -validation["accuracy"], validation["loss"]

    return sorted(scores, key=place)


def leaderboard(scores: dict[str, Scores], guessing: float, tested: int) -> pd.DataFrame:
    """Lay the scores out as a table of text, the best on validation first and last always guessing the commonest class.

    Args:
        guessing: how often that is right.
        tested: how many photos were.
    """
    best, *_ = names = ranking(scores)
    rows = [
        {
            "model": name,
            "validation": f"{scores[name]['validation']['accuracy']:.3f}",
            "test": f"{test['accuracy']:.3f}",
            "95 % interval": f"{test['accuracy_low']:.3f} to {test['accuracy_high']:.3f}",
            "ROC AUC": f"{test['roc_auc']:.3f}",
            "calibration error": f"{test['ece']:.3f}",
            "": "best on validation" if name == best else "",
        }
        for name, test in ((name, scores[name]["test"]) for name in names)
    ]
    low, high = wilson_interval(guessing, tested)
    guess = {"model": "(guessing)", "test": f"{guessing:.3f}", "95 % interval": f"{low:.3f} to {high:.3f}"}
    return pd.DataFrame([*rows, guess]).fillna("")
