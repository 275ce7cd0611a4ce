#!/usr/bin/env bash
# image-similarity-measures 0.3.6: fsim() sees an edge only from dark to bright, rightwards and downwards, and wraps steep ones around.
#
# It computes gradients as whole numbers of 16 bits without a sign, in which negative ones become 0, and squares them in that type, so
# those of 256 and more wrap around. So a photo and its negative, which have the same edges, have a similarity of 0.34 instead of 1, and
# a photo is nearer to one of half its brightness than to a blurred one, where it is the other way round. The docstring and the paper
# (Zhang et al., 2011) define the magnitude by the Scharr operator. The package asks for NumPy 1 and scikit-image 0.20; it is the same there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps image-similarity-measures==0.3.6 2>/dev/null
"$folder/venv/bin/pip" install --quiet phasepack==1.5 opencv-python-headless==5.0.0.93 scikit-image==0.26.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
from image_similarity_measures.quality_metrics import fsim
from phasepack import phasecong
from scipy import ndimage

print("image-similarity-measures", version("image-similarity-measures"))


def phase_congruency(image):
    """Return the phase congruency as fsim() computes it."""
    return sum(phasecong(image, nscale=4, minWaveLength=6, mult=2, sigmaOnf=0.5978)[4])


def gradient_magnitude(image):
    """Return how steep the image is at each pixel, by the Scharr operator."""
    scharr = np.outer([3, 10, 3], [-1, 0, 1])
    return np.hypot(*(ndimage.correlate(image.astype(float), kernel, mode="mirror") for kernel in (scharr, scharr.T)))


def expected_fsim(first, second):
    """Return the similarity with gradients as the paper defines them."""
    congruency = phase_congruency(first), phase_congruency(second)
    score = np.maximum(*congruency)
    total = score.sum()
    for (one, other), constant in [(congruency, 0.85), ((gradient_magnitude(first), gradient_magnitude(second)), 160)]:
        score = score * (2 * one * other + constant) / (one**2 + other**2 + constant)
    return score.sum() / total


noise = np.random.default_rng(0).random((128, 128))
photo = ndimage.gaussian_filter(noise, 3, mode="wrap")
photo = np.round(255 * (photo - photo.min()) / np.ptp(photo)).astype(np.uint8)
for name, other, wrong in [
    ("itself", photo, (1, 1)),
    ("its negative", 255 - photo, (0.335, 0.357)),
    ("half as bright", photo // 2, (0.888, 0.731)),
    ("blurred", ndimage.gaussian_filter(photo, 2), (0.823, 0.651)),
]:
    for bits, images, known in [
        (8, (photo, other), wrong[0]),
        (12, (photo.astype(np.uint16) * 16, other.astype(np.uint16) * 16), wrong[1]),
    ]:
        expected = expected_fsim(*images)
        seen = fsim(*(image[:, :, np.newaxis] for image in images))
        print(f"a photo and {name}, {bits} bits - expected: {expected:.3f} - seen: {seen:.3f}")
        assert abs(seen - known) < 0.01 and (abs(seen - expected) < 1e-6) == (name == "itself")
PYTHON
