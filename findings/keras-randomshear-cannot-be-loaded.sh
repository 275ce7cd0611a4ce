#!/usr/bin/env bash
# Keras 3.15.1: a saved model with a RandomShear layer of one factor cannot be loaded.
#
# `x_factor=0.2` is documented as a shear drawn from -0.2 to 0.2. `get_config` writes the pair (-0.2, 0.2), which the
# constructor refuses, as it allows 0 to 1 only: `save` succeeds, `load_model` raises TypeError. A RandomRotation whose
# factor is one number is loaded. The pair (0, 0.2), which shears to one side only, is loaded, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras


def outcome(layer):
    keras.Sequential([keras.Input((8, 8, 3)), layer]).save("model.keras")
    try:
        keras.saving.load_model("model.keras")
    except TypeError as error:
        return "TypeError: ..." + str(error).strip()[-90:]
    return "loaded"


print("Keras", keras.__version__)
print("expected: loaded, as RandomRotation(0.2):", outcome(keras.layers.RandomRotation(0.2)))
seen = outcome(keras.layers.RandomShear(x_factor=0.2))
print("seen of RandomShear(x_factor=0.2):", seen)
assert outcome(keras.layers.RandomRotation(0.2)) == outcome(keras.layers.RandomShear(x_factor=(0, 0.2))) == "loaded"
assert "range [0, 1.0]" in seen
PYTHON
