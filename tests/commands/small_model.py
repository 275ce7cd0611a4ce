"""A small model with random weights, saved as `train` saves one."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

from stages.common.model_config import ModelConfig
from stages.common.paths import MODELS
from stages.models.build import build_model
from stages.models.runtime import keras, make_deterministic
from stages.models.saving import save_model
from stages.storage.files import write_json
from tests.conftest import PROJECT

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
