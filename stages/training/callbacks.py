"""What happens after each batch and each epoch of a training."""

import logging
import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

from stages.common.cli import UserError
from stages.common.paths import LOGS
from stages.models.runtime import keras, tf
from stages.training.backup import Backup, History
from stages.training.selection import Selection

logger = logging.getLogger(__name__)

METRICS = ("accuracy", "loss", "val_accuracy", "val_loss")


@contextmanager
def defer_interrupts() -> Iterator[Event]:
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


class Checkpoint(keras.callbacks.Callback):
    """Add each epoch's record to the history and back the training up; stop if patience is over.

    Raises:
        UserError: The loss is no longer finite.
    """

    def __init__(self, history: History, backup: Backup, selection: Selection) -> None:
        super().__init__()
        self.history = history
        self.backup = backup
        self.selection = selection
        self.kept = backup.kept() if history and selection.keep_best else []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        if not math.isfinite(logs["loss"] + logs["val_loss"]):
            raise UserError(
                f"expected a finite loss, received {logs['loss']} in epoch {epoch + 1} at a learning rate of "
                f"{float(self.model.optimizer.learning_rate):g}: lower train.learning_rate or the model's own"
            )
        self.history.append({"epoch": epoch + 1, **{metric: round(float(logs[metric]), 6) for metric in METRICS}})
        if self.selection.keep_best and self.selection.is_best(self.history):
            self.kept = [variable.numpy() for variable in self.model.variables]
        self.backup.save(self.model, self.history, self.kept)
        self.model.stop_training = self.selection.is_over(self.history)


class TimeLeft(keras.callbacks.Callback):
    """Log after each epoch how long the others take at its pace, unless patience ends the training earlier."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.started = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        others = self.epochs - epoch - 1
        if others and not self.model.stop_training:
            seconds = round(others * (time.monotonic() - self.started))
            logger.info("epoch %d of %d, about %s left", epoch + 1, self.epochs, timedelta(seconds=seconds))


def live_curves(name: str, resumes: bool) -> list[keras.callbacks.Callback]:
    """Make the callback that writes for TensorBoard, if the environment variable ``TENSORBOARD`` asks for it.

    Args:
        resumes: the training goes on from a backup, and its curves from where they ended; otherwise they start anew.
    """
    if os.environ.get("TENSORBOARD", "0") in ("", "0"):
        return []
    folder = LOGS / name
    if not resumes:
        for curves in folder.rglob("events.out.tfevents.*"):
            curves.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return [LiveCurves(folder)]


class LiveCurves(keras.callbacks.Callback):
    """Write each epoch's accuracy and loss into ``train/`` and ``validation/`` in a folder, for TensorBoard.

    Keras's own callback writes them in batches of some epochs, and if killed loses the last.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.writers = {split: tf.summary.create_file_writer(str(folder / split)) for split in ("train", "validation")}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        for split, prefix in (("train", ""), ("validation", "val_")):
            with self.writers[split].as_default(step=epoch + 1):
                for metric in ("accuracy", "loss"):
                    tf.summary.scalar(metric, logs[prefix + metric])
                tf.summary.flush()
