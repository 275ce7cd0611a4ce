#!/usr/bin/env bash
# OpenCV 5.0.0: stackBlur() of a bright 16-bit image returns a dark one: of a white image of 65,535, a kernel of 51 pixels makes 34.
#
# The documentation allows CV_16U, and blurring an even image should change nothing. Kernels of 5 to 9 pixels cut off two thirds of what
# exceeds 32,768; larger ones lose multiples of a power of two, as of integers that overflow, from a brightness of 20,000 at 51 pixels.
# Of 11 to 21 pixels the result is right. So is the same image as float32, its 8-bit copy, and GaussianBlur(). No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

print("OpenCV", cv2.__version__)
for grey in (20, 200, 255):
    even = np.full((64, 64), grey * 257, np.uint16)
    for size in (5, 9, 31, 51):
        seen = cv2.stackBlur(even, (size, size))
        print(f"{size} pixels - expected: {grey * 257} - seen: {seen.min()} to {seen.max()}")
        assert (seen.min() > 0.99 * grey * 257) == (grey == 20)
        assert np.allclose(cv2.stackBlur(even.astype(np.float32), (size, size)), grey * 257, rtol=1e-4)
        assert np.all(cv2.stackBlur(even.astype(np.uint8), (size, size)) == even.astype(np.uint8))
        assert np.all(cv2.GaussianBlur(even, (size, size), 0) == grey * 257)
assert cv2.stackBlur(even, (51, 51)).max() < 100
PYTHON
