"""Pretrain a small MobileNetV2 on synthetic images of animals, but not on cats and dogs.

Writes ``data/sample_backbone.weights.h5``, which replaces ImageNet's weights where there is no network: on the same
machine the same weights each time.

    python -m commands.sample.pretrain
"""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from commands.sample.photo_archive import draw
from commands.sample.species import SPECIES
from stages.common.cli import logger, run
from stages.common.parallel import map_in_parallel
from stages.storage.files import atomic_write

OUTPUT = Path("data/sample_backbone.weights.h5")
CLASS_NAMES = sorted(set(SPECIES) - {"cats", "dogs"})  # the demo's classes stay unseen
TRAIN, HOLDOUT = 250, 40  # images of each species
SIZE = 96  # height and width in pixels
WIDTH = 0.35  # MobileNetV2's alpha, its narrowest
BATCH_SIZE = 16
LEARNING_RATE = 2e-3  # at its highest
# Rotation, as a fraction of a turn, and epochs: upright animals are easier to begin with, and features must in the end
# withstand the rotations of the demo's models.
PHASES = ((0.02, 6), (0.2, 12))
SEED = 0


def draw_photos(per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """Return photos, uint8, (n, SIZE, SIZE, 3), and class indices, (n,); the classes alternate."""
    bilinear = Image.Resampling.BILINEAR
    images = [(species, number) for number in range(per_class) for species in CLASS_NAMES]
    photos = map_in_parallel(lambda image: draw(*image, SEED).resize((SIZE, SIZE), bilinear), images, "drawing")
    return np.stack([np.asarray(photo) for photo in photos]), np.tile(np.arange(len(CLASS_NAMES)), per_class)


def train_backbone(photos: np.ndarray, labels: np.ndarray, holdout: int) -> float:
    """Train on all but the last ``holdout`` photos, save the weights, and return the held-out accuracy."""
    from stages.models.runtime import keras, tf

    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    backbone = keras.applications.MobileNetV2((SIZE, SIZE, 3), alpha=WIDTH, include_top=False, weights=None)
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9  # the default 0.999 needs thousands of steps to forget its start
    scaling = [keras.Input((SIZE, SIZE, 3)), keras.layers.Rescaling(1 / 127.5, offset=-1)]
    head = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(len(CLASS_NAMES))]
    model = keras.Sequential([*scaling, backbone, *head])
    train, train_labels = photos[:-holdout], labels[:-holdout]
    steps = sum(epochs for _, epochs in PHASES) * math.ceil(len(train) / BATCH_SIZE)
    decay = keras.optimizers.schedules.CosineDecay
    schedule = decay(LEARNING_RATE / 10, steps, warmup_target=LEARNING_RATE, warmup_steps=100)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"])
    for rotation, epochs in PHASES:
        augment = keras.Sequential([keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(rotation)])
        batches = tf.data.Dataset.from_tensor_slices((train, train_labels)).shuffle(len(train), SEED)
        batches = batches.batch(BATCH_SIZE).map(lambda x, y, augment=augment: (augment(x, training=True), y))
        model.fit(batches.prefetch(2), epochs=epochs, shuffle=False, verbose=2)
    accuracy = float(model.evaluate(photos[-holdout:], labels[-holdout:], verbose=0)[1])
    with atomic_write(OUTPUT) as unfinished:
        backbone.save_weights(unfinished)
    return accuracy


def main() -> None:
    photos, labels = draw_photos(TRAIN + HOLDOUT)
    holdout = HOLDOUT * len(CLASS_NAMES)
    accuracy = train_backbone(photos, labels, holdout)
    logger.info("Wrote %s: accuracy %.3f on %d held-out images", OUTPUT, accuracy, holdout)


if __name__ == "__main__":
    run(main, __doc__)
