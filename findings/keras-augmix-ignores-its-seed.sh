#!/usr/bin/env bash
# Keras 3.15.1: two AugMix layers with the same seed augment the same image differently.
#
# The documentation calls `seed` "Used to create a random seed", as that of the other random layers, which repeat themselves.
# AugMix hands it to the strengths of its operations, but draws the operations themselves with Python's `random.choice`,
# whose state no argument of the layer reaches. `keras.utils.set_random_seed` does, so only a whole program repeats itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import random

import keras
import numpy as np


def augmented(name, python_seed):
    """Augment the image by a new layer after seeding Python's own generator, which the documentation does not name."""
    layer = getattr(keras.layers, name)(seed=3)
    random.seed(python_seed)
    return np.asarray(layer(image, training=True))


def equal_results(name, python_seeds):
    results = [augmented(name, python_seed) for python_seed in python_seeds]
    return sum(np.array_equal(results[0], other) for other in results)


image = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3)).astype(np.float32)
print("Keras", keras.__version__)
print("expected of eight layers with one seed: 8 equal results, as of RandAugment:", equal_results("RandAugment", range(8)))
seen = equal_results("AugMix", range(8))
print("seen of AugMix:", seen, "- and with Python's generator seeded each time:", equal_results("AugMix", [0] * 8))
assert equal_results("RandAugment", range(8)) == equal_results("AugMix", [0] * 8) == 8
assert seen < 8
PYTHON
