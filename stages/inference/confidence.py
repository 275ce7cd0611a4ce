"""From logits to probabilities: what a model's predictions on the validation photos say of its confidence."""

import math
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax

from stages.common.cli import UserError
from stages.common.params import ConfidenceSettings
from stages.inference.out_of_distribution import distance_to_nearest, normalize


class Confidence(NamedTuple):
    """How probabilities are made of a model's logits, by default by softmax, and which photos to be warned of."""

    temperature: float | None = None  # None: none is fitted, which is the same as 1
    least_log_odds: float | None = None  # of a predicted class, or it is unsure; infinite: every one is
    unlike_above: float | None = None  # distance to the nearest training photo
    training_features: np.ndarray | None = None  # normalised, float32, shaped (training photos, channels)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Compute softmax(logits / temperature), float64, shaped (photos, classes), rows summing to one."""
        return np.asarray(softmax(self.scaled(logits), axis=1))

    def scaled(self, logits: np.ndarray) -> np.ndarray:
        """Divide logits by the temperature: float64, shaped (photos, classes)."""
        return np.asarray(logits.astype(np.float64) / (self.temperature or 1))

    @property
    def gives_notes(self) -> bool:
        return self.least_log_odds is not None or self.unlike_above is not None

    def notes(self, logits: np.ndarray, features: np.ndarray) -> list[str]:
        """Say why not to believe the class of each photo: "unsure", "unlike the training photos", both or nothing ("").

        Args:
            logits: shaped (photos, classes).
            features: a backbone's, shaped (photos, channels); ignored if ``unlike_above`` is None.
        """
        threshold = -math.inf if self.least_log_odds is None else self.least_log_odds
        unsure = log_odds(self.scaled(logits)).max(axis=1) < threshold
        reasons = ("unsure", unsure), ("unlike the training photos", self.unlike(features))
        return [", ".join(reason for reason, holds in reasons if holds[row]) for row in range(len(unsure))]

    def unlike(self, features: np.ndarray) -> np.ndarray:
        """Tell which photos are unlike the training photos, bool, shaped (photos,)."""
        if self.unlike_above is None or self.training_features is None:
            return np.zeros(len(features), bool)
        return distance_to_nearest(features, self.training_features) > self.unlike_above


def read_confidence(path: Path, settings: ConfidenceSettings) -> Confidence:
    """Read what ``train`` wrote beside a model as ``MODEL.npz``; where no setting asks for it, it is not needed.

    Raises:
        UserError: There is no such file.
    """
    if not asks_for_any(settings):
        return Confidence()
    try:
        with path.open("rb") as file:
            return fit_confidence(file, settings)
    except FileNotFoundError as error:
        raise UserError(f"expected {path}, found none: run `dvc repro train@{path.stem.partition('.')[0]}`") from error


def asks_for_any(settings: ConfidenceSettings) -> bool:
    """Tell whether any setting differs from a plain softmax."""
    return settings != ConfidenceSettings()


def fit_confidence(file: BinaryIO, settings: ConfidenceSettings) -> Confidence:
    """Fit to the validation photos what the settings ask for, as far as the file has what it takes."""
    with np.load(file, allow_pickle=False) as loaded:
        arrays = dict(loaded)
    logits, labels = arrays["logits"].astype(np.float64), arrays["labels"]
    fitted = Confidence(fit_temperature(logits, labels) if settings.temperature_scaling else None)
    if settings.abstention_accuracy is not None:
        confidence = log_odds(fitted.scaled(logits)).max(axis=1)
        correct = logits.argmax(axis=1) == labels
        fitted = fitted._replace(least_log_odds=find_threshold(confidence, correct, settings.abstention_accuracy))
    if settings.out_of_distribution_fraction is not None and "training_features" in arrays:
        training = normalize(arrays["training_features"])
        distances = np.sort(distance_to_nearest(arrays["validation_features"], training))
        alike = math.ceil(len(distances) * (1 - Fraction(str(settings.out_of_distribution_fraction))))  # exactly
        above = float(distances[alike - 1])
        fitted = fitted._replace(unlike_above=above, training_features=training)
    return fitted


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Find the T with the lowest cross-entropy of softmax(logits / T) (Guo et al., 2017).

    The most probable class stays the same; above 1, T makes a model less confident. If all photos are classified
    correctly, the cross-entropy falls with T without end, and T is 1.

    Args:
        logits: float64, shaped (photos, classes).
        labels: int64, shaped (photos,).
    """
    if (logits.argmax(axis=1) == labels).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        return cross_entropy(logits / math.exp(log_temperature), labels)

    found = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-6})
    return round(math.exp(found.x), 4)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Compute the mean cross-entropy in nats, with logits shaped (photos, classes) and labels shaped (photos,)."""
    return -float(np.take_along_axis(log_softmax(logits, axis=1), labels[:, None], axis=1).mean())


def log_odds(logits: np.ndarray) -> np.ndarray:
    """Compute log(p / (1 - p)) of the probability p of each class: its logit minus the logsumexp of the others'.

    It sorts as p does. But from a margin of 37 on, p is exactly 1 in float64, and so the same for all such photos.

    Args:
        logits: float64, shaped (photos, classes), with two classes at least.

    Returns:
        The same shape. The largest of a photo is that of the predicted class; of two classes, each is a difference.
    """
    if logits.shape[1] == 2:
        return np.asarray(logits - logits[:, ::-1])
    predicted = np.arange(logits.shape[1]) == logits.argmax(axis=1)[:, None]
    log_p = log_softmax(logits, axis=1)
    others = np.where(predicted, -np.inf, log_p)
    log_rest = np.log1p(-np.exp(others))  # p is at most 1/2 here; 1 - p of the predicted class may round to 0
    log_rest[predicted] = logsumexp(others, axis=1)
    return np.asarray(log_p - log_rest)


def find_threshold(confidence: np.ndarray, correct: np.ndarray, accuracy: float) -> float:
    """Find the lowest confidence from which on photos are classified with at least this accuracy.

    Args:
        confidence, correct: as of ``accuracy_by_coverage``.

    Returns:
        The confidence of a photo, or infinity if there is none such.
    """
    curve = accuracy_by_coverage(confidence, correct)
    return float(min(curve.index[curve["accuracy"] >= accuracy], default=math.inf))


def accuracy_by_coverage(confidence: np.ndarray, correct: np.ndarray) -> pd.DataFrame:
    """Compute the accuracy on the most confident photos, for each threshold (El-Yaniv, Wiener, 2010).

    Args:
        confidence: the log-odds of the predicted class, or anything that sorts as they do, shaped (photos,).
        correct: whether it is the true class, bool, shaped (photos,).

    Returns:
        A row for each confidence that occurs, which is its index, the highest first: ``coverage``, the proportion of
        the photos that are at least as confident, and the ``accuracy`` on these.
    """
    photos = pd.Series(correct).groupby(confidence).agg(["size", "sum"])[::-1].cumsum()
    return pd.DataFrame({"coverage": photos["size"] / len(correct), "accuracy": photos["sum"] / photos["size"]})
