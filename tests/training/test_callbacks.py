"""Time left, losses that are not finite, curves for TensorBoard, checkpoint selection and early stopping."""

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from stages.common.cli import UserError
from stages.common.paths import LOGS
from stages.models.runtime import tf
from stages.training import callbacks, loop
from stages.training.callbacks import Checkpoint, EpochLog, best_epoch
from stages.training.training_run import History
from tests.training.examples import SETTINGS, train, train_until, undisturbed, weights


@pytest.fixture
def _tensorboard(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORBOARD", "1")


def curves() -> History:
    """The curves of the only training run as TensorBoard reads them, in the form of a history."""
    records: dict[int, dict[str, Any]] = {}
    for split, prefix in (("train", ""), ("validation", "val_")):
        events = EventAccumulator(str(LOGS / "backup" / split)).Reload()
        for metric in ("accuracy", "loss"):
            for event in events.Tensors(f"epoch_{metric}"):
                value = round(float(tf.make_ndarray(event.tensor_proto)), 6)
                records.setdefault(event.step, {"epoch": event.step + 1})[prefix + metric] = value
    return list(records.values())


@pytest.mark.usefixtures("_tensorboard")
def test_curves_are_the_history_and_continue_where_it_resumes(tmp_path: Path) -> None:
    train_until(2, tmp_path)
    assert curves() == undisturbed()[1][:2]
    assert train(tmp_path) == undisturbed()
    assert curves() == undisturbed()[1]


@pytest.mark.usefixtures("_tensorboard")
def test_curves_of_an_earlier_run_are_replaced(tmp_path: Path) -> None:
    train(tmp_path)
    (tmp_path / "backup.npz").unlink()
    (LOGS / "backup/notes.txt").write_text("mine")
    assert train(tmp_path, SETTINGS.model_copy(update={"epochs": 1}))[1] == curves()
    assert (LOGS / "backup/notes.txt").read_text() == "mine"


def test_a_validation_loss_that_is_not_finite_is_named(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "backup.npz", "", SETTINGS, 0.1)
    with pytest.raises(UserError, match=r"^expected a finite loss, received nan in epoch 1 "):
        checkpoint.on_epoch_end(0, {"loss": 2.5, "val_loss": math.nan})


@pytest.mark.parametrize("value", [None, "0"])
def test_nothing_is_written_for_tensorboard_unless_asked_for(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("TENSORBOARD", raising=False)
    if value is not None:
        monkeypatch.setenv("TENSORBOARD", value)
    train(workspace, SETTINGS.model_copy(update={"epochs": 1}))
    assert not LOGS.exists()


def test_an_epoch_logs_the_time_left(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    times = iter([0.0, 0.0, 100.0, 100.0, 150.0, 150.0])
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=lambda: next(times)))
    callback = EpochLog("cnn", 4)
    logs = {"accuracy": 0.7, "loss": 0.61, "val_accuracy": 0.65, "val_loss": 0.6949}
    for epoch in range(4):
        callback.set_model(SimpleNamespace(stop_training=epoch == 0))  # once patience is over
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, logs)
    metrics = "accuracy 0.700 (validation 0.650), loss 0.610 (validation 0.695)"
    ends = ["", ", about 0:03:20 left", ", about 0:00:50 left", ""]
    assert caplog.messages == [f"cnn: epoch {epoch} of 4, {metrics}{end}" for epoch, end in enumerate(ends, 1)]


LAST = SETTINGS.model_copy(update={"epochs": 4})
BEST = LAST.model_copy(update={"checkpoint": "best"})


def history_of(*scores: tuple[float, float]) -> History:
    """Epochs with these validation accuracies and losses."""
    return [{"epoch": n, "val_accuracy": accuracy, "val_loss": loss} for n, (accuracy, loss) in enumerate(scores, 1)]


@pytest.mark.parametrize(
    ("scores", "epoch"),
    [
        ([(0.6, 0.1), (0.8, 0.9), (0.7, 0.1)], 2),
        ([(0.8, 0.5), (0.8, 0.4), (0.8, 0.6)], 2),
        ([(0.8, 0.4), (0.8, 0.4)], 1),
    ],
    ids=["by accuracy", "in a tie by loss", "the first of two alike"],
)
def test_the_best_epoch_is_chosen(scores: list[tuple[float, float]], epoch: int) -> None:
    assert best_epoch(history_of(*scores)) == epoch


@pytest.mark.parametrize(("patience", "over"), [(2, True), (3, False), (None, False)])
def test_patience_counts_from_the_best_epoch(tmp_path: Path, patience: int | None, over: bool) -> None:
    settings = SETTINGS.model_copy(update={"early_stopping": patience})
    checkpoint = Checkpoint(tmp_path / "backup.npz", "", settings, 0.1)
    checkpoint.history = history_of((0.8, 0.4), (0.7, 0.4), (0.7, 0.4))
    assert checkpoint.is_over == over


@pytest.fixture
def _second_is_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """On noise, the best epoch differs from machine to machine."""
    for module in (callbacks, loop):
        monkeypatch.setattr(module, "best_epoch", lambda history: min(2, len(history)))


@pytest.mark.usefixtures("_second_is_best")
def test_the_selected_epoch_is_the_model() -> None:
    model, history = undisturbed(BEST)
    shorter, [first, second] = undisturbed(LAST.model_copy(update={"epochs": 2}))
    np.testing.assert_equal(weights(model), weights(shorter))
    assert history[:2] == [first, {**second, "kept": True}]
    assert [record.get("kept") for record in history[2:]] == [None, None]


@pytest.mark.usefixtures("_second_is_best")
def test_the_best_epoch_survives_a_kill(check_resumed: Callable[..., None]) -> None:
    check_resumed(3, BEST)


@pytest.mark.usefixtures("_second_is_best")
def test_early_stopping_resumes_to_the_same_model(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, history = undisturbed(BEST)
    settings = BEST.model_copy(update={"early_stopping": 1})
    stopped = train(tmp_path, settings)
    assert stopped[1] == history[:3]
    np.testing.assert_equal(weights(stopped[0]), weights(model))
    assert train(tmp_path, settings) == stopped
    assert "resuming after epoch 3 of 4" in caplog.text
