import numpy as np
import pytest

from stages.common.model_config import Augmentation
from stages.datasets.dataset import AugmentedDataset, StoredDataset, augmented_dataset, sequential_batches

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


@pytest.mark.parametrize(
    ("changes", "augments"),
    [({}, True), ({"flip": None}, True), ({"rotation": 0.0}, True), ({"flip": None, "rotation": 0.0}, False)],
)
def test_only_what_flips_or_rotates_augments(changes: dict[str, float | None], augments: bool) -> None:
    photos = StoredDataset(np.zeros((1, 8, 8, 3), np.uint8), np.zeros(1, np.int64))
    dataset = augmented_dataset(photos, AUGMENTATION.model_copy(update=changes), seed=0)
    assert isinstance(dataset, AugmentedDataset) == augments
