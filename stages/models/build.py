"""Build the Keras model that a config in ``params.yaml`` describes.

A model takes pixels of 0..255, shaped (batch, height, width, 3), and gives logits, shaped (batch, classes), float32:
scaling is a layer of the model, so that whoever uses it cannot forget it.
"""

from stages.common.cli import UserError, first_line
from stages.common.model_config import ModelConfig
from stages.common.paths import FEATURES
from stages.models.pretrained import load_backbone
from stages.models.runtime import keras, layers

# To what pixels of 0..255 are scaled.
RESCALE = {"zero_to_one": (0.0, 1.0), "minus_one_to_one": (-1.0, 1.0)}
# In pixels, unless the config says otherwise.
KERNEL_SIZE = 3
POOL_SIZE = 2


def build_model(config: ModelConfig, image_size: tuple[int, int], num_classes: int) -> keras.Model:
    """Build the model that a config describes, with new weights except for the backbone's.

    It is a chain of layers: first the scaling, or the ``preprocessing`` of a backbone, then the ``backbone`` itself, if
    there is one, and where the config fine-tunes, ``last_blocks``.

    Raises:
        UserError: The backbone cannot be built (``load_backbone``), or the photos are too small for so many layers.
    """
    pixels = x = keras.Input((*image_size, 3), name="pixels")
    chain = [*first_layers(config, image_size), *head_layers(config, num_classes)]
    try:
        for layer in chain:
            x = layer(x)
    except ValueError as error:
        raise UserError(
            f"image_size: {list(image_size)} is too small for the config's layers: {first_line(error)}"
        ) from error
    return keras.Model(pixels, x)


def first_layers(config: ModelConfig, image_size: tuple[int, int]) -> list[layers.Layer]:
    """List the layers from pixels to the backbone's features or, without a backbone, to scaled pixels."""
    if not config.has_backbone:
        low, high = RESCALE[config.rescale or "zero_to_one"]
        return [layers.Rescaling((high - low) / 255, offset=low, dtype="float32")]
    backbone = load_backbone(FEATURES / config.features / "backbone", image_size)
    return [layer for layer in backbone if layer is not None]


def head_layers(config: ModelConfig, num_classes: int) -> list[layers.Layer]:
    """List the layers from features to logits: convolutions with pooling between, then the classifier."""
    kernel_size, pool_size = config.kernel_size or KERNEL_SIZE, config.pool_size or POOL_SIZE
    chosen: list[layers.Layer] = []
    for number, filters in enumerate(config.filters_per_layer):
        if number > 0:
            chosen.append(layers.MaxPooling2D(pool_size))
        chosen.append(layers.Conv2D(filters, kernel_size, activation="relu"))
    return [
        *chosen,
        layers.Dropout(config.dropout),
        layers.MaxPooling2D(pool_size),
        layers.Flatten(),
        layers.Dense(config.dense_units, activation="relu"),
        layers.Dense(num_classes, name="logits", dtype="float32"),  # bfloat16 has too few digits for a loss
    ]
