"""Read photos in place from shards, the uncompressed zip files that ``download`` writes.

A photo's path is the folder of the shards followed by its name in them: ``data/raw/cats/1.jpg``.
"""

import errno
import os
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import IO, NamedTuple
from zlib import crc32

import numpy as np

from stages.common.cli import UserError
from stages.common.paths import SHARD, SHARDS
from stages.storage.folders import is_hidden

# The fields read of a zip: of a file's header, of its entry in the directory at the end, and of the record behind that.
HEADER, ENTRY, END = (struct.Struct(f"<{fields}") for fields in ("4s22x2H", "4s6xH4x3L3H8xL", "4s6xH2L2x"))
EXTENSION_BYTES = 56 + 20  # between the directory and the end record, where the zip format's 64-bit extension is used
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
    visible = {name for name in inside if not is_hidden(PurePosixPath(name))}
    if others := visible - {path.name for path in paths}:
        raise UserError(
            f"{folder}: expected nothing beside {SHARD.format(1)}, as `download` packs photos, found {min(others)}: "
            "move what is yours elsewhere, or rename the zip if that is yours"
        )
    if lost := numbered - visible:
        raise damaged(Path(folder, min(lost)))
    for index, path in enumerate(paths):
        for name, *entry in read_directory(path):
            names.append(name)
            entries.extend((index, *entry))
    return Shards(paths, names, np.frombuffer(entries, np.uint64).reshape(-1, 4))


def read_directory(shard: Path) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, position of the header, size and CRC-32 of each file in a shard."""
    with shard.open("rb") as file:
        end_position = file.seek(max(file.seek(0, os.SEEK_END) - END.size, 0))
        end = file.read()
        if len(end) < END.size or not end.startswith(b"PK\5\6"):
            raise damaged(shard)
        _, count, length, start = END.unpack(end)
        if start == 2**32 - 1:  # a file of 4 GiB or more, alone in its shard: the offset is in the 64-bit extension
            start = max(end_position - EXTENSION_BYTES - length, 0)
        file.seek(start)
        directory = file.read(length)
    position = 0
    try:
        for _ in range(count):
            signature, method, checksum, packed, size, *lengths, header = ENTRY.unpack_from(directory, position)
            name = directory[position + ENTRY.size : position + ENTRY.size + lengths[0]].decode()
            if signature != b"PK\1\2" or method or packed != size:
                raise damaged(shard)
            yield name, header, size, checksum
            position += ENTRY.size + sum(lengths)
    except (struct.error, UnicodeDecodeError) as error:
        raise damaged(shard) from error


def locate(path: Path) -> tuple[Shards, str] | None:
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
        f"{shard}: expected photos as `download` packs them, received a damaged, changed or missing file: run "
        "`dvc repro --force download && dvc repro`"
    )
