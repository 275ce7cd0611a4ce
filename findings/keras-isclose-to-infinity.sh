#!/usr/bin/env bash
# Keras 3.15.1: on TensorFlow, ops.isclose says that every finite number is close to infinity, and that infinity is not close to itself.
#
# It compares the difference to a tolerance that grows with the second number, so that infinity is within an infinite tolerance of anything,
# and infinity less itself is NaN. So a loss that overflowed passes for the expected one, while two identical masks of -inf differ. NumPy's
# isclose, which the function follows, compares infinities as they are, and so does Keras on other backends: ops.isclose on NumPy and JAX.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tensorflow==2.21.0 jax==0.10.2 numpy==2.4.6 2>/dev/null
cat > "$folder/close.py" <<'PYTHON'
import keras
import numpy as np

print("Keras", keras.__version__, "on", keras.backend.backend())
first = np.array([0.7, -5.0, np.inf, -np.inf, 1.0], np.float32)
second = np.array([np.inf, -np.inf, np.inf, -np.inf, 1.0], np.float32)
expected = np.isclose(first, second).tolist()
seen = keras.ops.convert_to_numpy(keras.ops.isclose(first, second)).tolist()
print(f"{first.tolist()} close to {second.tolist()}\nexpected: {expected}\nseen: {seen}")
assert expected == [False, False, True, True, True]
assert seen == ([True, True, False, False, True] if keras.backend.backend() == "tensorflow" else expected)
PYTHON
KERAS_BACKEND=jax "$folder/venv/bin/python" "$folder/close.py" 2>/dev/null
KERAS_BACKEND=tensorflow "$folder/venv/bin/python" "$folder/close.py" 2>/dev/null
