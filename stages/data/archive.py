"""Unpack an archive from an untrusted source."""

import logging
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Self, cast

from stages.common.cli import BROKEN, NO_SPACE, UserError
from stages.storage.folders import SIDECAR_SUFFIXES, describe_content, is_hidden, warn_of_empty

logger = logging.getLogger(__name__)

# Photos hardly compress: an archive that expands further than this holds something else.
MAX_EXPANSION = 100
# What Python's modules raise for a damaged archive, or one that they do not support.
UNPACKING_ERRORS = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, RuntimeError, UnicodeDecodeError),
)
# What a tar holds besides files, long names for instance, Python reads into memory whole: usually a few kilobytes.
GNU_RECORDS = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
PAX_RECORDS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
MAX_RECORD = 2**20  # bytes
# Control characters, line separators, and what Python makes of bytes that are not UTF-8.
UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
UTF_8_MARK = 0x800  # in the flags of a file in a zip
ARCHIVES = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tbz2", ".tgz", ".txz", ".xz", ".zip"}


class Member(NamedTuple):
    name: PurePosixPath
    size: int  # bytes, unpacked
    is_file: bool  # not a link or a device
    open: Callable[[], IO[bytes] | None]
    is_folder: bool = False


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into ``folder``, except hidden files, whose number is logged.

    Raises:
        UserError: The file is not an archive, is damaged, or holds what no archive of photos should: a name that
            leads out of the folder or is refused by :func:`check_name`, a link, two files of one name, far more
            bytes than its size suggests, or archives alone.
    """
    hidden = 0
    folders, with_files = set(), set()
    first: dict[str, PurePosixPath] = {}  # file of each suffix
    bytes_left = MAX_EXPANSION * archive.stat().st_size
    try:
        for member in open_archive(archive):
            folders.add(member.name if member.is_folder else member.name.parent)
            if member.is_folder:
                continue
            if is_hidden(member.name):
                hidden += 1
                continue
            bytes_left -= member.size
            if bytes_left < 0:
                raise UserError(f"expected photos, received an archive that expands over {MAX_EXPANSION} times")
            extract(member, folder)
            with_files.add(member.name.parent)
            first.setdefault(member.name.suffix.lower(), member.name)
    except UNPACKING_ERRORS as error:
        if getattr(error, "errno", None) in NO_SPACE | BROKEN:
            raise
        raise UserError(f"expected a whole archive, received one that cannot be unpacked: {error}") from error
    if hidden:
        logger.info("left out %d hidden files of the archive", hidden)
    warn_of_empty(folders, with_files)
    check_for_archives(first, "tar" if tarfile.is_tarfile(archive) else "zip")


def check_for_archives(first: Mapping[str, PurePosixPath], kind: str) -> None:
    """Raise a UserError if an archive of this kind has archives, and nothing else but sidecar files.

    Args:
        first: the first file of each suffix.
    """
    inner = ARCHIVES.intersection(first)
    if inner and inner.union(SIDECAR_SUFFIXES).issuperset(first):
        suffix = min(inner)
        raise UserError(
            f"expected photos, received a {suffix[1:]} inside the {kind}, {str(first[suffix])!r}: unpack both, and set "
            "download.photos to the folder"
        )


def check_name(name: PurePosixPath) -> None:
    """Make sure that the lists of photos and DVC's files, which are in UTF-8 with a name per line, can hold a name.

    Raises:
        UserError: The name is not UTF-8, or has control characters.
    """
    if UNUSABLE.search(str(name)):
        raise UserError(f"expected names in UTF-8 without control characters, received {str(name)!a}: rename it")


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


def open_archive(archive: Path) -> Iterator[Member]:
    """List the members of a tar or a zip: in this order, as a zip is known by its end, and a tar may end in one."""
    try:
        return tar_members(tarfile.open(archive, tarinfo=Header))
    except tarfile.ReadError:
        if zipfile.is_zipfile(archive):
            return zip_members(archive)
    with archive.open("rb") as file:
        start = file.read(64)
    content = describe_content(start)
    raise UserError(
        f"expected a zip or tar archive, received a file that starts with {start[:16]!r}"
        + (f", which {content}" if content else "")
    )


def zip_members(archive: Path) -> Iterator[Member]:
    """List the files of a zip, and its empty folders.

    Names without the mark for UTF-8 are read as UTF-8 if all of them are that, and as cp437, the standard, if not.
    Where no file has a slash in its name, backslashes part folders: some programs on Windows write them so.
    """
    encoding = "UTF-8"
    try:
        opened = zipfile.ZipFile(archive, metadata_encoding=encoding)
    except UnicodeDecodeError:
        encoding = "cp437"
        opened = zipfile.ZipFile(archive, metadata_encoding=encoding)
    unmarked = [info.filename for info in opened.infolist() if not info.flag_bits & UTF_8_MARK]
    if name := next((name for name in unmarked if not name.isascii()), None):
        logger.warning(
            "the zip does not say in which encoding its names are; read as %s, the first is %r: if it is another, "
            "unpack the zip where it was made, and set download.photos to the folder",
            encoding,
            name,
        )
    names = [info.filename for info in opened.infolist() if not info.is_dir()]
    windows = encoding == "UTF-8" and any("\\" in name for name in names) and not any("/" in name for name in names)
    if windows:
        logger.info("the zip has Windows paths, as %r: read with / for \\", names[0])
    with opened:
        for info in opened.infolist():
            name = info.filename.replace("\\", "/") if windows else info.filename
            is_link = stat.S_ISLNK(info.external_attr >> 16)
            yield Member(
                PurePosixPath(name), info.file_size, not is_link, partial(opened.open, info), name.endswith("/")
            )


class Header(tarfile.TarInfo):
    """A header of a tar, which cannot make Python fill the memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in (*GNU_RECORDS, *PAX_RECORDS) and not 0 <= header.size <= MAX_RECORD:
            raise UserError(f"expected names of up to {MAX_RECORD} bytes, received one of {header.size} in the archive")
        return header


def tar_members(opened: tarfile.TarFile) -> Iterator[Member]:
    with opened:
        for info in opened:
            open_file = partial(opened.extractfile, info)
            yield Member(PurePosixPath(info.name), info.size, info.isreg(), open_file, info.isdir())
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
