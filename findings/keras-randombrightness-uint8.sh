#!/usr/bin/env bash
# Keras 3.15.1: RandomBrightness turns dark pictures of uint8 white, as its sums wrap around.
#
# The layer's documentation allows "float or int dtype" and promises that the output is "clipped to the range [0, 255]". It
# casts the random shift to the dtype of the input, adds, and clips what has wrapped around already: 100 - 111 is 245. The
# same pictures as float32 are clipped to 0. RandomContrast, which allows integers too, raises InvalidArgumentError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


def darkened(dtype):
    """Return the grey of eight pictures of grey 40, each of which the layer darkens by its own shift of -102 to -25."""
    keras.utils.set_random_seed(0)
    pictures = np.full((8, 4, 4, 3), 40, dtype)
    layer = keras.layers.RandomBrightness(factor=(-0.4, -0.1), seed=0)
    return np.asarray(layer(pictures, training=True)).mean(axis=(1, 2, 3)).round().astype(int).tolist()


print("Keras", keras.__version__)
as_float, as_uint8 = darkened(np.float32), darkened(np.uint8)
print("expected: no picture is brighter than 40, as of float32:", as_float)
print("seen of uint8:", as_uint8)
assert max(as_float) <= 40
assert 0 in as_float
assert max(as_uint8) > 200
PYTHON
