"""One model on several devices: virtual ones of this CPU, as a machine with several GPUs would have."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.common.model_config import FineTune
from stages.common.params import load_params
from stages.datasets.dataset import StoredDataset
from stages.models.build import build_model
from stages.models.runtime import device_strategy, keras, layers, make_deterministic
from stages.training.batches import pad_batch, training_batches
from stages.training.loop import compile_model, parallel_model, train_model
from stages.training.training_run import History
from tests.conftest import PROJECT
from tests.training.examples import run_of
from tests.training.small_backbone import use_small_backbone

# They need a process that has not computed yet.
ON_DEVICES = """
import json, sys
from stages.models.runtime import tf
cpu, devices = tf.config.list_physical_devices("CPU")[0], int(sys.argv[1])
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
from tests.training import test_devices
print(json.dumps(test_devices.results(devices)))
"""
COUNT_OF = {2: 27, 3: 26}  # of photos on so many devices, which cannot divide the last batch of 8
TRAINED_ON = {2: ["augmented", "fine_tuned"], 3: ["augmented", "transfer"]}
one_strategy = cache(device_strategy)  # another in the same process would number its exchanges from the start again
# Of a model's config.
CHANGES: dict[str, dict[str, Any]] = {
    "augmented": {"conv_layers": 2, "filters": 4},
    "transfer": {"flip": "horizontal"},  # in every epoch
    "fine_tuned": {"fine_tune": FineTune(after=0.5, learning_rate=0.001)},
}


def results(devices: int) -> dict[str, Any]:
    """Compute what the tests compare, on the devices of this process."""
    trained = {name: train(name, COUNT_OF[devices]) for name in TRAINED_ON[devices]}
    return {"moving_mean": moving_mean(), **trained}


@pytest.fixture(scope="module")
def on_devices(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Any]:
    """Return the results of a process with several devices."""

    @cache
    def run(devices: int) -> Any:
        environment = {"PYTHONPATH": str(PROJECT), "CUDA_VISIBLE_DEVICES": ""}
        command, folder = [sys.executable, "-c", ON_DEVICES, str(devices)], tmp_path_factory.mktemp("devices")
        finished = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
        return json.loads(finished.stdout.splitlines()[-1])

    return run


def train(model_name: str, count: int) -> tuple[History, list[list[float]]]:
    """Train on noise; return the history, and the logits of as many other photos.

    Without dropout, whose random numbers differ from device to device.
    """
    params = load_params(PROJECT / "params.yaml")
    changed = {"batch_size": 8, "epochs": 2, "micro_batches": 2, "class_weight": "balanced", "precision": "float32"}
    settings = params.train.model_copy(update=changed)
    changes = {"dropout": 0.0, "pool_size": 1, "dense_units": 8, **CHANGES[model_name]}
    config = params.models[model_name].model_copy(update=changes)
    make_deterministic(0)
    with pytest.MonkeyPatch.context() as patch, one_strategy().scope():
        use_small_backbone(patch, (32, 32))
        model = build_model(config, (32, 32), 2)
        shape = (32, 32, 3) if not config.fine_tune else model.get_layer("backbone").output_shape[1:]
        noise = np.random.default_rng(0).integers(0, 256, (2 * count, *shape), np.uint8)
        examples = noise if not config.fine_tune else (noise / 255).astype(np.float16)
        train, validation = (StoredDataset(half, np.arange(count) % 3 // 2) for half in np.split(examples, 2))
        history, logits = train_model(model, run_of(train, validation, config, settings), Path(f"{model_name}.npz"))
    return history, logits.tolist()


def moving_mean() -> list[list[float]]:
    """Return the moving mean of a batch normalisation, of each device, after an epoch on one batch of 0, 1, ... 7."""
    values = StoredDataset(np.arange(8, dtype=np.float32)[:, None], np.zeros(8, np.int64))
    settings = load_params(PROJECT / "params.yaml").train.model_copy(update={"micro_batches": 1})
    with one_strategy().scope():
        model = keras.Sequential([keras.Input((1,)), layers.BatchNormalization(), layers.Dense(2)])
        trained = parallel_model(model, settings, values.labels)
        compile_model(trained, 0.001)
        trained.fit(training_batches(values, 8, 0, range(1)), steps_per_epoch=1, shuffle=False, verbose=0)
        moving = model.layers[0].moving_mean.value
    return [of_device.numpy().tolist() for of_device in getattr(moving, "values", [moving])]


@pytest.mark.parametrize("size", [1, 2, 5, 8])
@pytest.mark.parametrize("devices", [2, 3, 4])
def test_padding_has_no_weight(devices: int, size: int) -> None:
    rows = np.arange(10, 10 + size)
    examples, labels, weights = pad_batch(rows[:, None], rows, devices)
    assert len(examples) == len(labels) == len(weights) == -(-size // devices) * devices
    np.testing.assert_array_equal(examples[:, 0], labels)
    np.testing.assert_array_equal(labels[:size], rows)
    np.testing.assert_array_equal(weights, [np.float32(1 / size)] * size + [0] * (len(labels) - size))


@pytest.mark.slow
@pytest.mark.parametrize(("devices", "name"), [(count, name) for count in TRAINED_ON for name in TRAINED_ON[count]])
@pytest.mark.usefixtures("workspace")
def test_several_devices_learn_what_one_learns(on_devices: Callable[[int], Any], devices: int, name: str) -> None:
    history, logits = train(name, COUNT_OF[devices])
    their_history, their_logits = on_devices(devices)[name]
    for record, other in zip(history, their_history, strict=True):
        assert record == pytest.approx(other, abs=1e-5)
    assert np.shape(their_logits) == (COUNT_OF[devices], 2)
    np.testing.assert_allclose(their_logits, logits, rtol=0, atol=1e-4)


@pytest.mark.slow
def test_devices_share_the_statistics_of_batch_normalization(on_devices: Callable[[int], Any]) -> None:
    means = on_devices(2)["moving_mean"]
    assert len(means) == 2
    np.testing.assert_allclose(means, moving_mean() * 2, rtol=1e-6)
