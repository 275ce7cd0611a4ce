"""A network that stands in for MobileNetV2, whose 150 layers take TensorFlow longer to trace than to train."""

from typing import Any

import numpy as np
import pytest

from stages.common.paths import BACKBONE
from stages.models.runtime import keras, layers

# The blocks from which the tests fine-tune: the last two, as of MobileNetV2's 17.
BLOCKS = (15, 16)


def convolution(x: Any, layer: layers.Layer) -> Any:
    normalised = layers.BatchNormalization(name=f"{layer.name}_BN")(layer(x))
    return layers.ReLU(6.0, name=f"{layer.name}_relu")(normalised)


def small_mobilenet(
    input_shape: tuple[int, int, int], alpha: float, include_top: bool, weights: str | None, name: str = "small"
) -> keras.Model:
    """Build MobileNetV2's first convolution and its last blocks, few filters wide, with its names."""
    pixels = x = keras.Input(input_shape)
    x = convolution(x, layers.Conv2D(8, 3, strides=8, use_bias=False, name="Conv1"))
    for block in BLOCKS:
        x = convolution(x, layers.Conv2D(16, 1, use_bias=False, name=f"block_{block}_expand"))
        x = convolution(x, layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"block_{block}_depthwise"))
        x = convolution(x, layers.Conv2D(8, 1, use_bias=False, name=f"block_{block}_project"))
    return keras.Model(pixels, x, name=name)


def use_small_backbone(patch: pytest.MonkeyPatch, image_size: tuple[int, int]) -> None:
    """Let it take MobileNetV2's place, with random weights in ``data/backbone/``."""
    keras.utils.set_random_seed(0)
    patch.setattr(keras.applications, "MobileNetV2", small_mobilenet)
    model = small_mobilenet((*image_size, 3), alpha=1.0, include_top=False, weights=None)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):  # which is to be more than the identity
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
    weights = BACKBONE / "mobilenet_v2/small.weights.h5"
    weights.parent.mkdir(parents=True, exist_ok=True)
    model.save_weights(weights)
