"""Arrays of one shape by number, such as photos: in memory while a budget lasts, in a file beyond it."""

import os
import weakref
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from stages.common.paths import BACKUPS


class Budget:
    """How many bytes of arrays may still be kept in memory."""

    def __init__(self, gib: float) -> None:
        self.left = int(gib * 2**30)

    def take(self, nbytes: int) -> bool:
        """Take so many bytes, or none if fewer are left."""
        fits = nbytes <= self.left
        self.left -= nbytes if fits else 0
        return fits


class RowsOnDisk:
    """Rows in a file without a name, which is gone when the process is.

    Read, not mapped: what is mapped counts as the process's memory, and grows with the photos.
    """

    def __init__(self, count: int, shape: tuple[int, ...], dtype: np.dtype, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.shape = (count, *shape)
        self.dtype = dtype
        self.row_bytes = int(np.prod(shape)) * dtype.itemsize
        self.file = TemporaryFile(dir=folder)  # noqa: SIM115, as it is open while the rows are used
        weakref.finalize(self, self.file.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        chosen = np.empty((len(indices), *self.shape[1:]), self.dtype)
        for row, index in zip(chosen, indices, strict=True):
            os.preadv(self.file.fileno(), [row.data], int(index) * self.row_bytes)
        return chosen

    def __setitem__(self, index: int, row: np.ndarray) -> None:
        content = memoryview(np.asarray(row, self.dtype).tobytes())
        offset = index * self.row_bytes
        while content:  # the system may write less than it is given
            written = os.pwrite(self.file.fileno(), content, offset)
            content, offset = content[written:], offset + written


Rows = np.ndarray | RowsOnDisk


def make_rows(count: int, shape: tuple[int, ...], dtype: type, budget: Budget, folder: Path = BACKUPS) -> Rows:
    """Make room for rows, of which each is to be set: ``rows[number] = row``; ``rows[numbers]`` reads several."""
    kind = np.dtype(dtype)
    if budget.take(count * int(np.prod(shape)) * kind.itemsize):
        return np.empty((count, *shape), kind)
    return RowsOnDisk(count, shape, kind, folder)
