"""Fit a model the same way every time."""

import math

import keras
import numpy as np
import tensorflow as tf

from stages.common.dataset import training_batches
from stages.common.params import Recipe, Train

Photos = tuple[np.ndarray, np.ndarray]


def make_deterministic(seed: int) -> None:
    """Make this process's random numbers and TensorFlow's operations repeat exactly; call it before building."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def compile_model(model: keras.Model, learning_rate: float) -> None:
    """Set the notebook's optimizer, loss and metric: Adam, cross-entropy on logits, accuracy."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )


def fit(
    model: keras.Model, recipe: Recipe, settings: Train, train: Photos, validation: Photos
) -> list[dict[str, float]]:
    """Train the model, logging a line per epoch.

    Args:
        train: pixels, uint8 of 0..255 shaped (photos, height, width, 3), and labels, int64 shaped (photos,).
        validation: the same of the photos to measure on after each epoch.

    Returns:
        For each epoch, from 1: ``epoch``, ``accuracy``, ``loss``, ``val_accuracy``, ``val_loss``.
    """
    compile_model(model, recipe.learning_rate or settings.learning_rate)
    history = model.fit(
        training_batches(*train, settings.batch_size, settings.seed),
        steps_per_epoch=math.ceil(len(train[0]) / settings.batch_size),
        epochs=recipe.epochs or settings.epochs,
        validation_data=tf.data.Dataset.from_tensor_slices(validation).batch(settings.batch_size),
        shuffle=False,  # the batches come shuffled
        verbose=2,
    ).history
    columns = ["accuracy", "loss", "val_accuracy", "val_loss"]
    return [
        {"epoch": epoch + 1, **{column: round(history[column][epoch], 6) for column in columns}}
        for epoch in range(len(history["loss"]))
    ]
