#!/usr/bin/env bash
# OpenCV 5.0.0: filter2D of a uint32 image by a kernel of at least 9 x 9 returns an image of zeros.
#
# OpenCV 5 has new types, such as uint32 for sums and label images. Large kernels are applied by a Fourier transform, whose result for uint32
# is all zeros, whatever the image is, without an error. By a smaller kernel a uint32 image is refused, "Unsupported combination of source
# format". The same numbers in int32, uint16 or float32 are filtered by the large kernel.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

print("OpenCV", cv2.__version__)
image = np.random.default_rng(0).integers(0, 1000, (60, 80))
for size in (9, 15):
    kernel = np.full((size, size), 1 / size**2, np.float32)
    expected = cv2.filter2D(image.astype(np.float64), -1, kernel)
    for dtype in (np.uint32, np.int32, np.uint16, np.float32):
        seen = cv2.filter2D(image.astype(dtype), -1, kernel)
        print(f"{dtype.__name__}, mean of {size} x {size} pixels - expected: {expected.min():.0f} to {expected.max():.0f}"
              f" - seen: {seen.min():.0f} to {seen.max():.0f} ({seen.dtype})")
        if dtype is np.uint32:
            assert not seen.any()
        else:
            assert abs(seen - expected).max() < 1
try:
    cv2.filter2D(image.astype(np.uint32), -1, np.full((3, 3), 1 / 9, np.float32))
except cv2.error as error:
    print("uint32, mean of 3 x 3 pixels - an error:", str(error).split(": error: ")[-1].split(" in function")[0][:60])
else:
    raise AssertionError("a small kernel is applied")
PYTHON
