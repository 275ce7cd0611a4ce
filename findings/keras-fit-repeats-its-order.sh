#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21: after set_random_seed, fit on arrays shuffles them once and repeats that order.
#
# shuffle=True, the default, is to shuffle before each epoch. With the global seed set, every epoch draws its permutation
# from the same seed and has the same batches in the same order. Without the seed each epoch has its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras
import numpy as np
import tensorflow as tf


class Record(keras.layers.Layer):
    """Passes its input on, and notes it."""

    def call(self, inputs):
        tf.py_function(lambda batch: seen.extend(batch.numpy().astype(int).ravel().tolist()), [inputs], [])
        return inputs


def orders(seed):
    """Return the order of eight examples in each of three epochs."""
    seen.clear()
    if seed is not None:
        keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((1,)), Record(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.arange(8.0)[:, None], np.zeros(8), epochs=3, batch_size=4, verbose=0)
    return [tuple(seen[start : start + 8]) for start in (0, 8, 16)]


seen = []
print("Keras", keras.__version__)
unseeded, seeded = orders(None), orders(0)
print("expected: a new order in each epoch")
print("seen without a seed:", *unseeded)
print("seen after set_random_seed(0):", *seeded)
assert len(set(unseeded)) > 1
assert len(set(seeded)) == 1
PYTHON
