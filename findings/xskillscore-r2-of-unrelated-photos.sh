#!/usr/bin/env bash
# xskillscore 0.0.29: two unrelated photos of bytes have an R² of 0.98 instead of -1, and with signed bytes a mean squared error below 0.
#
# Deterministic scores subtract and square in the arrays' own type, so that errors wrap around at 256: the mean squared error, its root,
# the mean, mean absolute and median absolute error, R², MAPE and SMAPE. The correlation of the same photos is right, as it is computed
# in floats, and so is everything for photos of floats. scikit-learn's scores of the same bytes are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xskillscore==0.0.29 xarray==2026.9.0 numba==0.68.1 scikit-learn==1.9.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import xarray
import xskillscore
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

print("xskillscore", xskillscore.__version__)
random = np.random.default_rng(0)
scores = {"r2": r2_score, "mse": mean_squared_error, "mae": mean_absolute_error}
for dtype, brightest in (("uint8", 256), ("int8", 128)):
    first, second = random.integers(0, brightest, (2, 1000)).astype(dtype)
    photos = [xarray.DataArray(photo, dims="pixel") for photo in (first, second)]
    floats = [photo.astype("float64") for photo in photos]
    for name, score in scores.items():
        expected = score(first, second)
        seen = float(getattr(xskillscore, name)(*photos, dim="pixel"))
        print(f"{name} of {dtype} - expected: {expected:.2f} - seen: {seen:.2f}")
        assert np.isclose(getattr(xskillscore, name)(*floats, dim="pixel"), expected)
        assert name == "mae" or not np.isclose(seen, expected, rtol=0.5)
    assert dtype == "uint8" or float(xskillscore.mse(*photos, dim="pixel")) < 0
    assert np.isclose(xskillscore.pearson_r(*photos, dim="pixel"), np.corrcoef(first, second)[0, 1])
PYTHON
