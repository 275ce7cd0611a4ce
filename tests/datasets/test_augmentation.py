import keras
import numpy as np
import pytest
from PIL import Image

from stages.common.model_config import Augmentation, ModelConfig
from stages.datasets.augmentation import augment, draw_augmentation
from stages.models.build import build_model

CONFIG = ModelConfig(features="pixels", rescale="minus_one_to_one", dropout=0.5, dense_units=8)
COUNT = 6
STRAIGHT = np.zeros(COUNT)
NOT_MIRRORED = np.ones((COUNT, 2), int)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Smooth pictures, wider than high: of pure noise each pixel would show the least difference in position."""
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 8, 3)).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(photo).resize((80, 60), Image.Resampling.BICUBIC)) for photo in noise])


@pytest.mark.parametrize("turn", [0.05, 0.2, -0.2, 0.35])
def test_a_rotation_is_keras_own_rounded_down(pixels: np.ndarray, turn: float) -> None:
    theirs = np.asarray(keras.layers.RandomRotation((turn, turn))(pixels.astype("float32"), training=True))
    ours = augment(pixels, NOT_MIRRORED, np.full(COUNT, turn * 2 * np.pi)).astype(float)
    assert np.abs(ours - theirs).max() < 1.01
    assert (theirs - ours).mean() == pytest.approx(0.5, abs=0.02)  # Pillow rounds down
    assert np.abs(theirs - pixels).mean() > 10


def test_scaling_and_rotation_commute(pixels: np.ndarray) -> None:
    before = keras.applications.mobilenet_v2.preprocess_input(pixels.astype("float32"))
    theirs = keras.layers.RandomRotation((0.2, 0.2))(before, training=True)
    scaling = build_model(CONFIG, pixels.shape[1:3], 2).layers[1]
    ours = scaling(augment(pixels, NOT_MIRRORED, np.full(COUNT, 0.4 * np.pi)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1.01 / 127.5)  # a byte's rounding


def test_mirroring_is_exact(pixels: np.ndarray) -> None:
    mirrored = augment(pixels, NOT_MIRRORED * [-1, 1], STRAIGHT)
    np.testing.assert_array_equal(mirrored, pixels[:, :, ::-1])
    np.testing.assert_array_equal(augment(pixels, NOT_MIRRORED * [1, -1], STRAIGHT), pixels[:, ::-1])
    np.testing.assert_array_equal(augment(pixels, NOT_MIRRORED, STRAIGHT), pixels)


def test_a_photo_is_mirrored_first_and_turned_then(pixels: np.ndarray) -> None:
    angle = np.linspace(-1, 1, COUNT)
    both = augment(pixels, NOT_MIRRORED * [-1, 1], angle)
    np.testing.assert_allclose(both, augment(pixels[:, :, ::-1], NOT_MIRRORED, angle), atol=1)


def test_half_the_photos_are_mirrored_and_angles_fill_the_range() -> None:
    mirror, angle = draw_augmentation(Augmentation(flip="horizontal", rotation=0.2), 10_000, seed=0, view=0)
    assert (mirror[:, 0] == -1).mean() == pytest.approx(0.5, abs=0.02)
    assert (mirror[:, 1] == 1).all()
    assert angle.min() == pytest.approx(-0.4 * np.pi, abs=0.01)
    assert angle.max() == pytest.approx(0.4 * np.pi, abs=0.01)
    assert angle.mean() == pytest.approx(0, abs=0.02)


def test_views_and_seeds_are_augmented_differently() -> None:
    augmented = Augmentation(flip="horizontal_and_vertical", rotation=0.1)
    drawn = [draw_augmentation(augmented, 5, seed, view)[1].tolist() for seed in (0, 1) for view in (0, 1)]
    assert len({tuple(angles) for angles in drawn}) == 4
    assert drawn[0] == draw_augmentation(augmented, 5, 0, 0)[1].tolist()
