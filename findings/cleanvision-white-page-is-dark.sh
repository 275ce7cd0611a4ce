#!/usr/bin/env bash
# CleanVision 0.3.7: a white page is reported as dark if it is a GIF, a PNG with a palette or a bitmap.
#
# "dark" is documented as underexposed, and the brightness is computed from the array of the opened image: with a palette, from the
# indices of its colours, so that a page of few colours is nearly black whatever these are, and of a bitmap (1 bit) from 0 and 1 of 255.
# The same page as gray, RGB, JPEG or CMYK is not dark. In turn a black image whose palette has black last is not dark.
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

page = Image.new("RGB", (400, 400), "white")
for row in range(20, 380, 20):
    ImageDraw.Draw(page).line((20, row, 300, row), "black", 3)
Path("pages").mkdir()
page.save("pages/rgb.png")
page.save("pages/rgb.jpg")
page.save("pages/palette.gif")
page.convert("L").save("pages/gray.png")
page.convert("CMYK").save("pages/cmyk.jpg")
page.quantize(4).save("pages/palette.png")
page.convert("1").save("pages/bitmap.png")
black = Image.new("P", (400, 400), 255)
black.putpalette([255] * 765 + [0] * 3)
black.save("pages/black.png")
lab = cleanvision.Imagelab(data_path="pages", verbose=False)
lab.find_issues({"dark": {}}, n_jobs=1, verbose=False)
print("CleanVision", version("cleanvision"))
seen = {Path(name).name: dark for name, dark in lab.issues["is_dark_issue"].items()}
for name, dark in sorted(seen.items()):
    print(f"{name}, on average {Image.open('pages/' + name).convert('L').resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))}", end=" of 255")
    print(" - expected:", "dark" if name == "black.png" else "not dark", "- seen:", "dark" if dark else "not dark")
assert {name for name, dark in seen.items() if dark} == {"palette.gif", "palette.png", "bitmap.png"}
PYTHON
