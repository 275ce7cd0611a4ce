#!/usr/bin/env bash
# OpenCV 5.0.0: inpaint() by Telea's method fills a hole in an even float image of 0.3 with values from -1.1 to 1.4.
#
# The documentation allows 32-bit floats of one channel. To the average of the neighbours the function adds the sum of two
# gradients divided by their length, so up to 1.41 whatever the range of the image, where the method would add a
# difference of brightness. In an even image the gradients are rounding errors, and count as much. Of 0 to 255 nobody sees it, of 0 to
# 1 the holes are noise. INPAINT_NS is right. Near to it: issue 25404, of one half added to floats, which is fixed. No issue describes this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import cv2
import numpy as np

print("OpenCV", cv2.__version__)
hole = np.zeros((40, 40), np.uint8)
hole[10:14, 10:14] = 1
images = {"even image": np.full((40, 40), 0.3), "ramp": np.linspace(0.2, 0.6, 40)[:, None].repeat(40, 1)}
for name, image in images.items():
    for scale in (1, 255):
        image_in_range = (image * scale).astype(np.float32)
        telea, navier_stokes = (
            cv2.inpaint(image_in_range, hole, 3, method)[hole == 1] for method in (cv2.INPAINT_TELEA, cv2.INPAINT_NS)
        )
        expected = image_in_range[hole == 1]
        print(f"{name} of 0 to {scale} - expected: {expected.min():.3f} to {expected.max():.3f}", end=" - ")
        print(f"seen: {telea.min():.3f} to {telea.max():.3f}")
        assert np.abs(navier_stokes - expected).max() < 0.01 * scale
        error = np.abs(telea - expected).max()
        assert error > 1 if scale == 1 else error < 5
PYTHON
