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
    """How probabilities are made of a model's logits. By default as a plain softmax does it."""

    temperature: float | None = None  # None: none is fitted, which is the same as 1

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Compute softmax(logits / temperature), float64, shaped (photos, classes), rows summing to one."""
        return np.asarray(softmax(logits.astype(np.float64) / (self.temperature or 1), axis=1))


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
    return settings.temperature


def fit_confidence(file: BinaryIO, settings: ConfidenceSettings) -> Confidence:
    """Fit to the validation photos what the settings ask for."""
    with np.load(file, allow_pickle=False) as arrays:
        logits, labels = arrays["logits"].astype(np.float64), arrays["labels"]
    return Confidence(fit_temperature(logits, labels) if settings.temperature else None)


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
