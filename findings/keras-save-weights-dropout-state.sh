#!/usr/bin/env bash
# Keras 3.15.1: save_weights and load_weights lose the state of a Dropout layer's random generator.
#
# The state is a variable of the layer. The callback BackupAndRestore, which resumes an interrupted fit, saves and loads
# this way: the resumed training draws the dropout masks of its first steps again, and does not end with the weights of a
# training that was never interrupted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys

import keras
import numpy as np

file = f"{sys.argv[1]}/model.weights.h5"
def build():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.5, seed=1)])
x = np.ones((1, 8), "float32")
uninterrupted = build()
for _ in range(3):
    uninterrupted(x, training=True)
uninterrupted.save_weights(file)
resumed = build()
resumed.load_weights(file)
states = [np.asarray(model.layers[0].seed_generator.state).tolist() for model in (uninterrupted, resumed)]
masks = [np.asarray(model(x, training=True)).tolist() for model in (uninterrupted, resumed)]
print("Keras", keras.__version__)
print("expected: the loaded model goes on with the state that was saved")
print("state saved: ", states[0])
print("state loaded:", states[1])
assert states == [[1, 3], [1, 0]]
assert masks[0] != masks[1]
print("seen: the loaded model starts from the seed again, and the next dropout masks differ")
PYTHON
