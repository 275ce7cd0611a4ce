"""Copy files and folders from anywhere that fsspec reads, with retries after transient errors.

DVC's ``Repo.get_url`` gives up where a connection drops, says of an answer 403 or 503 that the file does not exist, and
reads fewer kinds of URL (no ``ftp://``, ``github://`` or ``zip://…::…``); and steps run without DVC.
"""

import errno
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO, Any

import aiohttp
import fsspec
from fsspec.archive import AbstractArchiveFileSystem
from fsspec.callbacks import TqdmCallback
from fsspec.implementations.cached import CachingFileSystem
from fsspec.implementations.local import LocalFileSystem

from stages.common.cli import BROKEN, NO_SPACE, UserError, first_line, logger, without_password
from stages.common.paths import RAW
from stages.data.archive import Member, leave_out_hidden, pack
from stages.storage.files import sha256_of
from stages.storage.non_photos import is_hidden

logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # after Ctrl-C it would complain of a request without an answer
READERS = 32  # files of a bucket that are fetched at a time
READ_TIMEOUT_S = 60  # without a byte, after which a connection counts as broken
RETRY_DELAYS_S = (1, 3, 9)  # before each further attempt
MAX_RETRY_AFTER_S = 120  # a longer delay that a server asks for is cut to this
MAX_BUFFERED = 2**22  # bytes of a file in memory
MAX_REASON = 500  # characters of an error's message
NOT_FETCHED = "expected in {} only what this step fetched, found {}: move what is yours elsewhere, and delete the rest"


class Source:
    """A file or folder that ``params.yaml`` names, under ``key``, by a path or by a URL that fsspec knows."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = without_password(url), key  # for messages
        self.is_http = url.startswith(("http://", "https://"))
        # By default aiohttp gives up on a healthy download after five minutes; only silence should end one.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=READ_TIMEOUT_S, sock_read=READ_TIMEOUT_S)
        # Proxies are from the environment, such as HTTPS_PROXY, and passwords also from ~/.netrc.
        options: dict[str, Any] = {"client_kwargs": {"timeout": timeout, "trust_env": True}} if self.is_http else {}
        if url.startswith(("s3://", "s3a://")):  # s3fs tries each request five times, and botocore each of these
            options["config_kwargs"] = {"retries": {"mode": "standard", "max_attempts": 1}}
        try:
            if os.path.lexists(url):  # whatever its name looks like
                self.files, self.path = LocalFileSystem(), os.path.abspath(url)  # noqa: PTH100 (links stay)
            else:
                self.files, self.path = fsspec.core.url_to_fs(url, **options)
                if "::" in url and not isinstance(self.files, (AbstractArchiveFileSystem, CachingFileSystem)):
                    # fsspec would read the first alone.
                    raise ValueError(
                        "the first is not in the second, as in zip://FOLDER::ARCHIVE; in a URL :: is %3A%3A"
                    )
        except Exception as error:  # each of fsspec's file systems brings its own
            if is_machine_failure(error, is_local=False):
                raise
            separated = ", in which :: separates paths" if "::" in url else ""
            received = f"{self.url!r}{separated}: {first_line(error)}"
            raise UserError(f"{key}: expected a path or a URL that fsspec reads, received {received}") from error
        self.is_local = isinstance(self.files, LocalFileSystem)

    def check_outside(self, *outputs: Path) -> None:
        """Refuse a local source inside or around a folder that a step replaces."""
        path = Path(self.path).resolve()
        for output in outputs:
            folder = output.resolve()
            if self.is_local and (path.is_relative_to(folder) or folder.is_relative_to(path)):
                raise UserError(
                    f"{self.key}: expected a path neither inside nor around {output}, which the pipeline replaces, "
                    f"received {self.url!r}: move what is yours elsewhere, and name it there"
                )

    def is_folder(self) -> bool:
        # To fsspec every web page is a folder of its links.
        return not self.is_http and bool(self._retry(partial(self.files.isdir, self.path), self.url))

    def _check_is_file(self, path: str) -> None:
        """Refuse anything but a file: reading a pipe or a device may never end."""
        if self.is_local and not Path(path).is_file():
            raise UserError(
                f"{self.key}: expected a file, received {path}, a folder, a link to one or to nothing, a pipe or a "
                "device: replace or delete it"
            )

    def copy_file(self, target: Path, sha256: str | None = None, *, may_link: bool = False) -> None:
        """Copy one file, or with ``may_link`` make a link to a local one, and check its hash."""

        def copy() -> None:
            if self.is_local:
                Path(self.path).stat()  # fails if it is missing or forbidden
                self._check_is_file(self.path)
                if may_link:
                    Path(self.path).open().close()  # fails if it is forbidden
                    with suppress(OSError):  # of a file system without links, as exFAT: it is copied
                        target.symlink_to(self.path)
                        return
            with TqdmCallback(tqdm_kwargs={"desc": self.key, "unit": "B", "unit_scale": True, "disable": None}) as bar:
                self.files.get_file(self.path, str(target), callback=bar)

        self._retry(copy, self.url)
        if sha256 and (received := sha256_of(target)) != sha256:
            text = f"expected the SHA-256 {sha256}, received {received}: {self.url} is damaged or another file"
            raise UserError(f"{self.key}: {text}")

    def pack_folder(self, target: Path) -> None:
        """Pack the files of a folder into shards, except hidden ones."""
        if self.is_local:
            listed = self._list_folder()  # file by file, as each would take 0.5 KB of memory
        else:
            listed = self._retry(partial(self.files.find, self.path, detail=True), self.path).items()
        members, open_file = [], self._open
        for path, info in listed:
            size = info.get("size") or 0
            name = str(PurePosixPath(path).relative_to(self.path))
            members.append(Member(name, size, open_file, (path, size), info["type"] == "directory"))
        readers = READERS if self.files.async_impl else 1  # others may not be thread-safe
        pack(leave_out_hidden(members), target, readers)

    def _list_folder(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the path of each file and folder in a local one; fsspec would leave out what it cannot list."""

        def refuse(error: OSError) -> None:
            if is_hidden(str(PurePosixPath(error.filename).relative_to(self.path))):
                return
            if is_machine_failure(error, is_local=True):
                raise error
            raise UserError(f"{self.key}: cannot fetch {self.url}: {error}") from error

        for parent, folders, files in os.walk(self.path, onerror=refuse):
            links = [name for name in folders if os.path.islink(f"{parent}/{name}")]  # noqa: PTH114 (of a million names)
            for name in {*folders} - {*links}:
                yield f"{parent}/{name}", {"type": "directory"}
            for path in (f"{parent}/{name}" for name in (*files, *links)):
                size = os.stat(path).st_size if os.path.exists(path) else 0  # noqa: PTH110, PTH116
                yield path, {"type": "file", "size": size}

    def _open(self, source: tuple[str, int]) -> IO[bytes]:
        """Fetch a file whole, into memory or a large one to disk, so that it can be retried, and open it."""
        path, size = source
        self._check_is_file(path)
        if size <= MAX_BUFFERED:
            return BytesIO(self._retry(partial(self.files.cat_file, path), path))
        copy = NamedTemporaryFile(dir=RAW.parent)  # noqa: SIM115 (the caller closes it)
        self._retry(partial(self.files.get_file, path, copy.name), path)
        return copy

    def _retry(self, read: Callable[[], Any], url: str) -> Any:
        """Call ``read``, and again after a pause as long as the error is transient."""
        delays = iter(RETRY_DELAYS_S)
        while True:
            try:
                return read()
            except FileNotFoundError as error:
                path = f" ({self.path!r})" if self.is_local and self.path != url else ""
                raise UserError(
                    f"{self.key}: expected a file or folder at {url!r}{path}, found none: correct it in params.yaml"
                ) from error
            except Exception as error:
                if isinstance(error, UserError) or is_machine_failure(error, self.is_local):
                    raise
                status = error.status if isinstance(error, aiohttp.ClientResponseError) else 500
                is_refusal = isinstance(error, PermissionError) or (status < 500 and status not in (408, 429))
                # Some messages are empty, and some contain all that the server sent.
                text = without_password(" ".join(f"{type(error).__name__}: {error}".split()))
                reason = text[:MAX_REASON].rstrip(".")
                delay = None if is_refusal else next(delays, None)
                if delay is None:
                    hint = "" if self.is_local else f". Without a network, set {self.key} to a local path"
                    raise UserError(f"{self.key}: cannot fetch {url}: {reason}{hint}") from error
                delay = max(delay, requested_delay(error))
                logger.info("%s: %s; trying again in %d s", url, reason, delay)
                time.sleep(delay)


def requested_delay(error: Exception) -> int:
    """Return the seconds in the header ``Retry-After`` of a server's answer, at most the maximum; 0 for a date."""
    asked = (getattr(error, "headers", None) or {}).get("Retry-After", "")
    return min(int(asked), MAX_RETRY_AFTER_S) if re.fullmatch("[0-9]{1,9}", asked) else 0


def is_machine_failure(error: Exception, is_local: bool) -> bool:
    """Return whether this machine failed, which no other source would help; s3fs calls a server's errors EIO."""
    codes = NO_SPACE | (BROKEN if is_local else {errno.EMFILE, errno.ENFILE})
    return isinstance(error, MemoryError) or getattr(error, "errno", None) in codes
