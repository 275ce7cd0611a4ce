"""From logits to probabilities: what a model's predictions on the validation photos say of its confidence."""

import math
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from stages.common.program import UserError
from stages.inference.settings import ConfidenceSettings


class Confidence(NamedTuple):
    """How probabilities are made of a model's logits, and which are too low. By default it is softmax, and none is."""

    temperature: float | None = None  # None: none is fitted, which is the same as 1
    unsure_below: float | None = None  # infinite: every prediction is unsure

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Compute softmax(logits / temperature), float64, shaped (photos, classes), rows summing to one."""
        return np.asarray(softmax(logits.astype(np.float64) / (self.temperature or 1), axis=1))

    @property
    def gives_notes(self) -> bool:
        return self.unsure_below is not None

    def notes(self, probabilities: np.ndarray) -> list[str]:
        """Say of each photo, by its probabilities shaped (photos, classes), that it is unsure, or nothing ("")."""
        below = self.unsure_below or 0
        return ["unsure" if confidence < below else "" for confidence in probabilities.max(axis=1)]


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
        raise UserError(f"expected {path}, found none: run `dvc repro train@{path.stem}`") from error


def asks_for_any(settings: ConfidenceSettings) -> bool:
    """Tell whether any setting differs from a plain softmax."""
    return settings != ConfidenceSettings()


def fit_confidence(file: BinaryIO, settings: ConfidenceSettings) -> Confidence:
    """Fit to the validation photos what the settings ask for."""
    with np.load(file, allow_pickle=False) as arrays:
        logits, labels = arrays["logits"].astype(np.float64), arrays["labels"]
    fitted = Confidence(fit_temperature(logits, labels) if settings.temperature else None)
    if settings.unsure_accuracy is None:
        return fitted
    correct = logits.argmax(axis=1) == labels
    confidence = fitted.probabilities(logits).max(axis=1)
    return fitted._replace(unsure_below=find_threshold(confidence, correct, settings.unsure_accuracy))


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

    def cross_entropy(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits / math.exp(log_temperature), axis=1)
        return -float(np.take_along_axis(log_probabilities, labels[:, None], axis=1).mean())

    found = minimize_scalar(cross_entropy, bounds=(-5, 5), method="bounded", options={"xatol": 1e-6})
    return round(math.exp(found.x), 4)


def find_threshold(confidence: np.ndarray, correct: np.ndarray, accuracy: float) -> float:
    """Find the lowest confidence from which on photos are classified with at least this accuracy.

    Args:
        confidence: the probability of the predicted class, float64, shaped (photos,).
        correct: whether it is the true class, bool, shaped (photos,).

    Returns:
        The confidence of a photo, or infinity if there is none such.
    """
    order = np.argsort(-confidence, kind="stable")
    accuracies = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    last_of_equals = np.append(np.diff(confidence[order]) < 0, True)
    reached = order[(accuracies >= accuracy) & last_of_equals]
    return float(confidence[reached[-1]]) if len(reached) else math.inf
