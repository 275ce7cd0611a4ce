"""Fetch the photos and their labels.

Reads ``download.photos`` (an archive or a folder) and ``download.labels`` (a CSV, or null), each a URL that fsspec
knows or a local path. Writes ``data/raw/``, the photos in shards, ``data/labels/``, with the CSV as
``labels.csv``, and ``data/fetched.json``, the list of both. DVC does not delete these before the step runs
(``persist``): the step replaces them, unless a file there is not in the list, as it may be the user's.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from stages.common.cli import UserError, plural, run
from stages.common.params import load_params
from stages.common.paths import IN_DATA, LABELS, RAW
from stages.data.archive import pack_archive
from stages.data.fetch import NOT_FETCHED, Source
from stages.storage.files import atomic_folder, sha256_of, write_json
from stages.storage.non_photos import file_sizes, visible_files

FETCHED = Path("data/fetched.json")


def main() -> None:
    download = load_params().download
    check_is_fetched()
    with atomic_folder(RAW, replace=True) as new_raw, atomic_folder(LABELS, replace=True) as new_labels:
        fetch_photos(download.photos, download.photos_sha256, new_raw)
        fetch_labels(download.labels, new_labels)
        check_is_fetched()
        for folder in (RAW, LABELS):  # before the new list: a kill leaves no files that are not in a list
            shutil.rmtree(folder.resolve(), ignore_errors=True)
        write_json(list_files(new_raw, new_labels), FETCHED)


def list_files(raw: Path, labels: Path) -> dict[str, dict[str, Any]]:
    """List the shards with their sizes, and the labels with their SHA-256, as a correction may not change the size."""
    hashes = {name: sha256_of(labels / name) if (labels / name).is_file() else None for name in visible_files(labels)}
    return {str(RAW): file_sizes(raw), str(LABELS): hashes}


def check_is_fetched() -> None:
    """Refuse to replace files that this step did not write, or that have changed since."""
    try:
        fetched = json.loads(FETCHED.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # none yet, or cut short
        fetched = {}
    for folder, files in list_files(RAW, LABELS).items():
        if others := sorted(files.items() - fetched.get(folder, {}).items()):
            received = f"{plural(len(others), 'other or changed file')}, such as {Path(folder, others[0][0])}"
            raise UserError(NOT_FETCHED.format(folder, received))


def fetch_photos(url: str, sha256: str | None, folder: Path) -> None:
    """Pack the photos at ``url``, a folder or an archive, into shards in a folder."""
    source = Source(url, "download.photos")
    source.check_outside(*IN_DATA)
    if source.is_folder():
        if sha256:
            raise UserError(f"download.photos_sha256: expected it empty for a folder, received {sha256}")
        source.pack_folder(folder)
    else:
        archive = folder.with_name("archive")
        source.copy_file(archive, sha256, may_link=True)
        try:
            pack_archive(archive, folder)
        except UserError as error:
            raise UserError(f"download.photos: {error} (from {source.url})") from error
    if not any(folder.iterdir()):
        raise UserError(f"download.photos: expected photos, found no files in {source.url}, or only hidden ones")


def fetch_labels(url: str | None, folder: Path) -> None:
    if url is None:
        (folder / "none").write_text("download.labels is null: the classes are the folders of the photos.\n")
        return
    source = Source(url, "download.labels")
    source.check_outside(*IN_DATA)
    source.copy_file(folder / "labels.csv")


if __name__ == "__main__":
    run(main, __doc__)
