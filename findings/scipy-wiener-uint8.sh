#!/usr/bin/env bash
# SciPy 1.17.1: of a noisy photo in uint8 or int16, signal.wiener() makes pixels far outside its range, and removes little of the noise.
#
# The filter compares the variance around each pixel with that of the noise. It squares the pixels in their own type, so squares wrap
# around at 256, or from 182 on in int16: the variance is negative or near zero, and the pixel is divided by it. The same pixels as
# int32 or floats are right, and the result is float64 in all cases. The documentation names no type. No issue of the project
# describes it; near to it is 9015, of areas without any noise.
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
clean = np.full((128, 128), 120.0)
clean[:, 64:] = 220  # an edge between two even areas
noisy = np.rint(clean + np.random.default_rng(0).normal(0, 5, clean.shape)).clip(0, 255)
inside = np.abs(np.arange(128) - 64)[None, :].repeat(128, 0) > 8
inside[:8] = inside[-8:] = inside[:, :8] = inside[:, -8:] = False  # away from the borders and the edge
print(f"photo: pixels of {noisy.min():.0f} to {noisy.max():.0f}, noise of {(noisy - clean)[inside].std():.2f}")
for dtype in (np.float64, np.float32, np.int32, np.int16, np.uint8):
    filtered = signal.wiener(noisy.astype(dtype), 5)
    error = (filtered - clean)[inside].std()
    print(f"{np.dtype(dtype)} - expected: pixels of 99 to 235, noise of 1 - seen: {filtered.min():.0f} to {filtered.max():.0f}", end=", ")
    print(f"noise of {error:.2f}")
    if dtype in (np.int16, np.uint8):
        assert filtered.min() < -1000 and error > 3
    else:
        assert 99 < filtered.min() and filtered.max() < 235 and error < 1.1
PYTHON
