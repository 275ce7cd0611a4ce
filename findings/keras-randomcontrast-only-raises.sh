#!/usr/bin/env bash
# Keras 3.15.1: RandomContrast with one number raises the contrast and never lowers it.
#
# The documentation says of one number that "lower = upper", and that the factor of the contrast is picked from
# [1.0 - lower, 1.0 + upper]. The layer takes 0 for lower. Two numbers are sorted first, so a lower bound above the upper one changes
# places with it. RandomColorJitter, whose documentation is the same, contains the layer. With (0.5, 0.5) it does what is documented of
# 0.5.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

IMAGES = np.random.default_rng(0).uniform(90, 165, (200, 8, 8, 3)).astype(np.float32)  # which no factor here moves out of 0..255


def factors(layer):
    """Return the least and the greatest factor by which the standard deviation of an image grew."""
    augmented = np.asarray(layer(IMAGES, training=True))
    ratios = augmented.std(axis=(1, 2, 3)) / IMAGES.std(axis=(1, 2, 3))
    return round(float(ratios.min()), 1), round(float(ratios.max()), 1)


print("Keras", keras.__version__)
print("expected of 0.5: from 0.5 to 1.5, as of (0.5, 0.5):", factors(keras.layers.RandomContrast((0.5, 0.5), seed=0)))
one = factors(keras.layers.RandomContrast(0.5, seed=0))
jitter = factors(keras.layers.RandomColorJitter(contrast_factor=0.5, seed=0))
print("seen of 0.5:", one, "and of RandomColorJitter:", jitter)
assert one == jitter == (1.0, 1.5)
swapped = factors(keras.layers.RandomContrast((0.9, 0.1), seed=0))
print("expected of (0.9, 0.1): from 0.1 to 1.1; seen:", swapped)
assert swapped == (0.9, 1.9)
PYTHON
