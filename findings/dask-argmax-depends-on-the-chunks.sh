#!/usr/bin/env bash
# Dask 2026.8.0: argmax and argmin of an array depend on its chunks.
#
# Of several equal maxima NumPy returns the first, and so says the documentation of Dask's function. Without an axis Dask takes the
# maximum of the first chunk that has one, which is the first in the order of chunks and not of the array. So the same array has another
# result in chunks of columns than in chunks of rows, and argmax of a mask does not find its first True. With an axis it is right. The
# documentation adds that "some inconsistencies with the Dask version may exist". No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'dask[array]==2026.8.0' numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import dask
import dask.array as da
import numpy as np

print("Dask", dask.__version__)
image = np.array([[1, 9, 1, 9], [9, 1, 9, 1]])
mask = np.array([[False, False, True], [True, False, False]])
for name, values, function in [("argmax", image, np.argmax), ("argmin", 10 - image, np.argmin), ("argmax of a mask", mask, np.argmax)]:
    expected = int(function(values))
    seen = [int(function(da.from_array(values, chunks=chunks)).compute()) for chunks in [(1, -1), (-1, 1)]]
    print(f"{name} - expected: {expected} - seen in chunks of rows: {seen[0]}, of columns: {seen[1]}")
    assert seen[0] == expected != seen[1]
    along = function(da.from_array(values, chunks=(-1, 1)), axis=1).compute()
    assert np.array_equal(along, function(values, axis=1))
PYTHON
