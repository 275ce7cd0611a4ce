"""Inputs and results of a training run, without loading TensorFlow."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.common.model_config import ModelConfig
from stages.common.params import Train
from stages.datasets.dataset import Dataset

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
