"""Fetch the weights of a backbone.

Reads an entry of ``backbones``, whose ``weights`` are a URL that fsspec knows, a local path, or null. Writes
``data/backbone/NAME/``: the weights, and the entry's architecture and options as ``architecture.json``.
"""

from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from stages.common.cli import UserError, run
from stages.common.params import load_entry
from stages.common.paths import ARCHITECTURE, BACKBONE, IN_DATA
from stages.data.fetch import NOT_FETCHED, Source
from stages.storage.files import atomic_folder, write_json
from stages.storage.non_photos import visible_files


def main() -> None:
    name, params = load_entry(__doc__, "backbones")
    backbone, target = params.backbones[name], BACKBONE / name
    check_is_fetched(target)
    with atomic_folder(target, replace=True) as folder:
        write_json({"architecture": backbone.architecture, "options": backbone.options}, folder / ARCHITECTURE)
        if backbone.weights:
            # The file keeps its name, by which Keras distinguishes its two formats (.h5 and .weights.h5).
            source = Source(backbone.weights, f"backbones.{name}.weights")
            source.check_outside(target, *(folder for folder in IN_DATA if folder != BACKBONE))
            file = PurePosixPath(urlparse(source.path).path if source.is_http else source.path).name
            if not file.endswith(".h5") or source.is_folder():
                raise UserError(f"{source.key}: expected a Keras weights file (.h5), received {source.url!r}")
            source.copy_file(folder / file, backbone.sha256)
        check_is_fetched(target)


def check_is_fetched(folder: Path) -> None:
    """Refuse a folder that has anything but a file of weights and its architecture, which this step writes."""
    files = visible_files(folder)
    weights = [name for name in files if name.endswith(".h5")]
    if files and ({*files} != {ARCHITECTURE, *weights} or len(weights) > 1):
        raise UserError(NOT_FETCHED.format(folder, ", ".join(files)))


if __name__ == "__main__":
    run(main)
