"""Scores of a model on labelled photos, the ranking of models by them, and the curves that DVC plots."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import auc, precision_recall_fscore_support

from stages.evaluation.results import Evaluation, Predictions
from stages.evaluation.significance import wilson_interval
from stages.inference.confidence import Confidence

# Those by which models can be ranked (``evaluate.rank_by``).
SCORE_NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
DIGITS = 12  # of a score by which models are compared: beyond, equal ones differ by the order of their terms
ECE_BINS = 15  # as in Guo et al., 2017


def score(
    history: pd.DataFrame, validation: Predictions, predictions: Predictions, classes: list[str], baseline: float
) -> dict[str, Any]:
    """Score a model by its history and its predictions on the validation and the test photos.

    Args:
        baseline: accuracy of the majority-class baseline on the test photos.

    Returns:
        ``train`` and ``validation``: accuracy and loss of the selected checkpoint (of training as Keras reports them:
        averaged over the epoch, with dropout, augmentation and class weights). ``validation`` and ``test``: the mean
        recall (``balanced_accuracy``) and mean F1 (``macro_f1``) of the classes. ``test``: accuracy with its 95 %
        confidence interval and gain over the baseline, cross-entropy in nats, area under the ROC curve (of more than
        two classes, the mean of each against the rest) and expected calibration error. ``classes``: precision and
        recall of each, in a list, which DVC leaves out of its tables. Nothing is rounded, as scores are compared.
    """
    epoch = selected_epoch(history)
    accuracy = float(predictions.correct.mean())
    low, high = wilson_interval(accuracy, len(predictions.labels))
    precision, recall, f1 = class_scores(predictions)
    _, val_recall, val_f1 = class_scores(validation)
    return {
        "train": {"accuracy": float(epoch["accuracy"]), "loss": float(epoch["loss"])},
        "validation": {
            "accuracy": float(epoch["val_accuracy"]),
            "loss": float(epoch["val_loss"]),
            "balanced_accuracy": float(val_recall.mean()),
            "macro_f1": float(val_f1.mean()),
        },
        "test": {
            "accuracy": accuracy,
            "gain_over_baseline": accuracy - baseline,
            "accuracy_low": low,
            "accuracy_high": high,
            "loss": predictions.loss,
            "roc_auc": float(np.mean([auc(*curve) for curve in predictions.roc_curves])),
            "ece": calibration_error(predictions),
            "balanced_accuracy": float(recall.mean()),
            "macro_f1": float(f1.mean()),
        },
        "classes": [
            {"label": label, "precision": float(p), "recall": float(r)}
            for label, p, r in zip(classes, precision, recall, strict=True)
        ],
    }


def selected_epoch(history: pd.DataFrame) -> pd.Series:
    """Return the row of the epoch that became the model: the one that is marked, or else the last."""
    return history.iloc[int(history["kept"].notna().to_numpy().argmax()) if "kept" in history else -1]


def class_scores(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute precision, recall and F1 of each class, 0 where they are not defined."""
    indices = range(predictions.logits.shape[1])
    precision, recall, f1, _ = precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=indices, zero_division=0
    )
    return precision, recall, f1


def reliability(predictions: Predictions) -> pd.DataFrame:
    """Group photos by confidence into bins of equal width, which include their upper end.

    Returns:
        A row for each bin that holds photos, with its index from 0: mean ``confidence``, ``accuracy``, and how many
        ``photos``.
    """
    bins = (np.ceil(predictions.confidence * ECE_BINS) - 1).clip(0, ECE_BINS - 1).astype(int)
    groups = pd.DataFrame({"confidence": predictions.confidence, "accuracy": predictions.correct}).groupby(bins)
    return groups.mean().assign(photos=groups.size())


def calibration_error(predictions: Predictions) -> float:
    """Compute the expected calibration error (Guo et al., 2017, "On calibration of modern neural networks").

    It is the mean over all photos of |accuracy - confidence| of their bin, in 0..1. On few photos it is biased upwards,
    as the accuracy of each bin is then noisy.
    """
    bins = reliability(predictions)
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["photos"]))


def score_confidence(
    confidence: Confidence, labels: np.ndarray, logits: np.ndarray, features: np.ndarray | None
) -> dict[str, Any]:
    """Score temperature scaling, abstention and out-of-distribution detection on the test photos, each if it is on.

    Args:
        features: of the backbone, shaped (photos, channels); for out-of-distribution detection alone.

    Returns:
        ``temperature``, and ``ece_before`` and ``loss_before`` it. ``unsure_below``, the threshold as a probability
        (None: every photo is unsure); ``coverage``, the proportion of photos that are not unsure; ``sure_accuracy``,
        the accuracy on these with its 95 % confidence interval (None if there are none). ``unlike``, the proportion of
        photos that are out of distribution.
    """
    scores: dict[str, Any] = {}
    predictions = Predictions(labels, confidence.scaled(logits))
    if confidence.temperature:
        before = Predictions(labels, logits.astype(np.float64))
        scores["temperature"] = confidence.temperature
        scores["ece_before"] = calibration_error(before)
        scores["loss_before"] = before.loss
    if confidence.log_odds_threshold is not None:
        sure = predictions.correct[predictions.log_odds >= confidence.log_odds_threshold]
        accuracy = float(sure.mean()) if len(sure) else None
        low, high = (None, None) if accuracy is None else wilson_interval(accuracy, len(sure))
        threshold = (
            float(expit(confidence.log_odds_threshold)) if math.isfinite(confidence.log_odds_threshold) else None
        )
        scores |= {"unsure_below": threshold, "coverage": len(sure) / len(labels)}
        scores |= {"sure_accuracy": accuracy, "sure_accuracy_low": low, "sure_accuracy_high": high}
    if features is not None:
        scores["unlike"] = float(confidence.unlike(features).mean())
    return scores


def find_mistakes(photos: pd.DataFrame, predictions: Predictions, classes: list[str]) -> pd.DataFrame:
    """List the misclassified photos (``path``, true ``label``, ``predicted``, ``confidence``), most confident first."""
    table = photos[["path", "label"]].assign(
        predicted=np.take(classes, predictions.predicted),
        confidence=predictions.confidence.round(6),
        log_odds=predictions.log_odds,
    )
    mistakes = table[~predictions.correct].sort_values(["log_odds", "path"], ascending=[False, True], ignore_index=True)
    return mistakes.drop(columns="log_odds")


def ranking(evaluations: list[Evaluation], rank_by: str) -> list[Evaluation]:
    """Sort models by a validation score, best first, ties by validation loss; the test photos play no part."""
    return sorted(
        evaluations,
        key=lambda model: (-round(model.scores["validation"][rank_by], DIGITS), model.scores["validation"]["loss"]),
    )


def rounded(scores: Any) -> Any:
    """Round the floats in dictionaries and lists to six digits, to write them."""
    return json.loads(json.dumps(scores), parse_float=lambda number: round(float(number), 6))


def learning_curves(history: pd.DataFrame) -> pd.DataFrame:
    """Reshape a history into rows of ``epoch``, ``accuracy``, ``loss`` and ``split`` ("training" or "validation").

    If a checkpoint was selected, its validation row has a 1 in a column ``kept``, by which it is drawn as a point. Both
    rows of an only epoch have it, of which no line can be drawn.
    """
    columns = ["epoch", "accuracy", "loss"]
    training = history[columns].assign(split="training")
    validation = history[["epoch", "val_accuracy", "val_loss"]].set_axis(columns, axis=1).assign(split="validation")
    if "kept" in history:
        validation["kept"] = history["kept"].astype(float)
    elif len(history) == 1:
        training["kept"] = validation["kept"] = 1.0
    return pd.concat([training, validation])


def mean_roc_curve(predictions: Predictions) -> pd.DataFrame:
    """Compute the ROC curve in steps of 0.01: of the second of two classes, or the mean of each against the rest."""
    rates = np.linspace(0, 1, 101)
    curves = [np.interp(rates, *curve) for curve in predictions.roc_curves]
    points = np.vstack([np.zeros(2), np.stack([rates, np.mean(curves, axis=0)], axis=1)])
    return pd.DataFrame(points, columns=["false_positive_rate", "true_positive_rate"]).round(6)
