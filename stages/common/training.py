"""Train a model the same way every time."""

import logging
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from stages.common.backend import keras
from stages.common.backup import Records, fingerprint, load_backup, save_backup
from stages.common.command import UserError
from stages.common.dataset import as_they_are, augmenting, in_order, training_batches, validation_batches
from stages.common.environment import describe_environment
from stages.common.features import compute_features, split_at_backbone, taking_turns
from stages.common.params import Recipe, Train
from stages.common.rows import Budget, Rows

logger = logging.getLogger(__name__)

# Pixels, uint8 of 0..255 shaped (photos, height, width, 3), and labels, int64 shaped (photos,).
Photos = tuple[Rows, np.ndarray]


def train_model(
    model: keras.Model,
    recipe: Recipe,
    settings: Train,
    train: Photos,
    validation: Photos,
    backup: Path,
    budget: Budget,
) -> Records:
    """Train the model, logging a line per epoch, and going on after the last one that ``backup`` knows.

    Of a model with a backbone, that runs over the validation photos once, and over the training photos
    ``recipe.views`` times in all or, where that is None, once an epoch; the rest trains on its features.

    Args:
        validation: the photos to measure on after each epoch.
        backup: a file that holds the state after each epoch while training lasts.
        budget: memory for the backbone's features.

    Returns:
        For each epoch, from 1: ``epoch``, ``accuracy``, ``loss``, ``val_accuracy``, ``val_loss``.

    Raises:
        UserError: The loss is no longer a finite number.
    """
    key = fingerprint_of(model, recipe, settings, train, validation)
    epochs, batch_size = recipe.epochs or settings.epochs, settings.batch_size
    load = augmenting(train[0], recipe, settings.seed)
    to_features = None
    if recipe.backbone != "none":
        to_features, model = split_at_backbone(model)
        photos = in_order(as_they_are(validation[0]), len(validation[0]), batch_size)
        features = compute_features(to_features, photos, len(validation[0]), budget, "backbone, validation photos")
        validation = (features, validation[1])
        if recipe.views:
            views = min(recipe.views, epochs)
            photos = in_order(load, len(train[0]), batch_size, views)
            load = taking_turns(
                compute_features(to_features, photos, views * len(train[0]), budget, "backbone, training photos"),
                views,
            )
            to_features = None

    compile_model(model, recipe.learning_rate or settings.learning_rate)
    history = load_backup(backup, key, model)
    if history:
        logger.info("going on after epoch %d of %d, which an earlier run finished", len(history), epochs)
    batches = training_batches(load, train[1], batch_size, settings.seed, first_epoch=len(history))
    if to_features:
        batches = batches.map(lambda pixels, labels: (to_features(pixels, training=False), labels))
    with interrupts_noted() as interrupted:
        model.fit(
            batches.prefetch(1),
            steps_per_epoch=math.ceil(len(train[1]) / batch_size),
            initial_epoch=len(history),
            epochs=epochs,
            validation_data=validation_batches(*validation, batch_size),
            callbacks=[KeepRecord(history, key, backup), StopWhenInterrupted(interrupted)],
            shuffle=False,  # the batches come shuffled
            verbose=2,
        )
    return history


def fingerprint_of(model: keras.Model, recipe: Recipe, settings: Train, train: Photos, validation: Photos) -> str:
    """Hash all that a training's result depends on."""
    return fingerprint(
        [
            recipe.model_dump_json(),
            settings.model_dump_json(),
            *describe_environment(),
            keras.config.dtype_policy().name,
            *(file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parents[1].rglob("*.py"))),
            *(variable.numpy() for variable in model.variables),  # the backbone's weights among them
            train[1],
            *in_order(as_they_are(train[0]), len(train[0]), settings.batch_size),
            validation[1],
            *in_order(as_they_are(validation[0]), len(validation[0]), settings.batch_size),
        ]
    )


def compile_model(model: keras.Model, learning_rate: float) -> None:
    """Set the notebook's optimizer, loss and metric: Adam, cross-entropy on logits, accuracy."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)


@contextmanager
def interrupts_noted() -> Iterator[Event]:
    """Note Ctrl-C instead of raising it: an exception inside TensorFlow's calls crashes or hangs it at times."""
    interrupted = Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


class StopWhenInterrupted(keras.callbacks.Callback):
    """Raise a noted Ctrl-C between two batches."""

    def __init__(self, interrupted: Event) -> None:
        super().__init__()
        self.interrupted = interrupted

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.interrupted.is_set():
            raise KeyboardInterrupt

    on_test_batch_end = on_train_batch_end


class KeepRecord(keras.callbacks.Callback):
    """Add each epoch to the history and back it up; stop when the loss is lost."""

    def __init__(self, history: Records, key: str, backup: Path) -> None:
        super().__init__()
        self.history = history
        self.key = key
        self.backup = backup

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        columns = ("accuracy", "loss", "val_accuracy", "val_loss")
        if not math.isfinite(logs["loss"] + logs["val_loss"]):
            raise UserError(
                f"expected a finite loss, received {logs['loss']} in epoch {epoch + 1} at a learning rate of "
                f"{float(self.model.optimizer.learning_rate):g}: lower train.learning_rate or the model's own"
            )
        self.history.append({"epoch": epoch + 1, **{column: round(float(logs[column]), 6) for column in columns}})
        save_backup(self.backup, self.key, self.model, self.history)
