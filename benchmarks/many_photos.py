"""Measure what many small photos cost: each step up to `label_stats`, and DVC with nothing to do.

    python -m benchmarks.many_photos --photos 100000 --classes 10

Draws that many different photos (JPEGs of 96 px), in a folder per class in a zip. Prints a table in Markdown: CPU
seconds, wall-clock seconds and the most memory held.
"""

import sys
import zipfile
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import yaml
from PIL import Image

from benchmarks.compare import lay_out, measure
from stages.common.cli import command_parser, run
from stages.common.parallel import in_parallel

SIDE = 96  # of a photo, in pixels
BLOCKS = 12  # of one colour, on a side


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--steps", nargs="+", default=["download", "split", "label_stats"])
    args = parser.parse_args()
    rows = []
    with TemporaryDirectory() as temporary:
        archive, folder = Path(temporary, "photos.zip"), Path(temporary, "project")
        draw(archive, args.photos, args.classes)
        params = lay_out(folder, None, epochs=1)
        params["download"] = {"photos": str(archive)}
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        commands = {step: [sys.executable, "-m", f"stages.{step}"] for step in args.steps}
        commands["dvc commit"] = ["dvc", "commit", "--force", *args.steps]
        commands["dvc status"] = ["dvc", "status", *args.steps]
        for name, command in commands.items():
            cost, _ = measure(command, folder)
            rows.append({"step": name, "photos": args.photos, **cost})
    table = pd.DataFrame(rows).rename(columns={"cpu": "CPU s", "wall": "wall s", "mib": "peak MiB"})
    print(table.round(1).to_markdown(index=False))  # noqa: T201


def draw(archive: Path, photos: int, classes: int) -> None:
    """Write a zip of photos, each of random blocks."""
    names = [f"class {number % classes}/{number}.jpg" for number in range(photos)]
    with zipfile.ZipFile(archive, "w") as opened:
        for name, jpeg in zip(names, in_parallel(draw_jpeg, range(photos)), strict=True):
            opened.writestr(name, jpeg)


def draw_jpeg(seed: int) -> bytes:
    blocks = np.random.default_rng(seed).integers(0, 256, (BLOCKS, BLOCKS, 3), np.uint8)
    jpeg = BytesIO()
    Image.fromarray(blocks).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()


if __name__ == "__main__":
    run(main)
