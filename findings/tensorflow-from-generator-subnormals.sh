#!/usr/bin/env bash
# TensorFlow 2.21.0: NumPy inside the generator of `tf.data.Dataset.from_generator` makes subnormal results zero.
#
# The generator runs on a thread of tf.data, on which TensorFlow has told the processor to flush subnormal numbers. The
# same lines of NumPy so give another result inside the generator than outside: a cast from float16, whose subnormal
# numbers are ordinary ones in float32, is not concerned, products of small float32 numbers are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6 2>/dev/null
cat > "$folder/subnormal.py" <<'PYTHON'
import numpy as np
import tensorflow as tf


def products():
    small = np.full(4, 1e-20, np.float32)
    yield small * small  # 1e-40, a subnormal number of float32


[outside] = products()
[inside] = tf.data.Dataset.from_generator(products, output_signature=tf.TensorSpec(4, tf.float32)).as_numpy_iterator()
print("TensorFlow", tf.__version__, "NumPy", np.__version__)
print("expected: NumPy computes 1e-20 * 1e-20 as", outside)
print("seen in from_generator:", inside)
assert (outside > 0).all() and (inside == 0).all(), "this has changed"
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/subnormal.py" 2>/dev/null
