"""Callbacks: checkpoints and early stopping, deferred interrupts, a line per epoch."""

import math
import signal
import time
from datetime import timedelta
from typing import Any, NamedTuple

from stages.common.cli import UserError, logger
from stages.models.runtime import keras
from stages.training.training_run import Backup, History


class Selection(NamedTuple):
    """Checkpoint selection and early stopping."""

    keep_best: bool
    patience: int | None  # epochs

    def is_over(self, history: History) -> bool:
        return self.patience is not None and len(history) >= self.patience + best_epoch(history)

    def mark(self, history: History) -> History:
        """Mark the selected epoch as ``kept``, unless the last is selected whatever its scores."""
        best = best_epoch(history) if self.keep_best else 0
        return [{**record, "kept": True} if record["epoch"] == best else record for record in history]


def best_epoch(history: History) -> int:
    """Return the epoch of the highest validation accuracy, then the lowest validation loss; the first of ties."""
    ranked = sorted(history, key=lambda record: (-record["val_accuracy"], record["val_loss"]))
    return int(ranked[0]["epoch"]) if ranked else 0


class Checkpoint(keras.callbacks.Callback):
    """Record and back up each epoch, and stop training early, or with an error if the loss is not finite."""

    def __init__(self, backup: Backup, selection: Selection, learning_rate: float) -> None:
        super().__init__()
        self.backup, self.selection, self.learning_rate = backup, selection, learning_rate
        self.history, self.best = backup.history(), backup.best()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        loss = logs["loss"] + logs["val_loss"]
        if not math.isfinite(loss):
            received = f"received {loss} in epoch {epoch + 1} at a learning rate of {self.learning_rate:g}"
            raise UserError(f"expected a finite loss, {received}: lower train.learning_rate or the model's own")
        metrics = ("accuracy", "loss", "val_accuracy", "val_loss")
        self.history.append({"epoch": epoch + 1, **{metric: round(float(logs[metric]), 6) for metric in metrics}})
        if self.selection.keep_best and best_epoch(self.history) == epoch + 1:
            self.best = [variable.numpy() for variable in self.model.variables]
        self.backup.save(self.model, self.history, self.best)
        self.model.stop_training = self.selection.is_over(self.history)


class DeferredInterrupt(keras.callbacks.Callback):
    """Defer Ctrl-C to the end of the batch, in a ``with`` block: raised inside TensorFlow's calls it may hang them."""

    interrupted = False

    def __enter__(self) -> "DeferredInterrupt":
        self.handler = signal.signal(signal.SIGINT, lambda *_: setattr(self, "interrupted", True))
        return self

    def __exit__(self, error: type[BaseException] | None, *_: Any) -> None:
        signal.signal(signal.SIGINT, self.handler)
        if error is None:
            self.on_train_batch_end(0)  # interrupted while the last epoch was backed up

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt

    on_test_batch_end = on_train_batch_end


class EpochLog(keras.callbacks.Callback):
    """Log each epoch's metrics and the time left. Keras's lines do not name the model, and two may train at once."""

    def __init__(self, name: str, epochs: int) -> None:
        super().__init__()
        self.name, self.epochs = name, epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        line = f"{self.name}: epoch {epoch + 1} of {self.epochs}"
        for metric in ("accuracy", "loss"):
            line += f", {metric} {logs[metric]:.3f} (validation {logs[f'val_{metric}']:.3f})"
        remaining = self.epochs - epoch - 1
        if remaining and not self.model.stop_training:
            left = timedelta(seconds=round(remaining * (time.monotonic() - self.started)))
            line += f", about {left} left"
        logger.info(line)
