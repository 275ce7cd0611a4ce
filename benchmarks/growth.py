"""Measure how time and memory grow with the photos: the features and an epoch of `cnn` and of `transfer`.

The real photos, listed once, 4 and 16 times.

    python -m benchmarks.growth [--photos ARCHIVE.zip --backbone WEIGHTS.h5]

Without photos: synthetic ones, small. The lists name each photo 4 or 16 times, and each time it is decoded anew. Prints
a table in Markdown: CPU seconds, wall-clock seconds, and the most memory held.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from benchmarks.compare import add_photo_options, chosen_photos, lay_out, measure
from stages.common.cli import command_parser, run

TIMES = (1, 4, 16)
STEPS = (("pixels", ""), ("train", "cnn"), ("features", "mobilenet_v2"), ("train", "transfer"))


def main() -> None:
    parser = command_parser(__doc__)
    add_photo_options(parser)
    photos_and_backbone = chosen_photos(parser.parse_args())
    rows = []
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, "project")
        lay_out(folder, photos_and_backbone, epochs=1)
        measure(["dvc", "repro", "split", "backbone"], folder)
        names = ("train", "validation", "train_paths", "validation_paths")
        lists = {file: pd.read_csv(file) for file in (folder / f"data/splits/{name}.csv" for name in names)}
        for times in TIMES:
            for file, photos in lists.items():
                file.unlink()  # it may be a link into DVC's cache
                pd.concat([photos] * times).to_csv(file, index=False)
            count = times * sum(map(len, lists.values())) // 2
            for step, name in STEPS:
                cost, _ = measure([sys.executable, "-m", f"stages.{step}", *filter(None, [name])], folder)
                per_photo = cost["cpu"] / count * 1000
                rows.append(
                    {"step": f"{step}@{name}".rstrip("@"), "photos": count, **cost, "CPU ms a photo": per_photo}
                )
    table = pd.DataFrame(rows).sort_values(["step", "photos"])
    table = table.rename(columns={"cpu": "CPU s", "wall": "wall s", "mib": "peak MiB"})
    print(table.round(1).to_markdown(index=False))  # noqa: T201


if __name__ == "__main__":
    run(main)
