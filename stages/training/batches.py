"""Batches of a dataset as ``tf.data`` pipelines, and a model that computes each in micro-batches."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from stages.common.parallel import in_parallel
from stages.datasets.augmentation import rng
from stages.datasets.dataset import Dataset, sequential_batches
from stages.models.runtime import keras, tf

CACHED_BYTES = 2**28  # MobileNetV2's features of 4,000 photos

Batches = Iterator[tuple[np.ndarray, np.ndarray]]  # examples and labels


def training_batches(dataset: Dataset, batch_size: int, seed: int, epochs: range) -> tf.data.Dataset:
    """Yield examples and labels of some epochs (from 0), whose last batch may be smaller.

    They are shuffled anew in each epoch, by ``seed`` and the epoch alone, so that training can resume at any.
    """

    def indices() -> Iterator[tuple[int, np.ndarray]]:
        for epoch in epochs:
            order = rng(seed, "shuffle", epoch).permutation(len(dataset.labels))
            for start in range(0, len(order), batch_size):
                yield epoch, order[start : start + batch_size]

    def load(batch: tuple[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return dataset.batch(*batch), dataset.labels[batch[1]]

    return _pipeline(lambda: in_parallel(load, indices()), dataset)


def validation_batches(dataset: Dataset, batch_size: int) -> tf.data.Dataset:
    """Yield all examples and labels in order; up to ``CACHED_BYTES`` stay in memory, as each epoch measures on them."""

    def batches() -> Batches:
        labels = np.split(dataset.labels, range(batch_size, len(dataset.labels), batch_size))
        return zip(sequential_batches(dataset, batch_size), labels, strict=True)

    count = math.ceil(len(dataset.labels) / batch_size)
    pipeline = _pipeline(batches, dataset).apply(tf.data.experimental.assert_cardinality(count))
    is_small = dataset.batch(0, np.arange(1)).nbytes * len(dataset.labels) <= CACHED_BYTES
    return pipeline.cache() if is_small else pipeline


def _pipeline(batches: Callable[[], Batches], dataset: Dataset) -> tf.data.Dataset:
    """Create a pipeline that loads the next batch while one is used."""
    example = dataset.batch(0, np.arange(1))
    signature = (tf.TensorSpec((None, *example.shape[1:]), example.dtype), tf.TensorSpec((None,), tf.int64))
    options = tf.data.Options()
    options.autotune.enabled = False  # it would delay the end of a training run by up to a minute
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(1).with_options(options)


class MicroBatched(keras.Model):
    """A model that computes each batch in micro-batches, in parallel (docs/decisions/one_thread.md).

    They are the same on any number of cores, and so is the order in which their gradients are added.
    """

    def __init__(self, model: keras.Model, micro_batches: int, class_weights: np.ndarray | None = None) -> None:
        super().__init__()
        self.model, self.micro_batches, self.class_weights = model, micro_batches, class_weights

    def call(self, examples: tf.Tensor, training: bool = False) -> tf.Tensor:
        size = tf.shape(examples)[0]
        bounds = pairwise(size * index // self.micro_batches for index in range(self.micro_batches + 1))
        logits = [
            # TensorFlow's convolutions fail on empty batches: those compute an example that does not count.
            self.model(examples[start : tf.maximum(end, start + 1)], training=training)[: end - start]
            for start, end in bounds
        ]
        return tf.concat(logits, axis=0)

    def compute_loss(self, x: Any, y: tf.Tensor, y_pred: tf.Tensor, sample_weight: Any, training: bool) -> tf.Tensor:
        if training and self.class_weights is not None:
            sample_weight = tf.gather(self.class_weights, y)
        return super().compute_loss(x, y, y_pred, sample_weight, training)
