"""Pack the photos of an archive or a folder, which may be from an untrusted source, into shards."""

import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple, cast

from tqdm import tqdm

from stages.common.cli import BROKEN, NO_SPACE, UserError, logger
from stages.common.parallel import in_parallel
from stages.common.paths import SHARD, SHARDS
from stages.storage.non_photos import HEADER_BYTES, folders_above, identify, is_hidden

# Photos hardly compress: an archive that expands further than this holds something else.
MAX_EXPANSION = 100
EXPANDS = f"expected photos, received an archive that expands over {MAX_EXPANSION} times"
# Of a shard; a larger file is alone in one. Below what needs the zip format's 64-bit extension.
MEAN_PHOTOS, MAX_PHOTOS, MAX_BYTES = 512, 8192, 2**28
MAX_NAME = 255  # bytes, of a file or a folder
BAD_ARCHIVE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, UnicodeDecodeError)
# Types of a tar's records, usually of a few kilobytes, that Python reads into memory: GNU's long names, pax headers.
RECORDS = (b"L", b"K", b"x", b"g", b"X")
MAX_RECORD = 2**20  # bytes
# Control characters, line separators, and the surrogates in which Python decodes bytes that are not UTF-8.
UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
UTF_8_MARK = 0x800  # in the flags of a file in a zip


class Member(NamedTuple):
    name: str
    size: int  # bytes, unpacked
    open_source: Callable[[Any], IO[bytes]]  # one for all: a million of their own would take 250 MiB
    source: Any
    is_folder: bool = False
    is_file: bool = True  # not a folder, a link or a device

    def open(self) -> IO[bytes]:
        return self.open_source(self.source)


def pack_archive(archive: Path, folder: Path) -> None:
    """Pack the files of a zip or tar archive into shards, except hidden ones; refuse a damaged or unusual archive."""
    try:
        with ExitStack() as stack:
            files = leave_out_hidden(open_archive(archive, stack))
            if sum(file.size for file in files) > MAX_EXPANSION * archive.stat().st_size:
                raise UserError(EXPANDS)
            pack(files, folder)
    except (*BAD_ARCHIVE, RuntimeError) as error:  # the last for what zipfile does not support, as encryption
        if getattr(error, "errno", None) in NO_SPACE | BROKEN:
            raise
        raise UserError(f"expected an intact archive, received one that cannot be unpacked: {error}") from error


def leave_out_hidden(members: Iterable[Member]) -> list[Member]:
    """Return the files that are not hidden; log the hidden ones, and folders, perhaps classes, without any other."""
    members = list(members)
    files, hidden = list[Member](), list[Member]()
    for member in members:
        if not member.is_folder:
            (hidden if is_hidden(member.name) else files).append(member)
    if hidden:
        logger.info("hidden files left out: %d, such as %r", len(hidden), min(file.name for file in hidden))
    folders = {Path(member.name) for member in members if member.is_folder}
    folders |= folders_above(file.name for file in hidden)
    folders -= folders_above(file.name for file in files)
    if empty := sorted(folder for folder in map(str, folders) if not is_hidden(folder)):
        first = ", ".join(map(repr, empty[:50]))
        logger.warning("folders without photos, which are left out and are not classes (%d): %s", len(empty), first)
    return files


def pack(files: list[Member], folder: Path, readers: int = 0) -> None:
    """Pack files into shards: zips, not compressed, sorted by name and without dates (docs/decisions/shards.md).

    So the same files are the same bytes. ``readers`` are threads that open files ahead; 0: one file at a time.
    """
    files.sort(key=lambda file: file.name)
    folders = set(map(str, folders_above(file.name for file in files)))
    previous = ""
    for file in files:
        check_member(file)
        if file.name == previous or file.name in folders:
            raise UserError(f"expected each name once, of a file or a folder, received {file.name!r} again")
        previous = file.name
    opened = iter(in_parallel(Member.open, files, readers) if readers else map(Member.open, files))
    with tqdm(desc="packing", total=len(files), unit="file", disable=None) as bar:
        for number, shard_files in enumerate(in_shards(files), 1):
            with zipfile.ZipFile(folder / SHARD.format(number), "w") as shard:
                for file, source in zip(shard_files, opened, strict=False):
                    entry = zipfile.ZipInfo(file.name)  # dated 1980
                    entry.file_size, entry.external_attr = file.size, 0o644 << 16
                    with source, shard.open(entry, "w") as target:
                        shutil.copyfileobj(source, target)
                    bar.update()


def check_member(file: Member) -> None:
    """Refuse a link or device, and a name that leads out, that a shard may have, or that no list or disk can hold."""
    name = file.name
    if name.startswith("/") or ".." in name.split("/"):
        raise UserError(f"expected names inside the archive, received {name!r}, which leads out of it")
    if not file.is_file:
        raise UserError(f"expected files in the archive, received the link or device {name!r}")
    if fnmatchcase(name, SHARDS):
        raise UserError(f"expected photos, received {name!r}, named like the shards of this step: unpack or rename it")
    if UNUSABLE.search(name):
        raise UserError(f"expected names in UTF-8 without control characters, received {name!a}: rename it")
    if any(len(part.encode()) > MAX_NAME for part in name.split("/")):
        raise UserError(f"expected names of up to {MAX_NAME} bytes, received {name!r}: rename it")


def in_shards(files: Iterable[Member]) -> Iterator[list[Member]]:
    """Divide files into shards of bounded size; most end where a name's hash says, so that a new photo changes one."""
    shard, size, ends = list[Member](), 0, False
    for file in files:
        if shard and (ends or size + file.size > MAX_BYTES or len(shard) == MAX_PHOTOS):
            yield shard
            shard, size = [], 0
        shard.append(file)
        size += file.size
        ends = zlib.crc32(file.name.encode()) % MEAN_PHOTOS == 0
    if shard:
        yield shard


def open_archive(archive: Path, stack: ExitStack) -> Iterator[Member]:
    """Open a tar or a zip, tried in this order: a zip is known by its end, and a tar may end in one."""
    try:
        return tar_members(open_tar(archive, stack))
    except tarfile.ReadError:
        if zipfile.is_zipfile(archive):
            return zip_members(archive, stack)
    with archive.open("rb") as file:
        header = file.read(HEADER_BYTES)
    received = identify(header) or f"a file that starts with {header[:16]!r}"
    raise UserError(f"expected a complete zip or tar archive, received {received}")


def zip_members(archive: Path, stack: ExitStack) -> Iterator[Member]:
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
    stack.enter_context(opened)
    unmarked = (info.filename for info in opened.infolist() if not info.flag_bits & UTF_8_MARK)
    if name := next((name for name in unmarked if not name.isascii()), None):
        text = "the zip does not declare its names' encoding; read as %s, the first is %r: if that is wrong, unpack it"
        logger.warning(text, encoding, name)
    names = [info.filename for info in opened.infolist() if not info.filename.endswith("/")]
    has_backslashes = encoding == "UTF-8" and "\\" in "".join(names) and "/" not in "".join(names)
    if has_backslashes:
        logger.info("the zip has Windows paths, such as %r: read with / for \\", names[0])
    open_file = opened.open
    for info in opened.infolist():
        info.date_time = (1980, 1, 1, 0, 0, 0)  # one for all, and not read: a million others take 90 MiB
        name = info.filename.replace("\\", "/") if has_backslashes else info.filename
        is_folder = name.endswith("/")
        is_file = not is_folder and not stat.S_ISLNK(info.external_attr >> 16)
        yield Member(str(PurePosixPath(name)), info.file_size, open_file, info, is_folder, is_file)


class Header(tarfile.TarInfo):
    """A header of a tar that cannot make Python fill the memory."""

    def _proc_member(self, opened: tarfile.TarFile) -> Any:  # the method that tarfile names for subclasses
        if self.type in RECORDS and not 0 <= self.size <= MAX_RECORD:
            raise UserError(f"expected names of up to {MAX_RECORD} bytes, received one of {self.size} in the archive")
        return cast(Any, super())._proc_member(opened)


def open_tar(archive: Path, stack: ExitStack) -> tarfile.TarFile:
    """Open a tar, a compressed one decompressed: only so its files can be read in any order."""
    file, size = stack.enter_context(archive.open("rb")), archive.stat().st_size
    opened = stack.enter_context(tarfile.open(fileobj=file, tarinfo=Header))  # noqa: SIM115 (the stack closes it)
    if opened.fileobj is file:
        return opened
    compressed = cast(IO[bytes], opened.fileobj)
    plain = stack.enter_context(TemporaryFile(dir=archive.parent))  # noqa: SIM115
    compressed.seek(0)
    with tqdm(desc="decompressing", total=size, unit="B", unit_scale=True, disable=None) as bar:
        while chunk := compressed.read(2**20):  # to its end, where its checksum is verified
            if plain.tell() > MAX_EXPANSION * size:
                raise UserError(EXPANDS)
            plain.write(chunk)
            bar.update(file.tell() - bar.n)
    plain.seek(0)
    return tarfile.open(fileobj=plain, mode="r:", tarinfo=Header)


def tar_members(opened: tarfile.TarFile) -> Iterator[Member]:
    """Iterate over the members of a tar, and check that it ends where ``tarfile`` does, at a damaged header too."""
    open_file = cast(Any, opened.extractfile)
    for info in opened:
        yield Member(str(PurePosixPath(info.name)), info.size, open_file, info, info.isdir(), info.isreg())
    file = cast(IO[bytes], opened.fileobj)
    file.seek(opened.offset)
    zeros = 0
    while chunk := file.read(2**20):
        if any(chunk):
            raise tarfile.ReadError("bytes where its end should be")
        zeros += len(chunk)
    if zeros < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("its end is missing")
