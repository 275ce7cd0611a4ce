"""The training loop, and that a run which is stopped and resumed ends as one in one go."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.cli import UserError
from stages.common.model_config import FineTune, ModelConfig
from stages.datasets.dataset import Dataset
from stages.models import build
from stages.models.build import build_model
from stages.models.runtime import keras
from stages.storage.arrays import DiskArray, open_array
from stages.training.callbacks import Checkpoint
from stages.training.loop import scheduled, training_key
from tests.models.backbones import write_backbone
from tests.training.examples import CONFIG, FINE_TUNE, SETTINGS, photos, run_of, train, train_until, undisturbed
from tests.training.small_backbone import small_convnext, use_small_backbone

Resumed = Callable[..., None]  # the fixture `check_resumed`

NORMALIZED = {"batch_norm": True, "pooling": "average", "crop": 0.5, "color_jitter": 0.4, "erasing": 0.5}


@pytest.mark.parametrize(
    ("epoch", "changes", "own"),
    [
        (0, {}, {}),
        (2, {"schedule": "cosine", "warmup": 0.3}, {}),
        (2, {}, NORMALIZED),
        *((2, {"precision": half}, {"rescale": "minus_one_to_one"}) for half in ("mixed_bfloat16", "mixed_float16")),
    ],
)
def test_training_resumes_to_the_same_bytes(
    check_resumed: Resumed, monkeypatch: pytest.MonkeyPatch, epoch: int, changes: Any, own: Any
) -> None:
    # So steep that in float16 the scale of the loss falls, and settles.
    monkeypatch.setitem(build.RESCALE, "minus_one_to_one", (0.0, 8.0))
    check_resumed(epoch, SETTINGS.model_copy(update=changes), CONFIG.model_copy(update=own))


@pytest.mark.usefixtures("workspace")
def test_training_on_a_backbone_resumes_to_the_same_bytes(
    check_resumed: Resumed, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_small_backbone(monkeypatch, (32, 32))
    check_resumed(1, SETTINGS, ModelConfig(features="mobilenet_v2", pool_size=1, dropout=0.5, dense_units=8))


@pytest.mark.slow
def test_a_convnext_resumes_twice_to_the_same_bytes(
    check_resumed: Resumed, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.applications, "ConvNeXtTiny", small_convnext)
    write_backbone("ConvNeXtTiny", (32, 32), "entry", stop_before="convnext_downsampling_block_2")
    config = ModelConfig(features="entry", classifier="linear", fine_tune=FineTune.model_validate(FINE_TUNE))
    settings = SETTINGS.model_copy(update={"batch_size": 5, "micro_batches": 1})
    train_until(1, workspace, settings, config)
    check_resumed(2, settings, config)


def test_a_backup_of_other_parameters_is_not_used(tmp_path: Path) -> None:
    train_until(2, tmp_path, SETTINGS.model_copy(update={"learning_rate": 0.1}))
    assert train(tmp_path) == undisturbed()


@pytest.mark.parametrize("of_pixels", [True, False], ids=["pixels", "labels"])
@pytest.mark.parametrize("changed", [0, 1])
def test_other_pixels_or_labels_have_another_key(changed: int, of_pixels: bool) -> None:
    """A backup is of one set of examples: here one value of one training or validation photo differs, or its label."""
    model, datasets = build_model(CONFIG, (16, 16), 2), [photos(6, seed) for seed in (0, 1)]
    keys = [training_key(model, run_of(datasets[0], datasets[1])) for _ in range(2)]
    pixels, labels = (np.array(values) for values in (datasets[changed].examples, datasets[changed].labels))
    (pixels if of_pixels else labels).flat[-1] ^= 1
    datasets[changed] = Dataset(pixels, labels)
    assert keys[0] == keys[1] != training_key(model, run_of(datasets[0], datasets[1]))


@pytest.mark.parametrize("replaced", [False, True], ids=["in place", "replaced"])
def test_new_features_have_another_key_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool) -> None:
    """One value of one photo differs; unchanged ones are not read to know that."""
    path, examples = tmp_path / "train.npy", photos(6, 0)
    np.save(path, np.asarray(examples.examples))
    model = build_model(CONFIG, (16, 16), 2)

    def key() -> str:
        return training_key(model, run_of(Dataset(open_array(path), examples.labels), examples))

    before = key()
    with monkeypatch.context() as patch:
        patch.setattr(DiskArray, "__getitem__", None)
        assert key() == before
    pixels = np.array(examples.examples)
    pixels[5, 0, 0, 0] ^= 1
    np.save(tmp_path / "new.npy" if replaced else path, pixels)
    if replaced:
        status = path.stat()
        os.utime(tmp_path / "new.npy", ns=(status.st_atime_ns, status.st_mtime_ns))  # as rsync does
        (tmp_path / "new.npy").replace(path)
    assert key() != before


@pytest.mark.parametrize(
    ("schedule", "warmup", "rates"),  # at the start, in a warm-up of two steps, and until the end
    [
        ("constant", 0.0, {0: 0.1, 5: 0.1, 10: 0.1}),
        ("constant", 0.2, {0: 0.0, 1: 0.05, 2: 0.1, 6: 0.1, 10: 0.1}),
        ("cosine", 0.0, {0: 0.1, 5: 0.05, 10: 0.0}),
        ("cosine", 0.2, {0: 0.0, 1: 0.05, 2: 0.1, 4: 0.0853553, 6: 0.05, 10: 0.0}),
    ],
)
def test_the_learning_rate_follows_its_schedule(schedule: str, warmup: float, rates: dict[int, float]) -> None:
    settings = SETTINGS.model_copy(update={"schedule": schedule, "warmup": warmup, "epochs": 2})
    rate = scheduled(0.1, settings, steps_per_epoch=5)
    assert {step: float(rate(step) if callable(rate) else rate) for step in rates} == pytest.approx(rates, abs=1e-6)


def test_balanced_class_weights_count_in_the_training_loss_alone(tmp_path: Path) -> None:
    """Before the first step, which then is too short to matter, all ten photos in a batch."""
    settings = SETTINGS.model_copy(update={"batch_size": 10, "epochs": 1, "learning_rate": 1e-12})
    config = CONFIG.model_copy(update={"dropout": 0.0, "flip": None, "rotation": 0.0})
    _, [plain] = train(tmp_path, settings, 5, config)
    _, [weighted] = train(tmp_path, settings.model_copy(update={"class_weight": "balanced"}), 5, config)
    examples = photos(10, 5)
    model = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    losses = keras.losses.sparse_categorical_crossentropy(examples.labels, model(examples.examples), from_logits=True)
    zeros, ones = (np.asarray(losses)[examples.labels == label] for label in (0, 1))
    assert len(zeros) != len(ones)
    assert plain["loss"] == pytest.approx((zeros.sum() + ones.sum()) / 10, abs=1e-5)
    assert weighted["loss"] == pytest.approx((zeros.mean() + ones.mean()) / 2, abs=1e-5)
    assert weighted["val_loss"] == plain["val_loss"]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_loss_that_is_not_finite_is_one_line(tmp_path: Path, schedule: str) -> None:
    with pytest.raises(UserError, match=r"a finite loss, received (nan|inf) in epoch 1 at a learning rate of 1e\+30"):
        train(tmp_path, SETTINGS.model_copy(update={"learning_rate": 1e30, "schedule": schedule}))
    assert not (tmp_path / "model.keras").exists()


def test_ctrl_c_while_the_last_epoch_is_backed_up_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = Checkpoint.save

    def interrupted(self: Checkpoint) -> None:
        save(self)
        if len(self.history) == SETTINGS.epochs:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Checkpoint, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path)
