"""Fetch the photos, their labels and the backbone's weights; the only step that uses the network.

Reads ``download.photos`` (an archive or a folder), ``download.labels`` (a CSV, or null) and ``download.backbone`` (a
weights file, or null), each a URL that fsspec knows or a local path. Writes ``data/raw/``, the photos with their
folders kept, ``data/labels/``, with the CSV as ``labels.csv``, and ``data/backbone/``: the weights under
``mobilenet_v2/``, and a file ``none`` that recipes without a backbone depend on, so that new weights do not train them
again.
"""

import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from stages.common.params import load_params
from stages.common.paths import BACKBONE, LABELS, RAW
from stages.common.program import UserError, run
from stages.intake.archive import unpack
from stages.intake.fetch import Source

# Everything is fetched into this folder first, so that its parts are whole in their places or not there.
INCOMING = Path("data/incoming")


def main() -> None:
    download = load_params().download
    shutil.rmtree(INCOMING, ignore_errors=True)
    try:
        fetch_photos(download.photos, download.photos_sha256, INCOMING / RAW.name)
        fetch_labels(download.labels, INCOMING / LABELS.name)
        fetch_backbone(download.backbone, download.backbone_sha256, INCOMING / BACKBONE.name)
        for folder in (RAW, LABELS, BACKBONE):
            shutil.rmtree(folder, ignore_errors=True)
            (INCOMING / folder.name).rename(folder)
    finally:
        shutil.rmtree(INCOMING, ignore_errors=True)


def fetch_photos(url: str, sha256: str | None, folder: Path) -> None:
    """Copy the photos at ``url``, a folder or an archive, into a new folder."""
    folder.mkdir(parents=True)
    source = Source(url, "download.photos")
    if source.is_folder():
        if sha256:
            raise UserError(f"download.photos_sha256: expected null for a folder, received {sha256}")
        source.copy_folder(folder)
        return
    archive = folder.with_name("archive")
    source.copy_file(archive, sha256)
    try:
        unpack(archive, folder)
    except UserError as error:
        raise UserError(f"download.photos: {error} (from {url})") from error


def fetch_labels(url: str | None, folder: Path) -> None:
    """Copy the CSV at ``url`` into a new folder, if there is one."""
    folder.mkdir()
    if url is None:
        (folder / "none").write_text("download.labels is null: the classes are the folders of the photos.\n")
        return
    source = Source(url, "download.labels")
    if source.is_folder():
        raise UserError(f"download.labels: expected a CSV, received the folder {url}")
    source.copy_file(folder / "labels.csv", sha256=None)


def fetch_backbone(url: str | None, sha256: str | None, folder: Path) -> None:
    """Copy the weights at ``url`` into a new folder, if there are any.

    The file keeps its name, by which Keras distinguishes its two formats (``.h5`` and ``.weights.h5``).
    """
    weights = folder / "mobilenet_v2"
    weights.mkdir(parents=True)
    (folder / "none").write_text("Recipes without a backbone depend on this file.\n")
    if url is None:
        (weights / "none").write_text("download.backbone is null, so there are no weights here.\n")
        return
    name = PurePosixPath(urlparse(url).path).name
    if not name.endswith(".h5"):
        raise UserError(f"download.backbone: expected a Keras weights file (.h5), received {url!r}")
    Source(url, "download.backbone").copy_file(weights / name, sha256)


if __name__ == "__main__":
    run(main, __doc__)
