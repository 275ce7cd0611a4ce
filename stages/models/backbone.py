"""The pretrained backbone, MobileNetV2."""

import warnings
from typing import Any

import numpy as np

from stages.common.paths import BACKBONE
from stages.common.program import UserError
from stages.models.runtime import keras, layers


def load_backbone(width: float, image_size: tuple[int, int], last_blocks: int = 0) -> list[keras.Model]:
    """Build MobileNetV2 without its top (Sandler et al., 2018), frozen, with the weights in ``data/backbone/``.

    Args:
        last_blocks: how many of its 17 blocks to return as a model of their own, with the convolution after them; at
            most 16.

    Returns:
        The model ``backbone``, and if asked for the model ``last_blocks`` that follows it.

    Raises:
        UserError: There are no weights, or they are of another network or width.
    """
    found = sorted((BACKBONE / "mobilenet_v2").glob("*.h5"))
    if not found:
        raise UserError(f"expected weights in {BACKBONE}/mobilenet_v2, found none: run `dvc repro download`")
    backbone = keras.applications.MobileNetV2(
        input_shape=(*image_size, 3), alpha=width, include_top=False, weights=None, name="backbone"
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns of layers whose weights stay random
            backbone.load_weights(found[0])
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise UserError(
            f"{found[0]}: expected weights of MobileNetV2 without its top and of width {width} (backbone_width), "
            "received others"
        ) from error
    backbone.trainable = False  # so that its batch normalisation uses the statistics it was trained with
    if not last_blocks:
        return [backbone]
    cut = backbone.get_layer(f"block_{17 - last_blocks}_expand").input
    return [keras.Model(backbone.input, cut, name="backbone"), keras.Model(cut, backbone.output, name="last_blocks")]


def unfreeze(last_blocks: keras.Model) -> None:
    """Make the convolutions trainable; batch normalisation keeps its statistics, which small batches would distort."""
    for layer in last_blocks.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)


def fold_batch_norm(backbone: keras.Model) -> keras.Model:
    """Copy a frozen MobileNetV2 with each batch normalisation folded into the convolution before it.

    The same function up to rounding, in fewer passes over memory: with s = gamma / sqrt(variance + epsilon), the
    kernel becomes kernel * s and the bias beta - mean * s.
    """

    def copy(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if isinstance(layer, layers.BatchNormalization):
            return layers.Identity()
        if isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D):
            config["use_bias"] = True
        return type(layer).from_config(config)

    def call(layer: layers.Layer, features: keras.KerasTensor, *args: Any, **kwargs: Any) -> keras.KerasTensor:
        return features if isinstance(layer, layers.Identity) else layer(features, *args, **kwargs)

    folded = keras.models.clone_model(backbone, clone_function=copy, call_function=call)
    # MobileNetV2 lists each batch normalisation right after its convolution.
    for layer, norm in zip(backbone.layers, backbone.layers[1:], strict=False):
        if isinstance(norm, layers.BatchNormalization):
            gamma, beta, mean, variance = (variable.numpy() for variable in norm.weights)
            scale = gamma / np.sqrt(variance + norm.epsilon)
            kernel = layer.get_weights()[0]
            per_channel = scale[:, None] if isinstance(layer, layers.DepthwiseConv2D) else scale
            folded.get_layer(layer.name).set_weights([kernel * per_channel, beta - mean * scale])
    return folded
