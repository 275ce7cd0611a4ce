#!/usr/bin/env bash
# Keras 3.15.1: with SwapEMAWeights(swap_on_epoch=True), training that stops early ends with the weights of the last step instead of
# their moving average.
#
# With use_ema=True, fit() leaves the moving average of the weights in the model. The callback exchanges both at the end of
# each epoch, and undoes what this means for the end of training only if the last of all planned epochs comes. After EarlyStopping,
# fit() takes for the average what are the plain weights by then. Without the callback, or without swap_on_epoch, the model has
# the average, stopped or not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np
from keras.callbacks import EarlyStopping, SwapEMAWeights


class LastStep(keras.callbacks.Callback):
    """Notes the weight after each step."""

    def on_train_batch_end(self, batch, logs=None):
        self.weight = float(self.model.get_weights()[0][0, 0])


def train(epochs, *callbacks):
    """Return the weight after the last step of training, the weight of the trained model, and the number of epochs."""
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False)])
    model.compile(optimizer, "mse")
    last = LastStep()
    ones = np.ones((8, 1), np.float32)
    # The loss falls by less than 10, so that training stops after three epochs, if there are as many.
    history = model.fit(ones, ones, epochs=epochs, callbacks=[last, *callbacks], verbose=0)
    return round(last.weight, 3), round(float(model.get_weights()[0][0, 0]), 3), len(history.epoch)


def stopping():
    return EarlyStopping("loss", min_delta=10, patience=2)


print("Keras", keras.__version__)
planned = train(3, SwapEMAWeights(swap_on_epoch=True))
unswapped = train(9, stopping())
swapped = train(9, SwapEMAWeights(swap_on_epoch=True), stopping())
print("expected: the last weight, the model's weight (the average) and the epochs of three planned epochs:", *planned)
print("expected: the same, of nine epochs stopped after three, without the callback:", *unswapped)
print("seen with the callback:", *swapped)
assert planned == unswapped
assert planned[0] != planned[1]
assert swapped[1] == swapped[0] == planned[0]
PYTHON
