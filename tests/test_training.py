from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common import training
from stages.common.backend import make_deterministic
from stages.common.backup import fingerprint
from stages.common.command import UserError
from stages.common.models import build_model, save_model
from stages.common.params import Recipe, Train
from stages.common.rows import Budget
from stages.common.training import train_model

SETTINGS = Train(
    image_size=(16, 16),
    batch_size=4,
    epochs=3,
    learning_rate=1e-3,
    precision="float32",
    threads=1,
    memory_gib=1.0,
    seed=0,
)
RECIPE = Recipe(backbone="none", scale=(0, 1), flip="horizontal", rotation=0.2, convolutions=[4], dropout=0.5, units=8)


def photos(count: int, seed: int) -> training.Photos:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 16, 16, 3)).astype(np.uint8), rng.integers(0, 2, count)


def train(path: Path, settings: Train = SETTINGS, seed: int = 0, recipe: Recipe = RECIPE) -> tuple[bytes, Any]:
    """Train, and return the saved model's bytes and the history."""
    make_deterministic(settings.seed, settings.threads)
    model = build_model(recipe, settings.image_size, 2)
    budget = Budget(settings.memory_gib)
    history = train_model(model, recipe, settings, photos(10, seed), photos(6, 100), path / "backup.npz", budget)
    save_model(model, path / "model.keras")
    return (path / "model.keras").read_bytes(), history


class KilledError(Exception):
    """Stands for whatever ends a process."""


def train_until(epoch: int, path: Path, monkeypatch: pytest.MonkeyPatch, settings: Train = SETTINGS) -> None:
    """Train, and be stopped in the epoch after this one."""

    def die(self: Any, batch: int, logs: Any = None) -> None:
        if len(self.history) == epoch and batch == 1:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(training.KeepRecord, "on_train_batch_end", die)
        with pytest.raises(KilledError):
            train(path, settings)


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first = train(tmp_path / "a")
    (tmp_path / "a/backup.npz").unlink()
    assert train(tmp_path / "a") == first
    assert train(tmp_path / "b", SETTINGS.model_copy(update={"seed": 1})) != first


def test_the_history_has_a_record_for_each_epoch(tmp_path: Path) -> None:
    _, history = train(tmp_path / "a")
    assert [record["epoch"] for record in history] == [1, 2, 3]
    assert set(history[0]) == {"epoch", "accuracy", "loss", "val_accuracy", "val_loss"}


@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_a_killed_training_ends_with_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, epoch: int
) -> None:
    caplog.set_level("INFO")
    undisturbed = train(tmp_path / "a")
    train_until(epoch, tmp_path / "b", monkeypatch)
    assert train(tmp_path / "b") == undisturbed
    assert (f"going on after epoch {epoch} of 3" in caplog.text) == (epoch > 0)


def test_a_backup_of_the_last_epoch_needs_no_more_training(tmp_path: Path) -> None:
    first = train(tmp_path / "a")
    assert train(tmp_path / "a") == first


def test_a_backup_of_other_parameters_or_photos_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = train(tmp_path / "a")
    train_until(2, tmp_path / "b", monkeypatch, SETTINGS.model_copy(update={"learning_rate": 0.1}))
    assert train(tmp_path / "b") == undisturbed
    assert train(tmp_path / "b", seed=7) != undisturbed
    assert train(tmp_path / "b") == undisturbed


def test_a_fingerprint_tells_where_one_part_ends_and_the_next_begins() -> None:
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])
    assert fingerprint([np.zeros(2)]) == fingerprint([np.zeros(2, np.int64)])


def test_a_lost_loss_stops_with_the_epoch_and_the_rate(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a finite loss, received (nan|inf) in epoch 1 at a learning rate of 1e\+30"):
        train(tmp_path / "a", SETTINGS.model_copy(update={"learning_rate": 1e30}))
    assert not (tmp_path / "a/model.keras").exists()
