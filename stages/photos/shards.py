"""Read photos in place from shards, the uncompressed zip files that ``download`` writes.

A photo's path is the folder of the shards followed by its name in them: ``data/raw/cats/1.jpg``.
"""

import errno
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import IO, NamedTuple
from zipfile import BadZipFile, ZipFile
from zlib import crc32

import numpy as np

from stages.common.cli import UserError
from stages.common.paths import SHARD, SHARDS
from stages.storage.non_photos import is_hidden

HEADER = Struct("<4s22x2H")  # of a file in a zip: the signature, and the lengths of its name and of an extra field
INDEX_LOCK = Lock()  # so that one thread reads the index, and the others wait for it


class PackedFile:
    """A file in a shard, read from its start; at its end its checksum is verified."""

    def __init__(self, shard: IO[bytes], size: int, checksum: int) -> None:
        self.shard, self.size, self.checksum = shard, size, checksum
        self.remaining, self.crc = size, 0

    def read(self, size: int = -1) -> bytes:
        length = self.remaining if size < 0 else min(size, self.remaining)
        content = self.shard.read(length)
        self.remaining -= len(content)
        self.crc = crc32(content, self.crc)
        if len(content) < length or (not self.remaining and self.crc != self.checksum):
            raise damaged(Path(self.shard.name))
        return content


class Shards(NamedTuple):
    """The shards in a folder, with the index of the files in them."""

    paths: list[Path]
    names: list[str]  # of the files, sorted, as they are packed
    entries: np.ndarray  # uint64, shaped (files, 4): index of the shard, position of the header, size and CRC-32

    @contextmanager
    def open(self, name: str) -> Iterator[PackedFile]:
        index = bisect_left(self.names, name)
        if self.names[index : index + 1] != [name]:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        shard, position, size, checksum = self.entries[index].tolist()
        with self.paths[shard].open("rb", buffering=0) as file:
            file.seek(position)
            header = file.read(HEADER.size)
            if len(header) < HEADER.size or not header.startswith(b"PK\3\4"):
                raise damaged(self.paths[shard])
            file.seek(sum(HEADER.unpack(header)[1:]), os.SEEK_CUR)
            yield PackedFile(file, size, checksum)


def open_shards(folder: str) -> Shards:
    """Index the shards in a folder, if there are any; again only once the folder has changed."""
    status = os.stat(folder)  # noqa: PTH116 (here and below: pathlib would take twice as long as reading a small photo)
    with INDEX_LOCK:
        return _read_index(folder, status.st_ino, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _read_index(folder: str, *_: int) -> Shards:
    paths, names, entries = sorted(Path(folder).glob(SHARDS)), [], array("Q")
    numbered = {SHARD.format(number) for number, _ in enumerate(paths, 1)}
    inside = [path.name for path in Path(folder).iterdir()] if paths else []  # of a user's folder it may be a million
    visible = {name for name in inside if not is_hidden(name)}
    if others := visible - {path.name for path in paths}:
        raise UserError(f"{folder}: expected nothing beside {SHARD.format(1)}, found {min(others)}: move or rename it")
    if lost := numbered - visible:
        raise damaged(Path(folder, min(lost)))
    for index, path in enumerate(paths):
        for name, *entry in read_directory(path):
            names.append(name)
            entries.extend((index, *entry))
    return Shards(paths, names, np.frombuffer(entries, np.uint64).reshape(-1, 4))


def forget_shards() -> None:
    """Free the memory of the index, 130 MiB of a million photos, where no more photos are read."""
    _read_index.cache_clear()


def read_directory(shard: Path) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, position of the header, size and CRC-32 of each file in a shard."""
    try:
        with ZipFile(shard) as opened:
            for file in opened.infolist():
                is_packed = not file.compress_type and file.compress_size == file.file_size
                if not is_packed or file.comment or file.header_offset < 0:  # the latter two where lengths are wrong
                    raise damaged(shard)
                yield file.filename, file.header_offset, file.file_size, file.CRC
    except (BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise damaged(shard) from error


def locate(path: str | Path) -> tuple[Shards, str] | None:
    """Return the shards in the nearest folder that exists, of a path or above it, and the path's name in them."""
    folder = whole = str(path)
    while not os.path.isdir(folder):  # noqa: PTH112
        folder = os.path.dirname(folder) or os.curdir  # noqa: PTH120
    shards = open_shards(folder)
    return (shards, whole.removeprefix(folder).lstrip("/")) if shards.paths else None


def packed_photos(path: Path) -> list[str]:
    """List the photos in shards at a path: all in a folder of shards, those in a folder inside them, or one photo."""
    if path.is_file() or not (located := locate(path)):
        return []
    shards, name = located
    start = str(path).removesuffix(name) if name else f"{path}/"
    return [start + photo for photo in shards.names if not name or photo == name or photo.startswith(f"{name}/")]


def damaged(shard: Path) -> UserError:
    return UserError(
        f"{shard}: expected photos as `download` packs them, received a damaged or missing file: run "
        "`dvc repro --force download && dvc repro`"
    )
