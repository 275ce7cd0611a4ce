"""Batches of a dataset as ``tf.data`` pipelines."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from stages.common.parallel import in_parallel
from stages.datasets.augmentation import rng
from stages.datasets.dataset import Dataset, sequential_batches
from stages.models.runtime import tf

CACHED_BYTES = 2**28  # MobileNetV2's features of 4,000 photos

Batches = Iterator[tuple[np.ndarray, np.ndarray]]  # examples and labels


def training_batches(dataset: Dataset, batch_size: int, seed: int, epochs: range) -> tf.data.Dataset:
    """Yield examples and labels of some epochs (from 0).

    They are shuffled anew in each epoch, by ``seed`` and the epoch alone, so that training can resume at any. The last
    batch of an epoch may be smaller.
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
    """Yield all examples and labels in order.

    Every epoch measures on them: up to ``CACHED_BYTES`` stay in memory.
    """

    def batches() -> Batches:
        labels = np.split(dataset.labels, range(batch_size, len(dataset.labels), batch_size))
        return zip(sequential_batches(dataset, batch_size), labels, strict=True)

    count = math.ceil(len(dataset.labels) / batch_size)
    pipeline = _pipeline(batches, dataset).apply(tf.data.experimental.assert_cardinality(count))
    is_small = dataset.batch(0, np.arange(1)).nbytes * len(dataset.labels) <= CACHED_BYTES
    return pipeline.cache() if is_small else pipeline


def _pipeline(batches: Callable[[], Batches], dataset: Dataset) -> tf.data.Dataset:
    """Create a pipeline that loads the next batch while one is used.

    Autotuning has nothing to tune here, and would delay the end of a training run by up to a minute.
    """
    example = dataset.batch(0, np.arange(1))
    signature = (tf.TensorSpec((None, *example.shape[1:]), example.dtype), tf.TensorSpec((None,), tf.int64))
    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(1).with_options(options)
