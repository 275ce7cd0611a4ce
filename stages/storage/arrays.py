"""Arrays in files, read and written row by row, so that memory does not grow with the photos."""

import errno
import math
import os
import weakref
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
import pandas as pd

from stages.common.paths import RAW


class DiskArray:
    """An array in an open file; ``array[numbers]`` reads rows.

    It is read, not mapped (docs/decisions/rows_read.md).

    Args:
        shape: of the whole array.
        offset: in bytes, from the start of the file to the array's.
    """

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, offset: int = 0) -> None:
        self.file = file
        self.shape = shape
        self.dtype = dtype
        self.offset = offset
        self.row_bytes = math.prod(shape[1:]) * dtype.itemsize
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, numbers: np.ndarray) -> np.ndarray:
        rows = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        for row, number in zip(rows, numbers, strict=True):
            read = os.preadv(self.file.fileno(), [row.data], self.offset + int(number) * self.row_bytes)
            if read < self.row_bytes:
                raise OSError(errno.EIO, "a file of arrays is shorter than it was")
        return rows

    def write(self, first: int, rows: np.ndarray) -> None:
        """Write rows one after another, from the row ``first`` on; several threads may do it at a time."""
        content = memoryview(np.ascontiguousarray(rows, self.dtype).tobytes())
        position = self.offset + first * self.row_bytes
        while content:  # the system may write less than it is given
            written = os.pwrite(self.file.fileno(), content, position)
            content, position = content[written:], position + written


def temporary_array(shape: tuple[int, ...], dtype: type, folder: Path = RAW.parent) -> DiskArray:
    """Create an array in a file without a name, which disappears with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    return DiskArray(TemporaryFile(dir=folder), shape, np.dtype(dtype))


def create_array(path: Path, shape: tuple[int, ...], dtype: type) -> DiskArray:
    """Create a ``.npy`` file for an array whose rows are to be written."""
    file = path.open("wb")
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    return DiskArray(file, shape, np.dtype(dtype), file.tell())


def open_array(path: Path) -> DiskArray:
    """Open a ``.npy`` file to read rows of it.

    Raises:
        ValueError, EOFError: It is damaged or shorter than its header says.
    """
    mapped = np.load(path, mmap_mode="r")
    return DiskArray(path.open("rb"), mapped.shape, mapped.dtype, mapped.offset)


ArrayStore = np.ndarray | DiskArray


def encode_labels(labels: "pd.Series[str]", classes: list[str]) -> np.ndarray:
    """Give the place of each label among the class names, int64, shaped (photos,)."""
    return labels.map(classes.index).to_numpy(np.int64)
