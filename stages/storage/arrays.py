"""Arrays on disk: read and written row by row, so that memory use does not depend on the number of photos; cached."""

import errno
import math
import os
import weakref
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from stages.common.cli import logger
from stages.common.paths import RAW
from stages.storage.files import DAMAGED, atomic_write

ROWS = 1024  # at a time


class DiskArray:
    """An array in an open file, read and not mapped (docs/decisions/rows_read.md); ``array[indices]`` reads rows."""

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype, offset: int = 0) -> None:
        self.file, self.shape, self.dtype = file, shape, dtype
        self.offset = offset  # of the array in the file, in bytes
        self.row_bytes = math.prod(shape[1:]) * dtype.itemsize
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        rows = np.empty((len(indices), *self.shape[1:]), self.dtype)
        for row, index in zip(rows, indices, strict=True):
            read = os.preadv(self.file.fileno(), [row.data], self.offset + int(index) * self.row_bytes)
            if read < self.row_bytes:
                raise OSError(errno.EIO, "a file of arrays is shorter than it was")
        return rows

    @property
    def file_state(self) -> str:
        """The file's inode, size and time of change, by which DVC too detects changes."""
        status = os.fstat(self.file.fileno())
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"

    def write(self, first: int, rows: np.ndarray) -> None:
        """Write consecutive rows from index ``first`` on; thread-safe."""
        content = memoryview(np.ascontiguousarray(rows, self.dtype).tobytes())
        position = self.offset + first * self.row_bytes
        while content:  # a write may be partial
            written = os.pwrite(self.file.fileno(), content, position)
            content, position = content[written:], position + written


def temporary_array(shape: tuple[int, ...], dtype: type) -> DiskArray:
    """Create an array in an anonymous file in ``data/``, which disappears with the process."""
    RAW.parent.mkdir(parents=True, exist_ok=True)
    return DiskArray(TemporaryFile(dir=RAW.parent), shape, np.dtype(dtype))


def create_array(path: Path, shape: tuple[int, ...], dtype: type) -> DiskArray:
    """Create a ``.npy`` file to write rows to."""
    mapped = np.lib.format.open_memmap(path, "w+", dtype, shape)
    return DiskArray(path.open("r+b"), shape, mapped.dtype, mapped.offset)


def open_array(path: Path) -> DiskArray:
    """Open a ``.npy`` file to read rows; raise a ValueError or EOFError if it is damaged or truncated."""
    mapped = np.load(path, mmap_mode="r")
    if not isinstance(mapped, np.memmap) or mapped.dtype.kind not in "fu" or mapped.ndim < 2 or not mapped.size:
        raise ValueError("expected an array of numbers with a row for each photo")
    return DiskArray(path.open("rb"), mapped.shape, mapped.dtype, mapped.offset)


def read_cached(path: Path, key: str) -> dict[str, np.ndarray]:
    """Read what :func:`write_cached` wrote; return {} if it is missing, of another key, or damaged, which is logged."""
    if not path.exists():
        return {}
    content = BytesIO(path.read_bytes())
    try:
        with np.load(content, allow_pickle=False) as file:
            arrays = dict(file)
        return arrays if arrays.pop("key") == key else {}
    except (*DAMAGED, OSError):
        logger.warning("%s is damaged, so it is not used", path)
        return {}


def write_cached(path: Path, key: str, **arrays: np.ndarray) -> None:
    """Write arrays with a key, a hash of all that they depend on, as an uncompressed ``.npz`` file."""
    with atomic_write(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, key=np.array(key), **arrays)


def blockwise(function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, size: int = ROWS) -> np.ndarray:
    """Apply a function that treats each row by itself to blocks of rows, so that it takes less memory."""
    starts = range(0, max(1, len(rows)), size)
    return np.concatenate([function(rows[start : start + size]) for start in starts])


ArrayStore = np.ndarray | DiskArray
