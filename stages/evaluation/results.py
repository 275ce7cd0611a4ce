"""The test set, logits on labelled photos, and the evaluation of a model."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.common.param_types import ImageFit
from stages.storage.arrays import ArrayStore


@dataclass(frozen=True)
class TestSet:
    photos: pd.DataFrame  # a row per photo: path, label
    classes: list[str]  # in the order of a model's logits
    pixels: ArrayStore  # uint8 in 0..255, shaped (photos, height, width, 3)
    labels: np.ndarray  # class indices, int64, shaped (photos,)
    baseline: float  # accuracy of the majority-class baseline, in 0..1
    image_fit: ImageFit = "stretch"  # with which the pixels were decoded
    lists: str = ""  # hash of the training and validation lists


class Predictions(NamedTuple):
    labels: np.ndarray  # class indices, int64, shaped (photos,)
    logits: np.ndarray  # float64, shaped (photos, classes)


class Cost(NamedTuple):
    """Counts of what a model costs, the same on every machine."""

    megabytes: float  # of the saved model
    parameters: int
    multiply_adds: int  # to classify a photo
    training_multiply_adds: int  # features of all views included


@dataclass(frozen=True)
class Evaluation:
    """A model's training and its results on the test photos; no logits: of 20,000 photos in 1,000 classes, 160 MB."""

    name: str
    history: pd.DataFrame  # a row per epoch: epoch, accuracy, loss, val_accuracy, val_loss and, if selected, kept
    photos: pd.DataFrame  # a row per test photo, as tabulate_predictions returns them
    roc: pd.DataFrame  # as mean_roc_curve returns it
    scores: dict[str, Any]  # as scores.evaluate describes them
    environment: list[str] = field(default_factory=list)  # versions and hardware of the training run
    cost: Cost | None = None
    repeats: list[dict[str, Any]] = field(default_factory=list)  # per further training run: its seed and scores

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear classifier, which others must beat."""
        return "inverse_regularization" in self.history

    @property
    def mistakes(self) -> pd.DataFrame:
        """The misclassified photos, most confident first."""
        wrong = self.photos[~self.photos["correct"]]
        return wrong.sort_values(["log_odds", "path"], ascending=[False, True], ignore_index=True)

    def over_seeds(self, split: str, score: str) -> list[float]:
        """Return a score of every training run, that of the model itself first."""
        return [run[split][score] for run in (self.scores, *self.repeats)]
