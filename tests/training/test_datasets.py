from itertools import islice

import numpy as np

from stages.models.recipe import Recipe
from stages.training.datasets import as_they_are, augmenting, in_order, training_batches, validation_batches

PIXELS = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
LABELS = np.arange(10, dtype=np.int64)


def epochs(seed: int, count: int, first_epoch: int = 0) -> list[list[int]]:
    """The order of the photos in each epoch, in batches of four: four, four and two."""
    batches = iter(training_batches(as_they_are(PIXELS), LABELS, 4, seed, first_epoch).as_numpy_iterator())
    return [[int(label) for _, labels in islice(batches, 3) for label in labels] for _ in range(count)]


def test_each_epoch_holds_each_photo_once_in_an_order_of_its_own() -> None:
    first, second = epochs(seed=0, count=2)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_the_order_depends_on_the_seed_and_the_epoch_alone() -> None:
    assert epochs(seed=0, count=3)[1:] == epochs(seed=0, count=2, first_epoch=1)
    assert epochs(seed=0, count=1) != epochs(seed=1, count=1)


def test_pixels_go_with_their_labels() -> None:
    for pixels, labels in islice(training_batches(as_they_are(PIXELS), LABELS, 4, 0).as_numpy_iterator(), 6):
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels, PIXELS[labels])


def test_validation_gives_each_photo_once_in_the_order_of_the_list() -> None:
    batches = list(validation_batches(PIXELS, LABELS, 4).as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([pixels for pixels, _ in batches]), PIXELS)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), LABELS)


def test_a_photo_is_augmented_by_its_number_and_the_epoch_whatever_the_batch() -> None:
    recipe = Recipe(backbone="none", scale=(0, 1), flip="horizontal", rotation=0.2, dropout=0.5, units=8)
    pixels = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3)).astype(np.uint8)
    load = augmenting(pixels, recipe, seed=0)
    first, second = np.split(np.concatenate(list(in_order(load, 10, 4, epochs=2))), 2)
    np.testing.assert_array_equal(load(1, np.array([7, 2])), second[[7, 2]])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, pixels)
