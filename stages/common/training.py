"""Fit a model the same way every time."""

import logging
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from stages.common.backup import Records, fingerprint, load_backup, save_backup, state_of
from stages.common.command import UserError
from stages.common.dataset import training_batches
from stages.common.environment import describe_environment
from stages.common.params import Recipe, Train

logger = logging.getLogger(__name__)

Photos = tuple[np.ndarray, np.ndarray]


def make_deterministic(seed: int) -> None:
    """Make this process's random numbers and TensorFlow's operations repeat exactly; call it before building."""
    keras.utils.clear_session()  # layers' names count from one again
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def compile_model(model: keras.Model, learning_rate: float) -> None:
    """Set the notebook's optimizer, loss and metric: Adam, cross-entropy on logits, accuracy."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)


def fit(
    model: keras.Model, recipe: Recipe, settings: Train, train: Photos, validation: Photos, backup: Path
) -> Records:
    """Train the model, logging a line per epoch, and going on after the last one that ``backup`` knows.

    Args:
        train: pixels, uint8 of 0..255 shaped (photos, height, width, 3), and labels, int64 shaped (photos,).
        validation: the same of the photos to measure on after each epoch.
        backup: a file that holds the state after each epoch while training lasts.

    Returns:
        For each epoch, from 1: ``epoch``, ``accuracy``, ``loss``, ``val_accuracy``, ``val_loss``.

    Raises:
        UserError: The loss is no longer a finite number.
    """
    compile_model(model, recipe.learning_rate or settings.learning_rate)
    epochs = recipe.epochs or settings.epochs
    key = fingerprint(
        [
            recipe.model_dump_json(),
            settings.model_dump_json(),
            *describe_environment(),
            *(file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parents[1].rglob("*.py"))),
            *(variable.numpy() for variable in state_of(model)),  # the backbone's weights among them
            *train,
            *validation,
        ]
    )
    history = load_backup(backup, key, model)
    if history:
        logger.info("going on after epoch %d of %d, which an earlier run finished", len(history), epochs)
    with interrupts_noted() as interrupted:
        model.fit(
            training_batches(*train, settings.batch_size, settings.seed, first_epoch=len(history)),
            steps_per_epoch=math.ceil(len(train[0]) / settings.batch_size),
            initial_epoch=len(history),
            epochs=epochs,
            validation_data=tf.data.Dataset.from_tensor_slices(validation).batch(settings.batch_size),
            callbacks=[KeepRecord(history, key, backup), StopWhenInterrupted(interrupted)],
            shuffle=False,  # the batches come shuffled
            verbose=2,
        )
    return history


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
