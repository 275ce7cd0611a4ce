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

Batches = Iterator[tuple[int, np.ndarray]]  # the epoch and the indices of each


def training_batches(dataset: Dataset, batch_size: int, seed: int, epochs: range) -> tf.data.Dataset:
    """Yield examples and labels of some epochs (from 0), whose last batch may be smaller.

    They are shuffled anew in each epoch, by ``seed`` and the epoch alone, so that training can resume at any.
    """

    def shuffled() -> Batches:
        for epoch in epochs:
            order = rng(seed, "shuffle", epoch).permutation(len(dataset.labels))
            for start in range(0, len(order), batch_size):
                yield epoch, order[start : start + batch_size]

    return _pipeline(dataset, shuffled)


def validation_batches(dataset: Dataset, batch_size: int) -> tf.data.Dataset:
    """Yield all examples and labels in order; up to ``CACHED_BYTES`` stay in memory, as each epoch measures on them."""
    count = len(dataset.labels)
    pipeline = _pipeline(dataset, lambda: sequential_batches(count, batch_size))
    pipeline = pipeline.apply(tf.data.experimental.assert_cardinality(math.ceil(count / batch_size)))
    is_small = dataset.batch(0, np.arange(1)).nbytes * count <= CACHED_BYTES
    return pipeline.cache() if is_small else pipeline


def _pipeline(dataset: Dataset, batches: Callable[[], Batches]) -> tf.data.Dataset:
    """Create a pipeline of examples and labels that loads the next batch while one is used."""

    def load(batch: tuple[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return dataset.batch(*batch), dataset.labels[batch[1]]

    example = dataset.batch(0, np.arange(1))
    signature = (tf.TensorSpec((None, *example.shape[1:]), example.dtype), tf.TensorSpec((None,), tf.int64))
    options = tf.data.Options()
    options.autotune.enabled = False  # it would delay the end of a training run by up to a minute
    pipeline = tf.data.Dataset.from_generator(lambda: in_parallel(load, batches()), output_signature=signature)
    return pipeline.prefetch(1).with_options(options)


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
