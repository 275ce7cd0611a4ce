"""Random flips and rotations of photos, by Pillow instead of Keras's layers (docs/decisions/augmentation.md)."""

import numpy as np
from PIL import Image

from stages.common.model_config import Augmentation
from stages.models.runtime import rng


def augment(pixels: np.ndarray, mirror: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Mirror photos, then rotate them about their centre, with one bilinear interpolation.

    Beyond the edge the photo is reflected, as by default in Keras's layers; values are rounded down.

    Args:
        pixels: uint8, shaped (photos, height, width, 3).
        mirror: 1, or -1 to mirror, shaped (photos, 2): left to right and top to bottom.
        angle: in radians, counter-clockwise, shaped (photos,).

    Returns:
        uint8 of the same shape.
    """
    _, height, width, _ = pixels.shape
    # A rotated photo reaches half a diagonal from its centre.
    margin = [int(np.ceil((np.hypot(height, width) - side) / 2)) + 1 for side in (height, width)]
    padded = np.pad(pixels, [(0, 0), *((side, side) for side in margin), (0, 0)], mode="symmetric")
    centre = np.array([width, height]) / 2
    augmented = np.empty_like(pixels)
    for photo, flips, radians, target in zip(padded, mirror, angle, augmented, strict=True):
        cosine, sine = np.cos(radians), np.sin(radians)
        matrix = flips[:, None] * np.array([[cosine, -sine], [sine, cosine]])
        shift = centre + margin[::-1] - matrix @ centre
        affine = (*matrix[0], shift[0], *matrix[1], shift[1])  # from a point of the result to one of the photo
        target[:] = Image.fromarray(photo).transform(
            (width, height), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR
        )
    return augmented


def draw_augmentation(augmentation: Augmentation, count: int, seed: int, view: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw ``mirror`` and ``angle`` of :func:`augment` for ``count`` photos in a view, from 0.

    The result depends on the arguments alone.
    """
    random = rng(seed, "augment", view)
    flips = [augmentation.flip in (axis, "horizontal_and_vertical") for axis in ("horizontal", "vertical")]
    mirror = np.where(random.random((count, 2)) < 0.5 * np.array(flips), -1, 1)
    return mirror, random.uniform(-augmentation.rotation, augmentation.rotation, count) * 2 * np.pi
