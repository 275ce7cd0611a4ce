"""The test set, the predictions on it, and the evaluation of a model."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.metrics import roc_curve

from stages.evaluation.costs import Cost
from stages.inference.confidence import cross_entropy, log_odds, row_by_row
from stages.storage.arrays import ArrayStore


@dataclass(frozen=True)
class TestSet:
    photos: pd.DataFrame  # a row per photo: path, label
    classes: list[str]  # in the order of a model's logits
    pixels: ArrayStore  # uint8 in 0..255, shaped (photos, height, width, 3)
    labels: np.ndarray  # class indices, int64, shaped (photos,)
    baseline: float  # accuracy of the majority-class baseline, in 0..1


@dataclass(frozen=True)
class Predictions:
    """A model's predictions on labelled photos; of the properties, the first four are arrays shaped (photos,)."""

    labels: np.ndarray  # class indices, int64, shaped (photos,)
    logits: np.ndarray  # divided by the temperature if there is one, float64, shaped (photos, classes)

    @cached_property
    def predicted(self) -> np.ndarray:
        """Class index of the most probable class, int64."""
        return np.asarray(self.logits.argmax(axis=1))

    @cached_property
    def correct(self) -> np.ndarray:
        """Whether the predicted class is the true one, bool."""
        return np.asarray(self.predicted == self.labels)

    @cached_property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted class, float64."""
        return row_by_row(lambda logits: softmax(logits, axis=1).max(axis=1), self.logits)

    @cached_property
    def log_odds(self) -> np.ndarray:
        """The confidence as log-odds, float64: they differ where it rounds to 1."""
        return row_by_row(lambda logits: log_odds(logits).max(axis=1), self.logits)

    @cached_property
    def loss(self) -> float:
        """Mean cross-entropy in nats."""
        return cross_entropy(self.logits, self.labels)

    @cached_property
    def roc_curves(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """False and true positive rates: of the second of two classes, or of each of more against the rest."""
        odds = row_by_row(log_odds, self.logits)
        classes = range(odds.shape[1]) if odds.shape[1] > 2 else [1]
        return [roc_curve(self.labels == index, odds[:, index])[:2] for index in classes]

    def without_logits(self) -> "Predictions":
        """Return the same without the logits: of 20,000 photos in 1,000 classes these take 160 MB a model."""
        smaller = Predictions(self.labels, self.logits[:, :0])
        for name, each in vars(Predictions).items():
            if isinstance(each, cached_property):
                smaller.__dict__[name] = getattr(self, name)
        return smaller


@dataclass(frozen=True)
class Evaluation:
    """A model's training and its results on the test photos."""

    name: str
    history: pd.DataFrame  # a row per epoch: epoch, accuracy, loss, val_accuracy, val_loss and, if selected, kept
    environment: list[str]  # versions and hardware of the training run
    predictions: Predictions
    scores: dict[str, Any]  # as score returns them, and under "confidence" as score_confidence does
    mistakes: pd.DataFrame  # a row per misclassified photo, as find_mistakes returns them
    cost: Cost | None = None
    repeats: list[dict[str, Any]] = field(default_factory=list)  # per further training run: its seed and scores

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear classifier, which others must beat."""
        return "inverse_regularization" in self.history

    def over_seeds(self, split: str, score: str) -> list[float]:
        """Return a score of every training run, that of the model itself first."""
        return [run[split][score] for run in (self.scores, *self.repeats)]
