#!/usr/bin/env bash
# Keras 3.15.1: Equalization gives an image other pixels if it is in a batch with others.
#
# The documentation promises "equalization independently on each color channel". Of a batch, the layer computes one
# histogram a channel for all images together: the darker one stays dark, the brighter one bright, and each depends on its
# neighbours. The same image alone gets the full range of values, as by Pillow. RandAugment and AugMix contain the layer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 pillow==13.0.0 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np
from PIL import Image, ImageOps


def extremes(image):
    return int(np.min(image)), int(np.max(image))


print("Keras", keras.__version__)
random = np.random.default_rng(0)
dark, bright = random.integers(0, 100, (32, 32, 3), np.uint8), random.integers(150, 256, (32, 32, 3), np.uint8)
layer = keras.layers.Equalization()
alone = [extremes(layer(image[np.newaxis])) for image in (dark, bright)]
together = [extremes(image) for image in layer(np.stack([dark, bright]))]
by_pillow = [extremes(np.asarray(ImageOps.equalize(Image.fromarray(image)))) for image in (dark, bright)]
print("expected: values from 0 to 255 of both images, as of Pillow:", by_pillow)
print("seen of the images alone:", alone)
print("seen of a batch of the two:", together)
assert alone == [(0, 255), (0, 255)]
assert together[0][1] < 130 < 125 + together[1][0]
PYTHON
