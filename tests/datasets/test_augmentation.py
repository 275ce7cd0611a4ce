"""Augmented photos and views, as training takes them."""

from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from stages.common.model_config import Augmentation
from stages.datasets import augmentation
from stages.datasets.augmentation import draw_augmentation, rng
from stages.datasets.dataset import Dataset, sequential_batches

COUNT = 6
UNCHANGED = draw_augmentation(Augmentation(), COUNT, seed=0, view=0)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Smooth pictures, wider than high: of pure noise each pixel would show the least difference in position."""
    noise = np.random.default_rng(0).integers(0, 256, (COUNT, 6, 8, 3)).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(photo).resize((80, 60), Image.Resampling.BICUBIC)) for photo in noise])


def augment(pixels: np.ndarray, **draws: Any) -> np.ndarray:
    """Augment with these draws for each photo, and no other change."""
    changed = {name: np.broadcast_to(value, getattr(UNCHANGED, name).shape) for name, value in draws.items()}
    return augmentation.augment(pixels, UNCHANGED._replace(**changed))


@pytest.mark.parametrize("turn", [0.05, 0.2, -0.2, 0.35])
def test_a_rotation_is_keras_own_rounded_down(pixels: np.ndarray, turn: float) -> None:
    theirs = np.asarray(keras.layers.RandomRotation((turn, turn))(pixels.astype("float32"), training=True))
    ours = augment(pixels, angle=turn * 2 * np.pi).astype(float)
    assert np.abs(ours - theirs).max() < 1.01
    assert (theirs - ours).mean() == pytest.approx(0.5, abs=0.02)  # Pillow rounds down
    assert np.abs(theirs - pixels).mean() > 10


def test_mirroring_is_exact(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(augment(pixels, mirror=[-1, 1]), pixels[:, :, ::-1])
    np.testing.assert_array_equal(augment(pixels, mirror=[1, -1]), pixels[:, ::-1])
    np.testing.assert_array_equal(augment(pixels), pixels)


def test_a_photo_is_mirrored_first_and_turned_then(pixels: np.ndarray) -> None:
    angle = np.linspace(-1, 1, COUNT)
    both = augment(pixels, mirror=[-1, 1], angle=angle)
    np.testing.assert_allclose(both, augment(pixels[:, :, ::-1], angle=angle), atol=1)


def test_a_crop_is_resized_to_the_photo(pixels: np.ndarray) -> None:
    cropped = augment(pixels, crop=[0.5, 0.75], centre=[0.25, -0.125])
    box = (40, 0, 80, 45)  # the upper right corner
    resized = [Image.fromarray(photo).resize((80, 60), Image.Resampling.BILINEAR, box) for photo in pixels]
    expected = np.stack([np.asarray(photo, float) for photo in resized])
    inside = np.s_[:, 1:-1, 1:-1]  # at its edge a crop has neighbours, and the box none
    np.testing.assert_allclose(cropped[inside], expected[inside], atol=1)


def test_a_photo_is_cropped_after_its_rotation(pixels: np.ndarray) -> None:
    quarter = augment(pixels[:, :, :60], angle=np.pi / 2, crop=0.5, centre=[0.25, -0.25])
    turned = np.rot90(pixels[:, :, :60], axes=(1, 2))
    np.testing.assert_allclose(quarter, augment(turned, crop=0.5, centre=[0.25, -0.25]), atol=1)


@pytest.mark.parametrize("factor", [0.0, 0.6, 1.4])
@pytest.mark.parametrize("kind", ["Brightness", "Contrast", "Color"])
def test_colors_are_those_of_pillow(pixels: np.ndarray, kind: str, factor: float) -> None:
    factors = [factor if kind == each else 1.0 for each in ("Brightness", "Contrast", "Color")]
    enhanced = [getattr(ImageEnhance, kind)(Image.fromarray(photo)).enhance(factor) for photo in pixels]
    theirs = np.stack([np.asarray(photo, float) for photo in enhanced])
    np.testing.assert_allclose(augment(pixels, colour=factors), theirs, atol=1.01)
    assert np.abs(theirs - pixels).mean() > 5


def test_a_box_is_erased_to_the_mean_color(pixels: np.ndarray) -> None:
    erased = augment(pixels, erased=[0.25, 0.5, 0.5, 0.75])
    box = np.s_[:, 30:45, 20:40]
    means = pixels.mean((1, 2)).astype(int)
    np.testing.assert_array_equal(erased[box], np.broadcast_to(means[:, None, None], erased[box].shape))
    erased[box] = pixels[box]
    np.testing.assert_array_equal(erased, pixels)


def test_draws_fill_their_ranges() -> None:
    """Flips of half the photos, areas and factors within their limits, boxes inside the photo."""
    strengths = Augmentation(flip="horizontal", rotation=0.2, crop=0.3, color_jitter=0.4, erasing=0.6)
    mirror, angle, crop, centre, colour, erased = draw_augmentation(strengths, 10_000, seed=0, view=0)
    assert (mirror[:, 0] == -1).mean() == pytest.approx(0.5, abs=0.02)
    assert (mirror[:, 1] == 1).all()
    both = draw_augmentation(Augmentation(flip="horizontal_and_vertical"), 10_000, seed=0, view=0).mirror
    assert (both[:, 0] == both[:, 1]).mean() == pytest.approx(0.5, abs=0.02)
    sides = erased[:, 2:] - erased[:, :2]
    is_erased = sides.all(axis=1)
    assert is_erased.mean() == pytest.approx(0.6, abs=0.02)
    areas, erased_areas = crop.prod(axis=1), sides[is_erased].prod(axis=1)
    ratios, erased_ratios = (np.log(each[:, 0] / each[:, 1]) for each in (crop, sides[is_erased]))
    crops = np.concatenate([centre + 0.5 - crop / 2, centre + 0.5 + crop / 2], axis=1)
    for values, low, high in [
        (angle, -0.4 * np.pi, 0.4 * np.pi),
        (areas, 0.3, 1),
        (ratios, -np.log(4 / 3), np.log(4 / 3)),
        (crops, 0, 1),
        (colour, 0.6, 1.4),
        (erased, 0, 1),
        (erased_areas, 0.02, 1 / 3),
        (erased_ratios, -np.log(3.3), np.log(3.3)),
    ]:
        assert (values >= low - 1e-12).all()
        assert (values <= high + 1e-12).all()
        assert [values.min(), values.max()] == pytest.approx([low, high], abs=0.02 * (high - low))


def test_each_kind_of_change_has_draws_of_its_own() -> None:
    """Those of one do not depend on which others are on."""
    strengths = {"flip": "horizontal", "rotation": 0.2, "crop": 0.3, "color_jitter": 0.4, "erasing": 0.6}
    every = draw_augmentation(Augmentation.model_validate(strengths), 5, seed=3, view=2)
    for name, of in {"rotation": ["mirror", "angle"], "crop": ["crop", "centre"], "color_jitter": ["colour"]}.items():
        changed = {"flip": "horizontal", name: strengths[name]}
        alone = draw_augmentation(Augmentation.model_validate(changed), 5, seed=3, view=2)
        for draw in of:
            np.testing.assert_array_equal(getattr(alone, draw), getattr(every, draw))


def test_views_and_seeds_are_augmented_differently() -> None:
    strengths = Augmentation(flip="horizontal_and_vertical", rotation=0.1)
    drawn = [draw_augmentation(strengths, 5, seed, view).angle.tolist() for seed in (0, 1) for view in (0, 1)]
    assert len({tuple(angles) for angles in drawn}) == 4
    assert drawn[0] == draw_augmentation(strengths, 5, 0, 0).angle.tolist()
    assert rng(0, "augment", 0).random() != rng(0, "shuffle", 0).random()


def test_stored_views_alternate() -> None:
    dataset = Dataset(np.arange(6), np.zeros(2))  # three views of two examples
    taken = [dataset.batch(epoch, np.array([1, 0])).tolist() for epoch in range(4)]
    assert taken == [[1, 0], [3, 2], [5, 4], [1, 0]]


def test_augmentation_depends_on_index_and_epoch_alone(pixels: np.ndarray) -> None:
    strengths = Augmentation(flip="horizontal", rotation=0.2)
    dataset = Dataset(pixels, np.zeros(COUNT), strengths)
    batches = [dataset.batch(*batch) for batch in sequential_batches(COUNT, 4, epochs=2)]
    first, second = np.split(np.concatenate(batches), 2)
    np.testing.assert_array_equal(dataset.batch(1, np.array([5, 2])), second[[5, 2]])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, pixels)
