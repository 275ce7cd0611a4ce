#!/usr/bin/env bash
# Matplotlib 3.11.2: acorr() and xcorr() draw correlations of 50 and more of whole numbers, such as a recording's.
#
# Correlations are between -1 and 1, and normed=True, the default, divides by the norms. But all is computed in the values' own type up to
# the division, so that it wraps around: two seconds of 16-bit sound at 1 kHz are enough in int64, a row of pixels in uint8. What is
# drawn at lag 0 is not 1, and other lags are higher. Floats are right, and so is detrend_mean, which makes floats.
# Near to it: pull request 25832, which made the division one of floats. No issue of the project describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet matplotlib==3.11.2 numpy==2.4.6 2>/dev/null
MPLCONFIGDIR="$folder" "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import matplotlib
import numpy as np

matplotlib.use("agg")
from matplotlib import mlab
from matplotlib import pyplot as plt

print("Matplotlib", matplotlib.__version__)
random = np.random.default_rng(0)
sound = np.round(8_000 * np.sin(np.arange(2_000) / 5) + random.normal(0, 500, 2_000))
row = np.round(128 + 100 * np.sin(np.arange(640) / 20))
_, axes = plt.subplots()
for name, values, dtypes in [("sound", sound, [np.int16, np.int64]), ("row of pixels", row, [np.uint8])]:
    _, right, *_ = axes.acorr(values, maxlags=20)
    assert np.isclose(right[20], 1) and right.max() <= right[20] and right.min() >= -1
    for dtype in dtypes:
        integers = values.astype(dtype)
        assert (integers == values).all()
        _, seen, *_ = axes.acorr(integers, maxlags=20)
        print(f"{name} in {dtype.__name__} - expected: 1 at lag 0, and {right.min():.2f} to {right.max():.2f}, as of floats", end=" - ")
        print(f"seen: {seen[20]:.3g} at lag 0, and {seen.min():.3g} to {seen.max():.3g}")
        assert seen[20] > 10 and seen.max() > 20
        assert np.isclose(axes.xcorr(integers, integers, maxlags=20)[1], seen).all()
        _, detrended, *_ = axes.acorr(integers, maxlags=20, detrend=mlab.detrend_mean)
        assert np.isclose(detrended[20], 1) and detrended.max() <= detrended[20]
PYTHON
