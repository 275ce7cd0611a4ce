#!/usr/bin/env bash
# scikit-image 0.26.0: denoise_bilateral() moves an image by up to its window, as its weights by distance are those of other pixels.
#
# The weights of a window of 5 by 5 are computed on a grid of 6 by 6 (-3 to 2 instead of -2 to 2) and read as if it were 5 by 5, so each
# row starts one later. The pixel in the middle has a weight of 0.002 instead of 0.162, and a pixel two rows below it 0.228: a
# dot rises by two rows, and a disc by nearly as much. It is so for each odd window, and windows are odd by default. With a
# sigma_color that lets all values mix, the filter should be a Gaussian blur, as by its documentation and in OpenCV. No issue of the
# project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6 opencv-python-headless==5.0.0.93 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import cv2
import numpy as np
import skimage
from skimage.restoration import denoise_bilateral


def center(image):
    """Return the center of mass of an image as (row, column)."""
    rows, columns = np.indices(image.shape)
    return round(float((rows * image).sum() / image.sum()), 2), round(float((columns * image).sum() / image.sum()), 2)


print("scikit-image", skimage.__version__)
dot = np.zeros((31, 31))
dot[15, 15] = 1
rows, columns = np.indices((31, 31))
disc = (np.hypot(rows - 15, columns - 15) < 8).astype(float)
for name, image in {"a dot": dot, "a disc": disc}.items():
    for window, sigma in ((5, 1), (7, 1), (13, 2)):
        seen = denoise_bilateral(image, win_size=window, sigma_color=100, sigma_spatial=sigma)
        expected = cv2.bilateralFilter(image.astype(np.float32), window, 100, sigma).astype(float)
        print(f"{name}, a window of {window} - expected, as of OpenCV: its center at {center(expected)}, its value there", end=" ")
        print(f"{expected[15, 15]:.3f} - seen: {center(seen)}, {seen[15, 15]:.3f}")
        assert np.allclose(center(expected), (15, 15))
        assert center(seen)[0] < 14
        assert np.isclose(seen.sum(), expected.sum(), rtol=0.01)
default = denoise_bilateral(disc + np.random.default_rng(0).normal(0, 0.01, disc.shape).clip(0), sigma_color=1)
print(f"a disc with noise, other arguments by default - expected: (15, 15) - seen: {center(default)}")
assert center(default)[0] < 14.5
PYTHON
