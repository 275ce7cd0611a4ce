#!/usr/bin/env bash
# Keras 3.15.1: if the monitored value is not a number in the first epoch, EarlyStopping and ModelCheckpoint take that epoch for the best.
#
# A precision is 0 / 0 until a model predicts the first positive. Both callbacks take the first value for the best without a look
# at it, and nothing compares as better than NaN: training stops after `patience` epochs, restore_best_weights brings the first
# epoch back, and the saved file is the first epoch's, whatever the later ones reach. A NaN in a later epoch is passed over,
# as it should be.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np
from keras import ops
from keras.callbacks import EarlyStopping, ModelCheckpoint

x = np.linspace(-2, 2, 200, dtype=np.float32)[:, None]
y = (x > 0.5).astype(np.float32)


def precision(truth, predicted):
    positive = ops.cast(predicted > 0.5, "float32")
    return ops.sum(truth * positive) / ops.sum(positive)


def train(bias):
    """Return the precision after each epoch, of the model that is left, and of the one that was saved."""
    first_bias = keras.initializers.Constant(bias)
    dense = keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros", bias_initializer=first_bias)
    model = keras.Sequential([keras.Input((1,)), dense])
    model.compile(keras.optimizers.SGD(2.0), "binary_crossentropy", metrics=[precision])
    callbacks = [
        EarlyStopping("val_precision", mode="max", patience=3, restore_best_weights=True),
        ModelCheckpoint("best.weights.h5", "val_precision", mode="max", save_best_only=True, save_weights_only=True),
    ]
    whole = {"batch_size": len(x), "verbose": 0}
    history = model.fit(x, y, validation_data=(x, y), epochs=20, callbacks=callbacks, **whole).history["val_precision"]
    left = model.evaluate(x, y, **whole)[1]
    model.load_weights("best.weights.h5")
    return [round(value, 2) for value in history], round(left, 2), round(model.evaluate(x, y, **whole)[1], 2)


print("Keras", keras.__version__)
for bias in (0.5, -3.0):
    history, left, saved = train(bias)
    print("precision after each epoch:", history)
    print(f"expected of the model that is left and of the saved one: {np.nanmax(history)} - seen: {left} and {saved}")
    if bias > 0:
        assert left == saved == max(history)
    else:
        assert len(history) == 4 and np.isnan(history[0]) and min(history[1:]) > 0.9
        assert np.isnan(left) and np.isnan(saved)
PYTHON
