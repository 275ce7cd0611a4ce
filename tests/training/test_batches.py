from itertools import islice

import numpy as np
import pytest

from stages.datasets.dataset import StoredDataset
from stages.models.runtime import keras, layers
from stages.training import batches
from stages.training.batches import training_batches, validation_batches
from stages.training.micro_batches import MicroBatched

LABELS = np.arange(10, dtype=np.int64)
PHOTOS = StoredDataset(LABELS.astype(np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8), LABELS)


def epochs(seed: int, count: int, first_epoch: int = 0) -> list[list[int]]:
    """The order of the photos in each epoch, in batches of four: four, four and two."""
    batches = iter(training_batches(PHOTOS, 4, seed, range(first_epoch, first_epoch + count)).as_numpy_iterator())
    return [[int(label) for _, labels in islice(batches, 3) for label in labels] for _ in range(count)]


def test_the_order_depends_on_the_seed_and_the_epoch_alone() -> None:
    first, second = epochs(seed=0, count=2)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert epochs(seed=0, count=3)[1:] == epochs(seed=0, count=2, first_epoch=1)
    assert epochs(seed=0, count=1) != epochs(seed=1, count=1)


def test_validation_batches_are_in_order() -> None:
    batches = list(validation_batches(PHOTOS, 4).as_numpy_iterator())
    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([pixels for pixels, _ in batches]), PHOTOS.examples)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), LABELS)


@pytest.mark.parametrize(("cached_bytes", "times"), [(2**28, 1), (0, 2)])
def test_what_fits_in_memory_is_read_once(monkeypatch: pytest.MonkeyPatch, cached_bytes: int, times: int) -> None:
    """Each epoch measures on the validation photos."""
    monkeypatch.setattr(batches, "CACHED_BYTES", cached_bytes)
    read: list[int] = []

    class Recorded(StoredDataset):
        def batch(self, epoch: int, indices: np.ndarray) -> np.ndarray:
            read.extend(indices)
            return super().batch(epoch, indices)

    validation = validation_batches(Recorded(PHOTOS.examples, LABELS), 4)
    read.clear()
    for _ in range(2):
        assert len(list(validation)) == 3
    assert sorted(read) == sorted([*range(10)] * times)


def test_a_model_computes_with_float16_features_as_float32() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)  # each float16 number, NaNs and infinities among them
    batches = validation_batches(StoredDataset(every.reshape(1, -1), LABELS[:1]), 4)
    model = MicroBatched(keras.Sequential([layers.Flatten()]), micro_batches=4)
    computed = model.predict(batches, verbose=0)
    assert computed.dtype == np.float32
    np.testing.assert_array_equal(computed, every.astype(np.float32)[None])
