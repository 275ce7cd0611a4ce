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
from stages.storage.folders import HEADER_BYTES, SIDECAR_SUFFIXES, identify, is_hidden, log_left_out

logger = logging.getLogger(__name__)

# Photos hardly compress: an archive that expands further than this holds something else.
MAX_EXPANSION = 100
# Raised by Python's modules for a damaged or unsupported archive.
UNPACKING_ERRORS = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, RuntimeError, UnicodeDecodeError),
)
# Types of a tar's records, usually of a few kilobytes, that Python reads into memory: GNU's long names, pax headers.
RECORDS = (b"L", b"K", b"x", b"g", b"X")
MAX_RECORD = 2**20  # bytes
# Control characters, line separators, and the surrogates in which Python decodes bytes that are not UTF-8.
UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
UTF_8_MARK = 0x800  # in the flags of a file in a zip
ARCHIVES = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tbz2", ".tgz", ".txz", ".xz", ".zip"}


class Member(NamedTuple):
    name: PurePosixPath
    size: int  # bytes, unpacked
    is_folder: bool
    is_file: bool  # not a folder, a link or a device
    open: Callable[[], IO[bytes] | None]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into ``folder``, except hidden files, which are counted in the log.

    Raises:
        UserError: The file is not an archive, is damaged, or has unusual content: a name that leads out of the folder
            or is refused by :func:`check_name`, a link, two files of one name, far more bytes than its size suggests,
            or archives alone.
    """
    hidden = 0
    folders, with_files = set(), set()
    first: dict[str, PurePosixPath] = {}  # file of each suffix
    bytes_left = MAX_EXPANSION * archive.stat().st_size
    try:
        for member in open_archive(archive):
            if member.is_folder:
                folders.add(member.name)
            elif is_hidden(member.name):
                hidden += 1
                folders.add(member.name.parent)
            else:
                bytes_left -= member.size
                if bytes_left < 0:
                    raise UserError(f"expected photos, received an archive that expands over {MAX_EXPANSION} times")
                extract(member, folder)
                with_files.add(member.name.parent)
                first.setdefault(member.name.suffix.lower(), member.name)
    except UNPACKING_ERRORS as error:
        if getattr(error, "errno", None) in NO_SPACE | BROKEN:
            raise
        raise UserError(f"expected an intact archive, received one that cannot be unpacked: {error}") from error
    log_left_out(hidden, folders, with_files)
    check_for_archives(first, "tar" if tarfile.is_tarfile(archive) else "zip")


def check_for_archives(first: Mapping[str, PurePosixPath], kind: str) -> None:
    """Refuse an archive of archives and nothing else but sidecar files; ``first`` has a file of each suffix."""
    inner = ARCHIVES.intersection(first)
    if inner and inner.union(SIDECAR_SUFFIXES).issuperset(first):
        suffix = min(inner)
        raise UserError(
            f"expected photos, received a {suffix[1:]} inside the {kind}, {str(first[suffix])!r}: unpack both, and set "
            "download.photos to the folder"
        )


def check_name(name: PurePosixPath) -> None:
    """Refuse a name with control characters or invalid UTF-8, which no list of photos and no file of DVC's can hold."""
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
    """Open a tar or a zip, tried in this order: a zip is known by its end, and a tar may end in one."""
    try:
        return tar_members(tarfile.open(archive, tarinfo=Header))
    except tarfile.ReadError:
        if zipfile.is_zipfile(archive):
            return zip_members(archive)
    with archive.open("rb") as file:
        header = file.read(HEADER_BYTES)
    kind = identify(header)
    damaged = ", damaged or cut short" if kind in ("a tar archive", "a zip archive") else ""
    raise UserError(
        f"expected a zip or tar archive, received a file that starts with {header[:16]!r}"
        + (f", which is {kind}{damaged}" if kind else "")
    )


def zip_members(archive: Path) -> Iterator[Member]:
    """Iterate over the members of a zip.

    Names not marked as UTF-8 are decoded as UTF-8 if all can be, else as cp437, the standard. Where no file has a slash
    in its name, backslashes separate folders, as some programs on Windows write them.
    """
    try:
        encoding = "UTF-8"
        opened = zipfile.ZipFile(archive, metadata_encoding=encoding)
    except UnicodeDecodeError:
        encoding = "cp437"
        opened = zipfile.ZipFile(archive, metadata_encoding=encoding)
    unmarked = [info.filename for info in opened.infolist() if not info.flag_bits & UTF_8_MARK]
    if name := next((name for name in unmarked if not name.isascii()), None):
        logger.warning(
            "the zip does not declare the encoding of its names; read as %s, the first is %r: if that is wrong, "
            "unpack the zip where it was made, and set download.photos to the folder",
            encoding,
            name,
        )
    names = [info.filename for info in opened.infolist() if not info.is_dir()]
    has_backslashes = encoding == "UTF-8" and "\\" in "".join(names) and "/" not in "".join(names)
    if has_backslashes:
        logger.info("the zip has Windows paths, such as %r: read with / for \\", names[0])
    with opened:
        for info in opened.infolist():
            name = info.filename.replace("\\", "/") if has_backslashes else info.filename
            is_folder = name.endswith("/")
            is_file = not is_folder and not stat.S_ISLNK(info.external_attr >> 16)
            yield Member(PurePosixPath(name), info.file_size, is_folder, is_file, partial(opened.open, info))


class Header(tarfile.TarInfo):
    """A header of a tar that cannot make Python fill the memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in RECORDS and not 0 <= header.size <= MAX_RECORD:
            raise UserError(f"expected names of up to {MAX_RECORD} bytes, received one of {header.size} in the archive")
        return header


def tar_members(opened: tarfile.TarFile) -> Iterator[Member]:
    """Iterate over the members of a tar, and check its end."""
    with opened:
        for info in opened:
            open_file = partial(opened.extractfile, info)
            yield Member(PurePosixPath(info.name), info.size, info.isdir(), info.isreg(), open_file)
        check_end(opened)


def check_end(archive: tarfile.TarFile) -> None:
    """Check that a tar ends where ``tarfile`` stopped: it takes a damaged header for the end.

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
