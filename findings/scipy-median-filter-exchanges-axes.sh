#!/usr/bin/env bash
# SciPy 1.17.1: median_filter, percentile_filter, rank_filter and generic_filter take sizes for the sorted axes, not for those named.
#
# With axes=(1, 0) and size=(1, 5), a row of a photo is to be filtered as it is and a column over five pixels: the documentation says that
# "the ith entry in any of these tuples corresponds to the ith entry in axes". These functions sort the axes but not the sizes, so
# they filter the row. minimum_filter, maximum_filter, uniform_filter and gaussian_filter are right; so are all with axes=(0, 1).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import scipy
from scipy import ndimage

print("SciPy", scipy.__version__)
photo = np.random.default_rng(0).random((40, 60, 3))
filters = {
    "median_filter": ndimage.median_filter,
    "percentile_filter": lambda *args, **kwargs: ndimage.percentile_filter(args[0], 30, **kwargs),
    "rank_filter": lambda *args, **kwargs: ndimage.rank_filter(args[0], 1, **kwargs),
    "generic_filter": lambda *args, **kwargs: ndimage.generic_filter(args[0], np.ptp, **kwargs),
    "minimum_filter": ndimage.minimum_filter,
    "uniform_filter": ndimage.uniform_filter,
}
for name, function in filters.items():
    rows_by_columns = function(photo, size=(5, 1), axes=(0, 1))
    same = function(photo, size=(1, 5), axes=(1, 0))
    other = function(photo, size=(1, 5), axes=(0, 1))
    assert not np.allclose(rows_by_columns, other)
    seen = "5 rows" if np.allclose(same, rows_by_columns) else "5 columns" if np.allclose(same, other) else "neither"
    print(f"{name}(size=(1, 5), axes=(1, 0)) - expected: a window of 5 rows - seen: {seen}")
    assert seen == ("5 rows" if name in ("minimum_filter", "uniform_filter") else "5 columns")
PYTHON
