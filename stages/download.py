"""Bring the photos and the backbone's weights here; the only step that touches the network.

Reads ``download.photos`` (an archive or a folder) and ``download.backbone`` (a weights file, or null), each a
URL that fsspec knows or a local path. Writes ``data/raw/``, the photos in the folders they came in, and
``data/backbone/``: the weights under ``mobilenet_v2/``, and a file ``none`` that recipes without a backbone
depend on, so that new weights do not train them again.
"""

import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import urlparse

import aiohttp
import fsspec
from fsspec.callbacks import TqdmCallback
from tqdm import tqdm

from stages.common.archive import check_name, is_hidden, unpack
from stages.common.command import NO_SPACE, UserError, run
from stages.common.params import load_params
from stages.common.paths import BACKBONE, RAW

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Everything arrives here first, so that data/raw and data/backbone are whole or not there.
INCOMING = Path("data/incoming")
SILENCE = 60  # seconds without a byte, after which a connection counts as broken
PAUSES = (1, 3, 9)  # seconds to wait before each further try


def main() -> None:
    download = load_params().download
    shutil.rmtree(INCOMING, ignore_errors=True)
    try:
        bring_photos(download.photos, download.photos_sha256, INCOMING / RAW.name)
        bring_backbone(download.backbone, download.backbone_sha256, INCOMING / BACKBONE.name)
        for folder in (RAW, BACKBONE):
            shutil.rmtree(folder, ignore_errors=True)
            (INCOMING / folder.name).rename(folder)
    finally:
        shutil.rmtree(INCOMING, ignore_errors=True)


def bring_photos(url: str, sha256: str | None, folder: Path) -> None:
    """Bring the photos at ``url`` into ``folder``: a folder's copied, an archive's unpacked."""
    folder.mkdir(parents=True)
    files, path = open_filesystem(url, "download.photos")
    # To fsspec every web page is a folder of its links.
    if not is_http(url) and patiently(lambda: files.isdir(path), url, "download.photos"):
        if sha256:
            raise UserError(f"download.photos_sha256: expected null for a folder, received {sha256}")
        copy_folder(files, path, folder)
        return
    archive = folder.with_name("archive")
    fetch(url, archive, "download.photos", sha256)
    try:
        unpack(archive, folder)
    except UserError as error:
        raise UserError(f"download.photos: {error} (from {url})") from error


def bring_backbone(url: str | None, sha256: str | None, folder: Path) -> None:
    """Bring the weights at ``url`` under their own name, by which Keras tells its two kinds of file apart."""
    weights = folder / "mobilenet_v2"
    weights.mkdir(parents=True)
    (folder / "none").write_text("Recipes without a backbone depend on this file.\n")
    if url is None:
        (weights / "none").write_text("download.backbone is null, so there are no weights here.\n")
        return
    name = PurePosixPath(urlparse(url).path).name
    if not name.endswith(".h5"):
        raise UserError(f"download.backbone: expected a Keras weights file (.h5), received {url!r}")
    fetch(url, weights / name, "download.backbone", sha256)


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

    patiently(get, url, key)
    if sha256 is None:
        return
    with target.open("rb") as file:
        received = hashlib.file_digest(file, "sha256").hexdigest()
    if received != sha256:
        raise UserError(f"{key}_sha256: expected {sha256}, received {received}: {url} is damaged or another file")


def patiently(read: Callable[[], Result], url: str, key: str) -> Result:
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
            if pause is None or not is_passing(error):
                raise UserError(
                    f"{key}: cannot fetch {url}: {reason}. "
                    f"Without a network, set {key} to a local path, or see `make demo`, which needs none"
                ) from error
            logger.info("%s: %s; trying again in %d s", url, reason, pause)
            time.sleep(pause)


def is_passing(error: Exception) -> bool:
    """Tell a fault that may pass from a refusal, which another try will meet again."""
    if isinstance(error, aiohttp.ClientResponseError):
        return error.status >= 500 or error.status in (408, 429)
    return not isinstance(error, PermissionError)


def copy_folder(files: fsspec.AbstractFileSystem, root: str, folder: Path) -> None:
    """Copy every file below ``root``, hidden ones left out and counted in the log."""
    key = "download.photos"
    found = patiently(lambda: files.find(root), root, key)
    names = {path: PurePosixPath(path).relative_to(root) for path in sorted(found)}
    photos = {path: name for path, name in names.items() if not is_hidden(name)}
    for path, name in tqdm(photos.items(), key, unit="file", disable=None):
        check_name(name)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        patiently(partial(files.get_file, path, str(folder / name)), path, key)
        if (folder / name).is_dir():  # as fsspec makes of a link to a folder
            raise UserError(
                f"{key}: expected files and folders, received {path}, a link to a folder: put the folder there"
            )
    if len(photos) < len(names):
        logger.info("left out %d hidden files of the folder", len(names) - len(photos))


if __name__ == "__main__":
    run(main, __doc__)
