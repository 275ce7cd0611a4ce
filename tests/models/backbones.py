"""Backbones with random weights, as ``stages.backbone`` would leave them."""

import shutil
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import pytest
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
from keras.src.utils import file_utils

from stages.common.paths import BACKBONE, FEATURES
from stages.models.pretrained import copy_backbone
from stages.models.runtime import keras
from stages.storage.files import write_json


def write_backbone(
    architecture: str,
    image_size: tuple[int, int],
    name: str = "mobilenet_v2",
    suffix: str = ".weights.h5",
    stop_before: str | None = None,
    **options: Any,
) -> Path:
    """Write an untrained network's weights below ``data/backbone/``, and a copy for its features; return the file."""
    folder = BACKBONE / name
    build = getattr(keras.applications, architecture)  # which a test may have replaced
    write_json({"architecture": architecture, "options": options}, folder / "architecture.json")
    file = folder / f"random{suffix}"
    file.write_bytes(random_weights(build, image_size, suffix, **options))
    copied = FEATURES / name / "backbone"
    shutil.rmtree(copied, ignore_errors=True)
    copy_backbone(name, copied, name, stop_before)
    keras.utils.set_random_seed(0)  # so that what follows is the same, whether these were at hand or not
    return file


@lru_cache(maxsize=4)  # the largest have 100 MB
def random_weights(
    build: Callable[..., keras.Model], image_size: tuple[int, int], suffix: str, **options: Any
) -> bytes:
    """The weights of an untrained network, as a file with this suffix holds them."""
    keras.utils.set_random_seed(0)
    network = build(input_shape=(*image_size, 3), include_top=False, weights=None, **options)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if weight.name.endswith("variance"):
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif weight.dtype == "float32" and np.ptp(weight) == 0:  # zeros or ones, of which no training leaves any
            weight.assign(weight + rng.normal(0, 0.2, weight.shape))
    with TemporaryDirectory() as temporary:
        return save_weights(network, Path(temporary, f"random{suffix}")).read_bytes()


def published(architecture: str, image_size: tuple[int, int], file: Path) -> keras.Model:
    """Build a network as Keras does for the weights that it publishes, with those in a file in their place."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MobileNetV2's are for photos of certain sizes
        patch.setattr(file_utils, "get_file", lambda *_, **__: str(file.resolve()))
        build = getattr(keras.applications, architecture)
        return build(input_shape=(*image_size, 3), include_top=False, weights="imagenet")


def save_weights(network: keras.Model, file: Path) -> Path:
    """Save in either format of Keras: ``.weights.h5``, or ``.h5`` as most published weights are."""
    if file.name.endswith(".weights.h5"):
        network.save_weights(file)
    else:
        with h5py.File(file, "w") as group:
            save_weights_to_hdf5_group(group, network)
    return file
