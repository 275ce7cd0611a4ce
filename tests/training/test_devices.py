"""One model on several devices: two virtual ones of this processor, as a machine with two GPUs would have."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

# Trains without dropout, whose random numbers differ from device to device.
TRAIN = """
import json, sys
from pathlib import Path
from tempfile import TemporaryDirectory
import numpy as np
from stages.common.params import load_params
from stages.models.build import build_model
from stages.models.runtime import device_strategy, make_deterministic, tf
from stages.photos.arrays import MemoryBudget, Photos
from stages.training.training import train_model

model_name, views, devices = json.loads(sys.argv[1])
params = load_params()
settings = params.train.model_copy(update={"batch_size": 8, "epochs": 2})
changes = {"dropout": 0.0, "views": views, "convolutions": [4, 4], "units": 8}
if model_name == "transfer":
    changes |= {"backbone_width": 0.35, "convolutions": []}
recipe = params.models[model_name].model_copy(update=changes)
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
make_deterministic(0, threads=1)
rng = np.random.default_rng(0)
train, validation = (
    Photos(rng.integers(0, 256, (count, 96, 96, 3), np.uint8), np.arange(count) % 2) for count in (24, 10)
)
with TemporaryDirectory() as folder, device_strategy().scope():
    model = build_model(recipe, (96, 96), 2)
    history = train_model(model, recipe, settings, train, validation, Path(folder, "backup.npz"), MemoryBudget(1))
    print(json.dumps([device_strategy().num_replicas_in_sync, history]))
"""


@pytest.mark.parametrize(("model", "views"), [("augmented", None), ("transfer", 2), ("transfer", None)])
def test_two_devices_learn_what_one_learns(workspace: Path, model: str, views: int | None) -> None:
    backbone = workspace / "data/backbone/mobilenet_v2/mobilenet_v2.weights.h5"
    backbone.parent.mkdir(parents=True)
    shutil.copy(PROJECT / "data/sample_backbone.weights.h5", backbone)

    def train(devices: int) -> list[dict[str, float]]:
        command = [sys.executable, "-c", TRAIN, json.dumps([model, views, devices])]
        environment = {"PYTHONPATH": str(PROJECT), "CUDA_VISIBLE_DEVICES": ""}
        finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        used, history = json.loads(finished.stdout.splitlines()[-1])
        assert used == devices
        return list(history)

    for one, two in zip(train(devices=1), train(devices=2), strict=True):
        assert one == pytest.approx(two, abs=1e-4)
