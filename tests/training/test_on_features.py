"""Training on the features of a frozen backbone, and fine-tuning it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stages.common.model_config import FineTune, ModelConfig
from stages.models.runtime import keras
from tests.models.backbones import write_backbone
from tests.training.examples import FINE_TUNE, SETTINGS, train_until
from tests.training.small_backbone import small_convnext, use_small_backbone

ON_FEATURES = ModelConfig(features="mobilenet_v2", pool_size=1, dropout=0.5, dense_units=8)
SIZE = (32, 32)


@pytest.fixture(autouse=True)
def _backbone(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_backbone(monkeypatch, SIZE)


def test_training_on_a_backbone_resumes_to_the_same_bytes(check_resumed: Callable[..., None]) -> None:
    check_resumed(1, SETTINGS, ON_FEATURES)


@pytest.mark.slow
def test_a_convnext_resumes_twice_to_the_same_bytes(
    check_resumed: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.applications, "ConvNeXtTiny", small_convnext)
    write_backbone("ConvNeXtTiny", SIZE, "entry", stop_before="convnext_downsampling_block_2")
    config = ModelConfig(features="entry", classifier="linear", fine_tune=FineTune.model_validate(FINE_TUNE))
    settings = SETTINGS.model_copy(update={"batch_size": 5, "micro_batches": 1})
    train_until(1, tmp_path, monkeypatch, settings, config)
    check_resumed(2, settings, config)
