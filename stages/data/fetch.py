"""Copy files and folders from anywhere that fsspec reads, with retries after transient errors.

DVC's ``Repo.get_url`` retries too, but reads fewer kinds of URL (no ``ftp://``, ``github://`` or ``zip://…::…``), and
steps run without DVC.
"""

import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import aiohttp
import fsspec
from fsspec.callbacks import TqdmCallback
from fsspec.implementations.local import LocalFileSystem
from tqdm import tqdm

from stages.common.cli import BROKEN, NO_SPACE, UserError
from stages.common.parallel import in_parallel
from stages.data.archive import check_name
from stages.storage.files import sha256_of
from stages.storage.folders import check_readable, is_hidden, log_left_out

logger = logging.getLogger(__name__)

READERS = 32  # files of a bucket that are fetched at a time
READ_TIMEOUT_S = 60  # without a byte, after which a connection counts as broken
RETRY_DELAYS_S = (1, 3, 9)  # before each further attempt
FICLONE = 0x40049409  # of linux/fs.h; Python's fcntl has it from 3.12 on
NOT_FETCHED = (
    "expected in {} only what this step fetched, as it replaces that, found {}: move what is yours elsewhere, and "
    "delete the rest"
)


class Source:
    """A file or folder that ``params.yaml`` names by a path or by a URL that fsspec knows.

    Args:
        key: the parameter whose value is ``url``, with which messages start.

    Raises:
        UserError: fsspec has no file system for ``url``.
    """

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        self.is_http = url.startswith(("http://", "https://"))
        # By default aiohttp gives up on a healthy download after five minutes; only silence should end one.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=READ_TIMEOUT_S, sock_read=READ_TIMEOUT_S)
        options: dict[str, Any] = {"client_kwargs": {"timeout": timeout}} if self.is_http else {}
        if url.startswith(("s3://", "s3a://")):  # s3fs tries each request five times, and botocore each of these
            options["config_kwargs"] = {"retries": {"mode": "standard", "max_attempts": 1}}
        try:
            self.files, self.path = fsspec.core.url_to_fs(url, **options)
        except (ImportError, ValueError, FileNotFoundError) as error:
            raise UserError(f"{key}: expected a path or a URL that fsspec reads, received {url!r}: {error}") from error
        self.is_local = isinstance(self.files, LocalFileSystem)

    def is_folder(self) -> bool:
        # To fsspec every web page is a folder of its links.
        return not self.is_http and bool(self._retry(partial(self.files.isdir, self.path), self.url))

    def copy_file(self, target: Path, sha256: str | None = None, sha256_key: str = "") -> None:
        """Copy one file and check it.

        Raises:
            UserError: The file does not exist, cannot be read, or its SHA-256 is not ``sha256``.
        """

        def copy() -> None:
            with TqdmCallback(tqdm_kwargs={"desc": self.key, "unit": "B", "unit_scale": True, "disable": None}) as bar:
                self.files.get_file(self.path, str(target), callback=bar)

        self._retry(copy, self.url)
        if sha256 and (received := sha256_of(target)) != sha256:
            raise UserError(
                f"{sha256_key}: expected {sha256}, received {received}: {self.url} is damaged or a different file"
            )

    def copy_folder(self, target: Path) -> None:
        """Copy every file of a folder except hidden ones, which are counted in the log.

        Raises:
            UserError: A file or folder cannot be read, or a file has a name that :func:`check_name` refuses, or is a
                link to a folder or to nothing.
        """
        folders = []
        if self.is_local:
            self._retry(partial(check_readable, self.path), self.path)
            folders = [PurePosixPath(folder).relative_to(self.path) for folder, *_ in os.walk(self.path)]
        paths = sorted(self._retry(partial(self.files.find, self.path), self.path))
        names = {path: PurePosixPath(path).relative_to(self.path) for path in paths}
        visible = {path: name for path, name in names.items() if not is_hidden(name)}
        clones = self.is_local

        def copy(path: str) -> None:
            nonlocal clones
            check_name(name := visible[path])
            copied = target / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            clones = clones and clone(path, copied)  # a disk that cannot is asked once: asking costs more than copying
            if not clones:
                self._retry(partial(self.files.get_file, path, str(copied)), path)
            if copied.is_dir():  # fsspec's copy of a link to a folder
                raise UserError(
                    f"{self.key}: expected files and folders, received {path}, a link to a folder: put the folder there"
                )

        readers = READERS if getattr(self.files, "async_impl", False) else 1  # others may not be thread-safe
        for _ in tqdm(in_parallel(copy, visible, readers), self.key, len(visible), unit="file", disable=None):
            pass
        folders += [name.parent for name in names.values()]
        log_left_out(len(names) - len(visible), folders, {name.parent for name in visible.values()})

    def _retry(self, read: Callable[[], Any], url: str) -> Any:
        """Call ``read``, and again after a pause as long as the error is transient."""
        delays = iter(RETRY_DELAYS_S)
        while True:
            try:
                return read()
            except FileNotFoundError as error:
                raise UserError(
                    f"{self.key}: expected a file or folder at {url!r}, found none: correct it in params.yaml"
                ) from error
            except Exception as error:  # each of fsspec's file systems brings its own
                # Of this machine, which no other source would help. Not a server's EIO: so s3fs calls internal errors.
                local_failures = NO_SPACE | (BROKEN if self.is_local else {errno.EMFILE, errno.ENFILE})
                if isinstance(error, MemoryError) or getattr(error, "errno", None) in local_failures:
                    raise
                status = error.status if isinstance(error, aiohttp.ClientResponseError) else 500
                is_refusal = isinstance(error, PermissionError) or (status < 500 and status not in (408, 429))
                reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
                delay = None if is_refusal else next(delays, None)
                if delay is None:
                    remedy = f"set {self.key} to a local path, or see `make demo`, which needs none"
                    hint = "" if self.is_local else f". Without a network, {remedy}"
                    raise UserError(f"{self.key}: cannot fetch {url}: {reason}{hint}") from error
                logger.info("%s: %s; trying again in %d s", url, reason, delay)
                time.sleep(delay)


def check_is_apart(url: str | None, key: str, *outputs: Path) -> None:
    """Refuse a source, the value of the parameter ``key``, inside or around a folder that a step replaces."""
    for part in url.split("::") if url else ():  # in a chain, as zip://*.jpg::photos.zip, each may be a path
        if fsspec.core.split_protocol(part)[0] not in (None, "file", "local"):
            continue
        path = fsspec.core.strip_protocol(part)
        for output in outputs:
            if is_within(path, output) or is_within(output, path):
                raise UserError(
                    f"{key}: expected a path neither inside nor around {output}, which this step replaces, received "
                    f"{url!r}: move what is yours elsewhere, and name it there"
                )


def is_within(path: str | Path, folder: str | Path) -> bool:
    """Return whether a path, or its target if it is a link, is ``folder`` or inside it."""
    path, folder = Path(path), Path(os.path.realpath(folder))
    paths = (Path(os.path.realpath(path)), Path(os.path.realpath(path.parent), path.name))
    return any(is_same(parent, folder) for each in paths for parent in (each, *each.parents))


def is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)  # also where a disk does not distinguish Data from data
    except OSError:  # one does not exist
        return path == other


def clone(path: str, target: Path) -> bool:
    """Copy a file as a reflink (Btrfs, XFS), if possible; return whether there is a copy now.

    A hard link would be the user's own photo: editing one would change the other, and DVC's ``cache.type`` hardlink
    would make both read-only.
    """
    with suppress(OSError):
        if Path(path).is_file():  # opening a named pipe would wait for ever
            with Path(path).open("rb") as original, target.open("wb") as copy:
                fcntl.ioctl(copy, FICLONE, original.fileno())
            return True
    return False
