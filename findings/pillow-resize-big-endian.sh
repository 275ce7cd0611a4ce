#!/usr/bin/env bash
# Pillow 13.0.0: resize() makes noise of a 16-bit grayscale TIFF in big-endian byte order.
#
# ImageJ writes 16-bit images in this order, and Pillow opens them in mode I;16B. The pixels are right, also after crop(), transpose()
# and convert("I"); but every filter except NEAREST interpolates them as if their two bytes were exchanged, so a smooth gradient becomes
# noise between 0 and 65,535. ImageOps.fit(), contain() and scale() resize, too. The same image in little-endian order, mode I;16,
# is resized rightly. Near to it: pull request 8422, which allowed these filters for both modes. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6 tifffile==2026.3.3 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import PIL
import tifffile
from PIL import Image, ImageOps

print("Pillow", PIL.__version__)
gradient = (20_000 + 99 * np.add.outer(np.arange(64), np.arange(64))).astype(np.uint16)  # from 20,000 to 32,474
for name, byteorder in [("big", ">"), ("little", "<")]:
    tifffile.imwrite(f"{name}.tif", gradient, byteorder=byteorder)

big, little = Image.open("big.tif"), Image.open("little.tif")
assert (big.mode, little.mode) == ("I;16B", "I;16")
assert (np.asarray(big) == gradient).all() and (np.asarray(little) == gradient).all()


def pixels(image):
    return np.asarray(image).astype(int)


for resampling in Image.Resampling:
    right, seen = (pixels(image.resize((16, 16), resampling)) for image in (little, big))
    error = np.abs(seen - right).max()
    print(f"{resampling.name} - expected: {right.min()} to {right.max()}, as in little-endian order - seen: wrong by up to {error:,}")
    assert 20_000 <= right.min() and right.max() <= 32_474
    assert error == 0 if resampling == Image.Resampling.NEAREST else error > 100

right, seen = (pixels(ImageOps.contain(image, (16, 16))) for image in (little, big))
print("first row of ImageOps.contain - expected:", right[0, :6], "- seen:", seen[0, :6])
assert np.abs(seen - right).max() > 20_000
PYTHON
