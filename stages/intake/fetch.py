"""Copy files and folders here from anywhere that fsspec reads, trying again where a fault may pass."""

import hashlib
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

import aiohttp
import fsspec
from fsspec.callbacks import TqdmCallback
from tqdm import tqdm

from stages.common.program import NO_SPACE, UserError
from stages.intake.archive import check_name, is_hidden

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

SILENCE = 60  # seconds without a byte, after which a connection counts as broken
PAUSES = (1, 3, 9)  # seconds to wait before each further try


def is_http(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def open_filesystem(url: str, key: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Find the file system that reads ``url``, and the path of ``url`` in it."""
    options = {}
    if is_http(url):
        # By default aiohttp gives up on a healthy download after five minutes; only silence should end one.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=SILENCE, sock_read=SILENCE)
        options = {"client_kwargs": {"timeout": timeout}}
    try:
        files, path = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise UserError(f"{key}: expected a path or a URL that fsspec reads, received {url!r}: {error}") from error
    return files, path


def fetch(url: str, target: Path, key: str, sha256: str | None) -> None:
    """Copy one file here and check it.

    Raises:
        UserError: It is not there, cannot be reached, or is not the file that ``sha256`` was taken of.
    """
    files, path = open_filesystem(url, key)

    def get() -> None:
        with TqdmCallback(tqdm_kwargs={"desc": key, "unit": "B", "unit_scale": True, "disable": None}) as bar:
            files.get_file(path, str(target), callback=bar)

    retry(get, url, key)
    if sha256 is None:
        return
    with target.open("rb") as file:
        received = hashlib.file_digest(file, "sha256").hexdigest()
    if received != sha256:
        raise UserError(f"{key}_sha256: expected {sha256}, received {received}: {url} is damaged or another file")


def retry(read: Callable[[], Result], url: str, key: str) -> Result:
    """Read from somewhere, and again after a pause while the fault is one that may pass.

    Raises:
        UserError: There is nothing at ``url``, or it cannot be reached.
    """
    pauses = iter(PAUSES)
    while True:
        try:
            return read()
        except FileNotFoundError as error:
            raise UserError(f"{key}: expected a file or folder at {url!r}, found none") from error
        except Exception as error:  # each of fsspec's file systems brings its own
            if getattr(error, "errno", None) in NO_SPACE:
                raise
            reason = " ".join(str(error).split()) or type(error).__name__
            pause = next(pauses, None)
            if pause is None or not may_pass(error):
                raise UserError(
                    f"{key}: cannot fetch {url}: {reason}. "
                    f"Without a network, set {key} to a local path, or see `make demo`, which needs none"
                ) from error
            logger.info("%s: %s; trying again in %d s", url, reason, pause)
            time.sleep(pause)


def may_pass(error: Exception) -> bool:
    """Tell a fault that may pass from a refusal, which another try will meet again."""
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status >= 500 or error.status in (408, 429)
    return not isinstance(error, PermissionError)


def copy_folder(files: fsspec.AbstractFileSystem, root: str, folder: Path) -> None:
    """Copy every file below ``root``, hidden ones left out and counted in the log."""
    key = "download.photos"
    found = retry(lambda: files.find(root), root, key)
    names = {path: PurePosixPath(path).relative_to(root) for path in sorted(found)}
    photos = {path: name for path, name in names.items() if not is_hidden(name)}
    for path, name in tqdm(photos.items(), key, unit="file", disable=None):
        check_name(name)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        retry(partial(files.get_file, path, str(folder / name)), path, key)
        if (folder / name).is_dir():  # as fsspec makes of a link to a folder
            raise UserError(
                f"{key}: expected files and folders, received {path}, a link to a folder: put the folder there"
            )
    if len(photos) < len(names):
        logger.info("left out %d hidden files of the folder", len(names) - len(photos))
