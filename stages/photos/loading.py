"""Decode the photos of a list into an array."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.common.cli import UserError
from stages.common.parallel import map_in_parallel
from stages.photos.decode import UnreadablePhotoError, resized_pixels
from stages.storage.arrays import ArrayStore, DiskArray, encode_labels, temporary_array


class Photos(NamedTuple):
    """Decoded photos with their labels."""

    pixels: ArrayStore  # uint8 in 0..255, shaped (photos, height, width, 3)
    labels: np.ndarray  # int64, shaped (photos,): the place of each photo's class among the class names


def decode_photos(paths: Sequence[str], pixels: DiskArray) -> None:
    """Decode photos into an array of uint8 in 0..255, shaped (photos, height, width, 3), each resized to its shape.

    Raises:
        UserError: A photo cannot be decoded.
    """
    height, width = pixels.shape[1:3]

    def load(number: int) -> None:
        try:
            pixels.write(number, resized_pixels(paths[number], (height, width)))
        except UnreadablePhotoError as error:  # `split` could read it
            raise UserError(f"{paths[number]}: {error}: run `dvc repro --force download && dvc repro`") from error

    map_in_parallel(load, range(len(paths)), "decoding photos")


def load_pixels(paths: Sequence[str], image_size: tuple[int, int]) -> DiskArray:
    """Decode photos into a temporary array: uint8 in 0..255, shaped (photos, *image_size, 3)."""
    pixels = temporary_array((len(paths), *image_size, 3), np.uint8)
    decode_photos(paths, pixels)
    return pixels


def load_photos(photos: pd.DataFrame, classes: list[str], image_size: tuple[int, int]) -> Photos:
    """Decode the photos of a split, listed as ``path`` and ``label``."""
    return Photos(load_pixels(list(photos["path"]), image_size), encode_labels(photos["label"], classes))
