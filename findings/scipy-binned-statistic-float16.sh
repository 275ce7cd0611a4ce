#!/usr/bin/env bash
# SciPy 1.17.1: binned_statistic of float16 values leaves the largest out of the last bin.
#
# Values on the last edge belong to the last bin, says the documentation. They are found by rounding values and edges to more than six
# digits, and NumPy rounds float16 by multiplying by a million or more, which float16 does not hold: all is infinite or not a number. So
# the largest value is counted as if it lay outside: its bin has a count of 0 and a mean of NaN. float32 and float64 are right, and so is
# numpy.histogram of the same float16 values. Of float32 it was SciPy's issue 13587.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import scipy
from scipy import stats

print("SciPy", scipy.__version__)
scores = np.array([0.125, 0.25, 0.25, 0.875])
for dtype in (np.float64, np.float32, np.float16):
    values = scores.astype(dtype)
    assert np.array_equal(values, scores)  # each type holds them exactly
    counts = stats.binned_statistic(values, values, "count", bins=3).statistic
    means = stats.binned_statistic(values, values, "mean", bins=3).statistic
    expected = np.histogram(values, 3)[0]
    print(f"{np.dtype(dtype).name} - expected: {expected.tolist()} - seen: {counts.tolist()}, means: {means.round(3).tolist()}")
    assert expected.tolist() == [3, 0, 1]
    assert counts.tolist() == ([3, 0, 0] if dtype == np.float16 else [3, 0, 1])
    assert np.isnan(means[2]) == (dtype == np.float16)
PYTHON
