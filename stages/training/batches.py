"""Batches of a dataset, as Keras takes them."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from stages.datasets.dataset import Dataset, sequential_batches
from stages.models.runtime import tf
from stages.photos.parallel import in_parallel

# Each float16 number by its bits. To look it up takes half as long as NumPy's conversion; TensorFlow's logs an error.
FLOAT32 = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)


def as_float32(examples: np.ndarray) -> np.ndarray:
    """Convert features that are stored as float16; photos, uint8, stay as they are."""
    return np.take(FLOAT32, examples.view(np.uint16)) if examples.dtype == np.float16 else examples


def training_batches(dataset: Dataset, batch_size: int, seed: int, epochs: range) -> tf.data.Dataset:
    """Yield the examples epoch after epoch, each epoch in a new order.

    The order of an epoch depends on ``seed`` and the epoch's number alone, so that training can resume at any
    epoch as if it had never stopped. It is shuffled over the whole list.

    Args:
        epochs: their numbers, from 0.

    Returns:
        Pairs of examples, shaped (batch, ...), and labels, shaped (batch,). An epoch's last batch holds what is left.
    """

    def chosen() -> Iterator[tuple[int, np.ndarray]]:
        for epoch in epochs:
            order = np.random.default_rng([seed, epoch, 0]).permutation(len(dataset.labels))
            for start in range(0, len(order), batch_size):
                yield epoch, order[start : start + batch_size]

    def load(epoch_and_numbers: tuple[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        epoch, numbers = epoch_and_numbers
        return as_float32(dataset.batch(epoch, numbers)), dataset.labels[numbers]

    return _from_generator(lambda: in_parallel(load, chosen()), dataset, batch_size)


def balanced_weights(labels: np.ndarray) -> dict[int, float]:
    """Weight classes so that each counts as much as any other in the loss, and the mean over all examples is 1."""
    counts = np.bincount(labels)
    return dict(enumerate((len(labels) / (len(counts) * counts)).tolist()))


def validation_batches(dataset: Dataset, batch_size: int) -> tf.data.Dataset:
    """Yield each example with its label once, in the order of the list."""

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        examples = map(as_float32, sequential_batches(dataset, batch_size))
        labels = np.split(dataset.labels, range(batch_size, len(dataset.labels), batch_size))
        return zip(examples, labels, strict=True)

    number = math.ceil(len(dataset.labels) / batch_size)
    return _from_generator(batches, dataset, batch_size).apply(tf.data.experimental.assert_cardinality(number))


def _from_generator(
    batches: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]], dataset: Dataset, batch_size: int
) -> tf.data.Dataset:
    """Make a ``tf.data`` pipeline of a dataset's batches; the next one is loaded while one is used.

    There is nothing to tune in it, and TensorFlow's tuning would hold up the end of a training until it next wakes, at
    ever longer intervals of up to a minute.
    """
    example = as_float32(dataset.batch(0, np.arange(min(batch_size, len(dataset.labels)))))
    signature = (tf.TensorSpec((None, *example.shape[1:]), example.dtype), tf.TensorSpec((None,), tf.int64))
    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(1).with_options(options)
