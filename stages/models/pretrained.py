"""Pretrained backbones: the convolutional networks of ``keras.applications`` without their tops."""

import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Iterable
from functools import reduce
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stages.common.cli import UserError, first_line
from stages.common.paths import ARCHITECTURE, BACKBONE
from stages.models.runtime import float32_policy, keras, layers
from stages.storage.feature_sets import read_backbone
from stages.storage.files import read_json, write_json

# Layers that can absorb the batch normalisation after them; their weights start with the kernels.
FOLDABLE = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense)
IMAGENET_STDDEV_RGB = (0.229, 0.224, 0.225)  # as in keras.applications.efficientnet


class Backbone(NamedTuple):
    """The first layers of a model, frozen."""

    preprocessing: keras.Model  # from pixels of 0..255 to the network's input
    network: keras.Model  # named "backbone": whole, or up to `stop_before`
    last_blocks: keras.Model | None  # from `stop_before` on


def copy_backbone(backbone: str, folder: Path, name: str, stop_before: str | None) -> None:
    """Copy ``data/backbone/NAME/`` into a set of features, with the set's ``name`` and ``stop_before``."""
    source, advice = BACKBONE / backbone, f"run `dvc repro backbone@{backbone}`"
    weights = sorted(source.glob("*.h5"))
    if not weights:
        raise UserError(f"expected weights in {source}, found none: {advice}")
    folder.mkdir(parents=True)
    shutil.copyfile(weights[0], folder / weights[0].name)
    architecture, options = read_json(source / ARCHITECTURE, itemgetter("architecture", "options"), advice)
    features = {"name": name, "stop_before": stop_before}
    about = {"backbone": backbone, "architecture": architecture, "options": options, "features": features}
    write_json(about, folder / ARCHITECTURE)


@float32_policy()  # in bfloat16, folding alone would change the features of MobileNetV2 by 17 %
def load_backbone(folder: Path, image_size: tuple[int, int]) -> Backbone:
    """Load the backbone that ``copy_backbone`` wrote to a folder, with its weights.

    It equals the network that Keras builds for its own published weights, and computes in float32 under any policy.
    """
    about, weights = read_backbone(folder)
    network = load_network(about, weights, image_size)
    module = sys.modules[getattr(keras.applications, about["architecture"]).__module__]
    if module.__name__.endswith(".efficientnet"):
        rescale_stem(network)
    network = keras.Model(network.input, network.output, name="backbone")
    network.trainable = False  # its batch normalisation uses the stored statistics
    pixels = keras.Input(network.input_shape[1:])
    preprocessing = keras.Model(pixels, module.preprocess_input(pixels), name="preprocessing")
    last_blocks = None
    if stop_before := about["features"]["stop_before"]:
        network, last_blocks = split_network(network, stop_before, f"features.{about['features']['name']}.stop_before")
    return Backbone(preprocessing, network, last_blocks)


def load_network(about: dict[str, Any], weights: Path, image_size: tuple[int, int]) -> keras.Model:
    """Build the network that ``architecture.json`` describes, and load its weights."""
    parameter, architecture, options = f"backbones.{about['backbone']}", about["architecture"], about["options"]
    try:
        build = getattr(keras.applications, architecture)
        network = build(input_shape=(*image_size, 3), include_top=False, weights=None, **options)
        if len(network.output.shape) != 4:
            raise ValueError("its output is not a feature map")
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(
            f"{parameter}: expected a network of keras.applications for photos of {list(image_size)} (image_size), "
            f"received {architecture} with options {options}, which cannot be built: {first_line(error)}"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns of layers whose weights stay random
            network.load_weights(weights)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise UserError(
            f"{parameter}.weights: expected weights of {architecture} without its top, with options {options}, "
            f"received others ({weights.name}): take those of the guide's table, or change the options"
        ) from error
    return network


def rescale_stem(network: keras.Model) -> None:
    """Divide an EfficientNet's input by the root of the standard deviation, as its published weights expect."""
    # Keras adds a layer for it with weights="imagenet" alone; the normalization layer before it can do the same.
    norm = next(layer for layer in network.layers if isinstance(layer, layers.Normalization))
    norm.adapt_variance.assign(norm.adapt_variance * np.array(IMAGENET_STDDEV_RGB, np.float32))
    norm.finalize_state()


def split_network(network: keras.Model, first_layer: str, parameter: str) -> tuple[keras.Model, keras.Model]:
    """Split a frozen backbone before a layer, that of a parameter, into the models ``backbone`` and ``last_blocks``."""
    try:
        cut = network.get_layer(first_layer).input
        if isinstance(cut, list):
            raise ValueError("it joins several inputs")
        return keras.Model(network.input, cut, name="backbone"), keras.Model(cut, network.output, name="last_blocks")
    except ValueError as error:
        last = ", ".join(layer.name for layer in network.layers[-3:])
        raise UserError(
            f"{parameter}: expected a layer of the backbone (its last are {last}) through which all features pass, and "
            f"around which no shortcut leads, received {first_layer!r}"
        ) from error


def unfreeze(last_blocks: keras.Model) -> None:
    """Make all layers trainable except batch normalisation: small batches would distort its statistics."""
    for layer in last_blocks.layers:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)


def connect(chain: Iterable[layers.Layer], shape: tuple[int, ...]) -> keras.Model:
    """Connect existing layers to a model; ``shape`` is that of an example."""
    start = keras.Input(shape)
    return keras.Model(start, reduce(lambda x, layer: layer(x), chain, start))


def fold_batch_norm(network: keras.Model) -> keras.Model:
    """Copy a frozen network with each batch normalisation folded into the linear layer that alone feeds it.

    With s = gamma / sqrt(variance + epsilon), the kernel becomes kernel * s and the bias beta + (bias - mean) * s: the
    same up to rounding (docs/decisions/folded_batch_norm.md). A network with nothing to fold is returned itself.
    """
    folded_into = foldable(network)
    if not folded_into:
        return network
    with_bias = {layer.name for layer in folded_into.values()}

    def copy(layer: layers.Layer) -> layers.Layer:
        if layer.name in folded_into:
            return layers.Identity()
        config = layer.get_config()
        return type(layer).from_config(config | {"use_bias": True} if layer.name in with_bias else config)

    def call(layer: Any, features: Any, *args: Any, **kwargs: Any) -> Any:
        return features if isinstance(layer, layers.Identity) else layer(features, *args, **kwargs)

    copied = keras.models.clone_model(network, clone_function=copy, call_function=call)
    for layer in network.layers:
        if layer.weights and layer.name not in folded_into.keys() | with_bias:
            copy_weights(layer, copied.get_layer(layer.name))
    for norm_name, layer in folded_into.items():
        scale, shift = scale_and_shift(network.get_layer(norm_name))
        *kernels, kernel = [weight.numpy() for weight in layer.weights if weight.ndim > 1]
        bias = layer.bias.numpy() if layer.use_bias else 0
        # A depthwise kernel has its output channels on two axes.
        per_channel = scale.reshape(kernel.shape[-2:]) if isinstance(layer, layers.DepthwiseConv2D) else scale
        copied.get_layer(layer.name).set_weights([*kernels, kernel * per_channel, bias * scale + shift])
    return copied


def copy_weights(source: layers.Layer, target: layers.Layer) -> None:
    """Copy all weights, and recompute the state that a layer such as ``Normalization`` derives from them."""
    target.set_weights(source.get_weights())
    for layer in target._flatten_layers():  # itself, and those nested in it
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def foldable(network: keras.Model) -> dict[str, layers.Layer]:
    """Map the name of each batch normalisation to the linear layer that it alone follows, if there is one."""
    made_by = {id(layer.output): layer for layer in network.layers}
    uses = Counter(id(tensor) for each in network.operations for tensor in keras.tree.flatten(each.input))
    folded_into = {}
    for norm in network.layers:
        if isinstance(norm, layers.BatchNormalization) and uses[id(norm.input)] == 1:
            layer = made_by.get(id(norm.input))
            if isinstance(layer, FOLDABLE) and layer.activation is keras.activations.linear:
                folded_into[norm.name] = layer
    return folded_into


def scale_and_shift(norm: layers.BatchNormalization) -> tuple[np.ndarray, np.ndarray]:
    """Compute the scale and shift of a frozen batch normalisation, each shaped (channels,)."""
    mean, variance = norm.moving_mean.numpy(), norm.moving_variance.numpy()
    scale = (norm.gamma.numpy() if norm.scale else 1) / np.sqrt(variance + norm.epsilon)
    return scale, (norm.beta.numpy() if norm.center else 0) - mean * scale
