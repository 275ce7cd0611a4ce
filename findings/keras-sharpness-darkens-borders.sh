#!/usr/bin/env bash
# Keras 3.15.1: RandomSharpness and RandomGaussianBlur darken the borders of an image.
#
# To blur or to sharpen a plain grey image changes nothing. Both layers filter with zeros around the image, so that black
# bleeds into its border: RandomSharpness makes grey 100 a frame of 77, or of 123 when it sharpens. Pillow's filters leave the
# image plain. A border that is augmented in every epoch is one that a network can learn from.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON' 2>/dev/null
import keras
import numpy as np

grey = np.full((1, 9, 9, 3), 100, np.float32)
layers = {
    "RandomSharpness, blurring": keras.layers.RandomSharpness(factor=(0.0, 0.0), seed=0),
    "RandomSharpness, sharpening": keras.layers.RandomSharpness(factor=(1.0, 1.0), seed=0),
    "RandomGaussianBlur": keras.layers.RandomGaussianBlur(factor=1.0, kernel_size=3, sigma=1.0, seed=0),
}
print("Keras", keras.__version__)
for name, layer in layers.items():
    row = np.asarray(layer(grey, training=True))[0, 4, :, 0].round(1)
    print(f"{name}: expected a row of 100 to stay so, seen", row.tolist())
    assert np.allclose(row[1:-1], 100, atol=0.1)
    assert abs(row[0] - 100) > 2
PYTHON
