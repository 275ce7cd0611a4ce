"""Batches, and micro-batches, which train as whole batches do, up to rounding."""

from itertools import islice

import numpy as np
import pytest

from stages.datasets.dataset import Dataset
from stages.models.runtime import keras, layers
from stages.training import batches
from stages.training.batches import MicroBatched, training_batches, validation_batches
from stages.training.loop import compile_model

LABELS = np.arange(10, dtype=np.int64)
PHOTOS = Dataset(LABELS.astype(np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8), LABELS)
RNG = np.random.default_rng(0)
EXAMPLES, CLASSES = RNG.integers(0, 256, (9, 8, 8, 3)).astype(np.uint8), RNG.integers(0, 2, 9)


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
    assert [(len(labels), pixels.dtype) for pixels, labels in batches] == [(size, np.uint8) for size in (4, 4, 2)]
    np.testing.assert_array_equal(np.concatenate([pixels for pixels, _ in batches]), PHOTOS.examples)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), LABELS)


@pytest.mark.parametrize(("cached_bytes", "times"), [(2**28, 1), (0, 2)])
def test_what_fits_in_memory_is_read_once(monkeypatch: pytest.MonkeyPatch, cached_bytes: int, times: int) -> None:
    """Each epoch measures on the validation photos."""
    monkeypatch.setattr(batches, "CACHED_BYTES", cached_bytes)
    read: list[int] = []

    class Recorded(Dataset):
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
    batches = validation_batches(Dataset(every.reshape(1, -1), LABELS[:1]), 4)
    model = MicroBatched(keras.Sequential([layers.Flatten()]), micro_batches=4)
    computed = model.predict(batches, verbose=0)
    assert computed.dtype == np.float32
    with np.errstate(invalid="ignore"):  # of signalling NaNs, on ARM
        expected = every.astype(np.float32)
    np.testing.assert_array_equal(computed, expected[None])


def small_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    features = [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D()]
    return keras.Sequential([keras.Input((8, 8, 3)), *features, layers.Flatten(), layers.Dense(2)])


def step(model: keras.Model, trained: keras.Model, size: int) -> tuple[list[float], list[np.ndarray]]:
    """Train and measure on a batch; return losses and accuracies, and the weights."""
    compile_model(trained, learning_rate=0.01)
    batch = EXAMPLES[:size], CLASSES[:size]
    measured = [*trained.train_on_batch(*batch), *trained.test_on_batch(*batch)]
    return list(map(float, measured)), model.get_weights()


@pytest.mark.parametrize("size", [1, 3, 4, 9])  # fewer, as many and more examples than micro-batches
def test_micro_batches_add_up_to_the_batch(size: int) -> None:
    whole, divided = small_model(), small_model()
    measured, weights = step(whole, whole, size)
    measured_divided, weights_divided = step(divided, MicroBatched(divided, 4), size)
    assert measured_divided == pytest.approx(measured, rel=1e-5)
    for ours, theirs in zip(weights_divided, weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_each_micro_batch_has_its_own_dropout() -> None:
    dropout = keras.Sequential([keras.Input((1000,)), layers.Dropout(0.5, seed=0)])
    first, second = np.asarray(MicroBatched(dropout, 2)(np.ones((2, 1000)), training=True))
    assert (first != second).mean() == pytest.approx(0.5, abs=0.1)


def test_each_micro_batch_has_its_own_statistics() -> None:
    """The moving averages take them one after another, in the order of the micro-batches."""
    norm = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()])
    batch = RNG.normal(size=(8, 3)).astype(np.float32)
    computed = np.asarray(MicroBatched(norm, 4)(batch, training=True))
    mean = np.zeros(3)
    for part, output in zip(np.split(batch, 4), np.split(computed, 4), strict=True):
        np.testing.assert_allclose(output, (part - part.mean(axis=0)) / np.sqrt(part.var(axis=0) + 0.001), atol=1e-4)
        mean = 0.99 * mean + 0.01 * part.mean(axis=0)
    np.testing.assert_allclose(norm.layers[0].moving_mean, mean, rtol=1e-4)
