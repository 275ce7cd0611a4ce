"""A small model with random weights, saved as `train` saves one."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import yaml

from stages.common.model_config import ModelConfig
from stages.common.paths import MODELS
from stages.models.build import build_model
from stages.models.runtime import keras, make_deterministic
from stages.models.saving import save_model
from stages.storage.files import write_json
from stages.training.network import sample_features
from tests.conftest import PROJECT
from tests.training.examples import features_of, photos
from tests.training.small_backbone import use_small_backbone

SIZE = (24, 32)


def save_small_model(name: str, classes: list[str], seed: int = 1, policy: str = "float32", **changes: Any) -> None:
    """Save a model that augments, computes as Keras's dtype policy says, and has logits on validation photos."""
    MODELS.mkdir(parents=True, exist_ok=True)
    (MODELS / f"{name}.keras").write_bytes(small_model(len(classes), seed, policy, **changes))
    write_json({"classes": classes, "environment": []}, MODELS / f"{name}.json")
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(50, len(classes))).astype(np.float32)
    np.savez(MODELS / f"{name}.npz", logits=logits, labels=rng.integers(0, len(classes), 50))


@cache
def small_model(num_classes: int, seed: int, policy: str, **changes: Any) -> bytes:
    config = yaml.safe_load((PROJECT / "params.yaml").read_text())["models"]["augmented"]
    make_deterministic(seed)
    keras.config.set_dtype_policy(policy)
    small = {**config, "conv_layers": 1, "filters": 4, "dense_units": 8, **changes}
    model = build_model(ModelConfig.model_validate(small), SIZE, num_classes)
    for weight in model.non_trainable_weights:
        if weight.path.startswith("batch_normalization/"):  # its moving averages, as if it had trained
            weight.assign(np.random.default_rng(seed).uniform(0.02, 0.2, weight.shape))
    keras.config.set_dtype_policy("float32")
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        save_model(model, path)
        return path.read_bytes()


TRAINING, VALIDATION = photos(30, 0, 32), photos(100, 1, 32)  # of noise


def save_model_on_backbone(name: str, patch: pytest.MonkeyPatch) -> None:
    """Save a model on a small backbone, with logits and features of the photos above."""
    use_small_backbone(patch, (32, 32))
    make_deterministic(0)
    config = ModelConfig(features="mobilenet_v2", pool_size=1, dropout=0.5, dense_units=8)
    model = build_model(config, (32, 32), 2)
    save_model(model, MODELS / f"{name}.keras")
    write_json({"classes": ["cats", "dogs"]}, MODELS / f"{name}.json")
    np.savez(
        MODELS / f"{name}.npz",
        logits=model.predict_on_batch(VALIDATION.examples),
        labels=VALIDATION.labels,
        training_features=sample_features(model, features_of(model, TRAINING, views=1), seed=0),
        validation_features=sample_features(model, features_of(model, VALIDATION, views=1), seed=0),
    )
