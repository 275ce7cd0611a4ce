"""The training loop."""

import math
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stages.common.cli import logger
from stages.common.machine import read_code
from stages.common.model_config import ModelConfig
from stages.common.params import Train
from stages.common.paths import LOGS
from stages.datasets.dataset import Dataset, StoredDataset, augmented_dataset, sequential_batches
from stages.datasets.feature_extraction import FeatureDataset, feature_extractor, store_features
from stages.models.build import trainable_part
from stages.models.pretrained import unfreeze
from stages.models.runtime import describe_environment, device_count, keras, tf
from stages.storage.arrays import DiskArray, temporary_array
from stages.storage.files import content_hash
from stages.training.batches import training_batches, validation_batches
from stages.training.callbacks import Checkpoint, DeferredInterrupt, EpochLog, Selection
from stages.training.micro_batches import MicroBatched, OnDevices
from stages.training.training_run import TRAINING_CODE, Backup, History, TrainingRun


class Phase(NamedTuple):
    """The epochs after ``start`` and up to ``end``, with a learning rate and its schedule."""

    start: int
    end: int
    learning_rate: float
    fine_tunes: bool = False


def train_model(model: keras.Model, run: TrainingRun, backup: Path) -> tuple[History, np.ndarray]:
    """Train the model of a run phase by phase, resuming after the last epoch in the file ``backup``.

    Returns:
        A record per epoch, from 1 (epoch, accuracy, loss, val_accuracy, val_loss; in the selected one also kept), and
        the logits of the validation photos, float32, shaped (photos, classes).
    """
    settings = run.settings
    phases = list_phases(run.config, settings)
    epochs = phases[-1].end
    selection = Selection(settings.checkpoint == "best", settings.early_stopping, phases[-1].start)
    checkpoint = Checkpoint(Backup(backup, training_key(model, run)), selection)
    history = checkpoint.history
    if history:
        logger.info("resuming after epoch %d of %d, which an earlier run finished", len(history), epochs)
    callbacks = [checkpoint, EpochLog(backup.stem, epochs)]
    if os.environ.get("TENSORBOARD", "0") not in ("", "0"):
        logs = LOGS / backup.stem
        if not history:  # else it continues the curves of an earlier run
            for earlier in logs.rglob("events.out.tfevents.*"):
                earlier.unlink()
        callbacks.append(keras.callbacks.TensorBoard(logs, write_graph=False))
    train, validation = epoch_datasets(model, run)
    batches = validation_batches(validation, settings.batch_size)
    trained = parallel_model(trainable_part(model), settings, train.labels)
    steps_per_epoch = math.ceil(len(train.labels) / settings.batch_size)
    for phase in phases:
        if phase.fine_tunes:
            unfreeze(model.get_layer("last_blocks"))
        compile_model(trained, scheduled(phase, settings, steps_per_epoch))
        # A backup fits the optimizer of its phase; that of the phase's last epoch only passes on its weights.
        if phase.start < len(history) <= phase.end:
            checkpoint.backup.restore(trained)
        if len(history) >= phase.end or selection.is_over(history):
            continue
        checkpoint.learning_rate = phase.learning_rate
        with DeferredInterrupt() as deferred_interrupt:
            trained.fit(
                training_batches(train, settings.batch_size, settings.seed, range(len(history), phase.end)),
                steps_per_epoch=steps_per_epoch,
                initial_epoch=len(history),
                epochs=phase.end,
                validation_data=batches,
                callbacks=[*callbacks, deferred_interrupt],
                shuffle=False,  # the batches are
                verbose=0,  # callbacks log
            )
    if selection.keep_best:
        for variable, value in zip(trained.variables, checkpoint.best, strict=True):
            variable.assign(value)
    logits = trained.predict(batches, verbose=0)
    return selection.mark(history), logits[: len(validation.labels)]


def epoch_datasets(model: keras.Model, run: TrainingRun) -> tuple[Dataset, StoredDataset]:
    """Augment the training examples and, if the model has a backbone, extract features of each epoch's new views."""
    augmented = augmented_dataset(run.train, run.config, run.settings.seed)
    if not (run.config.has_backbone and run.config.augments):
        return augmented, run.validation
    extractor = feature_extractor(model.get_layer("preprocessing"), model.get_layer("backbone"))
    features = temporary_array((len(run.validation.labels), *extractor.output_shape[1:]), np.float32)
    store_features(FeatureDataset(run.validation, extractor), features, "validation features")
    return FeatureDataset(augmented, extractor), StoredDataset(features, run.validation.labels)


def parallel_model(model: keras.Model, settings: Train, labels: np.ndarray) -> MicroBatched:
    """Wrap a model for training on all cores and devices, with the class weights of ``settings``."""
    # A GPU is fastest with whole batches.
    micro_batches = 1 if tf.config.list_logical_devices("GPU") else settings.micro_batches
    class_weights = None
    if settings.class_weight == "balanced":  # all classes count alike; the mean over the examples is 1
        counts = np.bincount(labels)
        class_weights = (len(labels) / (len(counts) * counts)).astype(np.float32)
    return (OnDevices if device_count() > 1 else MicroBatched)(model, micro_batches, class_weights)


def list_phases(config: ModelConfig, settings: Train) -> list[Phase]:
    """List the phases: one or, to fine-tune, one for the head alone and one with the backbone's last blocks.

    A linear head is fitted before the first epoch, and all epochs fine-tune.
    """
    epochs, fine_tune = settings.epochs, config.fine_tune
    if fine_tune is None:
        return [Phase(0, epochs, settings.learning_rate)]
    head_only = math.ceil(Fraction(str(fine_tune.after or 0)) * epochs)  # 0.28 * 25 is 7.000000000000001 in floats
    if head_only == epochs:
        text = "no epoch is left to fine-tune in: with fine_tune.after at %g, all epochs (%d) come before it"
        logger.warning(text, fine_tune.after, epochs)
    fine_tuning = Phase(head_only, epochs, fine_tune.learning_rate, fine_tunes=True)
    return [Phase(0, head_only, settings.learning_rate), fine_tuning] if head_only else [fine_tuning]


def scheduled(phase: Phase, settings: Train, steps_per_epoch: int) -> Any:
    """Return the phase's learning rate, or a schedule of it over all steps of the phase.

    After a linear warm-up from 0 the rate stays, or falls by a half cosine to 0. Its only state is the optimizer's step
    count, which a backup holds.
    """
    constant = settings.schedule == "constant"
    if constant and not settings.warmup:
        return phase.learning_rate
    steps = max(1, (phase.end - phase.start) * steps_per_epoch)  # none, if all epochs come before fine_tune.after
    warmup_steps = int(settings.warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=phase.learning_rate,
        warmup_steps=warmup_steps,
        decay_steps=steps - warmup_steps,
        alpha=float(constant),  # the fraction of the rate that is left in the end
    )


def compile_model(model: keras.Model, learning_rate: Any) -> None:
    """Compile with the notebook's loss, metric and a new optimizer: cross-entropy on logits, accuracy, Adam."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # By name, it would make its variables within the first step, which TensorFlow then traces twice.
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    model.optimizer.build(model.trainable_variables)


def training_key(model: keras.Model, run: TrainingRun) -> str:
    """Hash everything that a training run depends on; of files of examples, which may have many GB, only the state."""

    def parts() -> Iterator[str | np.ndarray]:
        yield run.config.model_dump_json()
        yield run.settings.model_dump_json(exclude={"runs"})
        yield str(model.input_shape)
        yield from describe_environment()
        yield keras.config.dtype_policy().name
        yield from read_code(TRAINING_CODE)
        yield from (variable.numpy() for variable in model.variables)  # the backbone's weights among them
        for dataset in (run.train, run.validation):
            yield dataset.labels
            if isinstance(dataset.examples, DiskArray) and dataset.examples.file_state:
                yield dataset.examples.file_state
            else:
                yield from sequential_batches(dataset, run.settings.batch_size, dataset.views)

    return content_hash(parts())
