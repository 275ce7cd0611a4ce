"""Train a model the same way every time."""

import logging
import math
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.common.backbone import unfreeze
from stages.common.backend import keras, tf
from stages.common.backup import Records, fingerprint, load_history, load_state
from stages.common.callbacks import KeepRecord, StopWhenInterrupted, interrupts_noted
from stages.common.dataset import as_they_are, augmenting, in_order, training_batches, validation_batches
from stages.common.environment import describe_environment
from stages.common.features import compute_features, split_at_backbone, taking_turns
from stages.common.params import Recipe, Train
from stages.common.rows import Budget, Rows

logger = logging.getLogger(__name__)

# Pixels, uint8 of 0..255 shaped (photos, height, width, 3), and labels, int64 shaped (photos,).
Photos = tuple[Rows, np.ndarray]


class Phase(NamedTuple):
    """Epochs with one learning rate: those after ``start`` and up to ``end``."""

    start: int
    end: int
    learning_rate: float
    fine_tunes: bool = False


def phases_of(recipe: Recipe, settings: Train) -> list[Phase]:
    """List the phases of a training: one, or one for the head alone and one with the backbone's last blocks."""
    epochs, learning_rate = recipe.epochs or settings.epochs, recipe.learning_rate or settings.learning_rate
    if recipe.fine_tune is None:
        return [Phase(0, epochs, learning_rate)]
    settled = math.ceil(recipe.fine_tune.after * epochs)
    if settled == epochs:
        logger.warning(
            "of %d epochs none is after %g of them: nothing will be fine-tuned", epochs, recipe.fine_tune.after
        )
    return [
        Phase(0, settled, learning_rate),
        Phase(settled, epochs, recipe.fine_tune.learning_rate, fine_tunes=True),
    ]


def train_model(
    model: keras.Model,
    recipe: Recipe,
    settings: Train,
    train: Photos,
    validation: Photos,
    backup: Path,
    budget: Budget,
) -> Records:
    """Train the model, logging a line per epoch, and going on after the last one that ``backup`` knows.

    Of a model with a backbone, that runs over the validation photos once, and over the training photos
    ``recipe.views`` times in all or, where that is None, once an epoch; the rest trains on its features.

    Args:
        validation: the photos to measure on after each epoch.
        backup: a file that holds the state after each epoch while training lasts.
        budget: memory for the backbone's features.

    Returns:
        For each epoch, from 1: ``epoch``, ``accuracy``, ``loss``, ``val_accuracy``, ``val_loss``.

    Raises:
        UserError: The loss is no longer a finite number.
    """
    key = fingerprint_of(model, recipe, settings, train, validation)
    count, batch_size = len(train[1]), settings.batch_size
    load = augmenting(train[0], recipe, settings.seed)
    to_features = None
    if recipe.backbone != "none":
        to_features, model = split_at_backbone(model)
        in_list = in_order(as_they_are(validation[0]), len(validation[1]), batch_size)
        features = compute_features(to_features, in_list, len(validation[1]), budget, "backbone, validation photos")
        validation = (features, validation[1])
        if recipe.views:
            views = min(recipe.views, recipe.epochs or settings.epochs)
            versions = in_order(load, count, batch_size, views)
            features = compute_features(to_features, versions, views * count, budget, "backbone, training photos")
            load, to_features = taking_turns(features, views), None

    def batches(first_epoch: int) -> tf.data.Dataset:
        pixels = training_batches(load, train[1], batch_size, settings.seed, first_epoch)
        if to_features is None:
            return pixels
        return pixels.map(lambda pixels, labels: (to_features(pixels, training=False), labels)).prefetch(1)

    steps = math.ceil(count / batch_size)
    return fit(
        model, batches, steps, validation_batches(*validation, batch_size), phases_of(recipe, settings), key, backup
    )


def fit(
    model: keras.Model,
    batches: Callable[[int], tf.data.Dataset],
    steps: int,
    validation: tf.data.Dataset,
    phases: list[Phase],
    key: str,
    backup: Path,
) -> Records:
    """Fit a model phase after phase, from where the backup is.

    Args:
        batches: gives the batches from an epoch on, which counts from 0, without end.
        steps: how many of them are an epoch.
        key: the fingerprint of all that this training depends on.
    """
    history = load_history(backup, key)
    if history:
        logger.info("going on after epoch %d of %d, which an earlier run finished", len(history), phases[-1].end)
    for phase in phases:
        if phase.fine_tunes:
            unfreeze(model.get_layer("last_blocks"))
        if len(history) > phase.end:
            continue
        compile_model(model, phase.learning_rate)
        if len(history) > phase.start:
            load_state(backup, model)
        with interrupts_noted() as interrupted:
            model.fit(
                batches(len(history)),
                steps_per_epoch=steps,
                initial_epoch=len(history),
                epochs=phase.end,
                validation_data=validation,
                callbacks=[KeepRecord(history, key, backup), StopWhenInterrupted(interrupted)],
                shuffle=False,  # the batches come shuffled
                verbose=2,
            )
            if interrupted.is_set():  # while the last epoch was kept
                raise KeyboardInterrupt
    return history


def fingerprint_of(model: keras.Model, recipe: Recipe, settings: Train, train: Photos, validation: Photos) -> str:
    """Hash all that a training's result depends on, batch by batch: the photos may not fit into memory."""
    parts = [
        recipe.model_dump_json(),
        settings.model_dump_json(),
        *describe_environment(),
        keras.config.dtype_policy().name,
        *(file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parents[1].rglob("*.py"))),
        *(variable.numpy() for variable in model.variables),  # the backbone's weights among them
        train[1],
        validation[1],
    ]
    photos = (in_order(as_they_are(rows), len(rows), settings.batch_size) for rows, _ in (train, validation))
    return fingerprint(chain(parts, *photos))


def compile_model(model: keras.Model, learning_rate: float) -> None:
    """Set the notebook's optimizer, loss and metric: Adam, cross-entropy on logits, accuracy."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)
