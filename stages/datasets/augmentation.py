"""Flip and rotate photos at random.

Pillow does it to bytes, before they reach the model: Keras's layers RandomFlip and RandomRotation, which do the same to
floating-point numbers inside the model, take three times as long on a processor (docs/performance.md).
"""

import numpy as np
from PIL import Image

from stages.common.model_config import Augmentation


def augment(pixels: np.ndarray, mirror: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Mirror photos and then rotate them about their centre, in one step.

    What comes into view from beyond the edge is the mirrored photo; between pixels it is interpolated linearly. This is
    what Keras's layers do by default, rounded down to whole numbers (by 0.5 of 255 on average).

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


def draw_augmentation(wanted: Augmentation, count: int, seed: int, view: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw at random how each of ``count`` photos is augmented in its ``view``-th version, from 0.

    Returns:
        ``mirror`` and ``angle`` for :func:`augment`. They depend on the arguments alone.
    """
    rng = np.random.default_rng([seed, view, 1])
    flips = [wanted.flip in (way, "horizontal_and_vertical") for way in ("horizontal", "vertical")]
    mirror = np.where(rng.random((count, 2)) < 0.5 * np.array(flips), -1, 1)
    return mirror, rng.uniform(-wanted.rotation, wanted.rotation, count) * 2 * np.pi
