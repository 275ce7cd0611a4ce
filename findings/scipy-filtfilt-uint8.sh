#!/usr/bin/env bash
# SciPy 1.17.1: filtfilt() and decimate() of uint8 values are wrong by dozens near both ends.
#
# filtfilt(), sosfiltfilt() and so decimate() extend the signal beyond its ends by mirrored values, 2 * end - value, which they compute in
# the type of the signal: below 0 and above 255 it wraps around, and the filter blurs that into the result. So a row of pixels, or the
# brightness by frame, that begins with 4 begins with 105 when it was smoothed. sosfilt(), savgol_filter() and resample() of the same
# values are right, as are all of them as floats. No issue describes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W error - <<'PYTHON'
import numpy as np
import scipy
from scipy import signal

print("SciPy", scipy.__version__)
row = np.array([4, 60] + [20] * 96 + [40, 2], np.uint8)
sections = signal.butter(2, 0.2, output="sos")
for name, function, right in [
    ("filtfilt", lambda values: signal.filtfilt(*signal.butter(2, 0.2), values), False),
    ("sosfiltfilt", lambda values: signal.sosfiltfilt(sections, values), False),
    ("decimate", lambda values: signal.decimate(values, 2), False),
    ("sosfilt", lambda values: signal.sosfilt(sections, values), True),
    ("savgol_filter", lambda values: signal.savgol_filter(values, 5, 2), True),
    ("resample", lambda values: signal.resample(values, 50), True),
]:
    expected, seen = function(row.astype(float)), function(row)
    print(f"{name}, first and last value - expected: {expected[[0, -1]].round(1)} - seen: {seen[[0, -1]].round(1)}")
    assert seen.dtype == float and np.allclose(seen, expected) == right
PYTHON
