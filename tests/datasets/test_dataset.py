import numpy as np

from stages.common.model_config import Augmentation
from stages.datasets.dataset import AugmentedDataset, StoredDataset, sequential_batches

LABELS = np.arange(10, dtype=np.int64)
AUGMENTATION = Augmentation(flip="horizontal", rotation=0.2)


def test_stored_views_alternate() -> None:
    dataset = StoredDataset(np.arange(6), np.zeros(2))  # three views of two examples
    taken = [dataset.batch(epoch, np.array([1, 0])).tolist() for epoch in range(4)]
    assert taken == [[1, 0], [3, 2], [5, 4], [1, 0]]


def test_augmentation_depends_on_index_and_epoch_alone() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3)).astype(np.uint8)
    dataset = AugmentedDataset(StoredDataset(pixels, LABELS), AUGMENTATION, seed=0)
    first, second = np.split(np.concatenate(list(sequential_batches(dataset, 4, epochs=2))), 2)
    np.testing.assert_array_equal(dataset.batch(1, np.array([7, 2])), second[[7, 2]])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, pixels)
