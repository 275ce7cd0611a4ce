#!/usr/bin/env bash
# Pillow 13.0.0: ImageOps.pad returns nothing but the pad colour for an image that is much longer than wide.
#
# The image is first scaled to fit, and its shorter side rounded to whole pixels. Half a pixel or less is none: the
# result has the size that was asked for, no pixel of the image, and no error. ImageOps.contain returns an image
# of height 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import PIL
from PIL import Image, ImageOps

line = Image.new("RGB", (1000, 1), "red")
padded = ImageOps.pad(line, (64, 64), color="grey")
contained = ImageOps.contain(line, (64, 64))
print("Pillow", PIL.__version__)
print("expected: a red line, one pixel high, on grey")
print("seen: colours", padded.getcolors(), "and a contained size of", contained.size)
assert padded.getcolors() == [(64 * 64, (128, 128, 128))]
assert contained.size == (64, 0)
PYTHON
