"""Photos as arrays, or anything else of one shape by number: in memory up to a budget, in a file beyond it."""

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.common.paths import BACKUPS
from stages.common.program import UserError
from stages.photos.decode import UnreadablePhotoError, map_in_parallel, resized_pixels


class MemoryBudget:
    """How many bytes of arrays may still be kept in memory."""

    def __init__(self, gib: float) -> None:
        self.left = int(gib * 2**30)

    def take(self, nbytes: int) -> bool:
        """Take so many bytes, or none if fewer are left."""
        fits = nbytes <= self.left
        self.left -= nbytes if fits else 0
        return fits


class DiskArray:
    """An array in a file without a name, which disappears with the process.

    It is read, not mapped: mapped pages count as the process's memory, which would grow with the photos.
    """

    def __init__(self, count: int, shape: tuple[int, ...], dtype: np.dtype, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.shape = (count, *shape)
        self.dtype = dtype
        self.row_bytes = int(np.prod(shape)) * dtype.itemsize
        self.file = TemporaryFile(dir=folder)  # noqa: SIM115, as it is open while the array is used
        weakref.finalize(self, self.file.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        rows = np.empty((len(indices), *self.shape[1:]), self.dtype)
        for row, index in zip(rows, indices, strict=True):
            os.preadv(self.file.fileno(), [row.data], int(index) * self.row_bytes)
        return rows

    def __setitem__(self, index: int, row: np.ndarray) -> None:
        content = memoryview(np.asarray(row, self.dtype).tobytes())
        offset = index * self.row_bytes
        while content:  # the system may write less than it is given
            written = os.pwrite(self.file.fileno(), content, offset)
            content, offset = content[written:], offset + written


ArrayStore = np.ndarray | DiskArray


class Photos(NamedTuple):
    """Decoded photos with their labels."""

    pixels: ArrayStore  # uint8 in 0..255, shaped (photos, height, width, 3)
    labels: np.ndarray  # int64, shaped (photos,): the place of each photo's class among the class names


def allocate_array(
    count: int, shape: tuple[int, ...], dtype: type, budget: MemoryBudget, folder: Path = BACKUPS
) -> ArrayStore:
    """Allocate ``count`` rows, of which each is to be set: ``array[number] = row``; ``array[numbers]`` reads several.

    Args:
        shape: of a row.
        folder: where the file is that holds them, if ``budget`` is too small.
    """
    row_type = np.dtype(dtype)
    if budget.take(count * int(np.prod(shape)) * row_type.itemsize):
        return np.empty((count, *shape), row_type)
    return DiskArray(count, shape, row_type, folder)


def load_pixels(paths: Sequence[str], image_size: tuple[int, int], budget: MemoryBudget) -> ArrayStore:
    """Decode photos and resize each to ``image_size``, height and width in pixels.

    Returns:
        uint8 in 0..255, shaped (photos, height, width, 3); on disk where ``budget`` is too small.

    Raises:
        UserError: A photo cannot be decoded.
    """
    pixels = allocate_array(len(paths), (*image_size, 3), np.uint8, budget)

    def load(index: int) -> None:
        try:
            pixels[index] = resized_pixels(paths[index], image_size)
        except UnreadablePhotoError as error:  # `split` could read it
            raise UserError(f"{paths[index]}: {error}: run `dvc repro --force download && dvc repro`") from error

    map_in_parallel(load, range(len(paths)), "decoding photos")
    return pixels


def load_photos(photos: pd.DataFrame, classes: list[str], image_size: tuple[int, int], budget: MemoryBudget) -> Photos:
    """Decode the photos of a split, listed as ``path`` and ``label``."""
    labels = photos["label"].map(classes.index).to_numpy(np.int64)
    return Photos(load_pixels(list(photos["path"]), image_size, budget), labels)
