"""Measure what many small photos cost: steps one by one, and DVC with nothing to do.

    python -m benchmarks.many_photos --photos 100000 --classes 10 [--side 32] [--steps download split ...]
    python -m benchmarks.many_photos --photos 20000 --classes 1000 --backbone WEIGHTS.h5

Draws that many different photos (JPEGs), in a folder per class in a zip. The only model is ``cnn``, for one epoch; with
a backbone ``linear``, whose features also find label issues. Prints a table in Markdown: CPU seconds, wall-clock
seconds and the most memory held.
"""

import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import yaml
from PIL import Image

from benchmarks.compare import PROJECT, lay_out, measure
from stages.common.cli import command_parser, run
from stages.common.parallel import in_parallel

STEPS = ["download", "thumbnails", "split", "label_stats", "pixels", "train@cnn", "evaluate", "page"]
POOLED = "mobilenet_v2_pooled"
EXTRACTION = ["backbone@mobilenet_v2", f"features@{POOLED}"]
BACKBONE_STEPS = [*STEPS[:5], *EXTRACTION, "train@linear", "evaluate", f"label_issues@{POOLED}", "page"]
BLOCKS, COLOURS = 12, 4  # blocks of one colour on a side; colours of a class


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--side", type=int, default=96, help="of a photo, in pixels")
    parser.add_argument("--backbone", type=Path, metavar="WEIGHTS", help="of MobileNetV2 at its full width")
    parser.add_argument("--steps", nargs="+", choices=dict.fromkeys([*STEPS, *BACKBONE_STEPS]))
    args = parser.parse_args()
    steps = args.steps or (BACKBONE_STEPS if args.backbone else STEPS)
    print("| step | photos | CPU s | wall s | peak MiB |\n|---|---|---|---|---|")  # noqa: T201
    with TemporaryDirectory() as temporary:
        archive, folder = Path(temporary, "photos.zip"), Path(temporary, "project")
        with ProcessPoolExecutor(1) as pool:  # or each step would start with its memory
            pool.submit(draw, archive, args.photos, args.classes, args.side).result()
        params = lay_out(folder, (archive, (args.backbone or archive).resolve()), epochs=1) | {"image_size": 96}
        project = yaml.safe_load((PROJECT / "params.yaml").read_text())
        params["models"] = {name: project["models"][name] for name in (["linear"] if args.backbone else ["cnn"])}
        for section in ("features", "label_issues"):
            params[section] = {POOLED: project[section][POOLED]} if args.backbone else {}
        if not args.backbone:
            params["backbones"] = {}
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        commands = {
            step: ["env", f"DVC_STAGE={step}", sys.executable, "-m", f"stages.{step.partition('@')[0]}"]
            for step in steps
        }
        commands["dvc commit"] = ["dvc", "commit", "--force", *steps]
        commands["dvc status"] = ["dvc", "status", "--quiet", *steps]  # fails if there is anything to do
        for step, command in commands.items():
            cost, _ = measure(command, folder)
            row = f"| {step} | {args.photos:,} | {cost['cpu']:.1f} | {cost['wall']:.0f} | {cost['mib']:.0f} |"
            print(row, flush=True)  # noqa: T201


def draw(archive: Path, photos: int, classes: int, side: int) -> None:
    """Write a zip of photos, each of random blocks in the colours of its class, or, one of 20, of the next."""
    names = [f"class {number % classes}/{number}.jpg" for number in range(photos)]
    with zipfile.ZipFile(archive, "w") as opened:
        for name, jpeg in zip(names, in_parallel(partial(draw_jpeg, side, classes), range(photos)), strict=True):
            opened.writestr(name, jpeg)


def draw_jpeg(side: int, classes: int, number: int) -> bytes:
    drawn_class = (number + (number // classes % 20 == 0)) % classes
    colours = np.random.default_rng([classes, drawn_class]).integers(0, 256, (COLOURS, 3), np.uint8)
    blocks = colours[np.random.default_rng(number).integers(0, COLOURS, (BLOCKS, BLOCKS))]
    jpeg = BytesIO()
    Image.fromarray(blocks).resize((side, side), Image.Resampling.BICUBIC).save(jpeg, "JPEG", quality=85)
    return jpeg.getvalue()


if __name__ == "__main__":
    run(main)
