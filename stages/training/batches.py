"""Batches of a dataset, as Keras takes them."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from stages.common.parallel import in_parallel
from stages.datasets.dataset import Dataset, sequential_batches
from stages.models.runtime import device_count, tf

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
        Pairs of examples, shaped (batch, ...), and labels, shaped (batch,); for several devices, with weights
        (``equal_shares``). An epoch's last batch holds what is left.
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


def balanced_weights(labels: np.ndarray) -> np.ndarray:
    """Weight classes so that each counts as much as any other in the loss, and the mean over all examples is 1.

    Returns:
        float32, shaped (classes,).
    """
    counts = np.bincount(labels)
    return (len(labels) / (len(counts) * counts)).astype(np.float32)


def validation_batches(dataset: Dataset, batch_size: int) -> tf.data.Dataset:
    """Yield each example with its label once, in the order of the list; for several devices with weights, too.

    Rows of weight 0 (``equal_shares``) are the last.
    """
    devices = device_count()
    batch_size = math.ceil(batch_size / devices) * devices

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        examples = map(as_float32, sequential_batches(dataset, batch_size))
        labels = np.split(dataset.labels, range(batch_size, len(dataset.labels), batch_size))
        return zip(examples, labels, strict=True)

    number = math.ceil(len(dataset.labels) / batch_size)
    return _from_generator(batches, dataset, batch_size).apply(tf.data.experimental.assert_cardinality(number))


def equal_shares(examples: np.ndarray, labels: np.ndarray, devices: int) -> tuple[np.ndarray, ...]:
    """Add rows to a batch until it divides evenly among the devices.

    Returns:
        examples, labels and the weights of the rows in the loss, float32, shaped (rows,): equal ones that add up to 1,
        and 0 for the added rows.
    """
    size = len(labels)
    rows = np.arange(math.ceil(size / devices) * devices)
    return examples[rows % size], labels[rows % size], np.where(rows < size, np.float32(1 / size), np.float32(0))


def _from_generator(
    batches: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]], dataset: Dataset, batch_size: int
) -> tf.data.Dataset:
    """Make a ``tf.data`` pipeline of a dataset's batches; the next one is loaded while one is used.

    There is nothing to tune in it, and TensorFlow's tuning would hold up the end of a training until it next wakes, at
    ever longer intervals of up to a minute.
    """
    example = as_float32(dataset.batch(0, np.arange(min(batch_size, len(dataset.labels)))))
    signature = [tf.TensorSpec((None, *example.shape[1:]), example.dtype), tf.TensorSpec((None,), tf.int64)]
    devices = device_count()
    if devices > 1:
        signature.append(tf.TensorSpec((None,), tf.float32))

    def shared() -> Iterator[tuple[np.ndarray, ...]]:
        return (equal_shares(*batch, devices) for batch in batches()) if devices > 1 else batches()

    options = tf.data.Options()
    options.autotune.enabled = False
    return tf.data.Dataset.from_generator(shared, output_signature=tuple(signature)).prefetch(1).with_options(options)
