"""Measure what many small photos cost: steps one by one, and DVC with nothing to do.

    python -m benchmarks.many_photos --photos 100000 --classes 10 [--side 32] [--steps download split ...]

Draws that many different photos (JPEGs), in a folder per class in a zip. The only model is ``cnn``, for one epoch.
Prints a table in Markdown: CPU seconds, wall-clock seconds and the most memory held.
"""

import sys
import zipfile
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from PIL import Image

from benchmarks.compare import lay_out, measure
from stages.common.cli import command_parser, run
from stages.common.parallel import in_parallel

STEPS = ["download", "split", "label_stats", "pixels", "train@cnn", "evaluate", "page"]
BLOCKS = 12  # of one colour, on a side


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--side", type=int, default=96, help="of a photo, in pixels")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    args = parser.parse_args()
    print("| step | photos | CPU s | wall s | peak MiB |\n|---|---|---|---|---|")  # noqa: T201
    with TemporaryDirectory() as temporary:
        archive, folder = Path(temporary, "photos.zip"), Path(temporary, "project")
        draw(archive, args.photos, args.classes, args.side)
        params = lay_out(folder, None, epochs=1)
        params |= {"download": {"photos": str(archive)}, "backbones": {}, "features": {}}
        params["models"] = {"cnn": params["models"]["cnn"]}
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        commands = {
            step: ["env", f"DVC_STAGE={step}", sys.executable, "-m", f"stages.{step.partition('@')[0]}"]
            for step in args.steps
        }
        commands["dvc commit"] = ["dvc", "commit", "--force", *args.steps]
        commands["dvc status"] = ["dvc", "status", "--quiet", *args.steps]  # fails if there is anything to do
        for step, command in commands.items():
            cost, _ = measure(command, folder)
            row = f"| {step} | {args.photos:,} | {cost['cpu']:.1f} | {cost['wall']:.0f} | {cost['mib']:.0f} |"
            print(row, flush=True)  # noqa: T201


def draw(archive: Path, photos: int, classes: int, side: int) -> None:
    """Write a zip of photos, each of random blocks."""
    names = [f"class {number % classes}/{number}.jpg" for number in range(photos)]
    with zipfile.ZipFile(archive, "w") as opened:
        for name, jpeg in zip(names, in_parallel(partial(draw_jpeg, side), range(photos)), strict=True):
            opened.writestr(name, jpeg)


def draw_jpeg(side: int, seed: int) -> bytes:
    blocks = np.random.default_rng(seed).integers(0, 256, (BLOCKS, BLOCKS, 3), np.uint8)
    jpeg = BytesIO()
    Image.fromarray(blocks).resize((side, side), Image.Resampling.BICUBIC).save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()


if __name__ == "__main__":
    run(main)
