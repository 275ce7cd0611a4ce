"""Build the Keras model of a model config.

A model maps pixels of 0..255, shaped (batch, height, width, 3), to logits, float32, shaped (batch, classes): scaling is
one of its layers. It is a chain of layers: the scaling or a backbone's ``preprocessing``, the ``backbone`` and, where
the config fine-tunes, ``last_blocks``, if it has one, and the head.
"""

from stages.common.cli import UserError
from stages.common.model_config import ModelConfig
from stages.common.paths import FEATURES
from stages.models.pretrained import connect, load_backbone, unfreeze
from stages.models.runtime import keras, layers

RESCALE = {"zero_to_one": (0.0, 1.0), "minus_one_to_one": (-1.0, 1.0)}  # from 0..255 to
KERNEL_SIZE = 3  # defaults, in pixels
POOL_SIZE = 2


def build_model(config: ModelConfig, image_size: tuple[int, int], num_classes: int) -> keras.Model:
    """Build the model with new weights, except for the backbone's."""
    pixels = x = keras.Input((*image_size, 3), name="pixels")
    if config.has_backbone:
        backbone = load_backbone(FEATURES / config.features / "backbone", image_size)
        chain = [part for part in backbone if part is not None]
    else:
        low, high = RESCALE[config.rescale or "zero_to_one"]
        chain = [layers.Rescaling((high - low) / 255, offset=low, dtype="float32")]
    try:
        # In bfloat16 logits would have too few digits for a loss.
        for layer in [*chain, *head_layers(config), layers.Dense(num_classes, name="logits", dtype="float32")]:
            x = layer(x)
    except ValueError as error:
        raise UserError(
            f"image_size: {list(image_size)} is too small for the model, whose {type(layer).__name__} receives maps of "
            f"{x.shape[1]} x {x.shape[2]}: enlarge it, or reduce conv_layers, kernel_size or pool_size"
        ) from error
    model = keras.Model(pixels, x)
    if config.fine_tune:
        unfreeze(model.get_layer("last_blocks"))
    return model


def head_layers(config: ModelConfig) -> list[layers.Layer]:
    """List the layers between features and logits: convolutions, dropout, pooling and a dense layer."""
    if config.is_linear:
        return [layers.GlobalAveragePooling2D(name="pooling", dtype="float32")]
    kernel_size, pool_size = config.kernel_size or KERNEL_SIZE, config.pool_size or POOL_SIZE
    convolutions: list[layers.Layer] = []
    for index, filters in enumerate(config.filters_per_layer, 1):
        activation = None if config.batch_norm else "relu"
        convolutions.append(layers.Conv2D(filters, kernel_size, activation=activation, use_bias=not config.batch_norm))
        if index < config.conv_layers:
            convolutions.append(layers.MaxPooling2D(pool_size))
        if config.batch_norm:  # after pooling, where it costs a quarter
            convolutions += [layers.BatchNormalization(), layers.ReLU()]
    pool = [layers.GlobalAveragePooling2D()] if config.pooling else [layers.MaxPooling2D(pool_size), layers.Flatten()]
    # Each layer draws its seed as it is made: in another order, the same config would train to another model.
    dropout, dense = layers.Dropout(config.dropout), layers.Dense(config.dense_units, activation="relu")
    return [*convolutions, dropout, *pool, dense]


def end_of(model: keras.Model, *names: str) -> int:
    """Return the index in ``model.layers`` after the last layer with one of these names, or after the input."""
    return max((index for index, layer in enumerate(model.layers, 1) if layer.name in names), default=1)


def trainable_part(model: keras.Model) -> keras.Model:
    """Return the layers after the frozen backbone as a model from features to logits; without one, the model itself."""
    start = end_of(model, "backbone")
    return connect(model.layers[start:], model.layers[start - 1].output_shape[1:]) if start > 1 else model
