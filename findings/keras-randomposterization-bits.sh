#!/usr/bin/env bash
# Keras 3.15.1: RandomPosterization(4) keeps one, two or three bits of a colour, never four.
#
# Its factor is documented as "integer, the number of bits to keep for each channel". One number is taken for a range that begins at
# 1, from which each image draws its own, and the number itself is never drawn. So with 8 bits, which should change nothing, images
# keep from one to seven. Of a pair, such as (2, 4), the upper number is never drawn either; (4, 4) keeps four bits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
cd "$folder"
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

RAMPS = np.tile(np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1), (200, 1, 1, 3))  # each value once


def bits(factor):
    """Return the numbers of bits that images keep: of n bits there are 2 to the n values."""
    posterized = np.asarray(keras.layers.RandomPosterization(factor, seed=0)(RAMPS, training=True))
    return sorted({int(np.log2(len(np.unique(image)))) for image in posterized})


print("Keras", keras.__version__)
print("expected of 4: four bits, as of (4, 4):", bits((4, 4)))
for factor, seen in {4: [1, 2, 3], 8: [1, 2, 3, 4, 5, 6, 7], (2, 4): [2, 3]}.items():
    print(f"seen of {factor}:", bits(factor))
    assert bits(factor) == seen
assert bits((4, 4)) == [4]
PYTHON
