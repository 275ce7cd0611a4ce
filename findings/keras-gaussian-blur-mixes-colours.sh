#!/usr/bin/env bash
# Keras 3.15.1: on JAX and on PyTorch, ops.image.gaussian_blur() blurs a photo's columns and colours instead of its rows and columns.
#
# So a red photo becomes partly green, and a horizontal edge stays sharp. data_format is documented to default to that of the Keras
# configuration, channels_last; these two backends take none for channels_first, and then the height for the colours. With
# data_format="channels_last" they agree with NumPy and TensorFlow, for which it is the other way round: they are wrong where channels_first
# is configured. Known, and fixed in the source on 31 August 2026 (keras pull request 23542); no release has it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 jax==0.10.2 numpy==2.4.6 scipy==1.17.1 2>/dev/null
cd "$folder"
export HOME="$folder" JAX_PLATFORMS=cpu # for Keras's own configuration, with channels last
for backend in numpy jax; do
    KERAS_BACKEND=$backend "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np
from keras import ops

backend = keras.backend.backend()
assert keras.config.image_data_format() == "channels_last"
red = np.zeros((1, 9, 9, 3), np.float32)
red[..., 0] = 1
edge = np.zeros((1, 9, 9, 3), np.float32)
edge[:, 5:] = 1  # black above, white below
if backend == "numpy":
    print("Keras", keras.__version__)


def blurred(photo, **arguments):
    """Return the blurred photo, (9, 9, 3)."""
    return ops.convert_to_numpy(ops.image.gaussian_blur(photo, (3, 3), (1.0, 1.0), **arguments))[0]


colour, rows = blurred(red)[4, 4].round(2).tolist(), blurred(edge)[3:7, 4, 1].round(2).tolist()
print(f"on {backend}: a red pixel - expected: [1, 0, 0] - seen:", colour)
print(f"on {backend}: four pixels across the edge - expected: [0, 0.27, 0.73, 1] - seen:", rows)
explicit = {"data_format": "channels_last"}
assert blurred(red, **explicit)[4, 4].round(2).tolist() == [1, 0, 0]
assert np.allclose(blurred(edge, **explicit)[3:7, 4, 1], [0, 0.27, 0.73, 1], atol=0.01)
assert np.allclose(colour, [1, 0, 0] if backend == "numpy" else [0.45, 0.27, 0], atol=0.01)
assert np.allclose(rows, [0, 0.27, 0.73, 1] if backend == "numpy" else [0, 0, 1, 1], atol=0.01)
PYTHON
done
