"""Networks that stand in for others, whose 150 layers take TensorFlow longer to trace than to train."""

from typing import Any

import pytest
from keras.src.applications import convnext, efficientnet

from stages.models.runtime import keras, layers
from tests.models.backbones import write_backbone

preprocess_input = keras.applications.mobilenet_v2.preprocess_input

# The blocks from which the tests fine-tune: the last two, as of MobileNetV2's 17.
BLOCKS = (15, 16)


def convolution(x: Any, layer: layers.Layer) -> Any:
    normalised = layers.BatchNormalization(name=f"{layer.name}_BN")(layer(x))
    return layers.ReLU(6.0, name=f"{layer.name}_relu")(normalised)


def small_mobilenet(input_shape: tuple[int, int, int], include_top: bool, weights: str | None) -> keras.Model:
    """Build MobileNetV2's first convolution and its last blocks, few filters wide, with its names."""
    pixels = x = keras.Input(input_shape)
    x = convolution(x, layers.Conv2D(8, 3, strides=8, use_bias=False, name="Conv1"))
    for block in BLOCKS:
        x = convolution(x, layers.Conv2D(16, 1, use_bias=False, name=f"block_{block}_expand"))
        x = convolution(x, layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"block_{block}_depthwise"))
        x = convolution(x, layers.Conv2D(8, 1, use_bias=False, name=f"block_{block}_project"))
    return keras.Model(pixels, x)


def small_convnext(input_shape: tuple[int, int, int], include_top: bool, weights: str | None) -> keras.Model:
    """Build a ConvNeXt of one block a stage, few filters wide."""
    given = {"include_top": include_top, "weights": weights, "input_shape": input_shape}
    return convnext.ConvNeXt(depths=(1, 1, 1, 1), projection_dims=(4, 4, 4, 8), **given)


small_convnext.__module__ = convnext.__name__  # where its preprocessing is


def small_efficientnet(input_shape: tuple[int, int, int], include_top: bool, weights: str | None) -> keras.Model:
    """Build an EfficientNet of one narrow block a stage."""
    given = {"include_top": include_top, "weights": weights, "input_shape": input_shape}
    return efficientnet.EfficientNet(0.1, 0.1, default_size=32, weights_name="b0", **given)


small_efficientnet.__module__ = efficientnet.__name__


def use_small_backbone(patch: pytest.MonkeyPatch, image_size: tuple[int, int]) -> None:
    """Let it take MobileNetV2's place, with random weights, whole and with features that stop before a block."""
    patch.setattr(keras.applications, "MobileNetV2", small_mobilenet)
    write_backbone("MobileNetV2", image_size)
    write_backbone("MobileNetV2", image_size, "mobilenet_v2_blocks", stop_before="block_15_expand")
