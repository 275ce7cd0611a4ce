"""Load a trained model, predict with it, and measure its size and speed; the first model loads TensorFlow."""

import math
import re
import time
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np

from stages.common.machine import read_measurements, record_measurements
from stages.common.parallel import in_parallel
from stages.storage.arrays import ArrayStore
from stages.storage.files import content_hash

KerasModel = Any  # a keras.Model, whose type would load TensorFlow

BATCH_SIZE = 8  # of a Keras model: as fast as larger batches; one per core is in memory
TIMED = {1: 9, 32: 2}  # sizes of batches, and how often each is measured


class Outputs(NamedTuple):
    """A model's outputs for some photos."""

    logits: np.ndarray  # float32, shaped (photos, classes)
    features: np.ndarray | None = None  # of ``with_features``: float32, shaped (photos, channels)


def load_model(path: Path) -> KerasModel:
    """Load a saved model in Keras's safe mode, which refuses a model that contains code."""
    from stages.models.runtime import keras

    with ZipFile(path) as archive:  # Keras seeks in it, after which Python 3.13 verifies no checksum
        if damaged := archive.testzip():
            raise BadZipFile(f"Bad CRC-32 for file {damaged!r}")
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def with_features(model: KerasModel) -> KerasModel:
    """Add to a model its backbone's features as a second output, averaged over height and width."""
    from stages.models.build import end_of
    from stages.models.runtime import keras, layers

    end = end_of(model, "backbone", "last_blocks")
    inputs = keras.Input(model.input_shape[1:], name=model.layers[0].name)
    maps = reduce(lambda x, layer: layer(x), model.layers[1:end], inputs)
    logits = reduce(lambda x, layer: layer(x), model.layers[end:], maps)
    return keras.Model(inputs, [logits, layers.GlobalAveragePooling2D(name="features", dtype="float32")(maps)])


def split_after_backbone(model: KerasModel) -> tuple[KerasModel, KerasModel]:
    """Split a model after its frozen backbone: from pixels to feature maps, and from them to logits."""
    from stages.models.build import end_of, trainable_part
    from stages.models.pretrained import connect

    backbone = model.layers[1 : end_of(model, "backbone")]  # layer 0 is the input
    return connect(backbone, model.input_shape[1:]), trainable_part(model)


def predict_outputs(model: KerasModel, pixels: ArrayStore) -> Outputs:
    """Predict from a model's inputs; the outputs have features if the model is ``with_features``."""
    return Outputs(*(np.concatenate(output) for output in zip(*predict_batches(model, pixels), strict=True)))


def predict_batches(model: KerasModel, pixels: ArrayStore) -> Iterator[list[np.ndarray]]:
    """Yield a model's outputs for a batch of photos at a time, in order, computed on all cores."""
    size = min(getattr(model, "batch_size", BATCH_SIZE), len(pixels))
    # Pad the last batch: for one of another size TensorFlow would compile the model again.
    starts = range(0, len(pixels), size)
    batches = (pixels[np.minimum(np.arange(start, start + size), len(pixels) - 1)] for start in starts)
    model.make_predict_function()  # once, before several threads need it
    for start, predicted in zip(starts, in_parallel(model.predict_on_batch, batches), strict=True):
        outputs = predicted if isinstance(predicted, list) else [predicted]
        yield [output[: len(pixels) - start] for output in outputs]


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

    layers = architecture(path)  # models with the same ones share their speeds
    if read_measurements(layers, layers):
        return
    signature = [tf.TensorSpec((None, *pixels.shape[1:]), tf.uint8)]
    predict = tf.function(lambda photos: model(photos, training=False), input_signature=signature)
    predict(pixels[np.zeros(1, int)])  # TensorFlow compiles it
    speeds = {}
    for size, repeats in TIMED.items():
        batch, times = pixels[np.arange(size) % len(pixels)], []
        for _ in range(repeats):
            started = time.process_time()
            predict(batch)
            times.append(time.process_time() - started)
        speeds[f"ms_{size}"] = 1000 * min(times) / size
    record_measurements(layers, layers, **speeds)
