#!/usr/bin/env bash
# Keras 3.15.1: on TensorFlow, ops.image.map_coordinates(fill_mode="reflect") mirrors other pixels left of and above an image.
#
# Its documentation shows the pixels that extend an image with "reflect": (d c b a | a b c d | d c b a). Right of and below an image it is
# so. Left of and above it, the pixel beside the first one is the second one instead of the first, and all others are off by one, too: the
# coordinate's absolute value is taken, as for "mirror". The layer RandomElasticTransform computes with it, and "reflect" is its default.
# The modes "nearest" and "wrap" are right, and so is JAX's backend.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np

print("Keras", keras.__version__)
row = np.array([10, 20, 30, 40], np.float32)
coordinates = np.arange(-6, 10, dtype=np.float32)
for fill_mode, padding in (("nearest", "edge"), ("wrap", "wrap"), ("reflect", "symmetric")):
    expected = np.pad(row, 6, padding)
    for order in (0, 1):
        seen = keras.ops.image.map_coordinates(row, coordinates[None], order=order, fill_mode=fill_mode)
        seen = keras.ops.convert_to_numpy(seen)
        print(f"{fill_mode}, order {order} - expected: {expected.astype(int)} - seen: {seen.astype(int)}")
        before = np.array_equal(seen[:6], expected[:6])
        assert np.array_equal(seen[6:], expected[6:]) and before == (fill_mode != "reflect")
PYTHON
