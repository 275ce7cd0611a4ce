"""What a model trains on, batch after batch."""

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count

import numpy as np

from stages.common.augmentation import augment, draw_augmentation
from stages.common.backend import tf
from stages.common.params import Recipe
from stages.common.rows import Rows

# Gives the rows of these numbers as they are to be in this epoch, which counts from 0.
Load = Callable[[int, np.ndarray], np.ndarray]


def as_they_are(rows: Rows) -> Load:
    """Load rows, the same in every epoch."""
    return lambda epoch, chosen: rows[chosen]


def augmenting(pixels: Rows, recipe: Recipe, seed: int) -> Load:
    """Load photos, in a new version each epoch if the recipe augments them."""
    if not (recipe.flip or recipe.rotation):
        return as_they_are(pixels)

    @lru_cache(maxsize=1)  # an epoch's draw is for all its batches
    def draw(epoch: int) -> tuple[np.ndarray, np.ndarray]:
        return draw_augmentation(recipe, len(pixels), seed, view=epoch)

    def load(epoch: int, chosen: np.ndarray) -> np.ndarray:
        mirror, angle = draw(epoch)
        return augment(pixels[chosen], mirror[chosen], angle[chosen])

    return load


def in_order(load: Load, number: int, batch_size: int, epochs: int = 1) -> Iterator[np.ndarray]:
    """Load all rows in batches, in the order of the list, as they are in the first epoch, then in the second, ..."""
    for epoch in range(epochs):
        for start in range(0, number, batch_size):
            yield load(epoch, np.arange(start, min(start + batch_size, number)))


def training_batches(
    load: Load, labels: np.ndarray, batch_size: int, seed: int, first_epoch: int = 0
) -> tf.data.Dataset:
    """Give out the rows epoch after epoch, without end, each epoch in a new order.

    The order of an epoch depends on ``seed`` and the epoch's number alone, so that training can go on from
    any epoch as if it had never stopped. It is shuffled over the whole list.

    Args:
        labels: int64, shaped (rows,).
        first_epoch: number of the epoch to start with, from 0.

    Returns:
        Pairs of rows, shaped (batch, ...) as ``load`` gives them, and labels, shaped (batch,). An epoch's last
        batch holds what is left over.
    """

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for epoch in count(first_epoch):
            order = np.random.default_rng([seed, epoch, 0]).permutation(len(labels))
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                yield load(epoch, chosen), labels[chosen]

    return from_generator(batches, load(first_epoch, np.arange(1)))


def validation_batches(rows: Rows, labels: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Give out each row with its label once, in the order of the list."""

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return zip(
            in_order(as_they_are(rows), len(labels), batch_size),
            in_order(as_they_are(labels), len(labels), batch_size),
            strict=True,
        )

    number = math.ceil(len(labels) / batch_size)
    return from_generator(batches, rows[np.arange(1)]).apply(tf.data.experimental.assert_cardinality(number))


def from_generator(batches: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]], rows: np.ndarray) -> tf.data.Dataset:
    """Make a dataset of batches of rows, like ``rows``, with labels; the next is loaded while one is used."""
    signature = (tf.TensorSpec((None, *rows.shape[1:]), rows.dtype), tf.TensorSpec((None,), tf.int64))
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(1)
