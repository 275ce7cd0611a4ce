"""What a model trains on: examples that may look different in each epoch, and batches of them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Protocol

import numpy as np

from stages.models.recipe import Recipe
from stages.models.runtime import tf
from stages.photos.arrays import ArrayStore, Photos
from stages.training.augmentation import augment, draw_augmentation


class Dataset(Protocol):
    """Labelled examples, photos or their features, by number."""

    @property
    def labels(self) -> np.ndarray:
        """int64, shaped (examples,)."""

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        """Give the examples of these numbers as they look in an epoch, which counts from 0."""


@dataclass(frozen=True)
class StoredDataset:
    """Examples stored in one or more versions, of which each epoch takes the next."""

    examples: ArrayStore  # shaped (versions * examples, ...): all examples' first version, then their second, ...
    labels: np.ndarray

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        versions = len(self.examples) // len(self.labels)
        return self.examples[epoch % versions * len(self.labels) + indices]


class AugmentedDataset:
    """Photos flipped and rotated at random, differently in each epoch."""

    def __init__(self, photos: Photos, recipe: Recipe, seed: int) -> None:
        self.pixels, self.labels = photos
        # One epoch's draw serves all its batches.
        self.draw = lru_cache(maxsize=1)(lambda epoch: draw_augmentation(recipe, len(photos.labels), seed, view=epoch))

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        mirror, angle = self.draw(epoch)
        return augment(self.pixels[indices], mirror[indices], angle[indices])


def training_dataset(photos: Photos, recipe: Recipe, seed: int) -> Dataset:
    """Augment photos as the recipe says, or leave them as they are."""
    return AugmentedDataset(photos, recipe, seed) if recipe.augments else StoredDataset(*photos)


def sequential_batches(dataset: Dataset, batch_size: int, epochs: int = 1) -> Iterator[np.ndarray]:
    """Yield all examples in the order of the list, as they look in the first epoch, then as in the second, ..."""
    for epoch in range(epochs):
        for start in range(0, len(dataset.labels), batch_size):
            yield dataset.batch(epoch, np.arange(start, min(start + batch_size, len(dataset.labels))))


def training_batches(dataset: Dataset, batch_size: int, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Yield the examples epoch after epoch, without end, each epoch in a new order.

    The order of an epoch depends on ``seed`` and the epoch's number alone, so that training can resume at any
    epoch as if it had never stopped. It is shuffled over the whole list.

    Args:
        first_epoch: number of the epoch to start with, from 0.

    Returns:
        Pairs of examples, shaped (batch, ...), and labels, shaped (batch,). An epoch's last batch holds what is left.
    """

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for epoch in count(first_epoch):
            order = np.random.default_rng([seed, epoch, 0]).permutation(len(dataset.labels))
            for start in range(0, len(order), batch_size):
                indices = order[start : start + batch_size]
                yield dataset.batch(epoch, indices), dataset.labels[indices]

    return _from_generator(batches, dataset, batch_size)


def validation_batches(dataset: Dataset, batch_size: int) -> tf.data.Dataset:
    """Yield each example with its label once, in the order of the list."""

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        labels = StoredDataset(dataset.labels, dataset.labels)
        return zip(sequential_batches(dataset, batch_size), sequential_batches(labels, batch_size), strict=True)

    number = math.ceil(len(dataset.labels) / batch_size)
    return _from_generator(batches, dataset, batch_size).apply(tf.data.experimental.assert_cardinality(number))


def _from_generator(
    batches: Callable[[], Iterator[tuple[np.ndarray, np.ndarray]]], dataset: Dataset, batch_size: int
) -> tf.data.Dataset:
    """Make a ``tf.data`` pipeline of a dataset's batches; the next one is loaded while one is used."""
    example = dataset.batch(0, np.arange(min(batch_size, len(dataset.labels))))
    signature = (tf.TensorSpec((None, *example.shape[1:]), example.dtype), tf.TensorSpec((None,), tf.int64))
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(1)
