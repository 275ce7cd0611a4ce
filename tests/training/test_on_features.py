"""Training on the features of a frozen backbone, and fine-tuning it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.model_config import ModelConfig
from stages.models.build import build_model
from stages.models.runtime import keras, make_deterministic
from stages.training.loop import train_model
from tests.models.backbones import write_backbone
from tests.training.examples import FINE_TUNE, SETTINGS, features_of, photos, run_of, train_until
from tests.training.small_backbone import small_convnext, use_small_backbone

ON_FEATURES = ModelConfig(features="mobilenet_v2", pool_size=1, dropout=0.5, dense_units=8)
SIZE = (32, 32)


@pytest.fixture(autouse=True)
def _backbone(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_backbone(monkeypatch, SIZE)


def fine_tuning(features: str = "mobilenet_v2_blocks") -> ModelConfig:
    return ModelConfig.model_validate({**ON_FEATURES.model_dump(), "features": features, "fine_tune": FINE_TUNE})


@pytest.mark.parametrize(
    ("config", "changes", "epoch"),
    [
        (ON_FEATURES, {}, 1),
        (fine_tuning(), {"schedule": "cosine", "warmup": 0.2}, 2),
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
