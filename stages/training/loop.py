"""Train a model the same way every time."""

import logging
import math
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.common.cli import UserError
from stages.common.model_config import ModelConfig
from stages.common.params import Train
from stages.datasets.dataset import Dataset, StoredDataset, augmented_dataset, sequential_batches
from stages.datasets.feature_extraction import FeatureDataset, connect, feature_extractor, store_features
from stages.models.pretrained import unfreeze
from stages.models.runtime import describe_environment, device_count, keras, tf
from stages.storage.arrays import temporary_array
from stages.storage.feature_sets import remedy
from stages.storage.files import content_hash
from stages.training.backup import Backup, History, training_code
from stages.training.batches import balanced_weights, training_batches, validation_batches
from stages.training.callbacks import Checkpoint, StopWhenInterrupted, TimeLeft, defer_interrupts, live_curves
from stages.training.micro_batches import MicroBatched, OnDevices
from stages.training.selection import Selection

logger = logging.getLogger(__name__)


class Training(NamedTuple):
    """What a training gives besides the model."""

    # For each epoch, from 1: epoch, accuracy, loss, val_accuracy, val_loss; in the one that was chosen, kept.
    history: History
    logits: np.ndarray  # the model's for the validation photos: float32, shaped (photos, classes)


class Phase(NamedTuple):
    """Epochs with one learning rate: those after ``start`` and up to ``end``."""

    start: int
    end: int
    learning_rate: float
    fine_tunes: bool = False


def train_model(
    model: keras.Model,
    config: ModelConfig,
    settings: Train,
    train: StoredDataset,
    validation: StoredDataset,
    backup: Path,
) -> Training:
    """Train the model, logging a line per epoch, and resuming after the last epoch in ``backup``.

    Args:
        train: photos, which are flipped and rotated as the config says and pass through the backbone, if there is one,
            in every epoch; or a frozen backbone's features, on which only the layers after it train.
        validation: the same of the photos to measure on after each epoch.
        backup: a file that holds the state after each epoch while training lasts.

    Raises:
        UserError: The features are of another shape, or the loss is no longer a finite number.
    """
    resumable = Backup(backup, training_key(model, config, settings, train, validation))
    augmented = augmented_dataset(train, config, settings.seed)
    on_photos = train.examples.dtype == np.uint8
    trained = head_of(model) if config.has_backbone else model
    expected, received = (model if on_photos else trained).input_shape[1:], train.examples.shape[1:]
    if received != expected:
        raise UserError(
            f"expected features shaped {expected} (by image_size and the config), received {received}: "
            f"{remedy(config.features)}"
        )
    if not config.has_backbone or not on_photos:
        return fit(trained, config, settings, augmented, validation, resumable)

    backbone = model.get_layer("backbone")
    extractor = feature_extractor(model.get_layer("preprocessing"), backbone)
    measured = temporary_array((len(validation.labels), *backbone.output_shape[1:]), np.float32)
    store_features(FeatureDataset(validation, extractor), measured, "validation features")
    fresh = FeatureDataset(augmented, extractor)
    return fit(trained, config, settings, fresh, StoredDataset(measured, validation.labels), resumable)


def head_of(model: keras.Model) -> keras.Model:
    """Make a model of the layers after the backbone, from its features to logits, which shares their weights."""
    backbone = model.get_layer("backbone")
    return connect(model.layers[model.layers.index(backbone) + 1 :], backbone.output_shape[1:])


def fit(
    model: keras.Model, config: ModelConfig, settings: Train, train: Dataset, validation: Dataset, backup: Backup
) -> Training:
    """Fit a model phase after phase, from the epoch that the backup has reached."""
    phases = list_phases(config, settings)
    keep, patience = config.checkpoint or settings.checkpoint, config.early_stopping or settings.early_stopping
    selection = Selection(keep == "best", patience, phases[-1].start)
    history = backup.history()
    if history:
        logger.info("resuming after epoch %d of %d, which an earlier run finished", len(history), phases[-1].end)
    callbacks = [
        *live_curves(backup.path.stem, resumes=bool(history)),
        Checkpoint(history, backup, selection),
        TimeLeft(phases[-1].end),
    ]
    # A GPU is at its fastest with as much at a time as there is.
    parts = 1 if tf.config.list_logical_devices("GPU") else settings.micro_batches
    class_weights = balanced_weights(train.labels) if settings.class_weight == "balanced" else None
    trained = (OnDevices if device_count() > 1 else MicroBatched)(model, parts, class_weights)
    for phase in phases:
        if phase.fine_tunes:
            unfreeze(model.get_layer("last_blocks"))
        compile_model(trained, phase.learning_rate)
        # A backup taken in this phase fits the optimizer that this phase compiles. If it is of the phase's last epoch,
        # nothing is left to train here, and the next phase starts from its weights.
        if phase.start < len(history) <= phase.end:
            backup.restore(trained)
        if len(history) < phase.end and not selection.is_over(history):
            run_epochs(trained, settings, train, validation, history, phase.end, callbacks)
    if selection.keep_best:
        for variable, value in zip(trained.variables, backup.kept(), strict=True):
            variable.assign(value)
    logits = trained.predict(validation_batches(validation, settings.batch_size), verbose=0)
    return Training(selection.mark(history), logits[: len(validation.labels)])


def run_epochs(
    model: keras.Model,
    settings: Train,
    train: Dataset,
    validation: Dataset,
    history: History,
    end: int,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Train a compiled model up to epoch ``end``, or until a callback stops it; one of them adds to the history."""
    with defer_interrupts() as interrupted:
        model.fit(
            training_batches(train, settings.batch_size, settings.seed, range(len(history), end)),
            steps_per_epoch=math.ceil(len(train.labels) / settings.batch_size),
            initial_epoch=len(history),
            epochs=end,
            validation_data=validation_batches(validation, settings.batch_size),
            callbacks=[*callbacks, StopWhenInterrupted(interrupted)],
            shuffle=False,  # the batches come shuffled
            verbose=2,
        )
        if interrupted.is_set():  # while the last epoch was backed up
            raise KeyboardInterrupt


def list_phases(config: ModelConfig, settings: Train) -> list[Phase]:
    """List the phases of a training: one, or one for the head alone and one with the backbone's last blocks."""
    epochs, learning_rate = config.epochs or settings.epochs, config.learning_rate or settings.learning_rate
    if config.fine_tune is None:
        return [Phase(0, epochs, learning_rate)]
    head_only = math.ceil(Fraction(str(config.fine_tune.after)) * epochs)  # 0.28 * 25 is 7.000000000000001 in floats
    if head_only == epochs:
        logger.warning(
            "no epoch is left to fine-tune in: fine_tune.after is %g, and of %d epochs all come before",
            config.fine_tune.after,
            epochs,
        )
    return [
        Phase(0, head_only, learning_rate),
        Phase(head_only, epochs, config.fine_tune.learning_rate, fine_tunes=True),
    ]


def compile_model(model: keras.Model, learning_rate: float) -> None:
    """Set the notebook's loss, metric and optimizer, a new one: cross-entropy on logits, accuracy, Adam."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # By name, it would make its variables within the first step, which TensorFlow then traces twice.
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    model.optimizer.build(model.trainable_variables)


def training_key(
    model: keras.Model, config: ModelConfig, settings: Train, train: StoredDataset, validation: StoredDataset
) -> str:
    """Hash all that a training's result depends on, the examples row by row: they may not fit into memory."""
    parts = [
        config.model_dump_json(),
        settings.model_dump_json(exclude={"runs"}),
        str(model.input_shape),
        *describe_environment(),
        keras.config.dtype_policy().name,
        *training_code(),
        *(variable.numpy() for variable in model.variables),  # the backbone's weights among them
        train.labels,
        validation.labels,
    ]
    versions = [len(dataset.examples) // len(dataset.labels) for dataset in (train, validation)]
    examples = map(sequential_batches, (train, validation), repeat(settings.batch_size), versions)
    return content_hash(chain(parts, *examples))
