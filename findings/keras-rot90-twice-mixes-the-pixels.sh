#!/usr/bin/env bash
# Keras 3.15.1: on TensorFlow, ops.rot90(k=2) of an image that is not square mixes up its pixels.
#
# The image is turned twice by 90 degrees, and reshaped to its height and width before the second turn, when it lies on its side. Its rows
# are thus cut in other places, and pixels that were neighbours no longer are. Turns by 90 and 270 degrees, square images and the other
# backends are right. Known from pull request 23435, which was merged in August 2026 and is in no release.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np

print("Keras", keras.__version__)
print("of [[0 1 2] [3 4 5]] - expected: [[5 4 3] [2 1 0]]", end=" - ")
print("seen:", str(keras.ops.convert_to_numpy(keras.ops.rot90(np.arange(6).reshape(2, 3), 2))).replace("\n", ""))
random = np.random.default_rng(0)
for shape in ((4, 240, 320, 3), (4, 240, 240, 3)):
    photos = random.integers(0, 256, shape, np.uint8)
    for k in (1, 2, 3):
        expected = np.rot90(photos, k, axes=(1, 2))
        turned = keras.ops.convert_to_numpy(keras.ops.rot90(photos, k, axes=(1, 2)))
        other = (expected != turned).any(axis=-1).mean()
        print(f"four photos of {shape[1:]} turned by {90 * k} degrees - expected: 0 % of the pixels are others - seen: {other:.0%}")
        assert turned.shape == expected.shape and ((other > 0.9) if k == 2 and shape[1] != shape[2] else (other == 0))
PYTHON
