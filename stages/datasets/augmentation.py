"""Random augmentation of photos, by Pillow instead of Keras's layers (docs/decisions/augmentation.md)."""

from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageStat

from stages.common.model_config import Augmentation

ASPECT_RATIO = 4 / 3  # of a crop and its inverse, at most, relative to the photo's
ERASED_AREA = (0.02, 1 / 3)  # fractions of the photo's
ERASED_ASPECT_RATIO = 3.3
LUMA = np.array([0.299, 0.587, 0.114])  # of red, green, blue


class Draws(NamedTuple):
    """Random numbers of an augmentation, for each photo; two in the order of width and height."""

    mirror: np.ndarray  # 1, or -1 to mirror, shaped (photos, 2): left to right and top to bottom
    angle: np.ndarray  # in radians, counter-clockwise, shaped (photos,)
    crop: np.ndarray  # sides, fractions of the photo's, shaped (photos, 2)
    centre: np.ndarray  # of the crop, from the photo's, in fractions of its sides, shaped (photos, 2)
    colour: np.ndarray  # factors of brightness, contrast and saturation, shaped (photos, 3)
    erased: np.ndarray  # left, top, right and bottom of a box, in fractions of the photo's sides, shaped (photos, 4)


def augment(pixels: np.ndarray, draws: Draws) -> np.ndarray:
    """Mirror photos, rotate them about their centre and crop, with one bilinear interpolation; then colour and erase.

    Photos are uint8, shaped (photos, height, width, 3). Beyond the edge they are reflected, as by default in Keras's
    layers; values are rounded down. An erased box is filled with the photo's mean colour.
    """
    _, height, width, _ = pixels.shape
    # A rotated photo reaches half a diagonal from its centre.
    margin = [int(np.ceil((np.hypot(height, width) - side) / 2)) + 1 for side in (height, width)]
    padded = np.pad(pixels, [(0, 0), *((side, side) for side in margin), (0, 0)], mode="symmetric")
    size = np.array([width, height])
    augmented = np.empty_like(pixels)
    for photo, target, mirror, angle, crop, centre, colour, erased in zip(padded, augmented, *draws, strict=True):
        cosine, sine = np.cos(angle), np.sin(angle)
        rotation = mirror[:, None] * np.array([[cosine, -sine], [sine, cosine]])
        matrix = rotation * crop
        shift = size / 2 + margin[::-1] - matrix @ (size / 2) + rotation @ (centre * size)
        affine = (*matrix[0], shift[0], *matrix[1], shift[1])  # from a point of the result to one of the photo
        image = Image.fromarray(photo)
        image = image.transform((width, height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR)
        if not (colour == 1).all():
            image = jitter(image, *colour)
        target[:] = image
        left, top, right, bottom = (erased.reshape(2, 2) * size).round().astype(int).flat
        if left < right and top < bottom:
            target[top:bottom, left:right] = ImageStat.Stat(image).mean
    return augmented


def jitter(image: Image.Image, brightness: float, contrast: float, saturation: float) -> Image.Image:
    """Multiply a photo's values, their distances from its mean grey, and those from the grey of each pixel."""
    grey = np.tile(LUMA, (3, 1))
    matrix = brightness * contrast * (saturation * np.eye(3) + (1 - saturation) * grey)
    mean = brightness * (1 - contrast) * ImageStat.Stat(image.convert("L")).mean[0]
    return image.convert("RGB", tuple(np.column_stack([matrix, [mean] * 3]).flat))


def rng(seed: int, purpose: Literal["shuffle", "augment"], epoch: int) -> np.random.Generator:
    """Return the random stream for one purpose in one epoch, from 0, so that training can resume at any epoch."""
    return np.random.default_rng([seed, epoch, ("shuffle", "augment").index(purpose)])


@lru_cache(maxsize=2)  # for all batches of an epoch; those of the next may be loaded before its last
def draw_augmentation(augmentation: Augmentation, count: int, seed: int, view: int) -> Draws:
    """Draw random numbers for ``count`` photos in a view, from 0; no parameter changes the draws of another."""
    random = rng(seed, "augment", view)
    flips = [augmentation.flip in (axis, "horizontal_and_vertical") for axis in ("horizontal", "vertical")]
    mirror = np.where(random.random((count, 2)) < 0.5 * np.array(flips), -1, 1)
    angle = random.uniform(-augmentation.rotation, augmentation.rotation, count) * 2 * np.pi
    aspect_ratio = ASPECT_RATIO if augmentation.crop < 1 else 1
    crop = draw_sides(random, count, (augmentation.crop, 1), aspect_ratio)
    centre = random.uniform(-0.5, 0.5, (count, 2)) * (1 - crop)
    colour = 1 + random.uniform(-1, 1, (count, 3)) * augmentation.color_jitter
    sides = draw_sides(random, count, ERASED_AREA, ERASED_ASPECT_RATIO)
    sides *= random.random((count, 1)) < augmentation.erasing
    corner = random.random((count, 2)) * (1 - sides)
    return Draws(mirror, angle, crop, centre, colour, np.hstack([corner, corner + sides]))


def draw_sides(random: np.random.Generator, count: int, area: tuple[float, float], aspect_ratio: float) -> np.ndarray:
    """Draw sides of boxes, fractions of a photo's, at most 1, shaped (count, 2), from a range of areas."""
    areas = random.uniform(*area, (count, 1))
    log_ratio = random.uniform(-1, 1, (count, 1)) * np.log(aspect_ratio)
    sides: np.ndarray = np.sqrt(areas * np.exp(log_ratio * [1, -1]))
    return sides.clip(max=1)
