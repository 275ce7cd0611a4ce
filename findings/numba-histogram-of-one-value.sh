#!/usr/bin/env bash
# Numba 0.68.1: np.histogram in a compiled function counts nothing where all values are the same.
#
# NumPy widens the range to half a unit on both sides of the value, and counts all in the middle bin. The compiled function returns edges
# that are all alike and zeros, without an error, so an even photo has no pixels. Numba's documentation lists histogram as supported and
# names no such difference. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numba==0.68.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numba
import numpy as np

print("Numba", numba.__version__)


def histogram(values):
    return np.histogram(values, 4)


compiled = numba.njit(histogram)
for values in (np.array([1.0, 2, 2, 5]), np.full(5, 7.0), np.zeros(5), np.full(5, 128, np.uint8), np.array([0.25])):
    expected, seen = histogram(values), compiled(values)
    print(f"{values.tolist()} - expected: {expected[0].tolist()} - seen: {seen[0].tolist()} in {seen[1].tolist()}")
    assert expected[0].sum() == len(values)
    if values.min() < values.max():
        assert np.array_equal(expected[0], seen[0]) and np.array_equal(expected[1], seen[1])
    else:
        assert seen[0].sum() == 0 and set(seen[1].tolist()) == {values[0]}
PYTHON
