#!/usr/bin/env bash
# Awkward Array 2.14.0: the line through points with y = 2x, one of whose x is missing, has a slope of -1.3 and a correlation of 0.5.
#
# linear_fit() and corr() leave out missing values, but sum x and y over other points: x also where y is missing, and y where x is.
# covar() is right if values are missing on one side only. The documentation gives the formulas as sums, and for missing values refers to
# the sum of one array. pandas and NumPy's masked arrays use the points that have both coordinates.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet awkward==2.14.0 pandas==3.0.5 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
from importlib.metadata import version

import awkward as ak
import numpy as np
import pandas as pd

print("awkward", version("awkward"))
x = [1, 2, 3, 4, 5, None, 7, 8]
y = [2 * value if value else 30 for value in x]
for name, y, wrong in [("one x missing", y, (-1.261, 0.531, 11.265)), ("one y missing, too", [*y[:7], None], (-2.768, 0.405, 8.385))]:
    table = pd.DataFrame({"x": x, "y": y}, dtype=float)
    both = table.dropna()
    expected = np.polyfit(both.x, both.y, 1)[0], table.x.corr(table.y), both.cov(ddof=0).loc["x", "y"]
    fit = ak.linear_fit(ak.Array(x), ak.Array(y))
    seen = fit["slope"], ak.corr(ak.Array(x), ak.Array(y)), ak.covar(ak.Array(x), ak.Array(y))
    print(name, "- expected slope, correlation and covariance:", np.round(expected, 3), "- seen:", np.round(seen, 3))
    assert np.allclose(expected[:2], (2, 1)) and np.allclose(seen, wrong, atol=5e-4)
PYTHON
