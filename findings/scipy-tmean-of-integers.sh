#!/usr/bin/env bash
# SciPy 1.17.1: the mean of photos' pixels by stats.tmean() is wrong, as it adds them up in their own type.
#
# tmean() without limits is documented as the mean, and numpy.mean() is right. Its sum and its count have the type of the values:
# of ten pixels of 100 the sum 1,000 is 232 in uint8, so their mean is 23.2, and of 16-bit scans the mean may be negative. Of 257
# values the count is 1. tvar() and tstd() of the same module are right. Nothing is said. No issue of the project
# describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import scipy
from scipy import stats

print("SciPy", scipy.__version__)
random = np.random.default_rng(0)
for dtype, values in [("uint8", [90, 110] * 5), ("int16", [20_000, 20_000, 20_002]), ("uint8", random.integers(0, 256, 257))]:
    values = np.array(values, dtype)
    expected, seen = float(np.mean(values)), float(stats.tmean(values))
    print(f"mean of {len(values)} values of {dtype} - expected, as of numpy.mean: {expected:.1f} - seen: {seen:.1f}")
    assert stats.tmean(values.astype(float)) == expected
    assert abs(seen - expected) > 50
    assert np.isclose(stats.tvar(values), np.var(values, ddof=1))
PYTHON
