"""Read photos in place from shards, the uncompressed zip files that ``download`` writes.

A photo's path is the folder of the shards followed by its name in them: ``data/raw/cats/1.jpg``.
"""

import errno
import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import IO, NamedTuple
from zipfile import BadZipFile, ZipFile
from zlib import crc32

from stages.common.cli import UserError
from stages.common.paths import SHARD, SHARDS
from stages.storage.non_photos import is_hidden

HEADER = Struct("<4s22x2H")  # of a file in a zip: the signature, and the lengths of its name and of an extra field
LOCK = Lock()  # so that one thread reads an index or a directory, and the others wait for it


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
    """The shards in a folder: sorted by the names of the files in them, as the files in each are."""

    paths: list[Path]
    firsts: list[str]  # name of the first file in each

    @contextmanager
    def open(self, name: str) -> Iterator[PackedFile]:
        shard = self.paths[bisect_right(self.firsts, name, lo=1) - 1]
        with LOCK:
            entry = read_directory(shard).get(name)
        if not entry:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        position, size, checksum = entry
        with shard.open("rb", buffering=0) as file:
            file.seek(position)
            header = file.read(HEADER.size)
            if len(header) < HEADER.size or not header.startswith(b"PK\3\4"):
                raise damaged(shard)
            file.seek(sum(HEADER.unpack(header)[1:]), os.SEEK_CUR)
            yield PackedFile(file, size, checksum)


def open_shards(folder: str) -> Shards:
    """Index the shards in a folder, if there are any; again only once the folder has changed."""
    status = os.stat(folder)  # noqa: PTH116 (here and below: pathlib would take twice as long as reading a small photo)
    with LOCK:
        return _read_index(folder, status.st_ino, status.st_mtime_ns)


@lru_cache(maxsize=2)
def _read_index(folder: str, *_: int) -> Shards:
    paths = sorted(Path(folder).glob(SHARDS))
    numbered = {SHARD.format(number) for number, _ in enumerate(paths, 1)}
    inside = [path.name for path in Path(folder).iterdir()] if paths else []  # of a user's folder it may be a million
    visible = {name for name in inside if not is_hidden(name)}
    if others := visible - {path.name for path in paths}:
        raise UserError(f"{folder}: expected nothing beside {SHARD.format(1)}, found {min(others)}: move or rename it")
    if lost := numbered - visible:
        raise damaged(Path(folder, min(lost)))
    read_directory.cache_clear()
    return Shards(paths, [first_name(path) for path in paths])


def first_name(shard: Path) -> str:
    with shard.open("rb") as file:  # of a damaged one it may be any name: read_directory verifies it
        _, length, _ = HEADER.unpack(file.read(HEADER.size).ljust(HEADER.size))
        return file.read(length).decode(errors="replace")


@lru_cache(maxsize=32)  # of about 0.2 MB each
def read_directory(shard: Path) -> dict[str, tuple[int, int, int]]:
    """Return position of the header, size and CRC-32 of each file in a shard."""
    try:
        with ZipFile(shard) as opened:
            files = opened.infolist()
    except (BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise damaged(shard) from error
    for file in files:
        is_packed = not file.compress_type and file.compress_size == file.file_size
        if not is_packed or file.comment or file.header_offset < 0:  # the latter two where lengths are wrong
            raise damaged(shard)
    directory = {file.filename: (file.header_offset, file.file_size, file.CRC) for file in files}
    if next(iter(directory), None) != first_name(shard):
        raise damaged(shard)
    return directory


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
    first = bisect_right(shards.firsts, name, lo=1) - 1
    last = bisect_left(shards.firsts, f"{name}0") if name else len(shards.paths)  # 0 is the character after /
    # With the next shard: where a damaged one seems to start behind the folder, that one is next.
    photos = (photo for shard in shards.paths[first : last + 1] for photo in read_directory(shard))
    return [start + photo for photo in photos if not name or photo == name or photo.startswith(f"{name}/")]


def damaged(shard: Path) -> UserError:
    text = "expected photos as `download` packs them, received a damaged or missing file"
    return UserError(f"{shard}: {text}: run `dvc repro --force download && dvc repro`")
