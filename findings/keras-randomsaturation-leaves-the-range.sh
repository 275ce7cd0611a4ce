#!/usr/bin/env bash
# Keras 3.15.1: RandomSaturation makes colours negative in images of 0..255.
#
# Saturation is a fraction, from 0 to 1, whatever the range of the colours. The layer clips the raised saturation to
# `value_range`, by default 0 to 255, so it grows beyond 1, and the darkest channels become negative. With
# `value_range=(0, 1)`, the only one in which the two limits agree, images stay in their range. RandomHue keeps to it in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras
import numpy as np

image = np.array([[[[157, 78, 29], [60, 120, 90], [200, 180, 20], [90, 90, 140]]]], np.float32)


def extremes(name, value_range):
    """Return the darkest and the brightest value, in 0..255, of the image with another saturation or hue."""
    layer = getattr(keras.layers, name)(factor=(0.75, 0.75), value_range=value_range, seed=0)
    scale = 255 / value_range[1]
    changed = np.asarray(layer(image / scale, training=True)) * scale
    return [round(float(changed.min()), 1), round(float(changed.max()), 1)]


print("Keras", keras.__version__)
print("expected: 0 to 255 at most, as of RandomHue:", extremes("RandomHue", (0, 255)))
print("and of RandomSaturation with value_range (0, 1):", extremes("RandomSaturation", (0, 1)))
seen = extremes("RandomSaturation", (0, 255))
print("seen of RandomSaturation with value_range (0, 255):", seen)
assert extremes("RandomHue", (0, 255))[0] >= 0
assert extremes("RandomSaturation", (0, 1))[0] >= 0
assert seen[0] < -100
PYTHON
