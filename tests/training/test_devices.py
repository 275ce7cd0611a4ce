"""One model on several devices: two virtual ones of this processor, as a machine with two GPUs would have."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.params import load_params
from stages.datasets.dataset import StoredDataset
from stages.models.build import build_model
from stages.models.recipe import FineTune
from stages.models.runtime import device_strategy, make_deterministic
from stages.training.backup import History
from stages.training.training import train_model
from tests.conftest import PROJECT
from tests.models.backbones import write_backbone

# Two devices need a process that has not computed yet, and TensorFlow mixes up two such trainings in one.
ON_TWO_DEVICES = """
import json, sys
from stages.models.runtime import device_strategy, tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.training.test_devices import train
print(json.dumps([device_strategy().num_replicas_in_sync, train(sys.argv[1])]))
"""

# Of a model's recipe, what is small, or of another network than the shipped one.
CHANGES: dict[str, dict[str, Any]] = {
    "augmented": {"conv_layers": 2, "filters": 4},
    "transfer": {"features": "MobileNetV3Small", "flip": "horizontal"},  # in every epoch
    "fine_tuned": {"features": "EfficientNetB0", "fine_tune": FineTune(after=0.5, learning_rate=0.001)},
}
STOP_BEFORE = {"EfficientNetB0": "block7a_expand_conv"}


def train(model_name: str) -> History:
    """Train on noise, without dropout, whose random numbers differ from device to device."""
    params = load_params(PROJECT / "params.yaml")
    settings = params.train.model_copy(update={"batch_size": 8, "epochs": 2, "micro_batches": 2})
    changes = {"dropout": 0.0, "pool_size": 1, "dense_units": 8, **CHANGES[model_name]}
    recipe = params.models[model_name].model_copy(update=changes)
    make_deterministic(0)
    if recipe.has_backbone:
        write_backbone(recipe.features, (32, 32), recipe.features, stop_before=STOP_BEFORE.get(recipe.features))
    on_photos = not recipe.fine_tune
    with device_strategy().scope():
        model = build_model(recipe, (32, 32), 2)
        shape = (32, 32, 3) if on_photos else model.get_layer("backbone").output_shape[1:]
        noise = np.random.default_rng(0).integers(0, 256, (34, *shape), np.uint8)
        examples = noise if on_photos else (noise / 255).astype(np.float16)
        train, validation = (StoredDataset(part, np.arange(len(part)) % 2) for part in np.split(examples, [24]))
        return train_model(model, recipe, settings, train, validation, Path("backup.npz")).history


@pytest.mark.slow
@pytest.mark.parametrize("model", CHANGES)
@pytest.mark.usefixtures("workspace")
def test_two_devices_learn_what_one_learns(model: str) -> None:
    environment = {"PYTHONPATH": str(PROJECT), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", ON_TWO_DEVICES, model]
    finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    devices, on_two = json.loads(finished.stdout.splitlines()[-1])
    assert devices == 2
    for one, two in zip(train(model), on_two, strict=True):
        assert one == pytest.approx(two, abs=1e-4)
