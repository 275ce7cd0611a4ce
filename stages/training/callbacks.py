"""What happens after each batch and each epoch of a training."""

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from stages.common.program import UserError
from stages.models.runtime import keras
from stages.training.backup import Backup, History
from stages.training.selection import Selection

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
