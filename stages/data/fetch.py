"""Copy files and folders from anywhere that fsspec reads, and try again after a fault that may pass."""

import errno
import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import aiohttp
import fsspec
from fsspec.callbacks import TqdmCallback
from fsspec.implementations.local import LocalFileSystem
from tqdm import tqdm

from stages.common.cli import BROKEN, NO_SPACE, UserError
from stages.data.archive import check_name
from stages.storage.folders import check_readable, is_hidden, warn_of_empty

logger = logging.getLogger(__name__)

READ_TIMEOUT_S = 60  # seconds without a byte, after which a connection counts as broken
RETRY_DELAYS_S = (1, 3, 9)  # seconds to wait before each further attempt
FICLONE = 0x40049409  # of linux/fs.h; Python's fcntl has it from 3.12 on


class Source:
    """A file or folder that ``params.yaml`` names by a path or by a URL that fsspec knows."""

    def __init__(self, url: str, key: str) -> None:
        """Find the file system that reads ``url``, the value of the parameter ``key``, with which messages start.

        Raises:
            UserError: There is no such file system.
        """
        self.url = url
        self.key = key
        self.is_http = url.startswith(("http://", "https://"))
        # By default aiohttp gives up on a healthy download after five minutes; only silence should end one.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=READ_TIMEOUT_S, sock_read=READ_TIMEOUT_S)
        options = {"client_kwargs": {"timeout": timeout}} if self.is_http else {}
        try:
            self.files, self.path = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError, FileNotFoundError) as error:
            raise UserError(f"{key}: expected a path or a URL that fsspec reads, received {url!r}: {error}") from error

    def is_folder(self) -> bool:
        # To fsspec every web page is a folder of its links.
        return not self.is_http and bool(self._retry(partial(self.files.isdir, self.path), self.url))

    def copy_file(self, target: Path, sha256: str | None = None, sha256_key: str = "") -> None:
        """Copy one file and check it.

        Raises:
            UserError: There is no such file, it cannot be read, or its SHA-256 is not ``sha256``.
        """

        def copy() -> None:
            with TqdmCallback(tqdm_kwargs={"desc": self.key, "unit": "B", "unit_scale": True, "disable": None}) as bar:
                self.files.get_file(self.path, str(target), callback=bar)

        self._retry(copy, self.url)
        if sha256 is None:
            return
        with target.open("rb") as file:
            received = hashlib.file_digest(file, "sha256").hexdigest()
        if received != sha256:
            raise UserError(
                f"{sha256_key}: expected {sha256}, received {received}: {self.url} is damaged or a different file"
            )

    def copy_folder(self, target: Path) -> None:
        """Copy every file of a folder except hidden ones, whose number is logged.

        Local files are cloned where the disk can.

        Raises:
            UserError: A file or folder cannot be read, or a file has a name that :func:`check_name` refuses, or is a
                link to a folder or to nothing.
        """
        is_local = isinstance(self.files, LocalFileSystem)
        if is_local:
            self._retry(partial(check_readable, self.path), self.path)
        found = self._retry(partial(self.files.find, self.path), self.path)
        names = {path: PurePosixPath(path).relative_to(self.path) for path in sorted(found)}
        visible = {path: name for path, name in names.items() if not is_hidden(name)}
        clones = is_local
        for path, name in tqdm(visible.items(), self.key, unit="file", disable=None):
            check_name(name)
            copied = target / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            clones = clones and clone(path, copied)  # where the disk cannot clone one file, the others are copied too
            if not clones:
                self._retry(partial(self.files.get_file, path, str(copied)), path)
            if copied.is_dir():  # as fsspec makes of a link to a folder
                raise UserError(
                    f"{self.key}: expected files and folders, received {path}, a link to a folder: put the folder there"
                )
        if len(visible) < len(names):
            logger.info("left out %d hidden files of the folder", len(names) - len(visible))
        below = [PurePosixPath(inner).relative_to(self.path) for inner, *_ in os.walk(self.path)] if is_local else []
        warn_of_empty([*below, *(name.parent for name in names.values())], {name.parent for name in visible.values()})

    def _retry(self, read: Callable[[], Any], url: str) -> Any:
        """Call ``read``, and again after a pause as long as it fails in a way that may pass."""
        pauses = iter(RETRY_DELAYS_S)
        while True:
            try:
                return read()
            except FileNotFoundError as error:
                raise UserError(
                    f"{self.key}: expected a file or folder at {url!r}, found none: correct it in params.yaml"
                ) from error
            except Exception as error:  # each of fsspec's file systems brings its own
                is_local = isinstance(self.files, LocalFileSystem)
                if is_local_failure(error, is_local):
                    raise
                reason = " ".join(str(error).split()) or type(error).__name__
                pause = next(pauses, None)
                if pause is None or not is_transient(error):
                    remedy = f"set {self.key} to a local path, or see `make demo`, which needs none"
                    hint = "" if is_local else f". Without a network, {remedy}"
                    raise UserError(f"{self.key}: cannot fetch {url}: {reason}{hint}") from error
                logger.info("%s: %s; trying again in %d s", url, reason, pause)
                time.sleep(pause)


def check_is_apart(url: str | None, key: str, *outputs: Path) -> None:
    """Make sure that a source, the value of the parameter ``key``, is neither inside nor around what a step replaces.

    Raises:
        UserError: It is.
    """
    for part in url.split("::") if url else ():  # in a chain, as zip://*.jpg::photos.zip, each may be a path
        if fsspec.core.split_protocol(part)[0] not in (None, "file", "local"):
            continue
        path = fsspec.core.strip_protocol(part)
        if output := next((output for output in outputs if is_within(path, output) or is_within(output, path)), None):
            raise UserError(
                f"{key}: expected a place neither inside nor around {output}, which this step replaces, received "
                f"{url!r}: move what is yours elsewhere, and name it there"
            )


def is_within(path: str | Path, folder: str | Path) -> bool:
    """Tell whether a path, or what it links to, is a folder, or what that links to, or in it."""
    return any(
        is_same(parent, place)
        for inner in places(path)
        for parent in (inner, *inner.parents)
        for place in places(folder)
    )


def places(path: str | Path) -> set[Path]:
    path = Path(path)
    return {Path(os.path.realpath(path)), Path(os.path.realpath(path.parent), path.name)}


def is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)  # also where a disk does not tell Data from data
    except OSError:  # one is not there
        return path == other


def clone(path: str, target: Path) -> bool:
    """Make a copy that shares the original's blocks on the disk until either is changed (a reflink: Btrfs, XFS).

    A hard link would be the user's own photo: editing it would change ``data/raw/`` too, and with DVC's
    ``cache.type`` hardlink, DVC would make it read-only and keep the edit in its cache under the old hash.

    Returns:
        Whether there is a copy now. If not, a plain copy either works or says what is wrong with the file.
    """
    if not Path(path).is_file():  # opening a named pipe would wait for ever
        return False
    try:
        with Path(path).open("rb") as original, target.open("wb") as copy:
            fcntl.ioctl(copy, FICLONE, original.fileno())
    except OSError:
        return False
    return True


def is_local_failure(error: Exception, is_local: bool) -> bool:
    """Tell a fault of this machine, which another source would not fix, from one of the source.

    A file system of fsspec may give a server's fault any number: s3fs calls its internal errors EIO.
    """
    broken = BROKEN if is_local else {errno.EMFILE, errno.ENFILE}
    return isinstance(error, MemoryError) or getattr(error, "errno", None) in NO_SPACE | broken


def is_transient(error: Exception) -> bool:
    """Tell a fault that may pass from a refusal, which would only be repeated."""
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status >= 500 or error.status in (408, 429)
    return not isinstance(error, PermissionError)
