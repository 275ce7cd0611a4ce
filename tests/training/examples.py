"""Training runs of a second, on noise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.common.model_config import Augmentation, ModelConfig
from stages.common.params import Train
from stages.datasets.dataset import Dataset
from stages.datasets.feature_extraction import feature_extractor, store_features
from stages.models.build import build_model
from stages.models.runtime import keras, make_deterministic, set_precision, tf
from stages.models.saving import save_model
from stages.storage.arrays import temporary_array
from stages.training import callbacks
from stages.training.loop import train_model
from stages.training.training_run import TrainingRun

SETTINGS = Train(
    batch_size=4,
    epochs=3,
    learning_rate=1e-3,
    precision="float32",
    micro_batches=2,
    seed=0,
    runs=1,
    class_weight="none",
    checkpoint="last",
)
AUGMENTATION = Augmentation(flip="horizontal", rotation=0.2)
SMALL = {"features": "pixels", "conv_layers": 1, "filters": 4, "dropout": 0.5, "dense_units": 8}
CONFIG = ModelConfig.model_validate({**SMALL, "flip": "horizontal", "rotation": 0.2})
FINE_TUNE = {"learning_rate": 1e-4}


def photos(count: int, seed: int, side: int = 16) -> Dataset:
    rng = np.random.default_rng(seed)
    return Dataset(rng.integers(0, 256, (count, side, side, 3)).astype(np.uint8), rng.integers(0, 2, count))


def run_of(
    train: Dataset, validation: Dataset, config: ModelConfig = CONFIG, settings: Train = SETTINGS
) -> TrainingRun:
    paths, sample = pd.Series(dtype=str), np.empty(0)
    return TrainingRun(config, settings, (16, 16), ["a", "b"], paths, train, validation, sample, Path("model.keras"))


def train(path: Path, settings: Train = SETTINGS, seed: int = 0, config: ModelConfig = CONFIG) -> tuple[bytes, Any]:
    """Train, and return the saved model's bytes and the history."""
    make_deterministic(settings.seed)
    set_precision(settings.precision, has_backbone=config.has_backbone)
    side = 32 if config.has_backbone else 16
    model = build_model(config, (side, side), 2)
    train, validation = photos(10, seed, side), photos(6, 100, side)
    if config.has_backbone:
        train, validation = features_of(model, train, views=2), features_of(model, validation, views=1)
    history, _ = train_model(model, run_of(train, validation, config, settings), path / "backup.npz")
    save_model(model, path / "model.keras")
    return (path / "model.keras").read_bytes(), history


def features_of(model: keras.Model, dataset: Dataset, views: int) -> Dataset:
    """Extract features as ``stages.features`` does: their features, the training photos' in augmented views."""
    extractor = feature_extractor(model.get_layer("preprocessing"), model.get_layer("backbone"))
    augmentation = AUGMENTATION if views > 1 else Augmentation()
    stored = temporary_array((views * len(dataset.labels), *extractor.output_shape[1:]), np.float16)
    tf.config.run_functions_eagerly(True)  # tracing takes longer than these few photos do
    try:
        store_features(replace(dataset, augmentation=augmentation), extractor, stored, "")
    finally:
        tf.config.run_functions_eagerly(False)
    return Dataset(stored[np.arange(len(stored))], dataset.labels)


@cache
def undisturbed(settings: Train = SETTINGS, config: ModelConfig = CONFIG) -> tuple[bytes, Any]:
    """The result of :func:`train` when nothing interrupts it."""
    with TemporaryDirectory() as folder:
        return train(Path(folder), settings, config=config)


def weights(model: bytes) -> list[np.ndarray]:
    """A saved model's weights. (Its optimizer's state is that of the last epoch, whichever is selected.)"""
    with NamedTemporaryFile(suffix=".keras") as file:
        Path(file.name).write_bytes(model)
        return list(keras.saving.load_model(file.name, compile=False).get_weights())


class KilledError(Exception):
    """Stands for whatever ends a process."""


@contextmanager
def killed_after(epoch: int, backup: str = "") -> Iterator[None]:
    """Stop what trains inside in the epoch after this one, or only that with a backup of this name."""

    def die(self: Any, batch: int, logs: Any = None) -> None:
        if len(self.history) == epoch and backup in self.path.name:
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks.Checkpoint, "on_train_batch_end", die)
        with pytest.raises(KilledError):
            yield


def train_until(epoch: int, path: Path, settings: Train = SETTINGS, config: ModelConfig = CONFIG) -> None:
    with killed_after(epoch):
        train(path, settings, config=config)
