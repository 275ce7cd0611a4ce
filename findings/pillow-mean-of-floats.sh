#!/usr/bin/env bash
# Pillow 13.0.0: by ImageStat, a dark float image and a bright one have the same mean, 127, and a plain gray one has 0.
#
# Mean, median, sum and deviation are computed from the histogram, which for floats and whole numbers has 256 bins between the image's own
# minimum and maximum. ImageStat takes the number of a bin for the value. The documentation calls the mean the "average (arithmetic mean)
# pixel level", and notes of the extrema alone that they fail "for other modes such as I or F".
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
ramp = np.arange(100).reshape(10, 10)
for name, pixels, seen in [
    ("8 bits", (ramp * 2).astype(np.uint8), 99),
    ("dark, of 0 to 0.2", (ramp / 500).astype(np.float32), 127),
    ("bright, of 0.8 to 1", (ramp / 500 + 0.8).astype(np.float32), 127),
    ("plain gray", np.full((10, 10), 0.25, np.float32), 0),
    ("whole numbers up to 59,400", (ramp * 600).astype(np.int32), 127),
]:
    mean = ImageStat.Stat(Image.fromarray(pixels)).mean[0]
    print(f"{name}, mean - expected: {pixels.mean():.3f} - seen: {mean:.3f}")
    assert abs(mean - seen) < 0.1
PYTHON
