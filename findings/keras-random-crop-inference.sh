#!/usr/bin/env bash
# Keras 3.15.1: at inference, RandomCrop returns images as they are, and not in the size that was asked for.
#
# Its documentation says that at inference time the input is resized and cropped to the size. A model that ends in layers
# for that size alone cannot then predict what it was trained on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras
import numpy as np

images = np.zeros((1, 20, 20, 3), "float32")
layer = keras.layers.RandomCrop(10, 10)
shapes = {training: tuple(layer(images, training=training).shape) for training in (True, False)}
print("Keras", keras.__version__)
print("expected: (1, 10, 10, 3) in training and at inference")
print("seen:    ", shapes[True], "in training,", shapes[False], "at inference")
assert shapes[True] == (1, 10, 10, 3)
assert shapes[False] == (1, 20, 20, 3)
PYTHON
