"""What happens after each batch and each epoch of a training."""

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from stages.common.backend import keras
from stages.common.backup import Records, save_backup
from stages.common.command import UserError


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
