"""The data of an evaluation: the test set, a model's predictions on it, and what is known of the model in the end."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax

from stages.inference.confidence import log_odds
from stages.storage.arrays import ArrayStore


@dataclass(frozen=True)
class TestSet:
    photos: pd.DataFrame  # a row per photo: path, label
    classes: list[str]  # in the order of a model's logits
    pixels: ArrayStore  # uint8 in 0..255, shaped (photos, height, width, 3)
    labels: np.ndarray  # int64, shaped (photos,): the place of each photo's class among the classes
    baseline: float  # accuracy of the majority-class baseline, in 0..1


@dataclass(frozen=True)
class Predictions:
    """A model's predictions on labelled photos."""

    labels: np.ndarray  # int64, shaped (photos,)
    logits: np.ndarray  # divided by the temperature if there is one, float64, shaped (photos, classes)

    @property
    def probabilities(self) -> np.ndarray:
        """float64, shaped (photos, classes), rows summing to one."""
        return np.asarray(softmax(self.logits, axis=1))

    @cached_property
    def predicted(self) -> np.ndarray:
        """The most probable class of each photo: int64, shaped (photos,)."""
        return np.asarray(self.logits.argmax(axis=1))

    @cached_property
    def confidence(self) -> np.ndarray:
        """The probability of the predicted class: float64, shaped (photos,)."""
        return np.asarray(self.probabilities.max(axis=1))

    @cached_property
    def log_odds(self) -> np.ndarray:
        """The confidence as log-odds, to sort by where it rounds to 1: float64, shaped (photos,)."""
        return np.asarray(log_odds(self.logits).max(axis=1))

    @property
    def correct(self) -> np.ndarray:
        """Whether the predicted class is the true one: bool, shaped (photos,)."""
        return np.asarray(self.predicted == self.labels)


@dataclass(frozen=True)
class Evaluation:
    """What is known of a model once it has classified the test photos."""

    name: str
    history: pd.DataFrame  # a row per epoch: epoch, accuracy, loss, val_accuracy, val_loss, if one was chosen, kept
    environment: list[str]  # versions and hardware that the model was trained with
    predictions: Predictions
    scores: dict[str, Any]  # as score returns them
    mistakes: pd.DataFrame  # a row per misclassified photo, as find_mistakes returns them
    repeats: list[dict[str, Any]] = field(default_factory=list)  # of each training from another seed: seed, and scores

    def over_seeds(self, split: str, score: str) -> list[float]:
        """Give a score of the model, and of its trainings from other seeds."""
        return [training[split][score] for training in (self.scores, *self.repeats)]
