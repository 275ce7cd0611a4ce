"""Unpack an archive from an untrusted source."""

import logging
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from stages.common.program import NO_SPACE, UserError

logger = logging.getLogger(__name__)

# Photos hardly compress: an archive that expands further than this holds something else.
MAX_EXPANSION = 100
# What Python's modules raise for a damaged archive, or one that they do not support.
UNPACKING_ERRORS = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)


class Member(NamedTuple):
    name: PurePosixPath
    size: int  # bytes, unpacked
    is_file: bool  # not a link or a device
    open: Callable[[], IO[bytes] | None]


def is_hidden(name: PurePosixPath) -> bool:
    """Tell whether a file is the operating system's own, as ``.DS_Store``, ``__MACOSX/`` and ``Thumbs.db`` are."""
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in name.parts)
    return hidden or name.name == "Thumbs.db"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into ``folder``, except hidden files, whose number is logged.

    Raises:
        UserError: The file is not an archive, is damaged, or holds what no archive of photos should: a name that
            leads out of the folder or is not UTF-8, a link, two files of one name, or far more bytes than its size
            suggests.
    """
    if zipfile.is_zipfile(archive):
        members = zip_members(archive)
    elif tarfile.is_tarfile(archive):
        members = tar_members(archive)
    else:
        with archive.open("rb") as file:
            start = file.read(16)
        raise UserError(f"expected a zip or tar archive, received a file that starts with {start!r}")

    hidden = 0
    bytes_left = MAX_EXPANSION * archive.stat().st_size
    try:
        for member in members:
            if is_hidden(member.name):
                hidden += 1
                continue
            bytes_left -= member.size
            if bytes_left < 0:
                raise UserError(f"expected photos, received an archive that expands over {MAX_EXPANSION} times")
            extract(member, folder)
    except UNPACKING_ERRORS as error:
        if getattr(error, "errno", None) in NO_SPACE:
            raise
        raise UserError(f"expected a whole archive, received one that cannot be unpacked: {error}") from error
    if hidden:
        logger.info("left out %d hidden files of the archive", hidden)


def check_name(name: PurePosixPath) -> None:
    """Make sure that the lists of photos and DVC's files, which are in UTF-8, can hold a name.

    Raises:
        UserError: The name is not UTF-8.
    """
    try:
        str(name).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"expected names in UTF-8, received {str(name)!a}: rename it") from error


def extract(member: Member, folder: Path) -> None:
    """Write one member below ``folder``."""
    check_name(member.name)
    if member.name.is_absolute() or ".." in member.name.parts:
        raise UserError(f"expected names inside the archive, received {str(member.name)!r}, which leads out of it")
    source = member.open() if member.is_file else None
    if source is None:
        raise UserError(f"expected files in the archive, received the link or device {str(member.name)!r}")
    target = folder / member.name
    try:
        with source:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(source, file)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"expected one file of each name (in any case), received {str(member.name)!r} again") from error


def zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            if not info.is_dir():
                is_link = stat.S_ISLNK(info.external_attr >> 16)
                yield Member(PurePosixPath(info.filename), info.file_size, not is_link, partial(opened.open, info))


def tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(archive) as opened:
        for info in opened:
            if not info.isdir():
                yield Member(PurePosixPath(info.name), info.size, info.isreg(), partial(opened.extractfile, info))
        check_end(opened)


def check_end(archive: tarfile.TarFile) -> None:
    """Make sure that a tar archive ends where ``tarfile`` stopped, for it takes a damaged header for the end.

    Reading the rest of the file also verifies the checksum of a compressed archive.
    """
    file = cast(IO[bytes], archive.fileobj)
    file.seek(archive.offset)
    zeros = 0
    while chunk := file.read(2**20):
        if any(chunk):
            raise tarfile.ReadError("bytes where its end should be")
        zeros += len(chunk)
    if zeros < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("its end is missing")
