"""Checkpoint selection and early stopping."""

from pathlib import Path

import numpy as np
import pytest

from stages.training import callbacks
from stages.training.backup import History
from stages.training.callbacks import Selection, best_epoch
from tests.training.examples import SETTINGS, train, train_until, undisturbed, weights

LAST = SETTINGS.model_copy(update={"epochs": 4})
BEST = LAST.model_copy(update={"checkpoint": "best"})


def history_of(*scores: tuple[float, float]) -> History:
    """Epochs with these validation accuracies and losses."""
    return [
        {"epoch": epoch, "val_accuracy": accuracy, "val_loss": loss} for epoch, (accuracy, loss) in enumerate(scores, 1)
    ]


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


@pytest.mark.parametrize(("patience", "start", "over"), [(2, 0, True), (3, 0, False), (2, 2, False), (None, 0, False)])
def test_patience_counts_from_the_best_epoch_or_last_phase(patience: int | None, start: int, over: bool) -> None:
    history = history_of((0.8, 0.4), (0.7, 0.4), (0.7, 0.4))
    assert Selection(keep_best=False, patience=patience, start=start).is_over(history) == over


@pytest.fixture
def _second_is_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """On noise, the best epoch differs from machine to machine."""
    monkeypatch.setattr(callbacks, "best_epoch", lambda history: min(2, len(history)))


@pytest.mark.usefixtures("_second_is_best")
def test_the_selected_epoch_is_the_model() -> None:
    model, history = undisturbed(BEST)
    shorter, [first, second] = undisturbed(LAST.model_copy(update={"epochs": 2}))
    np.testing.assert_equal(weights(model), weights(shorter))
    assert history[:2] == [first, {**second, "kept": True}]
    assert [record.get("kept") for record in history[2:]] == [None, None]


@pytest.mark.usefixtures("_second_is_best")
def test_the_best_epoch_survives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_until(3, tmp_path, monkeypatch, BEST)
    assert train(tmp_path, BEST) == undisturbed(BEST)


@pytest.mark.usefixtures("_second_is_best")
def test_early_stopping_resumes_to_the_same_model(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model, history = undisturbed(BEST)
    settings = BEST.model_copy(update={"early_stopping": 1})
    stopped = train(tmp_path, settings)
    assert stopped[1] == history[:3]
    np.testing.assert_equal(weights(stopped[0]), weights(model))
    assert train(tmp_path, settings) == stopped
    assert "resuming after epoch 3 of 4" in caplog.text
