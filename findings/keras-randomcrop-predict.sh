#!/usr/bin/env bash
# Keras 3.15.1: predict() of a model with a RandomCrop layer returns pictures that are not cropped.
#
# The model's output_shape is that of the crop, and model(x) has it. In predict() the layer returns its input unchanged,
# so whatever comes after it gets another size than it was built for, or, as here, the caller does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras
import numpy as np

print("Keras", keras.__version__)
model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.RandomCrop(4, 4)])
photo = np.zeros((1, 8, 8, 3), np.float32)
print("expected: output_shape, model(x) and predict(x) agree")
print("seen: output_shape", model.output_shape, "model(x)", model(photo).shape, "predict(x)", model.predict(photo, verbose=0).shape)
assert model.output_shape[1:3] == model(photo).shape[1:3] == (4, 4)
assert model.predict(photo, verbose=0).shape[1:3] == (8, 8)
PYTHON
