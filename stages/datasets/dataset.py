"""Labelled photos or features, which may differ in each epoch."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from stages.common.model_config import Augmentation
from stages.datasets.augmentation import Draws, augment, draw_augmentation
from stages.storage.arrays import ArrayStore


@dataclass(frozen=True)
class Dataset:
    """Photos, perhaps augmented at random, anew in each epoch; or features in views: epoch e uses view e mod n."""

    examples: ArrayStore  # shaped (views * examples, ...): the first view of all examples, then the second, ...
    labels: np.ndarray  # class indices, int64, shaped (examples,)
    augmentation: Augmentation = field(default_factory=Augmentation)  # of photos
    seed: int = 0  # of the augmentation

    def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
        """Return the examples with these indices as they are in this epoch (from 0)."""
        views = len(self.examples) // len(self.labels)
        examples = self.examples[epoch % views * len(self.labels) + indices]
        if not self.augmentation.augments:
            return examples
        draws = draw_augmentation(self.augmentation, len(self.labels), self.seed, epoch)
        return augment(examples, Draws(*(each[indices] for each in draws)))


def sequential_batches(count: int, batch_size: int, epochs: int = 1) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the epoch and the indices of batches of ``count`` examples, in order, epoch after epoch."""
    for epoch in range(epochs):
        for start in range(0, count, batch_size):
            yield epoch, np.arange(start, min(start + batch_size, count))
