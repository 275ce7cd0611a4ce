"""One model on several devices: two virtual ones of this processor, as a machine with two GPUs would have."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.common.params import load_params
from stages.datasets.dataset import StoredDataset
from stages.models.build import build_model
from stages.models.runtime import device_strategy, make_deterministic
from stages.training.backup import History
from stages.training.training import train_model
from tests.conftest import PROJECT
from tests.training.small_backbone import use_small_backbone

# Two devices need a process that has not computed yet, and TensorFlow mixes up two such trainings in one.
ON_TWO_DEVICES = """
import json, sys
from stages.models.runtime import device_strategy, tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.training.test_devices import train
print(json.dumps([device_strategy().num_replicas_in_sync, train(sys.argv[1])]))
"""


def train(model_name: str) -> History:
    """Train on noise, without dropout, whose random numbers differ from device to device."""
    params = load_params(PROJECT / "params.yaml")
    settings = params.train.model_copy(update={"batch_size": 8, "epochs": 2})
    backbone = {"features": "pixels"} if model_name == "transfer" else {"convolutions": (4, 4)}
    recipe = params.models[model_name].model_copy(update={"dropout": 0.0, "pool_size": 1, "units": 8, **backbone})
    rng = np.random.default_rng(0)
    train, validation = (
        StoredDataset(rng.integers(0, 256, (count, 32, 32, 3), np.uint8), np.arange(count) % 2) for count in (24, 10)
    )
    make_deterministic(0)
    with pytest.MonkeyPatch.context() as patch, device_strategy().scope():
        use_small_backbone(patch, (32, 32))
        model = build_model(recipe, (32, 32), 2)
        return train_model(model, recipe, settings, train, validation, Path("backup.npz")).history


@pytest.mark.slow
@pytest.mark.parametrize("model", ["augmented", "transfer"])
@pytest.mark.usefixtures("workspace")
def test_two_devices_learn_what_one_learns(model: str) -> None:
    environment = {"PYTHONPATH": str(PROJECT), "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", ON_TWO_DEVICES, model]
    finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    devices, on_two = json.loads(finished.stdout.splitlines()[-1])
    assert devices == 2
    for one, two in zip(train(model), on_two, strict=True):
        assert one == pytest.approx(two, abs=1e-4)
