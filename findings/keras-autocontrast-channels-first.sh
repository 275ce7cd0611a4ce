#!/usr/bin/env bash
# Keras 3.15.1: AutoContrast stretches columns of channels-first images instead of channels.
#
# The layer takes `data_format`, and stretches each channel of an image to the whole range. It takes minima and maxima over
# axes 1 and 2 whatever the data format: of channels-first images these are the channels and the rows, so each column is
# stretched by itself, over all channels. The other layers give channels-first images the values of channels-last ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras
import numpy as np

image = np.zeros((1, 2, 2, 3), np.float32)
image[..., 0] = [[10, 20], [30, 40]]
image[..., 1] = [[100, 110], [120, 130]]
image[..., 2] = [[5, 5], [200, 250]]
last = np.asarray(keras.layers.AutoContrast(data_format="channels_last")(image))
first = np.asarray(keras.layers.AutoContrast(data_format="channels_first")(image.transpose(0, 3, 1, 2)))
print("Keras", keras.__version__)
print("expected of the first channel, 10 to 40:", last[0, :, :, 0].tolist())
print("seen with channels first:", first[0, 0].round(1).tolist())
np.testing.assert_allclose(last[0, :, :, 0], [[0, 85], [170, 255]], rtol=1e-5)
assert first[0, 0].max() < 40
PYTHON
