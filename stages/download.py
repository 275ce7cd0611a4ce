"""Fetch the photos and their labels.

Reads ``download.photos`` (an archive or a folder) and ``download.labels`` (a CSV, or null), each a URL that fsspec
knows or a local path. Writes ``data/raw/``, the photos with their folders kept, and ``data/labels/``, with the CSV as
``labels.csv``.
"""

import logging
import shutil
from pathlib import Path

from stages.common.params import demo_backbones, load_params
from stages.common.paths import LABELS, RAW
from stages.common.program import UserError, run
from stages.intake.archive import unpack
from stages.intake.fetch import Source

logger = logging.getLogger(__name__)

# Everything is fetched into this folder first, so that its parts are whole in their places or not there.
INCOMING = Path("data/incoming")


def main() -> None:
    params = load_params()
    download = params.download
    for name in demo_backbones(params):
        logger.warning(
            "backbones.%s has the weights of `make demo`, made for drawings: for your own photos go back to the real "
            "parameters (git restore --source=main params.yaml) and name your photos there",
            name,
        )
    shutil.rmtree(INCOMING, ignore_errors=True)
    try:
        fetch_photos(download.photos, download.photos_sha256, INCOMING / RAW.name)
        fetch_labels(download.labels, INCOMING / LABELS.name)
        for folder in (RAW, LABELS):
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
            raise UserError(f"download.photos_sha256: expected it empty for a folder, received {sha256}")
        source.copy_folder(folder)
        return
    archive = folder.with_name("archive")
    source.copy_file(archive, sha256, "download.photos_sha256")
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
    source.copy_file(folder / "labels.csv")


if __name__ == "__main__":
    run(main, __doc__)
