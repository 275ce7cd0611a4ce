"""Callbacks: checkpoints, backups and early stopping, deferred interrupts, a line per epoch."""

import json
import math
import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from stages.common.cli import UserError, logger
from stages.common.params import Train
from stages.models.runtime import keras
from stages.storage.arrays import read_cached, write_cached
from stages.training.training_run import History


def best_epoch(history: History) -> int:
    """Return the epoch of the highest validation accuracy, then the lowest validation loss; the first of ties."""
    ranked = sorted(history, key=lambda record: (-record["val_accuracy"], record["val_loss"]))
    return int(ranked[0]["epoch"]) if ranked else 0


class Checkpoint(keras.callbacks.Callback):
    """Record each epoch and back up the run, so that a killed one resumes exactly (docs/decisions/own_backup.md).

    It also stops training early, or with an error if the loss is not finite.
    """

    def __init__(self, path: Path, key: str, settings: Train, learning_rate: float) -> None:
        super().__init__()
        self.path, self.key = path, key  # the key is a hash of all that the training run depends on
        self.settings, self.learning_rate = settings, learning_rate
        self.saved = read_cached(path, key)  # nothing without a backup, or if it is damaged (logged) or outdated
        self.history: History = json.loads(str(self.saved["history"])) if self.saved else []
        # The model's variables after the best epoch; none if the last becomes the model.
        self.best = [array for name, array in self.saved.items() if name.startswith("best_")]

    @property
    def is_over(self) -> bool:
        """Whether early stopping ends the run after its last epoch."""
        patience = self.settings.early_stopping
        return patience is not None and len(self.history) >= patience + best_epoch(self.history)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        loss = logs["loss"] + logs["val_loss"]
        if not math.isfinite(loss):
            received = f"received {loss} in epoch {epoch + 1} at a learning rate of {self.learning_rate:g}"
            raise UserError(f"expected a finite loss, {received}: lower train.learning_rate or the model's own")
        metrics = ("accuracy", "loss", "val_accuracy", "val_loss")
        self.history.append({"epoch": epoch + 1, **{metric: round(float(logs[metric]), 6) for metric in metrics}})
        if self.settings.checkpoint == "best" and best_epoch(self.history) == epoch + 1:
            self.best = [variable.numpy() for variable in self.model.variables]
        self.save()
        self.model.stop_training = self.is_over

    def save(self) -> None:
        """Replace the backup of the epoch before."""
        arrays = {f"variable_{index}": variable.numpy() for index, variable in enumerate(variables_of(self.model))}
        arrays |= {f"best_{index}": array for index, array in enumerate(self.best)}
        write_cached(self.path, self.key, history=np.array(json.dumps(self.history)), **arrays)

    def restore(self, model: keras.Model) -> None:
        """Restore the state of a compiled model with a built optimizer."""
        for index, variable in enumerate(variables_of(model)):
            variable.assign(self.saved.pop(f"variable_{index}"))  # popped, to free its memory


def variables_of(model: keras.Model) -> list[Any]:
    """List what training changes: weights, states of random generators, the optimizer's moments and step count."""
    return [*model.variables, *model.optimizer.variables]


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
