"""Training on the features of a frozen backbone, and fine-tuning it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.model_config import ModelConfig
from stages.models.build import build_model
from stages.models.runtime import keras, make_deterministic
from stages.training import callbacks
from stages.training.loop import list_phases, scheduled, train_model
from stages.training.training_run import Backup, History
from tests.models.backbones import write_backbone
from tests.training.examples import FINE_TUNE, SETTINGS, features_of, photos, run_of, train, train_until, weights
from tests.training.small_backbone import small_convnext, use_small_backbone

ON_FEATURES = ModelConfig(features="mobilenet_v2", pool_size=1, dropout=0.5, dense_units=8)
# As a model whose features have a new view in every epoch.
ON_PHOTOS = ON_FEATURES.model_copy(update={"flip": "horizontal", "rotation": 0.2})
SIZE = (32, 32)


@pytest.fixture(autouse=True)
def _backbone(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_backbone(monkeypatch, SIZE)


def fine_tuning(features: str = "mobilenet_v2_blocks", **changes: Any) -> ModelConfig:
    changed = {"features": features, "fine_tune": FINE_TUNE | changes}
    return ModelConfig.model_validate({**ON_FEATURES.model_dump(), **changed})


@pytest.mark.parametrize(
    ("config", "changes", "epoch"),
    [
        (ON_PHOTOS, {}, 1),
        (fine_tuning(after=0.3), {}, 1),  # between the phases
        (fine_tuning(after=0.3), {"schedule": "cosine", "warmup": 0.2}, 2),  # within one
    ],
)
def test_training_on_a_backbone_resumes_to_the_same_bytes(
    check_resumed: Callable[..., None], config: ModelConfig, changes: dict[str, Any], epoch: int
) -> None:
    check_resumed(epoch, SETTINGS.model_copy(update=changes), config)


@pytest.mark.slow
def test_a_convnext_resumes_twice_to_the_same_bytes(
    check_resumed: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.applications, "ConvNeXtTiny", small_convnext)
    write_backbone("ConvNeXtTiny", SIZE, "entry", stop_before="convnext_downsampling_block_2")
    config, settings = fine_tuning("entry"), SETTINGS.model_copy(update={"batch_size": 5, "micro_batches": 1})
    train_until(1, tmp_path, monkeypatch, settings, config)
    check_resumed(2, settings, config)


def test_photos_and_their_stored_features_train_alike(tmp_path: Path) -> None:
    """Three epochs of fresh views are the three stored ones, but for float16."""
    _, fresh = train(tmp_path, SETTINGS, config=ON_PHOTOS)
    _, stored = train(tmp_path, SETTINGS, config=ON_FEATURES, views=3)
    for one, other in zip(fresh, stored, strict=True):
        assert one == pytest.approx(other, abs=2e-3)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("constant", [1e-3, 1e-3, 1e-4]), ("cosine", [5e-4, 0, 0])],  # after each epoch; of the phases 2 and 1
)
def test_each_phase_has_its_own_learning_rate(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, schedule: str, expected: list[float]
) -> None:
    rates, steps = [], []

    def save(self: Backup, model: keras.Model, history: History, kept: Sequence[np.ndarray]) -> None:
        rates.append(float(model.optimizer.learning_rate))
        steps.append(int(model.optimizer.iterations))

    monkeypatch.setattr(Backup, "save", save)
    train(Path(), SETTINGS.model_copy(update={"schedule": schedule}), config=fine_tuning())
    assert rates == pytest.approx(expected, abs=1e-9)
    assert steps == [3, 6, 3], "ten photos are batches of four, four and two"
    left = [message.partition(", accuracy")[0] for message in caplog.messages if message.endswith(" left")]
    assert left == ["backup: epoch 1 of 3", "backup: epoch 2 of 3"]


def test_the_best_epoch_may_be_one_before_fine_tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Early stopping counts from the start of fine-tuning."""
    monkeypatch.setattr(callbacks, "best_epoch", lambda history: 1)
    config = fine_tuning(after=0.5)
    settings = SETTINGS.model_copy(update={"checkpoint": "best", "early_stopping": 1})
    best, history = train(tmp_path, settings, config=config)
    alone, _ = train(tmp_path, SETTINGS.model_copy(update={"epochs": 1}), config=config)
    assert [record.get("kept") for record in history] == [True, None, None]
    np.testing.assert_equal(weights(best), weights(alone))


def test_no_epoch_left_to_fine_tune_in_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    config = fine_tuning()
    assert [phase.fine_tunes for phase in list_phases(config, SETTINGS)] == [False, True]
    assert not caplog.text
    one_epoch = SETTINGS.model_copy(update={"epochs": 1, "schedule": "cosine"})
    for phase in list_phases(config, one_epoch):
        scheduled(phase, one_epoch, steps_per_epoch=1)
    assert "no epoch is left to fine-tune in" in caplog.text


def test_the_head_trains_alone_in_a_fraction_of_the_epochs() -> None:
    """In binary 0.28 of 25 is more than 7; here all fractions of three digits, of up to 1,000 epochs."""
    for thousandths in range(1, 1000):
        config = fine_tuning(after=thousandths / 1000)
        for epochs in {25, 50, 75, 100, 125, 1000, *range(1, 1001, 13)}:
            head, tuned = list_phases(config, SETTINGS.model_copy(update={"epochs": epochs}))
            end = -(-thousandths * epochs // 1000)
            assert (head.start, head.end, tuned.start, tuned.end) == (0, end, end, epochs), (thousandths, epochs)
    assert (head.learning_rate, tuned.learning_rate) == (1e-3, 1e-4)


def test_fine_tuning_changes_the_last_blocks_alone() -> None:
    make_deterministic(0)
    config = fine_tuning()
    model = build_model(config, SIZE, 2)
    before = weights_of(model)
    examples = features_of(model, photos(10, 0, 32), views=2), features_of(model, photos(6, 1, 32), views=1)
    train_model(model, run_of(*examples, config), Path("backup.npz"))
    changed = {name for name, weight in weights_of(model).items() if not np.array_equal(weight, before[name])}
    trained = {name for name in changed if name.startswith("last_blocks/")}
    assert trained
    assert not any(name.startswith("backbone/") for name in changed)
    assert not any("bn" in name.lower() for name in trained), "batch normalisation stays frozen"


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    return {f"{layer.name}/{weight.path}": weight.numpy() for layer in model.layers for weight in layer.weights}
