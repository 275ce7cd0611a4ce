"""Evaluation of a model on labelled photos, the ranking of models by their scores, and the curves that DVC plots."""

import json
import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, softmax
from sklearn.metrics import auc, precision_recall_fscore_support, roc_curve

from stages.evaluation.results import Evaluation, Predictions, TestSet
from stages.evaluation.significance import wilson_interval
from stages.inference.calibration import Calibration, cross_entropy, log_odds
from stages.inference.prediction import Outputs
from stages.storage.arrays import blockwise

# Those by which models can be ranked (``evaluate.rank_by``).
SCORE_NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}
DIGITS = 12  # of a score by which models are compared: beyond, equal ones differ by the order of their terms
ECE_BINS = 15  # as in Guo et al., 2017


def evaluate(
    name: str, history: pd.DataFrame, validation: Predictions, outputs: Outputs, calibration: Calibration, test: TestSet
) -> Evaluation:
    """Evaluate a model by its predictions on the validation photos and its outputs for the test photos.

    Its scores are, by key: ``train`` and ``validation``, accuracy and loss of the selected checkpoint (of training as
    Keras reports them: averaged over the epoch, with dropout, augmentation and class weights). ``validation`` and
    ``test``: the mean recall (``balanced_accuracy``) and mean F1 (``macro_f1``) of the classes. ``test``: accuracy with
    its 95 % confidence interval and gain over the baseline, cross-entropy in nats, area under the ROC curve (of more
    than two classes, the mean of each against the rest) and expected calibration error. ``classes``: precision and
    recall of each, in a list, which DVC leaves out of its tables. ``confidence``: what ``score_calibration`` returns,
    if the calibration has anything. Nothing is rounded, as scores are compared.
    """
    logits = calibration.scaled(outputs.logits)
    predictions, photos = Predictions(test.labels, logits), tabulate_predictions(test, logits)
    accuracy = float(photos["correct"].mean())
    low, high = wilson_interval(accuracy, len(photos))
    precision, recall, f1 = class_scores(predictions)
    _, val_recall, val_f1 = class_scores(validation)
    epoch = selected_epoch(history)
    curves = roc_curves(predictions)
    scores: dict[str, Any] = {
        "train": {"accuracy": float(epoch["accuracy"]), "loss": float(epoch["loss"])},
        "validation": {
            "accuracy": float(epoch["val_accuracy"]),
            "loss": float(epoch["val_loss"]),
            "balanced_accuracy": float(val_recall.mean()),
            "macro_f1": float(val_f1.mean()),
        },
        "test": {
            "accuracy": accuracy,
            "gain_over_baseline": accuracy - test.baseline,
            "accuracy_low": low,
            "accuracy_high": high,
            "loss": cross_entropy(logits, test.labels),
            "roc_auc": float(np.mean([auc(*curve) for curve in curves])),
            "ece": calibration_error(photos),
            "balanced_accuracy": float(recall.mean()),
            "macro_f1": float(f1.mean()),
        },
        "classes": [
            {"label": label, "precision": float(p), "recall": float(r)}
            for label, p, r in zip(test.classes, precision, recall, strict=True)
        ],
    }
    unscaled = Predictions(test.labels, outputs.logits.astype(float))
    if confidence := score_calibration(calibration, photos, unscaled, outputs.features):
        scores["confidence"] = confidence
    return Evaluation(name, history, photos, mean_roc_curve(curves), scores)


def tabulate_predictions(test: TestSet, logits: np.ndarray) -> pd.DataFrame:
    """Tabulate predictions on the test photos, a row per photo.

    Its columns are ``path`` and ``label``, the ``predicted`` class and whether it is ``correct``, its ``confidence`` (a
    probability), and ``log_odds``, the same as log-odds, which differ where it rounds to 1.
    """
    predicted = np.take(test.classes, logits.argmax(axis=1))
    return test.photos[["path", "label"]].assign(
        predicted=predicted,
        correct=test.photos["label"] == predicted,
        confidence=highest_probability(logits),
        log_odds=blockwise(lambda rows: log_odds(rows).max(axis=1), logits),
    )


def highest_probability(logits: np.ndarray) -> np.ndarray:
    return blockwise(lambda rows: softmax(rows, axis=1).max(axis=1), logits)


def selected_epoch(history: pd.DataFrame) -> pd.Series:
    """Return the row of the epoch that became the model: the one that is marked, or else the last."""
    selected = history.dropna(subset="kept") if "kept" in history else history
    return selected.iloc[-1]


def class_scores(predictions: Predictions) -> Any:
    """Compute precision, recall and F1 of each class, 0 where they are not defined."""
    labels, logits = predictions
    classes = range(logits.shape[1])
    return precision_recall_fscore_support(labels, logits.argmax(axis=1), labels=classes, zero_division=0)[:3]


def reliability(photos: pd.DataFrame) -> pd.DataFrame:
    """Group photos by confidence into bins of equal width, which include their upper end.

    Each bin that holds photos has a row, by its index from 0: mean ``confidence``, ``accuracy``, number of ``photos``.
    """
    bins = (np.ceil(photos["confidence"] * ECE_BINS) - 1).clip(0, ECE_BINS - 1).astype(int)
    groups = photos[["confidence", "correct"]].groupby(bins.rename("bin"))
    return groups.mean().rename(columns={"correct": "accuracy"}).assign(photos=groups.size())


def calibration_error(photos: pd.DataFrame) -> float:
    """Compute the expected calibration error (Guo et al., 2017, "On calibration of modern neural networks").

    It is the mean over all photos of |accuracy - confidence| of their bin, in 0..1. On few photos it is biased upwards,
    as the accuracy of each bin is then noisy.
    """
    bins = reliability(photos)
    return float(np.average((bins["accuracy"] - bins["confidence"]).abs(), weights=bins["photos"]))


def score_calibration(
    calibration: Calibration, photos: pd.DataFrame, unscaled: Predictions, features: np.ndarray | None
) -> dict[str, Any]:
    """Score temperature scaling, abstention and out-of-distribution detection on the test photos, each if it is on.

    ``photos`` are predictions of the scaled logits. The scores are: ``temperature``, and ``ece_before`` and
    ``loss_before`` it; ``unsure_below``, the threshold as a probability (None: every photo is unsure), ``coverage``,
    the proportion of photos that are not unsure, and ``sure_accuracy``, that on these with its 95 % confidence interval
    (None if there are none); ``unlike``, the proportion of photos that are out of distribution.
    """
    scores: dict[str, Any] = {}
    if calibration.temperature:
        scores["temperature"] = calibration.temperature
        scores["ece_before"] = calibration_error(photos.assign(confidence=highest_probability(unscaled.logits)))
        scores["loss_before"] = cross_entropy(unscaled.logits, unscaled.labels)
    if (threshold := calibration.log_odds_threshold) is not None:
        sure = photos["correct"][photos["log_odds"] >= threshold]
        accuracy = float(sure.mean()) if len(sure) else None
        low, high = (None, None) if accuracy is None else wilson_interval(accuracy, len(sure))
        scores["unsure_below"] = float(expit(threshold)) if math.isfinite(threshold) else None
        scores["coverage"] = len(sure) / len(photos)
        scores |= {"sure_accuracy": accuracy, "sure_accuracy_low": low, "sure_accuracy_high": high}
    if features is not None:
        scores["unlike"] = float(calibration.out_of_distribution(features).mean())
    return scores


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

    If a checkpoint was selected, its validation row has a 1 in a column ``kept``, by which it is drawn as a point.
    """
    columns = ["epoch", "accuracy", "loss"]
    training = history[columns].assign(split="training")
    validation = history[["epoch", "val_accuracy", "val_loss"]].set_axis(columns, axis=1).assign(split="validation")
    if "kept" in history:
        validation["kept"] = history["kept"].astype(float)
    elif len(history) == 1:  # of which no line can be drawn
        training["kept"] = validation["kept"] = 1.0
    return pd.concat([training, validation])


def roc_curves(predictions: Predictions) -> list[tuple[np.ndarray, np.ndarray]]:
    """Compute false and true positive rates: of the second of two classes, or of each of more against the rest."""
    odds = blockwise(log_odds, predictions.logits)
    classes = range(odds.shape[1]) if odds.shape[1] > 2 else [1]
    return [roc_curve(predictions.labels == index, odds[:, index])[:2] for index in classes]


def mean_roc_curve(curves: list[tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Compute the mean of ROC curves in steps of 0.01."""
    rates = np.linspace(0, 1, 101)
    means = np.mean([np.interp(rates, *curve) for curve in curves], axis=0)
    points = np.vstack([np.zeros(2), np.stack([rates, means], axis=1)])
    return pd.DataFrame(points, columns=["false_positive_rate", "true_positive_rate"]).round(6)
