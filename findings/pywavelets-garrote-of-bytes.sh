#!/usr/bin/env bash
# PyWavelets 1.9.0: the garrote threshold makes bytes of 32 and more zero that are far above the threshold, and raises signed ones.
#
# The non-negative garrote shrinks a value x to x (1 - t² / x²) where it is above the threshold t, and to 0 elsewhere. The function
# squares bytes as bytes, so that x² is that modulo 256. The other thresholds of the same function, and this one for the same values as
# floats, are right. Its documentation takes any numeric data.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pywavelets==1.9.0 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import pywt

print("PyWavelets", version("pywavelets"))
pixels = np.array([3, 10, 12, 32, 64, 100, 120])
expected = np.where(pixels > 5, pixels * (1 - 25 / pixels**2), 0)
print("expected:", expected.round(1))
for dtype in ("uint8", "int8"):
    seen = pywt.threshold(pixels.astype(dtype), 5, mode="garrote")
    print(f"{dtype}:", seen.round(1))
    assert np.allclose(seen[:2], expected[:2])  # whose squares are below 128
    assert (seen[3:5] == 0).all()
    assert (seen > pixels).any() == (dtype == "int8")
    for mode in ("soft", "hard", "greater", "less"):
        as_bytes, as_floats = (pywt.threshold(pixels.astype(kind), 5, mode=mode) for kind in (dtype, float))
        assert np.allclose(as_bytes, as_floats)
assert np.allclose(pywt.threshold(pixels.astype(float), 5, mode="garrote"), expected)
PYTHON
