#!/usr/bin/env bash
# Pillow 13.0.0: the histogram of a 16-bit grayscale image counts the bytes of its left half, and so do its entropy and ImageStat.
#
# A pixel has two bytes, and as many bytes of each row are counted as the row has pixels, high ones and low ones alike. The right half counts
# for nothing: a photo that is black on the left and white on the right is black. The documentation says that "counts are grouped into 256
# bins for each band, even if the image has more than 8 bits per band"; so they are for modes I and F, after convert("I") for example.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import PIL
from PIL import Image, ImageStat

print("Pillow", PIL.__version__)
white_on_the_right = np.zeros((4, 8), np.uint16)
white_on_the_right[:, 4:] = 65535
gray = np.full((4, 8), 50000, np.uint16)  # its bytes are 195 and 80
for name, pixels, expected, seen in [
    ("black on the left, white on the right", white_on_the_right, {0: 16, 255: 16}, {0: 32}),
    ("white on the left, black on the right", white_on_the_right[:, ::-1], {0: 16, 255: 16}, {255: 32}),
    ("plain gray of 50,000", gray, {195: 32}, {80: 16, 195: 16}),
]:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    counts = {level: count for level, count in enumerate(image.histogram()) if count}
    print(f"{name} - expected: {expected} - seen: {counts}, a mean of {ImageStat.Stat(image).mean[0]} and an entropy of {image.entropy()}")
    assert image.mode == "I;16" and counts == seen
    high_bytes = Image.fromarray((pixels >> 8).astype(np.uint8))
    assert {level: count for level, count in enumerate(high_bytes.histogram()) if count} == expected
assert Image.fromarray(white_on_the_right).convert("I").histogram()[::255] == [16, 16]
PYTHON
