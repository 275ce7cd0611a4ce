"""The training loop."""

import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stages.common.cli import logger
from stages.common.machine import read_code
from stages.common.params import Train
from stages.common.paths import LOGS
from stages.models.build import trainable_part
from stages.models.runtime import describe_environment, keras, tf
from stages.storage.arrays import DiskArray
from stages.storage.files import content_hash
from stages.training.batches import MicroBatched, training_batches, validation_batches
from stages.training.callbacks import Checkpoint, DeferredInterrupt, EpochLog, best_epoch
from stages.training.training_run import TRAINING_CODE, History, TrainingRun


def train_model(model: keras.Model, run: TrainingRun, backup: Path) -> tuple[History, np.ndarray]:
    """Train the model of a run, resuming after the last epoch in the file ``backup``.

    Returns a record per epoch, from 1 (epoch, accuracy, loss, val_accuracy, val_loss; in the selected one also kept),
    and the logits of the validation photos, float32, shaped (photos, classes).
    """
    settings, epochs = run.settings, run.settings.epochs
    learning_rate = run.config.fine_tune.learning_rate if run.config.fine_tune else settings.learning_rate
    checkpoint = Checkpoint(backup, training_key(model, run), settings, learning_rate)
    history = checkpoint.history
    finished = len(history)  # epochs, by an earlier run
    callbacks = [checkpoint, EpochLog(backup.stem, epochs), *tensorboard(LOGS / backup.stem, resumes=finished > 0)]
    train = replace(run.train, augmentation=run.config, seed=settings.seed)
    batches = validation_batches(run.validation, settings.batch_size)
    trained = parallel_model(trainable_part(model), settings, train.labels)
    steps_per_epoch = math.ceil(len(train.labels) / settings.batch_size)
    compile_model(trained, scheduled(learning_rate, settings, steps_per_epoch))
    if finished:
        logger.info("resuming after epoch %d of %d, which an earlier run finished", finished, epochs)
        checkpoint.restore(trained)
    if finished < epochs and not checkpoint.is_over:
        with DeferredInterrupt() as deferred_interrupt:
            trained.fit(
                training_batches(train, settings.batch_size, settings.seed, range(finished, epochs)),
                steps_per_epoch=steps_per_epoch,
                initial_epoch=finished,
                epochs=epochs,
                validation_data=batches,
                callbacks=[*callbacks, deferred_interrupt],
                shuffle=False,  # the batches are
                verbose=0,  # callbacks log
            )
    if settings.checkpoint == "best":
        history[best_epoch(history) - 1]["kept"] = True
        for variable, value in zip(trained.variables, checkpoint.best, strict=True):
            variable.assign(value)
    return history, trained.predict(batches, verbose=0)


def tensorboard(logs: Path, *, resumes: bool) -> list[keras.callbacks.Callback]:
    """Return the callback that writes curves, if ``TENSORBOARD`` is set; a run that resumes continues them."""
    if os.environ.get("TENSORBOARD", "0") in ("", "0"):
        return []
    if not resumes:
        for earlier in logs.rglob("events.out.tfevents.*"):
            earlier.unlink()
    return [keras.callbacks.TensorBoard(logs, write_graph=False)]


def parallel_model(model: keras.Model, settings: Train, labels: np.ndarray) -> MicroBatched:
    """Wrap a model for training on all cores, with the class weights of ``settings``."""
    # A GPU is fastest with whole batches.
    micro_batches = 1 if tf.config.list_logical_devices("GPU") else settings.micro_batches
    class_weights = None
    if settings.class_weight == "balanced":  # all classes count alike; the mean over the examples is 1
        counts = np.bincount(labels)
        class_weights = (len(labels) / (len(counts) * counts)).astype(np.float32)
    return MicroBatched(model, micro_batches, class_weights)


def scheduled(learning_rate: float, settings: Train, steps_per_epoch: int) -> Any:
    """Return the learning rate, or a schedule of it over all steps.

    After a linear warm-up from 0 it is constant, or a half cosine to 0. Its only state is the optimizer's step
    count, which a backup holds.
    """
    constant = settings.schedule == "constant"
    if constant and not settings.warmup:
        return learning_rate
    steps = settings.epochs * steps_per_epoch
    warmup_steps = int(settings.warmup * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=learning_rate,
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
            yield dataset.examples.file_state if isinstance(dataset.examples, DiskArray) else dataset.examples

    return content_hash(parts())
