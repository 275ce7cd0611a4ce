from itertools import islice

import numpy as np
import pytest

from stages.models.recipe import Recipe
from stages.photos.arrays import Photos
from stages.training.datasets import (
    AugmentedDataset,
    StoredDataset,
    sequential_batches,
    training_batches,
    training_dataset,
    validation_batches,
)

LABELS = np.arange(10, dtype=np.int64)
PHOTOS = StoredDataset(LABELS.astype(np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8), LABELS)
RECIPE = Recipe(backbone="none", scale=(0, 1), flip="horizontal", rotation=0.2, dropout=0.5, units=8)


def epochs(seed: int, count: int, first_epoch: int = 0) -> list[list[int]]:
    """The order of the photos in each epoch, in batches of four: four, four and two."""
    batches = iter(training_batches(PHOTOS, 4, seed, first_epoch).as_numpy_iterator())
    return [[int(label) for _, labels in islice(batches, 3) for label in labels] for _ in range(count)]


def test_each_epoch_holds_each_photo_once_in_an_order_of_its_own() -> None:
    first, second = epochs(seed=0, count=2)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_the_order_depends_on_the_seed_and_the_epoch_alone() -> None:
    assert epochs(seed=0, count=3)[1:] == epochs(seed=0, count=2, first_epoch=1)
    assert epochs(seed=0, count=1) != epochs(seed=1, count=1)


def test_photos_go_with_their_labels() -> None:
    for pixels, labels in islice(training_batches(PHOTOS, 4, 0).as_numpy_iterator(), 6):
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, PHOTOS.examples[labels])


def test_validation_gives_each_photo_once_in_the_order_of_the_list() -> None:
    batches = list(validation_batches(PHOTOS, 4).as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([pixels for pixels, _ in batches]), PHOTOS.examples)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), LABELS)


def test_stored_versions_take_turns() -> None:
    dataset = StoredDataset(np.arange(6), np.zeros(2))  # three versions of two examples
    taken = [dataset.batch(epoch, np.array([1, 0])).tolist() for epoch in range(4)]
    assert taken == [[1, 0], [3, 2], [5, 4], [1, 0]]


def test_a_photo_is_augmented_by_its_number_and_the_epoch_whatever_the_batch() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3)).astype(np.uint8)
    dataset = AugmentedDataset(Photos(pixels, LABELS), RECIPE, seed=0)
    first, second = np.split(np.concatenate(list(sequential_batches(dataset, 4, epochs=2))), 2)
    np.testing.assert_array_equal(dataset.batch(1, np.array([7, 2])), second[[7, 2]])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, pixels)


@pytest.mark.parametrize(
    ("changes", "augments"),
    [({}, True), ({"flip": None}, True), ({"rotation": 0.0}, True), ({"flip": None, "rotation": 0.0}, False)],
)
def test_only_a_recipe_that_flips_or_rotates_augments(changes: dict[str, float | None], augments: bool) -> None:
    photos = Photos(np.zeros((1, 8, 8, 3), np.uint8), np.zeros(1, np.int64))
    dataset = training_dataset(photos, RECIPE.model_copy(update=changes), seed=0)
    assert isinstance(dataset, AugmentedDataset) == augments
