#!/usr/bin/env bash
# CleanVision 0.3.7: a red sign and a blue one are "exact duplicates" if they are GIFs, or PNGs with a palette.
#
# What is hashed is the array of the opened image: of one with a palette, the indices of its colours without the colours, and of any
# image, the bytes without its width, height and kind. So are plain images of 200 x 100 and 100 x 200 pixels, and the gray shades 0 and
# 1 of one of 8 bits, of which a bitmap has 0 and 1. The same signs as RGB are told apart. Exact duplicates are documented as
# "identical to each other", for one to remove. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cleanvision==0.3.7 pillow==13.0.0 numpy==2.4.6 pandas==3.1.1 setuptools 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import cleanvision
from PIL import Image, ImageDraw

Path("signs").mkdir()
for colour in ("red", "blue"):
    sign = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(sign).ellipse((40, 40, 160, 160), fill=colour)
    sign.save(f"signs/{colour}-rgb.png")
    sign.save(f"signs/{colour}.gif")
    sign.quantize(2).save(f"signs/{colour}-palette.png")
for size in ((200, 100), (100, 200)):
    Image.new("RGB", size, "white").save(f"signs/{size[0]}x{size[1]}.png")
lab = cleanvision.Imagelab(data_path="signs", verbose=False)
lab.find_issues({"exact_duplicates": {}}, n_jobs=1, verbose=False)
seen = [sorted(Path(name).name for name in names) for names in lab.info["exact_duplicates"]["sets"]]
print("CleanVision", version("cleanvision"))
print("sets of exact duplicates - expected: of a sign's own GIF and PNG at most - seen:", *seen, sep="\n  ")
assert seen == [["100x200.png", "200x100.png"], ["blue-palette.png", "blue.gif", "red-palette.png", "red.gif"]]
PYTHON
