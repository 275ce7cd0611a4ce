"""Fetch the weights of a backbone.

Reads an entry of ``backbones``, whose ``weights`` are a URL that fsspec knows, a local path, or null. Writes
``data/backbone/NAME/``: the weights, and the entry's architecture and options as ``architecture.json``.

    python -m stages.backbone [NAME]    # without NAME, the one in DVC's stage name backbone@NAME
"""

from pathlib import PurePosixPath
from urllib.parse import urlparse

from stages.common.files import atomic_folder, write_json
from stages.common.params import load_params
from stages.common.paths import BACKBONE
from stages.common.program import UserError, run, stage_argument
from stages.intake.fetch import Source


def main() -> None:
    name = stage_argument(__doc__, "name")
    backbones = load_params().backbones
    if name not in backbones:
        raise UserError(
            f"expected `python -m stages.backbone NAME` with a backbone of params.yaml ({', '.join(backbones)}), "
            f"received {name!r}"
        )
    backbone = backbones[name]
    with atomic_folder(BACKBONE / name, replace=True) as folder:
        write_json({"architecture": backbone.architecture, "options": backbone.options}, folder / "architecture.json")
        if backbone.weights:
            # The file keeps its name, by which Keras distinguishes its two formats (.h5 and .weights.h5).
            file = PurePosixPath(urlparse(backbone.weights).path).name
            if not file.endswith(".h5"):
                raise UserError(
                    f"backbones.{name}.weights: expected a Keras weights file (.h5), received {backbone.weights!r}"
                )
            source = Source(backbone.weights, f"backbones.{name}.weights")
            source.copy_file(folder / file, backbone.sha256, f"backbones.{name}.sha256")


if __name__ == "__main__":
    run(main)
