"""Datasets: labelled photos or features, which may be augmented differently in each epoch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from stages.common.model_config import Augmentation
from stages.common.parallel import in_parallel
from stages.datasets.augmentation import Draws, augment, draw_augmentation
from stages.storage.arrays import ArrayStore


class Dataset(Protocol):
    """Labelled examples."""

    @property
    def labels(self) -> np.ndarray:
        """Class indices, int64, shaped (examples,)."""

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        """Return the examples with these indices, augmented for this epoch (from 0)."""


@dataclass(frozen=True)
class StoredDataset:
    """Photos, or features in precomputed views; epoch e uses view e mod n."""

    examples: ArrayStore  # shaped (views * examples, ...): the first view of all examples, then the second, ...
    labels: np.ndarray

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        views = len(self.examples) // len(self.labels)
        return self.examples[epoch % views * len(self.labels) + indices]


class AugmentedDataset:
    """Photos augmented at random, anew in each epoch."""

    def __init__(self, photos: StoredDataset, augmentation: Augmentation, seed: int) -> None:
        self.pixels, self.labels = photos.examples, photos.labels
        # Shared by all batches of an epoch; those of the next may be loaded before its last.
        self.draw = lru_cache(maxsize=2)(lambda epoch: draw_augmentation(augmentation, len(self.labels), seed, epoch))

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        return augment(self.pixels[indices], Draws(*(each[indices] for each in self.draw(epoch))))


def augmented_dataset(photos: StoredDataset, augmentation: Augmentation, seed: int) -> Dataset:
    """Augment photos if a parameter says so."""
    return AugmentedDataset(photos, augmentation, seed) if augmentation.augments else photos


def sequential_batches(dataset: Dataset, batch_size: int, epochs: int = 1) -> Iterator[np.ndarray]:
    """Yield all examples in order, as in epoch 0, then as in epoch 1, and so on."""
    indices = np.arange(len(dataset.labels))
    starts = range(0, len(indices), batch_size)
    batches = ((epoch, indices[start : start + batch_size]) for epoch in range(epochs) for start in starts)
    return in_parallel(lambda batch: dataset.batch(*batch), batches)
