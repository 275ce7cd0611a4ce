#!/usr/bin/env bash
# imagecodecs 2026.3.6: a uint16 photo is stored as a JPEG of 12 bits, in which 4,096 is 0 and white, 65,535, is gray or black.
#
# jpeg_encode() and tifffile's imwrite(compression="jpeg") drop the upper four bits of colors above 4,095, without a warning: a smooth ramp
# becomes fifteen. Of such a ramp in grayscale they raise an error ("out of range"), and with lossless=True all 16 bits are stored. The
# documentation says nothing of a limit. No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet imagecodecs==2026.3.6 tifffile==2026.3.3 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import imagecodecs
import numpy as np
import tifffile

print("imagecodecs", imagecodecs.__version__)
for color in (4000, 4096, 8000, 65_000):
    photo = np.full((64, 64, 3), color, np.uint16)
    tifffile.imwrite("photo.tif", photo, photometric="rgb", compression="jpeg")
    seen = imagecodecs.jpeg_decode(imagecodecs.jpeg_encode(photo))
    print(f"an even photo of {color} - expected: {color}, or an error - seen: {np.unique(seen)}")
    assert seen.dtype == np.uint16 and np.abs(seen.astype(int) - color % 4096).max() < 3
    assert np.array_equal(tifffile.imread("photo.tif"), seen)
    assert np.array_equal(imagecodecs.jpeg_decode(imagecodecs.jpeg_encode(photo, lossless=True)), photo)
ramp = np.tile(np.linspace(0, 60_000, 64).astype(np.uint16), (64, 1))
try:
    imagecodecs.jpeg_encode(ramp)
except imagecodecs.JpegError as error:
    print("of grayscale:", error)
else:
    raise AssertionError
PYTHON
