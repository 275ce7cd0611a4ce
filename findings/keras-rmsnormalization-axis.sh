#!/usr/bin/env bash
# Keras 3.15.1: the scale of RMSNormalization(axis=1) multiplies the columns of an image instead of its channels.
#
# The layer computes the root mean square over the given axis and has a scale for each of its entries, but multiplies by it along the
# last axis. Channels-first images that are as wide as they have channels, such as 32 channels of 32 by 32, are computed wrongly without
# an error; others are refused with an error of incompatible shapes. LayerNormalization(axis=1) multiplies channels. The documentation
# calls axis the axis on which to normalize. The scale starts at ones, so it shows only after training. No issue of the project
# describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np

random = np.random.default_rng(0)
images = random.normal(size=(2, 4, 6, 4)).astype(np.float32)  # channels first: 4 channels, 6 rows, 4 columns
scale = np.array([1, 2, 3, 4], np.float32)
normalized = images / np.sqrt((images**2).mean(1, keepdims=True) + 1e-6)


def largest_difference(layer, images, expected, *more_weights):
    layer.build(images.shape)
    layer.set_weights([scale, *more_weights])
    return float(np.abs(np.asarray(layer(images)) - expected).max())


print("Keras", keras.__version__)
rms = keras.layers.RMSNormalization
by_channel = largest_difference(rms(axis=1), images, normalized * scale[:, None, None])
by_column = largest_difference(rms(axis=1), images, normalized * scale)
print(f"RMSNormalization(axis=1) - expected: each channel times its scale; seen differs by {by_channel:.3f}", end=" - ")
print(f"seen is each column times a scale: differs by {by_column:.3f}")
last = np.moveaxis(images, 1, -1)
channels_last = largest_difference(rms(axis=-1), last, np.moveaxis(normalized, 1, -1) * scale)
print(f"RMSNormalization(axis=-1) of channels-last images: differs by {channels_last:.3f}")
centered = (images - images.mean(1, keepdims=True)) / np.sqrt(images.var(1, keepdims=True) + 1e-3)
layer_normalization = keras.layers.LayerNormalization(axis=1)
of_layer = largest_difference(layer_normalization, images, centered * scale[:, None, None], np.zeros(4, np.float32))
print(f"LayerNormalization(axis=1): differs by {of_layer:.3f}")
assert by_channel > 1 and max(by_column, channels_last, of_layer) < 1e-4
try:
    rms(axis=1)(images[..., :3])
except Exception as error:
    print("of images with 3 columns - expected: normalized images - seen:", "Incompatible shapes" in str(error) and type(error).__name__)
else:
    raise SystemExit("images with 3 columns are normalized")
PYTHON
