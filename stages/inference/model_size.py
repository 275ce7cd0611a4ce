"""Parameters, multiply-adds and speed of a loaded model."""

import math
import re
import time
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np

from stages.common.machine import read_measurements, record_measurements
from stages.inference.prediction import KerasModel
from stages.storage.arrays import ArrayStore
from stages.storage.files import content_hash

BATCHES = {1: 9, 32: 2}  # how often each batch size is measured


class Size(NamedTuple):
    """Parameters of a model, and the multiply-adds of its prediction for one photo."""

    parameters: int
    backbone_multiply_adds: int  # of the frozen backbone
    other_multiply_adds: int


def size_of(model: KerasModel) -> Size:
    backbone = sum(multiply_adds(layer) for layer in model.layers if layer.name == "backbone")
    return Size(model.count_params(), backbone, multiply_adds(model) - backbone)


def multiply_adds(layer: Any) -> int:
    """Count the multiply-adds of kernels for one photo: each weight is used once per position of the output."""
    return sum(
        math.prod(weight.shape) * math.prod(leaf.output.shape[1:-1])
        for leaf in layer._flatten_layers()
        if not getattr(leaf, "layers", None)
        for weight in leaf.weights
        if len(weight.shape) > 1
    )


def architecture(path: Path) -> str:
    """Hash a saved model's layers without weights and rates of dropout, on which its speed does not depend."""
    with ZipFile(path) as archive:
        return content_hash([re.sub(r'"rate": [^,}]+', "", archive.read("config.json").decode())])


def measure_speed(model: KerasModel, path: Path, pixels: ArrayStore) -> None:
    """Record the CPU milliseconds a photo, in batches of 1 and 32."""
    from stages.models.runtime import tf

    layers = architecture(path)
    if read_measurements(layers, layers):
        return
    signature = [tf.TensorSpec((None, *pixels.shape[1:]), tf.uint8)]
    predict = tf.function(lambda photos: model(photos, training=False), input_signature=signature)
    predict(pixels[np.zeros(1, int)])  # TensorFlow compiles it
    speeds = {}
    for size, repeats in BATCHES.items():
        batch, times = pixels[np.arange(size) % len(pixels)], []
        for _ in range(repeats):
            started = time.process_time()
            predict(batch)
            times.append(time.process_time() - started)
        speeds[f"ms_{size}"] = 1000 * min(times) / size
    record_measurements(layers, layers, **speeds)
