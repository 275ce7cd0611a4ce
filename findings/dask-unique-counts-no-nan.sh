#!/usr/bin/env bash
# Dask 2026.8.0: unique() of values with gaps counts none of them, and takes each for the first value.
#
# NaN is one of the unique values, and is looked for with ==, which is never true. So its count is 0, and the counts do not add up to the
# number of values; return_inverse gives the index of the first value for each gap, so a photo without a group is one of the first group.
# With return_index there is an error. NumPy, from which the documentation is taken ("This docstring was copied from numpy.unique"), counts
# them since 1.21. In one chunk or several it is the same. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "dask[array]==2026.8.0" numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import dask
import dask.array as da
import numpy as np

print("Dask", dask.__version__)
gap = np.nan
for values, right in (([2, 1, 2, 5], True), ([2, gap, 1, gap, 2, 5], False)):
    values = np.array(values, dtype=float)
    expected = np.unique(values, return_inverse=True, return_counts=True)
    for size in (2, len(values)):
        found = da.unique(da.from_array(values, chunks=size), return_inverse=True, return_counts=True)
        unique, inverse, counts = (part.compute() for part in found)
        print(f"{values} in chunks of {size} - expected: counts {expected[2]}, values {expected[0][expected[1]]}", end="")
        print(f" - seen: counts {counts}, values {unique[inverse]}")
        assert np.array_equal(unique, expected[0], equal_nan=True)
        if right:
            assert np.array_equal(inverse, expected[1]) and np.array_equal(counts, expected[2])
        else:
            assert counts.tolist() == [1, 2, 1, 0] and unique[inverse].tolist() == [2, 1, 1, 1, 2, 5]
PYTHON
