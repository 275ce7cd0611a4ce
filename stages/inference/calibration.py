"""Calibration, abstention and out-of-distribution detection, fitted on the validation photos.

A photo's out-of-distribution score is the distance of its features to the nearest training photo's (Sun et al., 2022,
"Out-of-distribution detection with deep nearest neighbors"): 1 minus the cosine, which sorts as their distance does.
"""

import math
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax

from stages.common.params import ConfidenceSettings
from stages.common.paths import retrain_advice
from stages.storage.arrays import blockwise
from stages.storage.files import explain_unreadable

SOFTMAX_ALONE = ConfidenceSettings()


class Calibration(NamedTuple):
    """Temperature of a model's softmax, and thresholds of its notes; by default a plain softmax without notes."""

    temperature: float | None = None  # None: not fitted, which is the same as 1
    log_odds_threshold: float | None = None  # of the predicted class; below it a photo is unsure; may be infinite
    distance_threshold: float | None = None  # to the nearest training photo; above it a photo is unlike these
    training_features: np.ndarray | None = None  # normalised, float32, shaped (training photos, channels)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Compute softmax(logits / temperature), float64, shaped (photos, classes), rows summing to one."""
        return np.asarray(softmax(self.scaled(logits), axis=1))

    def scaled(self, logits: np.ndarray) -> np.ndarray:
        """Divide logits by the temperature: float64, shaped (photos, classes)."""
        return np.asarray(logits.astype(np.float64) / (self.temperature or 1))

    @property
    def gives_notes(self) -> bool:
        return self.log_odds_threshold is not None or self.distance_threshold is not None

    def notes(self, logits: np.ndarray, features: np.ndarray | None) -> list[str]:
        """Return "unsure", "unlike the training photos", both or "" for each photo."""
        threshold = -math.inf if self.log_odds_threshold is None else self.log_odds_threshold
        unsure = log_odds(self.scaled(logits)).max(axis=1) < threshold
        unlike = np.zeros(len(logits), bool) if features is None else self.out_of_distribution(features)
        notes = {"unsure": unsure, "unlike the training photos": unlike}
        return [", ".join(note for note, holds in notes.items() if holds[row]) for row in range(len(logits))]

    def out_of_distribution(self, features: np.ndarray) -> np.ndarray:
        """Return which photos are out-of-distribution, bool, shaped (photos,), by their features."""
        if self.distance_threshold is None or self.training_features is None:
            return np.zeros(len(features), bool)
        return distance_to_nearest(features, self.training_features) > self.distance_threshold


def read_validation(path: Path) -> dict[str, np.ndarray]:
    """Read the ``MODEL.npz`` that ``train`` wrote, or raise UserError if it is missing or damaged."""
    with explain_unreadable(path, retrain_advice(path)):
        return parse_validation(path.read_bytes(), path, retrain_advice(path))


def parse_validation(content: bytes, source: Path | str, advice: str) -> dict[str, np.ndarray]:
    """Return the arrays of a ``MODEL.npz``, or raise UserError if it is damaged."""
    with explain_unreadable(source, advice), np.load(BytesIO(content), allow_pickle=False) as loaded:
        logits, labels = loaded["logits"], loaded["labels"]
        is_of_type = logits.dtype.kind in "fi" and labels.dtype.kind == "i"
        if not is_of_type or logits.ndim != 2 or not logits.size or labels.shape != logits.shape[:1]:
            raise ValueError("no logits, shaped (photos, classes), with a class index of each photo")
        return dict(loaded)


def fit_calibration(arrays: dict[str, np.ndarray], settings: ConfidenceSettings) -> Calibration:
    """Fit to the validation photos; without features, as of a model without a backbone, there are no distances."""
    logits, labels = arrays["logits"].astype(np.float64), arrays["labels"]
    fitted = Calibration(fit_temperature(logits, labels) if settings.temperature_scaling else None)
    if settings.abstention_accuracy is not None:
        odds = log_odds(fitted.scaled(logits)).max(axis=1)
        accuracy = accuracy_by_coverage(odds, logits.argmax(axis=1) == labels)["accuracy"]
        accurate = accuracy.index[accuracy >= settings.abstention_accuracy]
        fitted = fitted._replace(log_odds_threshold=float(min(accurate, default=math.inf)))
    if settings.out_of_distribution_fraction is not None and "training_features" in arrays:
        training = normalize(arrays["training_features"])
        distances = np.sort(distance_to_nearest(arrays["validation_features"], training))
        fraction = Fraction(str(settings.out_of_distribution_fraction))  # exact, unlike a float
        threshold = float(distances[math.ceil(len(distances) * (1 - fraction)) - 1])
        fitted = fitted._replace(distance_threshold=threshold, training_features=training)
    return fitted


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Fit the T that minimises the cross-entropy of softmax(logits / T) (Guo et al., 2017)."""
    if (logits.argmax(axis=1) == labels).all():
        return 1.0  # the cross-entropy falls with T without end
    optimum = minimize_scalar(
        lambda log_t: cross_entropy(logits / math.exp(log_t), labels), bounds=(-5, 5), options={"xatol": 1e-6}
    )
    return round(math.exp(optimum.x), 4)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Compute the mean cross-entropy in nats, with logits shaped (photos, classes) and labels shaped (photos,)."""
    log_p = blockwise(lambda rows: log_softmax(rows, axis=1), logits)
    return -float(np.take_along_axis(log_p, labels[:, None], axis=1).mean())


def log_odds(logits: np.ndarray) -> np.ndarray:
    """Compute log(p / (1 - p)) of each class: its logit minus the logsumexp of the others'.

    They sort as p does, but p is exactly 1 in float64 from a margin of 37 on, and then the same for all photos.
    Logits and result are float64, shaped (photos, classes).
    """
    if logits.shape[1] == 2:
        return np.asarray(logits - logits[:, ::-1])
    predicted = np.arange(logits.shape[1]) == logits.argmax(axis=1)[:, None]
    log_p = log_softmax(logits, axis=1)
    others = np.where(predicted, -np.inf, log_p)
    log_rest = np.log1p(-np.exp(others))  # p is at most 1/2 here; 1 - p of the predicted class may round to 0
    log_rest[predicted] = logsumexp(others, axis=1)
    return np.asarray(log_p - log_rest)


def accuracy_by_coverage(confidence: np.ndarray, correct: np.ndarray) -> pd.DataFrame:
    """Compute the accuracy on the most confident photos, for each threshold (El-Yaniv, Wiener, 2010).

    The index is each confidence that occurs, in descending order: log-odds of the predicted class, or anything that
    sorts as they do; ``coverage`` is the proportion of photos that are at least as confident, ``accuracy`` theirs.
    """
    photos = pd.Series(correct).groupby(confidence).agg(["size", "sum"])[::-1].cumsum()
    return pd.DataFrame({"coverage": photos["size"] / len(correct), "accuracy": photos["sum"] / photos["size"]})


def distance_to_nearest(features: np.ndarray, training_features: np.ndarray) -> np.ndarray:
    """Compute each photo's distance to the nearest training photo, float32 in 0..2, by features of a row a photo."""
    return 1 - blockwise(lambda rows: (normalize(rows) @ training_features.T).max(axis=1), features)


def normalize(features: np.ndarray) -> np.ndarray:
    """Scale each row to length 1, as float32; a row of zeros stays one."""
    rows = features.astype(np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny))
