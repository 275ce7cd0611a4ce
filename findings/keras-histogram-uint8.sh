#!/usr/bin/env bash
# Keras 3.15.1: on TensorFlow, ops.histogram() of a uint8 image counts modulo 256, and with 256 bins it counts only black pixels.
#
# The counts and the edges of the bins have the type of the image. So counts of uint8 pixels wrap around at 256, those of bfloat16 stop
# at 256, edges of whole numbers are cut off (0, 63, 127 instead of 0, 63.75, 127.5), and a range of (0, 256) becomes one of 0 to 0.
# Of int32 pixels, 256 bins over 0 to 255 are shifted by one. The documentation shows counts of type int32.
# No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np

pixels = np.random.default_rng(0).integers(0, 256, 128 * 128)
pixels[:2] = 0, 255
print("Keras", keras.__version__)
wrong = []
for dtype in ("float32", "bfloat16", "uint8", "int32"):
    for bins, limits in ((4, None), (4, (0, 256)), (256, (0, 256)), (256, (0, 255))):
        expected, _ = np.histogram(pixels, bins, limits)
        typed = keras.ops.convert_to_tensor(pixels, dtype)
        counts = np.array(keras.ops.cast(keras.ops.histogram(typed, bins, limits)[0], "float32"), np.int64)
        print(f"{dtype}, {bins} bins over {limits} - expected: {expected[:4]}, {expected.sum()} pixels", end=" - ")
        print(f"seen: {counts[:4]}, {counts.sum()} pixels")
        if not np.array_equal(expected, counts):
            wrong.append((dtype, bins, limits))
print("wrong:", wrong)
assert {(dtype, 4, None) for dtype in ("bfloat16", "uint8", "int32")} <= set(wrong)
assert {("uint8", bins, (0, 256)) for bins in (4, 256)} <= set(wrong) and ("int32", 256, (0, 255)) in wrong
assert not any(dtype == "float32" for dtype, _, _ in wrong)
PYTHON
