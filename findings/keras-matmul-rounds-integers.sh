#!/usr/bin/env bash
# Keras 3.15.1: on TensorFlow, matmul, dot, inner and einsum of whole numbers compute in float32, so results above 2**24 are rounded.
#
# int32 and int64 are cast to float32 and back, as TensorFlow multiplies no whole numbers on GPUs. So the bits of a perceptual hash times
# their place values give another hash. The result is of type int64, as if it were exact. NumPy, tf.matmul, ops.tensordot and a sum of
# products are exact, and so is ops.matmul of int32 on JAX. The documentation of matmul says "matrix product of two tensors", and mentions
# no rounding.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf
from keras import ops

print("Keras", keras.__version__, "on", keras.backend.backend())
bits = np.random.default_rng(0).integers(0, 2, (1000, 40))
places = 2 ** np.arange(40)
expected = bits @ places
print(f"hashes of 40 bits - expected: {expected[:3].tolist()} ...")
for name, seen, right in [
    ("ops.matmul", ops.matmul(bits, places[:, None])[:, 0], False),
    ("ops.dot", ops.dot(bits, places), False),
    ("ops.inner", ops.inner(bits, places), False),
    ("ops.einsum", ops.einsum("pb,b->p", bits, places), False),
    ("ops.tensordot", ops.tensordot(bits, places, axes=1), True),
    ("ops.sum", ops.sum(ops.multiply(bits, places), axis=1), True),
    ("tf.linalg.matvec", tf.linalg.matvec(bits, places), True),
]:
    assert seen.dtype == tf.int64
    seen = seen.numpy()
    print(f"{name} - seen: {seen[:3].tolist()} ..., {np.sum(seen == expected)} of 1,000 right")
    assert right == (seen == expected).all() and (right or np.sum(seen == expected) < 10)
PYTHON
