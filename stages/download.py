"""Bring the photos and the backbone's weights here; the only step that touches the network.

Reads ``download.photos`` (an archive or a folder) and ``download.backbone`` (a weights file, or null), each a
URL that fsspec knows or a local path. Writes ``data/raw/``, the photos in the folders they came in, and
``data/backbone/``: the weights under ``mobilenet_v2/``, and a file ``none`` that recipes without a backbone
depend on, so that new weights do not train them again.
"""

import logging
import shutil
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import urlparse

from stages.common.params import load_params
from stages.common.paths import BACKBONE, RAW
from stages.common.program import UserError, run
from stages.intake.archive import unpack
from stages.intake.fetch import copy_folder, fetch, is_http, open_filesystem, retry

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Everything arrives here first, so that data/raw and data/backbone are whole or not there.
INCOMING = Path("data/incoming")


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
    if not is_http(url) and retry(lambda: files.isdir(path), url, "download.photos"):
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


if __name__ == "__main__":
    run(main, __doc__)
