#!/usr/bin/env bash
# Keras 3.15.1: Solarization draws its threshold from nearly zero, whatever the lower bound is.
#
# threshold_factor=(0.5, 0.5) should give each image the threshold 127.5: a value "sampled from the provided range", of numbers from
# 0 to 1. The upper bound is multiplied by 255, the lower one is not, so thresholds lie anywhere between 0.5 and 127.5, and images
# are inverted far more than was asked for. So is addition_factor. Of two other layers the documentation recommends a pair of
# identical numbers for a value that is always the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

print("Keras", keras.__version__)
ramps = np.tile(np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1), (200, 1, 1, 1))  # each value once
solarized = np.asarray(keras.layers.Solarization(threshold_factor=(0.5, 0.5), seed=0)(ramps, training=True))
kept = (solarized == ramps).sum(axis=(1, 2, 3))
print("expected of threshold_factor=(0.5, 0.5): of each image, the 128 values below 127.5 are as they were")
print("seen: of one image", kept.min(), "values, of another", kept.max())
assert kept.min() < 10
assert 120 < kept.max() <= 128
black = np.zeros((200, 4, 4, 3), np.float32)
added = np.asarray(keras.layers.Solarization(addition_factor=(0.5, 0.5), threshold_factor=(1, 1), seed=0)(black, training=True))
print("expected of addition_factor=(0.5, 0.5): black images become 127.5, or 127.5 inverted, which is the same")
print("seen: from", round(float(added.min())), "to", round(float(added.max())))
assert np.ptp(added) > 200
PYTHON
