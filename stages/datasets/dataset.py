"""What a model trains on: labelled examples that may look different in each epoch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from stages.common.model_config import Augmentation
from stages.common.parallel import in_parallel
from stages.datasets.augmentation import augment, draw_augmentation
from stages.storage.arrays import ArrayStore


class Dataset(Protocol):
    """Labelled examples, photos or their features, by number."""

    @property
    def labels(self) -> np.ndarray:
        """int64, shaped (examples,)."""

    def batch(self, epoch: int, numbers: np.ndarray) -> np.ndarray:
        """Give the examples of these numbers as they look in an epoch, which counts from 0."""


@dataclass(frozen=True)
class StoredDataset:
    """Examples stored in one or more versions, of which each epoch takes the next."""

    examples: ArrayStore  # shaped (versions * examples, ...): all examples' first version, then their second, ...
    labels: np.ndarray

    def batch(self, epoch: int, numbers: np.ndarray) -> np.ndarray:
        versions = len(self.examples) // len(self.labels)
        return self.examples[epoch % versions * len(self.labels) + numbers]


class AugmentedDataset:
    """Photos flipped and rotated at random, differently in each epoch."""

    def __init__(self, photos: StoredDataset, wanted: Augmentation, seed: int) -> None:
        self.pixels, self.labels = photos.examples, photos.labels
        # One epoch's draw serves all its batches; those of the next may be loaded before its last.
        self.draw = lru_cache(maxsize=2)(lambda epoch: draw_augmentation(wanted, len(self.labels), seed, view=epoch))

    def batch(self, epoch: int, numbers: np.ndarray) -> np.ndarray:
        mirror, angle = self.draw(epoch)
        return augment(self.pixels[numbers], mirror[numbers], angle[numbers])


def augmented_dataset(photos: StoredDataset, wanted: Augmentation, seed: int) -> Dataset:
    """Augment photos as wanted, or leave them as they are."""
    return AugmentedDataset(photos, wanted, seed) if wanted.augments else photos


def sequential_batches(dataset: Dataset, batch_size: int, epochs: int = 1) -> Iterator[np.ndarray]:
    """Yield all examples in the order of the list, as they look in the first epoch, then as in the second, ..."""
    size = len(dataset.labels)
    epoch_and_numbers = (
        (epoch, np.arange(start, min(start + batch_size, size)))
        for epoch in range(epochs)
        for start in range(0, size, batch_size)
    )
    return in_parallel(lambda chosen: dataset.batch(*chosen), epoch_and_numbers)
