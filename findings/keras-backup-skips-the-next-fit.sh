#!/usr/bin/env bash
# Keras 3.15.1: a model that BackupAndRestore resumed skips epochs of each later fit, often all of them.
#
# The callback tells fit() at which epoch to go on by an attribute of the model that nothing resets. So the next fit() of the
# same model, as to fine-tune it, begins at that epoch too, even without the callback: with fewer epochs than were once done
# it trains nothing, returns an empty history, and says nothing. A run that was never interrupted trains as it should.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np


class Interrupt(keras.callbacks.Callback):
    """Ends the process's first run at the end of the fourth epoch, as a lost machine would."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 3:
            raise KeyboardInterrupt


def fit(model, epochs, callbacks=()):
    """Return the epochs that fit() trains, counted from 0."""
    return model.fit(np.ones((8, 1)), np.zeros(8), epochs=epochs, callbacks=list(callbacks), verbose=0).epoch


def train(is_interrupted):
    """Return the epochs of a run of six, of a second run of three, and how far the second moved the weight."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01), "mse")
    backup = keras.callbacks.BackupAndRestore(f"backup-{is_interrupted}")
    if is_interrupted:
        try:
            fit(model, 6, [backup, Interrupt()])
        except KeyboardInterrupt:
            pass
    first = fit(model, 6, [backup])
    before = model.get_weights()[0]
    second = fit(model, 3)
    return first, second, bool((model.get_weights()[0] != before).any())


print("Keras", keras.__version__)
whole, resumed = train(False), train(True)
print("expected: the epochs of a first and of a second fit, and whether the second changed the weights:", *whole)
print("seen after the first was interrupted and resumed:", *resumed)
assert whole == ([0, 1, 2, 3, 4, 5], [0, 1, 2], True)
assert resumed == ([4, 5], [], False)
PYTHON
