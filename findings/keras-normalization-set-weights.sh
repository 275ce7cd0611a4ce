#!/usr/bin/env bash
# Keras 3.15.1: set_weights on a Normalization layer changes its weights, but not what the layer computes.
#
# The layer normalizes with constants that adapt() and load_weights() derive from its weights (finalize_state).
# set_weights() does not derive them again, so a clone that is given the weights of the original normalizes with the
# mean and variance it was built with, 0 and 1, and get_weights() shows no difference between the two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

import keras
import numpy as np

normalization = keras.layers.Normalization()
normalization.adapt(np.array([[0.0], [10.0], [20.0]]))
original = keras.Sequential([keras.Input((1,)), normalization])
copied = keras.models.clone_model(original)
copied.set_weights(original.get_weights())
loaded = keras.models.clone_model(original)
original.save_weights(f"{sys.argv[1]}/model.weights.h5")
loaded.load_weights(f"{sys.argv[1]}/model.weights.h5")

x = np.array([[0.0], [20.0]])
outputs = {name: np.asarray(model(x)).ravel() for name, model in
           {"original": original, "load_weights": loaded, "set_weights": copied}.items()}
print("Keras", keras.__version__)
print("expected: three models with the same weights give the same output")
for name, output in outputs.items():
    print(f"{name:>12}: {output}")
assert all(np.array_equal(a, b) for a, b in zip(original.get_weights(), copied.get_weights(), strict=True))
assert np.allclose(outputs["original"], [-1.2247449, 1.2247449])
assert np.allclose(outputs["load_weights"], outputs["original"])
assert np.allclose(outputs["set_weights"], [0, 20])
print("seen: after set_weights the layer gives its input back unchanged")
PYTHON
