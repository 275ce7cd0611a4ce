#!/usr/bin/env bash
# safetensors 0.8.0: a transposed NumPy array comes back with its numbers in other places.
#
# safetensors.numpy writes the memory of an array as it lies there, and the shape beside it, and reads both as rows after rows. Of an
# array in Fortran's order, such as a transposed one or the weights that LAPACK returns, the numbers are the same and their places are
# not. The documentation asks for "contiguous and dense" arrays, which these are. 0.7.0 saved them rightly. Issue 825 (open) describes
# it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.4.6 2>/dev/null
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

print("safetensors", safetensors.__version__)
weights = np.arange(6, dtype=np.float32).reshape(2, 3)
arrays = {"rows": weights, "transposed": weights.T, "columns": np.asfortranarray(weights)}
save_file(arrays, "weights.safetensors")
for name, seen in load_file("weights.safetensors").items():
    print(f"{name} - expected: {arrays[name].tolist()} - seen: {seen.tolist()}")
    assert seen.shape == arrays[name].shape and arrays[name].flags.forc
    assert np.array_equal(seen, arrays[name]) == (name == "rows")
PYTHON
