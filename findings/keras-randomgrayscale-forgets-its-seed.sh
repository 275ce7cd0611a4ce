#!/usr/bin/env bash
# Keras 3.15.1: RandomGrayscale has no seed after its model was saved and loaded.
#
# Of all random image layers it alone leaves `seed` out of `get_config`. Each load of the model then draws another seed, so
# which images turn grey differs from load to load, whatever seed was asked for.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras
import numpy as np

images = np.random.default_rng(0).uniform(0, 255, (64, 4, 4, 3)).astype(np.float32)


def distinct_results(layer):
    """Load a model with the layer five times, and count how many different results the loaded models give."""
    keras.Sequential([keras.Input((4, 4, 3)), layer]).save("model.keras")
    loaded = [keras.saving.load_model("model.keras") for _ in range(5)]
    return len({np.asarray(model(images, training=True)).tobytes() for model in loaded})


print("Keras", keras.__version__)
flip, grayscale = distinct_results(keras.layers.RandomFlip(seed=7)), distinct_results(keras.layers.RandomGrayscale(seed=7))
print("expected of five loads: 1 result, as of RandomFlip(seed=7):", flip)
print("seen of RandomGrayscale(seed=7):", grayscale)
assert "seed" not in keras.layers.RandomGrayscale(seed=7).get_config()
assert flip == 1 < grayscale
PYTHON
