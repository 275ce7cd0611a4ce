#!/usr/bin/env bash
# Numba 0.68.1: np.median of values with a NaN in a compiled function is often a number, which depends on their order.
#
# NumPy returns NaN. The compiled function looks for the middle by comparisons, all of which are false for NaN, and so returns whatever
# comes to lie there, also the largest value; np.percentile(values, 50) and np.mean in a compiled function are NaN. Numba's documentation
# lists median as supported and names no difference. Pull request 10385 (closed, not merged) is about it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numba==0.68.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import itertools

import numba
import numpy as np

print("Numba", numba.__version__)
median = numba.njit(lambda values: np.median(values))
percentile = numba.njit(lambda values: np.percentile(values, 50))
orders = [np.array(order) for order in itertools.permutations([0.1, 0.2, 0.4, 0.9, np.nan])]
seen = sorted({str(median(order)) for order in orders})
print("median of 0.1, 0.2, 0.4, 0.9 and NaN in all orders - expected: nan - seen:", ", ".join(seen))
assert all(np.isnan(np.median(order)) and np.isnan(percentile(order)) for order in orders)
assert seen == ["0.2", "0.4", "0.9", "nan"]
assert np.isclose(median(np.array([0.9, 0.3, 0.1])), 0.3)
PYTHON
