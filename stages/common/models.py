"""From a recipe in ``params.yaml`` to a Keras model, and from a model to a file and back.

A model takes pixels of 0..255, shaped (batch, height, width, 3), and gives logits, shaped (batch, classes), float32:
scaling is a layer of it, so nobody can feed it wrongly.
"""

import json
import logging
import re
import zipfile
from pathlib import Path

import numpy as np
from scipy.special import softmax

from stages.common.backbone import load_backbone
from stages.common.backend import keras, layers
from stages.common.command import UserError, first_line
from stages.common.output import replacing, scratch
from stages.common.params import Recipe
from stages.common.rows import Rows

# TensorFlow warns that a second model compiles anew, which is what one would hope.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


def build_model(recipe: Recipe, image_size: tuple[int, int], num_classes: int) -> keras.Model:
    """Build the model that a recipe describes, with new weights but for the backbone's.

    It is a chain of layers; the backbone, if there is one, is the layer ``backbone``, and after that, where the
    recipe fine-tunes, ``last_blocks``.

    Raises:
        UserError: The backbone's weights are missing or of another width, or the photos are too small for
            so many layers.
    """
    low, high = recipe.scale
    pixels = keras.Input((*image_size, 3), name="pixels")
    try:
        x = layers.Rescaling((high - low) / 255, offset=low, dtype="float32")(pixels)
        if recipe.backbone == "mobilenet_v2":
            last_blocks = recipe.fine_tune.blocks if recipe.fine_tune else 0
            for part in load_backbone(recipe.backbone_width, image_size, last_blocks):
                x = part(x)
        for layer in head_layers(recipe, num_classes):
            x = layer(x)
    except ValueError as error:
        raise UserError(
            f"train.image_size: {list(image_size)} is too small for the recipe's layers: {first_line(error)}"
        ) from error
    return keras.Model(pixels, x)


def head_layers(recipe: Recipe, num_classes: int) -> list[layers.Layer]:
    """List the layers from features to logits: convolutions with pooling between, then the classifier."""
    chosen: list[layers.Layer] = []
    for number, filters in enumerate(recipe.convolutions):
        if number > 0:
            chosen.append(layers.MaxPooling2D(recipe.pool_size))
        chosen.append(layers.Conv2D(filters, recipe.kernel_size, activation="relu"))
    return [
        *chosen,
        layers.Dropout(recipe.dropout),
        layers.MaxPooling2D(recipe.pool_size),
        layers.Flatten(),
        layers.Dense(recipe.units, activation="relu"),
        layers.Dense(num_classes, name="logits", dtype="float32"),  # a loss needs more digits than bfloat16 has
    ]


def save_model(model: keras.Model, path: Path) -> None:
    """Save as a ``.keras`` file whose bytes depend on the model alone."""
    with replacing(path) as undated, scratch(undated.with_suffix(".dated.keras")) as dated:
        model.save(dated)
        with zipfile.ZipFile(dated) as source, zipfile.ZipFile(undated, "w") as target:
            for name in sorted(source.namelist()):
                # A ZipInfo of its own has the oldest date that a zip can hold, not the time of saving.
                target.writestr(zipfile.ZipInfo(name), without_chance(name, source.read(name)))


def without_chance(name: str, content: bytes) -> bytes:
    """Take out of a ``.keras`` file's member what differs from save to save.

    Keras notes the time of saving in ``metadata.json``, and in ``config.json`` the addresses in memory of objects
    that layers share; any other number says as well that they are the same.
    """
    match name:
        case "metadata.json":
            return json.dumps({**json.loads(content), "date_saved": "1980-01-01@00:00:00"}).encode()
        case "config.json":
            numbers: dict[bytes, int] = {}
            return re.sub(
                rb'(?<="shared_object_id": )\d+',
                lambda address: b"%d" % numbers.setdefault(address[0], len(numbers)),
                content,
            )
    return content


def load_model(path: Path) -> keras.Model:
    """Load a saved model; Keras's safe mode refuses code hidden in it."""
    if not path.exists():
        raise UserError(f"expected the model {path}, found none: run `dvc repro train@{path.stem}`")
    return keras.saving.load_model(path, safe_mode=True)


def predict_probabilities(model: keras.Model, pixels: Rows, batch_size: int) -> np.ndarray:
    """Tell how probable each class is for each photo.

    Args:
        pixels: uint8 of 0..255, shaped (photos, height, width, 3).

    Returns:
        float64, shaped (photos, classes), rows summing to one.
    """
    size = min(batch_size, len(pixels))
    numbers = (np.arange(start, start + size) for start in range(0, len(pixels), size))
    # The last batch is filled up: for one of another size TensorFlow would compile the model anew.
    batches = (pixels[np.minimum(chosen, len(pixels) - 1)] for chosen in numbers)
    logits = np.concatenate([model.predict_on_batch(batch) for batch in batches])[: len(pixels)]
    return np.asarray(softmax(logits.astype(np.float64), axis=1))
