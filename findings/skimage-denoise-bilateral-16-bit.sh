#!/usr/bin/env bash
# scikit-image 0.26.0: denoise_bilateral() of a 16-bit image blurs the edges that it is there to keep.
#
# It scales an image of integers to 0 to 1, but its table of weights spans the distances between pixels before scaling, 0 to 65,535. All
# distances then fall into the table's first entry, the weight of pixels that are equal, whatever sigma_color is: a dark and a light
# half flow into each other. The same image of 0 to 1 as float64 is right, and uint8 nearly so, as distances have 39 steps there. The
# documentation says that integers are scaled to 0 to 1. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import skimage
from skimage.restoration import denoise_bilateral

bright = np.zeros((60, 60), bool)
bright[:, 30:] = True
noise = np.random.default_rng(0).normal(0, 0.01, bright.shape)
photo = np.where(bright, 0.8, 0.2) + noise  # a dark and a light half
photo[0, 59] = 1


def step(image):
    """Return the difference between the columns on either side of the edge, away from the borders."""
    return float(image[20:40, 30].mean() - image[20:40, 29].mean())


print("scikit-image", skimage.__version__, f"- the step at the edge: {step(photo):.2f}")
images = {"float64": photo, "uint8": np.rint(photo * 255).astype(np.uint8), "uint16": np.rint(photo * 65535).astype(np.uint16)}
for sigma_color in (0.02, 0.05, 0.1):
    expected = denoise_bilateral(photo, sigma_color=sigma_color, sigma_spatial=2)
    for dtype, image in images.items():
        seen = denoise_bilateral(image, sigma_color=sigma_color, sigma_spatial=2)
        print(f"sigma_color={sigma_color}, {dtype} - expected: {step(expected):.2f} - seen: {step(seen):.2f}", end=", ")
        print(f"the largest difference to float64: {np.abs(seen - expected).max():.2f}")
        assert (step(seen) < 0.2) if dtype == "uint16" else (step(seen) > 0.55)
PYTHON
