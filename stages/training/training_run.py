"""Inputs, results and backups of a training run, without loading TensorFlow."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.common.model_config import ModelConfig
from stages.common.params import Train
from stages.datasets.dataset import Dataset
from stages.storage.arrays import read_cached, write_cached

# The code that a trained model depends on: the same as the dependencies of `train` in dvc.yaml.
TRAINING_CODE = ("datasets/*.py", "models/*.py", "storage/*.py", "train.py", "training/*.py")

History = list[dict[str, Any]]  # a record per epoch


class TrainingRun(NamedTuple):
    """A training run of a model from one seed."""

    config: ModelConfig
    settings: Train  # with the config's own values and this run's seed
    image_size: tuple[int, int]
    classes: list[str]
    paths: "pd.Series[str]"  # of the training photos
    train: Dataset
    validation: Dataset
    sample: np.ndarray  # pixels of the validation photos at `sample_rows`, on which the saved model is checked
    path: Path  # of the saved model


class Trained(NamedTuple):
    """Results of a training run beside the saved model."""

    history: History
    logits: np.ndarray  # of the validation photos, float32, shaped (photos, classes)
    environment: list[str]
    features: list[np.ndarray]  # of training and validation photos, pooled, float16; none without a backbone
    cross_validation: list[dict[str, float]] | None = None  # of a linear classifier


class Backup:
    """The state of a run after its last epoch, by which a killed one resumes exactly (docs/decisions/own_backup.md)."""

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key  # the key is a hash of all that the training run depends on
        self.saved = read_cached(path, key)  # nothing without a backup, or if it is damaged (logged) or outdated

    def history(self) -> History:
        """Return the records of the finished epochs."""
        return list(json.loads(str(self.saved["history"]))) if self.saved else []

    def save(self, model: Any, history: History, best: Sequence[np.ndarray] = ()) -> None:
        """Replace the backup of the epoch before, with the variables of the best epoch if that becomes the model."""
        arrays = {f"variable_{index}": variable.numpy() for index, variable in enumerate(variables_of(model))}
        arrays |= {f"best_{index}": array for index, array in enumerate(best)}
        write_cached(self.path, self.key, history=np.array(json.dumps(history)), **arrays)

    def restore(self, model: Any) -> None:
        """Restore the state of a compiled model with a built optimizer."""
        for index, variable in enumerate(variables_of(model)):
            variable.assign(self.saved.pop(f"variable_{index}"))  # popped, to free its memory

    def best(self) -> list[np.ndarray]:
        """Return the model's variables after the best epoch; none if the last becomes the model."""
        return [array for name, array in self.saved.items() if name.startswith("best_")]


def variables_of(model: Any) -> list[Any]:
    """List what training changes: weights, states of random generators, the optimizer's moments and step count."""
    return [*model.variables, *model.optimizer.variables]
