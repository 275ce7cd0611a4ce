"""One model on several devices: two virtual ones of this processor, as a machine with two GPUs would have."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.common.params import load_params
from stages.models.build import build_model
from stages.models.runtime import device_strategy, make_deterministic
from stages.photos.arrays import MemoryBudget, Photos
from stages.training.backup import History
from stages.training.training import train_model
from tests.conftest import PROJECT

# Two devices need a process that has not computed yet.
ON_TWO_DEVICES = """
import json, sys
from pathlib import Path
from stages.models.runtime import device_strategy, tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.training.test_devices import train
print(json.dumps([device_strategy().num_replicas_in_sync, train(sys.argv[1], Path())]))
"""


def train(model_name: str, folder: Path) -> History:
    """Train on noise, without dropout, whose random numbers differ from device to device."""
    params = load_params()
    settings = params.train.model_copy(update={"batch_size": 8, "epochs": 2})
    backbone = {"backbone_width": 0.35, "views": None} if model_name == "transfer" else {"convolutions": (4, 4)}
    recipe = params.models[model_name].model_copy(update={"dropout": 0.0, "pool_size": 1, "units": 8, **backbone})
    rng = np.random.default_rng(0)
    train, validation = (
        Photos(rng.integers(0, 256, (count, 32, 32, 3), np.uint8), np.arange(count) % 2) for count in (24, 10)
    )
    make_deterministic(0, threads=1)
    with device_strategy().scope():
        model = build_model(recipe, (32, 32), 2)
        return train_model(model, recipe, settings, train, validation, folder / "backup.npz", MemoryBudget(1))


@pytest.mark.parametrize("model", ["augmented", "transfer"])
def test_two_devices_learn_what_one_learns(workspace: Path, model: str) -> None:
    backbone = workspace / "data/backbone/mobilenet_v2/mobilenet_v2.weights.h5"
    backbone.parent.mkdir(parents=True)
    shutil.copy(PROJECT / "data/sample_backbone.weights.h5", backbone)
    environment = {"PYTHONPATH": str(PROJECT), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", ON_TWO_DEVICES, model]
    finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    devices, on_two = json.loads(finished.stdout.splitlines()[-1])
    assert devices == 2
    for one, two in zip(train(model, workspace), on_two, strict=True):
        assert one == pytest.approx(two, abs=1e-4)
