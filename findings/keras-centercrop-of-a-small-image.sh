#!/usr/bin/env bash
# Keras 3.15.1: CenterCrop in a dataset makes a corner of an image that is smaller than the crop.
#
# The documentation says that a smaller image "will be resized and cropped", and that the layer is safe in a tf.data pipeline. Of an
# array it is so. Of decoded images tf.data does not know the size beforehand; there the layer crops always, and from a negative
# start: of 100 pixels, cropped to 160, the last 30 remain. A network that averages over height and width takes such images
# without an error. Near to it: a reviewer of Keras pull request 22020, which brought this, warned of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf


@tf.autograph.experimental.do_not_convert  # the script has no file whose source could be read
def decode(path):
    return tf.io.decode_png(tf.io.read_file(path), channels=3)


print("Keras", keras.__version__)
image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
tf.io.write_file("image.png", tf.io.encode_png(image))
layer = keras.layers.CenterCrop(160, 160)
cropped = next(iter(tf.data.Dataset.from_tensors("image.png").map(decode).map(layer))).numpy()
print("expected: an image of", layer(image).shape, "as of an array")
print("seen of a dataset of decoded images:", cropped.shape, "- its last pixels:", np.array_equal(cropped, image[-30:, -30:]))
assert layer(image).shape == (160, 160, 3)
assert cropped.shape == (30, 30, 3)
assert np.array_equal(cropped, image[-30:, -30:])
PYTHON
