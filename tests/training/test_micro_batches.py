"""Micro-batches train as whole batches do, up to rounding."""

import numpy as np
import pytest

from stages.models.runtime import keras, layers
from stages.training.batches import MicroBatched
from stages.training.loop import compile_model

RNG = np.random.default_rng(0)
EXAMPLES = RNG.integers(0, 256, (9, 8, 8, 3)).astype(np.uint8)
LABELS = RNG.integers(0, 2, 9)


def small_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    features = [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D()]
    return keras.Sequential([keras.Input((8, 8, 3)), *features, layers.Flatten(), layers.Dense(2)])


def step(model: keras.Model, trained: keras.Model, size: int) -> tuple[list[float], list[np.ndarray]]:
    """Train and measure on a batch; return losses and accuracies, and the weights."""
    compile_model(trained, learning_rate=0.01)
    batch = EXAMPLES[:size], LABELS[:size]
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
