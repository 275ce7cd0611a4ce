#!/usr/bin/env bash
# Keras 3.15.1: EfficientNetB0(weights=None) is another network than EfficientNetB0(weights="imagenet").
#
# Only for weights="imagenet" does the constructor add a Rescaling layer by 1/sqrt(0.229, 0.224, 0.225) to the stem.
# The layer has no weights, so weights saved from one network load into the other without an error or a warning, and
# the outputs differ. The weights here are random: the download is replaced by a file that this script makes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
import warnings
from unittest import mock

import keras
import numpy as np

warnings.simplefilter("error", UserWarning)  # as Keras warns of weights that do not fit
file = f"{sys.argv[1]}/random.weights.h5"
shape = {"input_shape": (64, 64, 3), "include_top": False}
keras.utils.set_random_seed(0)
keras.applications.EfficientNetB0(weights=None, **shape).save_weights(file)
plain = keras.applications.EfficientNetB0(weights=None, **shape)
plain.load_weights(file)
with mock.patch("keras.src.utils.file_utils.get_file", return_value=file):
    published = keras.applications.EfficientNetB0(weights="imagenet", **shape)

photo = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype("float32")
def into_first_convolution(network):
    return np.asarray(keras.Model(network.input, network.get_layer("stem_conv").input)(photo))
scale = into_first_convolution(published).std() / into_first_convolution(plain).std()
print("Keras", keras.__version__)
print("expected: the same layers, whether the weights come from `weights=` or from load_weights")
print("layers:", len(plain.layers), "with weights=None,", len(published.layers), 'with weights="imagenet"')
print(f"the first convolution of the second sees an input of {scale:.2f} times the standard deviation")
assert len(published.layers) == len(plain.layers) + 1
assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), published.get_weights(), strict=True))
assert 2.0 < scale < 2.2
print("seen: equal weights, unequal networks")
PYTHON
